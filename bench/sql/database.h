//===- database.h - A connection of SQLite, and its statements --*- C++ -*-===//
//
// What differs between native tables and those of the module is in native.cpp
// and module.cpp, one of which each program has.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_SQL_DATABASE_H
#define PERDURE_BENCH_SQL_DATABASE_H

#include "../ycsb/system.h"

#include <sqlite3.h>
#include <string>
#include <string_view>

namespace sql {

class Database {
  sqlite3 *Db = nullptr;

public:
  explicit Database(const std::string &File);
  ~Database() { sqlite3_close(Db); }
  Database(const Database &) = delete;

  void check(int Result, const char *What);
  void run(const std::string &Sql);
  sqlite3 *db() { return Db; }
};

/// Prepared once.
class Statement {
  Database &In;
  sqlite3_stmt *S;

public:
  Statement(Database &In, const std::string &Sql);
  ~Statement() { sqlite3_finalize(S); }
  Statement(const Statement &) = delete;

  // They have to stay until the statement is reset.
  void text(int At, std::string_view Text);
  void blob(int At, std::string_view Blob);
  void number(int At, int64_t Number);
  void number(int At, double Number);

  /// Whether there is a row.
  bool step();
  void reset();
  /// As bytes: numbers as SQLite writes them.
  std::string_view column(int At);
  int columns() { return sqlite3_column_count(S); }
  /// Runs what gives no row.
  void run() {
    step();
    reset();
  }
};

/// A table's columns as they stand in CREATE TABLE.
struct Table {
  std::string Name, Columns;
  bool ByKey; // its rows lie in the order of their primary key, not by rowid
};

/// A database in the folder, which is there, for one connection. Nothing that
/// it does waits for the disk before `loaded`, from where commits are durable
/// where that is wanted.
class Tables : public Database {
  bool Durable;
  std::string Folder;

public:
  /// About so many bytes will be in it.
  Tables(const std::string &Folder, bool Durable, uint64_t Bytes,
         unsigned PageBytes);
  void create(const Table &T);
  void loaded();
  /// Makes the index of a table by rowid.
  void createIndex(const std::string &Of, const std::string &Column);
  /// The query for all columns of the rows whose column equals the parameter,
  /// through the index.
  static std::string byIndex(const std::string &Of, const std::string &Column);
};

} // namespace sql

#endif // PERDURE_BENCH_SQL_DATABASE_H
