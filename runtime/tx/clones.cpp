//===- clones.cpp - What runs in a transaction instead
//---------------------===//
//
// One hash table for all binaries. Who looks takes no lock: a slot's function
// is written before its clone, and the clone is what counts. A table that is
// too small is followed by one of twice the size, and stays for those who are
// looking in it; all of them together are smaller than the last.
//
// The functions of a binary that goes away are taken out by their clone alone:
// the slot keeps its place, for the next function that comes that way. Nobody
// looks for what has gone, so no reader sees a slot change hands.
//
//===----------------------------------------------------------------------===//

#include "tx/clones.h"
#include "platform/lock.h"

#include <stdlib.h>

using namespace perdure;

namespace {
struct Slot {
  const void *Function; // atomic; null: never used
  void *Clone;          // atomic; null: free
};
struct Table {
  Table *Older;
  uint64_t Capacity, Used; // Used: slots with a function
  Slot Slots[];
};
struct Binary {
  Binary *Next;
  const perdure_tx_pair *Pairs;
  uint64_t Count;
};
} // namespace

static Mutex ClonesLock;
static Table *Newest;    // atomic
static Binary *Binaries; // under ClonesLock

static uint64_t placeOf(const Table &T, const void *Function) {
  return ((uint64_t)Function * 0x9e3779b97f4a7c15 >> 32) & (T.Capacity - 1);
}

void *perdure::findClone(const void *Function) {
  const Table *T = __atomic_load_n(&Newest, __ATOMIC_ACQUIRE);
  if (!T)
    return nullptr;
  for (uint64_t I = placeOf(*T, Function);; I = (I + 1) & (T->Capacity - 1)) {
    const void *Here = __atomic_load_n(&T->Slots[I].Function, __ATOMIC_ACQUIRE);
    if (Here == Function)
      return __atomic_load_n(&T->Slots[I].Clone, __ATOMIC_ACQUIRE);
    if (!Here)
      return nullptr;
  }
}

// Null: none, and there is a free slot in *Free, used or not.
static Slot *slotOf(Table &T, const void *Function, Slot *&Free) {
  Free = nullptr;
  for (uint64_t I = placeOf(T, Function);; I = (I + 1) & (T.Capacity - 1)) {
    Slot &S = T.Slots[I];
    if (S.Function == Function)
      return &S;
    if (!Free && !S.Clone)
      Free = &S;
    if (!S.Function)
      return nullptr;
  }
}

static void put(Table &T, const perdure_tx_pair &Pair) {
  Slot *Free, *S = slotOf(T, Pair.Original, Free);
  if (!S) {
    S = Free;
    T.Used += !S->Function;
    __atomic_store_n(&S->Function, Pair.Original, __ATOMIC_RELEASE);
  }
  // Of two binaries that have the same function, the first counts.
  if (!S->Clone)
    __atomic_store_n(&S->Clone, Pair.Clone, __ATOMIC_RELEASE);
}

static bool makeRoom(uint64_t More) {
  uint64_t Used = Newest ? Newest->Used : 0;
  if (Newest && (Used + More) * 2 <= Newest->Capacity)
    return true;
  uint64_t Capacity = Newest ? Newest->Capacity * 2 : 64;
  while ((Used + More) * 2 > Capacity)
    Capacity *= 2;
  auto *T = (Table *)calloc(1, sizeof(Table) + Capacity * sizeof(Slot));
  if (!T)
    return false;
  T->Older = Newest;
  T->Capacity = Capacity;
  for (uint64_t I = 0; Newest && I < Newest->Capacity; ++I)
    if (const Slot &S = Newest->Slots[I]; S.Clone)
      put(*T, {const_cast<void *>(S.Function), S.Clone});
  __atomic_store_n(&Newest, T, __ATOMIC_RELEASE);
  return true;
}

bool perdure::addClones(const perdure_tx_pair *Pairs, uint64_t Count) {
  static pthread_once_t Once = PTHREAD_ONCE_INIT;
  pthread_once(&Once, [] {
    pthread_atfork([] { ClonesLock.lock(); }, [] { ClonesLock.unlock(); },
                   [] { ClonesLock.unlock(); });
  });
  auto *B = (Binary *)malloc(sizeof(Binary));
  if (!B)
    return false;
  Locked L(ClonesLock);
  if (!makeRoom(Count)) {
    free(B);
    return false;
  }
  for (uint64_t I = 0; I < Count; ++I)
    put(*Newest, Pairs[I]);
  *B = {Binaries, Pairs, Count};
  Binaries = B;
  return true;
}

// What another binary runs instead of Function: of an inline function of C++,
// each may have a copy.
static void *cloneElsewhere(const void *Function) {
  for (const Binary *B = Binaries; B; B = B->Next)
    for (uint64_t I = 0; I < B->Count; ++I)
      if (B->Pairs[I].Original == Function)
        return B->Pairs[I].Clone;
  return nullptr;
}

void perdure::removeClones(const perdure_tx_pair *Pairs, uint64_t Count) {
  Locked L(ClonesLock);
  for (Binary **At = &Binaries; *At; At = &(*At)->Next)
    if (Binary *B = *At; B->Pairs == Pairs) {
      *At = B->Next;
      free(B);
      break;
    }
  for (uint64_t I = 0; I < Count; ++I) {
    Slot *Free, *S = slotOf(*Newest, Pairs[I].Original, Free);
    if (S && S->Clone == Pairs[I].Clone)
      __atomic_store_n(&S->Clone, cloneElsewhere(Pairs[I].Original),
                       __ATOMIC_RELEASE);
  }
}
