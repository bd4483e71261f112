//===- database.cpp - A connection of SQLite, and its statements ----------===//

#include "database.h"

using namespace sql;

// A sort stays in memory, as it would with the files of most systems' /tmp.
Database::Database(const std::string &File) {
  check(sqlite3_open_v2(File.c_str(), &Db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                            SQLITE_OPEN_NOMUTEX,
                        nullptr),
        "sqlite3_open_v2");
  run("PRAGMA temp_store=MEMORY");
}

void Database::check(int Result, const char *What) {
  if (Result != SQLITE_OK && Result != SQLITE_ROW && Result != SQLITE_DONE)
    ycsb::stop(What, Db ? sqlite3_errmsg(Db) : sqlite3_errstr(Result));
}

void Database::run(const std::string &Sql) {
  check(sqlite3_exec(Db, Sql.c_str(), nullptr, nullptr, nullptr), Sql.c_str());
}

Statement::Statement(Database &In, const std::string &Sql) : In(In) {
  In.check(sqlite3_prepare_v3(In.db(), Sql.c_str(), -1,
                              SQLITE_PREPARE_PERSISTENT, &S, nullptr),
           Sql.c_str());
}

void Statement::text(int At, std::string_view Text) {
  In.check(sqlite3_bind_text(S, At, Text.data(), static_cast<int>(Text.size()),
                             SQLITE_STATIC),
           "sqlite3_bind_text");
}
void Statement::blob(int At, std::string_view Blob) {
  In.check(sqlite3_bind_blob(S, At, Blob.data(), static_cast<int>(Blob.size()),
                             SQLITE_STATIC),
           "sqlite3_bind_blob");
}
void Statement::number(int At, int64_t Number) {
  In.check(sqlite3_bind_int64(S, At, Number), "sqlite3_bind_int64");
}
void Statement::number(int At, double Number) {
  In.check(sqlite3_bind_double(S, At, Number), "sqlite3_bind_double");
}

bool Statement::step() {
  int Result = sqlite3_step(S);
  In.check(Result, "sqlite3_step");
  return Result == SQLITE_ROW;
}
void Statement::reset() { In.check(sqlite3_reset(S), "sqlite3_reset"); }

// Of a BLOB its bytes; SQLite writes numbers as text in this call.
std::string_view Statement::column(int At) {
  const void *Data = sqlite3_column_blob(S, At);
  return {static_cast<const char *>(Data),
          static_cast<size_t>(sqlite3_column_bytes(S, At))};
}
