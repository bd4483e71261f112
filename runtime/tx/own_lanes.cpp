//===- own_lanes.cpp - The lanes that a thread keeps ----------------------===//

#include "tx/own_lanes.h"

using namespace perdure;

OwnLanes::Entry &OwnLanes::entryOf(const Object &O) {
  constexpr uint64_t Count = sizeof(Entries) / sizeof(*Entries);
  return Entries[O.Base / TheWindow.slotBytes() % Count];
}

// A log's serial number is no other's, so the lane is there while its log is O's.
Lane *OwnLanes::find(const Object &O) {
  Entry &E = entryOf(O);
  return E.L && E.LogSerial == logSerial(O) ? E.L : nullptr;
}

Lane *OwnLanes::take(Object &O, uint64_t Tx) {
  Entry &E = entryOf(O);
  Lane *L = find(O);
  if (__builtin_expect(!L, 0)) {
    if (E.Base == O.Base)
      E.L = nullptr; // there is another log in its place
    return takeLane(O);
  }
  E.UsedIn = Tx;
  reuseLane(*L);
  return L;
}

void OwnLanes::drop(Object &O, Lane &L, uint64_t Tx) {
  // However many threads there are, few lanes wait for one, each with one page of the
  // log, whose smallest has 15: where the file cannot grow, others need the rest.
  constexpr unsigned MostKept = 8, Chunks = 1;
  Entry &E = entryOf(O);
  bool Mine = find(O) == &L;
  if (__builtin_expect(Mine && !L.Kept, 1)) {
    E.UsedIn = 0;
    restLane(O, L, Chunks);
    return;
  }
  if (Mine)
    E.L = nullptr;
  // Who writes objects in turn that share an entry would give lanes back all the
  // time.
  if (L.Kept || L.Index >= MostKept ||
      (E.L && (E.UsedIn == Tx || E.Met++ % 16))) {
    dropLane(O, L);
    return;
  }
  if (E.L)
    giveBackLane(E.LogSerial, *E.L);
  restLane(O, L, Chunks);
  E = {O.Base, logSerial(O), &L, 0, E.Met};
}

void OwnLanes::release() {
  for (Entry &E : Entries)
    if (E.L)
      giveBackLane(E.LogSerial, *E.L);
  forget();
}
