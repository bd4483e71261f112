//===- fot.cpp - The foreign object table of one object -------------------===//
//
// In the file: entries 1, 2, ... in extents, append-only. Entry 0 is the object
// itself and never written. An entry is claimed by a compare-and-swap of its
// last word from free, filled, and made valid by one store of that word, so
// that whoever dies in between leaves a dead entry and nothing else; this
// protocol needs no lock in the file.
//
// In memory: a hash table from ID to index, built at the first insertion.
//
//===----------------------------------------------------------------------===//

#include "fot/fot.h"
#include "object/header.h"
#include "platform/error.h"

#include <errno.h>
#include <stdlib.h>

using namespace perdure;

constexpr uint64_t FirstExtent = FilePage / sizeof(FotEntry);

namespace perdure {
struct Fot {
  uint64_t Next;     // the index that is tried next
  uint64_t Entries;  // in Buckets
  uint64_t Capacity; // of Buckets, a power of two
  uint32_t *Buckets; // indexes; 0 is empty
};
} // namespace perdure

// One lock for all: insertions are rare, and the object's own lock is taken
// beneath it when the table grows.
static Mutex FotLock;

static FotEntry *entryAt(const Object &O, uint64_t Index) {
  ExtentPlace Place = placeIn(Index, FirstExtent);
  uint64_t Extent = extentOf(O, Table::Fot, Place.K);
  return Extent ? (FotEntry *)(O.Base + Extent) + Place.Within : nullptr;
}

// The entry's last word: Valid and Checksum, read and written as one.
static uint64_t *lastWord(FotEntry *E) { return (uint64_t *)&E->Valid; }

static uint64_t makeLastWord(uint32_t Valid, uint32_t Checksum) {
  return Valid | (uint64_t)Checksum << 32;
}

static bool isValid(FotEntry *E) {
  return __atomic_load_n(lastWord(E), __ATOMIC_ACQUIRE) ==
         makeLastWord(EntryById, checksumOf(*E));
}

bool perdure::fotId(Object &O, uint64_t Index, perdure_id &Id) {
  if (Index == 0 || Index > PerdureAbiFotIndexMax)
    return false;
  FotEntry *E = entryAt(O, Index);
  if (!E && !O.Writable) {
    followWriter(O);
    E = entryAt(O, Index);
  }
  if (!E || !isValid(E))
    return false;
  Id = {E->IdHi, E->IdLo};
  return true;
}

uint64_t perdure::fotCount(const Object &O) {
  uint64_t Count = 0;
  for (uint64_t I = 1; I <= PerdureAbiFotIndexMax; ++I) {
    FotEntry *E = entryAt(O, I);
    if (!E || !__atomic_load_n(lastWord(E), __ATOMIC_ACQUIRE))
      break;
    Count += isValid(E);
  }
  return Count;
}

//===----------------------------------------------------------------------===//
// The hash table
//===----------------------------------------------------------------------===//

static uint32_t *bucketOf(const Object &O, const Fot &F, perdure_id Id) {
  uint64_t I = Id.hi ^ Id.lo * 0x9e3779b97f4a7c15; // IDs are random already
  for (;; ++I) {
    uint32_t *Bucket = &F.Buckets[I & (F.Capacity - 1)];
    if (!*Bucket)
      return Bucket;
    const FotEntry *E = entryAt(O, *Bucket);
    if (E->IdHi == Id.hi && E->IdLo == Id.lo)
      return Bucket;
  }
}

static bool widen(const Object &O, Fot &F) {
  if (F.Entries * 2 < F.Capacity)
    return true;
  Fot New = F;
  New.Capacity = F.Capacity ? F.Capacity * 2 : 64;
  New.Buckets = (uint32_t *)calloc(New.Capacity, sizeof(uint32_t));
  if (!New.Buckets)
    return fail(ENOMEM, "no memory for the FOT's index");
  for (uint64_t I = 0; I < F.Capacity; ++I)
    if (uint32_t Index = F.Buckets[I]) {
      const FotEntry *E = entryAt(O, Index);
      *bucketOf(O, New, {E->IdHi, E->IdLo}) = Index;
    }
  free(F.Buckets);
  F = New;
  return true;
}

static bool remember(const Object &O, Fot &F, uint64_t Index) {
  if (!widen(O, F))
    return false;
  const FotEntry *E = entryAt(O, Index);
  uint32_t *Bucket = bucketOf(O, F, {E->IdHi, E->IdLo});
  if (!*Bucket) { // the lowest index stays
    *Bucket = (uint32_t)Index;
    ++F.Entries;
  }
  return true;
}

static void release(Object &O) {
  if (!O.TheFot)
    return;
  free(O.TheFot->Buckets);
  free(O.TheFot);
  O.TheFot = nullptr;
}

static Fot *open(Object &O) {
  if (O.TheFot)
    return O.TheFot;
  Fot *F = (Fot *)calloc(1, sizeof(Fot));
  if (!F) {
    fail(ENOMEM, "no memory for the FOT's index");
    return nullptr;
  }
  O.TheFot = F;
  bool Ok = widen(O, *F);
  for (F->Next = 1; Ok && F->Next <= PerdureAbiFotIndexMax; ++F->Next) {
    FotEntry *E = entryAt(O, F->Next);
    if (!E || !__atomic_load_n(lastWord(E), __ATOMIC_ACQUIRE))
      break;
    if (isValid(E))
      Ok = remember(O, *F, F->Next);
  }
  if (Ok)
    return F;
  release(O);
  return nullptr;
}

void perdure::fotRelease(Object &O) {
  // When the object becomes writable others may be looking for an ID.
  Locked Hold(FotLock);
  release(O);
}

//===----------------------------------------------------------------------===//
// Insertion
//===----------------------------------------------------------------------===//

// A claimed entry of O, or null.
static FotEntry *claim(Object &O, Fot &F) {
  for (; F.Next <= PerdureAbiFotIndexMax; ++F.Next) {
    FotEntry *E = entryAt(O, F.Next);
    if (!E) {
      unsigned K = placeIn(F.Next, FirstExtent).K;
      if (!appendExtent(O, Table::Fot, K))
        return nullptr;
      E = entryAt(O, F.Next);
    }
    uint64_t Free = EntryFree;
    if (__atomic_compare_exchange_n(lastWord(E), &Free,
                                    makeLastWord(EntryClaimed, 0), false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      return E;
  }
  fail(ENOSPC, "the FOT of object %s is full: it leads to %u others",
       labelOf(O).Text, (unsigned)PerdureAbiFotIndexMax);
  return nullptr;
}

uint64_t perdure::fotIndex(Object &O, perdure_id Id) {
  Locked Hold(FotLock);
  Fot *F = open(O);
  if (!F || !widen(O, *F))
    return 0;
  if (uint32_t Index = *bucketOf(O, *F, Id))
    return Index;
  if (!O.Writable) {
    fail(EROFS, "object %s is open read-only and cannot lead to one more",
         labelOf(O).Text);
    return 0;
  }
  FotEntry *E = claim(O, *F);
  if (!E)
    return 0;
  E->IdHi = Id.hi;
  E->IdLo = Id.lo;
  E->Rights = FotRead | FotWrite;
  E->Reserved = 0;
  flushMetadata(O, E, sizeof(*E));
  __atomic_store_n(lastWord(E), makeLastWord(EntryById, checksumOf(*E)),
                   __ATOMIC_RELEASE);
  flushHeader(O, E, sizeof(*E));
  uint64_t Index = F->Next++;
  return remember(O, *F, Index) ? Index : 0;
}
