//===- pmdk.cpp - libpmemobj: its atomic calls and its transactions -------===//
//
// BENCH_TX=1: each allocation and each free is a transaction. Otherwise the
// atomic calls, which leave a block allocated or not, as perdure_alloc does.
// PMEM_IS_PMEM_FORCE=1 flushes cache lines, =0 calls msync.
//
//===----------------------------------------------------------------------===//

#include <libpmemobj.h>
#include <stddef.h>
#include <unistd.h>

namespace {
struct Allocator {
  static inline PMEMobjpool *Pool;
  static inline bool Transactions;
  static void begin();

  static void *allocate(size_t Bytes) {
    PMEMoid Block = OID_NULL;
    if (!Transactions) {
      if (pmemobj_zalloc(Pool, &Block, Bytes, 1))
        __builtin_trap();
    } else {
      if (pmemobj_tx_begin(Pool, nullptr, TX_PARAM_NONE))
        __builtin_trap();
      Block = pmemobj_tx_zalloc(Bytes, 1);
      pmemobj_tx_commit();
      if (pmemobj_tx_end())
        __builtin_trap();
    }
    return pmemobj_direct(Block);
  }
  static void release(void *P) {
    PMEMoid Block = pmemobj_oid(P);
    if (!Transactions) {
      pmemobj_free(&Block);
    } else {
      if (pmemobj_tx_begin(Pool, nullptr, TX_PARAM_NONE))
        __builtin_trap();
      pmemobj_tx_free(Block);
      pmemobj_tx_commit();
      if (pmemobj_tx_end())
        __builtin_trap();
    }
  }
};
} // namespace

#include "workloads.h"

void Allocator::begin() {
  const char *Tx = getenv("BENCH_TX");
  Transactions = Tx && *Tx == '1';
  std::string Dir = temporaryDirectory(), File = Dir + "/pool";
  Pool = pmemobj_create(File.c_str(), "bench", (size_t)256 << 20, 0600);
  unlink(File.c_str());
  rmdir(Dir.c_str());
  if (!Pool)
    stop("libpmemobj", pmemobj_errormsg());
}
