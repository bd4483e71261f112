//===- lmdb.cpp - LMDB 0.9.24 ---------------------------------------------===//
//
// Options, from lmdb.h, and why; what was measured, with workload A on a busy
// machine, are medians:
// - MDB_NOTLS: read transactions belong to handles, which reset and renew them
//   and do not begin one each time.
// - MDB_NOMEMINIT: pages are not zeroed before they are filled.
// - MDB_NORDAHEAD: reads are at random; matters where the data exceeds memory.
// - MDB_WRITEMAP, when not durable: "may be slightly faster for DBs that fit
//   entirely in RAM"; a write took a fifth to a sixth of the time. Commits are
//   stores to the map then, so with MDB_NOSYNC they survive the process as
//   well.
// - MDB_NOSYNC, when not durable. MDB_MAPASYNC would start writing at every
//   commit what nobody waits for.
//
// Durable commits go without these: written pages and one fdatasync, then the
// meta page through a file opened with O_DSYNC. With MDB_WRITEMAP they were no
// faster, and reads took more than twice as long. While it is loaded a durable
// store has MDB_NOSYNC as well, or each transaction's meta page would go
// through that file.
//
//===----------------------------------------------------------------------===//

#include "../system.h"

#include <lmdb.h>

namespace {

using namespace ycsb;

void check(int Error, const char *What) {
  if (Error)
    stop(What, mdb_strerror(Error));
}

MDB_val val(std::string_view S) {
  return {S.size(), const_cast<char *>(S.data())};
}
std::string_view view(const MDB_val &V) {
  return {static_cast<const char *>(V.mv_data), V.mv_size};
}

class LmdbHandle : public Handle {
  MDB_env *Env;
  MDB_dbi Dbi;
  MDB_txn *Reader;
  MDB_cursor *Cursor;

  void put(std::string_view Key, std::string_view Value, unsigned Flags) {
    MDB_txn *Txn;
    check(mdb_txn_begin(Env, nullptr, 0, &Txn), "mdb_txn_begin");
    MDB_val K = val(Key), V = val(Value);
    check(mdb_put(Txn, Dbi, &K, &V, Flags), "mdb_put");
    check(mdb_txn_commit(Txn), "mdb_txn_commit");
  }

public:
  LmdbHandle(MDB_env *Env, MDB_dbi Dbi) : Env(Env), Dbi(Dbi) {
    check(mdb_txn_begin(Env, nullptr, MDB_RDONLY, &Reader), "mdb_txn_begin");
    check(mdb_cursor_open(Reader, Dbi, &Cursor), "mdb_cursor_open");
    mdb_txn_reset(Reader);
  }
  ~LmdbHandle() override {
    mdb_cursor_close(Cursor);
    mdb_txn_abort(Reader);
  }

  size_t read(std::string_view Key, char *Buffer, size_t Bytes) override {
    check(mdb_txn_renew(Reader), "mdb_txn_renew");
    MDB_val K = val(Key), V;
    check(mdb_get(Reader, Dbi, &K, &V), "mdb_get");
    size_t Size = view(V).copy(Buffer, Bytes);
    mdb_txn_reset(Reader);
    return Size;
  }
  void update(std::string_view Key, std::string_view Value) override {
    put(Key, Value, 0);
  }
  void insert(std::string_view Key, std::string_view Value) override {
    put(Key, Value, MDB_NOOVERWRITE);
  }
  void scan(std::string_view From, unsigned Count, Checksum &Into) override {
    check(mdb_txn_renew(Reader), "mdb_txn_renew");
    check(mdb_cursor_renew(Reader, Cursor), "mdb_cursor_renew");
    MDB_val K = val(From), V;
    int Found = mdb_cursor_get(Cursor, &K, &V, MDB_SET_RANGE);
    while (!Found) {
      Into.add(view(K));
      Into.add(view(V));
      if (!--Count)
        break;
      Found = mdb_cursor_get(Cursor, &K, &V, MDB_NEXT);
    }
    if (Found != MDB_NOTFOUND)
      check(Found, "mdb_cursor_get");
    mdb_txn_reset(Reader);
  }
};

class LmdbStore : public Store {
  MDB_env *Env;
  MDB_dbi Dbi;
  bool Durable;

public:
  explicit LmdbStore(const Settings &S) : Durable(S.Durable) {
    check(mdb_env_create(&Env), "mdb_env_create");
    check(mdb_env_set_mapsize(Env, (size_t)64 << 30), "mdb_env_set_mapsize");
    check(mdb_env_open(Env, S.Directory.c_str(),
                       MDB_NOTLS | MDB_NOMEMINIT | MDB_NORDAHEAD | MDB_NOSYNC |
                           (S.Durable ? 0 : MDB_WRITEMAP),
                       0600),
          "mdb_env_open");
    MDB_txn *Txn;
    check(mdb_txn_begin(Env, nullptr, 0, &Txn), "mdb_txn_begin");
    check(mdb_dbi_open(Txn, nullptr, 0, &Dbi), "mdb_dbi_open");
    check(mdb_txn_commit(Txn), "mdb_txn_commit");
  }
  ~LmdbStore() override { mdb_env_close(Env); }

  void load(const Batch &Pairs) override {
    MDB_txn *Txn;
    check(mdb_txn_begin(Env, nullptr, 0, &Txn), "mdb_txn_begin");
    for (const auto &[Key, Value] : Pairs) {
      MDB_val K = val(Key), V = val(Value);
      check(mdb_put(Txn, Dbi, &K, &V, MDB_NOOVERWRITE), "mdb_put");
    }
    check(mdb_txn_commit(Txn), "mdb_txn_commit");
  }
  // Who opened it syncs the files after this.
  void loaded() override {
    if (Durable)
      check(mdb_env_set_flags(Env, MDB_NOSYNC, 0), "mdb_env_set_flags");
  }
  std::unique_ptr<Handle> handle(unsigned) override {
    return std::make_unique<LmdbHandle>(Env, Dbi);
  }
};

} // namespace

std::unique_ptr<Store> ycsb::open(const Settings &S) {
  return std::make_unique<LmdbStore>(S);
}
