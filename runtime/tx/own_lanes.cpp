//===- own_lanes.cpp - The lanes that a thread keeps ----------------------===//

#include "tx/own_lanes.h"

using namespace perdure;

OwnLanes::Entry &OwnLanes::entryOf(const Object &O) {
  return Entries[O.Base / TheWindow.slotBytes() %
                 (sizeof(Entries) / sizeof(*Entries))];
}

// A log's serial number is no other's, so the lane is there while its log is
// O's.
Lane *OwnLanes::take(Object &O) {
  Entry &E = entryOf(O);
  if (__builtin_expect(!E.L || E.LogSerial != logSerial(O), 0))
    return takeLane(O);
  E.InUse = true;
  reuseLane(*E.L);
  return E.L;
}

void OwnLanes::drop(Object &O, Lane &L) {
  Entry &E = entryOf(O);
  if (__builtin_expect(E.L == &L && !L.Kept, 1)) {
    E.InUse = false;
    restLane(O, L);
    return;
  }
  if (E.L == &L)
    E = Entry();
  // However many threads there are, few lanes wait for one.
  constexpr unsigned MostKept = 64;
  if (L.Kept || E.InUse || L.Index >= MostKept) {
    dropLane(O, L);
    return;
  }
  restLane(O, L);
  if (E.L)
    giveBackLane(E.LogSerial, *E.L);
  E = {logSerial(O), &L, false};
}

void OwnLanes::release() {
  for (Entry &E : Entries)
    if (E.L)
      giveBackLane(E.LogSerial, *E.L);
  forget();
}
