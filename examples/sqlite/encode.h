// encode.h - SQLite's values as bytes: rows, and keys that memcmp orders as
// SQLite orders the values.
//
// A key begins with a byte that says NULL, number, text or blob, in this order.
//
//   number  the double that is next below it, eight bytes that compare as it
//   does;
//           from 2^53 on two bytes with what is left of an integer. So 5
//           and 5.0 are one key, and 2^53 + 1 lies between the doubles around
//           it.
//   text    its bytes as the collation sees them: folded, or without the spaces
//           at its end. A zero is 00 FF, the end 00 00, which is less than
//           whatever can go on.
//   blob    the same of its bytes.
//
// The last value of a row's key stands there as it is: nothing comes behind it.
//
// A row is a byte, 2 or 4: the size of each number of the list behind it, which
// has for each column where its bytes end, and in the low three bits what they
// are. So to read a column takes no look at the others.
#ifndef PERDURE_SQLITE_ENCODE_H
#define PERDURE_SQLITE_ENCODE_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

using bytes = std::string_view;

enum class affinity { blob, text, numeric, integer, real };
enum class collation { binary, nocase, rtrim };

inline bool is_numeric(affinity a) { return a >= affinity::numeric; }

/// A value. The bytes of text and blobs lie somewhere else.
struct cell {
  enum kind : unsigned char { null, integer, real, text, blob } is = null;
  union {
    std::int64_t i = 0;
    double r;
  };
  bytes b;

  static cell of(std::int64_t i) {
    cell c;
    c.is = integer;
    c.i = i;
    return c;
  }
  static cell of(double r) {
    cell c;
    c.is = real;
    c.r = r;
    return c;
  }
  static cell of(kind is, bytes b) {
    cell c;
    c.is = is;
    c.b = b;
    return c;
  }
};

/// A real that is an integer becomes one where the column's affinity wants it,
/// and an integer a real; as SQLite does when it stores the value.
void make_fit(cell &c, affinity a);

/// As SQLite orders values: less than, equal to or greater than 0. NULLs are equal
/// here.
int compare(const cell &a, const cell &b, collation by);

// ===- Keys -------------------------------------------------------------===

enum key_tag : char { null_tag = 1, number_tag, text_tag, blob_tag };

void append_key(std::string &key, const cell &c, collation by, bool last);
/// Eight bytes.
void append_rowid(std::string &key, std::int64_t rowid);
std::int64_t rowid_of(bytes key);

/// The next key behind all that begin with `key`, in its place.
void step_over(std::string &key);

/// Reads the value at the begin of `key`, and takes it off. Only of numbers is
/// the value known then, and whether they are integers is not: `c` is a real,
/// and an integer only where no real is that number. False: no key of this
/// module.
bool skip_key(bytes &key, cell &c);

// ===- Rows -------------------------------------------------------------===

constexpr std::size_t row_max = std::size_t(1) << 29;

/// Appends the row. False: it has row_max bytes or more.
bool append_row(std::string &row, const cell *cells, unsigned count);

template <class T> T read_raw(const char *from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

class row_view {
  const char *list = nullptr, *data = nullptr;
  std::size_t room = 0;
  unsigned width = 0;

  std::size_t entry(unsigned column) const;

public:
  /// False: it has another number of columns, or is damaged.
  bool open(bytes row, unsigned columns);
  /// False: damaged.
  bool get(unsigned column, cell &c) const;
};

// Each column of each row that is read.

inline std::size_t row_view::entry(unsigned column) const {
  return width == 2 ? read_raw<std::uint16_t>(list + std::size_t(column) * 2)
                    : read_raw<std::uint32_t>(list + std::size_t(column) * 4);
}

inline bool row_view::open(bytes row, unsigned columns) {
  if (row.empty() || (row[0] != 2 && row[0] != 4))
    return false;
  width = row[0];
  std::size_t before = 1 + std::size_t(columns) * width;
  if (row.size() < before)
    return false;
  list = row.data() + 1;
  data = row.data() + before;
  room = row.size() - before;
  return columns == 0 || entry(columns - 1) >> 3 == room;
}

inline bool row_view::get(unsigned column, cell &c) const {
  std::size_t own = entry(column), from = column ? entry(column - 1) >> 3 : 0,
              to = own >> 3;
  if (from > to || to > room)
    return false;
  const char *at = data + from;
  c.is = cell::kind(own & 7);
  switch (c.is) {
  case cell::null:
    return true;
  case cell::integer:
    switch (to - from) {
    case 0:
      c.i = 0;
      return true;
    case 1:
      c.i = read_raw<std::int8_t>(at);
      return true;
    case 2:
      c.i = read_raw<std::int16_t>(at);
      return true;
    case 4:
      c.i = read_raw<std::int32_t>(at);
      return true;
    case 8:
      c.i = read_raw<std::int64_t>(at);
      return true;
    default:
      return false;
    }
  case cell::real:
    if (to - from != sizeof(c.r))
      return false;
    c.r = read_raw<double>(at);
    return true;
  case cell::text:
  case cell::blob:
    c.b = bytes(at, to - from);
    return true;
  default:
    return false;
  }
}

#endif
