//===- transaction.cpp - The transaction of a thread ----------------------===//

#include "tx/transaction.h"
#include "alloc/heap.h"
#include "object/store.h"
#include "platform/error.h"
#include "platform/thread.h"
#include "tx/recover.h"
#include "tx/together.h"
#include "tx/undo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

using namespace perdure;

// Compiled code reads it before it calls: the address of the open transaction.
extern "C" __attribute__((visibility("default"),
                          tls_model("initial-exec"))) __thread uint64_t
    __perdure_tx_active;
__thread uint64_t __perdure_tx_active;

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

Transaction *perdure::openTransaction() {
  return (Transaction *)__perdure_tx_active;
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
  Lane *L = takeLane(O);
  if (!L)
    return nullptr;
  Part *P = T.Parts.add();
  if (P)
    *P = {&O, O.Base, O.Serial, L};
  else
    dropLane(O, *L);
  return P;
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
  if (T.Known.has((uint64_t)P, Bytes))
    return true;
  Part *Mine = partOf(T, O);
  if (!Mine || !appendData(O, *Mine->L, (uint64_t)P - O.Base, Bytes))
    return false;
  // Durable before the program's store may be: it may reach the medium at any
  // time from then on.
  settle(O);
  T.Known.add((uint64_t)P, Bytes);
  return true;
}

bool perdure::logBlock(Transaction &T, Object &O, void *Block,
                       uint64_t Bytes) {
  Part *Mine = partOf(T, O);
  if (!Mine || !appendRecord(O, *Mine->L, RecordKind::Block,
                             (uint64_t)Block - O.Base, &Bytes, sizeof(Bytes)))
    return false;
  // Nothing to wait for: without its record the block leaks, and no more. Whatever
  // leads to it is rolled back by a record of its own, or committed after a fence
  // or sync that takes this one with it.
  T.Known.add((uint64_t)Block, Bytes);
  return true;
}

bool perdure::freeAtCommit(Transaction &T, void *Block) {
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
  for (unsigned I = 0; I < T.Parts.Count; ++I)
    if (isThere(T.Parts.Items[I]))
      dropLane(*T.Parts.Items[I].O, *T.Parts.Items[I].L);
  T.Parts.Count = T.Frees.Count = 0;
  forgetSavepoints(T, 0);
  T.Depth = T.Frames.Count = 0;
  __perdure_tx_active = 0;
  // Last: others may come in now.
  for (unsigned I = 0; I < T.Leaves.Count; ++I)
    leaveSection(*T.Leaves.Items[I]);
  T.Leaves.Count = 0;
}

// The runtime has changed something that the next sync must not leave out: a log
// on the medium that holds still would undo what has been synced since.
static void noteCut(Object &O) {
  if (O.Map.Page)
    flushMetadata(O, headerOf(O), 1);
}

void perdure::rollBackTransaction(Transaction &T) {
  int Saved = errno;
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    uint64_t Last = P.L->End.Last;
    if (!isThere(P) || !Last)
      continue;
    restore(*P.O, Last, 0);
    cutLane(*P.O, *P.L->Head);
    noteCut(*P.O);
    freeAllocated(*P.O, Last, 0);
  }
  close(T);
  errno = Saved;
}

static int compareAddresses(const void *A, const void *B) {
  uint64_t X = *(const uint64_t *)A, Y = *(const uint64_t *)B;
  return X < Y ? -1 : X > Y;
}

// Found before anything is freed: between the first time and the second another
// thread could be given the block.
static void checkFrees(Transaction &T) {
  if (T.Frees.Count < 2)
    return;
  qsort((void *)T.Frees.Items, T.Frees.Count, sizeof(void *),
        compareAddresses);
  for (unsigned I = 1; I < T.Frees.Count; ++I)
    if (T.Frees.Items[I] == T.Frees.Items[I - 1])
      die("perdure_free(%p): the transaction has freed it twice",
          T.Frees.Items[I]);
}

// What has been stored is durable before any log is cut.
static void flushAll(Transaction &T) {
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    if (isThere(P) && !isEmpty(*P.L))
      flushChanges(*P.O, P.L->End.Last);
  }
  bool Fenced = false;
  for (unsigned I = 0; I < T.Parts.Count; ++I) {
    Part &P = T.Parts.Items[I];
    if (!isThere(P) || isEmpty(*P.L))
      continue;
    // One fence orders all that this thread has flushed.
    if (P.O->Map.Page || !Fenced)
      settle(*P.O);
    Fenced |= !P.O->Map.Page;
  }
}

static bool commit(Transaction &T) {
  checkFrees(T);
  flushAll(T);
  Part *Changed = nullptr;
  unsigned Count = 0;
  for (unsigned I = 0; I < T.Parts.Count; ++I)
    if (isThere(T.Parts.Items[I]) && !isEmpty(*T.Parts.Items[I].L)) {
      Changed = Changed ? Changed : &T.Parts.Items[I];
      ++Count;
    }
  if (Count == 1)
    cutLane(*Changed->O, *Changed->L->Head);
  else if (Count && !commitTogether(T))
    return false;
  // The transaction is committed from here on.
  for (unsigned I = 0; I < T.Parts.Count; ++I)
    if (isThere(T.Parts.Items[I]))
      noteCut(*T.Parts.Items[I].O);
  for (unsigned I = 0; I < T.Frees.Count; ++I)
    deallocate(*objectAt(T.Frees.Items[I]), T.Frees.Items[I]);
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
    Ends[I] = T.Parts.Items[I].L->End;
  // What is overwritten from here on has to be found again from here on.
  T.Known.clear();
  return (int)T.Savepoints.Count;
}

// The order: bytes; then the log ends where it did, so that nothing frees what
// is freed now and may be another's in a moment; then blocks.
static void rollBackPart(Transaction &T, Part &P, const LogEnd &End) {
  uint64_t Last = P.L->End.Last;
  if (Last == End.Last)
    return;
  restore(*P.O, Last, End.Last);
  cutToEnd(*P.O, *P.L, End);
  freeAllocated(*P.O, Last, End.Last);
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
      rollBackPart(T, P, I < S.Parts ? S.Ends[I] : beginningOf(*P.L));
    // The record that it begins with now stays.
    if (I < S.Parts && isThere(P))
      S.Ends[I] = P.L->End;
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
  Transaction *T = openTransaction();
  if (!T)
    return;
  T->Parts.Count = T->Frees.Count = T->Leaves.Count = 0;
  forgetSavepoints(*T, 0);
  T->Depth = T->Frames.Count = 0;
  __perdure_tx_active = 0;
}

__attribute__((constructor(102))) static void install() {
  EndTransactions = endTransactions;
  installRecovery();
}
