// index.cpp - Secondary indexes: pkv_index of pkv.h.
//
// An index is a tree of the store, whose name no other has. For each key under
// which a pair is to be found it has an entry: that key, a mark that ends it,
// and the key of the pair, such that entries are ordered as the two are. One
// pair more says whether it is whole. A tree without any is no index: none yet,
// or none any more.
#include "inside.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

using tree::bytes;

struct pkv_index {
  pkv_tree *of, *entries;
  std::string name;
  pkv_extract *extract = nullptr; // null: not opened
  void *arg = nullptr;
  bool unique = false;
  bool gone = false;
};

struct pkv_index_cursor {
  pkv_index *of;
  pkv_txn *txn, *own = nullptr; // own: a snapshot
  pkv_cursor *at = nullptr;
  std::string key; // of the index, where it stands

  ~pkv_index_cursor() {
    pkv_cursor_close(at);
    pkv_abort(own);
  }
};

namespace {

// ===- Entries ----------------------------------------------------------===

/// Before all entries, each of which begins with more.
constexpr char state_key[] = {0};
constexpr char first_entry[] = {0, 0};
/// What is there: the value of that pair, and whether the index is unique.
enum state : char { building = 'b', whole = 'w', leaving = 'l' };

constexpr bytes key_of_state{state_key, 1};

/// A zero is followed by 0xff, the end by another zero: less than whatever can
/// follow in a longer key.
std::string escaped(bytes key) {
  std::string text;
  for (char c : key) {
    text += c;
    if (!c)
      text += '\xff';
  }
  return text;
}

std::string prefix_for(bytes key) {
  return escaped(key).append(first_entry, sizeof(first_entry));
}

/// Where the key of the pair begins in an entry; appends the index's key to
/// *key.
std::size_t split(bytes entry, std::string *key) {
  std::size_t i = 0;
  for (; i + 1 < entry.size(); i++) {
    if (!entry[i] && !entry[i + 1])
      return i + 2;
    if (key)
      *key += entry[i];
    if (!entry[i])
      i++;
  }
  return entry.size();
}

/// Keys of the index, in order, each once; as the beginnings of entries.
using key_set = std::vector<std::string>;

/// -1: the callback refuses.
int extract(const pkv_index &x, bytes key, bytes value, key_set &keys) {
  struct collector {
    key_set &keys;
    bool too_long = false, no_memory = false;
  } to = {keys};
  int result = x.extract(
      x.arg, {key.data(), key.size()}, {value.data(), value.size()},
      [](void *arg, struct pkv_bytes k) {
        collector &c = *static_cast<collector *>(arg);
        try {
          if (k.size > PKV_KEY_MAX)
            c.too_long = true;
          else
            c.keys.push_back(prefix_for(
                {k.size ? static_cast<const char *>(k.data) : "", k.size}));
        } catch (const std::bad_alloc &) { // not through the caller's frames
          c.no_memory = true;
        }
      },
      &to);
  if (to.no_memory)
    throw std::bad_alloc();
  if (to.too_long)
    return inside::fail(EINVAL, "a key of an index has at most 1024 bytes");
  if (result)
    return inside::fail(
        ECANCELED, ("the index '" + x.name + "' refuses the pair").c_str());
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return 0;
}

bool has(const key_set &keys, const std::string &key) {
  return std::binary_search(keys.begin(), keys.end(), key);
}

/// Whether another pair than that of the key has an entry that begins so.
bool is_taken(const tree::node *root, const std::string &prefix, bytes key) {
  tree::place p;
  for (bool on = p.seek(root, prefix); on; on = p.next()) {
    bytes entry = tree::key_of(*p.here());
    if (entry.substr(0, prefix.size()) != prefix)
      return false;
    if (entry.substr(prefix.size()) != key)
      return true;
  }
  return false;
}

// ===- Following changes ------------------------------------------------===

/// What a change of a pair changes in one index.
struct difference {
  pkv_index *index;
  std::vector<std::string> goes, comes; // entries
};

int find_difference(pkv_index &x, bytes key, const bytes *before,
                    const bytes *after, std::vector<difference> &all) {
  key_set old, now;
  if ((before && extract(x, key, *before, old)) ||
      (after && extract(x, key, *after, now)))
    return -1;
  difference d = {&x, {}, {}};
  for (const std::string &k : old)
    if (!has(now, k))
      d.goes.push_back(k + std::string(key));
  for (const std::string &k : now) {
    if (has(old, k))
      continue;
    if (x.unique && is_taken(inside::lies(*x.entries).root, k, key))
      return inside::fail(
          EEXIST, ("the index '" + x.name + "' has another pair under that key")
                      .c_str());
    d.comes.push_back(k + std::string(key));
  }
  all.push_back(std::move(d));
  return 0;
}

void make(tree::change &c, const std::vector<difference> &all) {
  for (const difference &d : all) {
    tree::stored &t = inside::to_change(*d.index->entries);
    for (const std::string &entry : d.goes)
      if (!c.error)
        tree::erase(c, t, entry); // one that is being built may not have it yet
    for (const std::string &entry : d.comes)
      if (!c.error)
        tree::put(c, t, entry, {});
  }
}

class indexes : public inside::follower {
public:
  /// Never fewer, so that handles stay good; changed by who excludes writers.
  std::vector<std::unique_ptr<pkv_index>> all;

  pkv_index *called(bytes name) {
    for (auto &x : all)
      if (x->name == name)
        return x.get();
    return nullptr;
  }

  /// All of them may be gone, and the tree may never have had one.
  bool follows() const override {
    return std::any_of(all.begin(), all.end(),
                       [](const auto &x) { return !x->gone; });
  }

  int follow(tree::change &c, bytes key, const bytes *before,
             const bytes *after) override try {
    std::vector<difference> differences;
    for (auto &x : all) {
      if (x->gone)
        continue;
      if (!x->extract)
        return inside::fail(
            EINVAL, ("the tree has an index '" + x->name +
                     "' that has not been opened: pkv_index_open it before the "
                     "tree is changed, or pkv_index_drop it")
                        .c_str());
      if (find_difference(*x, key, before, after, differences))
        return -1;
    }
    make(c, differences);
    return 0;
  } catch (const std::bad_alloc &) {
    return inside::fail(ENOMEM, "no memory to keep the indexes");
  }

  const char *check(pkv_tree &of, pkv_txn *seen) override;
};

/// Of the tree; knows the indexes that are there. The caller excludes writers.
indexes &indexes_of(pkv_tree &t) {
  if (inside::follower *there = inside::follower_of(t))
    return static_cast<indexes &>(*there);
  auto made = std::make_unique<indexes>();
  inside::for_indexes(t, [&](pkv_tree &entries, bytes name) {
    if (!inside::lies(entries).pairs)
      return;
    made->all.push_back(std::make_unique<pkv_index>());
    pkv_index &x = *made->all.back();
    x.of = &t;
    x.entries = &entries;
    x.name = name;
  });
  indexes &result = *made;
  inside::set_follower(t, std::move(made));
  return result;
}

/// The state of the index, and whether it is unique; 0: it is none.
char state_of(const tree::node *root, bool *unique) {
  const tree::record *r = tree::find(root, key_of_state);
  bytes value = r ? tree::value_of(*r) : bytes();
  if (value.size() != 2)
    return 0;
  if (unique)
    *unique = value[1] == 'u';
  return value[0];
}

void set_state(tree::change &c, tree::stored &t, char state, bool unique) {
  char value[] = {state, unique ? 'u' : '-'};
  tree::put(c, t, key_of_state, {value, sizeof(value)});
}

// ===- Making and dropping ----------------------------------------------===

constexpr unsigned pairs_in_step = 1000;
constexpr std::size_t bytes_in_step = 1 << 20;

/// Entries for the next pairs of the tree; `last` is the key of the one before.
/// 1: there are more, 0: it is whole now.
int build_step(pkv_index &x, tree::change &c, std::string &last) try {
  const tree::node *root = inside::lies(*x.of).root;
  tree::place p;
  bool on = last.empty() ? p.first(root) : p.seek(root, last);
  if (on && !last.empty() && tree::key_of(*p.here()) == last)
    on = p.next();
  std::size_t pairs = 0, size = 0;
  std::vector<difference> one;
  for (; on && !c.error; on = p.next()) {
    if (pairs++ == pairs_in_step || size > bytes_in_step)
      return 1;
    bytes key = tree::key_of(*p.here());
    bytes value = inside::value_of(*inside::store_of(*x.of), *p.here());
    one.clear();
    if (!value.data() || find_difference(x, key, nullptr, &value, one))
      return -1;
    make(c, one);
    for (const std::string &entry : one[0].comes)
      size += entry.size() + sizeof(tree::record);
    size += value.size() / 16; // reading takes time, too
    last = key;
  }
  set_state(c, inside::to_change(*x.entries), whole, x.unique);
  return 0;
} catch (const std::bad_alloc &) {
  return inside::fail(ENOMEM, "no memory to build the index");
}

/// Takes entries out; 1: there are more.
int drop_step(pkv_index &x, tree::change &c) try {
  tree::stored &t = inside::to_change(*x.entries);
  for (unsigned i = 0; i < pairs_in_step && !c.error; i++) {
    tree::place p;
    if (!p.last(t.root)) {
      if (t.pairs) { // else who drops it before it is made anew would not end
        c.error = EPROTO;
        c.wrong = "the tree of an index is damaged";
      }
      return 0;
    }
    std::string key(tree::key_of(*p.here())); // the state is the last to go
    tree::erase(c, t, key);
  }
  return t.pairs != 0;
} catch (const std::bad_alloc &) {
  return inside::fail(ENOMEM, "no memory to drop the index");
}

/// Steps in transactions of their own.
template <class Step> int in_steps(pkv_index &x, Step step) {
  for (;;) {
    pkv_txn *txn = pkv_begin(inside::store_of(*x.of), 0);
    if (!txn)
      return -1;
    int more =
        inside::change(*x.entries, txn, [&](tree::change &c, tree::stored &) {
          return step(c);
        });
    if (more < 0) {
      int error = errno;
      pkv_abort(txn);
      errno = error;
      return -1;
    }
    if (pkv_commit(txn))
      return -1;
    if (!more)
      return 0;
  }
}

/// Changes are followed until the store says that the index is leaving: one
/// that it calls whole would lack them, should nothing more come of it.
int drop(pkv_index &x) {
  if (in_steps(x, [&](tree::change &c) {
        tree::stored &t = inside::to_change(*x.entries);
        bool unique = false;
        char state = state_of(t.root, &unique);
        if (state && state != leaving)
          set_state(c, t, leaving, unique);
        return 0;
      }))
    return -1;
  inside::exclude_writers(*x.of, [&] { x.gone = true; });
  return in_steps(x, [&](tree::change &c) { return drop_step(x, c); });
}

std::string tree_name(pkv_tree &t, const char *name) {
  return inside::index_mark + std::string(inside::lies(t).called()) +
         inside::index_mark + name;
}

/// Another process could make an index, of which this one is told nothing, and
/// change pairs without telling this one's.
int check_name(pkv_tree &t, const char *name, unsigned flags) {
  if (inside::is_shared(*inside::store_of(t)))
    return inside::fail(EINVAL, "processes share the store: indexes are opened "
                                "and dropped by one that has it alone");
  std::uint64_t pairs;
  while (pkv_count(&t, nullptr, &pairs)) { // the tree is there
    if (errno != EBUSY)
      return -1;
    std::this_thread::yield(); // a transaction is about to be committed
  }
  if (strchr(name, inside::index_mark) ||
      flags & ~unsigned(PKV_CREATE | PKV_UNIQUE))
    return inside::fail(EINVAL, "an index's name has no byte 1, and "
                                "pkv_index_open the flags PKV_CREATE and "
                                "PKV_UNIQUE");
  return 0;
}

} // namespace

pkv_index *pkv_index_open(pkv_tree *t, const char *name, pkv_extract *extract,
                          void *arg, unsigned flags) try {
  if (check_name(*t, name, flags))
    return nullptr;
  pkv *s = inside::store_of(*t);
  bool writes = !inside::may_write(*s), unique = flags & PKV_UNIQUE;
  if (!writes && errno != EROFS)
    return nullptr;
  pkv_tree *entries = pkv_tree_open(s, tree_name(*t, name).c_str(),
                                    writes ? flags & PKV_CREATE : 0);
  if (!entries)
    return nullptr;
  pkv_index *x = nullptr;
  char state = 0;
  bool is_unique = unique;
  // From here on changes of other threads are followed.
  int opened = 0;
  inside::exclude_writers(*t, [&] {
    const tree::stored &there = inside::lies(*entries);
    state = state_of(there.root, &is_unique);
    if (state == 0 && !(writes && flags & PKV_CREATE))
      opened = inside::fail(ENOENT, "there is no such index");
    else if (state == 0 && there.pairs)
      opened = 1; // of changes that were followed before it was begun
    else if (state == building && !writes)
      opened = inside::fail(EROFS, "the index is not whole: open it to write");
    else if (state == leaving || (state == building && is_unique == unique))
      opened = 1;
    else if (is_unique != unique)
      opened =
          inside::fail(EINVAL, is_unique ? "the index is unique: PKV_UNIQUE"
                                         : "the index is not unique");
    if (opened < 0)
      return;
    indexes &all = indexes_of(*t);
    x = all.called(name);
    if (x && x->extract && !x->gone) {
      if (x->extract != extract || x->arg != arg)
        opened =
            inside::fail(EINVAL, "the index is open with another callback");
      return;
    }
    if (!x) {
      auto made = std::make_unique<pkv_index>();
      made->of = t;
      made->entries = entries;
      made->name = name;
      all.all.push_back(std::move(made)); // when it needs no more memory
      x = all.all.back().get();
    }
    x->extract = extract;
    x->arg = arg;
    x->unique = unique;
    x->gone = opened == 1;
  });
  if (opened < 0)
    return nullptr;
  // Somebody has begun to drop it; or to build it, or was about to, and changes
  // after that may not have been followed.
  if (opened == 1) {
    if (!writes) {
      inside::fail(ENOENT, "the index is being dropped");
      return nullptr;
    }
    if (drop(*x))
      return nullptr;
    return pkv_index_open(t, name, extract, arg,
                          state == building ? flags | PKV_CREATE : flags);
  }
  if (state == whole)
    return x;
  std::string last;
  bool began = false;
  if (!in_steps(*x, [&](tree::change &c) {
        if (!began)
          set_state(c, inside::to_change(*entries), building, unique);
        began = true;
        return build_step(*x, c, last);
      }))
    return x;
  int error = errno;
  std::string why = pkv_errormsg();
  // Nobody uses what is not whole, and who opens it begins anew: so whatever
  // comes of dropping it, changes need not be followed.
  inside::exclude_writers(*t, [&] { x->gone = true; });
  drop(*x);
  inside::fail(error, why.c_str());
  return nullptr;
} catch (const std::bad_alloc &) {
  inside::fail(ENOMEM, "no memory for an index");
  return nullptr;
}

int pkv_index_drop(pkv_tree *t, const char *name) try {
  if (check_name(*t, name, 0) || inside::may_write(*inside::store_of(*t)))
    return -1;
  pkv_index *x = nullptr;
  inside::exclude_writers(*t, [&] {
    x = indexes_of(*t).called(name);
    if (x && x->gone && !inside::lies(*x->entries).pairs)
      x = nullptr; // else there was no room to drop all of it
  });
  if (!x)
    return inside::fail(ENOENT, "there is no such index");
  return drop(*x);
} catch (const std::bad_alloc &) {
  return inside::fail(ENOMEM, "no memory to drop the index");
}

// ===- Cursors ----------------------------------------------------------===

pkv_index_cursor *pkv_index_cursor_open(pkv_index *x, pkv_txn *txn) try {
  auto c = std::make_unique<pkv_index_cursor>();
  c->of = x;
  c->key.reserve(PKV_KEY_MAX); // to move it needs no memory
  if (!txn && !(txn = c->own = pkv_begin(inside::store_of(*x->of), PKV_RDONLY)))
    return nullptr;
  c->txn = txn;
  if (!(c->at = pkv_cursor_open(x->entries, txn)))
    return nullptr;
  if (state_of(inside::root_for(*x->entries, txn), nullptr) != whole) {
    inside::fail(ENOENT,
                 "the transaction sees no such index, or not all of it");
    return nullptr;
  }
  return c.release();
} catch (const std::bad_alloc &) {
  inside::fail(ENOMEM, "no memory for a cursor");
  return nullptr;
}

void pkv_index_cursor_close(pkv_index_cursor *c) { delete c; }

int pkv_index_first(pkv_index_cursor *c) {
  return pkv_seek(c->at, {first_entry, sizeof(first_entry)});
}

int pkv_index_last(pkv_index_cursor *c) {
  return pkv_last(c->at) && pkv_index_pair(c, nullptr, nullptr, nullptr) == 0;
}

int pkv_index_seek(pkv_index_cursor *c, struct pkv_bytes key) try {
  if (!key.size)
    return pkv_index_first(c);
  std::string from = escaped({static_cast<const char *>(key.data), key.size});
  return pkv_seek(c->at, {from.data(), from.size()});
} catch (const std::bad_alloc &) {
  return inside::fail(ENOMEM, "no memory to look for a key");
}

int pkv_index_next(pkv_index_cursor *c) {
  if (!pkv_next(c->at))
    return 0;
  // From before the first one comes to the pair that says the state.
  return pkv_index_pair(c, nullptr, nullptr, nullptr) == 0 || pkv_next(c->at);
}

int pkv_index_prev(pkv_index_cursor *c) {
  return pkv_prev(c->at) && pkv_index_pair(c, nullptr, nullptr, nullptr) == 0;
}

int pkv_index_pair(pkv_index_cursor *c, struct pkv_bytes *index_key,
                   struct pkv_bytes *key, struct pkv_bytes *value) {
  struct pkv_bytes at;
  if (pkv_pair(c->at, &at, nullptr))
    return -1;
  bytes entry(static_cast<const char *>(at.data), at.size);
  if (entry == key_of_state)
    return inside::fail(ENOENT, "the cursor stands on no pair");
  if (!index_key && !key && !value)
    return 0;
  c->key.clear();
  bytes of_pair = entry.substr(split(entry, &c->key));
  if (index_key)
    *index_key = {c->key.data(), c->key.size()};
  if (key)
    *key = {of_pair.data(), of_pair.size()};
  return value ? pkv_see(c->of->of, c->txn, {of_pair.data(), of_pair.size()},
                         value)
               : 0;
}

// ===- Checking ---------------------------------------------------------===

const char *indexes::check(pkv_tree &of, pkv_txn *seen) {
  std::vector<pkv_index> now;
  inside::exclude_writers(of, [&] {
    for (auto &x : all)
      if (x->extract && !x->gone)
        now.push_back(*x);
  });
  for (pkv_index &x : now) {
    const tree::node *entries = inside::root_for(*x.entries, seen);
    if (state_of(entries, nullptr) != whole)
      continue; // it is being built
    std::uint64_t wanted = 1, there = 0, unread = 0;
    tree::place p;
    for (bool on = p.first(inside::root_for(of, seen)); on; on = p.next()) {
      bytes key = tree::key_of(*p.here());
      bytes value = inside::value_of(*inside::store_of(of), *p.here());
      key_set keys;
      if (!value.data()) {
        unread++; // pkv_check says so
        continue;
      }
      if (extract(x, key, value, keys))
        return "an index refuses a pair that is there";
      for (const std::string &k : keys) {
        if (!tree::find(entries, k + std::string(key)))
          return "an index lacks an entry";
        if (x.unique && is_taken(entries, k, key))
          return "a unique index has two entries under one key";
      }
      wanted += keys.size();
    }
    for (bool on = p.first(entries); on; on = p.next())
      there++;
    if (there != wanted && !unread)
      return "an index has an entry that no pair asks for";
  }
  return nullptr;
}
