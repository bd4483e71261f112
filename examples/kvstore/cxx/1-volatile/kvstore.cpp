// kvstore.cpp - A tree of pairs in ordinary memory.
#include "../kvstore.h"

#include "tree.h"

namespace {

/// Bytes of its own.
class text {
  char *bytes;
  std::size_t length;

public:
  explicit text(std::string_view from)
      : bytes(new char[from.size()]), length(from.size()) {
    from.copy(bytes, length);
  }
  ~text() { delete[] bytes; }
  text(const text &) = delete;

  void swap(text &other) {
    std::swap(bytes, other.bytes);
    std::swap(length, other.length);
  }

  std::size_t size() const { return length; }
  operator std::string_view() const { return {bytes, length}; }
};

struct pair {
  text key, value;

  pair(std::string_view k, std::string_view v) : key(k), value(v) {}
};

struct by_key {
  int operator()(std::string_view key, const pair &p) const {
    return key.compare(p.key);
  }
  int operator()(const pair &a, const pair &b) const {
    return (*this)(a.key, b);
  }
};

struct pairs {
  tree<pair, by_key> tree;
  std::size_t count = 0, key_bytes = 0, value_bytes = 0, changes = 0;
};

} // namespace

namespace kv {

// ===- Opening and closing ------------------------------------------------===

struct store::state {
  pairs *root;
};

store::store(const std::string &, access) : s(new state{new pairs}) {}

// The pairs end with the process.
store::~store() { delete s->root; }

bool store::begin(access) { return false; }
void store::end() {}

// ===- Pairs --------------------------------------------------------------===

bool store::put(std::string_view key, std::string_view value) {
  pairs &all = *s->root;
  pair *old = all.tree.find(key);
  if (old) {
    text fresh(value);
    all.changes++;
    old->value.swap(fresh);
    all.value_bytes += value.size() - fresh.size();
  } else {
    all.changes++;
    all.tree.emplace(key, value);
    all.count++;
    all.key_bytes += key.size();
    all.value_bytes += value.size();
  }
  return !old;
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
