// kvstore.cpp - A tree of pairs in a Perdure store. The tree lies in the object
// `tree`, the values in others: those of keys that begin with '.' in `private`.
// Who may read which is what the rights of their files say.
// The index by value lies in `by-value`.
//
// Any number of processes may have the store open to write, in turns. A change
// is one transaction over all objects.
#include "../kvstore.h"

#include "tree.h"

#include <perdure/transaction.h>

#include <cerrno>
#include <cstdint>
#include <iterator>
#include <new>
#include <vector>

namespace {

/// Bytes of its own, in the object that holds `home`.
class [[perdure::persistent]] text {
  char *bytes;
  std::size_t length;

public:
  text(const void *home, std::string_view from)
      : bytes(perdure::make<char[]>(home, from.size())), length(from.size()) {
    from.copy(bytes, length);
  }
  ~text() { perdure::destroy(bytes, length); }
  text(const text &) = delete;

  void swap(text &other) {
    std::swap(bytes, other.bytes);
    std::swap(length, other.length);
  }

  std::size_t size() const { return length; }
  /// What leads to an object that may not be opened leads to no root.
  operator std::string_view() const {
    return {perdure_root(bytes) ? bytes : nullptr, length};
  }
};

struct [[perdure::persistent]] pair {
  text key, value;

  pair(std::string_view k, const void *home, std::string_view v)
      : key(this, k), value(home, v) {}
};

struct by_key {
  int operator()(std::string_view key, const pair &p) const {
    return key.compare(p.key);
  }
  int operator()(const pair &a, const pair &b) const {
    return (*this)(a.key, b);
  }
};

/// Pairs as they order by value, and then by key.
struct by_value {
  int operator()(std::string_view value, const pair *p) const {
    return value.compare(p->value);
  }
  int operator()(const pair *a, const pair *b) const {
    int order = (*this)(a->value, b);
    return order ? order : by_key()(*a, *b);
  }
};

struct [[perdure::persistent]] value_index {
  tree<perdure::ref<pair>, by_value> tree; // leads into another object
  std::size_t changes = 0; // of the pairs, up to which the index is right
};

struct [[perdure::persistent]] pairs {
  tree<pair, by_key> tree;
  std::size_t count = 0, key_bytes = 0, value_bytes = 0, changes = 0;
};

/// The root of an object for values.
struct values {
  std::size_t reserved = 0;
};

constexpr const char *value_objects[] = {"values-0", "values-1", "values-2",
                                         "values-3", "private"};
constexpr std::size_t private_home = std::size(value_objects) - 1;

bool is_private(std::string_view key) {
  return !key.empty() && key.front() == '.';
}

/// Which of them holds the key's value.
std::size_t home_of(std::string_view key) {
  if (is_private(key))
    return private_home;
  std::uint64_t hash = 14695981039346656037u; // FNV-1a
  for (unsigned char c : key)
    hash = (hash ^ c) * 1099511628211u;
  return hash % private_home;
}

} // namespace

namespace kv {

// ===- Opening and closing ------------------------------------------------===

namespace {

struct closer {
  void operator()(perdure_store *store) const { perdure_store_close(store); }
};

} // namespace

struct store::state {
  std::unique_ptr<perdure_store, closer> store;
  access how;
  pairs *root = nullptr;
  value_index *by_value = nullptr;              // a reader may have none
  values *homes[std::size(value_objects)] = {}; // a reader has none

  /// The root of the object, which access::write makes when it is not there. A
  /// new one is all zeros, which is what T() is: it is not constructed, since
  /// another process may be using it already.
  template <class T> T *open(const char *name) {
    unsigned flags = how == access::read ? PERDURE_RDONLY : 0;
    void *root = perdure_open(store.get(), name, flags);
    if (!root && how == access::write && errno == ENOENT)
      root = perdure_create(store.get(), name, sizeof(T), 0);
    if (!root && how == access::write && errno == EEXIST)
      root = perdure_open(store.get(), name, 0);
    if (!root)
      throw error(perdure_errormsg());
    return static_cast<T *>(root);
  }

  /// Those that are open, in the order in which their sections are entered.
  std::vector<void *> objects() const {
    std::vector<void *> all = {root};
    if (by_value)
      all.push_back(by_value);
    for (values *home : homes)
      if (home)
        all.push_back(home);
    return all;
  }

  void add_to_index(pair *p) {
    if (!is_private(p->key))
      by_value->tree.emplace(p);
  }

  /// Indexes what was put by programs that know no index.
  [[perdure::transaction]] void build_index() {
    if (by_value->changes == root->changes)
      return;
    by_value->tree.clear(); // what it leads to may be gone
    root->tree.visit(std::string_view(), [&](pair &p) {
      add_to_index(&p);
      return true;
    });
    by_value->changes = root->changes;
  }

  /// Without one where there is none, or one whose values it may not read.
  void open_index_to_read() {
    try {
      value_index *found = open<value_index>("by-value");
      for (std::size_t i = 0; i < private_home; i++)
        open<values>(value_objects[i]);
      by_value = found;
    } catch (const error &) {
    }
  }
};

store::store(const std::string &path, access how) : s(new state) {
  s->store.reset(perdure_store_open(
      path.c_str(), how == access::read
                        ? PERDURE_RDONLY
                        : PERDURE_CREATE | PERDURE_SHARED | PERDURE_DURABLE));
  if (!s->store)
    throw error(perdure_errormsg());
  s->how = how;
  s->root = s->open<pairs>("tree");
  // A reader's values are opened when a pointer leads to them.
  for (std::size_t i = 0; how == access::write && i <= private_home; i++)
    s->homes[i] = s->open<values>(value_objects[i]);
  if (how == access::read) {
    s->open_index_to_read();
  } else {
    s->by_value = s->open<value_index>("by-value");
    section building(*this, how);
    s->build_index();
  }
}

store::~store() = default;

// The tree's section keeps writers and readers apart; those of the others are
// there since who changes an object must be in a section of it. Nobody is told
// of half a change: there is none.
bool store::begin(access how) {
  std::vector<void *> objects = s->objects();
  for (std::size_t i = 0; i < objects.size(); i++)
    if (perdure_lock(objects[i], how == access::read ? PERDURE_RDONLY : 0) <
        0) {
      error why(perdure_errormsg());
      while (i--)
        perdure_unlock(objects[i]);
      throw why;
    }
  return false;
}

void store::end() {
  for (void *object : s->objects())
    perdure_unlock(object);
}

// ===- Pairs --------------------------------------------------------------===

[[perdure::transaction]] bool store::put(std::string_view key,
                                         std::string_view value) try {
  pairs &all = *s->root;
  pair *old = all.tree.find(key);
  if (old) {
    text fresh(s->homes[home_of(key)], value);
    all.changes++;
    s->by_value->tree.erase(old);
    old->value.swap(fresh);
    s->add_to_index(old);
    all.value_bytes += value.size() - fresh.size();
  } else {
    all.changes++;
    s->add_to_index(all.tree.emplace(key, s->homes[home_of(key)], value));
    all.count++;
    all.key_bytes += key.size();
    all.value_bytes += value.size();
  }
  s->by_value->changes = all.changes;
  return !old;
} catch (const std::bad_alloc &) {
  throw error(perdure_errormsg());
}

[[perdure::transaction]] bool store::erase(std::string_view key) {
  pairs &all = *s->root;
  pair *old = all.tree.find(key);
  if (!old)
    return false;
  all.changes++;
  all.count--;
  all.key_bytes -= key.size();
  all.value_bytes -= old->value.size();
  s->by_value->tree.erase(old);
  all.tree.erase(key);
  s->by_value->changes = all.changes;
  return true;
}

std::optional<std::string_view> store::get(std::string_view key) const {
  if (pair *p = s->root->tree.find(key))
    return p->value;
  return std::nullopt;
}

void store::scan(std::string_view from, const visitor &visit) const {
  s->root->tree.visit(from, [&](pair &p) { return visit(p.key, p.value); });
}

void store::find(std::string_view value,
                 const std::function<void(std::string_view key)> &visit) const {
  if (s->by_value && s->by_value->changes == s->root->changes) {
    s->by_value->tree.visit(value, [&](const pair *p) {
      if (value != p->value)
        return false;
      visit(p->key);
      return true;
    });
    return;
  }
  scan("", [&](std::string_view key, std::string_view got) {
    if (got.data() && !is_private(key) && got == value)
      visit(key);
    return true;
  });
}

stats store::measure() const {
  const pairs &all = *s->root;
  return {all.count,   all.key_bytes,     all.value_bytes,
          all.changes, all.tree.height(), &all};
}

const char *store::check() const {
  std::size_t items = 0;
  if (!s->root->tree.sound(items))
    return "the tree is out of order or out of balance";
  if (items != s->root->count)
    return "the count of pairs is not theirs";
  if (!s->by_value || s->by_value->changes != s->root->changes)
    return nullptr;
  // As many as there are pairs, and one for each: so no others.
  std::size_t indexed = 0, expected = 0;
  if (!s->by_value->tree.sound(indexed))
    return "the index is out of order or out of balance";
  bool all = s->root->tree.visit(std::string_view(), [&](const pair &p) {
    return is_private(p.key) || (++expected && s->by_value->tree.find(&p));
  });
  if (!all || indexed != expected)
    return "the index does not lead to every pair, or to others";
  return nullptr;
}

} // namespace kv
