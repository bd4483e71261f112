// table.h - A table of SQLite's in a store: its trees, and changes of its rows.
//
// The tree of the rows has the row's key and the row; the key is the rowid, or
// the columns of the primary key. An index is a tree of keys alone: the
// columns, and behind them the row's key. The catalogue, the store's tree "",
// has for each table, by name, the number of its trees and its definition.
#ifndef PERDURE_SQLITE_TABLE_H
#define PERDURE_SQLITE_TABLE_H

#include "plan.h"
#include "schema.h"
#include "session.h"

#include <memory>
#include <string>
#include <vector>

class cursor;

/// Where the catalogue has the table: SQLite does not tell A from a in names.
std::string catalogue_key(std::string name);

/// The value as a column of that affinity has it. Changes the value.
cell cell_of(sqlite3_value *value, affinity fits);

struct table : sqlite3_vtab {
  connection &of;
  session &in;
  schema columns; // and indexes
  std::string database; // the schema that has it, as SQLite calls it
  std::string name, catalogue_entry;
  std::vector<pkv_tree *> trees;   // of the rows, and of each index; none: the
                                   // store does not have the table
  bool missing = false;            // so when somebody looked last
  bool new_to_transaction = false; // SQLite has told it of no savepoint yet
  std::vector<std::unique_ptr<cursor>> idle;

  table(connection &c, session &s, schema d, const char *in_database,
        const char *called);
  ~table();

  /// SQLITE_OK: the catalogue still has the table as it is here. Without a
  /// snapshot `txn` is the session's transaction for writing.
  int verify(pkv_txn *txn, const snapshot *snap);
  /// The row that a cursor has just found by its key in the transaction for
  /// writing: UPDATE and DELETE ask for it next.
  void found(bytes row_key, bytes value);
  /// About how many rows there are.
  double rows();

  int update(int count, sqlite3_value **values, sqlite3_int64 *rowid);
  /// Removes all rows, in the transaction.
  int clear(pkv_txn *txn);

private:
  // In which catalogues it was seen: those that are known, and its session's
  // own.
  std::uint64_t verified = unknown_catalogue;
  std::uint64_t verified_epoch = 0, verified_defined = 0;
  // The row found last; it lies there while the session has this version.
  std::uint64_t found_version = 0;
  std::string found_key;
  bytes found_value;
  std::vector<pkv_cursor *> probes;
  std::uint64_t probes_epoch = 0;
  // Kept from one row to the next.
  std::string old_key, key, row, index_key, old_index_key;
  std::vector<cell> cells, old_cells;
  std::vector<bool> changed;
  std::vector<std::string> victims;

  void forget_probes();
  int probe(pkv_txn *txn, unsigned tree, pkv_cursor *&at);
  int read(pkv_txn *txn, bytes row_key, std::vector<cell> &to, bool &there);
  int erase(pkv_txn *txn, bytes row_key);
  int erase(bytes row_key, const std::vector<cell> &row);
  int new_rowid(pkv_txn *txn, std::int64_t &rowid);
  int violated(int code, const char *what, const std::vector<unsigned> &on);
  int find_conflicts(pkv_txn *txn, bool is_new, bool key_is_new);
  void append_index_key(std::string &to, const order &o,
                        const std::vector<cell> &of_row, bytes row_key) const;
  int check_hidden(sqlite3_value *given, bool is_new);
  int too_long(const std::string &what, std::size_t size);
};

#endif
