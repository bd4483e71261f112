// plan.h - How a query reads a table: what xBestIndex chooses and xFilter does.
//
// A path is an order of keys: 0 is that of the rows, then come the indexes. A
// plan is a path and steps, one letter for each value that xFilter is given:
//
//   =  the next column of the path equals it     ~  is it, and NULL is NULL
//   I  is one of these                            0  is NULL (without a value)
//   >  g  the column behind those is greater, or equal      <  l  less, or
//   equal
//
// Behind a colon come the checks that are made of each row that the steps lead
// to, such as g3: column 3, or the rowid where that is how many columns there
// are, is greater or equal. They have the values behind those of the steps.
//
// Behind a slash come the columns by which the rows are sorted then, such as 3a, or
// 3d where it descends.
//
// idxStr begins with these; behind a blank comes what EXPLAIN QUERY PLAN shows.
#ifndef PERDURE_SQLITE_PLAN_H
#define PERDURE_SQLITE_PLAN_H

#include "api.h"
#include "schema.h"

struct plan {
  unsigned path = 0;
  bool descending = false;
  /// The rows are in order only while columns that are text, or of no type, and
  /// equal something have one value in each range.
  bool counts_on_equal = false;

  int number() const {
    return int(path << 2 | unsigned(counts_on_equal) << 1 | descending);
  }
  static plan of(int number) {
    plan p;
    p.path = unsigned(number) >> 2;
    p.counts_on_equal = number & 2;
    p.descending = number & 1;
    return p;
  }
};

/// `rows`: about how many the table has. `writes`: in a transaction that has
/// written.
int choose_plan(const schema &s, double rows, bool writes,
                sqlite3_index_info *info);

#endif
