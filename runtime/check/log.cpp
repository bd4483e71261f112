//===- log.cpp - Checks the log of transactions ---------------------------===//
//
// Nothing of a log is mended but its reserved bytes: a log that can be followed
// is recovery's, and one that cannot says nothing of how it was.
//
//===----------------------------------------------------------------------===//

#include "tx/log.h"
#include "check/check.h"
#include "platform/error.h"
#include "tx/recover.h"

#include <string.h>

using namespace perdure;

static void checkLane(const Object &O, unsigned Lane, Findings &Found) {
  LaneHead &Head = *laneHead(O, Lane);
  uint64_t At = (uint64_t)&Head - O.Base;
  switch (examineLane(O, Lane)) {
  case LaneState::Empty:
    break;
  case LaneState::Unfinished:
    Found.Unfinished = true;
    Found.add(
        Severity::Note, At,
        "lane %u of the log has a transaction whose process died: opening "
        "the object for writing decides it",
        Lane);
    break;
  case LaneState::Unwritten:
    Found.Unfinished = true;
    Found.add(Severity::Note, At,
              "lane %u of the log has commits that need not be in their places yet: "
              "opening the object for writing sees to that",
              Lane);
    break;
  case LaneState::Damaged:
    Found.add(Severity::Damage, At, "%s", errorMessage());
    break;
  }
  LogReader Reader(O, Lane);
  if (Head.First && !Reader.hasChunk())
    Found.add(Severity::Damage, At + offsetof(LaneHead, First),
              "the head of lane %u of the log leads out of the log: if a "
              "transaction was not finished, it cannot be rolled back",
              Lane);
  for (uint64_t &Word : Head.Reserved)
    if (Word) {
      Found.add(Severity::Mended, (uint64_t)&Word - O.Base,
                "reserved bytes of lane %u of the log were not zero", Lane);
      memset(Head.Reserved, 0, sizeof(Head.Reserved));
      break;
    }
}

void perdure::checkLog(Object &O, Findings &Found) {
  for (unsigned Lane = 0; Lane < laneCount(O); ++Lane)
    checkLane(O, Lane, Found);
}
