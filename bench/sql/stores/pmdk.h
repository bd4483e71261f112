//===- pmdk.h - libpmemobj 1.12 ---------------------------------*- C++ -*-===//
//
// The B+-tree of YCSB's bench, with keys as SQLite's module has them. It has no
// snapshots, and needs no lock, since one thread uses it.
//
// Environment: BENCH_POOL, the bytes of a pool; and as in
// ../../ycsb/systems/pmdk.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_SQL_STORES_PMDK_H
#define PERDURE_BENCH_SQL_STORES_PMDK_H

#include "store.h"

#include "../../ycsb/systems/pmdk_tree.h"

#include <errno.h>
#include <stdlib.h>

namespace sql {

/// The first bytes of a key decide, then which is longer.
struct Key {
  char Text[39]; // zeros behind it
  uint8_t Size;

  static bool fits(Bytes B) { return !B.empty() && B.size() <= sizeof Text; }
  explicit Key(Bytes B) : Text(), Size(static_cast<uint8_t>(B.size())) {
    B.copy(Text, sizeof Text);
  }
  Bytes view() const { return {Text, Size}; }
  friend bool operator<(const Key &A, const Key &B) {
    return memcmp(&A, &B, sizeof(Key)) < 0;
  }
  friend bool operator==(const Key &A, const Key &B) = default;
};
static_assert(sizeof(Key) == 40);

class Store {
  static constexpr unsigned Most = 16;
  struct Named {
    char Name[32];
    pmdk::Root Tree;
  };
  struct Names {
    unsigned Count;
    Named Of[Most];
  };
  PMEMobjpool *Pool;
  Names *All;
  // In memory, as a transaction would have to log it: for SQLite's planner,
  // which wants to know it about.
  uint64_t Counts[Most] = {}, Before[Most] = {};

  static Key keyOf(Bytes B) {
    if (!Key::fits(B))
      throw Failure{EINVAL,
                    "a key has 1 to 39 bytes, not " + std::to_string(B.size())};
    return Key(B);
  }

  void begin() {
    if (pmemobj_tx_begin(Pool, nullptr, TX_PARAM_NONE))
      fail("pmemobj_tx_begin");
  }
  [[noreturn]] static void fail(const char *What) {
    throw Failure{errno, std::string(What) + ": " + pmemobj_errormsg()};
  }

public:
  using Txn = bool; // there is one
  struct Tree {
    pmdk::Tree<Key> Of{nullptr};
    unsigned Number = 0;
  };
  static constexpr bool Snapshots = false;

  Store(const char *Directory, bool) {
    const char *Size = getenv("BENCH_POOL");
    Pool = pmemobj_create((std::string(Directory) + "/pool").c_str(), "sql",
                          Size ? strtoull(Size, nullptr, 10) : 256 << 20, 0600);
    if (!Pool)
      fail("pmemobj_create");
    All = pmdk::direct<Names>(pmemobj_root(Pool, sizeof(Names)));
  }
  ~Store() { pmemobj_close(Pool); }
  Store(const Store &) = delete;

  void syncs() {}

  Txn beginRead() { return true; }
  void endRead(Txn) {}
  Txn beginWrite() {
    begin();
    memcpy(Before, Counts, sizeof Counts);
    return true;
  }
  void commit(Txn) {
    pmemobj_tx_commit();
    if (pmemobj_tx_end())
      fail("pmemobj_tx_commit");
  }
  void abort(Txn) {
    pmemobj_tx_abort(ECANCELED);
    pmemobj_tx_end();
    memcpy(Counts, Before, sizeof Counts);
  }

  bool open(const char *Name, bool Makes, const Txn *In, Tree &To) {
    for (To.Number = 0; To.Number != All->Count; ++To.Number)
      if (!strcmp(All->Of[To.Number].Name, Name))
        break;
    Named *Found = &All->Of[To.Number];
    if (To.Number == All->Count) {
      if (!Makes)
        return false;
      if (To.Number == Most || strlen(Name) >= sizeof Found->Name)
        throw Failure{ENOSPC, std::string("no room for the tree ") + Name};
      if (!In)
        begin();
      pmdk::log(*All);
      strcpy(Found->Name, Name);
      pmdk::Tree<Key>::create(Found->Tree);
      ++All->Count;
      if (!In)
        commit(true);
    }
    To.Of = pmdk::Tree<Key>(&Found->Tree);
    return true;
  }

  static bool find(Txn, const Tree &Of, Bytes K, Bytes &Value) {
    auto P = Key::fits(K) ? Of.Of.find(Key(K)) : pmdk::Tree<Key>::Place();
    if (P)
      Value = P.value();
    return bool(P);
  }
  void put(Txn, Tree &Of, Bytes K, Bytes Value) {
    Counts[Of.Number] += Of.Of.put(keyOf(K), Value, true);
  }
  bool erase(Txn, Tree &Of, Bytes K) {
    bool Was = Of.Of.erase(keyOf(K));
    Counts[Of.Number] -= Was;
    return Was;
  }
  uint64_t count(const Txn *, const Tree &Of) const { return Counts[Of.Number]; }

  class Walk {
    const pmdk::Tree<Key> Of;
    pmdk::Tree<Key>::Place At;

    bool go(pmdk::Tree<Key>::Place To) {
      At = To;
      return bool(At);
    }

  public:
    Walk(Store &, Txn, const Tree &Of, bool) : Of(Of.Of) {}
    bool first() { return go(Of.first()); }
    bool last() { return go(Of.last()); }
    /// No key is longer than those that fit, so the part of one that does not
    /// lies before what is not less.
    bool seek(Bytes From) {
      if (From.empty())
        return first();
      if (Key::fits(From))
        return go(Of.from(Key(From)));
      Key Part(From.substr(0, sizeof Part.Text));
      return go(Of.from(Part)) && (At.key().view() >= From || next());
    }
    bool next() { return go(Of.next(At)); }
    bool prev() { return go(Of.prev(At)); }
    Bytes key() const { return At.key().view(); }
    Bytes value() const { return At.value(); }
  };
};

} // namespace sql

#endif // PERDURE_BENCH_SQL_STORES_PMDK_H
