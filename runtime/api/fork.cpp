//===- fork.cpp - What a child of fork() may do ---------------------------===//
//
// Two processes with the same lists of free blocks would hand out the same
// blocks, and a child's copy of a descriptor would keep a dead parent's locks.
// So the child reads, and asks for more as any other process does.
//
// All locks of the runtime are held across the fork, in the order in which they
// nest elsewhere (runtime/README.md): what they guard is whole in the child.
//
//===----------------------------------------------------------------------===//

#include "api/fork.h"
#include "alloc/heap.h"
#include "fot/escapes.h"
#include "object/copy.h"
#include "object/registry.h"
#include "object/sidecar.h"
#include "object/store.h"
#include "platform/regions.h"
#include "tx/log.h"
#include "tx/redo.h"
#include "tx/transaction.h"
#include "types/known.h"

using namespace perdure;

template <typename Visitor> static void forEachStore(Visitor Visit) {
  for (Store *S = firstStore(); S; S = S->Next)
    Visit(*S);
}

template <typename Visitor> static void forEachObject(Visitor Visit) {
  forEachStore([&](Store &S) {
    for (Object *O : S.Objects)
      for (; O; O = O->Next)
        Visit(*O);
  });
}

static void take(Mutex &M) { pthread_mutex_lock(&M.Handle); }
static void drop(Mutex &M) { pthread_mutex_unlock(&M.Handle); }

static void beforeFork() {
  take(StoresLock);
  forEachStore([](Store &S) { take(S.Lock); });
  heapsBeforeFork();
  forEachObject(heapBeforeFork);
  redosBeforeFork();
  forEachObject(redoBeforeFork);
  logsBeforeFork();
  forEachObject(logBeforeFork);
  typesBeforeFork();
  forEachObject([](Object &O) { take(O.GrowLock); });
  forEachObject([](Object &O) { take(O.FotLock); });
  forEachStore([](Store &S) { take(S.SidecarLock); });
  escapesBeforeFork();
  copiesBeforeFork();
  registriesBeforeFork();
  regionsBeforeFork();
  windowBeforeFork();
}

static void afterFork() {
  windowAfterFork();
  regionsAfterFork();
  registriesAfterFork();
  copiesAfterFork();
  escapesAfterFork();
  forEachStore([](Store &S) { drop(S.SidecarLock); });
  forEachObject([](Object &O) { drop(O.FotLock); });
  forEachObject([](Object &O) { drop(O.GrowLock); });
  typesAfterFork();
  forEachObject(logAfterFork);
  logsAfterFork();
  forEachObject(redoAfterFork);
  redosAfterFork();
  forEachObject(heapAfterFork);
  heapsAfterFork();
  forEachStore([](Store &S) { drop(S.Lock); });
  drop(StoresLock);
}

static void inChild() {
  forgetProcess();
  transactionInChild();
  forEachStore(abandonSidecar);
  forEachObject(disown);
  copiesInChild();
  afterFork();
  forEachObject(redoInChild);
}

void perdure::prepareForFork() {
  static pthread_once_t Once = PTHREAD_ONCE_INIT;
  pthread_once(&Once, [] { pthread_atfork(beforeFork, afterFork, inChild); });
}
