//===- transaction.cpp - Transactions: the API and what compiled code calls
//===//
//
// A frame lies on the stack of a function that begins or joins. Such a function
// may be left by longjmp without a word: its frame then lies below the stack
// pointer of whoever asks next, and the transaction ends as if an exception had
// left it. Only within the thread's own stack can that be told.
//
//===----------------------------------------------------------------------===//

#include "tx/transaction.h"
#include "api/arguments.h"
#include "perdure/runtime.h"
#include "platform/error.h"

#include <errno.h>
#include <pthread.h>

using namespace perdure;

//===----------------------------------------------------------------------===//
// Frames
//===----------------------------------------------------------------------===//

static void findStack(Transaction &T) {
  pthread_attr_t Attributes;
  void *Low;
  size_t Bytes;
  T.StackHigh = 1; // asked, and nothing found
  if (pthread_getattr_np(pthread_self(), &Attributes))
    return;
  if (!pthread_attr_getstack(&Attributes, &Low, &Bytes)) {
    T.StackLow = (uint64_t)Low;
    T.StackHigh = T.StackLow + Bytes;
  }
  pthread_attr_destroy(&Attributes);
}

static bool isOnStack(const Transaction &T, const void *P) {
  return (uint64_t)P - T.StackLow < T.StackHigh - T.StackLow;
}

// The function of the innermost frame has been left, and not by its end.
static void abandon(Transaction &T) {
  Began B = T.Frames.last();
  if (B.Depth == 1) {
    rollBackTransaction(T);
    return;
  }
  --T.Frames.Count;
  T.Depth = B.Depth - 1;
  T.Doomed = true;
}

static bool isBelow(Transaction &T, const void *Stack) {
  if (!T.Frames.Count)
    return false;
  const TxFrame *F = T.Frames.last().Frame;
  return (uint64_t)F < (uint64_t)Stack && isOnStack(T, F) &&
         isOnStack(T, Stack);
}

// The open one, once what was jumped over by the time that the stack pointer is
// Stack has ended.
static Transaction *currentTransaction(const void *Stack) {
  Transaction *T = openTransaction();
  while (T && isBelow(*T, Stack)) {
    abandon(*T);
    T = openTransaction();
  }
  return T;
}

// Ends what the function of F called and has jumped over. Null when F's
// transaction is over.
static Transaction *returnTo(const TxFrame &F) {
  for (;;) {
    Transaction *T = openTransaction();
    if (!T || F.Serial != T->Serial || !T->Frames.Count)
      return nullptr;
    if (T->Frames.last().Frame == &F)
      return T;
    abandon(*T);
  }
}

//===----------------------------------------------------------------------===//
// Logging
//===----------------------------------------------------------------------===//

// All are durable on return.
[[gnu::noinline]] static void logAll(const TxRange *Ranges, uint64_t Count) {
  Transaction &T = *openTransaction();
  int Saved = errno;
  for (uint64_t I = 0; I < Count; ++I) {
    auto [P, Bytes] = Ranges[I];
    Object *O = Bytes ? objectAt(P) : nullptr;
    // Where nothing is mapped the store itself reports its fault.
    if (!O || !isPresent(*O) || (uint64_t)P - O->Base >= TheWindow.limit())
      continue;
    if (__builtin_expect(!logRange(T, *O, P, Bytes), 0))
      die("a transaction cannot log %llu bytes at offset 0x%llx of object %s "
          "before they are overwritten, and stops here: %s",
          (unsigned long long)Bytes,
          (unsigned long long)((uint64_t)P - O->Base), labelOf(*O).Text,
          errorMessage());
  }
  settleLogged(T);
  errno = Saved;
}

// Apart from what is asked first, which then needs no frame.
[[gnu::noinline]] static void logOne(const void *P, uint64_t Bytes) {
  TxRange Range = {P, Bytes};
  logAll(&Range, 1);
}

#define STACK __builtin_frame_address(0)

extern "C" {

static void (*Thrower)(void); // atomic

PERDURE_API void __perdure_tx_set_thrower(void (*Throw)(void)) {
  __atomic_store_n(&Thrower, Throw, __ATOMIC_RELAXED);
}

PERDURE_API void __perdure_tx_enter(TxFrame *F, uint32_t Flags) {
  currentTransaction(STACK);
  Transaction *T = beginTransaction();
  if (!T)
    die("a transaction cannot begin: %s", errorMessage());
  if (!T->StackHigh)
    findStack(*T);
  if (!enterFrame(*T, *F, Flags))
    die("a transaction cannot begin: %s", errorMessage());
}

static int failOver() {
  fail(ECANCELED, "the transaction was aborted");
  return -1;
}

PERDURE_API int __perdure_tx_leave(TxFrame *F) {
  Transaction *T = returnTo(*F);
  if (!T)
    return failOver();
  // perdure_tx_begin that nothing ended, inside, ends here.
  T->Depth = T->Frames.last().Depth;
  --T->Frames.Count;
  return commitTransaction(*T) ? 0 : -1;
}

PERDURE_API void __perdure_tx_unwind(TxFrame *F) {
  if (Transaction *T = returnTo(*F))
    abandon(*T);
}

PERDURE_API void __perdure_tx_landed(void *Stack) { currentTransaction(Stack); }

PERDURE_API void __perdure_tx_log(const void *P, uint64_t Bytes) {
  const Transaction *T = openTransaction();
  if (T && !T->Known.hasAtOnce((uint64_t)P, Bytes))
    logOne(P, Bytes);
}

PERDURE_API void __perdure_tx_log_ranges(const TxRange *Ranges,
                                         uint64_t Count) {
  if (openTransaction())
    logAll(Ranges, Count);
}

} // extern "C"

//===----------------------------------------------------------------------===//
// The API
//===----------------------------------------------------------------------===//

static bool mayChange(void *InObject, const char *Function) {
  if (!InObject)
    return true;
  Object *O = openObjectAt(InObject, Function);
  return O && checkChanging(*O);
}

static int failNone(const char *Function) {
  fail(EINVAL, "%s: this thread is in no transaction", Function);
  return -1;
}

int perdure_tx_begin(void *in_object) {
  currentTransaction(STACK);
  return mayChange(in_object, "perdure_tx_begin") && beginTransaction() ? 0
                                                                        : -1;
}

int perdure_tx_commit(void) {
  Transaction *T = currentTransaction(STACK);
  if (!T)
    return failNone("perdure_tx_commit");
  if (T->Frames.Count && T->Depth == T->Frames.last().Depth) {
    fail(EINVAL, "perdure_tx_commit: the transaction was not begun by "
                 "perdure_tx_begin: it ends with the function that began it");
    return -1;
  }
  return commitTransaction(*T) ? 0 : -1;
}

void perdure_tx_abort(void) {
  Transaction *T = currentTransaction(STACK);
  if (!T)
    return;
  Began Outermost = {};
  if (T->Frames.Count && T->Frames.Items[0].Depth == 1)
    Outermost = T->Frames.Items[0];
  if (Outermost.Flags & PerdureAbiTxFrameThrows) {
    auto Throw = __atomic_load_n(&Thrower, __ATOMIC_RELAXED);
    if (!Throw)
      die("perdure_tx_abort: nothing throws perdure::aborted; include "
          "<perdure/transaction.h> where the transaction begins");
    // Rolled back where it began: what destructors do on the way there, too.
    T->Doomed = true;
    Throw();
  }
  rollBackTransaction(*T);
  if (Outermost.Flags & PerdureAbiTxFrameJumps)
    _longjmp(*(jmp_buf *)(void *)Outermost.Frame->Jump, 1);
}

int perdure_tx_savepoint(void) {
  Transaction *T = currentTransaction(STACK);
  return T ? setSavepoint(*T) : failNone("perdure_tx_savepoint");
}

int perdure_tx_rollback_to(int savepoint) {
  Transaction *T = currentTransaction(STACK);
  if (!T)
    return failNone("perdure_tx_rollback_to");
  return rollBackTo(*T, savepoint) ? 0 : -1;
}

/// For perdure_transact, which is C.
extern "C" {
__attribute__((visibility("hidden"))) int perdure__may_change(void *InObject) {
  return mayChange(InObject, "perdure_transact");
}
__attribute__((visibility("hidden"))) int perdure__canceled(void) {
  return failOver();
}
}
