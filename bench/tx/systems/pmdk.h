//===- pmdk.h - libpmemobj: the program logs --------------------*- C++ -*-===//
//
// Its transactions as its manual has them: TX_BEGIN, one
// pmemobj_tx_add_range_direct for each range that is overwritten, none for what
// the transaction allocated, blocks that are not zeroed. Ranges are as narrow
// as the code can make them without looking twice.
//
//===----------------------------------------------------------------------===//

#include "../../pointers/representations/pmdk.h"

#include <libpmemobj.h>

inline PMEMobjpool *Pool;
inline uint64_t Logged;

/// An entry of the undo log is a header of 32 bytes (base, checksum, offset,
/// size) and the data, on whole cache lines: struct ulog_entry_buf of
/// libpmemobj's ulog.h.
inline void logRange(void *Address, size_t Bytes) {
  if (pmemobj_tx_add_range_direct(Address, Bytes))
    stop("pmemobj_tx_add_range_direct", pmemobj_errormsg());
  Logged += (32 + Bytes + 63) / 64 * 64;
}
#define LOG(Address, Bytes) logRange(Address, Bytes)

inline void *create(const std::string &Dir, size_t RootBytes) {
  Pool =
      pmemobj_create((Dir + "/pool").c_str(), "bench", (size_t)256 << 20, 0600);
  if (!Pool)
    stop("pmemobj_create", pmemobj_errormsg());
  return pmemobj_direct(pmemobj_root(Pool, RootBytes));
}
template <class T, class Near> T *allocate(Near *, size_t Count = 1) {
  PMEMoid Block = pmemobj_tx_alloc(Count * sizeof(T), 1);
  if (OID_IS_NULL(Block))
    stop("pmemobj_tx_alloc", pmemobj_errormsg());
  return static_cast<T *>(pmemobj_direct(Block));
}
inline void release(void *Block) { pmemobj_tx_free(pmemobj_oid(Block)); }

template <class Body> void transact(void *, Body &&Do) {
  TX_BEGIN(Pool) { Do(); }
  TX_ONABORT { stop("transaction", pmemobj_errormsg()); }
  TX_END
}

inline uint64_t logged() { return Logged; }
