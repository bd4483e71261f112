//===- recover.cpp - What a process that died left in a log ---------------===//
//
// First every record of every lane is looked at, and nothing is changed unless
// all make sense. Then each lane is rolled back, and cut. The order does not
// matter: what two transactions may overwrite at once the program keeps apart.
//
// Dying in here: until a lane is cut its records are what they were, and all that
// is done by them (bytes brought back, blocks marked as free that nobody can have
// taken yet) may be done again.
//
//===----------------------------------------------------------------------===//

#include "tx/recover.h"
#include "alloc/page_map.h"
#include "platform/error.h"
#include "platform/options.h"
#include "tx/together.h"
#include "tx/undo.h"

#include <errno.h>
#include <string.h>

using namespace perdure;

static bool failHostile(const Object &O, unsigned Lane, const char *What) {
  return fail(EPROTO,
              "object %s: lane %u of its log %s; nothing was rolled back: "
              "restore the object from a copy",
              labelOf(O).Text, Lane, What);
}

namespace {
/// What is to be done with a lane.
struct Plan {
  uint64_t Last;    // its last record; 0: it is empty
  bool RollsBack;   // else what it says is committed
  bool Waits;       // for another object, which has to ask this one first
};
} // namespace

// Whether the others that the record names know of the commit. The record counts
// when its offset is 0.
static bool isAwaitedByAny(const Object &O, unsigned Lane, const LogRecord &R) {
  uint64_t Generation = laneHead(O, Lane)->Generation;
  for (uint64_t At = 0; At < R.bytes(); At += sizeof(Vote)) {
    Vote V;
    memcpy(&V, R.content() + At, sizeof(V));
    if (isAwaited(O, Lane, Generation, V))
      return true;
  }
  return false;
}

// Whether everything in the lane's log can be done, and what that is.
static bool checkLane(const Object &O, unsigned Lane, Plan &P) {
  P = {0, true, false};
  Vote Leader;
  bool Prepared = false;
  LogReader Reader(O, Lane);
  while (const LogRecord *R = Reader.next()) {
    bool Right = true;
    switch (R->kind()) {
    case RecordKind::Data:
      if (!isUserRange(O, R->offset(), R->bytes()))
        return failHostile(O, Lane, "would overwrite the object's own tables");
      break;
    case RecordKind::Block:
    case RecordKind::Rewind:
      Right = R->bytes() == sizeof(uint64_t);
      break;
    case RecordKind::Prepared:
      Right = R->bytes() == sizeof(Vote);
      if (Right)
        memcpy(&Leader, R->content(), sizeof(Leader));
      Prepared = true;
      break;
    case RecordKind::Committed:
      Right = R->bytes() % sizeof(Vote) == 0;
      P.RollsBack = P.RollsBack && R->offset();
      P.Waits = P.Waits || (Right && isAwaitedByAny(O, Lane, *R));
      break;
    default:
      return failHostile(O, Lane, "has a record of a kind that is not known");
    }
    if (!Right)
      return failHostile(O, Lane, "has a record of a wrong size");
  }
  P.Last = Reader.last();
  if (P.RollsBack)
    P.Waits = false;
  if (Prepared && P.RollsBack) {
    Outcome Found = askCoordinator(O, Leader);
    P.RollsBack = Found == Outcome::RollBack;
    return Found != Outcome::Unknown;
  }
  return true;
}

// On page media: what was brought back before the cut, and that before what comes
// now. Whoever opens O, and dies there: it may have been open with PERDURE_DURABLE.
static bool syncRecovered(Object &O) {
  if (!O.Map.Page || O.Private || TheOptions.battery || syncFile(O.File))
    return true;
  return fail(errno, "object %s: cannot sync what was rolled back: %s",
              labelOf(O).Text, strerror(errno));
}

// What a lane of a transaction that is committed still says was freed, leaks.
static bool finishLane(Object &O, unsigned Lane, const Plan &P) {
  if (P.RollsBack) {
    restore(O, P.Last, 0);
    visitBack(O, P.Last, 0, [&](const LogRecord &R) {
      if (R.kind() == RecordKind::Block)
        freeInFile(O, R.offset());
    });
  }
  // freeInFile flushes and fences for itself.
  if (!syncRecovered(O))
    return false;
  cutLane(O, *laneHead(O, Lane));
  return true;
}

bool perdure::recover(Object &O) {
  unsigned Lanes = laneCount(O);
  Plan P;
  for (unsigned I = 0; I < Lanes; ++I)
    if (!checkLane(O, I, P))
      return false;
  bool Done = false;
  for (unsigned I = 0; I < Lanes; ++I)
    if (checkLane(O, I, P) && P.Last && !P.Waits) {
      if (!finishLane(O, I, P))
        return false;
      Done = true;
    }
  return !Done || syncRecovered(O);
}

bool perdure::needsRecovery(const Object &O) {
  Plan P;
  for (unsigned I = 0; I < laneCount(O); ++I)
    if (!checkLane(O, I, P) || (P.Last && !P.Waits))
      return true;
  return false;
}

bool perdure::recoverPrivately(Object &O) { return changePrivately(O, recover); }

static bool recoverAtOpen(Object &O, Access Wanted, bool Writers) {
  if (Wanted == Access::Exclusive)
    return recover(O);
  // Who shares it finds out in its first section, where nobody else is in the
  // middle of a transaction; and what has a writer is that one's to end.
  if (Wanted == Access::Shared || Writers || !needsRecovery(O))
    return true;
  return recoverPrivately(O);
}

void perdure::installRecovery() { RecoverAtOpen = recoverAtOpen; }
