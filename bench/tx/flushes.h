//===- flushes.h - Lines flushed and fences -----------------*- C++ -*-===//

#ifndef PERDURE_BENCH_TX_FLUSHES_H
#define PERDURE_BENCH_TX_FLUSHES_H

#include <stdint.h>

/// What the libraries have sent to persistent memory so far.
struct Flushes {
  uint64_t Lines;  // cache lines that were flushed, or stored past the caches
  uint64_t Fences; // that waited for them
};
extern Flushes Flushed;

#endif // PERDURE_BENCH_TX_FLUSHES_H
