// sorter.h - Rows in an order that no path has.
//
// SQLite would sort them itself: it makes a record of each row, and merges lists
// of these. Here the rows stay where they are, and what is sorted is a number for
// each, the beginning of its key; the rest of the keys is looked at where numbers
// are equal and do not say all of it.
#ifndef PERDURE_SQLITE_SORTER_H
#define PERDURE_SQLITE_SORTER_H

#include "encode.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

class sorter {
  struct row {
    bytes key, value;
  };
  struct head {
    std::uint64_t begin; // of the sort key
    std::uint32_t at;    // of the row
    std::uint32_t rest;  // of the key, from 1 on; 0: `begin` says all of it
  };
  std::vector<row> rows;
  std::vector<head> heads;
  std::string rests;               // whole keys, one behind the other
  std::vector<std::size_t> ends;   // of those
  std::vector<std::unique_ptr<char[]>> copies;
  std::size_t room = 0; // in the last of those
  std::size_t given = 0;
  bool sorted = false;

  bytes copy_of(bytes b);
  bytes key_of(const head &h, char (&buffer)[9]) const;
  bool is_less(const head &a, const head &b) const;
  const head &first() const;
  void sort_by_begin();
  void sort_equal_begins();
  void sort();

public:
  /// The sort key: of values by append_key, none of them the last one, whose
  /// bytes are inverted where they descend. `copies`: the row may go meanwhile.
  void add(bytes sort_key, bytes key, bytes value, bool copies);
  /// In order; rows with equal keys as they came. False behind the last. Of the
  /// first alone, which is all that min() and max() ask for, nothing is sorted.
  bool next(bytes &key, bytes &value);
  /// Forgets all, and gives its memory back.
  void clear() {
    if (!heads.empty() || !rests.empty() || !copies.empty())
      *this = sorter();
  }
};

#endif
