// sorter.cpp - Rows in an order that no path has.
#include "sorter.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace {

/// Three bits of the tag, which comes first, and of the eight bytes behind it all
/// but the last three: of a number no more than what integers above 2^50 have
/// there.
std::uint64_t begin_of(bytes key) {
  char first[9] = {};
  std::memcpy(first, key.data(), std::min(key.size(), sizeof(first)));
  return std::uint64_t(first[0] & 7) << 61 |
         __builtin_bswap64(read_raw<std::uint64_t>(first + 1)) >> 3;
}

/// Whether nothing is missing there. No key is the beginning of another
/// (append_key), so zeroes behind it are no matter.
bool says_all(bytes key) {
  return key.size() < 9 || (key.size() == 9 && !(key[8] & 7));
}

} // namespace

bytes sorter::copy_of(bytes b) {
  constexpr std::size_t block = 1 << 16;
  if (b.size() > block / 4) { // a block of its own, before the one in use
    std::unique_ptr<char[]> own(new char[b.size()]);
    std::memcpy(own.get(), b.data(), b.size());
    bytes copy(own.get(), b.size());
    copies.insert(copies.end() - !copies.empty(), std::move(own));
    return copy;
  }
  if (b.size() > room) {
    copies.push_back(std::unique_ptr<char[]>(new char[block]));
    room = block;
  }
  char *to = copies.back().get() + (block - room);
  std::memcpy(to, b.data(), b.size());
  room -= b.size();
  return {to, b.size()};
}

void sorter::add(bytes sort_key, bytes key, bytes value, bool copies) {
  if (rows.size() == std::numeric_limits<std::uint32_t>::max())
    throw std::bad_alloc();
  head h{begin_of(sort_key), std::uint32_t(rows.size()), 0};
  if (!says_all(sort_key)) {
    rests.append(sort_key);
    ends.push_back(rests.size());
    h.rest = std::uint32_t(ends.size());
  }
  heads.push_back(h);
  if (copies)
    rows.push_back({copy_of(key), copy_of(value)});
  else
    rows.push_back({key, value});
}

bytes sorter::key_of(const head &h, char (&buffer)[9]) const {
  if (h.rest) {
    std::size_t from = h.rest > 1 ? ends[h.rest - 2] : 0;
    return bytes(rests).substr(from, ends[h.rest - 1] - from);
  }
  // The tag's other bits are the same in all keys that begin alike.
  buffer[0] = 0;
  std::uint64_t behind = __builtin_bswap64(h.begin << 3);
  std::memcpy(buffer + 1, &behind, sizeof(behind));
  return {buffer, sizeof(buffer)};
}

/// By one byte after the other, from the last one on; bytes in which all agree are
/// passed over.
void sorter::sort_by_begin() {
  std::vector<std::size_t> counts(8 * 256);
  for (const head &h : heads)
    for (unsigned byte = 0; byte < 8; byte++)
      counts[byte * 256 + (h.begin >> byte * 8 & 255)]++;
  std::vector<head> other(heads.size());
  for (unsigned byte = 0; byte < 8; byte++) {
    std::size_t *count = &counts[byte * 256], before = 0;
    if (count[heads[0].begin >> byte * 8 & 255] == heads.size())
      continue;
    for (unsigned value = 0; value < 256; value++) {
      std::size_t here = count[value];
      count[value] = before;
      before += here;
    }
    for (const head &h : heads)
      other[count[h.begin >> byte * 8 & 255]++] = h;
    heads.swap(other);
  }
}

bool sorter::is_less(const head &a, const head &b) const {
  if (a.begin != b.begin)
    return a.begin < b.begin;
  if (a.rest || b.rest) {
    char buffers[2][9];
    // Without the tag, of which not all may be known.
    int order = key_of(a, buffers[0]).substr(1).compare(key_of(b, buffers[1]).substr(1));
    if (order)
      return order < 0;
  }
  return a.at < b.at;
}

const sorter::head &sorter::first() const {
  const head *least = &heads[0];
  for (const head &h : heads)
    if (is_less(h, *least))
      least = &h;
  return *least;
}

void sorter::sort_equal_begins() {
  auto less = [this](const head &a, const head &b) { return is_less(a, b); };
  for (std::size_t from = 0, to; from < heads.size(); from = to) {
    bool differ = false;
    for (to = from; to < heads.size() && heads[to].begin == heads[from].begin; to++)
      differ = differ || heads[to].rest;
    if (differ && to - from > 1)
      std::sort(heads.begin() + std::ptrdiff_t(from),
                heads.begin() + std::ptrdiff_t(to), less);
  }
}

void sorter::sort() {
  sorted = true;
  if (heads.size() < 2)
    return;
  sort_by_begin();
  sort_equal_begins();
}

bool sorter::next(bytes &key, bytes &value) {
  if (given == heads.size())
    return false;
  if (!given) {
    const row &r = rows[first().at];
    given = 1;
    key = r.key;
    value = r.value;
    return true;
  }
  if (!sorted)
    sort();
  // The rows lie scattered: each is asked for some rows before, where it lies, and
  // then what it leads to.
  constexpr std::size_t far = 16, near = 8;
  if (given + far < heads.size())
    __builtin_prefetch(&rows[heads[given + far].at]);
  if (given + near < heads.size()) {
    const row &soon = rows[heads[given + near].at];
    __builtin_prefetch(soon.value.data());
    __builtin_prefetch(soon.value.data() + 64);
  }
  const row &r = rows[heads[given++].at];
  key = r.key;
  value = r.value;
  return true;
}
