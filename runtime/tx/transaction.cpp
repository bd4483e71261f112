//===- transaction.cpp - The transaction of a thread ----------------------===//

#include "tx/transaction.h"
#include "alloc/changes.h"
#include "alloc/heap.h"
#include "object/store.h"
#include "platform/error.h"
#include "platform/thread.h"
#include "tx/recover.h"
#include "tx/redo.h"
#include "tx/together.h"
#include "tx/undo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

using namespace perdure;

__attribute__((visibility("default"))) __thread uint64_t __perdure_tx_active;

template <typename T> T *List<T>::add() {
  if (Count == Room) {
    unsigned More = Room ? Room * 2 : 8;
    T *Bigger = (T *)realloc((void *)Items, More * sizeof(T));
    if (!Bigger) {
      fail(ENOMEM, "no memory for a transaction");
      return nullptr;
    }
    Items = Bigger;
    Room = More;
  }
  return &Items[Count++];
}

static Transaction *makeTransaction() {
  Thread *Mine = thisThread();
  if (Mine && !Mine->Tx) {
    Mine->Tx = (Transaction *)calloc(1, sizeof(Transaction));
    if (Mine->Tx)
      Mine->Tx->Known = Filter();
  }
  if (Mine && Mine->Tx)
    return Mine->Tx;
  fail(ENOMEM, "no memory for a transaction");
  return nullptr;
}

Transaction *perdure::beginTransaction() {
  Transaction *T = openTransaction();
  if (!T) {
    T = makeTransaction();
    if (!T)
      return nullptr;
    ++T->Serial;
    T->Rewinds = 0;
    T->Doomed = false;
    T->Known.clear();
    __perdure_tx_active = (uint64_t)T;
  }
  ++T->Depth;
  return T;
}

bool perdure::enterFrame(Transaction &T, TxFrame &F, unsigned Flags) {
  Began *B = T.Frames.add();
  if (!B)
    return false;
  *B = {&F, T.Depth, Flags};
  F.Serial = T.Serial;
  F.Nested = T.Depth > 1;
  return true;
}

//===----------------------------------------------------------------------===//
// Taking part
//===----------------------------------------------------------------------===//

bool perdure::checkChanging(Object &O) {
  if (mayAllocate(O))
    return true;
  return isWritable(O)
             ? fail(EPERM,
                    "object %s is open with PERDURE_SHARED: change it in a "
                    "transaction between perdure_lock and perdure_unlock",
                    labelOf(O).Text)
             : fail(EROFS, "object %s is open without the right to write: %s",
                    labelOf(O).Text, O.WhyReadOnly);
}

static bool isThere(const Part &P) {
  const Object *Now = objectAt(P.Base);
  return Now == P.O && Now->Serial == P.Serial;
}

[[gnu::noinline]] static Part *join(Transaction &T, Object &O) {
  if (!checkChanging(O))
    return nullptr;
  // Its outcome is looked up in the store of who takes part.
  if (T.Parts.Count && isThere(T.Parts.Items[0]) &&
      T.Parts.Items[0].O->Owner != O.Owner) {
    fail(EXDEV,
         "object %s lies in another store than the others that this "
         "transaction has changed: only objects of one store commit as one",
         labelOf(O).Text);
    return nullptr;
  }
  Part *P = T.Parts.add();
  if (!P)
    return nullptr;
  *P = {&O, O.Base, O.Serial, nullptr, {}};
  if (isDeferred(O) ? enterRedo(O) : (P->L = T.Lanes.take(O, T.Serial)) != nullptr)
    return P;
  --T.Parts.Count;
  return nullptr;
}

// The part in O; the last one that joined is most often it.
static Part *partOf(Transaction &T, Object &O) {
  for (unsigned I = T.Parts.Count; I; --I)
    if (T.Parts.Items[I - 1].O == &O)
      return &T.Parts.Items[I - 1];
  return join(T, O);
}

bool perdure::logRange(Transaction &T, Object &O, const void *P,
                       uint64_t Bytes) {
  if (!T.Known.add((uint64_t)P, Bytes))
    return true;
  Part *Mine = partOf(T, O);
  uint64_t Offset = (uint64_t)P - O.Base;
  if (!Mine || !(Mine->L ? writeData(O, *Mine->L, Offset, Bytes)
                         : appendData(O, Mine->Undo, Offset, Bytes))) {
    T.Known.clear(); // it is not logged
    return false;
  }
  T.Unsettled = true;
  return true;
}

// A store may reach the medium at any time from the moment on at which it is
// made.
void perdure::settleLogged(Transaction &T) {
  if (!T.Unsettled)
    return;
  T.Unsettled = false;
  // One fence orders all that this thread has flushed.
  Object *Flushed = nullptr;
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    if (!isThere(P) || !P.L || P.L->Unflushed == P.L->End.At || P.O->Map.Page)
      continue;
    flushRecords(*P.O, *P.L);
    Flushed = P.O;
  }
  if (Flushed)
    settle(*Flushed);
}

bool perdure::logBlock(Transaction &T, Object &O, void *Block, uint64_t Bytes) {
  Part *Mine = partOf(T, O);
  uint64_t Offset = (uint64_t)Block - O.Base;
  if (!Mine)
    return false;
  if (Mine->L) {
    if (!writeRecord(O, *Mine->L, RecordKind::Block, Offset, &Bytes,
                     sizeof(Bytes)))
      return false;
    // Flushed with the next record, if one comes before the cut: whoever finds
    // the record without the block's bit has nothing to free, and a block of
    // which only the bit is there leaks.
  } else {
    if (!appendRecord(Mine->Undo, RecordKind::Block, Offset, &Bytes,
                      sizeof(Bytes)))
      return false;
    // To others, and in the file, it is free until this transaction commits.
    AllocationMark Mark = markOf(O, Block);
    noteWord(O, Mark.Word, Mark.Mask, 0);
    forgetZeroed(O, Block, UINT64_MAX);
  }
  T.Known.add((uint64_t)Block, Bytes);
  return true;
}

bool perdure::freeAtCommit(Transaction &T, Object &O, void *Block) {
  if (isDeferred(O)) {
    // Part of the commit; freed after it.
    Part *Mine = partOf(T, O);
    if (!Mine || !appendRecord(Mine->Undo, RecordKind::Freed,
                               (uint64_t)Block - O.Base, &Block, 0))
      return false;
  }
  void **Place = T.Frees.add();
  if (Place)
    *Place = Block;
  return Place;
}

bool perdure::leaveAtEnd(Transaction &T, Object &O) {
  for (unsigned I = 0; I < T.Leaves.Count; ++I)
    if (T.Leaves.Items[I] == &O)
      return fail(EPERM, "object %s: this thread has left its section already",
                  labelOf(O).Text);
  Object **Place = T.Leaves.add();
  if (Place)
    *Place = &O;
  return Place;
}

void perdure::writeBackFreed(Object &O) {
  // Nobody else enters its section then, and forgets its log.
  Thread *Mine = O.Map.Page || !mayAllocate(O) ? nullptr : thisThread();
  Lane *L = Mine && Mine->Tx ? Mine->Tx->Lanes.find(O) : nullptr;
  if (L)
    flushFreed(O, *L);
}

bool perdure::stayInside(Transaction &T, const Object &O) {
  for (unsigned I = 0; I < T.Leaves.Count; ++I)
    if (T.Leaves.Items[I] == &O) {
      T.Leaves.Items[I] = T.Leaves.Items[--T.Leaves.Count];
      return true;
    }
  return false;
}

//===----------------------------------------------------------------------===//
// The end
//===----------------------------------------------------------------------===//

static void forgetSavepoints(Transaction &T, unsigned From) {
  while (T.Savepoints.Count > From)
    free(T.Savepoints.Items[--T.Savepoints.Count].Ends);
}

// Lanes are given back only here: what they say has been read by now.
static void close(Transaction &T) {
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    free(P.Undo.Bytes);
    if (!isThere(P))
      continue;
    if (P.L)
      T.Lanes.drop(*P.O, *P.L, T.Serial);
    else
      leaveRedo(*P.O);
  }
  T.Parts.Count = T.Frees.Count = 0;
  forgetSavepoints(T, 0);
  T.Depth = T.Frames.Count = 0;
  __perdure_tx_active = 0;
  // Last: others may come in now.
  for (unsigned I = 0; I < T.Leaves.Count; ++I)
    if (!leaveWritten(*T.Leaves.Items[I]))
      report("a section that was left in a transaction: %s", errorMessage());
  T.Leaves.Count = 0;
}

// The runtime has changed something that the next sync must not leave out: a
// log on the medium that holds still would undo what has been synced since.
static void noteCut(Object &O) {
  if (O.Map.Page && !isDeferred(O))
    flushMetadata(O, headerOf(O), 1);
}

void perdure::rollBackTransaction(Transaction &T) {
  int Saved = errno;
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    uint64_t Last = isThere(P) ? lastOf(P) : 0;
    if (!Last)
      continue;
    restore(*P.O, recordsOf(P), Last, 0);
    if (P.L)
      cutLane(*P.O, *P.L->Head);
    noteCut(*P.O);
    freeAllocated(*P.O, recordsOf(P), Last, 0);
  }
  close(T);
  errno = Saved;
}

//===----------------------------------------------------------------------===//
// What is written by commits
//===----------------------------------------------------------------------===//

static int compareSpans(const void *A, const void *B) {
  const auto *X = (const Span *)A, *Y = (const Span *)B;
  return X->Begin < Y->Begin ? -1 : X->Begin > Y->Begin;
}

// In order, joined where they meet.
static bool spansOf(const Part &P, Span *&Spans, size_t &Count) {
  size_t Most = 0;
  visitBack(recordsOf(P), lastOf(P), 0, [&](const LogRecord &) { ++Most; });
  Count = 0;
  Spans = (Span *)malloc((Most + 1) * sizeof(Span));
  if (!Spans)
    return fail(ENOMEM, "no memory for a commit");
  visitBack(recordsOf(P), lastOf(P), 0, [&](const LogRecord &R) {
    uint64_t Bytes = R.kind() == RecordKind::Data    ? R.bytes()
                     : R.kind() == RecordKind::Block ? blockBytes(R)
                                                     : 0;
    if (Bytes)
      Spans[Count++] = {R.offset(), R.offset() + Bytes};
  });
  if (!Count)
    return true;
  qsort(Spans, Count, sizeof(Span), compareSpans);
  size_t Last = 0;
  for (size_t I = 1; I < Count; ++I)
    if (Spans[I].Begin > Spans[Last].End)
      Spans[++Last] = Spans[I];
    else if (Spans[I].End > Spans[Last].End)
      Spans[Last].End = Spans[I].End;
  Count = Last + 1;
  return true;
}

bool perdure::spansOf(const Object &O, Span *&Spans, size_t &Count) {
  Spans = nullptr;
  Count = 0;
  Transaction *T = openTransaction();
  for (unsigned I = 0; T && I < T->Parts.Count; ++I)
    if (T->Parts.Items[I].O == &O && isThere(T->Parts.Items[I]))
      return ::spansOf(T->Parts.Items[I], Spans, Count);
  return true;
}

namespace {
struct OwnPages {
  Batch &B;
  const Object &O;
  Span S;
};
} // namespace

// Of what is large, the pages in which something was stored: the others are as
// the file is.
static void addSpan(const Object &O, Span S, Batch &B) {
  constexpr uint64_t Large = 1 << 16;
  if (S.End - S.Begin < Large) {
    B.addBytes(O, S.Begin, S.End - S.Begin);
    return;
  }
  OwnPages Own = {B, O, S};
  uint64_t First = S.Begin / FilePage * FilePage;
  uint64_t Last = (S.End + FilePage - 1) / FilePage * FilePage;
  auto Add = [](void *Context, uint64_t Begin, uint64_t End) {
    auto &Own = *(OwnPages *)Context;
    Begin -= Own.O.Base;
    End -= Own.O.Base;
    Begin = Begin < Own.S.Begin ? Own.S.Begin : Begin;
    End = End > Own.S.End ? Own.S.End : End;
    Own.B.addBytes(Own.O, Begin, End - Begin);
    return true;
  };
  if (!visitOwnPages((const void *)(O.Base + First), Last - First, Add, &Own))
    B.addBytes(O, S.Begin, S.End - S.Begin);
}

static void addMark(Object &O, uint64_t Block, bool Allocated, Batch &B) {
  AllocationMark M = markOf(O, (void *)(O.Base + Block));
  B.addWord((uint64_t)M.Word - O.Base, M.Mask, Allocated ? M.Value : 0);
}

Batch *perdure::collectPart(const Part &P) {
  Object &O = *P.O;
  Span *Spans;
  size_t Count;
  Batch *B = makeBatch();
  if (!B || !::spansOf(P, Spans, Count)) {
    freeBatch(B);
    return nullptr;
  }
  for (size_t I = 0; I < Count; ++I)
    addSpan(O, Spans[I], *B);
  free(Spans);
  visitBack(recordsOf(P), lastOf(P), 0, [&](const LogRecord &R) {
    if (R.kind() == RecordKind::Block)
      addMark(O, R.offset(), true, *B);
  });
  // What it has allocated itself it may have freed, too.
  visitBack(recordsOf(P), lastOf(P), 0, [&](const LogRecord &R) {
    if (R.kind() == RecordKind::Freed)
      addMark(O, R.offset(), false, *B);
  });
  return B;
}

bool perdure::leaveWritten(Object &O) {
  bool Written = !isDeferred(O) || !isWritingHere(O) ||
                 writeBack(O, /*Forget=*/!isAlone(O));
  int Saved = errno;
  // Others go on from what the file says, and so does this process.
  if (!Written && !isAlone(O)) {
    forgetOwn(O);
    __atomic_store_n(&headerOf(O)->Turn.LastWriter, 0, __ATOMIC_RELEASE);
  }
  if (!leaveSection(O))
    return false;
  errno = Saved;
  return Written;
}

//===----------------------------------------------------------------------===//
// Commit
//===----------------------------------------------------------------------===//

static int compareAddresses(const void *A, const void *B) {
  uint64_t X = *(const uint64_t *)A, Y = *(const uint64_t *)B;
  return X < Y ? -1 : X > Y;
}

// Found before anything is freed: between the first time and the second another
// thread could be given the block.
static void checkFrees(Transaction &T) {
  if (T.Frees.Count < 2)
    return;
  qsort((void *)T.Frees.Items, T.Frees.Count, sizeof(void *), compareAddresses);
  for (unsigned I = 1; I < T.Frees.Count; ++I)
    if (T.Frees.Items[I] == T.Frees.Items[I - 1])
      die("perdure_free(%p): the transaction has freed it twice",
          T.Frees.Items[I]);
}

// What has been stored in place is durable before any log is cut.
static void flushAll(Transaction &T) {
  LinesOnce Lines;
  Object *Flushed = nullptr;
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    if (!isThere(P) || !P.L || isEmpty(*P.L) || P.O->Map.Page)
      continue;
    flushChanges(*P.O, *P.L, Lines);
    Flushed = P.O;
  }
  // One fence orders all that this thread has flushed.
  if (Flushed)
    settle(*Flushed);
}

static bool commitAlone(Part &P) {
  if (P.L) {
    cutLane(*P.O, *P.L->Head);
    return true;
  }
  Batch *B = collectPart(P);
  return B && commitBatch(*P.O, B);
}

static Lane *laneIn(Transaction &T, const Object &O) {
  for (unsigned I = 0; I < T.Parts.Count; ++I)
    if (T.Parts.Items[I].O == &O && isThere(T.Parts.Items[I]))
      return T.Parts.Items[I].L;
  return nullptr;
}

// Frees what a committed transaction has freed.
static void freeAll(Transaction &T) {
  for (unsigned I = 0; I < T.Frees.Count; ++I) {
    void *Block = T.Frees.Items[I];
    Object &O = *objectAt(Block);
    Lane *L = laneIn(T, O);
    const void *Word =
        deallocate(O, Block, L ? WriteBack::ByCaller : WriteBack::Here);
    if (L && Word)
      noteFreed(O, *L, Word);
  }
}

static bool commit(Transaction &T) {
  checkFrees(T);
  flushAll(T);
  Part *Changed = nullptr;
  unsigned Count = 0;
  for (unsigned I = 0; I < T.Parts.Count; ++I)
    if (isThere(T.Parts.Items[I]) && lastOf(T.Parts.Items[I])) {
      Changed = Changed ? Changed : &T.Parts.Items[I];
      ++Count;
    }
  if (Count && !(Count == 1 ? commitAlone(*Changed) : commitTogether(T)))
    return false;
  // The transaction is committed from here on.
  for (unsigned I = 0; I < T.Parts.Count; ++I)
    if (isThere(T.Parts.Items[I]))
      noteCut(*T.Parts.Items[I].O);
  freeAll(T);
  close(T);
  return true;
}

bool perdure::commitTransaction(Transaction &T) {
  if (--T.Depth)
    return true;
  if (T.Doomed) {
    rollBackTransaction(T);
    return fail(ECANCELED, "the transaction was aborted: an exception left one "
                           "that had joined it");
  }
  if (commit(T))
    return true;
  rollBackTransaction(T);
  return false;
}

//===----------------------------------------------------------------------===//
// Savepoints
//===----------------------------------------------------------------------===//

// Where its records end.
static LogEnd endOf(const Part &P) {
  if (P.L)
    return P.L->End;
  LogEnd End = {};
  End.At = P.Undo.Size;
  End.Last = P.Undo.Last;
  return End;
}

int perdure::setSavepoint(Transaction &T) {
  auto *Ends = (LogEnd *)malloc((T.Parts.Count + 1) * sizeof(LogEnd));
  Savepoint *S = Ends ? T.Savepoints.add() : nullptr;
  if (!S) {
    free(Ends);
    fail(ENOMEM, "no memory for a savepoint");
    return -1;
  }
  *S = {T.Parts.Count, T.Frees.Count, Ends};
  for (unsigned I = 0; I < T.Parts.Count; ++I)
    Ends[I] = endOf(T.Parts.Items[I]);
  // What is overwritten from here on has to be found again from here on.
  T.Known.clear();
  return (int)T.Savepoints.Count;
}

// The order: bytes; then the log ends where it did, so that nothing frees what
// is freed now and may be another's in a moment; then blocks.
static void rollBackPart(Transaction &T, Part &P, const LogEnd &End) {
  uint64_t Last = lastOf(P);
  if (Last == End.Last)
    return;
  restore(*P.O, recordsOf(P), Last, End.Last);
  if (P.L)
    cutToEnd(*P.O, *P.L, End);
  freeAllocated(*P.O, recordsOf(P), Last, End.Last);
  if (!P.L) {
    P.Undo.Size = End.At;
    P.Undo.Last = End.Last;
    return;
  }
  // The lane has had room for more than this.
  if (!sealEnd(*P.O, *P.L, ++T.Rewinds))
    die("object %s: the log of a transaction cannot be rolled back: %s; the "
        "next to open it rolls back all of it",
        labelOf(*P.O).Text, errorMessage());
}

bool perdure::rollBackTo(Transaction &T, int Number) {
  if (Number < 1 || (unsigned)Number > T.Savepoints.Count)
    return fail(EINVAL,
                "perdure_tx_rollback_to(%d): the transaction has no such "
                "savepoint",
                Number);
  Savepoint &S = T.Savepoints.Items[Number - 1];
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    if (isThere(P))
      rollBackPart(T, P,
                   I < S.Parts ? S.Ends[I]
                   : P.L       ? beginningOf(*P.L)
                               : LogEnd());
    // The record that it begins with now stays.
    if (I < S.Parts && isThere(P))
      S.Ends[I] = endOf(P);
  }
  T.Frees.Count = S.Frees;
  forgetSavepoints(T, (unsigned)Number);
  T.Known.clear();
  return true;
}

//===----------------------------------------------------------------------===//
// Stores, threads and processes that end
//===----------------------------------------------------------------------===//

void perdure::leaveStore(const Store &S) {
  Transaction *T = openTransaction();
  if (!T)
    return;
  bool Concerned = false;
  for (unsigned I = 0; I < T->Parts.Count; ++I)
    Concerned |= isThere(T->Parts.Items[I]) && T->Parts.Items[I].O->Owner == &S;
  for (unsigned I = 0; I < T->Frees.Count; ++I)
    Concerned |= objectAt(T->Frees.Items[I])->Owner == &S;
  for (unsigned I = 0; I < T->Leaves.Count; ++I)
    Concerned |= T->Leaves.Items[I]->Owner == &S;
  if (!Concerned)
    return;
  report("store %s is closed in the middle of a transaction, which is rolled "
         "back; commit before closing",
         S.Path);
  rollBackTransaction(*T);
}

static void release(Transaction *T) {
  T->Lanes.release();
  free(T->Parts.Items);
  free(T->Frames.Items);
  free((void *)T->Frees.Items);
  free((void *)T->Leaves.Items);
  free(T->Savepoints.Items);
  T->Known.release();
  free(T);
}

static void endTransactions(Thread &Ending) {
  if (Ending.Tx->Depth)
    rollBackTransaction(*Ending.Tx);
  release(Ending.Tx);
  Ending.Tx = nullptr;
}

// Its parent goes on with it: nothing of it is touched but what this process
// knows.
void perdure::transactionInChild() {
  if (Thread *Mine = thisThread())
    if (Mine->Tx)
      Mine->Tx->Lanes.forget();
  Transaction *T = openTransaction();
  if (!T)
    return;
  for (unsigned I = 0; I < T->Parts.Count; ++I)
    free(T->Parts.Items[I].Undo.Bytes);
  T->Parts.Count = T->Frees.Count = T->Leaves.Count = 0;
  forgetSavepoints(*T, 0);
  T->Depth = T->Frames.Count = 0;
  __perdure_tx_active = 0;
}

__attribute__((constructor(102))) static void install() {
  EndTransactions = endTransactions;
  installRecovery();
}
