//===- pkv.cpp - What SQLite's module wants of pkv, over another store ----===//
//
// examples/sqlite is compiled with pkv.h. Here are the functions of it that the
// module calls, over the `Store` of one of the headers beside this file, so
// that every store has the same module. They do what pkv.h says, but
// - one thread uses them;
// - a tree whose transaction was aborted must not be used any more;
// - pkv_put returns 1 where the key is not new as well, and knows no flags;
// - where the store has no snapshots, nobody may read while somebody writes:
//   EBUSY.
//
//===----------------------------------------------------------------------===//

#include "syncs.h"

#include "pkv.h"

#include BENCH_SQL_STORE

#include <errno.h>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdint.h>
#include <sys/stat.h>
#include <vector>

using sql::Bytes;
using sql::Failure;
using sql::Store;

namespace {

std::string Message;

int fail(int Error, const std::string &Text) {
  Message = Text;
  errno = Error;
  return -1;
}

/// Runs it; what it throws is the result's error.
template <class Result, class Body>
Result guarded(Result Failed, Body Do) noexcept {
  try {
    return Do();
  } catch (const Failure &F) {
    fail(F.Error, F.Text);
  } catch (const std::bad_alloc &) {
    fail(ENOMEM, "no memory");
  }
  return Failed;
}

Bytes view(pkv_bytes B) { return {static_cast<const char *>(B.data), B.size}; }
pkv_bytes raw(Bytes B) { return {B.data(), B.size()}; }

} // namespace

struct pkv_tree {
  pkv &Of;
  Store::Tree In;
};

namespace {
std::set<pkv *> Open;
} // namespace

struct pkv {
  Store In;
  std::map<std::string, pkv_tree> Trees;
  std::vector<std::string> Made; // those of them that are not committed
  std::vector<decltype(Trees)::node_type> Gone; // of aborted transactions
  pkv_txn *Writer = nullptr;
  unsigned Readers = 0;

  pkv(const char *Directory, bool Durable) : In(Directory, Durable) {
    Open.insert(this);
  }
  ~pkv() { Open.erase(this); }
};

struct pkv_txn {
  pkv &Of;
  bool Writes;
  Store::Txn In;
  pkv_cursor *Cursors = nullptr; // that are open
};

/// Before a transaction changes something its cursors keep the keys on which
/// they stand, and look for these when they are used again.
struct pkv_cursor {
  pkv_txn *Txn; // null: it is over
  std::optional<Store::Walk> At;
  enum { Before, On, Kept, After } Stands = Before;
  std::string Key;
  pkv_cursor *Next = nullptr, **Link = nullptr;

  void keep() {
    if (Stands == On) {
      Key = At->key();
      Stands = Kept;
    }
  }
  /// Onto the kept key, or the next one. Whether there is one.
  bool look() { return At->seek(Key); }
  int stand(bool There, decltype(Stands) Else) {
    Stands = There ? On : Else;
    return There;
  }
  void leave() {
    At.reset();
    if (!Link)
      return;
    *Link = Next;
    if (Next)
      Next->Link = Link;
    Link = nullptr;
  }
};

namespace {

void end(pkv_txn *Txn) {
  while (pkv_cursor *C = Txn->Cursors) {
    C->leave();
    C->Txn = nullptr;
  }
}

/// Of a transaction that is to change something.
Store &changing(pkv_tree *Tree, pkv_txn *Txn, pkv_bytes Key) {
  if (!Txn || !Txn->Writes)
    throw Failure{EROFS, "not in a transaction for writing"};
  if (!Key.size || Key.size > PKV_KEY_MAX)
    throw Failure{EINVAL, "a key has 1 to 1024 bytes"};
  for (pkv_cursor *C = Txn->Cursors; C; C = C->Next)
    C->keep();
  return Tree->Of.In;
}

/// Moves a cursor, by its walk.
template <class Move> int go(pkv_cursor *C, Move Do) {
  return guarded(0, [&] { return C->Txn ? Do(*C->At) : 0; });
}

} // namespace

void sql::syncs() {
  for (pkv *Each : Open)
    Each->In.syncs();
}

extern "C" {

const char *pkv_errormsg() { return Message.c_str(); }

pkv *pkv_open(const char *Directory, unsigned Flags) {
  return guarded(static_cast<pkv *>(nullptr), [&] {
    if (Flags & PKV_CREATE && mkdir(Directory, 0700) && errno != EEXIST)
      throw Failure{errno, std::string("cannot make ") + Directory};
    auto All = std::make_unique<pkv>(Directory, Flags & PKV_DURABLE);
    auto Made = All->Trees.try_emplace("", pkv_tree{*All, {}}).first;
    All->In.open("", true, nullptr, Made->second.In);
    return All.release();
  });
}

void pkv_close(pkv *All) {
  if (All && All->Writer)
    pkv_abort(All->Writer);
  delete All;
}

pkv_tree *pkv_tree_open(pkv *All, const char *Name, unsigned Flags) {
  return guarded(static_cast<pkv_tree *>(nullptr), [&]() -> pkv_tree * {
    auto Found = All->Trees.find(Name);
    if (Found != All->Trees.end())
      return &Found->second;
    pkv_tree Tree{*All, {}};
    if (!All->In.open(Name, Flags & PKV_CREATE,
                      All->Writer ? &All->Writer->In : nullptr, Tree.In))
      throw Failure{ENOENT, std::string("there is no tree ") + Name};
    if (All->Writer)
      All->Made.push_back(Name);
    return &All->Trees.emplace(Name, Tree).first->second;
  });
}

pkv_txn *pkv_begin(pkv *All, unsigned Flags) {
  return guarded(static_cast<pkv_txn *>(nullptr), [&] {
    bool Writes = !(Flags & PKV_RDONLY);
    if (Writes && All->Writer)
      throw Failure{EDEADLK, "this thread writes"};
    if (!Store::Snapshots && (All->Writer || (Writes && All->Readers)))
      throw Failure{EBUSY, "somebody writes or reads"};
    std::unique_ptr<pkv_txn> Txn(new pkv_txn{*All, Writes, {}});
    Txn->In = Writes ? All->In.beginWrite() : All->In.beginRead();
    if (Writes)
      All->Writer = Txn.get();
    else
      ++All->Readers;
    return Txn.release();
  });
}

int pkv_prepare(pkv_txn *) { return 0; }

int pkv_commit(pkv_txn *Txn) {
  if (!Txn->Writes) {
    pkv_abort(Txn);
    return 0;
  }
  std::unique_ptr<pkv_txn> Own(Txn);
  end(Txn);
  Txn->Of.Writer = nullptr;
  return guarded(-1, [&] {
    Txn->Of.In.commit(Txn->In);
    Txn->Of.Made.clear();
    return 0;
  });
}

void pkv_abort(pkv_txn *Txn) {
  std::unique_ptr<pkv_txn> Own(Txn);
  end(Txn);
  if (Txn->Writes) {
    Txn->Of.Writer = nullptr;
    Txn->Of.In.abort(Txn->In);
    for (const std::string &Name : Txn->Of.Made)
      Txn->Of.Gone.push_back(Txn->Of.Trees.extract(Name));
    Txn->Of.Made.clear();
  } else {
    --Txn->Of.Readers;
    Txn->Of.In.endRead(Txn->In);
  }
}

int pkv_put(pkv_tree *Tree, pkv_txn *Txn, pkv_bytes Key, pkv_bytes Value,
            unsigned Flags) {
  return guarded(-1, [&] {
    if (Flags)
      throw Failure{EINVAL, "no flag is known here"};
    changing(Tree, Txn, Key).put(Txn->In, Tree->In, view(Key), view(Value));
    return 1;
  });
}

int pkv_del(pkv_tree *Tree, pkv_txn *Txn, pkv_bytes Key) {
  return guarded(-1, [&] {
    return changing(Tree, Txn, Key).erase(Txn->In, Tree->In, view(Key))
               ? 0
               : fail(ENOENT, "the key is not there");
  });
}

int pkv_see(pkv_tree *Tree, pkv_txn *Txn, pkv_bytes Key, pkv_bytes *Value) {
  return guarded(-1, [&] {
    Bytes Found;
    if (!Key.size || Key.size > PKV_KEY_MAX)
      return fail(EINVAL, "a key has 1 to 1024 bytes");
    if (!Tree->Of.In.find(Txn->In, Tree->In, view(Key), Found))
      return fail(ENOENT, "the key is not there");
    *Value = raw(Found);
    return 0;
  });
}

pkv_cursor *pkv_cursor_open(pkv_tree *Tree, pkv_txn *Txn) {
  return guarded(static_cast<pkv_cursor *>(nullptr), [&] {
    auto C = std::make_unique<pkv_cursor>();
    C->Txn = Txn;
    C->At.emplace(Tree->Of.In, Txn->In, Tree->In, !Txn->Writes);
    C->Next = Txn->Cursors;
    C->Link = &Txn->Cursors;
    if (C->Next)
      C->Next->Link = &C->Next;
    Txn->Cursors = C.get();
    return C.release();
  });
}

void pkv_cursor_close(pkv_cursor *C) {
  if (C)
    C->leave();
  delete C;
}

int pkv_first(pkv_cursor *C) {
  return go(C, [&](auto &At) { return C->stand(At.first(), C->After); });
}
int pkv_last(pkv_cursor *C) {
  return go(C, [&](auto &At) { return C->stand(At.last(), C->Before); });
}
int pkv_seek(pkv_cursor *C, pkv_bytes Key) {
  return go(C,
            [&](auto &At) { return C->stand(At.seek(view(Key)), C->After); });
}
int pkv_next(pkv_cursor *C) {
  return go(C, [&](auto &At) {
    switch (C->Stands) {
    case pkv_cursor::Before:
      return C->stand(At.first(), C->After);
    case pkv_cursor::After:
      return 0;
    case pkv_cursor::Kept:
      if (!C->look())
        return C->stand(false, C->After);
      if (At.key() != C->Key)
        return C->stand(true, C->After);
      break;
    case pkv_cursor::On:
      break;
    }
    return C->stand(At.next(), C->After);
  });
}
int pkv_prev(pkv_cursor *C) {
  return go(C, [&](auto &At) {
    switch (C->Stands) {
    case pkv_cursor::Before:
      return 0;
    case pkv_cursor::Kept:
      if (C->look())
        break;
      return C->stand(At.last(), C->Before);
    case pkv_cursor::After:
      return C->stand(At.last(), C->Before);
    case pkv_cursor::On:
      break;
    }
    return C->stand(At.prev(), C->Before);
  });
}

int pkv_pair(pkv_cursor *C, pkv_bytes *Key, pkv_bytes *Value) {
  return guarded(-1, [&] {
    if (C->Txn && C->Stands == C->Kept && C->look() && C->At->key() == C->Key)
      C->Stands = C->On;
    if (!C->Txn || C->Stands != C->On)
      return fail(ENOENT, "the cursor stands on no pair");
    if (Key)
      *Key = raw(C->At->key());
    if (Value)
      *Value = raw(C->At->value());
    return 0;
  });
}

int pkv_next_many(pkv_cursor *C, pkv_item *Items, int Most) {
  for (int Count = 0; Count < Most; ++Count) {
    if (!pkv_next(C))
      return Count && pkv_prev(C) ? Count : 0;
    if (pkv_pair(C, &Items[Count].key, &Items[Count].value) < 0)
      return -1;
  }
  return Most;
}

int pkv_count(pkv_tree *Tree, pkv_txn *Txn, uint64_t *Pairs) {
  return guarded(-1, [&] {
    *Pairs = Tree->Of.In.count(Txn ? &Txn->In : nullptr, Tree->In);
    return 0;
  });
}

/// It is.
int pkv_open_to_write(pkv *, unsigned) { return 0; }
}
