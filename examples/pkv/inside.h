// inside.h - What store.cpp does for the files beside it, which make larger
// things of trees: what a store or a transaction is they need not know.
#ifndef PKV_INSIDE_H
#define PKV_INSIDE_H

#include "pkv.h"
#include "tree.h"

#include <functional>
#include <memory>
#include <type_traits>

class value_objects;

namespace inside {

/// The trees that are indexes have names of their own: this, the name of the
/// tree that they are of, this, and theirs.
constexpr char index_mark = 1;
constexpr std::size_t entry_max = 4 * PKV_KEY_MAX; // bytes of an entry

/// What has to be told before a pair of a tree is changed.
class follower {
public:
  virtual ~follower() = default;
  /// Whether there is anything to be told of.
  virtual bool follows() const = 0;
  /// In the transaction that will change it. `before` and `after` are its
  /// values, null where there is none. -1: it must not be changed, and nothing
  /// is.
  virtual int follow(tree::change &c, tree::bytes key,
                     const tree::bytes *before, const tree::bytes *after) = 0;
  /// What is wrong in what it keeps, as the snapshot sees it, or null. Throws
  /// std::bad_alloc.
  virtual const char *check(pkv_tree &of, pkv_txn *snapshot) = 0;
};

/// Sets errno and this thread's message, and returns -1.
int fail(int error, const char *words);

pkv *store_of(pkv_tree &t);
/// What lies in the object. Only who excludes writers looks at its contents.
const tree::stored &lies(pkv_tree &t);
/// The same inside `change`, of another tree of the store.
tree::stored &to_change(pkv_tree &t);
/// What the transaction sees.
const tree::node *root_for(pkv_tree &t, pkv_txn *txn);

/// Calls `act` while no other thread writes; this one may be.
void exclude_writers(pkv_tree &t, const std::function<void()> &act);
/// Calls `visit` with each tree that is an index of this one, and the index's
/// name.
void for_indexes(
    pkv_tree &t,
    const std::function<void(pkv_tree &index, tree::bytes name)> &visit);
/// Who calls these two excludes writers. A tree has one follower for ever.
follower *follower_of(pkv_tree &t);
void set_follower(pkv_tree &t, std::unique_ptr<follower> f);
/// Whether changes have to be told, and tells of one, inside `change`: a key
/// gets a value, or with null loses it. -1: it must not be made.
bool is_followed(pkv_tree &t);
int follow(pkv_tree &t, tree::change &c, tree::bytes key,
           const tree::bytes *value);

value_objects &objects_of(pkv &s);
/// The record's value, wherever it lies. Without data(): what pkv_get says of
/// other objects.
tree::bytes value_of(pkv &s, const tree::record &r);
/// Inside `change`, before the key gets another value, in an object or not, or
/// loses it: -1, and it must not be made: what pkv_put says of other objects.
int prepare(pkv_tree &t, tree::change &c, tree::bytes key,
            pkv_object *in = nullptr);

/// 0, or -1: EROFS, or EDEADLK (this thread has begun a transaction).
int may_write(pkv &s);
/// With other processes.
bool is_shared(pkv &s);

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

/// The same alone, of no tree. `before` is called in the same turn, with
/// nothing begun; what it returns is returned, and nothing changed, unless it
/// is 0.
int alone(pkv &s, const std::function<int()> &before,
          const std::function<int(tree::change &c)> &body);
/// Calls `act` while nobody writes, in this process or another, or in the
/// transaction for writing that this thread has begun: what it returns, or -1.
int in_turn(pkv &s, const std::function<int()> &act);

} // namespace inside

#endif
