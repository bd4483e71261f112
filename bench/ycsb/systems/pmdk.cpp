//===- pmdk.cpp - A B+-tree on libpmemobj 1.12 ----------------------------===//
//
// Debian has libpmemobj, but neither pmemkv nor the C++ bindings, so the tree
// is written here as pmemkv's ordered engines have it: keys lie in the nodes, a
// leaf has slots in no order and a list of these in the keys' order. Each call
// is one transaction, as with pkv, in the way of libpmemobj's manual: PMEMoid,
// TX_BEGIN, ranges logged by hand as narrow as the code knows them, nothing
// logged where no committed data is overwritten (POBJ_XADD_NO_SNAPSHOT; fresh
// blocks). A value is overwritten in place: with another block for it a write
// took 1.1 to 1.7 times as long (medians, workload A, a busy machine). A lock
// in memory keeps readers from a writer.
//
// Environment: PMEM_IS_PMEM_FORCE=1 PMEM_NO_FLUSH=1 where nothing is durable,
// its fastest way; PMEM_IS_PMEM_FORCE=0, by msync, on a disk.
//
//===----------------------------------------------------------------------===//

#include "../system.h"

#include <algorithm>
#include <libpmemobj.h>
#include <mutex>
#include <shared_mutex>
#include <string.h>

namespace {

using namespace ycsb;

constexpr unsigned Slots = 32;

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

struct Value {
  uint64_t Size;
  char Bytes[];

  std::string_view view() const { return {Bytes, Size}; }
};

struct Leaf {
  uint8_t Count;
  uint8_t Order[Slots];
  PMEMoid Next;
  Key Keys[Slots];
  PMEMoid Values[Slots];
};

// Kids[I] has the keys below Keys[I], and the last one what is beyond.
struct Inner {
  unsigned Count; // of keys
  Key Keys[Slots];
  PMEMoid Kids[Slots + 1];
};

struct Root {
  PMEMoid Top;
  unsigned Height; // of inner nodes
};

enum Type { OfLeaf = 1, OfInner, OfValue };

template <class T> T *direct(PMEMoid Id) {
  return static_cast<T *>(pmemobj_direct(Id));
}

// In a transaction.
template <class T> PMEMoid make(Type Type, size_t Bytes, T *&Where) {
  PMEMoid Id = pmemobj_tx_alloc(Bytes, Type);
  if (OID_IS_NULL(Id))
    stop("pmemobj_tx_alloc", pmemobj_errormsg());
  Where = direct<T>(Id);
  return Id;
}
void log(void *Address, size_t Bytes, uint64_t Flags = 0) {
  if (pmemobj_tx_xadd_range_direct(Address, Bytes, Flags))
    stop("pmemobj_tx_xadd_range_direct", pmemobj_errormsg());
}
template <class T> void log(T &Where) { log(&Where, sizeof Where); }
/// Nothing that is committed lies there.
template <class T> void flushOnly(T &Where) {
  log(&Where, sizeof Where, POBJ_XADD_NO_SNAPSHOT);
}

class Tree {
  PMEMobjpool *Pool;
  Root *R;

  template <class Function> void transact(Function &&Do) {
    TX_BEGIN(Pool) { Do(); }
    TX_ONABORT { stop("transaction", pmemobj_errormsg()); }
    TX_END
  }

  /// Of the key's place in the leaf: the first that is not less.
  static unsigned place(const Leaf *L, const Key &K) {
    return static_cast<unsigned>(
        std::lower_bound(
            L->Order, L->Order + L->Count, K,
            [L](uint8_t Slot, const Key &K) { return L->Keys[Slot] < K; }) -
        L->Order);
  }
  static unsigned child(const Inner *N, const Key &K) {
    return static_cast<unsigned>(
        std::upper_bound(N->Keys, N->Keys + N->Count, K) - N->Keys);
  }
  Leaf *leaf(const Key &K) const {
    PMEMoid Id = R->Top;
    for (unsigned H = R->Height; H; --H) {
      auto *N = direct<Inner>(Id);
      Id = N->Kids[child(N, K)];
    }
    return direct<Leaf>(Id);
  }

  /// A full node's upper half moves; gives the new node and its lowest key.
  static PMEMoid split(Leaf *Full, Key &Lowest) {
    Leaf *New;
    PMEMoid Id = make(OfLeaf, sizeof(Leaf), New);
    constexpr unsigned Stay = Slots / 2;
    New->Count = Slots - Stay;
    New->Next = Full->Next;
    for (unsigned I = 0; I != Slots; ++I)
      New->Order[I] = static_cast<uint8_t>(I);
    for (unsigned I = 0; I != New->Count; ++I) {
      unsigned From = Full->Order[Stay + I];
      New->Keys[I] = Full->Keys[From];
      New->Values[I] = Full->Values[From];
    }
    Lowest = New->Keys[0];
    // All of it: what this transaction inserts next may come into slots that
    // are taken still if it aborts.
    log(*Full);
    Full->Count = Stay;
    Full->Next = Id;
    return Id;
  }
  static PMEMoid split(Inner *Full, Key &Middle) {
    Inner *New;
    PMEMoid Id = make(OfInner, sizeof(Inner), New);
    constexpr unsigned Stay = Slots / 2;
    New->Count = Slots - Stay - 1;
    std::copy_n(Full->Keys + Stay + 1, New->Count, New->Keys);
    std::copy_n(Full->Kids + Stay + 1, New->Count + 1, New->Kids);
    Middle = Full->Keys[Stay];
    log(Full->Count);
    Full->Count = Stay;
    return Id;
  }
  static void enter(Inner *N, unsigned At, const Key &K, PMEMoid Right) {
    log(N->Count);
    log(&N->Keys[At], (N->Count + 1 - At) * sizeof(Key));
    log(&N->Kids[At + 1], (N->Count + 1 - At) * sizeof(PMEMoid));
    std::copy_backward(N->Keys + At, N->Keys + N->Count,
                       N->Keys + N->Count + 1);
    std::copy_backward(N->Kids + At + 1, N->Kids + N->Count + 1,
                       N->Kids + N->Count + 2);
    N->Keys[At] = K;
    N->Kids[At + 1] = Right;
    ++N->Count;
  }
  /// Splits the child if it is full.
  static bool makeRoom(PMEMoid Child, bool IsLeaf, Key &K, PMEMoid &Right) {
    if (IsLeaf ? direct<Leaf>(Child)->Count != Slots
               : direct<Inner>(Child)->Count != Slots)
      return false;
    Right =
        IsLeaf ? split(direct<Leaf>(Child), K) : split(direct<Inner>(Child), K);
    return true;
  }

  /// Full nodes are split on the way down, so that there is room above.
  Leaf *roomyLeaf(const Key &K) {
    Key Between(K);
    PMEMoid Right;
    if (makeRoom(R->Top, !R->Height, Between, Right)) {
      Inner *Top;
      PMEMoid Id = make(OfInner, sizeof(Inner), Top);
      Top->Count = 1;
      Top->Keys[0] = Between;
      Top->Kids[0] = R->Top;
      Top->Kids[1] = Right;
      log(*R);
      R->Top = Id;
      ++R->Height;
    }
    PMEMoid Id = R->Top;
    for (unsigned H = R->Height; H; --H) {
      auto *N = direct<Inner>(Id);
      unsigned At = child(N, K);
      if (makeRoom(N->Kids[At], H == 1, Between, Right)) {
        enter(N, At, Between, Right);
        At += !(K < Between);
      }
      Id = N->Kids[At];
    }
    return direct<Leaf>(Id);
  }

public:
  explicit Tree(PMEMobjpool *Pool)
      : Pool(Pool), R(direct<Root>(pmemobj_root(Pool, sizeof(Root)))) {
    transact([this] {
      Leaf *Only;
      log(*R);
      R->Top = make(OfLeaf, sizeof(Leaf), Only);
      R->Height = 0;
      memset(static_cast<void *>(Only), 0, sizeof *Only);
      for (unsigned I = 0; I != Slots; ++I)
        Only->Order[I] = static_cast<uint8_t>(I);
    });
  }

  size_t read(const Key &K, char *Buffer, size_t Bytes) const {
    const Leaf *L = leaf(K);
    unsigned At = place(L, K);
    if (At == L->Count || !(L->Keys[L->Order[At]] == K))
      stop("read", "the key is not there");
    return direct<Value>(L->Values[L->Order[At]])->view().copy(Buffer, Bytes);
  }

  void update(const Key &K, std::string_view With) {
    transact([&] {
      Leaf *L = leaf(K);
      unsigned At = place(L, K);
      if (At == L->Count || !(L->Keys[L->Order[At]] == K))
        stop("update", "the key is not there");
      PMEMoid &Id = L->Values[L->Order[At]];
      auto *Old = direct<Value>(Id);
      if (Old->Size == With.size()) {
        log(Old->Bytes, Old->Size);
        With.copy(Old->Bytes, With.size());
        return;
      }
      log(Id);
      pmemobj_tx_free(Id);
      Id = value(With);
    });
  }

  static PMEMoid value(std::string_view Bytes) {
    Value *New;
    PMEMoid Id = make(OfValue, sizeof(Value) + Bytes.size(), New);
    New->Size = Bytes.size();
    Bytes.copy(New->Bytes, Bytes.size());
    return Id;
  }

  // Order is always a permutation: behind Count stand the free slots.
  void insert(const Key &K, std::string_view With) {
    Leaf *L = roomyLeaf(K);
    unsigned At = place(L, K), Slot = L->Order[L->Count];
    if (At != L->Count && L->Keys[L->Order[At]] == K)
      stop("insert", "the key is there");
    flushOnly(L->Keys[Slot]);
    flushOnly(L->Values[Slot]);
    L->Keys[Slot] = K;
    L->Values[Slot] = value(With);
    log(L, offsetof(Leaf, Next));
    std::copy_backward(L->Order + At, L->Order + L->Count,
                       L->Order + L->Count + 1);
    L->Order[At] = static_cast<uint8_t>(Slot);
    ++L->Count;
  }
  void insertAll(const Store::Batch &Pairs) {
    transact([&] {
      for (const auto &[K, V] : Pairs)
        insert(Key(K), V);
    });
  }
  void insertOne(const Key &K, std::string_view With) {
    transact([&] { insert(K, With); });
  }

  void scan(const Key &From, unsigned Count, Checksum &Into) const {
    const Leaf *L = leaf(From);
    for (unsigned At = place(L, From); Count;) {
      if (At == L->Count) {
        if (OID_IS_NULL(L->Next))
          return;
        L = direct<Leaf>(L->Next);
        At = 0;
        continue;
      }
      unsigned Slot = L->Order[At++];
      Into.add(L->Keys[Slot].view());
      Into.add(direct<Value>(L->Values[Slot])->view());
      --Count;
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
    In.update(Key(K), Value);
  }
  void insert(std::string_view K, std::string_view Value) override {
    std::lock_guard Writing(Lock);
    In.insertOne(Key(K), Value);
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
