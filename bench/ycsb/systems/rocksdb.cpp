//===- rocksdb.cpp - RocksDB 7.8 ------------------------------------------===//
//
// Options, from its headers, its tuning guide and its page on the WAL, and why:
// - IncreaseParallelism: flushes and compactions on all processors.
// - block_cache: larger than the data, so that nothing is read twice. Tried,
//   and within the noise of a busy machine: HyperClockCache, which 7.8 calls
//   experimental, and allow_mmap_reads.
// - NewBloomFilterPolicy(10): keeps a search out of files without the key; none
//   in the last level (optimize_filters_for_hits), since what is looked for is
//   there.
// - kDataBlockBinaryAndHash: finds a key in a block by its hash.
// - kNoCompression: values are random, so it could only cost time.
// - level_compaction_dynamic_level_bytes: fewer levels, less space.
// - write_buffer_size: 128 MB, as OptimizeLevelStyleCompaction has it.
// - recycle_log_file_num is not set: opening sets it to 0 under the default
//   wal_recovery_mode, kPointInTimeRecovery.
// - WriteOptions::sync: each commit syncs the log; else the log is in the page
//   cache and survives the process.
//
// What was loaded is compacted before anything is measured.
//
//===----------------------------------------------------------------------===//

#include "../system.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <thread>

namespace {

using namespace ycsb;
using rocksdb::Slice;

void check(const rocksdb::Status &S, const char *What) {
  if (!S.ok())
    stop(What, S.ToString().c_str());
}

class RocksHandle : public Handle {
  rocksdb::DB &Db;
  rocksdb::WriteOptions Writing;
  rocksdb::ReadOptions Reading;
  rocksdb::PinnableSlice Value; // where the block cache has it
  std::unique_ptr<rocksdb::Iterator> Over{Db.NewIterator(Reading)};

public:
  RocksHandle(rocksdb::DB &Db, const rocksdb::WriteOptions &Writing)
      : Db(Db), Writing(Writing) {}

  size_t read(std::string_view Key, char *Buffer, size_t Bytes) override {
    check(Db.Get(Reading, Db.DefaultColumnFamily(), Key, &Value), "Get");
    size_t Size = Value.ToStringView().copy(Buffer, Bytes);
    Value.Reset();
    return Size;
  }
  void update(std::string_view Key, std::string_view Value) override {
    check(Db.Put(Writing, Key, Value), "Put");
  }
  void insert(std::string_view Key, std::string_view Value) override {
    check(Db.Put(Writing, Key, Value), "Put");
  }
  void scan(std::string_view From, unsigned Count, Checksum &Into) override {
    check(Over->Refresh(), "Refresh");
    for (Over->Seek(From); Over->Valid() && Count--; Over->Next()) {
      Into.add(Over->key().ToStringView());
      Into.add(Over->value().ToStringView());
    }
    check(Over->status(), "Iterator");
  }
};

class RocksStore : public Store {
  std::unique_ptr<rocksdb::DB> Db;
  rocksdb::WriteOptions Writing;

public:
  explicit RocksStore(const Settings &S) {
    rocksdb::BlockBasedTableOptions Table;
    Table.block_cache = rocksdb::NewLRUCache((S.Records + S.Records / 2) *
                                             (S.ValueBytes + 100));
    Table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    Table.data_block_index_type =
        rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
    rocksdb::Options Options;
    Options.create_if_missing = true;
    Options.error_if_exists = true;
    Options.IncreaseParallelism(
        int(std::max(1u, std::thread::hardware_concurrency())));
    Options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(Table));
    Options.optimize_filters_for_hits = true;
    Options.compression = rocksdb::kNoCompression;
    Options.level_compaction_dynamic_level_bytes = true;
    Options.write_buffer_size = 128 << 20;
    Writing.sync = S.Durable;
    rocksdb::DB *Opened;
    check(rocksdb::DB::Open(Options, S.Directory, &Opened), "Open");
    Db.reset(Opened);
  }

  void load(const Batch &Pairs) override {
    rocksdb::WriteBatch Batch;
    for (const auto &[Key, Value] : Pairs)
      check(Batch.Put(Key, Value), "Put");
    check(Db->Write(Writing, &Batch), "Write");
  }
  void loaded() override {
    check(Db->Flush({}), "Flush");
    check(Db->CompactRange({}, nullptr, nullptr), "CompactRange");
  }
  std::unique_ptr<Handle> handle(unsigned) override {
    return std::make_unique<RocksHandle>(*Db, Writing);
  }
};

} // namespace

std::unique_ptr<Store> ycsb::open(const Settings &S) {
  return std::make_unique<RocksStore>(S);
}
