//===- lock.h - A mutex in process memory -----------------------*- C++ -*-===//
//
// Locks never live in files: these are zero-initialised members of volatile
// structures.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_PLATFORM_LOCK_H
#define PERDURE_RUNTIME_PLATFORM_LOCK_H

#include <pthread.h>

namespace perdure {

/// All zero is unlocked (as PTHREAD_MUTEX_INITIALIZER is on Linux), so calloc
/// makes one.
struct Mutex {
  pthread_mutex_t Handle;
};

class [[nodiscard]] Locked {
public:
  explicit Locked(Mutex &M) : M(M) { pthread_mutex_lock(&M.Handle); }
  ~Locked() { pthread_mutex_unlock(&M.Handle); }
  Locked(const Locked &) = delete;
  Locked &operator=(const Locked &) = delete;

private:
  Mutex &M;
};

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_LOCK_H
