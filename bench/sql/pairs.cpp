//===- pairs.cpp - YCSB's records in a table ------------------------------===//

#include "database.h"

#include <filesystem>

namespace {

using namespace ycsb;

class PairsHandle : public Handle {
  sql::Database &In;
  sql::Statement Select{In, "SELECT value FROM pairs WHERE key = ?"};
  sql::Statement Update{In, "UPDATE pairs SET value = ? WHERE key = ?"};
  sql::Statement Insert{In, "INSERT INTO pairs (key, value) VALUES (?, ?)"};
  sql::Statement Scan{In, "SELECT key, value FROM pairs WHERE key >= ? "
                          "ORDER BY key LIMIT ?"};

public:
  explicit PairsHandle(sql::Database &In) : In(In) {}

  size_t read(std::string_view Key, char *Buffer, size_t Bytes) override {
    Select.text(1, Key);
    if (!Select.step())
      stop("SELECT", "the key is not there");
    size_t Size = Select.column(0).copy(Buffer, Bytes);
    Select.reset();
    return Size;
  }
  void update(std::string_view Key, std::string_view Value) override {
    Update.blob(1, Value);
    Update.text(2, Key);
    Update.run();
  }
  void insert(std::string_view Key, std::string_view Value) override {
    Insert.text(1, Key);
    Insert.blob(2, Value);
    Insert.run();
  }
  void scan(std::string_view From, unsigned Count, Checksum &Into) override {
    Scan.text(1, From);
    Scan.number(2, int64_t(Count));
    while (Scan.step()) {
      Into.add(Scan.column(0));
      Into.add(Scan.column(1));
    }
    Scan.reset();
  }
};

class Pairs : public Store {
  sql::Tables In;
  std::unique_ptr<PairsHandle> Loading;

  static std::string folder(const Settings &S) {
    std::string Folder = S.Directory + "/pairs";
    std::filesystem::create_directory(Folder);
    return Folder;
  }

public:
  // Pages of random inserts are two thirds full. As in
  // ../ycsb/systems/sqlite.cpp they are larger where values are.
  explicit Pairs(const Settings &S)
      : In(folder(S), S.Durable,
           (S.Records + S.Records / 2) * (S.ValueBytes + 100),
           S.ValueBytes > 200 ? 16384 : 4096) {
    In.create({"pairs", "key TEXT PRIMARY KEY, value BLOB NOT NULL", true});
    Loading = std::make_unique<PairsHandle>(In);
  }
  void load(const Batch &Records) override {
    In.run("BEGIN IMMEDIATE");
    for (const auto &[Key, Value] : Records)
      Loading->insert(Key, Value);
    In.run("COMMIT");
  }
  void loaded() override {
    Loading.reset();
    In.loaded();
  }
  /// There is one connection, so one thread.
  std::unique_ptr<Handle> handle(unsigned Threads) override {
    if (Threads != 1)
      stop("pairs", "one thread at a time, please: BENCH_THREADS=1");
    return std::make_unique<PairsHandle>(In);
  }
};

} // namespace

std::unique_ptr<Store> ycsb::open(const Settings &S) {
  return std::make_unique<Pairs>(S);
}
