//===- store_test.cpp - pkv.h over each store, beside std::map ------------===//
//
// The functions that SQLite's module calls, in the order of a random walk, with
// cursors that are open while their transaction changes the tree, and
// transactions that end either way. Compiled for each store, and for pkv
// itself, which says what is right.
//
//===----------------------------------------------------------------------===//

#include "../ycsb/system.h"

#include "pkv.h"

#include <gtest/gtest.h>

#include <errno.h>
#include <filesystem>
#include <map>
#include <random>
#include <stdlib.h>
#include <string>
#include <string_view>

/// What the stores call where they cannot go on.
void ycsb::stop(const char *What, const char *Why) {
  ADD_FAILURE() << What << ": " << Why;
  abort();
}

namespace {

using Model = std::map<std::string, std::string>;

pkv_bytes raw(std::string_view S) { return {S.data(), S.size()}; }
std::string_view view(pkv_bytes B) {
  return {static_cast<const char *>(B.data), B.size};
}
std::string text(pkv_bytes B) {
  return {static_cast<const char *>(B.data), B.size};
}

class StoreTest : public testing::Test {
protected:
  std::string Folder = std::filesystem::temp_directory_path() / "sql-XXXXXX";
  pkv *All = nullptr;
  pkv_tree *Tree = nullptr;
  Model Is; // as it was committed last
  std::mt19937_64 Random{7};

  unsigned below(unsigned N) { return static_cast<unsigned>(Random() % N); }
  /// Few, so that they meet; some begin with others, or hold zeros.
  std::string anyKey() {
    std::string Key;
    for (unsigned I = 1 + below(5); I--;)
      Key += static_cast<char>(below(4));
    return Key;
  }

  void SetUp() override {
    ASSERT_TRUE(mkdtemp(Folder.data()));
    All = pkv_open((Folder + "/store").c_str(), PKV_CREATE);
    ASSERT_TRUE(All) << pkv_errormsg();
    EXPECT_EQ(pkv_tree_open(All, "t", 0), nullptr);
    EXPECT_EQ(errno, ENOENT);
    Tree = pkv_tree_open(All, "t", PKV_CREATE);
    ASSERT_TRUE(Tree) << pkv_errormsg();
    EXPECT_EQ(pkv_tree_open(All, "t", 0), Tree);
  }
  void TearDown() override {
    pkv_close(All);
    std::filesystem::remove_all(Folder);
  }

  /// A cursor, and where it is to stand: before the first, behind the last, or
  /// at a key, whether that is there or not.
  struct Cursor {
    pkv_cursor *Real;
    enum { Before, At, After } Stands = Before;
    std::string Key;

    void expect(const Model &M) const {
      pkv_bytes Key, Value;
      bool There = Stands == At && M.contains(this->Key);
      ASSERT_EQ(pkv_pair(Real, &Key, &Value), There ? 0 : -1);
      if (There) {
        EXPECT_EQ(text(Key), this->Key);
        EXPECT_EQ(text(Value), M.at(this->Key));
      } else {
        EXPECT_EQ(errno, ENOENT);
      }
    }
    int on(const Model &M, Model::const_iterator To, decltype(Stands) Else) {
      Stands = To == M.end() ? Else : At;
      if (Stands == At)
        Key = To->first;
      return Stands == At;
    }
    static Model::const_iterator last(const Model &M) {
      return M.empty() ? M.end() : std::prev(M.end());
    }
    void move(const Model &M, unsigned How, const std::string &To) {
      auto Below = [&](Model::const_iterator It) {
        return It == M.begin() ? M.end() : std::prev(It);
      };
      switch (How) {
      case 0:
        ASSERT_EQ(pkv_first(Real), on(M, M.begin(), After));
        break;
      case 1:
        ASSERT_EQ(pkv_last(Real), on(M, last(M), Before));
        break;
      case 2:
        ASSERT_EQ(pkv_seek(Real, raw(To)), on(M, M.lower_bound(To), After));
        break;
      case 3:
        ASSERT_EQ(pkv_next(Real), Stands == After ? 0
                                  : Stands == Before
                                      ? on(M, M.begin(), After)
                                      : on(M, M.upper_bound(Key), After));
        break;
      case 4: {
        pkv_item Items[7];
        int Count = pkv_next_many(Real, Items, 7);
        ASSERT_TRUE(Count >= 0 && Count <= 7);
        if (!Count)
          ASSERT_TRUE(Stands == After ||
                      !on(M, Stands == Before ? M.begin() : M.upper_bound(Key),
                          After));
        for (int I = 0; I < Count; ++I) {
          auto Next = Stands == Before ? M.begin() : M.upper_bound(Key);
          ASSERT_TRUE(on(M, Next, After));
          ASSERT_EQ(view(Items[I].key), Next->first);
          ASSERT_EQ(view(Items[I].value), Next->second);
        }
        break;
      }
      default:
        ASSERT_EQ(pkv_prev(Real),
                  Stands == Before  ? 0
                  : Stands == After ? on(M, last(M), Before)
                                    : on(M, Below(M.lower_bound(Key)), Before));
      }
    }
  };

  void walk(pkv_txn *Txn, Model &Now, bool Writes) {
    Cursor Cursors[2];
    for (Cursor &C : Cursors)
      ASSERT_TRUE((C.Real = pkv_cursor_open(Tree, Txn)));
    for (unsigned I = below(200); I--;) {
      std::string Key = anyKey();
      unsigned What = below(Writes ? 6 : 4);
      pkv_bytes Value;
      if (What < 2) {
        Cursor &C = Cursors[below(2)];
        ASSERT_NO_FATAL_FAILURE(C.move(Now, below(6), below(20) ? Key : ""));
        ASSERT_NO_FATAL_FAILURE(C.expect(Now));
      } else if (What == 2) {
        ASSERT_NO_FATAL_FAILURE(Cursors[below(2)].expect(Now));
      } else if (What == 3) {
        bool There = Now.contains(Key);
        ASSERT_EQ(pkv_see(Tree, Txn, raw(Key), &Value), There ? 0 : -1);
        if (There)
          EXPECT_EQ(text(Value), Now[Key]);
        else
          EXPECT_EQ(errno, ENOENT);
      } else if (What == 4 || below(3)) {
        Now[Key] = std::string(below(3) * 20, static_cast<char>(below(99)));
        ASSERT_GE(pkv_put(Tree, Txn, raw(Key), raw(Now[Key]), 0), 0);
      } else {
        ASSERT_EQ(pkv_del(Tree, Txn, raw(Key)), Now.erase(Key) ? 0 : -1);
      }
    }
    // In any order, also when the transaction is over.
    pkv_cursor_close(Cursors[0].Real);
    Late = Cursors[1].Real;
  }
  pkv_cursor *Late = nullptr;
};

TEST_F(StoreTest, DoesWhatAMapDoes) {
  for (unsigned Round = 0; Round != 400; ++Round) {
    bool Writes = below(4), Commits = below(4);
    Model Now = Is;
    pkv_txn *Txn = pkv_begin(All, Writes ? PKV_NOWAIT : PKV_RDONLY);
    ASSERT_TRUE(Txn) << pkv_errormsg();
    ASSERT_NO_FATAL_FAILURE(walk(Txn, Now, Writes)) << "round " << Round;
    if (!Writes || !Commits) {
      pkv_abort(Txn);
    } else {
      ASSERT_EQ(pkv_commit(Txn), 0);
      Is = Now;
    }
    pkv_cursor_close(Late);
  }
  EXPECT_GT(Is.size(), 300u);
  uint64_t Pairs;
  ASSERT_EQ(pkv_count(Tree, nullptr, &Pairs), 0);
  EXPECT_EQ(Pairs, Is.size());
}

TEST_F(StoreTest, TreesOfTransactions) {
  for (bool Commits : {false, true}) {
    pkv_txn *Txn = pkv_begin(All, 0);
    pkv_tree *Made = pkv_tree_open(All, "made", PKV_CREATE);
    ASSERT_TRUE(Made) << pkv_errormsg();
    EXPECT_EQ(pkv_tree_open(All, "made", 0), Made);
    ASSERT_GE(pkv_put(Made, Txn, {"k", 1}, {"v", 1}, 0), 0) << pkv_errormsg();
    uint64_t Pairs;
    ASSERT_EQ(pkv_count(Made, Txn, &Pairs), 0);
    EXPECT_EQ(Pairs, 1u);
    if (Commits) {
      EXPECT_EQ(pkv_commit(Txn), 0);
    } else {
      pkv_abort(Txn);
    }
    EXPECT_EQ(pkv_tree_open(All, "made", 0) != nullptr, Commits);
  }
}

// Until the tree is several levels high, and then whole nodes of it become
// empty, and all.
TEST_F(StoreTest, GrowsAndShrinks) {
  auto Name = [](unsigned I) {
    std::string Key = std::to_string(I * 7919 % 20000);
    return std::string(5 - Key.size(), '0') + Key;
  };
  auto Count = [&](pkv_txn *Txn, bool Back) {
    pkv_cursor *C = pkv_cursor_open(Tree, Txn);
    unsigned Found = 0;
    std::string Last;
    for (int On = Back ? pkv_last(C) : pkv_first(C); On;
         On = Back ? pkv_prev(C) : pkv_next(C)) {
      pkv_bytes Key;
      EXPECT_EQ(pkv_pair(C, &Key, nullptr), 0);
      EXPECT_TRUE(!Found || (Back ? text(Key) < Last : text(Key) > Last));
      Last = text(Key);
      ++Found;
    }
    pkv_cursor_close(C);
    return Found;
  };
  pkv_txn *Txn = pkv_begin(All, 0);
  for (unsigned I = 0; I != 20000; ++I)
    ASSERT_EQ(pkv_put(Tree, Txn, raw(Name(I)), raw("x"), 0), 1);
  for (bool Back : {false, true})
    EXPECT_EQ(Count(Txn, Back), 20000u);
  ASSERT_EQ(pkv_commit(Txn), 0);
  Txn = pkv_begin(All, 0);
  EXPECT_EQ(pkv_begin(All, 0), nullptr);
  EXPECT_EQ(errno, EDEADLK);
  // All of the middle, so that whole leaves go.
  for (unsigned I = 0; I != 20000; ++I)
    if (Name(I) >= "00100" && Name(I) < "19900")
      ASSERT_EQ(pkv_del(Tree, Txn, raw(Name(I))), 0);
  for (bool Back : {false, true})
    EXPECT_EQ(Count(Txn, Back), 200u);
  pkv_cursor *C = pkv_cursor_open(Tree, Txn);
  pkv_bytes Key;
  EXPECT_TRUE(pkv_seek(C, raw("05000")) && !pkv_pair(C, &Key, nullptr));
  EXPECT_EQ(text(Key), "19900");
  EXPECT_TRUE(pkv_prev(C) && !pkv_pair(C, &Key, nullptr));
  EXPECT_EQ(text(Key), "00099");
  pkv_abort(Txn);
  pkv_cursor_close(C);
  Txn = pkv_begin(All, PKV_RDONLY);
  EXPECT_EQ(Count(Txn, false), 20000u);
  EXPECT_EQ(pkv_put(Tree, Txn, raw("a"), raw(""), 0), -1);
  pkv_abort(Txn);
  // From the front, from behind, and from the middle.
  for (unsigned Way = 0; Way != 3; ++Way) {
    Txn = pkv_begin(All, 0);
    for (unsigned I = 0; I != 20000; ++I) {
      std::string Number = std::to_string(Way == 0   ? I
                                          : Way == 1 ? 19999 - I
                                                     : (I + 10000) % 20000);
      std::string Key = std::string(5 - Number.size(), '0') + Number;
      ASSERT_EQ(pkv_del(Tree, Txn, raw(Key)), 0);
      if (I == 12345)
        for (bool Back : {false, true})
          EXPECT_EQ(Count(Txn, Back), 20000u - 12346);
    }
    for (bool Back : {false, true})
      EXPECT_EQ(Count(Txn, Back), 0u);
    for (unsigned I = 0; I != 500; ++I)
      ASSERT_EQ(pkv_put(Tree, Txn, raw(Name(I)), raw("y"), 0), 1);
    EXPECT_EQ(Count(Txn, true), 500u);
    pkv_abort(Txn);
    Txn = pkv_begin(All, PKV_RDONLY);
    for (bool Back : {false, true})
      EXPECT_EQ(Count(Txn, Back), 20000u);
    pkv_abort(Txn);
  }
  // What was freed is used again, in both orders.
  for (unsigned Round = 0; Round != 4; ++Round) {
    Txn = pkv_begin(All, 0);
    for (unsigned I = 0; I != 20000; ++I)
      if (Name(I) >= "00100" && Name(I) < "19900")
        ASSERT_EQ(pkv_del(Tree, Txn, raw(Name(I))), 0);
    ASSERT_EQ(pkv_commit(Txn), 0);
    Txn = pkv_begin(All, 0);
    for (bool Back : {false, true})
      EXPECT_EQ(Count(Txn, Back), 200u);
    for (unsigned I = 20000; I--;)
      if (Name(I) >= "00100" && Name(I) < "19900")
        ASSERT_EQ(pkv_put(Tree, Txn, raw(Name(I)), raw("z"), 0), 1);
    for (bool Back : {false, true})
      EXPECT_EQ(Count(Txn, Back), 20000u);
    ASSERT_EQ(pkv_commit(Txn), 0);
  }
}

} // namespace
