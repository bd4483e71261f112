//===- transaction.h - The transaction of a thread --------------*- C++ -*-===//
//
// One per thread at most; beginning another joins it. It has a part in each
// object that it has changed: a lane of that object's log.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_TRANSACTION_H
#define PERDURE_RUNTIME_TX_TRANSACTION_H

#include "object/object.h"
#include "tx/filter.h"
#include "tx/own_lanes.h"
#include "tx/log.h"
#include "tx/undo.h"

#include <setjmp.h>

namespace perdure {

/// abi.def: on the stack of a function that begins or joins.
struct TxFrame {
  uint64_t Serial; // of the transaction
  uint64_t Nested; // 0: the transaction began here
  alignas(16) uint64_t Jump[64];
};
static_assert(sizeof(TxFrame) == PerdureAbiTxFrameBytes, "");
static_assert(sizeof(jmp_buf) <= sizeof(TxFrame::Jump), "");

/// abi.def: what is about to be overwritten.
struct TxRange {
  const void *P;
  uint64_t Bytes;
};
static_assert(sizeof(TxRange) == PerdureAbiTxRangeBytes, "");

/// What is kept of a frame: one that was jumped over may hold anything by now.
struct Began {
  TxFrame *Frame;
  unsigned Depth; // of the transaction, once it had begun or joined
  unsigned Flags; // that it was entered with
};

/// What it has to do with one object.
struct Part {
  Object *O;
  uint64_t Base, Serial; // of the object: its store may be closed
  Lane *L;               // of its log; null for one that is deferred, whose
  UndoList Undo;         //   records are here until it commits
};

/// Its records: where they are, and the last one; 0: there is none.
inline uint64_t recordsOf(const Part &P) {
  return P.L ? P.Base : (uint64_t)P.Undo.Bytes;
}
inline uint64_t lastOf(const Part &P) {
  return P.L ? P.L->End.Last : P.Undo.Last;
}

struct Savepoint {
  unsigned Parts, Frees;
  LogEnd *Ends; // of each part
};

template <typename T> struct List {
  T *Items;
  unsigned Count, Room;
  T &last() { return Items[Count - 1]; }
  T *add(); // null, and ENOMEM
};

struct Transaction {
  unsigned Depth;        // times that it was begun; 0: none is open
  bool Doomed;           // it cannot commit any more
  uint64_t Serial;       // of this one, in its thread
  uint64_t Rewinds;      // rollbacks to savepoints
  List<Began> Frames;    // the innermost last
  List<Part> Parts;      // in the order in which they joined
  List<void *> Frees;    // what is freed at commit
  List<Object *> Leaves; // whose sections are left at the end
  List<Savepoint> Savepoints;
  OwnLanes Lanes;
  Filter Known;
  bool Unsettled; // logRange has logged something since the last settleLogged
  uint64_t StackLow, StackHigh; // of the thread
};

} // namespace perdure
// Compiled code reads it before it calls: the address of the open transaction.
extern "C" __attribute__((
    tls_model("initial-exec"))) __thread uint64_t __perdure_tx_active;
namespace perdure {

/// The one that this thread is in, or null.
inline Transaction *openTransaction() {
  return (Transaction *)__perdure_tx_active;
}

/// Begins or joins. Null and ENOMEM.
Transaction *beginTransaction();

/// A frame of F's begins or joins. False: ENOMEM.
bool enterFrame(Transaction &T, TxFrame &F, unsigned Flags);

/// Ends the innermost; the outermost commits. False: it was rolled back, or
/// ECANCELED, EIO.
bool commitTransaction(Transaction &T);

/// Rolls it all back: no transaction is open afterwards.
void rollBackTransaction(Transaction &T);

/// Logs what is about to be overwritten in an object, once settleLogged has
/// returned. False, with a message: it must not be.
bool logRange(Transaction &T, Object &O, const void *P, uint64_t Bytes);

/// What logRange has logged is durable, before the program's stores may be.
void settleLogged(Transaction &T);

/// A block was allocated; false when that cannot be logged.
bool logBlock(Transaction &T, Object &O, void *Block, uint64_t Bytes);

/// What waits for the end. False: ENOMEM, EIO.
bool freeAtCommit(Transaction &T, Object &O, void *Block);
bool leaveAtEnd(Transaction &T, Object &O);
/// Begins to write back what this thread's last commit in O has freed.
void writeBackFreed(Object &O);
/// A section is entered that waits to be left: it is stayed in.
bool stayInside(Transaction &T, const Object &O);

/// -1: ENOMEM.
int setSavepoint(Transaction &T);
bool rollBackTo(Transaction &T, int Savepoint);

struct Span;
struct Batch;

/// What a part of a transaction has changed, for a commit. Null: ENOMEM.
Batch *collectPart(const Part &P);

/// What this thread's transaction has overwritten or allocated in O, which is
/// deferred: until it commits that is nobody else's to write. The list is the
/// caller's to free. False: ENOMEM.
bool spansOf(const Object &O, Span *&Spans, size_t &Count);

/// Leaves a section, after what was stored in it outside transactions has been
/// written. False, and the section is left all the same: EIO, ENOSPC.
bool leaveWritten(Object &O);

/// The store's objects are about to be unmapped.
void leaveStore(const Store &S);

/// The child of fork() is in no transaction.
void transactionInChild();

/// Whether this thread may change O in a transaction: EROFS, EPERM.
bool checkChanging(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_TRANSACTION_H
