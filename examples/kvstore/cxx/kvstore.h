// kvstore.h - A store of pairs, ordered by key.
//
// Keys and values are any bytes. Not thread-safe. What fails throws and changes
// nothing. The bytes that a std::string_view refers to lie in the store, and
// are good while the section lasts in which they were got.
#ifndef KVSTORE_H
#define KVSTORE_H

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace kv {

enum class access { read, write };

struct error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct stats {
  std::size_t pairs = 0, key_bytes = 0, value_bytes = 0, changes = 0;
  int height = 0;
  const void *at = nullptr;
};

class store {
public:
  /// access::write makes the store that is not there.
  store(const std::string &path, access how);
  ~store();

  /// True: a new key. False: the key had another value, which is gone.
  bool put(std::string_view key, std::string_view value);
  bool erase(std::string_view key);
  /// A value that this process has no right to read is data() == nullptr.
  std::optional<std::string_view> get(std::string_view key) const;

  /// Visits pairs in order, from the first that is not before `from`, until
  /// `visit` returns false.
  using visitor =
      std::function<bool(std::string_view key, std::string_view value)>;
  void scan(std::string_view from, const visitor &visit) const;
  /// Visits every key that has this value, in order.
  void find(std::string_view value,
            const std::function<void(std::string_view key)> &visit) const;
  stats measure() const;
  /// What is wrong with the structure; nullptr: nothing is.
  const char *check() const;

private:
  friend class section;
  bool begin(access how);
  void end();

  struct state;
  std::unique_ptr<state> s;
};

/// Around all use of a store.
class section {
  store &held;

public:
  /// Told to one writer: the last process that wrote has died in the middle of
  /// a change, which may be half done.
  const bool after_death;

  section(store &in, access how) : held(in), after_death(in.begin(how)) {}
  ~section() { held.end(); }
  section(const section &) = delete;
};

} // namespace kv

#endif
