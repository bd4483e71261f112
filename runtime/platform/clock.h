//===- clock.h - Times as one number ----------------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_PLATFORM_CLOCK_H
#define PERDURE_RUNTIME_PLATFORM_CLOCK_H

#include <stdint.h>
#include <time.h>

namespace perdure {

/// Since the clock's beginning.
inline int64_t nanoseconds(const struct timespec &T) {
  return (int64_t)T.tv_sec * 1000000000 + T.tv_nsec;
}

/// Nanoseconds since 1970.
inline uint64_t now() {
  struct timespec T;
  clock_gettime(CLOCK_REALTIME, &T);
  return (uint64_t)nanoseconds(T);
}

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_CLOCK_H
