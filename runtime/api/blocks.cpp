//===- blocks.cpp - An object's allocated blocks --------------------------===//

#include "alloc/heap.h"
#include "api/arguments.h"
#include "fot/fot.h"
#include "platform/error.h"

#include <errno.h>
#include <stdlib.h>

using namespace perdure;

namespace {
struct Found {
  uint64_t Offset, Bytes;
};

/// Grows as needed.
struct FoundList {
  Found *Items = nullptr;
  size_t Count = 0, Room = 0;
  bool Ok = true;

  FoundList() = default;
  ~FoundList() { free((void *)Items); }
  FoundList(const FoundList &) = delete;
  FoundList &operator=(const FoundList &) = delete;
  void add(uint64_t Offset, uint64_t Bytes) {
    if (Count == Room) {
      size_t More = Room ? Room * 2 : 256;
      auto *Larger = (Found *)realloc((void *)Items, More * sizeof(Found));
      if (!Larger) {
        Ok = false;
        return;
      }
      Items = Larger;
      Room = More;
    }
    Items[Count++] = {Offset, Bytes};
  }
};
} // namespace

// Offsets of the texts of names, ascending.
static void findNames(Object &O, FoundList &Names) {
  FotTarget Target;
  for (uint64_t I = 1; !fotEnds(O, I); ++I)
    if (fotTarget(O, I, Target) && Target.NameAt)
      Names.add(Target.NameAt, 0);
  if (Names.Count)
    qsort((void *)Names.Items, Names.Count, sizeof(Found),
          [](const void *A, const void *B) {
            uint64_t X = ((const Found *)A)->Offset, Y = ((const Found *)B)->Offset;
            return X < Y ? -1 : X > Y;
          });
}

int perdure_blocks(const void *in_object,
                   int (*visit)(void *, const struct perdure_block *), void *arg) {
  Object *O = openObjectAt(in_object, "perdure_blocks");
  if (!O)
    return -1;
  followWriter(*O);
  FoundList Blocks, Names;
  findNames(*O, Names);
  // What is visited may call whatever it likes, so it is not called under the heap's
  // locks.
  bool Whole = visitBlocks(
      *O,
      [](void *To, uint64_t Offset, uint64_t Bytes) {
        ((FoundList *)To)->add(Offset, Bytes);
      },
      &Blocks);
  if (!Whole)
    return -1;
  if (!Blocks.Ok || !Names.Ok)
    return fail(ENOMEM, "no memory for the blocks of object %s", labelOf(*O).Text),
           -1;
  size_t Name = 0;
  for (size_t I = 0; I < Blocks.Count; ++I) {
    struct perdure_block B = {Blocks.Items[I].Offset, Blocks.Items[I].Bytes,
                              PERDURE_BLOCK_DATA};
    if (O->RootOffset - B.offset < B.bytes)
      B.kind = PERDURE_BLOCK_ROOT;
    while (Name < Names.Count && Names.Items[Name].Offset < B.offset)
      ++Name;
    if (Name < Names.Count && Names.Items[Name].Offset - B.offset < B.bytes)
      B.kind = PERDURE_BLOCK_NAME;
    if (int Result = visit(arg, &B))
      return Result;
  }
  return 0;
}
