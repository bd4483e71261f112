//===- thread.h - What a thread keeps --------------------------*- C++ -*-===//
//
// On the heap: a library that is opened by dlopen has little room for variables
// of threads, and none that can be counted on.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_PLATFORM_THREAD_H
#define PERDURE_RUNTIME_PLATFORM_THREAD_H

#include <stdint.h>

namespace perdure {

struct Object;
struct Transaction; // tx/transaction.h

/// A read section that the thread is in.
struct Reading {
  const Object *In;
  uint64_t Base, Serial; // of the object: its address comes again
};

struct Thread {
  char Message[1024]; // of the last failure
  Reading Readings[64];
  int Rounds; // of destructors that it has seen
  Transaction *Tx;       // made by its first transaction
};

/// Set by the layer of transactions: ends what the thread has begun, and frees
/// Tx. Called when the thread ends.
extern void (*EndTransactions)(Thread &T);

/// This thread's, zeroed at first and freed when it ends. Null without memory.
Thread *thisThread();

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_THREAD_H
