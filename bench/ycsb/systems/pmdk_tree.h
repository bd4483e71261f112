//===- pmdk_tree.h - A B+-tree on libpmemobj 1.12 ---------------*- C++ -*-===//
//
// Debian has libpmemobj, but neither pmemkv nor the C++ bindings, so the tree
// is written here as pmemkv's ordered engines have it: keys lie in the nodes, a
// leaf has slots in no order and a list of these in the keys' order. What
// changes the tree is called in a transaction, in the way of libpmemobj's
// manual: PMEMoid, ranges logged by hand as narrow as the code knows them,
// nothing logged where no committed data is overwritten
// (POBJ_XADD_NO_SNAPSHOT; fresh blocks). A value is overwritten in place: with
// another block for it a write of YCSB took 1.1 to 1.7 times as long (medians,
// workload A, a busy machine).
//
// Nodes that become empty go; others are not merged. Where a call fails the
// program ends. Nothing keeps threads apart.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_YCSB_PMDK_TREE_H
#define PERDURE_BENCH_YCSB_PMDK_TREE_H

#include "../system.h"

#include <algorithm>
#include <libpmemobj.h>
#include <stddef.h>
#include <string.h>

namespace pmdk {

/// What a pool has of a tree.
struct Root {
  PMEMoid Top;
  unsigned Height; // of inner nodes
};

template <class T> T *direct(PMEMoid Id) {
  return static_cast<T *>(pmemobj_direct(Id));
}

// In a transaction.
template <class T> PMEMoid make(uint64_t Type, size_t Bytes, T *&Where) {
  PMEMoid Id = pmemobj_tx_alloc(Bytes, Type);
  if (OID_IS_NULL(Id))
    ycsb::stop("pmemobj_tx_alloc", pmemobj_errormsg());
  Where = direct<T>(Id);
  return Id;
}
inline void log(void *Address, size_t Bytes, uint64_t Flags = 0) {
  if (pmemobj_tx_xadd_range_direct(Address, Bytes, Flags))
    ycsb::stop("pmemobj_tx_xadd_range_direct", pmemobj_errormsg());
}
template <class T> void log(T &Where) { log(&Where, sizeof Where); }
/// Nothing that is committed lies there.
template <class T> void flushOnly(T &Where) {
  log(&Where, sizeof Where, POBJ_XADD_NO_SNAPSHOT);
}

/// `Key` is trivial and has an order.
template <class Key> class Tree {
  static constexpr unsigned Slots = 32;
  // Of inner nodes; a node that is split has half of its slots.
  static constexpr unsigned MostLevels = 16;
  enum Type : uint64_t { OfLeaf = 1, OfInner, OfValue };

  struct Value {
    uint64_t Size;
    char Bytes[];

    std::string_view view() const { return {Bytes, Size}; }
  };
  // Order is always a permutation: behind Count stand the free slots.
  struct Leaf {
    uint8_t Count;
    uint8_t Order[Slots];
    PMEMoid Next;
    Key Keys[Slots];
    PMEMoid Values[Slots];

    bool has(unsigned At, const Key &K) const {
      return At != Count && Keys[Order[At]] == K;
    }
  };
  // Kids[I] has the keys below Keys[I], and the last one what is beyond.
  struct Inner {
    unsigned Count; // of keys
    Key Keys[Slots];
    PMEMoid Kids[Slots + 1];
  };

  Root *R;

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

  /// Takes an empty leaf out of the list, and out of the node above it; one
  /// that has no other goes with it. The last leaf of all stays.
  void removeEmpty(PMEMoid Id, Inner *const *Above, const unsigned *Kids) {
    unsigned Level = R->Height; // of the node that stays, from 1
    while (Level && !Above[Level - 1]->Count)
      --Level;
    if (!Level)
      return;
    for (unsigned Left = R->Height; Left--;)
      if (Kids[Left]) { // the leaf before it is below the neighbour
        PMEMoid Before = Above[Left]->Kids[Kids[Left] - 1];
        while (++Left != R->Height) {
          auto *N = direct<Inner>(Before);
          Before = N->Kids[N->Count];
        }
        auto *Last = direct<Leaf>(Before);
        log(Last->Next);
        Last->Next = direct<Leaf>(Id)->Next;
        break;
      }
    Inner *N = Above[Level - 1];
    unsigned At = Kids[Level - 1], Of = At ? At - 1 : 0; // the key that goes
    PMEMoid Gone = N->Kids[At];
    log(N->Count);
    log(&N->Keys[Of], (N->Count - Of) * sizeof(Key));
    log(&N->Kids[At], (N->Count + 1 - At) * sizeof(PMEMoid));
    std::copy(N->Keys + Of + 1, N->Keys + N->Count, N->Keys + Of);
    std::copy(N->Kids + At + 1, N->Kids + N->Count + 1, N->Kids + At);
    --N->Count;
    for (; Level != R->Height; ++Level) {
      PMEMoid Next = direct<Inner>(Gone)->Kids[0];
      pmemobj_tx_free(Gone);
      Gone = Next;
    }
    pmemobj_tx_free(Gone);
  }

  static PMEMoid value(std::string_view Bytes) {
    Value *New;
    PMEMoid Id = make(OfValue, sizeof(Value) + Bytes.size(), New);
    New->Size = Bytes.size();
    Bytes.copy(New->Bytes, Bytes.size());
    return Id;
  }
  static void replace(PMEMoid &Id, std::string_view With) {
    auto *Old = direct<Value>(Id);
    if (Old->Size == With.size()) {
      log(Old->Bytes, Old->Size);
      With.copy(Old->Bytes, With.size());
      return;
    }
    log(Id);
    pmemobj_tx_free(Id);
    Id = value(With);
  }

public:
  /// Of a pair; good until the tree changes.
  class Place {
    friend Tree;
    Leaf *In = nullptr;
    unsigned At = 0;

    Place(Leaf *In, unsigned At) : In(In), At(At) {}

  public:
    Place() = default; // of none
    explicit operator bool() const { return In; }
    const Key &key() const { return In->Keys[In->Order[At]]; }
    std::string_view value() const {
      return direct<Value>(In->Values[In->Order[At]])->view();
    }
  };

  /// One that `create` has made.
  explicit Tree(Root *R) : R(R) {}

  static void create(Root &R) {
    Leaf *Only;
    log(R);
    R.Top = make(OfLeaf, sizeof(Leaf), Only);
    R.Height = 0;
    memset(static_cast<void *>(Only), 0, sizeof *Only);
    for (unsigned I = 0; I != Slots; ++I)
      Only->Order[I] = static_cast<uint8_t>(I);
  }

  Place find(const Key &K) const {
    Leaf *L = leaf(K);
    unsigned At = place(L, K);
    return L->has(At, K) ? Place(L, At) : Place();
  }

  /// False, and nothing has changed: it is not there.
  bool update(const Key &K, std::string_view With) {
    Place P = find(K);
    if (P)
      replace(P.In->Values[P.In->Order[P.At]], With);
    return bool(P);
  }

  /// False, and nothing has changed: it is there.
  bool insert(const Key &K, std::string_view With) {
    return put(K, With, false);
  }

  /// False: it was there, and is replaced where that is wanted.
  bool put(const Key &K, std::string_view With, bool Replaces) {
    Leaf *L = leaf(K);
    unsigned At = place(L, K);
    if (L->has(At, K)) {
      if (Replaces)
        replace(L->Values[L->Order[At]], With);
      return false;
    }
    if (L->Count == Slots) {
      L = roomyLeaf(K);
      At = place(L, K);
    }
    unsigned Slot = L->Order[L->Count];
    flushOnly(L->Keys[Slot]);
    flushOnly(L->Values[Slot]);
    L->Keys[Slot] = K;
    L->Values[Slot] = value(With);
    log(L, offsetof(Leaf, Next));
    std::copy_backward(L->Order + At, L->Order + L->Count,
                       L->Order + L->Count + 1);
    L->Order[At] = static_cast<uint8_t>(Slot);
    ++L->Count;
    return true;
  }

  /// False: it is not there.
  bool erase(const Key &K) {
    Inner *Above[MostLevels]; // from the top
    unsigned Kids[MostLevels];
    PMEMoid Id = R->Top;
    for (unsigned Level = 0; Level != R->Height; ++Level) {
      Above[Level] = direct<Inner>(Id);
      Kids[Level] = child(Above[Level], K);
      Id = Above[Level]->Kids[Kids[Level]];
    }
    auto *L = direct<Leaf>(Id);
    unsigned At = place(L, K);
    if (!L->has(At, K))
      return false;
    unsigned Slot = L->Order[At];
    // What this transaction inserts next may come into the slot.
    log(L->Keys[Slot]);
    log(L->Values[Slot]);
    pmemobj_tx_free(L->Values[Slot]);
    log(L, offsetof(Leaf, Next));
    std::copy(L->Order + At + 1, L->Order + L->Count, L->Order + At);
    --L->Count;
    L->Order[L->Count] = static_cast<uint8_t>(Slot);
    if (!L->Count)
      removeEmpty(Id, Above, Kids);
    return true;
  }

  // ===- In the keys' order ----------------------------------------------===
  // False: there is none.

  Place first() const {
    PMEMoid Id = R->Top;
    for (unsigned H = R->Height; H; --H)
      Id = direct<Inner>(Id)->Kids[0];
    return settle(direct<Leaf>(Id), 0);
  }
  Place last() const { return before(R->Top, R->Height, nullptr); }
  /// The first that is not less.
  Place from(const Key &K) const {
    Leaf *L = leaf(K);
    return settle(L, place(L, K));
  }
  static Place next(Place P) { return settle(P.In, P.At + 1); }
  Place prev(Place P) const {
    return P.At ? Place(P.In, P.At - 1) : before(R->Top, R->Height, &P.key());
  }

private:
  /// There, or in a leaf behind it.
  static Place settle(Leaf *L, unsigned At) {
    for (; At == L->Count; At = 0) {
      if (OID_IS_NULL(L->Next))
        return {};
      L = direct<Leaf>(L->Next);
    }
    return {L, At};
  }
  /// The last one below the node, of those that are less than the key, if any.
  static Place before(PMEMoid Id, unsigned Height, const Key *K) {
    if (!Height) {
      auto *L = direct<Leaf>(Id);
      unsigned At = K ? place(L, *K) : L->Count;
      return At ? Place(L, At - 1) : Place();
    }
    auto *N = direct<Inner>(Id);
    for (unsigned I = (K ? child(N, *K) : N->Count) + 1; I--;)
      if (Place P = before(N->Kids[I], Height - 1, K))
        return P;
    return {};
  }
};

} // namespace pmdk

#endif // PERDURE_BENCH_YCSB_PMDK_TREE_H
