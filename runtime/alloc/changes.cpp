//===- changes.cpp - What the allocator changed and no commit has ---------===//

#include "alloc/changes.h"
#include "alloc/format.h"
#include "platform/error.h"
#include "platform/shadow.h"

#include <stdlib.h>
#include <string.h>

using namespace perdure;

namespace {
struct Word {
  uint64_t Offset; // 0: empty; ~0: it was, and means nothing
  uint64_t Clear, Set;
};
struct Range {
  uint64_t Begin, End;
};
constexpr uint64_t Gone = ~(uint64_t)0;
} // namespace

namespace perdure {
struct Changes {
  Latch Lock;
  Word *Words; // a hash table
  size_t Capacity, Used; // a power of two; places that are not empty
  Range *Zeroed;
  size_t Ranges, Room;
};
} // namespace perdure

namespace {
/// Holds the lock of the changes.
class [[nodiscard]] Noting {
public:
  explicit Noting(Latch &L) : Hold(L) { beginUnseen(); }
  ~Noting() { endUnseen(); } // before it is unlocked
  Noting(const Noting &) = delete;
  Noting &operator=(const Noting &) = delete;

private:
  Locked<Latch> Hold;
};
} // namespace

[[noreturn]] static void dieWithoutMemory(const Object &O) {
  die("object %s: no memory for what the allocator has changed; it holds what was "
      "committed when it is opened again",
      labelOf(O).Text);
}

static Changes &changesOf(Object &O) {
  Changes *C = __atomic_load_n(&O.TheChanges, __ATOMIC_ACQUIRE);
  if (__builtin_expect(C != nullptr, 1))
    return *C;
  Changes *New = (Changes *)calloc(1, sizeof(Changes));
  if (!New)
    dieWithoutMemory(O);
  if (__atomic_compare_exchange_n(&O.TheChanges, &C, New, false,
                                  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return *New;
  free(New);
  return *C;
}

// Where the word is, or would go.
static Word *placeOf(const Changes &C, uint64_t Offset) {
  for (size_t I = (size_t)(Offset * 0x9e3779b97f4a7c15 >> 32);; ++I) {
    Word *W = &C.Words[I & (C.Capacity - 1)];
    if (!W->Offset || W->Offset == Offset)
      return W;
  }
}

static void widen(Object &O, Changes &C) {
  Changes New = C;
  New.Used = 0;
  New.Capacity = C.Capacity ? 2 * C.Capacity : 256;
  New.Words = (Word *)calloc(New.Capacity, sizeof(Word));
  if (!New.Words)
    dieWithoutMemory(O);
  for (size_t I = 0; I < C.Capacity; ++I)
    if (C.Words[I].Offset && C.Words[I].Offset != Gone) {
      *placeOf(New, C.Words[I].Offset) = C.Words[I];
      ++New.Used;
    }
  free(C.Words);
  C.Words = New.Words;
  C.Capacity = New.Capacity;
  C.Used = New.Used;
}

void perdure::noteWord(Object &O, const void *P, uint64_t Clear, uint64_t Set) {
  Changes &C = changesOf(O);
  uint64_t Offset = (uint64_t)P - O.Base;
  Noting Hold(C.Lock);
  if (2 * C.Used >= C.Capacity)
    widen(O, C);
  Word *W = placeOf(C, Offset);
  if (!W->Offset) {
    ++C.Used;
    *W = {Offset, 0, 0};
  }
  W->Set = (W->Set & ~Clear) | Set;
  W->Clear |= Clear;
}

// The heads of slabs that lay there are none any more, and words of theirs must
// not be written over what the block will hold. They are at the beginnings of
// pages.
static void forgetHeads(Changes &C, Range R) {
  if (!C.Capacity)
    return;
  for (uint64_t At = (R.Begin + FilePage - 1) & ~(FilePage - 1); At < R.End;
       At += FilePage)
    for (uint64_t I = 0; I < sizeof(SlabHeader); I += sizeof(uint64_t)) {
      Word *W = placeOf(C, At + I);
      if (W->Offset)
        *W = {Gone, 0, 0};
    }
}

static int compareRanges(const void *A, const void *B) {
  const auto *X = (const Range *)A, *Y = (const Range *)B;
  return X->Begin < Y->Begin ? -1 : X->Begin > Y->Begin;
}

static void mergeRanges(Changes &C) {
  if (!C.Ranges)
    return;
  qsort(C.Zeroed, C.Ranges, sizeof(Range), compareRanges);
  size_t Last = 0;
  for (size_t I = 1; I < C.Ranges; ++I)
    if (C.Zeroed[I].Begin > C.Zeroed[Last].End)
      C.Zeroed[++Last] = C.Zeroed[I];
    else if (C.Zeroed[I].End > C.Zeroed[Last].End)
      C.Zeroed[Last].End = C.Zeroed[I].End;
  C.Ranges = Last + 1;
}

void perdure::noteZeroed(Object &O, const void *P, uint64_t Bytes) {
  if (!Bytes)
    return;
  Changes &C = changesOf(O);
  uint64_t Offset = (uint64_t)P - O.Base;
  Noting Hold(C.Lock);
  // A program that allocates and frees the same blocks needs no more room.
  if (C.Ranges == C.Room) {
    mergeRanges(C);
    if (2 * C.Ranges >= C.Room) {
      size_t Room = C.Room ? 2 * C.Room : 64;
      auto *Bigger = (Range *)realloc(C.Zeroed, Room * sizeof(Range));
      if (!Bigger)
        dieWithoutMemory(O);
      C.Zeroed = Bigger;
      C.Room = Room;
    }
  }
  C.Zeroed[C.Ranges++] = {Offset, Offset + Bytes};
  forgetHeads(C, C.Zeroed[C.Ranges - 1]);
}

void perdure::forgetZeroed(Object &O, const void *P, uint64_t Bytes) {
  Changes &C = changesOf(O);
  uint64_t Offset = (uint64_t)P - O.Base;
  Noting Hold(C.Lock);
  if (C.Ranges && C.Zeroed[C.Ranges - 1].Begin == Offset &&
      C.Zeroed[C.Ranges - 1].End - Offset <= Bytes)
    --C.Ranges;
}

void perdure::takeChanges(Object &O, ChangeTaker &Taker) {
  Changes *C = __atomic_load_n(&O.TheChanges, __ATOMIC_ACQUIRE);
  if (!C)
    return;
  Noting Hold(C->Lock);
  mergeRanges(*C);
  for (size_t I = 0; I < C->Ranges; ++I)
    Taker.zeroed(C->Zeroed[I].Begin, C->Zeroed[I].End - C->Zeroed[I].Begin);
  C->Ranges = 0;
  if (!C->Used)
    return;
  for (size_t I = 0; I < C->Capacity; ++I) {
    const Word &W = C->Words[I];
    if (W.Offset && W.Offset != Gone)
      Taker.word(W.Offset, W.Clear, W.Set);
  }
  memset((void *)C->Words, 0, C->Capacity * sizeof(Word));
  C->Used = 0;
}

bool perdure::hasChanges(Object &O) {
  Changes *C = __atomic_load_n(&O.TheChanges, __ATOMIC_ACQUIRE);
  if (!C)
    return false;
  Noting Hold(C->Lock);
  return C->Ranges || C->Used;
}

void perdure::changesRelease(Object &O) {
  Changes *C = O.TheChanges;
  O.TheChanges = nullptr;
  if (!C)
    return;
  free(C->Words);
  free(C->Zeroed);
  free(C);
}

void perdure::changesBeforeFork(Object &O) {
  if (O.TheChanges)
    O.TheChanges->Lock.lock();
}

void perdure::changesAfterFork(Object &O) {
  if (O.TheChanges)
    O.TheChanges->Lock.unlock();
}
