//===- pmdk.cpp - libpmemobj 1.12 -----------------------------------------===//
//
// The tree of pmdk_tree.h. Each call is one transaction, as with pkv. A lock in
// memory keeps readers from a writer.
//
// Environment: PMEM_IS_PMEM_FORCE=1 PMEM_NO_FLUSH=1 where nothing is durable,
// its fastest way; PMEM_IS_PMEM_FORCE=0, by msync, on a disk.
//
//===----------------------------------------------------------------------===//

#include "pmdk_tree.h"

#include <mutex>
#include <shared_mutex>

namespace {

using namespace ycsb;

struct Key {
  char Text[24]; // zeros behind it

  explicit Key(std::string_view S) : Text() {
    if (S.size() > sizeof Text)
      stop("pmdk", "a key is longer than its place in a node");
    S.copy(Text, sizeof Text);
  }
  std::string_view view() const { return {Text, strnlen(Text, sizeof Text)}; }
  friend bool operator<(const Key &A, const Key &B) {
    return memcmp(A.Text, B.Text, sizeof A.Text) < 0;
  }
  friend bool operator==(const Key &A, const Key &B) = default;
};

class Tree : public pmdk::Tree<Key> {
  PMEMobjpool *Pool;

  static pmdk::Root *rootOf(PMEMobjpool *Pool) {
    return pmdk::direct<pmdk::Root>(pmemobj_root(Pool, sizeof(pmdk::Root)));
  }
  template <class Function> void transact(Function &&Do) {
    TX_BEGIN(Pool) { Do(); }
    TX_ONABORT { stop("transaction", pmemobj_errormsg()); }
    TX_END
  }
  void insertNew(std::string_view K, std::string_view With) {
    if (!insert(Key(K), With))
      stop("insert", "the key is there");
  }

public:
  explicit Tree(PMEMobjpool *Pool) : pmdk::Tree<Key>(rootOf(Pool)), Pool(Pool) {
    transact([&] { create(*rootOf(Pool)); });
  }

  size_t read(const Key &K, char *Buffer, size_t Bytes) const {
    Place P = find(K);
    if (!P)
      stop("read", "the key is not there");
    return P.value().copy(Buffer, Bytes);
  }
  void updateOne(const Key &K, std::string_view With) {
    transact([&] {
      if (!update(K, With))
        stop("update", "the key is not there");
    });
  }
  void insertAll(const Store::Batch &Pairs) {
    transact([&] {
      for (const auto &[K, V] : Pairs)
        insertNew(K, V);
    });
  }
  void insertOne(std::string_view K, std::string_view With) {
    transact([&] { insertNew(K, With); });
  }
  void scan(const Key &From, unsigned Count, Checksum &Into) const {
    for (Place P = from(From); P && Count; P = --Count ? next(P) : P) {
      Into.add(P.key().view());
      Into.add(P.value());
    }
  }
};

class PmdkHandle : public Handle {
  Tree &In;
  std::shared_mutex &Lock;

public:
  PmdkHandle(Tree &In, std::shared_mutex &Lock) : In(In), Lock(Lock) {}

  size_t read(std::string_view K, char *Buffer, size_t Bytes) override {
    std::shared_lock Reading(Lock);
    return In.read(Key(K), Buffer, Bytes);
  }
  void update(std::string_view K, std::string_view Value) override {
    std::lock_guard Writing(Lock);
    In.updateOne(Key(K), Value);
  }
  void insert(std::string_view K, std::string_view Value) override {
    std::lock_guard Writing(Lock);
    In.insertOne(K, Value);
  }
  void scan(std::string_view From, unsigned Count, Checksum &Into) override {
    std::shared_lock Reading(Lock);
    In.scan(Key(From), Count, Into);
  }
};

class PmdkStore : public Store {
  PMEMobjpool *Pool;
  std::unique_ptr<Tree> In;
  std::shared_mutex Lock;

public:
  // A pool has its size from the beginning, and its file is allocated then. So
  // what libpmemobj says of allocated blocks is told; it keeps that number when
  // it is asked to, with each allocation.
  explicit PmdkStore(const Settings &S)
      : Pool(pmemobj_create((S.Directory + "/pool").c_str(), "ycsb",
                            ((size_t)256 << 20) + (S.Records + S.Records / 2) *
                                                      (S.ValueBytes + 250),
                            0600)) {
    auto Stats = POBJ_STATS_ENABLED_PERSISTENT;
    if (!Pool || pmemobj_ctl_set(Pool, "stats.enabled", &Stats))
      stop("pmemobj_create", pmemobj_errormsg());
    In = std::make_unique<Tree>(Pool);
  }
  ~PmdkStore() override { pmemobj_close(Pool); }

  void load(const Batch &Pairs) override { In->insertAll(Pairs); }
  uint64_t fileBytes() const override {
    uint64_t Bytes;
    if (pmemobj_ctl_get(Pool, "stats.heap.curr_allocated", &Bytes))
      stop("stats.heap.curr_allocated", pmemobj_errormsg());
    return Bytes;
  }
  std::unique_ptr<Handle> handle(unsigned) override {
    return std::make_unique<PmdkHandle>(*In, Lock);
  }
};

} // namespace

std::unique_ptr<Store> ycsb::open(const Settings &S) {
  return std::make_unique<PmdkStore>(S);
}
