//===- recover.cpp - What a process that died left in a log ---------------===//
//
// First every record of every lane is looked at, and nothing is changed unless
// all make sense. Then what was committed and is in the log alone is written to its
// place, and each lane with a transaction that was made in place is rolled back, and
// cut. The order of these does not matter: what two transactions may overwrite at
// once the program keeps apart.
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
#include "tx/redo.h"
#include "tx/together.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
  bool OfCommits;   // it says what was committed, to be done again
  bool AllHome;     //   which has been, if whoever said so, or another since, is there
};
} // namespace

// Whether the others that the record names know of the commit. The record counts
// when its offset is 0.
static bool isAwaitedByAny(const Object &O, unsigned Lane, const LogRecord &R,
                           bool Acts) {
  uint64_t Generation = laneHead(O, Lane)->Generation;
  for (uint64_t At = 0; At < R.bytes(); At += sizeof(Vote)) {
    Vote V;
    memcpy(&V, R.content() + At, sizeof(V));
    if (isAwaited(O, Lane, Generation, V, Acts))
      return true;
  }
  return false;
}

// Of what is prepared and not decided: those parts that were not committed stay.
static bool askForUndecided(const Object &O, Undecided &List, bool Acts) {
  unsigned Kept = 0;
  for (unsigned I = 0; I < List.Count; ++I) {
    Vote Leader;
    memcpy(&Leader, recordAt(O, List.Items[I])->content(), sizeof(Leader));
    Outcome Found = askCoordinator(O, Leader, Acts);
    if (Found == Outcome::Unknown)
      return false;
    if (Found == Outcome::RollBack)
      List.Items[Kept++] = List.Items[I];
  }
  List.Count = Kept;
  return true;
}

// What follows the last whole commit means nothing.
static bool checkCommits(const Object &O, unsigned Lane, Plan &P, Undecided &List,
                         bool Acts) {
  P = {0, false, false, true, false};
  LogReader Reader(O, Lane);
  uint64_t End = 0;
  while (const LogRecord *R = Reader.next()) {
    if (!isOfCommits(R->kind()) && R->kind() != RecordKind::Prepared)
      return failHostile(O, Lane, "has a record of a kind that is not known there");
    if (!checkRedoRecord(O, *R))
      return failHostile(O, Lane, "would overwrite the object's own tables");
    List.see(O, Reader.last(), *R);
    if (endsCommit(*R) || R->kind() == RecordKind::Decided)
      End = Reader.last() + R->room();
  }
  P.Last = Reader.last();
  const LaneHead &Head = *laneHead(O, Lane);
  P.AllHome = __atomic_load_n(&Head.Homed, __ATOMIC_ACQUIRE) == End;
  return askForUndecided(O, List, Acts);
}

// Whether everything in the lane's log can be done, and what that is. Acts: it is done,
// durably, because of what other objects say.
static bool checkLane(const Object &O, unsigned Lane, Plan &P, bool Acts) {
  P = {0, true, false, false, false};
  Vote Leader;
  bool Prepared = false;
  LogReader Reader(O, Lane);
  while (const LogRecord *R = Reader.next()) {
    bool Right = true;
    if (isOfCommits(R->kind())) {
      Undecided List;
      return checkCommits(O, Lane, P, List, Acts);
    }
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
      P.Waits = P.Waits || (Right && isAwaitedByAny(O, Lane, *R, Acts));
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
    Outcome Found = askCoordinator(O, Leader, Acts);
    P.RollsBack = Found == Outcome::RollBack;
    return Found != Outcome::Unknown;
  }
  return true;
}

// On page media: what was brought back before the cut, and that before what comes
// now. Whoever opens O, and dies there: it may have been open with PERDURE_DURABLE. Where
// it fails in a process that shares O, no turn of it tries again: a second sync is not
// told of what the first one was.
static bool syncRecovered(Object &O) {
  if (!O.Map.Page || O.Private || TheOptions.battery || syncFile(O.File))
    return true;
  int Error = errno;
  if (isPresent(O))
    poison(O, "sync what was recovered", Error);
  return fail(Error, "object %s: cannot sync what was recovered: %s",
              labelOf(O).Text, strerror(Error));
}

// The log was looked at before, and each record once more when it is done: others may
// have the file open, and be anybody.
static bool failChanged(const Object &O, unsigned Lane) {
  return fail(EPROTO,
              "object %s: lane %u of its log was changed while it was read, by "
              "somebody who does not ask whether it is in use; restore the object "
              "from a copy",
              labelOf(O).Text, Lane);
}

// Gives Do each record of whole commits, in order.
template <typename Action>
static bool visitCommitted(Object &O, unsigned Lane, const Undecided &List,
                           Action Do) {
  LogReader Ahead(O, Lane), Behind(O, Lane);
  for (;;) {
    const LogRecord *R;
    do
      R = Ahead.next();
    while (R && !endsCommit(*R));
    if (!R)
      return true;
    bool Holds = !List.has(Ahead.last());
    while ((R = Behind.next()) && Behind.last() != Ahead.last()) {
      if (!checkRedoRecord(O, *R))
        return failChanged(O, Lane);
      if (Holds)
        Do(*R);
    }
    if (!R)
      return failChanged(O, Lane);
  }
}

// Writes what was committed to its places once more, in order.
static bool redoInPlace(Object &O, unsigned Lane, const Undecided &List) {
  return visitCommitted(O, Lane, List,
                        [&](const LogRecord &R) { redoRecord(O, R); });
}

// The same of what lies between Begin and End, by way of a copy.
static bool redoPart(Object &O, unsigned Lane, const Undecided &List,
                     uint64_t Begin, uint64_t End) {
  char *Copy = copyOfFile(O, Begin, End - Begin);
  if (!Copy)
    return false;
  // No word is cut: Begin and End are a page's.
  auto visit = [&](auto Do) {
    return visitCommitted(O, Lane, List, [&](const LogRecord &R) {
      uint64_t From = R.offset(), To = From + bytesWritten(R);
      From = From < Begin ? Begin : From;
      To = To < End ? To : End;
      if (From < To)
        Do(R, From, To - From);
    });
  };
  bool Ok = visit([&](const LogRecord &R, uint64_t From, uint64_t Count) {
    redoBytes(R, From - R.offset(), Copy + (From - Begin), Count);
  });
  Ok = Ok && visit([&](const LogRecord &, uint64_t From, uint64_t Count) {
         void *Place = (void *)(O.Base + From);
         memcpy(Place, Copy + (From - Begin), Count);
         flushInTx(O, Place, Count);
       });
  int Saved = errno;
  unmapCopy(Copy, End - Begin);
  errno = Saved;
  return Ok;
}

namespace {
constexpr uint64_t PartBytes = 64 << 20;

/// How much of a file a log writes, part by part: no more than that has to be in memory.
class Parts {
public:
  explicit Parts(uint64_t Bytes)
      : Bytes(Bytes), Count((Bytes + PartBytes - 1) / PartBytes),
        Touched((uint64_t *)calloc(Count, sizeof(uint64_t))) {}
  ~Parts() { free(Touched); }
  Parts(const Parts &) = delete;
  Parts &operator=(const Parts &) = delete;

  bool ok() const { return Touched; }
  /// False: it lies outside the file.
  bool add(uint64_t At, uint64_t Size) {
    if (At > Bytes || Size > Bytes - At)
      return false;
    for (uint64_t End = At + Size, Next; At < End; At = Next) {
      uint64_t &Part = Touched[At / PartBytes];
      Next = (At / PartBytes + 1) * PartBytes;
      Next = End < Next ? End : Next;
      Part += ((Next - 1) / FilePage - At / FilePage + 1) * FilePage;
      Part = Part < PartBytes ? Part : PartBytes;
    }
    return true;
  }
  /// From End on, as many as need no more memory than one may. False: there are none.
  bool next(uint64_t &Begin, uint64_t &End) const {
    uint64_t I = (End + PartBytes - 1) / PartBytes, Sum = 0;
    while (I < Count && !Touched[I])
      ++I;
    Begin = I * PartBytes;
    End = Begin;
    for (; I < Count && Sum + Touched[I] <= PartBytes; ++I)
      if (Touched[I]) { // and not what lies behind the last one
        Sum += Touched[I];
        End = (I + 1) * PartBytes;
      }
    End = End < Bytes ? End : Bytes;
    return Begin < End;
  }

private:
  uint64_t Bytes, Count;
  uint64_t *Touched;
};
} // namespace

// The same of a file that others may be reading. A log says of one place again and
// again what came there, and most of it is home already: all but the last was true
// once, and would be read meanwhile. So it is done in a copy, and then each place is
// given what it has in the end; part by part, since a record may be of zeroes over
// most of the object, and what is changed of the copy is memory.
static bool redoCommits(Object &O, unsigned Lane, const Undecided &List) {
  if (O.Private) // nobody else sees it
    return redoInPlace(O, Lane, List);
  Parts All(__atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE));
  if (!All.ok())
    return fail(ENOMEM, "no memory to write object %s's commits to their places",
                labelOf(O).Text);
  bool Inside = true;
  if (!visitCommitted(O, Lane, List, [&](const LogRecord &R) {
        Inside = All.add(R.offset(), bytesWritten(R)) && Inside;
      }))
    return false;
  if (!Inside)
    return failChanged(O, Lane);
  for (uint64_t Begin, End = 0; All.next(Begin, End);)
    if (!redoPart(O, Lane, List, Begin, End))
      return false;
  return true;
}

// Brings back what was there, and frees what was allocated.
static bool rollBackLane(Object &O, unsigned Lane, uint64_t Last) {
  LogReaderBack Data(O, Last);
  while (const LogRecord *R = Data.next()) {
    if (R->kind() != RecordKind::Data)
      continue;
    if (!isUserRange(O, R->offset(), R->bytes()))
      return failChanged(O, Lane);
    void *P = (void *)(O.Base + R->offset());
    memcpy(P, R->content(), R->bytes());
    flushInTx(O, P, R->bytes());
  }
  settle(O);
  LogReaderBack Blocks(O, Last);
  while (const LogRecord *R = Blocks.next())
    if (R->kind() == RecordKind::Block)
      freeInFile(O, R->offset());
  return !(Data.changed() || Blocks.changed()) || failChanged(O, Lane);
}

// What a lane of a transaction that is committed still says was freed, leaks.
static bool finishLane(Object &O, unsigned Lane, const Plan &P) {
  laneHead(O, Lane)->Homed = 0; // whatever comes of the syncs
  if (P.OfCommits) {
    Undecided List;
    Plan Again;
    // The log first: what is written to its place may reach the medium at any time.
    if (!checkCommits(O, Lane, Again, List, /*Acts=*/false) || !syncRecovered(O))
      return false;
    if (!redoCommits(O, Lane, List))
      return false;
    settle(O);
  } else if (P.RollsBack && !rollBackLane(O, Lane, P.Last)) {
    return false;
  }
  // freeInFile flushes and fences for itself.
  if (!syncRecovered(O))
    return false;
  cutLane(O, *laneHead(O, Lane));
  return true;
}

// On DAX media a process may have died between a store and the flush of it, and the
// processor has it still: that a log was cut, and that a transaction is committed which
// others have yet to learn of. Both are found here, and left alone; power that fails
// later would bring back what was there before, and roll it back over what follows now.
static void flushFound(Object &O, unsigned Lane, const Plan &P) {
  if (O.Private || O.Map.Page)
    return;
  flushInTx(O, laneHead(O, Lane), sizeof(LaneHead));
  LogReader Reader(O, Lane);
  // A savepoint at the beginning is gone back to by the checksum of the first record.
  if (!P.Last && Reader.hasChunk())
    flushInTx(O, recordAt(O, chunkOffset(laneHead(O, Lane)->First)), sizeof(LogRecord));
  if (!P.Waits)
    return;
  while (const LogRecord *R = Reader.next())
    flushInTx(O, recordAt(O, Reader.last()), R->room());
}

bool perdure::recover(Object &O) {
  unsigned Lanes = laneCount(O);
  Plan P;
  for (unsigned I = 0; I < Lanes; ++I) {
    if (!checkLane(O, I, P, /*Acts=*/false))
      return false;
    flushFound(O, I, P);
  }
  settle(O);
  // What was committed first: a process that writes in place has had its turn
  // after it.
  bool Done = false;
  for (int OfCommits = 1; OfCommits >= 0; --OfCommits)
    for (unsigned I = 0; I < Lanes; ++I) {
      if (!checkLane(O, I, P, /*Acts=*/false))
        return false;
      if (!P.Last || P.OfCommits != (bool)OfCommits)
        continue;
      // Once: a sync that fails tells the first who asks.
      if (!checkLane(O, I, P, !O.Private))
        return false;
      if (P.Waits)
        continue;
      if (!finishLane(O, I, P))
        return false;
      Done = true;
    }
  return !Done || syncRecovered(O);
}

LaneState perdure::examineLane(const Object &O, unsigned Lane) {
  Plan P;
  if (!checkLane(O, Lane, P, /*Acts=*/false))
    return LaneState::Damaged;
  return P.Last && !P.Waits
             ? P.OfCommits ? LaneState::Unwritten : LaneState::Unfinished
             : LaneState::Empty;
}

bool perdure::redoInImage(Object &O, bool Acts) {
  Plan P;
  unsigned Lanes = laneCount(O);
  bool Done = false;
  for (unsigned I = 0; I < Lanes; ++I)
    if (checkLane(O, I, P, Acts) && P.Last && P.OfCommits) {
      Undecided List;
      if (checkCommits(O, I, P, List, Acts)) {
        Done = redoInPlace(O, I, List) || Done;
      }
    }
  return Done;
}

void perdure::cutCommits(Object &O) {
  Plan P;
  unsigned Lanes = laneCount(O);
  for (unsigned I = 0; I < Lanes; ++I)
    if (checkLane(O, I, P, /*Acts=*/true) && P.Last && P.OfCommits) {
      laneHead(O, I)->Homed = 0;
      cutLane(O, *laneHead(O, I));
    }
}

bool perdure::needsRecovery(const Object &O, bool Alive) {
  Plan P;
  for (unsigned I = 0; I < laneCount(O); ++I)
    if (!checkLane(O, I, P, /*Acts=*/false) || (P.Last && !P.Waits && !(Alive && P.AllHome)))
      return true;
  return false;
}

// Whether the log of the object's file could be done, of which O may show something else.
static bool mayRecover(Object &O) {
  return checkLogInFile(*O.Owner, O.Id, [](const Object &File) {
    Plan P;
    for (unsigned I = 0; I < laneCount(File); ++I)
      if (!checkLane(File, I, P, /*Acts=*/false))
        return false;
    return true;
  });
}

// Of the log in the file, which O may show in part: how often its lanes were begun anew.
// Who recovers a lane cuts it, and so makes this greater.
static bool sumGenerations(const Object &O, uint64_t &Sum) {
  Sum = 0;
  for (unsigned I = 0; I < laneCount(O); I += LanesPerExtent) {
    LaneHead Heads[LanesPerExtent]; // in one page
    off_t At = (off_t)((uint64_t)laneHead(O, I) - O.Base);
    if (pread(O.File, Heads, sizeof(Heads), At) != (ssize_t)sizeof(Heads))
      return fail(EIO, "object %s: cannot read its log", labelOf(O).Text);
    for (const LaneHead &Head : Heads)
      Sum += generationOf(Head);
  }
  return true;
}

bool perdure::recoverPrivately(Object &O) {
  // What it shows already stays when it cannot be had anew.
  return (!O.Private || mayRecover(O)) && sumGenerations(O, O.RecoveredFrom) &&
         changePrivately(O, recover);
}

bool perdure::isRecoveredAsIs(const Object &O) {
  uint64_t Now;
  return sumGenerations(O, Now) && Now == O.RecoveredFrom;
}

static bool recoverAtOpen(Object &O, Access Wanted, bool Writers) {
  if (Wanted == Access::Exclusive)
    return recover(O);
  // That the log says it is home was said by one that is gone: what the kernel had of it,
  // and no medium, may be, too. Others who come see that somebody is there. (Not synced:
  // when power fails, so are all gone.)
  for (unsigned I = 0; Wanted == Access::Shared && !Writers && I < laneCount(O); ++I)
    if (uint64_t &Homed = laneHead(O, I)->Homed; Homed) // else the file stays as it is
      __atomic_store_n(&Homed, 0, __ATOMIC_RELEASE);
  // Who shares it finds out in its first section, where nobody else is in the
  // middle of a transaction; and what has a writer is that one's to end.
  return Wanted == Access::Shared || Writers ||
         !needsRecovery(O, /*Alive=*/false) || recoverPrivately(O);
}

void perdure::installRecovery() {
  RecoverAtOpen = recoverAtOpen;
  MayRecover = mayRecover;
}
