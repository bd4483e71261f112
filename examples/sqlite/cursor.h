// cursor.h - Reads the rows that a plan finds.
#ifndef PERDURE_SQLITE_CURSOR_H
#define PERDURE_SQLITE_CURSOR_H

#include "sorter.h"
#include "table.h"

#include <string>
#include <vector>

class cursor final : public sqlite3_vtab_cursor, public follower {
  /// Keys k with from <= k, and k < to where `to` is not empty.
  struct range {
    std::string from, to;
  };

  /// What each row has to be, beside what the ranges say.
  struct check {
    char letter;
    unsigned column; // or the rowid: how many columns there are
    cell value;
    std::string text; // the bytes of it
  };

  table &of;
  // What it reads through, while it does.
  pkv_txn *txn = nullptr;
  snapshot *snap = nullptr;
  pkv_cursor *walk = nullptr; // along the tree of the plan's path
  unsigned walked = 0;        // that path

  plan way;
  std::vector<range> ranges;
  std::size_t used = 0, at = 0; // of the ranges, and the one it is in
  std::string equal;            // the steps of columns that equal something
  std::vector<check> checks;
  bool none = false; // no row can meet them
  enum { walking, at_point, in_list, in_order } by = walking;
  std::vector<std::string>
      list; // keys, in the order of a plan that counts on it
  std::size_t listed = 0;
  // Pairs behind the one on which a walk along a snapshot stands, in its range.
  struct pkv_item ahead[48];
  int taken = 0, ahead_count = 0; // of those
  int ahead_most = 0;             // the next time
  bool ahead_ends = false;        // the range does, with them
  struct sorted_by {
    unsigned column; // or the rowid, as in a check
    bool descends;
  };
  std::vector<sorted_by> order;
  sorter sorted; // the rows, where there is such an order
  bool plain = false; // those are the rows, and each is wanted
  bool ended = true;

  // The row on which it stands.
  struct pkv_bytes path_key {
  }, path_value{};
  bytes row_key;
  bool has_row = false, gone = false;
  row_view row;
  std::uint64_t seen = 0;                         // the session's version then
  std::string kept_key, kept_value, kept_row_key; // after its transaction

  int begin();
  void forget_walk();
  int open_walk();

  range &add_range();
  void rowid_ranges(const char *steps, int count, sqlite3_value **values);
  void key_ranges(const char *steps, int count, sqlite3_value **values);
  void merge_ranges();
  int find_checks(const char *steps, int count, sqlite3_value **values);
  void add_check(char letter, unsigned column, sqlite3_value *value);
  void find_order(const char *steps);
  int sort_rows();
  bool has_other_name() const;
  void make_list();
  void make_sorted_list();

  bool read_pair();
  bool enter_range();
  bool step();
  bool step_ahead();
  void take() {
    path_key = ahead[taken].key;
    path_value = ahead[taken++].value;
  }
  int find_next();
  int is_broken();
  int stand(bool there);
  int settle(bool there);
  int meets_checks(bool &does);
  int find_row();
  int follow_changes();
  int read_column(unsigned column, cell &c);
  bool number_in_key(unsigned column, cell &c);
  bool split_row_key();

public:
  explicit cursor(table &t) : of(t) {}
  ~cursor();

  int filter(int number, const char *steps, int count, sqlite3_value **values);
  int next() {
    if (!plain || taken == ahead_count)
      return find_next();
    take();
    has_row = false;
    row_key = as_bytes(path_key);
    return SQLITE_OK;
  }
  bool eof() const { return ended; }
  int result(sqlite3_context *context, int number);
  int rowid(sqlite3_int64 *id);
  /// Lets go of what it reads through.
  void close();
  void leave_transaction() override;
};

#endif
