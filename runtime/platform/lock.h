//===- lock.h - Locks in process memory -------------------------*- C++ -*-===//
//
// Locks never live in files: these are zero-initialised members of volatile
// structures.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_PLATFORM_LOCK_H
#define PERDURE_RUNTIME_PLATFORM_LOCK_H

#include <pthread.h>
#include <stdint.h>

namespace perdure {

/// All zero is unlocked (as PTHREAD_MUTEX_INITIALIZER is on Linux), so calloc
/// makes one.
struct Mutex {
  pthread_mutex_t Handle;

  void lock() { pthread_mutex_lock(&Handle); }
  bool tryLock() { return !pthread_mutex_trylock(&Handle); }
  void unlock() { pthread_mutex_unlock(&Handle); }
};

/// A mutex for the allocator's fast paths, where a pthread_mutex_t costs
/// measurably: two calls through the PLT, and 40 bytes of a cache line that
/// holds what the lock guards. Here locking and unlocking are one instruction
/// and one branch each. Waiters spin for a moment, then sleep in the kernel.
/// Not fair, not recursive.
class Latch {
public:
  bool tryLock() {
    uint32_t Expected = Free;
    return __atomic_compare_exchange_n(&State, &Expected, Held, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
  }
  void lock() {
    if (__builtin_expect(!tryLock(), 0))
      wait();
  }
  /// A full barrier: what the thread reads after it, it reads after its stores
  /// before it are visible.
  void unlock() {
    if (__builtin_expect(__atomic_exchange_n(&State, Free, __ATOMIC_SEQ_CST) ==
                             WaitedFor,
                         0))
      wake();
  }

private:
  enum : uint32_t { Free = 0, Held = 1, WaitedFor = 2 };
  uint32_t State;

  void wait();
  void wake();
};

template <typename Lock> class [[nodiscard]] Locked {
public:
  explicit Locked(Lock &L) : L(L) { L.lock(); }
  ~Locked() { L.unlock(); }
  Locked(const Locked &) = delete;
  Locked &operator=(const Locked &) = delete;

private:
  Lock &L;
};

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_LOCK_H
