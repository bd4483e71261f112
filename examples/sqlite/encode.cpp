// encode.cpp - Rows and keys of SQLite's values.
#include "encode.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace {

constexpr double two_53 = 9007199254740992.0, two_63 = 9223372036854775808.0;

template <class T> void append_raw(std::string &to, T value) {
  char raw[sizeof(value)];
  std::memcpy(raw, &value, sizeof(value));
  to.append(raw, sizeof(raw));
}

/// As a number that compares as unsigned integers do.
std::uint64_t ordered(double d) {
  std::uint64_t bits;
  std::memcpy(&bits, &d, sizeof(bits));
  return bits >> 63 ? ~bits : bits | std::uint64_t(1) << 63;
}

double of_ordered(std::uint64_t bits) {
  bits = bits >> 63 ? bits & ~(std::uint64_t(1) << 63) : ~bits;
  double d;
  std::memcpy(&d, &bits, sizeof(d));
  return d;
}

/// The greatest double that is not greater. What is left of the integer is less
/// than 1,024, the distance of doubles below 2^63.
double below(std::int64_t i, unsigned &left) {
  double d = double(i);
  if (d >= two_63 || std::int64_t(d) > i)
    d = std::nextafter(d, -two_63);
  left = unsigned(i - std::int64_t(d));
  return d;
}

void append_number(std::string &key, double d, unsigned left) {
  append_raw(key, __builtin_bswap64(ordered(d)));
  if (std::fabs(d) < two_53)
    return;
  key.push_back(char(left >> 8));
  key.push_back(char(left));
}

void append_escaped(std::string &key, bytes b) {
  for (;;) {
    std::size_t zero = b.find('\0');
    key.append(b.substr(0, zero));
    if (zero == bytes::npos)
      break;
    key.append("\0\xff", 2);
    b.remove_prefix(zero + 1);
  }
  key.append("\0\0", 2);
}

/// SQLite's NOCASE looks at letters up to the first zero, and then at the
/// lengths alone. So a text with a zero goes on with 00 FF and its length, in
/// bytes that are no zeros.
void append_nocase(std::string &key, bytes b, bool last) {
  std::size_t zero = b.find('\0');
  for (char c : b.substr(0, zero))
    key.push_back(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  if (zero != bytes::npos) {
    key.append("\0\xff", 2);
    for (int shift = 28; shift >= 0; shift -= 7)
      key.push_back(char(0x80 | (b.size() >> shift & 0x7f)));
  }
  if (!last)
    key.append("\0\0", 2);
}

} // namespace

void make_fit(cell &c, affinity a) {
  if (a == affinity::real) {
    if (c.is == cell::integer)
      c = cell::of(double(c.i));
    else if (c.is == cell::real && c.r == 0)
      c.r = 0; // no -0.0: SQLite stores an integer there
  } else if ((a == affinity::integer || a == affinity::numeric) &&
             c.is == cell::real && c.r > -two_63 && c.r < two_63 &&
             double(std::int64_t(c.r)) == c.r) {
    c = cell::of(std::int64_t(c.r));
  }
}

namespace {

template <class T> int order_of(T a, T b) { return (a > b) - (a < b); }

/// Exactly: not all integers are reals.
int compare(std::int64_t i, double r) {
  if (r >= two_63 || r < -two_63)
    return r < 0 ? 1 : -1;
  auto whole = std::int64_t(r); // towards 0
  return i != whole ? order_of(i, whole) : order_of(double(whole), r);
}

int compare_bytes(bytes a, bytes b) {
  int order = std::memcmp(a.data(), b.data(), std::min(a.size(), b.size()));
  return order ? order : order_of(a.size(), b.size());
}

/// What append_nocase's keys say.
int compare_nocase(bytes a, bytes b) {
  auto lower = [](char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  };
  std::size_t both = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < both && (a[i] || b[i]); i++)
    if (int order = order_of(lower(a[i]), lower(b[i])))
      return order;
  return order_of(a.size(), b.size());
}

bytes without_spaces(bytes b) {
  return b.substr(0, b.find_last_not_of(' ') + 1);
}

} // namespace

int compare(const cell &a, const cell &b, collation by) {
  auto place = [](const cell &c) { return c.is == cell::real ? 1 : int(c.is); };
  if (int order = order_of(place(a), place(b)))
    return order;
  switch (a.is) {
  case cell::null:
    return 0;
  case cell::integer:
    return b.is == cell::integer ? order_of(a.i, b.i) : compare(a.i, b.r);
  case cell::real:
    return b.is == cell::real ? order_of(a.r, b.r) : -compare(b.i, a.r);
  case cell::text:
    if (by == collation::nocase)
      return compare_nocase(a.b, b.b);
    if (by == collation::rtrim)
      return compare_bytes(without_spaces(a.b), without_spaces(b.b));
    break;
  case cell::blob:
    break;
  }
  return compare_bytes(a.b, b.b);
}

void append_key(std::string &key, const cell &c, collation by, bool last) {
  switch (c.is) {
  case cell::null:
    key.push_back(null_tag);
    return;
  case cell::integer: {
    unsigned left;
    double d = below(c.i, left);
    key.push_back(number_tag);
    return append_number(key, d, left);
  }
  case cell::real:
    key.push_back(number_tag);
    return append_number(key, c.r == 0 ? 0.0 : c.r, 0); // -0.0 is 0
  case cell::text:
  case cell::blob:
    break;
  }
  bytes b = c.b;
  key.push_back(c.is == cell::text ? text_tag : blob_tag);
  if (c.is == cell::text && by == collation::nocase)
    return append_nocase(key, b, last);
  if (c.is == cell::text && by == collation::rtrim)
    b = without_spaces(b);
  if (last)
    key.append(b);
  else
    append_escaped(key, b);
}

void append_rowid(std::string &key, std::int64_t rowid) {
  append_raw(key,
             __builtin_bswap64(std::uint64_t(rowid) ^ std::uint64_t(1) << 63));
}

std::int64_t rowid_of(bytes key) {
  return std::int64_t(__builtin_bswap64(read_raw<std::uint64_t>(key.data())) ^
                      std::uint64_t(1) << 63);
}

void step_over(std::string &key) {
  // The first byte is a tag, or the key is empty: everything, without an end.
  while (!key.empty() && key.back() == '\xff')
    key.pop_back();
  if (!key.empty())
    key.back()++;
}

bool skip_key(bytes &key, cell &c) {
  if (key.empty())
    return false;
  char tag = key[0];
  key.remove_prefix(1);
  switch (tag) {
  case null_tag:
    c = cell();
    return true;
  case number_tag: {
    if (key.size() < 8)
      return false;
    double d =
        of_ordered(__builtin_bswap64(read_raw<std::uint64_t>(key.data())));
    key.remove_prefix(8);
    c = cell::of(d);
    if (std::fabs(d) < two_53)
      return true;
    if (key.size() < 2)
      return false;
    unsigned left = (unsigned char)key[0] << 8 | (unsigned char)key[1];
    key.remove_prefix(2);
    if (left)
      c = cell::of(std::int64_t(d) + left);
    return true;
  }
  case text_tag:
  case blob_tag:
    c = cell::of(tag == text_tag ? cell::text : cell::blob, bytes());
    for (std::size_t at = 0;; at++) {
      at = key.find('\0', at);
      if (at == bytes::npos || at + 1 >= key.size())
        return false;
      if (key[++at] == '\0') {
        key.remove_prefix(at + 1);
        return true;
      }
    }
  default:
    return false;
  }
}

// ===- Rows -------------------------------------------------------------===

namespace {

unsigned bytes_of(std::int64_t i) {
  return i == 0                 ? 0
         : i == std::int8_t(i)  ? 1
         : i == std::int16_t(i) ? 2
         : i == std::int32_t(i) ? 4
                                : 8;
}

std::size_t bytes_of(const cell &c) {
  switch (c.is) {
  case cell::null:
    return 0;
  case cell::integer:
    return bytes_of(c.i);
  case cell::real:
    return sizeof(c.r);
  case cell::text:
  case cell::blob:
    return c.b.size();
  }
  return 0;
}

template <class Number>
void append_list(std::string &row, const cell *cells, unsigned count) {
  row.push_back(sizeof(Number));
  std::size_t end = 0;
  for (unsigned i = 0; i < count; i++) {
    end += bytes_of(cells[i]);
    append_raw(row, Number(end << 3 | cells[i].is));
  }
}

} // namespace

bool append_row(std::string &row, const cell *cells, unsigned count) {
  std::size_t total = 0;
  for (unsigned i = 0; i < count; i++)
    total += bytes_of(cells[i]);
  if (total >= row_max)
    return false;
  if (total < std::size_t(1) << 13)
    append_list<std::uint16_t>(row, cells, count);
  else
    append_list<std::uint32_t>(row, cells, count);
  for (unsigned i = 0; i < count; i++) {
    const cell &c = cells[i];
    if (c.is == cell::integer)
      row.append(reinterpret_cast<const char *>(&c.i), bytes_of(c.i));
    else if (c.is == cell::real)
      append_raw(row, c.r);
    else if (c.is != cell::null)
      row.append(c.b);
  }
  return true;
}
