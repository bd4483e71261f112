//===- redo.h - Commits of one object, written to its file ------*- C++ -*-===//
//
// Of an object that is deferred (object/object.h): page media, PERDURE_DURABLE.
// What the program stores stays in this process's own pages. A commit
//
//   1. appends records of what is there now to a log in the file
//   2. syncs the file: the commit is durable. Threads that commit at the same time
//      share one sync
//   3. writes the same bytes to their places, home, without a sync
//
// When the log is long it is begun anew: a sync, after which all is home, then
// another generation, in other chunks than before, so that the old log holds until
// the new one is durable. Recovery writes what all whole commits of the log say to
// their places once more, in order.
//
// So no page of the file holds anything of a commit that the log on the medium does
// not hold whole, whenever the kernel writes which page.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_REDO_H
#define PERDURE_RUNTIME_TX_REDO_H

#include "tx/log.h"

namespace perdure {

/// Records of a commit, on their way.
struct Batch {
  Batch *Next;
  char *Bytes; // records without checksums
  uint64_t Size, Room;
  bool Failed; // ENOMEM

  void add(RecordKind Kind, uint64_t Offset, const void *Content,
           uint64_t Bytes);
  /// What O has at an offset now, in as many records as that takes.
  void addBytes(const Object &O, uint64_t Offset, uint64_t Bytes);
  void addWord(uint64_t Offset, uint64_t Clear, uint64_t Set);
};

Batch *makeBatch(); // null: ENOMEM
void freeBatch(Batch *B);

template <typename Visitor> void visitBatch(const Batch &B, Visitor Visit) {
  for (uint64_t At = 0; At < B.Size;) {
    const LogRecord &R = *(const LogRecord *)(B.Bytes + At);
    At += R.room();
    Visit(R);
  }
}

/// How many bytes a record of a commit writes at its offset.
uint64_t bytesWritten(const LogRecord &R);
/// Writes Bytes of them, from From on, to a copy of what was there.
void redoBytes(const LogRecord &R, uint64_t From, void *To, uint64_t Bytes);

struct Span {
  uint64_t Begin, End; // offsets
};

/// A transaction takes part, and has left: in between nothing but what is asked for
/// is written to the file.
bool enterRedo(Object &O);
void leaveRedo(Object &O);

/// Commits B, which it frees, with what the allocator has changed: durable and home
/// on return. False: ENOSPC, ENOMEM (nothing is committed), EIO (poisoned).
bool commitBatch(Object &O, Batch *B);

/// The same in parts, for several objects that commit as one. What is prepared is
/// durable on return, and to be decided: V leads to the coordinator, Mine then to
/// this. B stays the caller's.
struct PreparedBatch {
  uint64_t At; // offset of its last record
  Vote Mine;
};
bool prepareBatch(Object &O, const Batch &B, const Vote &V, PreparedBatch &P);
/// It is committed, and home; durably so after syncCommits.
bool decideBatch(Object &O, const Batch &B, const PreparedBatch &P);
/// It will not be.
void cancelBatch(Object &O);
/// What was written to another lane of the object, whose commits these are, is
/// durable.
bool syncLane(Object &O);
/// All that was appended to the log so far is durable, and home.
bool syncCommits(Object &O);

/// Writes what was stored in these spans, in any way, but for Except (in order),
/// and what the allocator has changed; durable on return. Not whole or not at all
/// when it is much.
bool persistSpan(Object &O, Span S, const Span *Except, size_t Count);

/// What is in the file is durable.
bool syncCommitted(Object &O);

/// As persistSpan, for all of O; nothing when a transaction is open in it, whose changes
/// these would be. Forget: nobody stores now, and what was written may be
/// forgotten as this process's own.
bool writeBack(Object &O, bool Forget);

/// Before the store closes: writes back, and leaves a file without a log. Reports
/// what fails.
void closeRedo(Object &O);

/// Forgets what is known of O's log, before logRelease: another process has had it.
void redoRelease(Object &O);

/// The records of a log by which it is prepared, and none says that that is decided.
struct Undecided {
  uint64_t *Items = nullptr; // offsets
  unsigned Count = 0, Room = 0;

  Undecided() = default;
  Undecided(const Undecided &) = delete;
  Undecided &operator=(const Undecided &) = delete;
  ~Undecided();
  /// With each record of the log, in order, and where it is.
  void see(const Object &O, uint64_t At, const LogRecord &R);
  bool has(uint64_t Offset) const;
};

/// Does what a record of a commit says, in O's memory.
void redoRecord(Object &O, const LogRecord &R);
/// Whether it may: it lies where commits write.
bool checkRedoRecord(const Object &O, const LogRecord &R);
inline bool endsCommit(const LogRecord &R) {
  return R.kind() == RecordKind::Commit || R.kind() == RecordKind::Prepared;
}

/// Around fork(), after the locks of the heap and before those of the log.
void redoBeforeFork(Object &O);
void redoAfterFork(Object &O);
void redosBeforeFork();
void redosAfterFork();
/// In the child, which has none of it: nothing is written.
void redoInChild(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_REDO_H
