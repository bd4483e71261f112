//===- clock.h - Times as one number ----------------------------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_PLATFORM_CLOCK_H
#define PERDURE_RUNTIME_PLATFORM_CLOCK_H

#include <stdint.h>
#include <time.h>

namespace perdure {

/// Since the clock's beginning: 0 for what was before, INT64_MAX for what does
/// not fit (past April 2262). A file's times may be anything. So the difference
/// of two fits, too.
inline int64_t nanoseconds(const struct timespec &T) {
  int64_t Sum;
  if (T.tv_sec < 0)
    return 0;
  if (__builtin_mul_overflow((int64_t)T.tv_sec, (int64_t)1000000000, &Sum) ||
      __builtin_add_overflow(Sum, (int64_t)T.tv_nsec, &Sum))
    return INT64_MAX;
  return Sum;
}

/// Nanoseconds since 1970.
inline uint64_t now() {
  struct timespec T;
  clock_gettime(CLOCK_REALTIME, &T);
  return (uint64_t)nanoseconds(T);
}

} // namespace perdure

#endif // PERDURE_RUNTIME_PLATFORM_CLOCK_H
