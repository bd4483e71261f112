// tree.h - The B+-tree of a store, and what lies in its object.
//
// A leaf has records, an inner node children, each in slots. `order` lists the
// slots that are taken, sorted by key, and behind them those that are free: to
// insert one fills a free slot and moves bytes of `order`, no pointers.
//
// A head is the first eight bytes of a key behind the node's prefix, as a
// number that compares as they do. Heads decide most comparisons without a look
// at the key. `prefix` is how many bytes all keys share that can ever come to
// this node: those between the two separators around it, its bounds.
//
// Changes are made to nodes that nobody else sees. A node of a version that
// others may be reading is copied first, and so is the way to it from the root.
#ifndef PKV_TREE_H
#define PKV_TREE_H

#include "queue.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tree {

using bytes = std::string_view;

/// A pair. Once it is in a tree it never changes while anybody else may see it.
struct [[perdure::persistent]] record {
  std::uint32_t key_bytes;
  std::uint32_t value_bytes; // and `lies_elsewhere`
  char text[]; // the key, then the value, or an `elsewhere` at the next
               // multiple of 8
};

/// In `value_bytes`: more than a value can have.
constexpr std::uint32_t lies_elsewhere = std::uint32_t(1) << 31;

/// No key below a child is less than its separator. Shared by the copies of its
/// node; never changes.
struct [[perdure::persistent]] separator {
  std::uint32_t key_bytes;
  char text[];
};

constexpr unsigned slots = 48;

struct [[perdure::persistent]] node {
  std::uint64_t version; // the transaction that made it
  std::uint16_t prefix;
  std::uint16_t count;
  std::uint32_t level; // 0: a leaf
  std::uint8_t order[slots];
};
static_assert(sizeof(node) == 64, "one cache line");

struct [[perdure::persistent]] leaf : node {
  std::uint64_t heads[slots];
  record *records[slots];
};

struct [[perdure::persistent]] inner : node {
  std::uint64_t heads[slots];
  separator *separators[slots]; // of the first child: not used
  node *children[slots];
};

/// More levels than 2^40 bytes of nodes of a quarter's filling can have.
constexpr unsigned max_levels = 16;

/// A tree, as readers see it.
struct shape {
  const node *root = nullptr; // null: empty
  std::uint64_t pairs = 0, key_bytes = 0, value_bytes = 0;
  std::uint64_t leaves = 0, inners = 0;
};

/// A tree in the object.
struct [[perdure::persistent]] stored {
  node *root;
  std::uint64_t pairs, key_bytes, value_bytes;
  std::uint64_t leaves, inners;
  stored *next; // the tree that was made after it
  std::uint32_t name_bytes;
  char name[];

  shape seen() const {
    return {root, pairs, key_bytes, value_bytes, leaves, inners};
  }
  bytes called() const { return {name, name_bytes}; }
};

/// The root of an object that holds values and nothing else: each is a block.
struct [[perdure::persistent]] values {
  char magic[8];
  std::uint64_t version; // of the last transaction that changed the object
  queue unused;
};

/// What the store's own object says of one that holds values. It stays for
/// ever.
struct [[perdure::persistent]] holder {
  values *root;
  std::uint64_t version;            // as in the root
  std::uint64_t count, value_bytes; // of the values there
  holder *next;                     // the one that was made after it
  std::uint32_t name_bytes;
  char name[];

  bytes called() const { return {name, name_bytes}; }
};

/// Where a value lies that is not in its record.
struct [[perdure::persistent]] elsewhere {
  holder *in;
  char *data;
};

constexpr char magic[8] = {'p', 'k', 'v', ' ', '2', 0, 0, 0};
constexpr char values_magic[8] = {'p', 'k', 'v', ' ', 'v', '2', 0, 0};

/// The object's root.
struct [[perdure::persistent]] header {
  char magic[8];
  std::uint64_t version; // of the transaction that was committed last
  stored *trees;         // the first
  queue unused;
  holder *holders; // the first
};

/// What a transaction for writing knows.
struct change {
  header *store;
  std::uint64_t version; // its own
  std::uint64_t frozen;  // others may be reading nodes of versions up to this
  std::uint64_t unread;  // nobody reads what versions up to this took out
  int error = 0;         // an allocation failed: it has to be aborted
  const char *wrong = nullptr; // so it has: error is EPROTO, and why
};

/// Makes a store of a zeroed root, with a tree called "". False: no room.
PERDURE_IN_TRANSACTION bool initialise(change &c);
/// Begins the version, and frees up to `most` blocks of the queue that nobody
/// reads.
PERDURE_IN_TRANSACTION void start(change &c, unsigned most);
/// A tree of that name, which none has. Null: no room.
PERDURE_IN_TRANSACTION stored *make(change &c, bytes name);
/// Registers an object under a name that none has; its root is zeroed, or was
/// made one before. Null: no room.
PERDURE_IN_TRANSACTION holder *make(change &c, bytes name, values *root);
/// The same as `start`, of an object with values: before the transaction puts
/// the first one there, or takes one out. It may be written.
PERDURE_IN_TRANSACTION void start(change &c, holder &h, unsigned most);
/// Gives the key this value, which is put into another object if there is one.
/// True: it had none. That object has been started; so has the one in which the
/// key's value lies now, or it is gone for ever.
PERDURE_IN_TRANSACTION bool put(change &c, stored &t, bytes key, bytes value,
                                holder *in = nullptr);
/// True: it was there. Of its value's object as above.
PERDURE_IN_TRANSACTION bool erase(change &c, stored &t, bytes key);

struct pair {
  bytes key, value;
};

/// Puts pairs in ascending order behind the last of the tree, of which there
/// are some: leaf by leaf, each full before the next is made. False: no room.
PERDURE_IN_TRANSACTION bool append(change &c, stored &t, const pair *pairs,
                                   std::size_t count);
/// What `pack` found of the node to which it came.
struct packed {
  unsigned children = 0, fewer = 0; // it had, and has now
  std::uint64_t below = 0;          // what the children hold
  unsigned written = 0;             // nodes
  bytes
      next; // the least key of the next node of the level; without data(): none
};
/// Makes the children of a node as few as they can be. It is the node of the
/// level, from 1 to the root's, to which the key leads. False: no room.
PERDURE_IN_TRANSACTION bool pack(change &c, stored &t, unsigned level,
                                 bytes key, packed &p);

/// Null: the key is not there. Of damaged nodes a search, as a place below,
/// finds nothing; a change fails (c.wrong).
const record *find(const node *root, bytes key);

inline bytes key_of(const record &r) { return {r.text, r.key_bytes}; }
inline bool is_elsewhere(const record &r) {
  return __builtin_expect(r.value_bytes & lies_elsewhere, 0);
}
inline std::size_t value_size(const record &r) {
  return r.value_bytes & ~lies_elsewhere;
}
/// Of a value that lies in its record.
inline bytes value_of(const record &r) {
  return {r.text + r.key_bytes, r.value_bytes};
}
/// Of one that does not.
inline const elsewhere &place_of(const record &r) {
  const void *at = r.text + (std::size_t(r.key_bytes) + 7) / 8 * 8;
  return *static_cast<const elsewhere *>(at);
}

/// A place in a tree that does not change meanwhile: on a record, or between
/// two.
class place {
  struct step {
    const node *n;
    unsigned at;
  };
  step way[max_levels];
  unsigned depth = 0; // steps; the last is a leaf's
  bool on = false;
  bool walks = false; // forward
  // The same, some records at a time: how many of this leaf's have been asked
  // for, and of the next one's.
  bool fetches = false;
  unsigned fetched = 0, fetched_next = 0;

  bool descend(const node *n, bool to_end);
  void look_ahead(bool begins);
  void fetch(unsigned to);
  bool settle_forward();
  bool settle_back();

public:
  bool first(const node *root);
  bool last(const node *root);
  bool seek(const node *root, bytes key);
  /// The same without stepping on: where the key is not, between its
  /// neighbours.
  bool seek_exactly(const node *root, bytes key);
  bool next();
  /// The same over up to `most` records of one leaf: how many. It stands on the
  /// last. None whose value lies elsewhere comes behind others.
  unsigned next(const record **into, unsigned most);
  bool prev();
  const record *here() const;
};

/// Blocks that the header leads to, itself included, as trees and queue count
/// them: what the checks below hold true.
std::uint64_t blocks(const header &h);
/// The same of an object with values.
std::uint64_t blocks(const holder &h);
/// What a check can rely on.
struct limits {
  const void *root;         // of the object in which all of it lies
  std::uint64_t file_bytes; // it may have become longer since
  std::size_t key_bytes;    // no key is longer
};
/// What is wrong in the tree, or null.
const char *check(const shape &t, std::uint64_t version, const limits &l);

} // namespace tree

#endif
