// kvstore.cpp - A tree of pairs in a Perdure store. The tree lies in the object
// `tree`, the values in others.
#include "../kvstore.h"

#include "tree.h"

#include <cerrno>
#include <cstdint>
#include <iterator>
#include <new>

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
  operator std::string_view() const { return {bytes, length}; }
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

struct [[perdure::persistent]] pairs {
  tree<pair, by_key> tree;
  std::size_t count = 0, key_bytes = 0, value_bytes = 0, changes = 0;
};

/// The root of an object for values.
struct values {
  std::size_t reserved = 0;
};

constexpr const char *value_objects[] = {"values-0", "values-1", "values-2",
                                         "values-3"};
constexpr std::size_t value_count = std::size(value_objects);

/// Which of them holds the key's value.
std::size_t home_of(std::string_view key) {
  std::uint64_t hash = 14695981039346656037u; // FNV-1a
  for (unsigned char c : key)
    hash = (hash ^ c) * 1099511628211u;
  return hash % value_count;
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
  values *homes[value_count] = {}; // a reader has none

  /// The root of the object, which access::write makes when it is not there.
  template <class T> T *open(const char *name) {
    unsigned flags = how == access::read ? PERDURE_RDONLY : 0;
    void *root = perdure_open(store.get(), name, flags);
    if (!root && how == access::write && errno == ENOENT) {
      root = perdure_create(store.get(), name, sizeof(T), 0);
      if (root)
        ::new (root) T();
    }
    if (!root)
      throw error(perdure_errormsg());
    return static_cast<T *>(root);
  }
};

store::store(const std::string &path, access how) : s(new state) {
  s->store.reset(perdure_store_open(
      path.c_str(), how == access::read ? PERDURE_RDONLY : PERDURE_CREATE));
  if (!s->store)
    throw error(perdure_errormsg());
  s->how = how;
  s->root = s->open<pairs>("tree");
  // A reader's values are opened when a pointer leads to them.
  for (std::size_t i = 0; how == access::write && i < value_count; i++)
    s->homes[i] = s->open<values>(value_objects[i]);
}

store::~store() = default;

bool store::begin(access) { return false; }
void store::end() {}

// ===- Pairs --------------------------------------------------------------===

bool store::put(std::string_view key, std::string_view value) try {
  pairs &all = *s->root;
  pair *old = all.tree.find(key);
  if (old) {
    text fresh(s->homes[home_of(key)], value);
    all.changes++;
    old->value.swap(fresh);
    all.value_bytes += value.size() - fresh.size();
  } else {
    all.changes++;
    all.tree.emplace(key, s->homes[home_of(key)], value);
    all.count++;
    all.key_bytes += key.size();
    all.value_bytes += value.size();
  }
  return !old;
} catch (const std::bad_alloc &) {
  throw error(perdure_errormsg());
}

bool store::erase(std::string_view key) {
  pairs &all = *s->root;
  pair *old = all.tree.find(key);
  if (!old)
    return false;
  all.changes++;
  all.count--;
  all.key_bytes -= key.size();
  all.value_bytes -= old->value.size();
  return all.tree.erase(key);
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
  scan("", [&](std::string_view key, std::string_view got) {
    if (got == value)
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
  return nullptr;
}

} // namespace kv
