//===- stayed.cpp - The check of an object that is closed -----------------===//

#include "api/stayed.h"
#include "alloc/heap.h"
#include "fot/escapes.h"
#include "platform/error.h"

#include <errno.h>
#include <stdlib.h>

using namespace perdure;

namespace {
/// Goes through a list as the blocks pass by and keeps what lies in one.
struct Filter {
  EscapeList &List;
  uint64_t Seen, Kept;

  static void block(void *Context, uint64_t Offset, uint64_t Bytes) {
    Filter &F = *(Filter *)Context;
    while (F.Seen < F.List.Count && F.List.Entries[F.Seen].Offset < Offset)
      ++F.Seen;
    while (F.Seen < F.List.Count &&
           F.List.Entries[F.Seen].Offset - Offset < Bytes)
      F.List.Entries[F.Kept++] = F.List.Entries[F.Seen++];
  }
};
} // namespace

// A freed block holds old bits, which nobody reads.
static void dropFreed(Object &O, EscapeList &List) {
  Filter F = {List, 0, 0};
  // Where the page map is damaged nobody knows: those are kept.
  if (!visitBlocks(O, Filter::block, &F))
    while (F.Seen < List.Count)
      List.Entries[F.Kept++] = List.Entries[F.Seen++];
  List.Count = F.Kept;
}

void perdure::reportWhatStayed(Object &O) {
  int Saved = errno;
  EscapeList List = takeEscapes(O);
  // Nobody opens a file again that is gone.
  if (List.Count && !O.Removed)
    dropFreed(O, List);
  else
    List.Count = 0;
  if (List.Count) {
    ObjectLabel Label = labelOf(O);
    report("object %s: %llu native address%s stayed in it, which the next "
           "process cannot use: overwrite each before the close, allocate its "
           "target with perdure_alloc in an object of this store, or mark the "
           "field [[perdure::transient]]",
           Label.Text, (unsigned long long)List.Count,
           List.Count == 1 ? "" : "es");
    constexpr uint64_t Few = 5;
    for (uint64_t I = 0; I < List.Count && I < Few; ++I) {
      const Escape &E = List.Entries[I];
      uint64_t B = (uint64_t)E.Stored;
      report(
          "object %s: offset 0x%llx holds 0x%llx%s%s", Label.Text,
          (unsigned long long)E.Offset,
          (unsigned long long)(perdureIsTagged(B) ? perdureTaggedValue(B) : B),
          E.Where ? ", stored at " : "", E.Where ? E.Where : "");
    }
    if (List.Count > Few)
      report("object %s: and %llu more", Label.Text,
             (unsigned long long)(List.Count - Few));
  }
  free(List.Entries);
  errno = Saved;
}
