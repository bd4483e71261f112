// tree.cpp - Searching and changing the B+-tree.
#include "tree.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

namespace tree {

namespace {

// ===- Comparing --------------------------------------------------------===

/// The key reaches the node, so it has the prefix.
std::uint64_t head_of(bytes key, unsigned prefix) {
  std::size_t left = key.size() - prefix;
  std::uint64_t head = 0;
  if (left >= sizeof(head))
    std::memcpy(&head, key.data() + prefix, sizeof(head));
  else
    std::memcpy(&head, key.data() + prefix, left);
  return __builtin_bswap64(head);
}

int compare_from(unsigned prefix, bytes a, bytes b) {
  a.remove_prefix(prefix);
  b.remove_prefix(prefix);
  return a.compare(b);
}

bytes key_of(const separator &s) { return {s.text, s.key_bytes}; }

bytes key_in(const leaf &n, unsigned slot) { return key_of(*n.records[slot]); }
bytes key_in(const inner &n, unsigned slot) {
  return key_of(*n.separators[slot]);
}

/// The first place from `low` to `high` whose head is not below `head`, or with
/// `past` is above it. No branch depends on a head: it would be foreseen half
/// of the time. Masks, since compilers make branches of what selects.
template <bool past, class Node>
unsigned first_head(const Node &n, unsigned low, unsigned high,
                    std::uint64_t head) {
  // A damaged node may have nothing from `low` on.
  for (unsigned left = high > low ? high - low : 0; left;) {
    unsigned half = (left + 1) / 2;
    std::uint64_t other = n.heads[n.order[low + half - 1]];
    unsigned behind = past ? other <= head : other < head;
    low += half & -behind;
    left -= half;
  }
  return low;
}

/// Key and value of most records: whoever looks at the key will ask for the value.
void prefetch(const record *r) {
  for (unsigned line = 0; line < 3; line++)
    __builtin_prefetch(reinterpret_cast<const char *>(r) + line * 64);
}

/// The first place from `low` on whose key is not less, or is greater with
/// `past`. Heads that differ compare as the keys do, since a key that ends is
/// less than whatever goes on, and zeros are the least that can follow; equal
/// heads leave it open, and then the keys are looked at.
template <bool past, class Node>
unsigned first_from(const Node &n, unsigned low, bytes key, bool &equal) {
  std::uint64_t head = head_of(key, n.prefix);
  unsigned high = n.count;
  low = first_head<false>(n, low, high, head);
  equal = false;
  if (low == high || n.heads[n.order[low]] != head)
    return low;
  if constexpr (std::is_same_v<Node, leaf>)
    prefetch(+n.records[n.order[low]]);
  // Most often it is the only one.
  if (low + 1 < high && n.heads[n.order[low + 1]] == head)
    high = first_head<true>(n, low + 1, high, head);
  else
    high = low + 1;
  while (low < high) {
    unsigned middle = (low + high) / 2;
    int order = compare_from(n.prefix, key_in(n, n.order[middle]), key);
    if (!past && order == 0) {
      equal = true;
      return middle;
    }
    if (order < (past ? 1 : 0))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/// The first place in a leaf whose key is not less.
unsigned place_in(const leaf &n, bytes key, bool &equal) {
  return first_from<false>(n, 0, key, equal);
}

/// The place of the child below which the key lies: the last whose separator is
/// not greater, or the first child.
unsigned child_for(const inner &n, bytes key) {
  bool equal;
  return first_from<true>(n, 1, key, equal) - 1;
}

const node *child_at(const inner &n, unsigned at) {
  return n.children[n.order[at]];
}

const leaf &as_leaf(const node &n) { return static_cast<const leaf &>(n); }
leaf &as_leaf(node &n) { return static_cast<leaf &>(n); }
const inner &as_inner(const node &n) { return static_cast<const inner &>(n); }
inner &as_inner(node &n) { return static_cast<inner &>(n); }

/// All lines of a leaf at once, not one after the other; of an inner node those
/// that are searched, since there are few of them, and most are in a cache.
void prefetch(const node *n, unsigned level) {
  unsigned lines = (level ? 64 + slots * 8 : sizeof(leaf)) / 64;
  for (unsigned line = 0; line < lines; line++)
    __builtin_prefetch(reinterpret_cast<const char *>(n) + line * 64);
}

// ===- Damage ------------------------------------------------------------===
//
// Levels get less from each node to its children: so a way down has an end, and
// an array has room for it, whatever the file says. What is changed is looked
// at more closely: nodes are copied to arrays of their size.

bool damaged(change &c) {
  c.error = EPROTO;
  c.wrong = "a node of the tree is damaged";
  return false;
}

/// As far as that goes; below a node of the level `above`.
bool is_sound(const node &n, unsigned above) {
  return n.level < above && n.count <= slots && (n.count || !n.level);
}

// ===- Memory -----------------------------------------------------------===

template <class T> T *allocate(change &c, std::size_t size = sizeof(T)) {
  T *made = static_cast<T *>(perdure_alloc(c.store, size));
  if (!made)
    c.error = errno;
  return made;
}

/// Frees what nobody else can have seen, which is what frozen = 0 says of all,
/// and its version of a node.
void dispose(change &c, void *block) {
  if (c.frozen)
    retire(c, c.store->unused, block);
  else
    perdure_free(block);
}

void dispose(change &c, node *n) {
  if (n->version <= c.frozen)
    retire(c, c.store->unused, static_cast<void *>(n));
  else
    perdure_free(n);
}

template <class Node> Node *make_node(change &c, unsigned level) {
  Node *n = allocate<Node>(c);
  if (!n)
    return nullptr;
  n->version = c.version;
  n->level = level;
  for (unsigned i = 0; i < slots; i++)
    n->order[i] = i;
  return n;
}

template <class Node> Node *copy(change &c, const Node &n) {
  Node *made = allocate<Node>(c);
  if (!made)
    return nullptr;
  *made = n;
  made->version = c.version;
  return made;
}

/// And its value, where that lies elsewhere. What is not in an object that was
/// started for this transaction is gone with it.
void dispose(change &c, record *r) {
  if (is_elsewhere(*r)) {
    const elsewhere &e = place_of(*r);
    holder &h = *e.in;
    h.count--;
    h.value_bytes -= value_size(*r);
    if (h.version == c.version) {
      if (c.frozen)
        retire_checked(c, h.root->unused, e.data);
      else
        perdure_free(e.data);
    }
  }
  dispose(c, static_cast<void *>(r));
}

/// The value in another object first.
record *make_record_for(change &c, bytes key, bytes value, holder &in) {
  char *data = static_cast<char *>(perdure_alloc(in.root, value.size()));
  if (!data) {
    c.error = errno;
    return nullptr;
  }
  if (!value.empty())
    std::memcpy(data, value.data(), value.size());
  std::size_t text = (key.size() + 7) / 8 * 8;
  record *r = allocate<record>(c, sizeof(record) + text + sizeof(elsewhere));
  if (!r)
    return nullptr;
  r->key_bytes = key.size();
  r->value_bytes = value.size() | lies_elsewhere;
  std::memcpy(r->text, key.data(), key.size());
  void *at = r->text + text;
  elsewhere *e = static_cast<elsewhere *>(at);
  e->in = &in;
  e->data = data;
  in.count++;
  in.value_bytes += value.size();
  return r;
}

record *make_record(change &c, bytes key, bytes value) {
  record *r = allocate<record>(c, sizeof(record) + key.size() + value.size());
  if (!r)
    return nullptr;
  r->key_bytes = key.size();
  r->value_bytes = value.size();
  std::memcpy(r->text, key.data(), key.size());
  if (!value.empty())
    std::memcpy(r->text + key.size(), value.data(), value.size());
  return r;
}

/// Gives the record another value where it lies, if nobody else can see it and
/// the value is as long. What is there is logged before; of a large one that
/// might need more of the log than there is room for.
bool overwrite(const change &c, record &r, bytes value) {
  constexpr std::size_t most = 1024;
  if (c.frozen || r.value_bytes != value.size() || value.size() > most)
    return false;
  if (!value.empty())
    std::memmove(r.text + r.key_bytes, value.data(), value.size());
  return true;
}

separator *make_separator(change &c, bytes key) {
  separator *s = allocate<separator>(c, sizeof(separator) + key.size());
  if (!s)
    return nullptr;
  s->key_bytes = key.size();
  std::memcpy(s->text, key.data(), key.size());
  return s;
}

// ===- The way down -----------------------------------------------------===

/// Keys k with low <= k < high. Without a bound data() is null.
struct bounds {
  bytes low, high;

  unsigned prefix() const {
    if (!low.data() || !high.data())
      return 0;
    return std::mismatch(low.begin(),
                         low.begin() + std::min(low.size(), high.size()),
                         high.begin())
               .first -
           low.begin();
  }
};

/// From the root to a leaf, all of which this transaction may change.
struct descent {
  struct step {
    inner *n;
    unsigned at;
  };
  step steps[max_levels];
  unsigned depth = 0;
  leaf *end = nullptr;

  /// Where the node below the first `level` steps is led to from.
  perdure::ptr<node> *link(stored &t, unsigned level) {
    if (level == 0)
      return &t.root;
    step &s = steps[level - 1];
    return &s.n->children[s.n->order[s.at]];
  }
  /// Of that node. Only who splits or merges looks at separators for them.
  bounds bounds_of(unsigned level) const {
    bounds b;
    for (unsigned i = level; i-- > 0 && (!b.low.data() || !b.high.data());) {
      bounds own = around(steps[i].n, steps[i].at);
      if (!b.low.data())
        b.low = own.low;
      if (!b.high.data())
        b.high = own.high;
    }
    return b;
  }
  /// Of the child at a place below the step `level`.
  bounds child_bounds(unsigned level, unsigned at) const {
    bounds b = around(steps[level].n, at), above = bounds_of(level);
    return {b.low.data() ? b.low : above.low,
            b.high.data() ? b.high : above.high};
  }

private:
  /// What the node itself says of a child's bounds.
  static bounds around(const inner *n, unsigned at) {
    bounds b;
    if (at > 0)
      b.low = key_of(*n->separators[n->order[at]]);
    if (at + 1u < n->count)
      b.high = key_of(*n->separators[n->order[at + 1]]);
    return b;
  }
};

/// The node itself where nobody else reads it, or a copy in its place. It lies
/// below one of the level `above`.
node *own(change &c, perdure::ptr<node> *link, unsigned above) {
  node *n = *link;
  if (!is_sound(*n, above)) {
    damaged(c);
    return nullptr;
  }
  if (n->version > c.frozen)
    return n;
  node *made = n->level ? static_cast<node *>(copy(c, as_inner(*n)))
                        : static_cast<node *>(copy(c, as_leaf(*n)));
  if (!made)
    return nullptr;
  *link = made;
  dispose(c, n);
  return made;
}

bool descend(change &c, stored &t, bytes key, descent &d) {
  for (unsigned above = max_levels;;) {
    perdure::ptr<node> *link = d.link(t, d.depth);
    if (d.depth)
      prefetch(*link, above - 1);
    node *n = own(c, link, above);
    if (!n)
      return false;
    above = n->level;
    if (above == 0) {
      d.end = &as_leaf(*n);
      return true;
    }
    d.steps[d.depth++] = {&as_inner(*n), child_for(as_inner(*n), key)};
  }
}

// ===- Building nodes ---------------------------------------------------===

/// What nodes are rebuilt from: the contents of one or two, and what comes to
/// them.
struct contents {
  unsigned count = 0;
  unsigned level;
  struct {
    record *r;    // of a leaf
    separator *s; // of an inner node
    node *child;
  } all[2 * slots + 1];

  explicit contents(unsigned of_level) : level(of_level) {}
  void add(const node &n) {
    for (unsigned i = 0; i < n.count; i++, count++)
      if (unsigned slot = n.order[i]; n.level == 0)
        all[count] = {as_leaf(n).records[slot], nullptr, nullptr};
      else
        all[count] = {nullptr, as_inner(n).separators[slot],
                      as_inner(n).children[slot]};
  }
  void insert(unsigned at, record *r, separator *s, node *child) {
    std::copy_backward(all + at, all + count, all + count + 1);
    all[at] = {r, s, child};
    count++;
  }
};

/// A node of those from `from` up to `to`. Null: no room.
node *build(change &c, const contents &from_all, unsigned from, unsigned to,
            const bounds &of) {
  unsigned prefix = of.prefix();
  if (from_all.level == 0) {
    leaf *n = make_node<leaf>(c, 0);
    if (!n)
      return nullptr;
    n->prefix = prefix;
    n->count = to - from;
    for (unsigned i = from; i < to; i++) {
      record *r = from_all.all[i].r;
      n->records[i - from] = r;
      n->heads[i - from] = head_of(key_of(*r), prefix);
    }
    return n;
  }
  inner *n = make_node<inner>(c, from_all.level);
  if (!n)
    return nullptr;
  n->prefix = prefix;
  n->count = to - from;
  for (unsigned i = from; i < to; i++) {
    n->children[i - from] = from_all.all[i].child;
    if (i == from)
      continue;
    separator *s = from_all.all[i].s;
    n->separators[i - from] = s;
    n->heads[i - from] = head_of(key_of(*s), prefix);
  }
  return n;
}

/// Takes a free slot for the place and returns it.
unsigned open_slot(node &n, unsigned at) {
  unsigned slot = n.order[n.count];
  std::memmove(n.order + at + 1, n.order + at, n.count - at);
  n.order[at] = slot;
  n.count++;
  return slot;
}

unsigned close_slot(node &n, unsigned at) {
  unsigned slot = n.order[at];
  std::memmove(n.order + at, n.order + at + 1, n.count - at - 1);
  n.count--;
  n.order[n.count] = slot;
  return slot;
}

// ===- Inserting --------------------------------------------------------===

/// The shortest key that is greater than `left` and not greater than `right`.
bytes between(bytes left, bytes right) {
  std::size_t common =
      std::mismatch(left.begin(),
                    left.begin() + std::min(left.size(), right.size()),
                    right.begin())
          .first -
      left.begin();
  return right.substr(0, common + 1);
}

/// How many of count + 1 stay in the left node. Who inserts in order fills
/// nodes, since nothing will come to those behind.
unsigned split_at(unsigned count, unsigned at, const bounds &of) {
  if (at == count && !of.high.data())
    return count;
  if (at == 0 && !of.low.data())
    return 1;
  return (count + 1) / 2;
}

/// Puts a node behind its left neighbour, the child of the step `level` - 1, or
/// above the root where there is none.
bool insert_child(change &c, stored &t, descent &d, unsigned level,
                  separator *s, node *right) {
  if (level == 0) {
    if (t.root->level + 1 >= max_levels)
      return damaged(c);
    inner *top = make_node<inner>(c, t.root->level + 1);
    if (!top)
      return false;
    top->count = 2;
    top->children[0] = t.root;
    top->children[1] = right;
    top->separators[1] = s;
    top->heads[1] = head_of(key_of(*s), 0);
    t.root = top;
    t.inners++;
    return true;
  }
  descent::step &step = d.steps[level - 1];
  inner &n = *step.n;
  unsigned at = step.at + 1;
  if (n.count < slots) {
    unsigned slot = open_slot(n, at);
    n.heads[slot] = head_of(key_of(*s), n.prefix);
    n.separators[slot] = s;
    n.children[slot] = right;
    return true;
  }
  contents all(n.level);
  all.add(n);
  all.insert(at, nullptr, s, right);
  bounds of = d.bounds_of(level - 1);
  unsigned left_count = split_at(n.count, at, of);
  separator *middle = all.all[left_count].s;
  node *made_right =
      build(c, all, left_count, all.count, {key_of(*middle), of.high});
  node *made_left = build(c, all, 0, left_count, {of.low, key_of(*middle)});
  if (!made_right || !made_left)
    return false;
  *d.link(t, level - 1) = made_left;
  dispose(c, &n);
  t.inners++;
  return insert_child(c, t, d, level - 1, middle, made_right);
}

bool split_and_insert(change &c, stored &t, descent &d, unsigned at,
                      record *r) {
  leaf &n = *d.end;
  contents all(0);
  all.add(n);
  all.insert(at, r, nullptr, nullptr);
  bounds of = d.bounds_of(d.depth);
  unsigned left_count = split_at(n.count, at, of);
  bytes last = key_of(*all.all[left_count - 1].r);
  bytes first = key_of(*all.all[left_count].r);
  separator *s = make_separator(c, between(last, first));
  if (!s)
    return false;
  bounds of_left = {of.low, key_of(*s)};
  node *right = build(c, all, left_count, all.count, {key_of(*s), of.high});
  if (!right)
    return false;
  t.leaves++;
  // What stays where it is is the cheapest.
  if (at >= left_count && of_left.prefix() == n.prefix) {
    n.count = left_count;
  } else {
    node *left = build(c, all, 0, left_count, of_left);
    if (!left)
      return false;
    *d.link(t, d.depth) = left;
    dispose(c, &n);
  }
  return insert_child(c, t, d, d.depth, s, right);
}

// ===- Appending --------------------------------------------------------===

/// To the last leaf.
bool descend_last(change &c, stored &t, descent &d) {
  for (unsigned above = max_levels;;) {
    node *n = own(c, d.link(t, d.depth), above);
    if (!n)
      return false;
    above = n->level;
    if (above == 0) {
      d.end = &as_leaf(*n);
      return true;
    }
    d.steps[d.depth++] = {&as_inner(*n), n->count - 1u};
  }
}

/// A leaf of the records behind the last leaf, which is full. `next` is the key
/// that will come behind them, or nothing. The last leaf gets a bound by that,
/// and so the prefix that it can have then.
bool append_leaf(change &c, stored &t, const contents &all, bytes next) {
  descent d;
  if (!descend_last(c, t, d))
    return false;
  leaf &n = *d.end;
  bytes first = key_of(*all.all[0].r), last = key_of(*all.all[all.count - 1].r);
  separator *s =
      make_separator(c, between(key_in(n, n.order[n.count - 1]), first));
  if (!s)
    return false;
  bounds of_left = {d.bounds_of(d.depth).low, key_of(*s)};
  bounds of_right = {key_of(*s), {}};
  if (next.data()) // the separator that the next leaf will get
    of_right.high = between(last, next);
  node *right = build(c, all, 0, all.count, of_right);
  if (!right)
    return false;
  t.leaves++;
  if (of_left.prefix() != n.prefix) {
    contents before(0);
    before.add(n);
    node *left = build(c, before, 0, before.count, of_left);
    if (!left)
      return false;
    *d.link(t, d.depth) = left;
    dispose(c, &n);
  }
  return insert_child(c, t, d, d.depth, s, right);
}

// ===- Removing ---------------------------------------------------------===

/// Makes one node of two neighbours below the step `level` where that leaves it
/// room to grow. False: it does not, or there is no room for it (c.error).
bool merge(change &c, stored &t, descent &d, unsigned level, unsigned left_at) {
  inner &n = *d.steps[level].n;
  unsigned left_slot = n.order[left_at], right_slot = n.order[left_at + 1];
  node *left = n.children[left_slot], *right = n.children[right_slot];
  if (!is_sound(*left, n.level) || !is_sound(*right, n.level) ||
      left->level != right->level)
    return damaged(c);
  unsigned sum = left->count + right->count;
  if (sum > slots * 3 / 4 && left->count && right->count)
    return false;
  contents all(left->level);
  all.add(*left);
  unsigned border = all.count;
  all.add(*right);
  separator *s = n.separators[right_slot];
  if (left->level) // comes down between the two
    all.all[border].s = s;
  bounds of = {d.child_bounds(level, left_at).low,
               d.child_bounds(level, left_at + 1).high};
  node *made = build(c, all, 0, all.count, of);
  if (!made)
    return false;
  if (left->level) {
    t.inners--;
  } else {
    t.leaves--;
    dispose(c, static_cast<void *>(s));
  }
  n.children[left_slot] = made;
  close_slot(n, left_at + 1);
  dispose(c, left);
  dispose(c, right);
  return true;
}

/// Takes nodes with one child from the top.
void lower(change &c, stored &t) {
  while (t.root->level && t.root->count == 1) {
    inner &top = as_inner(*t.root);
    if (top.version <= c.frozen)
      return; // with the next change that comes by
    node *only = top.children[top.order[0]];
    if (!is_sound(*only, top.level)) {
      damaged(c);
      return;
    }
    t.root = only;
    t.inners--;
    dispose(c, &top);
  }
}

/// Wider bounds for a node and for those below it, to the leaf, that end where
/// it does, or with `first` begin there: prefixes that are too long then get
/// shorter. It lies below one of the level `above`.
bool widen(change &c, perdure::ptr<node> *link, unsigned above, bounds of,
           bool first) {
  for (;;) {
    node *n = own(c, link, above);
    if (!n)
      return false;
    if (of.prefix() < n->prefix) {
      contents all(n->level);
      all.add(*n);
      node *made = build(c, all, 0, all.count, of);
      if (!made)
        return false;
      *link = made;
      dispose(c, n);
      n = made;
    }
    above = n->level;
    if (!above)
      return true;
    inner &in = as_inner(*n);
    unsigned at = first ? 0 : in.count - 1u;
    if (in.count > 1)
      (first ? of.high : of.low) =
          key_of(*in.separators[in.order[first ? 1 : at]]);
    link = &in.children[in.order[at]];
  }
}

/// Takes out a leaf that has nothing, and has no neighbour below its node, and
/// all nodes that lead to nothing else. What lies beside them gets their
/// bounds. `level` is the step of the node that has lost a child then; or there
/// is no other leaf. False: no room.
bool take_out(change &c, stored &t, descent &d, unsigned &level) {
  for (level = d.depth; level && d.steps[level - 1].n->count == 1;)
    level--;
  if (!level)
    return true; // the root becomes a leaf
  inner &n = *d.steps[--level].n;
  unsigned at = d.steps[level].at;
  bool first =
      at == 0; // the one behind it gets its bounds, else the one before
  bounds of = first ? bounds{d.child_bounds(level, 0).low,
                             d.child_bounds(level, 1).high}
                    : bounds{d.child_bounds(level, at - 1).low,
                             d.child_bounds(level, at).high};
  separator *s = n.separators[n.order[first ? 1 : at]];
  close_slot(n, at);
  for (unsigned below = level + 1; below < d.depth; below++, t.inners--)
    dispose(c, static_cast<node *>(d.steps[below].n));
  dispose(c, static_cast<node *>(d.end));
  t.leaves--;
  dispose(c, static_cast<void *>(s));
  return !c.error &&
         widen(c, &n.children[n.order[first ? 0 : at - 1]], n.level, of, first);
}

/// After something was taken from the node at the end of the way. No leaf stays
/// that has nothing, but the only one.
void shrink(change &c, stored &t, descent &d) {
  unsigned count = d.end->count, level = d.depth;
  if (!count && level && d.steps[level - 1].n->count == 1) {
    if (!take_out(c, t, d, level))
      return;
    count = d.steps[level].n->count;
  }
  while (level-- > 0 && count < slots / 4) {
    descent::step &step = d.steps[level];
    bool merged =
        step.at + 1u < step.n->count && merge(c, t, d, level, step.at);
    if (!merged && !c.error && step.at > 0)
      merged = merge(c, t, d, level, step.at - 1);
    if (!merged || c.error)
      return;
    count = step.n->count;
  }
  lower(c, t);
}

// ===- Packing ----------------------------------------------------------===

/// The children of a node, read one after the other and built anew: each is
/// full before the next is begun. Bounds of the node itself stay, so nothing
/// above it changes.
struct packer {
  change &c;
  const bounds &of; // of the node
  contents rest;    // of children that were read; not built yet
  contents built;   // the children that the node will have
  unsigned written = 0;

  packer(change &in, const bounds &of_node, unsigned level)
      : c(in), of(of_node), rest(level - 1), built(level) {}

  /// Builds a child of the first `count` of the rest; `high` is its bound.
  bool build_child(unsigned count, bytes high) {
    bool is_first = !built.count;
    separator *s = rest.all[0].s;
    node *made =
        build(c, rest, 0, count, {is_first ? of.low : key_of(*s), high});
    if (!made)
      return false;
    written++;
    // Separators between leaves that are one now lead nowhere. An inner node
    // keeps those that came down to it.
    for (unsigned i = is_first ? 0 : 1; rest.level == 0 && i < count; i++)
      if (rest.all[i].s)
        dispose(c, static_cast<void *>(rest.all[i].s));
    built.insert(built.count, nullptr, is_first ? nullptr : s, made);
    std::copy(rest.all + count, rest.all + rest.count, rest.all);
    rest.count -= count;
    return true;
  }

  /// The next child, and the separator before it, which the first has not.
  bool take(node *child, separator *s) {
    if (!is_sound(*child, built.level) || child->level != rest.level)
      return damaged(c);
    if (rest.count == slots && !build_child(slots, key_of(*s)))
      return false;
    // What is full stays, with the bounds that it has.
    if (!rest.count && child->count == slots) {
      built.insert(built.count, nullptr, s, child);
      return true;
    }
    unsigned border = rest.count;
    rest.add(*child);
    rest.all[border].s = s;
    dispose(c, child);
    if (rest.count <= slots)
      return true;
    auto &next = rest.all[slots]; // the first of the next child
    if (!next.s)
      next.s = make_separator(
          c, between(key_of(*rest.all[slots - 1].r), key_of(*next.r)));
    return next.s && build_child(slots, key_of(*next.s));
  }

  bool end() { return !rest.count || build_child(rest.count, of.high); }
};

} // namespace

// ===- Changes ----------------------------------------------------------===

bool initialise(change &c) {
  if (!make(c, ""))
    return false;
  c.store->version = c.version;
  std::memcpy(c.store->magic, magic, sizeof(magic));
  return true;
}

stored *make(change &c, bytes name) {
  stored *t = allocate<stored>(c, sizeof(stored) + name.size());
  if (!t)
    return nullptr;
  t->name_bytes = name.size();
  if (!name.empty())
    std::memcpy(t->name, name.data(), name.size());
  perdure::ptr<stored> *link = &c.store->trees;
  while (*link)
    link = &(*link)->next;
  *link = t;
  return t;
}

void start(change &c, unsigned most) {
  c.store->version = c.version;
  collect(c, c.store->unused, most);
}

holder *make(change &c, bytes name, values *root) {
  holder *h = allocate<holder>(c, sizeof(holder) + name.size());
  if (!h)
    return nullptr;
  std::memcpy(root->magic, values_magic, sizeof(values_magic));
  root->version = h->version = c.version;
  h->root = root;
  h->name_bytes = name.size();
  std::memcpy(h->name, name.data(), name.size());
  perdure::ptr<holder> *link = &c.store->holders;
  while (*link)
    link = &(*link)->next;
  *link = h;
  return h;
}

void start(change &c, holder &h, unsigned most) {
  // In this order: who reads the first one finds the other as new.
  h.root->version = c.version;
  h.version = c.version;
  collect_checked(c, h.root->unused, most);
}

namespace {

/// There is a root then.
bool plant(change &c, stored &t) {
  if (t.root)
    return true;
  leaf *only = make_node<leaf>(c, 0);
  if (!only)
    return false;
  t.root = only;
  t.leaves = 1;
  return true;
}

} // namespace

bool put(change &c, stored &t, bytes key, bytes value, holder *in) {
  if (!plant(c, t))
    return false;
  descent d;
  if (!descend(c, t, key, d))
    return false;
  leaf &n = *d.end;
  bool equal;
  unsigned at = place_in(n, key, equal);
  if (equal && !in && overwrite(c, *n.records[n.order[at]], value))
    return false;
  record *r =
      in ? make_record_for(c, key, value, *in) : make_record(c, key, value);
  if (!r)
    return false;
  if (equal) {
    perdure::ptr<record> &link = n.records[n.order[at]];
    record *old = link;
    link = r;
    t.value_bytes += value.size() - value_size(*old);
    dispose(c, old);
    return false;
  }
  if (n.count < slots) {
    unsigned slot = open_slot(n, at);
    n.heads[slot] = head_of(key, n.prefix);
    n.records[slot] = r;
  } else if (!split_and_insert(c, t, d, at, r)) {
    return false;
  }
  t.pairs++;
  t.key_bytes += key.size();
  t.value_bytes += value.size();
  return true;
}

bool erase(change &c, stored &t, bytes key) {
  if (!t.root)
    return false;
  if (c.frozen && !find(t.root, key)) // before anything is copied
    return false;
  descent d;
  if (!descend(c, t, key, d))
    return false;
  leaf &n = *d.end;
  bool equal;
  unsigned at = place_in(n, key, equal);
  if (!equal)
    return false;
  record *old = n.records[close_slot(n, at)];
  t.pairs--;
  t.key_bytes -= key.size();
  t.value_bytes -= value_size(*old);
  dispose(c, old);
  shrink(c, t, d);
  return true;
}

bool append(change &c, stored &t, const pair *pairs, std::size_t count) {
  if (!plant(c, t))
    return false;
  std::uint64_t key_bytes = 0, value_bytes = 0;
  std::size_t done = 0;
  auto next_record = [&] {
    const pair &p = pairs[done++];
    key_bytes += p.key.size();
    value_bytes += p.value.size();
    return make_record(c, p.key, p.value);
  };
  {
    descent d; // the last leaf first, if there is room in it
    if (!descend_last(c, t, d))
      return false;
    for (leaf &n = *d.end; done < count && n.count < slots;) {
      bytes key = pairs[done].key;
      record *r = next_record();
      if (!r)
        return false;
      unsigned slot = open_slot(n, n.count);
      n.heads[slot] = head_of(key, n.prefix);
      n.records[slot] = r;
    }
  }
  while (done < count) {
    contents all(0);
    while (done < count && all.count < slots) {
      record *r = next_record();
      if (!r)
        return false;
      all.insert(all.count, r, nullptr, nullptr);
    }
    if (!append_leaf(c, t, all, done < count ? pairs[done].key : bytes()))
      return false;
  }
  t.pairs += count;
  t.key_bytes += key_bytes;
  t.value_bytes += value_bytes;
  return true;
}

bool pack(change &c, stored &t, unsigned level, bytes key, packed &p) {
  p = {};
  const node *n = t.root; // copied only where there is something to do
  for (unsigned above = max_levels;;) {
    if (!is_sound(*n, above))
      return damaged(c);
    if (n->level <= level)
      break;
    above = n->level;
    const inner &in = as_inner(*n);
    unsigned at = child_for(in, key);
    if (at + 1u < in.count)
      p.next = key_of(*in.separators[in.order[at + 1]]);
    n = child_at(in, at);
  }
  if (n->level != level)
    return damaged(c);
  p.children = p.fewer = n->count;
  for (unsigned i = 0; i < n->count; i++) {
    const node *child = child_at(as_inner(*n), i);
    if (!is_sound(*child, level))
      return damaged(c);
    p.below += child->count;
  }
  unsigned least = (p.below + slots - 1) / slots;
  if (least == 0 || least >= n->count)
    return true;
  descent d;
  perdure::ptr<node> *link = &t.root;
  for (unsigned above = max_levels; (*link)->level > level;) {
    node *next = own(c, link, above);
    if (!next)
      return false;
    above = next->level;
    inner &in = as_inner(*next);
    d.steps[d.depth++] = {&in, child_for(in, key)};
    link = d.link(t, d.depth);
  }
  inner &old = as_inner(**link);
  bounds of = d.bounds_of(d.depth);
  packer packs(c, of, level);
  for (unsigned i = 0; i < old.count; i++) {
    unsigned slot = old.order[i];
    if (!packs.take(old.children[slot], i ? +old.separators[slot] : nullptr))
      return false;
  }
  if (!packs.end())
    return false;
  node *made = build(c, packs.built, 0, packs.built.count, of);
  if (!made)
    return false;
  *link = made;
  p.fewer = made->count;
  p.written = packs.written + 1 + d.depth;
  (level == 1 ? t.leaves : t.inners) -= p.children - p.fewer;
  dispose(c, &old);
  lower(c, t);
  return true;
}

// ===- Reading ----------------------------------------------------------===

const record *find(const node *root, bytes key) {
  const node *n = root;
  if (!n)
    return nullptr;
  for (unsigned above = max_levels; unsigned level = n->level; above = level) {
    if (__builtin_expect(level >= above || n->count > slots, 0))
      return nullptr;
    n = child_at(as_inner(*n), child_for(as_inner(*n), key));
    prefetch(n, level - 1);
  }
  if (__builtin_expect(n->count > slots, 0))
    return nullptr;
  bool equal;
  unsigned at = place_in(as_leaf(*n), key, equal);
  return equal ? +as_leaf(*n).records[n->order[at]] : nullptr;
}

/// Fetches what a walk forward will come to: records some places ahead, and at
/// the beginning of a leaf the leaf behind it. All of that lies scattered, and
/// comes together if it is asked for together.
void place::look_ahead(bool begins) {
  constexpr unsigned ahead = 8;
  const step &s = way[depth - 1];
  const leaf &n = as_leaf(*s.n);
  for (unsigned at = begins ? s.at : s.at + ahead;
       at <= s.at + ahead && at < n.count; at++)
    prefetch(+n.records[n.order[at]]);
  if (!begins || depth < 2)
    return;
  const step &up = way[depth - 2];
  if (up.at + 1u < up.n->count)
    prefetch(child_at(as_inner(*up.n), up.at + 1), 0);
}

/// Fetches the records of this leaf up to the place `to`, and where that is
/// behind its end as many of the next one's, which has been fetched itself: each
/// once.
void place::fetch(unsigned to) {
  const leaf *n = &as_leaf(*way[depth - 1].n);
  for (unsigned end = std::min<unsigned>(to, n->count); fetched < end; fetched++)
    prefetch(+n->records[n->order[fetched]]);
  if (to <= n->count || depth < 2)
    return;
  const step &up = way[depth - 2];
  if (up.at + 1u >= up.n->count)
    return;
  const node *next = child_at(as_inner(*up.n), up.at + 1);
  if (next->level || next->count > slots)
    return; // damage
  to = std::min<unsigned>(to - n->count, next->count);
  for (n = &as_leaf(*next); fetched_next < to; fetched_next++)
    prefetch(+n->records[n->order[fetched_next]]);
}

/// To the first place below the node, or behind the last. False: there is
/// damage on the way, and it stands nowhere.
bool place::descend(const node *n, bool to_end) {
  unsigned above = depth ? way[depth - 1].n->level : max_levels;
  for (;; n = child_at(as_inner(*n), way[depth - 1].at)) {
    if (!is_sound(*n, above)) {
      depth = 0;
      return on = false;
    }
    above = n->level;
    unsigned at = !to_end ? 0 : above ? n->count - 1 : n->count;
    way[depth++] = {n, at};
    if (!above)
      return true;
  }
}

/// From behind the last record of a leaf to the next leaf that has one. Where
/// there is none the place stays where it is.
bool place::settle_forward() {
  if (!depth)
    return on = false;
  while (way[depth - 1].at >= way[depth - 1].n->count) {
    unsigned up = depth - 1;
    while (up && way[up - 1].at + 1u >= way[up - 1].n->count)
      up--;
    if (!up)
      return on = false;
    depth = up;
    step &s = way[depth - 1];
    if (!descend(child_at(as_inner(*s.n), ++s.at), false))
      return false;
  }
  return on = true;
}

/// The same from before the first of a leaf to the one before it, on which the
/// place then stands.
bool place::settle_back() {
  if (!depth)
    return on = false;
  while (way[depth - 1].at == 0) {
    unsigned up = depth - 1;
    while (up && way[up - 1].at == 0)
      up--;
    if (!up)
      return on = false;
    depth = up;
    step &s = way[depth - 1];
    if (!descend(child_at(as_inner(*s.n), --s.at), true))
      return false;
  }
  way[depth - 1].at--;
  return on = true;
}

bool place::first(const node *root) {
  depth = 0;
  walks = fetches = false;
  if (root)
    descend(root, false);
  return settle_forward();
}

bool place::last(const node *root) {
  depth = 0;
  if (root)
    descend(root, true);
  return settle_back();
}

bool place::seek_exactly(const node *root, bytes key) {
  depth = 0;
  on = walks = fetches = false;
  if (!root)
    return false;
  const node *n = root;
  for (unsigned above = max_levels; unsigned level = n->level; above = level) {
    if (__builtin_expect(level >= above || n->count > slots, 0)) {
      depth = 0;
      return false;
    }
    way[depth++] = {n, child_for(as_inner(*n), key)};
    n = child_at(as_inner(*n), way[depth - 1].at);
    prefetch(n, level - 1);
  }
  if (__builtin_expect(n->count > slots, 0)) {
    depth = 0;
    return false;
  }
  way[depth++] = {n, place_in(as_leaf(*n), key, on)};
  return on;
}

bool place::seek(const node *root, bytes key) {
  return seek_exactly(root, key) || settle_forward();
}

bool place::next() {
  const node *before = on ? way[depth - 1].n : nullptr;
  if (on)
    way[depth - 1].at++;
  if (!settle_forward())
    return false;
  look_ahead(!walks || way[depth - 1].n != before);
  return walks = true;
}

unsigned place::next(const record **into, unsigned most) {
  const node *before = on ? way[depth - 1].n : nullptr;
  if (on)
    way[depth - 1].at++;
  if (!most || !settle_forward())
    return 0;
  step &s = way[depth - 1];
  const leaf &n = as_leaf(*s.n);
  if (s.n != before || !fetches) { // begins a leaf, or the walk
    bool follows = fetches && !s.at;
    fetched = std::max<unsigned>(s.at, follows ? fetched_next : 0);
    fetched_next = 0;
    if (depth > 1 && way[depth - 2].at + 1u < way[depth - 2].n->count)
      prefetch(child_at(as_inner(*way[depth - 2].n), way[depth - 2].at + 1), 0);
  }
  fetches = true;
  unsigned count = std::min<unsigned>(most, n.count - s.at);
  // What this call looks at is asked for together; it has been by the one before,
  // as is now what the next one will come to.
  fetch(s.at + 3 * count);
  for (unsigned i = 0; i < count; i++) {
    into[i] = n.records[n.order[s.at + i]];
    // Its value may be unreadable: it comes alone.
    if (is_elsewhere(*into[i]))
      count = std::max(i, 1u);
  }
  s.at += count - 1;
  return count;
}

bool place::prev() { return settle_back(); }

const record *place::here() const {
  if (!on)
    return nullptr;
  const node *n = way[depth - 1].n;
  return as_leaf(*n).records[n->order[way[depth - 1].at]];
}

// ===- Checking ---------------------------------------------------------===

namespace {

struct totals {
  std::uint64_t pairs = 0, key_bytes = 0, value_bytes = 0;
  std::uint64_t leaves = 0, inners = 0;
};

bool within(bytes key, const bounds &of) {
  return (!of.low.data() || of.low <= key) &&
         (!of.high.data() || key < of.high);
}

/// Of a value that lies elsewhere. Where its object cannot be read, only what
/// the record says.
const char *check_place(const record &r) {
  const elsewhere &e = place_of(r);
  const holder *in = e.in;
  if (!in || perdure_root(in) != perdure_root(&r) || !in->root || !e.data)
    return "a record does not say where its value lies";
  void *root = perdure_root(in->root);
  if (root && perdure_root(e.data) != root)
    return "a value lies in another object than its record says";
  return nullptr;
}

/// Whether `p` and what follows it can be looked at.
bool holds(const limits &l, const void *p, std::size_t size) {
  return perdure_root(p) == l.root &&
         size <= l.file_bytes - std::min(l.file_bytes, perdure_offset(p));
}

bool is_key(const limits &l, const void *p, std::uint32_t key_bytes) {
  return key_bytes && key_bytes <= l.key_bytes &&
         holds(l, p, sizeof(separator) + key_bytes);
}

const char *check_separator(const separator *s, const limits &l) {
  return !s                                ? "a separator is missing"
         : !holds(l, s, sizeof(separator)) ? "a separator lies elsewhere"
         : !is_key(l, s, s->key_bytes)     ? "a separator has no length"
                                           : nullptr;
}

const char *check_record(const record *r, const limits &l) {
  if (!r)
    return "a record is missing";
  if (!holds(l, r, sizeof(record)))
    return "a record lies elsewhere";
  // Not a byte more than there is: the block may be the last of the file.
  std::size_t padding = (8 - r->key_bytes % 8) % 8, // place_of
      value = is_elsewhere(*r) ? padding + sizeof(elsewhere) : value_size(*r);
  return is_key(l, r, r->key_bytes) &&
                 holds(l, r, sizeof(record) + r->key_bytes + value)
             ? nullptr
             : "a record has a length that it cannot have";
}

const char *check_node(const node *n, const bounds &of, std::uint64_t version,
                       const limits &l, totals &sum) {
  if (!n)
    return "a child is missing";
  if (!holds(l, n, sizeof(node)) ||
      !holds(l, n, n->level ? sizeof(inner) : sizeof(leaf)))
    return "a node lies elsewhere";
  if (n->version > version)
    return "a node is of a transaction that is yet to come";
  if (n->level >= max_levels || n->count > slots)
    return "a node has more than fits in it";
  if (n->prefix > of.prefix())
    return "a node's prefix is longer than what its bounds share";
  std::uint64_t seen = 0;
  for (unsigned slot : n->order) {
    if (slot >= slots || seen >> slot & 1)
      return "the order of a node names a slot twice, or none";
    seen |= std::uint64_t(1) << slot;
  }
  if (n->level == 0) {
    sum.leaves++;
    if (!n->count && sum.inners) // an empty tree may be a leaf; append and packer
      return "a leaf has nothing"; // know no other
    bytes before;
    for (unsigned i = 0; i < n->count; i++) {
      unsigned slot = n->order[i];
      const record *r = as_leaf(*n).records[slot];
      if (const char *wrong = check_record(r, l))
        return wrong;
      bytes key = key_of(*r);
      if (!within(key, of))
        return "a key lies beyond the bounds of its leaf";
      if (before.data() && !(before < key))
        return "keys are out of order";
      if (as_leaf(*n).heads[slot] != head_of(key, n->prefix))
        return "a head is not its key's";
      before = key;
      sum.pairs++;
      sum.key_bytes += r->key_bytes;
      sum.value_bytes += value_size(*r);
      if (const char *wrong = is_elsewhere(*r) ? check_place(*r) : nullptr)
        return wrong;
    }
    return nullptr;
  }
  sum.inners++;
  if (!n->count)
    return "an inner node has no child";
  for (unsigned i = 0; i < n->count; i++) {
    bounds below = of;
    const inner &in = as_inner(*n);
    if (i > 0) {
      unsigned slot = n->order[i];
      if (const char *wrong = check_separator(in.separators[slot], l))
        return wrong;
      below.low = key_of(*in.separators[slot]);
      if (!within(below.low, of))
        return "a separator lies beyond the bounds of its node";
      if (in.heads[slot] != head_of(below.low, n->prefix))
        return "a head is not its separator's";
    }
    if (i + 1u < n->count) {
      if (const char *wrong =
              check_separator(in.separators[n->order[i + 1]], l))
        return wrong;
      below.high = key_of(*in.separators[n->order[i + 1]]);
    }
    if (below.low.data() && below.high.data() && !(below.low < below.high))
      return "separators are out of order";
    const node *child = child_at(in, i);
    if (child && holds(l, child, sizeof(node)) && child->level + 1 != n->level)
      return "a child is of another level";
    if (const char *wrong = check_node(child, below, version, l, sum))
      return wrong;
  }
  return nullptr;
}

} // namespace

std::uint64_t blocks(const header &h) {
  std::uint64_t sum = 1 + blocks(h.unused);
  rounds trees, holders; // no object has as many as a list without an end
  for (const stored *t = h.trees; t; t = t->next) {
    if (trees.again(t))
      return INT64_MAX;
    sum += 1 + t->pairs + t->leaves + t->inners;
    if (t->leaves) // of an inner node one separator less than children
      sum += t->leaves - 1;
  }
  for (const holder *each = h.holders; each; each = each->next, sum++)
    if (holders.again(each))
      return INT64_MAX;
  return sum;
}

std::uint64_t blocks(const holder &h) {
  return 1 + h.count + blocks(h.root->unused);
}

const char *check(const shape &t, std::uint64_t version, const limits &l) {
  totals sum;
  if (t.root)
    if (const char *wrong = check_node(t.root, {}, version, l, sum))
      return wrong;
  if (sum.pairs != t.pairs || sum.key_bytes != t.key_bytes ||
      sum.value_bytes != t.value_bytes)
    return "the pairs and their bytes are not as many as are counted";
  if (sum.leaves != t.leaves || sum.inners != t.inners)
    return "the nodes are not as many as are counted";
  return nullptr;
}

} // namespace tree
