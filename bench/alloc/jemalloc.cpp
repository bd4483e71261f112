//===- jemalloc.cpp - mallocx, zeroed or not, and dallocx -----------------===//
//
// BENCH_ZERO=0: without zeroes, which Perdure and calloc always give.
//
//===----------------------------------------------------------------------===//

#include <jemalloc/jemalloc.h>
#include <stddef.h>

namespace {
struct Allocator {
  static inline int Flags;
  static void begin();
  static void *allocate(size_t Bytes) { return mallocx(Bytes, Flags); }
  static void release(void *P) { dallocx(P, 0); }
};
} // namespace

#include "workloads.h"

void Allocator::begin() {
  const char *Zero = getenv("BENCH_ZERO");
  Flags = Zero && *Zero == '0' ? 0 : MALLOCX_ZERO;
}
