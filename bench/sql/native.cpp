//===- native.cpp - SQLite's own tables -----------------------------------===//
//
// The options of ../ycsb/systems/sqlite.cpp, which says why, for one
// connection: a table whose rows lie by key is WITHOUT ROWID; WAL, of 16 MB;
// synchronous FULL or OFF; mmap; locking_mode=EXCLUSIVE; a cache as large as
// the data.
//
//===----------------------------------------------------------------------===//

#include "database.h"

#include <algorithm>

using namespace sql;

Tables::Tables(const std::string &Folder, bool Durable, uint64_t Bytes,
               unsigned PageBytes)
    : Database(Folder + "/db"), Durable(Durable) {
  run("PRAGMA page_size=" + std::to_string(PageBytes));
  run("PRAGMA locking_mode=EXCLUSIVE");
  run("PRAGMA journal_mode=WAL");
  run("PRAGMA synchronous=OFF");
  run("PRAGMA mmap_size=" + std::to_string(size_t(64) << 30));
  run("PRAGMA cache_size=-" +
      std::to_string(std::max<uint64_t>(Bytes >> 10, 262144)));
  run("PRAGMA wal_autocheckpoint=" + std::to_string((16 << 20) / PageBytes));
}

void Tables::create(const Table &T) {
  run("CREATE TABLE " + T.Name + " (" + T.Columns + ")" +
      (T.ByKey ? " WITHOUT ROWID" : ""));
}

void Tables::loaded() {
  run("PRAGMA wal_checkpoint(TRUNCATE)");
  if (Durable)
    run("PRAGMA synchronous=FULL");
}

void Tables::createIndex(const std::string &Of, const std::string &Column) {
  run("CREATE INDEX idx ON " + Of + " (" + Column + ")");
}

std::string Tables::byIndex(const std::string &Of, const std::string &Column) {
  return "SELECT * FROM " + Of + " WHERE " + Column + " = ?";
}
