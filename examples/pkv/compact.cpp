// compact.cpp - Making the nodes of a tree few and full: pkv_compact of pkv.h.
//
// Each node packs its children. From the top down first: then the nodes right
// above the leaves have many leaves, so that few of these are left half full.
// What leaves are fewer then makes the nodes above sparse, which are packed
// from below to the top. That once more until nothing gets less.
#include "inside.h"

#include <cerrno>

using tree::bytes;

namespace {

enum { begins, down, up }; // at.pass

/// Behind the last node of a level: goes on to the next level. False: done.
bool next_level(struct pkv_compaction &at, unsigned top) {
  at.key_bytes = 0;
  if (at.pass == down && at.level > 1) {
    at.level--;
    return true;
  }
  at.level = at.pass == down ? 2 : at.level + 1;
  at.pass = up;
  if (at.level <= top)
    return true;
  at.pass = begins;
  return at.saved != at.saved_before;
}

/// One node's children. 1: there is more to do.
int step(tree::change &c, tree::stored &t, struct pkv_compaction &at) {
  unsigned top = t.root ? t.root->level : 0;
  if (top == 0)
    return 0;
  if (at.pass == begins) {
    at.saved_before = at.saved;
    at.pass = down;
    at.level = top;
  }
  if (at.level > top) // others have made the tree lower
    return next_level(at, top);
  tree::packed did;
  if (!tree::pack(c, t, at.level, {at.key, at.key_bytes}, did))
    return 0;
  at.looked += did.children;
  at.written += did.written;
  at.saved += did.children - did.fewer;
  if (at.level == 1 && at.saved_before == 0)
    at.pairs += did.below;
  if (!did.next.data())
    return next_level(at, t.root->level);
  at.key_bytes = did.next.copy(at.key, sizeof(at.key));
  return 1;
}

} // namespace

int pkv_compact(pkv_tree *t, uint64_t budget, struct pkv_compaction *at) {
  if (at->key_bytes > sizeof(at->key) || at->pass > up ||
      (at->pass != begins && at->level == 0))
    return inside::fail(EINVAL,
                        "pkv_compact begins with zeroes, and goes on with "
                        "what it has left");
  pkv_txn *txn = pkv_begin(inside::store_of(*t), 0); // readers go on beside it
  if (!txn)
    return -1;
  struct pkv_compaction now = *at;
  int more = inside::change(*t, txn, [&](tree::change &c, tree::stored &s) {
    constexpr unsigned share = 16; // reading is that much cheaper
    int result;
    do
      result = step(c, s, now);
    while (result && now.written - at->written < budget &&
           (now.looked - at->looked) / share < budget);
    return result;
  });
  if (more < 0) {
    int error = errno;
    pkv_abort(txn);
    errno = error;
    return -1;
  }
  if (pkv_commit(txn))
    return -1;
  *at = now;
  return more;
}
