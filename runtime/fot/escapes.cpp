//===- escapes.cpp - Native addresses that objects were given -------------===//

#include "fot/escapes.h"
#include "platform/error.h"
#include "platform/shadow.h"

#include <stdlib.h>
#include <string.h>

using namespace perdure;

namespace perdure {
/// Open addressing by offset.
struct EscapeSet {
  uint64_t Count;
  uint64_t Capacity; // of Entries, a power of two
  Escape *Entries;
  bool Full; // there was no memory: not asked for at each escape
};
} // namespace perdure

// One lock for all: it is held for a look at a table.
static Mutex EscapesLock;

void perdure::escapesBeforeFork() { pthread_mutex_lock(&EscapesLock.Handle); }
void perdure::escapesAfterFork() { pthread_mutex_unlock(&EscapesLock.Handle); }

//===----------------------------------------------------------------------===//
// Source lines
//===----------------------------------------------------------------------===//

namespace {
/// The text follows.
struct Site {
  Site *Next;
  char *text() { return (char *)(this + 1); }
};
} // namespace

// Copies, each once: the library that holds the original may be unloaded before
// its line is reported.
static Site *Sites[256];

static const char *keepSite(const char *Where) {
  if (!Where)
    return nullptr;
  uint32_t Hash = 0;
  for (const char *C = Where; *C; ++C)
    Hash = Hash * 31 + (unsigned char)*C;
  Site *&First = Sites[Hash % (sizeof(Sites) / sizeof(*Sites))];
  for (Site *S = First; S; S = S->Next)
    if (!strcmp(S->text(), Where))
      return S->text();
  Site *New = (Site *)malloc(sizeof(Site) + strlen(Where) + 1);
  if (!New)
    return nullptr;
  strcpy(New->text(), Where);
  New->Next = First;
  First = New;
  return New->text();
}

//===----------------------------------------------------------------------===//
// The set
//===----------------------------------------------------------------------===//

// Where Offset is, or would go.
static Escape *entryOf(const EscapeSet &Set, uint64_t Offset) {
  uint64_t I = Offset * 0x9e3779b97f4a7c15 >> 20;
  for (;; ++I) {
    Escape *E = &Set.Entries[I & (Set.Capacity - 1)];
    if (!E->Offset || E->Offset == Offset)
      return E;
  }
}

static bool widen(EscapeSet &Set) {
  if (Set.Full)
    return false;
  EscapeSet New = Set;
  New.Capacity = Set.Capacity ? Set.Capacity * 2 : 64;
  New.Entries = (Escape *)calloc(New.Capacity, sizeof(Escape));
  if (!New.Entries) {
    Set.Full = true;
    return false;
  }
  for (uint64_t I = 0; I < Set.Capacity; ++I)
    if (Set.Entries[I].Offset)
      *entryOf(New, Set.Entries[I].Offset) = Set.Entries[I];
  free(Set.Entries);
  Set = New;
  return true;
}

// The entry of Offset, made when there is none; null without memory.
static Escape *enter(Object &O, uint64_t Offset) {
  if (!O.TheEscapes)
    O.TheEscapes = (EscapeSet *)calloc(1, sizeof(EscapeSet));
  EscapeSet *Set = O.TheEscapes;
  if (!Set || (!Set->Capacity && !widen(*Set)))
    return nullptr;
  Escape *E = entryOf(*Set, Offset);
  if (E->Offset)
    return E;
  if (Set->Count * 2 >= Set->Capacity) {
    if (!widen(*Set))
      return nullptr;
    E = entryOf(*Set, Offset);
  }
  E->Offset = Offset;
  ++Set->Count;
  return E;
}

void perdure::rememberEscape(Object &O, uint64_t Offset, Bits B,
                             const char *Where) {
  // No block lies in the header, and 0 is none.
  if (Offset < HeaderBytes)
    return;
  Locked Hold(EscapesLock);
  if (Escape *E = enter(O, Offset)) {
    E->Stored = B;
    E->Where = keepSite(Where);
    return;
  }
  static bool Said;
  if (!Said)
    report("no memory is left to remember native addresses stored into "
           "objects; closing object %s and others may miss some that stayed",
           labelOf(O).Text);
  Said = true;
}

//===----------------------------------------------------------------------===//
// Those that stayed
//===----------------------------------------------------------------------===//

// An overwritten container may hold anything now, a number too. Numbers are
// seldom addresses that processes have; what was stored there is one, though.
static bool isNativeStill(Bits Now, const Escape &E) {
  uint64_t B = (uint64_t)Now;
  if (Now == E.Stored)
    return true;
  if (!perdureIsTagged(B) && !perdureIsPlainNative(B, TheWindow.SlotBits))
    return false;
  uint64_t Value = perdureIsTagged(B) ? perdureTaggedValue(B) : B;
  return !perdureIsConstant(Value) && Value >> 47 == 0;
}

static int byOffset(const void *A, const void *B) {
  uint64_t First = ((const Escape *)A)->Offset;
  uint64_t Second = ((const Escape *)B)->Offset;
  return First < Second ? -1 : First > Second;
}

EscapeList perdure::takeEscapes(Object &O) {
  EscapeSet Set = {};
  {
    Locked Hold(EscapesLock);
    if (O.TheEscapes) {
      Set = *O.TheEscapes;
      *O.TheEscapes = {};
    }
  }
  uint64_t End = __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE);
  EscapeList Stayed = {Set.Entries, 0};
  for (uint64_t I = 0; I < Set.Capacity; ++I) {
    Escape E = Set.Entries[I];
    Bits Now;
    if (!E.Offset || E.Offset >= End || End - E.Offset < sizeof(Now))
      continue;
    copyUnseen(&Now, (const void *)(O.Base + E.Offset), sizeof(Now));
    if (!isNativeStill(Now, E))
      continue;
    E.Stored = Now;
    Stayed.Entries[Stayed.Count++] = E;
  }
  if (Stayed.Count)
    qsort(Stayed.Entries, Stayed.Count, sizeof(Escape), byOffset);
  return Stayed;
}

void perdure::escapesRelease(Object &O) {
  if (!O.TheEscapes)
    return;
  free(O.TheEscapes->Entries);
  free(O.TheEscapes);
  O.TheEscapes = nullptr;
}
