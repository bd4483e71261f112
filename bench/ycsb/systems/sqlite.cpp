//===- sqlite.cpp - SQLite 3.40 -------------------------------------------===//
//
// Options, from sqlite.org, and why; what was measured, with workload A over
// 300,000 records on a busy machine, are medians:
// - WITHOUT ROWID: one search, not two, finds a row by its key ("Clustered
//   Indexes and the WITHOUT ROWID Optimization"), where rows are much smaller
//   than pages. So pages of 16 KB for values of 1 KB: with those of 4 KB a
//   write took three times as long, and files were four times as large.
// - journal_mode=WAL: the fastest that is safe ("Write-Ahead Logging").
// - synchronous: FULL syncs the log at every commit; OFF never does: a commit
//   is in the page cache then, and survives the process.
// - mmap_size: pages are read where they lie ("Memory-Mapped I/O"), of the
//   first 2 GB: Debian's library is built with SQLITE_MAX_MMAP_SIZE=0x7fff0000.
// - locking_mode=EXCLUSIVE: no locks, and the log's index on the heap; without
//   it a read took 2.9 times as long. Other stores here keep out other
//   processes as well.
// - cache_size: as large as the data, and 256 MB at least, for pages that are
//   not mapped: beyond 2 GB, and in the log.
// - wal_autocheckpoint: at 16 MB, for fewer copies of pages that change often.
// - SQLITE_OPEN_NOMUTEX: this file has a mutex; statements are prepared once.
//
// There is one connection, from loading to the end, so its cache and its log
// stay warm from row to row. Threads take turns on it. SQLite's own way is a
// connection for each thread, which lets readers go on beside each other, but
// each then unmaps the file and empties its cache when another has committed:
// with two threads on two cores that other work had as well, and 100,000
// records in memory, the median of A's reads was 31 us (13 us without
// mmap_size) and 3.0 us on one connection, of E's scans 56 us (32) and 11, of
// C's reads 2.5 us (5.2) and 2.0.
//
//===----------------------------------------------------------------------===//

#include "../system.h"

#include <algorithm>
#include <mutex>
#include <sqlite3.h>

namespace {

using namespace ycsb;

class Connection {
  sqlite3 *Db = nullptr;

public:
  explicit Connection(const Settings &S) {
    check(sqlite3_open_v2((S.Directory + "/db").c_str(), &Db,
                          SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                              SQLITE_OPEN_NOMUTEX,
                          nullptr),
          "sqlite3_open_v2");
    size_t Page = S.ValueBytes > 200 ? 16384 : 4096;
    run("PRAGMA page_size=" + std::to_string(Page));
    run("PRAGMA locking_mode=EXCLUSIVE");
    run("PRAGMA journal_mode=WAL");
    run(S.Durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
    run("PRAGMA mmap_size=" + std::to_string((size_t)64 << 30));
    // In KiB; pages of random inserts are two thirds full.
    size_t Data = (S.Records + S.Records / 2) * (S.ValueBytes + 100) >> 10;
    run("PRAGMA cache_size=-" + std::to_string(std::max<size_t>(Data, 262144)));
    run("PRAGMA wal_autocheckpoint=" + std::to_string((16 << 20) / Page));
    run("CREATE TABLE pairs (key TEXT PRIMARY KEY, value BLOB NOT NULL) "
        "WITHOUT ROWID");
  }
  ~Connection() { sqlite3_close(Db); }
  Connection(const Connection &) = delete;

  void check(int Result, const char *What) {
    if (Result != SQLITE_OK && Result != SQLITE_ROW && Result != SQLITE_DONE)
      stop(What, Db ? sqlite3_errmsg(Db) : sqlite3_errstr(Result));
  }
  void run(const std::string &Sql) {
    check(sqlite3_exec(Db, Sql.c_str(), nullptr, nullptr, nullptr),
          Sql.c_str());
  }
  sqlite3 *db() { return Db; }
};

class Statement {
  Connection &In;
  sqlite3_stmt *S;

public:
  Statement(Connection &In, const char *Sql) : In(In) {
    In.check(sqlite3_prepare_v3(In.db(), Sql, -1, SQLITE_PREPARE_PERSISTENT, &S,
                                nullptr),
             Sql);
  }
  ~Statement() { sqlite3_finalize(S); }
  Statement(const Statement &) = delete;

  void key(int At, std::string_view Key) {
    In.check(
        sqlite3_bind_text(S, At, Key.data(), (int)Key.size(), SQLITE_STATIC),
        "sqlite3_bind_text");
  }
  void value(int At, std::string_view Value) {
    In.check(sqlite3_bind_blob(S, At, Value.data(), (int)Value.size(),
                               SQLITE_STATIC),
             "sqlite3_bind_blob");
  }
  void number(int At, int Number) {
    In.check(sqlite3_bind_int(S, At, Number), "sqlite3_bind_int");
  }
  bool step() {
    int Result = sqlite3_step(S);
    In.check(Result, "sqlite3_step");
    return Result == SQLITE_ROW;
  }
  void reset() { In.check(sqlite3_reset(S), "sqlite3_reset"); }
  std::string_view column(int At) {
    const void *Data = sqlite3_column_blob(S, At);
    return {static_cast<const char *>(Data),
            (size_t)sqlite3_column_bytes(S, At)};
  }
};

/// The connection and its statements, for one thread at a time.
class Table {
  Connection In;
  Statement Select{In, "SELECT value FROM pairs WHERE key = ?"};
  Statement Update{In, "UPDATE pairs SET value = ? WHERE key = ?"};
  Statement Insert{In, "INSERT INTO pairs (key, value) VALUES (?, ?)"};
  Statement Scan{In, "SELECT key, value FROM pairs WHERE key >= ? "
                     "ORDER BY key LIMIT ?"};

public:
  explicit Table(const Settings &S) : In(S) {}

  size_t read(std::string_view Key, char *Buffer, size_t Bytes) {
    Select.key(1, Key);
    if (!Select.step())
      stop("SELECT", "the key is not there");
    size_t Size = Select.column(0).copy(Buffer, Bytes);
    Select.reset();
    return Size;
  }
  void update(std::string_view Key, std::string_view Value) {
    Update.value(1, Value);
    Update.key(2, Key);
    Update.step();
    Update.reset();
  }
  void insert(std::string_view Key, std::string_view Value) {
    Insert.key(1, Key);
    Insert.value(2, Value);
    Insert.step();
    Insert.reset();
  }
  void scan(std::string_view From, unsigned Count, Checksum &Into) {
    Scan.key(1, From);
    Scan.number(2, (int)Count);
    while (Scan.step()) {
      Into.add(Scan.column(0));
      Into.add(Scan.column(1));
    }
    Scan.reset();
  }
  void load(const Store::Batch &Pairs) {
    In.run("BEGIN IMMEDIATE");
    for (const auto &[Key, Value] : Pairs)
      insert(Key, Value);
    In.run("COMMIT");
  }
  void checkpoint() { In.run("PRAGMA wal_checkpoint(TRUNCATE)"); }
};

class SqliteHandle : public Handle {
  Table &Pairs;
  std::mutex &Turn;

public:
  SqliteHandle(Table &Pairs, std::mutex &Turn) : Pairs(Pairs), Turn(Turn) {}

  size_t read(std::string_view Key, char *Buffer, size_t Bytes) override {
    std::lock_guard Lock(Turn);
    return Pairs.read(Key, Buffer, Bytes);
  }
  void update(std::string_view Key, std::string_view Value) override {
    std::lock_guard Lock(Turn);
    Pairs.update(Key, Value);
  }
  void insert(std::string_view Key, std::string_view Value) override {
    std::lock_guard Lock(Turn);
    Pairs.insert(Key, Value);
  }
  void scan(std::string_view From, unsigned Count, Checksum &Into) override {
    std::lock_guard Lock(Turn);
    Pairs.scan(From, Count, Into);
  }
};

class SqliteStore : public Store {
  Table Pairs;
  std::mutex Turn;

public:
  explicit SqliteStore(const Settings &S) : Pairs(S) {}
  void load(const Batch &Some) override { Pairs.load(Some); }
  void loaded() override { Pairs.checkpoint(); }
  std::unique_ptr<Handle> handle(unsigned) override {
    return std::make_unique<SqliteHandle>(Pairs, Turn);
  }
};

} // namespace

std::unique_ptr<Store> ycsb::open(const Settings &S) {
  return std::make_unique<SqliteStore>(S);
}
