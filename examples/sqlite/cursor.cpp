// cursor.cpp - xFilter, xNext and xColumn.
//
// The keys that a plan leads to are ranges of a tree, in order and apart.
// SQLite gives the values as they are; what they are compared as depends on
// what they come from, of which a module hears nothing. A column of numbers is
// always compared with a number, and the ranges are exact. In columns of text
// or of no type:
//
//   text, compared with a number    as texts, or as numbers when it comes from
//   a
//                                   column of those: '5' and '5.0' are 5 then.
//                                   So all texts are read
//   no type, with a number          as they are, or as numbers, so the texts
//   are
//                                   read as well, and the numbers by range
//
// and SQLite, which knows, passes over what does not fit.
#include "cursor.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>

cursor::~cursor() { close(); }

void cursor::forget_walk() {
  pkv_cursor_close(walk);
  walk = nullptr;
}

void cursor::close() {
  forget_walk();
  sorted.clear();
  session::leave(*this);
  if (snap)
    of.in.end_read(snap);
  snap = nullptr;
  txn = nullptr;
  ended = true;
}

int cursor::begin() {
  if (txn)
    return SQLITE_OK;
  if (int code = of.in.begin_read(&of, txn, snap)) {
    txn = nullptr;
    return code;
  }
  if (!snap)
    of.in.follow(*this);
  if (int code = of.verify(txn, snap)) {
    close();
    return code;
  }
  return SQLITE_OK;
}

int cursor::open_walk() {
  if (walk && walked == way.path)
    return SQLITE_OK;
  forget_walk();
  walk = pkv_cursor_open(of.trees[way.path], txn);
  walked = way.path;
  return walk ? SQLITE_OK : fail(&of, code_of(errno), pkv_errormsg());
}

// ===- From values to ranges --------------------------------------------===

cursor::range &cursor::add_range() {
  if (used == ranges.size())
    ranges.emplace_back();
  range &r = ranges[used++];
  r.from.clear();
  r.to.clear();
  return r;
}

namespace {

/// Calls `visit` with each value of an IN.
template <class Visit> void each_of(sqlite3_value *list, Visit visit) {
  sqlite3_value *value = nullptr;
  for (int code = sqlite3_vtab_in_first(list, &value);
       code == SQLITE_OK && value; code = sqlite3_vtab_in_next(list, &value))
    visit(value);
}

constexpr double two_63 = 9223372036854775808.0;

} // namespace

void cursor::rowid_ranges(const char *steps, int count,
                          sqlite3_value **values) {
  std::int64_t low = INT64_MIN, high = INT64_MAX;
  bool none = false;
  auto at_least = [&](std::int64_t i) { low = std::max(low, i); };
  auto at_most = [&](std::int64_t i) { high = std::min(high, i); };
  /// The whole numbers between which it lies; text and blobs are above all.
  auto bound = [&](const cell &c, bool lower, bool included) {
    if (c.is == cell::null) {
      none = true;
    } else if (c.is == cell::integer) {
      if (lower && !included && c.i == INT64_MAX)
        none = true;
      else if (lower)
        at_least(c.i + !included);
      else if (!included && c.i == INT64_MIN)
        none = true;
      else
        at_most(c.i - !included);
    } else if (c.is == cell::real && c.r < two_63 && c.r >= -two_63) {
      // It is no integer, or make_fit had made it one; but for -2^63.
      double floor = std::floor(c.r);
      bool whole = floor == c.r;
      if (lower)
        at_least(std::int64_t(floor) + !(whole && included));
      else if (whole && !included)
        none = true; // below -2^63
      else
        at_most(std::int64_t(floor));
    } else {
      bool above = c.is != cell::real || c.r > 0;
      none = none || above == lower;
    }
  };
  for (int i = 0; i < count; i++) {
    if (steps[i] == 'I') {
      each_of(values[i], [&](sqlite3_value *value) {
        low = INT64_MIN;
        high = INT64_MAX;
        none = false;
        cell c = cell_of(value, affinity::integer);
        bound(c, true, true);
        bound(c, false, true);
        if (none || low != high)
          return;
        range &r = add_range();
        append_rowid(r.from, low);
        r.to = r.from + '\0';
      });
      return;
    }
    cell c = cell_of(values[i], affinity::integer);
    switch (steps[i]) {
    case '=':
    case '~':
      bound(c, true, true);
      bound(c, false, true);
      break;
    case '>':
    case 'g':
      bound(c, true, steps[i] == 'g');
      break;
    default:
      bound(c, false, steps[i] == 'l');
    }
  }
  if (none || low > high)
    return;
  range &r = add_range();
  if (low == INT64_MIN && high == INT64_MAX)
    return; // no bounds to look at
  append_rowid(r.from, low);
  append_rowid(r.to, high);
  if (low == high)
    by = at_point;
  r.to += '\0';
}

void cursor::key_ranges(const char *steps, int count, sqlite3_value **values) {
  const std::vector<unsigned> &on =
      way.path ? of.columns.indexes[way.path - 1].columns : of.columns.key;
  // What the keys begin with that the steps so far lead to; more than one only
  // with IN. The first range is where they are made.
  range &first = add_range();
  used = 0;
  std::vector<std::string> more;
  bool many = false;
  unsigned i = 0; // the column
  int next = 0;   // the value
  bool exact = true, open = true;
  // Texts that may be equal as numbers are.
  std::vector<std::string> texts;
  auto all_prefixes = [&](auto visit) {
    if (!open)
      return;
    if (!many)
      return visit(first.from);
    for (std::string &each : more)
      visit(each);
  };
  auto is_last = [&] { return !way.path && i + 1 == on.size(); };
  auto with_texts = [&](const std::string &prefix) {
    texts.push_back(prefix);
    texts.back().push_back(text_tag);
  };
  /// Whether the value may be equal to texts that it is not the same as, and
  /// whether it is only to those.
  auto is_loose = [](const column &c, const cell &v) {
    return !is_numeric(c.fits) && (v.is == cell::integer || v.is == cell::real);
  };
  auto raw = [&](sqlite3_value *value, const column &c) {
    // Not as the column has it: an integer that no real is equals none.
    return cell_of(value,
                   is_numeric(c.fits) ? affinity::numeric : affinity::blob);
  };
  for (; steps[i] && !std::strchr(" :/><gl", steps[i]); i++) {
    const column &c = of.columns.columns[on[i]];
    if (steps[i] == '0') {
      all_prefixes([](std::string &p) { p.push_back(null_tag); });
      exact = exact && !is_last();
      continue;
    }
    if (steps[i] == 'I') {
      std::vector<std::string> product;
      each_of(values[next++], [&](sqlite3_value *value) {
        cell v = raw(value, c);
        if (v.is == cell::null)
          return;
        all_prefixes([&](std::string &p) {
          if (is_loose(c, v))
            with_texts(p);
          if (is_loose(c, v) && c.fits == affinity::text)
            return;
          product.push_back(p);
          append_key(product.back(), v, c.by, is_last());
        });
      });
      more = std::move(product);
      many = true;
      continue;
    }
    cell v = raw(values[next++], c);
    if (v.is == cell::null && steps[i] == '=') {
      open = false;
      continue;
    }
    if (is_loose(c, v))
      all_prefixes(with_texts);
    if (is_loose(c, v) && c.fits == affinity::text)
      open = false;
    else
      all_prefixes([&](std::string &p) { append_key(p, v, c.by, is_last()); });
  }
  bool complete = !way.path && i == on.size();

  // The range on the column behind them.
  std::string low, high;
  bool has_low = false, has_high = false, low_in = false, high_in = false;
  if (!complete && next < count && i < on.size()) {
    const column &c = of.columns.columns[on[i]];
    low.push_back(null_tag + 1);
    for (; next < count; next++) {
      char letter = steps[i + (has_low || has_high)];
      bool lower = letter == '>' || letter == 'g';
      cell v = raw(values[next], c);
      if (v.is == cell::null)
        open = false;
      bool loose = is_loose(c, v);
      if (lower) {
        has_low = true;
        if (loose && c.fits == affinity::text)
          continue; // any text may be greater
        low.clear();
        append_key(low, v, c.by, is_last());
        low_in = letter == 'g';
        if (!low_in && is_last())
          low.push_back('\0');
        else if (!low_in)
          step_over(low);
      } else {
        has_high = true;
        if (loose && c.fits == affinity::text) {
          high.assign(1, blob_tag);
          continue;
        }
        if (loose)
          all_prefixes(with_texts);
        append_key(high, v, c.by, is_last());
        high_in = letter == 'l';
        if (high_in && is_last())
          high.push_back('\0');
        else if (high_in)
          step_over(high);
      }
    }
  }

  // As ranges.
  auto bounded = [&](range &r) {
    std::string &prefix = r.from;
    r.to = prefix;
    if (complete) {
      r.to.push_back('\0');
    } else if (has_high) {
      r.to += high;
    } else if (!r.to.empty()) {
      step_over(r.to);
    }
    if (has_low || has_high)
      prefix += low;
  };
  if (open && !many) {
    used = 1;
    bounded(ranges[0]);
    if (complete && texts.empty())
      by = at_point;
  } else if (open) {
    for (std::string &each : more) {
      range &r = add_range();
      r.from = each;
      bounded(r);
    }
  }
  for (std::string &each : texts) {
    range &r = add_range();
    r.from = each;
    r.to = each;
    step_over(r.to);
  }
  // In such an order no column that equals something has one value.
  if (way.counts_on_equal && !texts.empty())
    by = in_list;
}

// ===- From values to checks --------------------------------------------===

namespace {

/// Whether SQLite may take the text for a number.
bool may_be_number(bytes text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789+-.eE \t\n\v\f\r") == bytes::npos;
}

/// NULL is equal to nothing, and neither less nor greater; but it is itself.
bool meets(const cell &c, char letter, const cell &value, collation by) {
  if (letter != '~' && c.is == cell::null)
    return false;
  if (c.is == cell::text && value.is == cell::text && by == collation::binary &&
      (letter == '=' || letter == '~'))
    return c.b == value.b;
  int order = compare(c, value, by);
  switch (letter) {
  case '>':
    return order > 0;
  case 'g':
    return order >= 0;
  case '<':
    return order < 0;
  case 'l':
    return order <= 0;
  default:
    return order == 0;
  }
}

} // namespace

/// A column of numbers is compared with the value as a number where it can be
/// one, so the check is all that SQLite asks (plan.cpp lets it omit its own).
/// For others it finds rows that SQLite would find not to be equal, whatever
/// the two are compared as: a text that is no number is equal to the same text
/// alone, by the collation, and a blob to the same blob. A number can be equal
/// to other things; then there is no check.
void cursor::add_check(char letter, unsigned column, sqlite3_value *value) {
  bool numbers = column == of.columns.columns.size() ||
                 is_numeric(of.columns.columns[column].fits);
  cell c = cell_of(value, numbers ? affinity::numeric : affinity::blob);
  if (c.is == cell::null && letter != '~')
    none = true;
  if (!numbers && (c.is == cell::integer || c.is == cell::real ||
                   (c.is == cell::text && may_be_number(c.b))))
    return;
  checks.push_back({letter, column, c, std::string(c.b)});
}

/// Returns how many values there are before those of the checks.
int cursor::find_checks(const char *steps, int count, sqlite3_value **values) {
  checks.clear();
  none = false;
  const char *at = steps + std::strcspn(steps, " :/");
  if (*at != ':')
    return count;
  struct one {
    char letter;
    unsigned column;
  };
  std::vector<one> found;
  for (at++; *at && *at != ' ' && *at != '/';) {
    char letter = *at++;
    char *end;
    found.push_back({letter, unsigned(std::strtoul(at, &end, 10))});
    at = end;
  }
  int before = count - int(found.size());
  for (std::size_t i = 0; i < found.size(); i++)
    add_check(found[i].letter, found[i].column, values[before + int(i)]);
  return before;
}

/// The columns by which the rows are to be sorted.
void cursor::find_order(const char *steps) {
  order.clear();
  const char *at = steps + std::strcspn(steps, " /");
  if (*at != '/')
    return;
  for (at++; *at && *at != ' ';) {
    char *end;
    unsigned column = unsigned(std::strtoul(at, &end, 10));
    order.push_back({column, *end == 'd'});
    at = end + 1;
  }
}

/// Takes all rows, from the one on which it stands.
int cursor::sort_rows() {
  std::string key;
  while (!ended) {
    key.clear();
    for (const sorted_by &each : order) {
      cell c;
      if (int code = read_column(each.column, c))
        return code;
      std::size_t from = key.size();
      append_key(key, c,
                 each.column < of.columns.columns.size()
                     ? of.columns.columns[each.column].by
                     : collation::binary,
                 false);
      for (; each.descends && from < key.size(); from++)
        key[from] = char(~key[from]);
    }
    // What a transaction changes meanwhile may free them.
    sorted.add(key, row_key, as_bytes(path_value), !snap);
    if (int code = next())
      return code;
  }
  by = in_order;
  plain = false;
  return find_next();
}

/// In order, each key in one of them.
void cursor::merge_ranges() {
  if (used < 2)
    return;
  std::sort(ranges.begin(), ranges.begin() + used,
            [](const range &a, const range &b) { return a.from < b.from; });
  std::size_t last = 0;
  for (std::size_t i = 1; i < used; i++) {
    range &r = ranges[i], &before = ranges[last];
    if (!before.to.empty() && before.to < r.from)
      std::swap(ranges[++last], r);
    else if (before.to.empty() || (!r.to.empty() && r.to <= before.to))
      continue;
    else
      before.to = r.to;
  }
  used = last + 1;
}

/// Whether the connection has the same trees as another table, too: SQLite,
/// which takes the rows first when a statement reads the table that it writes,
/// knows tables apart by what is connected.
bool cursor::has_other_name() const {
  return std::any_of(of.of.tables.begin(), of.of.tables.end(),
                     [&](sqlite3_vtab *each) {
                       auto &other = *static_cast<table *>(each);
                       return &other != &of && !other.trees.empty() &&
                              other.trees[0] == of.trees[0];
                     });
}

/// Takes all keys in the order of the walk.
void cursor::make_list() {
  list.clear();
  for (bool on = enter_range(); on; on = step())
    list.emplace_back(as_bytes(path_key));
  listed = 0;
}

/// Takes all keys, and sorts them by their columns but those that are equal to
/// something.
void cursor::make_sorted_list() {
  list.clear();
  std::vector<std::pair<std::string, std::string>> found;
  for (bool on = enter_range(); on; on = step()) {
    bytes key = as_bytes(path_key), rest = key;
    std::string behind;
    for (std::size_t i = 0; i < equal.size(); i++) {
      bytes before = rest;
      cell c;
      if (!way.path && i + 1 == of.columns.key.size())
        rest = bytes();
      else if (!skip_key(rest, c))
        break;
      if (equal[i] == 'I')
        behind += before.substr(0, before.size() - rest.size());
    }
    behind += rest;
    found.emplace_back(behind, key);
  }
  std::sort(found.begin(), found.end());
  if (way.descending)
    std::reverse(found.begin(), found.end());
  for (auto &each : found)
    list.push_back(std::move(each.second));
  listed = 0;
}

// ===- Walking ----------------------------------------------------------===

/// The pair of the walk, where it lies in the range.
bool cursor::read_pair() {
  if (pkv_pair(walk, &path_key, &path_value))
    return false;
  const range &r = ranges[at];
  return way.descending ? as_bytes(path_key) >= r.from
                        : r.to.empty() || as_bytes(path_key) < r.to;
}

/// Onto the first pair of the ranges from `at` on.
bool cursor::enter_range() {
  taken = ahead_count = 0;
  ahead_most = 1;
  ahead_ends = false;
  for (; at < used; at++) {
    const range &r = ranges[at];
    if (!r.to.empty() && r.to <= r.from)
      continue;
    if (!way.descending)
      pkv_seek(walk, as_pkv(r.from));
    else if (r.to.empty())
      pkv_last(walk);
    else if (pkv_seek(walk, as_pkv(r.to)))
      pkv_prev(walk);
    else
      pkv_last(walk);
    if (read_pair())
      return true;
  }
  return false;
}

bool cursor::step() {
  if (snap && !way.descending)
    return step_ahead();
  if (way.descending)
    pkv_prev(walk);
  else
    pkv_next(walk);
  if (read_pair())
    return true;
  at++;
  return enter_range();
}

/// Forward in a snapshot: some pairs at a time, and more each time, since most
/// statements that look at many rows look at all of the range.
bool cursor::step_ahead() {
  if (taken == ahead_count && !ahead_ends) {
    const range &r = ranges[at];
    taken = 0;
    int got = pkv_next_many(walk, ahead, ahead_most);
    ahead_most = std::min<int>(4 * ahead_most, std::size(ahead));
    ahead_count = std::max(got, 0);
    if (!r.to.empty())
      while (ahead_count && as_bytes(ahead[ahead_count - 1].key) >= r.to)
        ahead_count--;
    ahead_ends = got <= 0 || ahead_count < got;
  }
  if (taken < ahead_count) {
    take();
    return true;
  }
  at++;
  return enter_range();
}

/// The row's key behind the columns of an index's.
bool cursor::split_row_key() {
  bytes key = as_bytes(path_key);
  if (of.columns.has_rowid()) {
    if (key.size() < 8)
      return false;
    row_key = key.substr(key.size() - 8);
    return true;
  }
  cell c;
  for (std::size_t i = of.columns.indexes[way.path - 1].columns.size(); i--;)
    if (!skip_key(key, c))
      return false;
  row_key = key;
  return true;
}

/// Where a transaction has failed, as for want of room, nothing is seen in it.
int cursor::is_broken() {
  struct pkv_bytes value;
  return !snap && txn && pkv_see(of.trees[0], txn, {"?", 1}, &value) &&
                 errno == ECANCELED
             ? fail(&of, SQLITE_FULL, pkv_errormsg())
             : SQLITE_OK;
}

int cursor::stand(bool there) {
  seen = of.in.version;
  ended = !there;
  has_row = gone = false;
  if (!there)
    return is_broken();
  if (!snap) // what changes the row may free it
    kept_key = as_bytes(path_key);
  row_key = as_bytes(path_key);
  return way.path && !split_row_key() ? SQLITE_CORRUPT_VTAB : SQLITE_OK;
}

int cursor::meets_checks(bool &does) {
  does = true;
  for (check &each : checks) {
    cell c;
    if (int code = read_column(each.column, c))
      return code;
    each.value.b = each.text;
    collation by = each.column < of.columns.columns.size()
                       ? of.columns.columns[each.column].by
                       : collation::binary;
    if (!meets(c, each.letter, each.value, by)) {
      does = false;
      return SQLITE_OK;
    }
  }
  return SQLITE_OK;
}

/// On the pair of the walk, or on the first behind it that meets the checks.
int cursor::settle(bool there) {
  for (;; there = step()) {
    int code = stand(there);
    bool does = true;
    if (!code && there)
      code = meets_checks(does);
    if (code || does)
      return code;
  }
}

int cursor::filter(int number, const char *steps, int count,
                   sqlite3_value **values) {
  ended = true;
  way = plan::of(number);
  if (way.path > of.columns.indexes.size())
    return SQLITE_ERROR;
  if (int code = begin())
    return code;
  used = at = 0;
  taken = ahead_count = 0;
  by = walking;
  equal.assign(steps, std::strcspn(steps, " :/><gl"));
  count = find_checks(steps, count, values);
  plain = !way.path && checks.empty();
  find_order(steps);
  sorted.clear();
  if (none)
    return SQLITE_OK;
  if (!way.path && of.columns.has_rowid())
    rowid_ranges(steps, count, values);
  else
    key_ranges(steps, count, values);
  if (!used)
    return SQLITE_OK;
  if (by == at_point) {
    path_key = as_pkv(ranges[0].from);
    if (!pkv_see(of.trees[0], txn, path_key, &path_value)) {
      bool does;
      int code = stand(true);
      if (!code)
        code = meets_checks(does);
      ended = code || !does;
      if (!snap)
        of.found(row_key, as_bytes(path_value));
      return code;
    }
    return errno == ENOENT || errno == EINVAL
               ? SQLITE_OK
               : fail(&of, code_of(errno), pkv_errormsg());
  }
  merge_ranges();
  if (way.descending)
    std::reverse(ranges.begin(), ranges.begin() + used);
  if (int code = open_walk())
    return code;
  if (!order.empty()) {
    int code = settle(enter_range());
    return code ? code : sort_rows();
  }
  if (by == in_list) {
    make_sorted_list();
  } else if (!snap && has_other_name()) {
    // What the statement inserts by the other name it would find here, again
    // and again.
    by = in_list;
    make_list();
  } else {
    return settle(enter_range());
  }
  return next();
}

int cursor::find_next() {
  if (by == at_point) {
    ended = true;
    return SQLITE_OK;
  }
  if (by == in_order) {
    bytes value;
    ended = !sorted.next(row_key, value);
    path_key = as_pkv(row_key);
    path_value = as_pkv(value);
    has_row = gone = false;
    return SQLITE_OK;
  }
  if (!txn) {
    // Its transaction is over: it goes on from where it stood, in a snapshot.
    if (int code = begin())
      return code;
    if (by == walking) {
      if (int code = open_walk())
        return code;
      bool same = pkv_seek(walk, as_pkv(kept_key)) &&
                  !pkv_pair(walk, &path_key, nullptr) &&
                  as_bytes(path_key) == kept_key;
      if (!same && !way.descending) {
        // It stands on the next already, or behind the last.
        if (read_pair())
          return settle(true);
        at++;
        return settle(enter_range());
      }
      if (!same && pkv_pair(walk, &path_key, nullptr)) {
        pkv_last(walk);
        if (read_pair())
          return settle(true);
        at++;
        return settle(enter_range());
      }
    }
  }
  if (by == walking)
    return settle(step());
  // The rows of the list that are there still.
  while (listed < list.size()) {
    path_key = as_pkv(list[listed++]);
    if (pkv_see(of.trees[way.path], txn, path_key, &path_value))
      continue;
    bool does;
    int code = stand(true);
    if (!code)
      code = meets_checks(does);
    if (code || does)
      return code;
  }
  return stand(false);
}

// ===- The row ----------------------------------------------------------===

/// A transaction that writes may have changed the row, or removed it.
int cursor::follow_changes() {
  if (snap || !txn || by == in_order || seen == of.in.version)
    return SQLITE_OK;
  seen = of.in.version;
  has_row = false;
  if (by == walking)
    gone = pkv_pair(walk, &path_key, &path_value);
  else
    gone = pkv_see(of.trees[way.path], txn, path_key, &path_value);
  if (gone)
    return is_broken();
  row_key = as_bytes(path_key);
  return way.path && !split_row_key() ? SQLITE_CORRUPT_VTAB : SQLITE_OK;
}

int cursor::find_row() {
  if (has_row)
    return SQLITE_OK;
  struct pkv_bytes value = path_value;
  if (way.path && txn && pkv_see(of.trees[0], txn, as_pkv(row_key), &value))
    return errno == ENOENT ? SQLITE_CORRUPT_VTAB
                           : fail(&of, code_of(errno), pkv_errormsg());
  if (!row.open(as_bytes(value), unsigned(of.columns.columns.size())))
    return SQLITE_CORRUPT_VTAB;
  has_row = true;
  return SQLITE_OK;
}

/// A number that the index has itself: then the row is not looked for.
bool cursor::number_in_key(unsigned column, cell &c) {
  if (has_row || !way.path || !txn)
    return false;
  affinity fits = of.columns.columns[column].fits;
  if (!is_numeric(fits))
    return false;
  const std::vector<unsigned> &on = of.columns.indexes[way.path - 1].columns;
  std::size_t place = std::find(on.begin(), on.end(), column) - on.begin();
  if (place == on.size())
    return false;
  bytes key = as_bytes(path_key);
  for (std::size_t i = 0; i <= place; i++)
    if (!skip_key(key, c))
      return false;
  // Of -2^63 the key does not tell whether it is an integer.
  if (c.is == cell::text || c.is == cell::blob ||
      (c.is == cell::real && c.r == -two_63))
    return false;
  make_fit(c, fits);
  return true;
}

int cursor::read_column(unsigned column, cell &c) {
  if (column == of.columns.columns.size() ||
      int(column) == of.columns.rowid_column) { // the key has it, by each path
    c = cell::of(rowid_of(row_key));
    return SQLITE_OK;
  }
  if (number_in_key(column, c))
    return SQLITE_OK;
  if (int code = find_row())
    return code;
  return row.get(column, c) ? SQLITE_OK : SQLITE_CORRUPT_VTAB;
}

int cursor::result(sqlite3_context *context, int number) {
  // A snapshot does not change; and UPDATE, which may not want the column,
  // reads in the transaction that SQLite has told of.
  if (!snap) {
    if (int code = follow_changes())
      return code;
    if (gone || sqlite3_vtab_nochange(context))
      return SQLITE_OK;
  }
  if (unsigned(number) == of.columns.hidden_column()) {
    sqlite3_result_blob(context, row_key.data(), int(row_key.size()),
                        SQLITE_TRANSIENT);
    return SQLITE_OK;
  }
  cell c;
  if (int code = read_column(unsigned(number), c))
    return code;
  switch (c.is) {
  case cell::null:
    break;
  case cell::integer:
    sqlite3_result_int64(context, c.i);
    break;
  case cell::real:
    sqlite3_result_double(context, c.r);
    break;
  // Copies: a value may live longer than the snapshot it was in.
  case cell::text:
    sqlite3_result_text(context, c.b.data(), int(c.b.size()), SQLITE_TRANSIENT);
    break;
  case cell::blob:
    sqlite3_result_blob(context, c.b.data(), int(c.b.size()), SQLITE_TRANSIENT);
  }
  return SQLITE_OK;
}

int cursor::rowid(sqlite3_int64 *id) {
  if (int code = follow_changes())
    return code;
  if (gone || !of.columns.has_rowid())
    return gone ? SQLITE_OK : SQLITE_ERROR;
  *id = rowid_of(row_key);
  return SQLITE_OK;
}

/// Keeps the row on which it stands.
void cursor::leave_transaction() {
  if (!ended && by != in_order) {
    follow_changes();
    struct pkv_bytes value {};
    gone = gone || pkv_see(of.trees[0], txn, as_pkv(row_key), &value);
    kept_row_key = gone ? std::string() : std::string(row_key);
    kept_value = as_bytes(value);
    row_key = kept_row_key;
    path_key = as_pkv(kept_key);
    path_value = as_pkv(kept_value);
    has_row = false;
  }
  forget_walk();
  txn = nullptr;
}
