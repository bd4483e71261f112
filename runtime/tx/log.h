//===- log.h - The log of one object: lanes, chunks, records ----*- C++ -*-===//

#ifndef PERDURE_RUNTIME_TX_LOG_H
#define PERDURE_RUNTIME_TX_LOG_H

#include "object/object.h"
#include "tx/format.h"

namespace perdure {

/// Where a log ends: the next record goes to At.
struct LogEnd {
  uint64_t At, Stop; // offsets: in a chunk, and that chunk's end
  uint64_t Chain;    // checksum of the last record, or the lane's seed
  uint64_t Last;     // offset of that record; 0: there is none
  unsigned Chunk;    // which of the lane's
};

/// The volatile side of a lane.
struct Lane {
  Lane *Next; // among those that are idle
  unsigned Index;
  bool InUse; // by a transaction, or a redo log; atomic
  bool Kept;  // not to be used again: its log is asked for
  LaneHead *Head;
  LogEnd End;
  uint64_t Unflushed;     // what lies before it in End's chunk has been flushed
  uint64_t Written;       // bytes, since it was taken
  uint64_t WrittenBefore; // bytes, of what has ended; atomic
  unsigned Chunks, Room;  // of these, in order of use
  uint64_t *Chunk;
  unsigned FreedCount; // words by which its last commit has freed blocks
  const void *Freed[15];
};

/// A lane for one transaction, empty. Null and a message: ENOSPC and other
/// reasons why a file does not grow, ENOMEM.
Lane *takeLane(Object &O);

/// Gives it back, cut.
void dropLane(Object &O, Lane &L);

/// Without giving it back: it waits for its thread, with so many chunks at most,
/// and begins again, empty. A lock is taken for what is more only.
void restLane(Object &O, Lane &L, unsigned Chunks);
void reuseLane(Lane &L);

/// Gives back one that rests, of a log with this serial number. Nothing, when
/// that is no more: its object may be closed.
void giveBackLane(uint64_t LogSerial, Lane &L);

/// Of O's log, as it is known to this process; no other has the same. 0: none.
uint64_t logSerial(const Object &O);

/// Whether a transaction has a lane of O's.
bool hasLanesInUse(Object &O);

/// Bytes that were written to O's log by this process.
uint64_t logBytesWritten(Object &O);

/// Notes a word by which a commit has freed blocks, to be written back by the
/// next commit of the lane, together with what that changes: at once every lock
/// that follows would wait for it. The power failing before leaks the blocks. On
/// page media there is nothing to do.
void noteFreed(Object &O, Lane &L, const void *Word);
class LinesOnce;
void flushFreed(Object &O, Lane &L, LinesOnce &Lines);
void flushFreed(Object &O, Lane &L);

/// Writes a record, which is durable after flushRecords and a fence. False,
/// with a message, when the log cannot grow: the log is as before. Bytes: at
/// most MaxContent. Records that become durable together are flushed once,
/// since a store to a line that is being written back waits for that.
constexpr uint64_t MaxContent = 2048;
bool writeRecord(Object &O, Lane &L, RecordKind Kind, uint64_t Offset,
                 const void *Content, uint64_t Bytes);

/// Writes what is at an offset of O, in as many records as that takes.
bool writeData(Object &O, Lane &L, uint64_t Offset, uint64_t Bytes);

/// Begins to write back all records of the lane that have been written.
void flushRecords(Object &O, Lane &L);

/// Both for one record.
bool appendRecord(Object &O, Lane &L, RecordKind Kind, uint64_t Offset,
                  const void *Content, uint64_t Bytes);

/// Makes End the end of the log, durably. What the records behind it said can
/// still be read until the next one is written. Serial: another one each time
/// in a transaction.
void cutToEnd(Object &O, Lane &L, const LogEnd &End);
bool sealEnd(Object &O, Lane &L, uint64_t Serial);

/// Ends the transaction of the lane: one store, durable on return. What the
/// records said can still be read until the next is written.
void cutLane(Object &O, LaneHead &Head);

/// Whether this transaction has written any record.
inline bool isEmpty(const Lane &L) { return !L.End.Last; }

inline LogRecord *recordAt(const Object &O, uint64_t Offset) {
  return (LogRecord *)(O.Base + Offset);
}

/// Calls Visit with the records from the last one back to the one that begins
/// at or before Until; 0: all. Base: of the object, or of a list in memory.
template <typename Visitor>
void visitBack(uint64_t Base, uint64_t Last, uint64_t Until, Visitor Visit) {
  for (uint64_t At = Last; At && At != Until;) {
    LogRecord &R = *(LogRecord *)(Base + At);
    At = R.Previous;
    Visit(R);
  }
}

/// Orders what this thread has written to O before what it writes from now on:
/// whatever survives of the later, all of the earlier does. A fence on DAX. On
/// page media nothing: the death of a process is all that counts there, and
/// where power counts, files are written by commits (tx/redo.h).
void settle(Object &O);

/// Begins to write back, in transactions: nothing where power does not fail.
void flushInTx(Object &O, const void *P, uint64_t Bytes);

/// Where the lane's log began.
LogEnd beginningOf(const Lane &L);

/// The lanes that O's log has, and where their heads lie.
unsigned laneCount(const Object &O);
LaneHead *laneHead(const Object &O, unsigned Index);

/// The seed of a lane's first record.
uint64_t laneSeed(unsigned Index, uint64_t Generation, uint64_t Chunk);
inline uint64_t generationOf(const LaneHead &Head) {
  return __atomic_load_n(&Head.Generation, __ATOMIC_ACQUIRE);
}
uint64_t recordChecksum(const LogRecord &R, uint64_t Bytes, uint64_t Chain);

/// One more chunk for L. False and a message: ENOSPC, ENOMEM.
bool growLane(Object &O, Lane &L);
/// Gives back the chunks behind the first Count.
void shrinkLane(Object &O, Lane &L, unsigned Count);

/// A record as it was when it was looked at.
struct RecordCopy {
  alignas(LogRecord) char Bytes[sizeof(LogRecord) + MaxContent];
  LogRecord &head() { return *(LogRecord *)Bytes; }
  /// Of the one at P, before whose end the log does not end. False: it is none.
  bool take(const LogRecord *P, uint64_t Room);
};

/// Reads a lane's records in order, as they are in the file, which may hold
/// anything, and which somebody may be changing: what lies outside the log ends
/// it.
class LogReader {
public:
  LogReader(const Object &O, unsigned Index);
  /// A copy of the next record that holds, without those that lead to chunks,
  /// or null. Good until the next one is asked for.
  const LogRecord *next();
  /// Whether the lane's head leads to a chunk of the log; before next().
  bool hasChunk() const { return End.Stop; }
  /// Where that record is; afterwards: the last of all.
  uint64_t last() const { return End.Last; }
  /// Where what was read ends.
  const LogEnd &end() const { return End; }

private:
  const Object &O;
  LogEnd End;
  uint64_t Left; // bytes that a log without loops can have
  RecordCopy Copy;
  bool enter(uint64_t Chunk);
};

/// The same from the last one back, of what a LogReader has read to its end.
class LogReaderBack {
public:
  LogReaderBack(const Object &O, uint64_t Last);
  const LogRecord *next();
  /// Afterwards: it is not what it was.
  bool changed() const { return At; }

private:
  const Object &O;
  uint64_t At;   // of the next one
  uint64_t Left; // records that a log without loops can have
  RecordCopy Copy;
};

/// Forgets what is known of O's log: another process has had it. No lane is in
/// use.
void logRelease(Object &O);

/// Around fork(), with the object held in place.
void logBeforeFork(Object &O);
void logAfterFork(Object &O);
void logsBeforeFork();
void logsAfterFork();

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_LOG_H
