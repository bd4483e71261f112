//===- glibc.cpp - calloc and free ----------------------------------------===//

#include <stddef.h>
#include <stdlib.h>

namespace {
struct Allocator {
  static void begin() {}
  static void *allocate(size_t Bytes) { return calloc(1, Bytes); }
  static void release(void *P) { free(P); }
};
} // namespace

#include "workloads.h"
