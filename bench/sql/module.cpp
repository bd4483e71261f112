//===- module.cpp - Tables of examples/sqlite in a store ------------------===//
//
// Only their names are in SQLite's own database, in memory. SQLite makes no
// index of a virtual table, so that is a table of the module whose primary key
// is the column and the row's rowid, filled in that order, as CREATE INDEX
// fills its own: by a sort.
//
//===----------------------------------------------------------------------===//

#include "database.h"
#include "pkv.h"
#include "stores/syncs.h"

#include <stdio.h>

extern "C" int sqlite3_perduresqlite_init(sqlite3 *, char **, const void *);

using namespace sql;

namespace {

std::string created(const std::string &Folder, bool Durable,
                    const std::string &Name, const std::string &Columns) {
  return "CREATE VIRTUAL TABLE " + Name + " USING perdure('" + Folder +
         "/store'" + (Durable ? " DURABLE" : "") + ", " + Columns + ")";
}

} // namespace

Tables::Tables(const std::string &Folder, bool Durable, uint64_t, unsigned)
    : Database(":memory:"), Durable(Durable), Folder(Folder) {
  char *Message = nullptr;
  int Result = sqlite3_perduresqlite_init(db(), &Message, nullptr);
  check(Result == SQLITE_OK_LOAD_PERMANENTLY ? SQLITE_OK : Result,
        "sqlite3_perduresqlite_init");
}

void Tables::create(const Table &T) {
  run(created(Folder, Durable, T.Name, T.Columns));
}

void Tables::loaded() { syncs(); }

void Tables::createIndex(const std::string &Of, const std::string &Column) {
  run("BEGIN");
  run(created(Folder, Durable, "idx",
              Column + ", row INTEGER, PRIMARY KEY(" + Column + ", row)"));
  run("INSERT INTO idx SELECT " + Column + ", rowid FROM " + Of +
      " ORDER BY 1, 2");
  run("COMMIT");
}

std::string Tables::byIndex(const std::string &Of, const std::string &Column) {
  return "SELECT " + Of + ".* FROM idx CROSS JOIN " + Of + " ON " + Of +
         ".rowid = idx.row WHERE idx." + Column + " = ?";
}
