//===- perdure.cpp - perdure_alloc and perdure_free -----------------------===//

#include <filesystem>
#include <perdure/runtime.h>
#include <stddef.h>

namespace {
struct Allocator {
  static inline void *Root;
  static void begin();
  static void *allocate(size_t Bytes) {
    void *P = perdure_alloc(Root, Bytes);
    if (__builtin_expect(!P, 0))
      __builtin_trap();
    return P;
  }
  static void release(void *P) { perdure_free(P); }
};
} // namespace

#include "workloads.h"

void Allocator::begin() {
  std::string Dir = temporaryDirectory();
  perdure_store *S =
      perdure_store_open((Dir + "/store").c_str(), PERDURE_CREATE);
  Root = S ? perdure_create(S, "bench", 64, 0) : nullptr;
  if (!Root)
    stop("perdure", perdure_errormsg());
  // Mapped as it is, it needs its name no longer.
  std::filesystem::remove_all(Dir);
}
