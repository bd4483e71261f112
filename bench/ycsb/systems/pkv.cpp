//===- pkv.cpp - examples/pkv: persistent pointers ------------------------===//
//
// One call is one transaction. Nothing is to be set but whether commits have to
// survive a power failure.
//
//===----------------------------------------------------------------------===//

#include "../system.h"

#include "pkv.h"

namespace {

using namespace ycsb;

pkv_bytes bytes(std::string_view S) { return {S.data(), S.size()}; }

template <class T> T check(T Result, const char *What) {
  if (Result == T(-1))
    stop(What, pkv_errormsg());
  return Result;
}
template <class T> T *check(T *Result, const char *What) {
  if (!Result)
    stop(What, pkv_errormsg());
  return Result;
}

class PkvHandle : public Handle {
  pkv_tree *Tree;

public:
  explicit PkvHandle(pkv_tree *Tree) : Tree(Tree) {}

  size_t read(std::string_view Key, char *Buffer, size_t Bytes) override {
    return static_cast<size_t>(
        check(pkv_get(Tree, nullptr, bytes(Key), Buffer, Bytes), "pkv_get"));
  }
  void update(std::string_view Key, std::string_view Value) override {
    check(pkv_put(Tree, nullptr, bytes(Key), bytes(Value), 0), "pkv_put");
  }
  void insert(std::string_view Key, std::string_view Value) override {
    check(pkv_put(Tree, nullptr, bytes(Key), bytes(Value), PKV_NOREPLACE),
          "pkv_put");
  }
  void scan(std::string_view From, unsigned Count, Checksum &Into) override {
    pkv_cursor *Cursor =
        check(pkv_cursor_open(Tree, nullptr), "pkv_cursor_open");
    for (int On = pkv_seek(Cursor, bytes(From)); On && Count;
         On = --Count ? pkv_next(Cursor) : 0) {
      pkv_bytes Key, Value;
      check(pkv_pair(Cursor, &Key, &Value), "pkv_pair");
      Into.add({static_cast<const char *>(Key.data), Key.size});
      Into.add({static_cast<const char *>(Value.data), Value.size});
    }
    pkv_cursor_close(Cursor);
  }
};

class PkvStore : public Store {
  pkv *All;
  pkv_tree *Tree;

public:
  explicit PkvStore(const Settings &S) {
    All = check(pkv_open((S.Directory + "/store").c_str(),
                         PKV_CREATE | (S.Durable ? PKV_DURABLE : 0)),
                "pkv_open");
    Tree = check(pkv_tree_open(All, "", 0), "pkv_tree_open");
  }
  ~PkvStore() override { pkv_close(All); }

  void load(const Batch &Pairs) override {
    pkv_txn *Txn = check(pkv_begin(All, 0), "pkv_begin");
    for (const auto &[Key, Value] : Pairs)
      check(pkv_put(Tree, Txn, bytes(Key), bytes(Value), PKV_NOREPLACE),
            "pkv_put");
    check(pkv_commit(Txn), "pkv_commit");
  }
  std::unique_ptr<Handle> handle(unsigned) override {
    return std::make_unique<PkvHandle>(Tree);
  }
};

} // namespace

std::unique_ptr<Store> ycsb::open(const Settings &S) {
  return std::make_unique<PkvStore>(S);
}
