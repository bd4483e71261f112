//===- lmdb.h - LMDB 0.9.24 -------------------------------------*- C++ -*-===//
//
// Options as in ../../ycsb/systems/lmdb.cpp, which says why: MDB_NOTLS with
// readers that are reset and renewed, MDB_NOMEMINIT, MDB_NORDAHEAD; without
// durability MDB_WRITEMAP and MDB_NOSYNC. Each tree is a named database.
// Cursors of readers are renewed as well.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_SQL_STORES_LMDB_H
#define PERDURE_BENCH_SQL_STORES_LMDB_H

#include "store.h"

#include <errno.h>
#include <lmdb.h>
#include <map>

namespace sql {

class Store {
  MDB_env *Env = nullptr;
  bool Durable;
  MDB_txn *Idle = nullptr;
  std::map<MDB_dbi, MDB_cursor *> IdleCursors; // of readers

  static int check(int Result, const char *What) {
    if (!Result || Result == MDB_NOTFOUND)
      return Result;
    int Error = Result == MDB_MAP_FULL || Result == MDB_TXN_FULL ? ENOSPC
                : Result > 0                                     ? Result
                                                                 : EINVAL;
    throw Failure{Error, std::string(What) + ": " + mdb_strerror(Result)};
  }
  static MDB_val val(Bytes B) {
    return {B.size(), const_cast<char *>(B.data())};
  }
  static Bytes view(const MDB_val &V) {
    return {static_cast<const char *>(V.mv_data), V.mv_size};
  }

public:
  using Txn = MDB_txn *;
  using Tree = MDB_dbi;
  static constexpr bool Snapshots = true;

  Store(const char *Directory, bool Durable) : Durable(Durable) {
    check(mdb_env_create(&Env), "mdb_env_create");
    check(mdb_env_set_mapsize(Env, size_t(64) << 30), "mdb_env_set_mapsize");
    check(mdb_env_set_maxdbs(Env, 64), "mdb_env_set_maxdbs");
    check(mdb_env_open(Env, Directory,
                       MDB_NOTLS | MDB_NOMEMINIT | MDB_NORDAHEAD | MDB_NOSYNC |
                           (Durable ? 0 : MDB_WRITEMAP),
                       0600),
          "mdb_env_open");
  }
  ~Store() {
    for (auto &[Of, Cursor] : IdleCursors)
      mdb_cursor_close(Cursor);
    mdb_txn_abort(Idle);
    mdb_env_close(Env);
  }
  Store(const Store &) = delete;

  void syncs() {
    if (Durable)
      check(mdb_env_set_flags(Env, MDB_NOSYNC, 0), "mdb_env_set_flags");
  }

  Txn beginRead() {
    Txn T = Idle;
    Idle = nullptr;
    check(T ? mdb_txn_renew(T) : mdb_txn_begin(Env, nullptr, MDB_RDONLY, &T),
          "mdb_txn_renew");
    return T;
  }
  void endRead(Txn T) {
    mdb_txn_reset(T);
    mdb_txn_abort(Idle);
    Idle = T;
  }
  Txn beginWrite() {
    Txn T;
    check(mdb_txn_begin(Env, nullptr, 0, &T), "mdb_txn_begin");
    return T;
  }
  static void commit(Txn T) { check(mdb_txn_commit(T), "mdb_txn_commit"); }
  static void abort(Txn T) { mdb_txn_abort(T); }

  bool open(const char *Name, bool Makes, const Txn *In, Tree &To) {
    std::string Called = std::string("tree ") + Name;
    Txn Own = nullptr;
    if (!In)
      check(mdb_txn_begin(Env, nullptr, Makes ? 0 : MDB_RDONLY, &Own),
            "mdb_txn_begin");
    int Found = mdb_dbi_open(In ? *In : Own, Called.c_str(),
                             Makes ? MDB_CREATE : 0, &To);
    if (Own && Found)
      mdb_txn_abort(Own);
    else if (Own)
      check(mdb_txn_commit(Own), "mdb_txn_commit");
    return check(Found, "mdb_dbi_open") != MDB_NOTFOUND;
  }

  static bool find(Txn T, Tree Of, Bytes Key, Bytes &Value) {
    MDB_val K = val(Key), V;
    if (check(mdb_get(T, Of, &K, &V), "mdb_get"))
      return false;
    Value = view(V);
    return true;
  }
  static void put(Txn T, Tree Of, Bytes Key, Bytes Value) {
    MDB_val K = val(Key), V = val(Value);
    check(mdb_put(T, Of, &K, &V, 0), "mdb_put");
  }
  static bool erase(Txn T, Tree Of, Bytes Key) {
    MDB_val K = val(Key);
    return !check(mdb_del(T, Of, &K, nullptr), "mdb_del");
  }
  uint64_t count(const Txn *In, Tree Of) {
    Txn T = In ? *In : beginRead();
    MDB_stat Stat;
    int Result = mdb_stat(T, Of, &Stat);
    if (!In)
      endRead(T);
    check(Result, "mdb_stat");
    return Stat.ms_entries;
  }

  class Walk {
    Store &In;
    bool Reads;
    MDB_cursor *Cursor = nullptr;
    MDB_val K, V;

    bool go(MDB_cursor_op How) {
      return !check(mdb_cursor_get(Cursor, &K, &V, How), "mdb_cursor_get");
    }

  public:
    Walk(Store &In, Txn T, Tree Of, bool Reads) : In(In), Reads(Reads) {
      auto Found = Reads ? In.IdleCursors.find(Of) : In.IdleCursors.end();
      if (Found == In.IdleCursors.end()) {
        check(mdb_cursor_open(T, Of, &Cursor), "mdb_cursor_open");
        return;
      }
      Cursor = Found->second;
      In.IdleCursors.erase(Found);
      check(mdb_cursor_renew(T, Cursor), "mdb_cursor_renew");
    }
    /// One of a transaction that writes goes before that ends.
    ~Walk() {
      if (!Reads ||
          !In.IdleCursors.emplace(mdb_cursor_dbi(Cursor), Cursor).second)
        mdb_cursor_close(Cursor);
    }
    Walk(const Walk &) = delete;

    bool first() { return go(MDB_FIRST); }
    bool last() { return go(MDB_LAST); }
    bool seek(Bytes From) {
      K = val(From);
      return From.empty() ? first() : go(MDB_SET_RANGE);
    }
    bool next() { return go(MDB_NEXT); }
    bool prev() { return go(MDB_PREV); }
    Bytes key() const { return view(K); }
    Bytes value() const { return view(V); }
  };
};

} // namespace sql

#endif // PERDURE_BENCH_SQL_STORES_LMDB_H
