// inside.h - What store.cpp does for the files beside it, which make larger
// things of trees: what a store or a transaction is they need not know.
#ifndef PKV_INSIDE_H
#define PKV_INSIDE_H

#include "pkv.h"
#include "tree.h"

#include <type_traits>

namespace inside {

/// Sets errno and this thread's message, and returns -1.
int fail(int error, const char *words);

pkv *store_of(pkv_tree &t);

/// 0, or -1: EROFS, or EDEADLK (this thread has begun a transaction).
int may_write(pkv &s);

/// 0, or -1: EINVAL (sizes).
int check_pair(struct pkv_bytes key, struct pkv_bytes value);

/// Calls `body` to change the tree, in a transaction for writing or, without
/// one, alone. What it returns, or -1: what is said of transactions in pkv.h.
/// It throws nothing.
int change(pkv_tree &t, pkv_txn *txn,
           int (*body)(void *arg, tree::change &c, tree::stored &t), void *arg);

template <class Body> int change(pkv_tree &t, pkv_txn *txn, Body &&body) {
  return change(
      t, txn,
      [](void *arg, tree::change &c, tree::stored &stored) {
        return int(
            (*static_cast<std::remove_reference_t<Body> *>(arg))(c, stored));
      },
      &body);
}

} // namespace inside

#endif
