// queue.h - Blocks of an object that are in use no more, but may be read still.
//
// Each waits until no snapshot is old enough to see what led to it. Blocks come
// at one end with the version that took them out of use, and are freed from the
// other, some in each transaction: so versions ascend.
#ifndef PKV_QUEUE_H
#define PKV_QUEUE_H

#include <perdure/perdure.h>
#include <perdure/transaction.h>

#include <cstdint>

namespace tree {

struct change; // tree.h

/// A part of a queue.
struct [[perdure::persistent]] garbage {
  static constexpr unsigned room = 62;
  garbage *next; // newer
  std::uint32_t first, count;
  struct {
    void *block;
    std::uint64_t version; // of the transaction that took it out of use
  } entries[room];
};

/// Lies in the object whose blocks wait in it.
struct [[perdure::persistent]] queue {
  garbage *oldest, *newest;
  std::uint64_t waiting; // blocks
};

/// A walk along a list of a file, which damage may have made endless.
class rounds {
  const void *seen = nullptr;
  std::uint64_t left = 1, more = 1; // steps until it looks from another place

public:
  /// Whether the list has led here before. It is said some time, at the latest
  /// in three times the steps after which it is so.
  bool again(const void *at) {
    if (at == seen)
      return true;
    if (--left == 0) {
      seen = at;
      left = more *= 2;
    }
    return false;
  }
};

/// Blocks that a transaction frees for those before it.
constexpr unsigned share_of_garbage = 64;

/// Frees up to `most` blocks that nobody reads. What the transaction itself has
/// put there is read still.
PERDURE_IN_TRANSACTION void collect(change &c, queue &q, unsigned most);
/// Takes out of use what the transactions before this one have committed:
/// others may still read it. Frees two that nobody reads for it, so that the
/// queue gets shorter while it can. Without room c.error.
PERDURE_IN_TRANSACTION void retire(change &c, queue &q, void *block);

/// The same of an object that others may write who may not write the store's
/// own: nothing outside of it is touched, whatever they have written there;
/// c.error is EPROTO then.
PERDURE_IN_TRANSACTION void collect_checked(change &c, queue &q, unsigned most);
PERDURE_IN_TRANSACTION void retire_checked(change &c, queue &q, void *block);

/// Blocks that wait, and those that the queue is made of.
std::uint64_t blocks(const queue &q);
/// What is wrong in it, or null. `version` is that of the last transaction.
const char *check(const queue &q, std::uint64_t version);

} // namespace tree

#endif
