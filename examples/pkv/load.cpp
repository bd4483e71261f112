// load.cpp - Many pairs at once: pkv_load of pkv.h.
//
// Pairs are kept in memory until they make a transaction, so nothing is locked
// between two of them, and no process that dies leaves blocks that nothing
// leads to: those that a transaction has allocated are free without it.
#include "inside.h"

#include <cerrno>
#include <memory>
#include <new>
#include <string>
#include <vector>

using tree::bytes;

struct pkv_load {
  pkv_tree *to;
  std::size_t most;
  struct entry {
    std::size_t begin, key_bytes, value_bytes; // in `text`
  };
  std::string text;
  std::vector<entry> entries;
  std::vector<tree::pair> pairs; // of a transaction; memory that is kept
  bool failed = false;
  struct pkv_loaded done {};
};

namespace {

/// The last key of the tree; without data() it has none.
bytes last_key(const tree::stored &t) {
  tree::place p;
  return p.last(t.root) ? tree::key_of(*p.here()) : bytes();
}

/// Puts pairs one by one, and tells the tree's indexes.
int put_followed(pkv_tree &to, tree::change &c, tree::stored &t,
                 const std::vector<tree::pair> &pairs, struct pkv_loaded &sum) {
  for (const tree::pair &p : pairs) {
    if (c.error || inside::prepare(to, c, p.key) ||
        inside::follow(to, c, p.key, &p.value))
      return -1;
    sum.fresh += tree::put(c, t, p.key, p.value);
  }
  return 0;
}

/// Puts pairs: what goes on behind the last key at once.
int put(pkv_tree &to, tree::change &c, tree::stored &t,
        const std::vector<tree::pair> &pairs, struct pkv_loaded &sum) {
  bytes last = last_key(t);
  auto is_behind = [](bytes key, bytes other) {
    return !other.data() || other < key;
  };
  for (std::size_t i = 0, end; i < pairs.size() && !c.error; i = end) {
    end = i + 1;
    if (!is_behind(pairs[i].key, last)) {
      if (inside::prepare(to, c, pairs[i].key))
        return -1;
      sum.fresh += tree::put(c, t, pairs[i].key, pairs[i].value);
      continue;
    }
    while (end < pairs.size() && pairs[end - 1].key < pairs[end].key)
      end++;
    if (!tree::append(c, t, &pairs[i], end - i))
      return -1;
    sum.fresh += end - i;
    sum.appended += end - i;
    last = pairs[end - 1].key;
  }
  return 0;
}

/// Commits what is kept. Where the transaction does not even begin it can be
/// tried again.
int flush(pkv_load &l) {
  if (l.entries.empty())
    return 0;
  l.pairs.resize(l.entries.size());
  for (std::size_t i = 0; i < l.pairs.size(); i++) {
    const pkv_load::entry &e = l.entries[i];
    const char *key = l.text.data() + e.begin;
    l.pairs[i] = {{key, e.key_bytes}, {key + e.key_bytes, e.value_bytes}};
  }
  pkv_txn *txn = pkv_begin(inside::store_of(*l.to), 0);
  if (!txn)
    return -1;
  struct pkv_loaded sum = l.done;
  sum.pairs += l.pairs.size();
  int result =
      inside::change(*l.to, txn, [&](tree::change &c, tree::stored &t) {
        if (inside::is_followed(*l.to))
          return put_followed(*l.to, c, t, l.pairs, sum);
        return put(*l.to, c, t, l.pairs, sum);
      });
  if (result < 0)
    pkv_abort(txn);
  else
    result = pkv_commit(txn);
  l.failed = result < 0;
  if (l.failed)
    return -1;
  l.done = sum;
  l.text.clear();
  l.entries.clear();
  return 0;
}

int no_memory() { return inside::fail(ENOMEM, "no memory to load pairs"); }

} // namespace

pkv_load *pkv_load_begin(pkv_tree *t, size_t pairs) try {
  if (inside::may_write(*inside::store_of(*t)))
    return nullptr;
  auto l = std::make_unique<pkv_load>();
  l->to = t;
  l->most = pairs ? pairs : std::size_t(PKV_LOAD_PAIRS);
  return l.release();
} catch (const std::bad_alloc &) {
  no_memory();
  return nullptr;
}

int pkv_load_put(pkv_load *l, struct pkv_bytes key,
                 struct pkv_bytes value) try {
  if (l->failed)
    return inside::fail(ECANCELED, "the load has failed before: end it");
  if (inside::check_pair(key, value))
    return -1;
  std::size_t more = key.size + value.size;
  if (!l->entries.empty() &&
      (l->entries.size() >= l->most || l->text.size() + more > PKV_LOAD_BYTES))
    if (flush(*l))
      return -1;
  std::size_t begin = l->text.size();
  l->pairs.emplace_back(); // there is room then: to end it needs no memory
  l->text.reserve(begin + more);
  l->entries.push_back({begin, key.size, value.size});
  l->text.append(static_cast<const char *>(key.data), key.size);
  if (value.size)
    l->text.append(static_cast<const char *>(value.data), value.size);
  return 0;
} catch (const std::exception &) { // std::length_error, too
  return no_memory();
}

int pkv_load_end(pkv_load *l, struct pkv_loaded *loaded) {
  int result = l->failed ? inside::fail(ECANCELED, "the load has failed before")
                         : flush(*l);
  int error = errno;
  pkv_load_abort(l, loaded);
  errno = error;
  return result;
}

void pkv_load_abort(pkv_load *l, struct pkv_loaded *loaded) {
  if (!l)
    return;
  if (loaded)
    *loaded = l->done;
  delete l;
}
