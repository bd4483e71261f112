// pkv_random.cpp - Random operations on a store, beside std::map.
//
// pkv_random STORE SEED OPERATIONS [durable]
//
// Keys of four kinds, so that nodes have long prefixes, equal heads, zeros and
// bytes above 127. Phases of growing and of shrinking; transactions that are
// committed and aborted, and make trees; snapshots, whose pairs are compared
// much later; cursors that go both ways, and go on while pairs around them are
// put and removed. About half of the values lie in two other objects. In the
// end a store that is open for reading is opened to write.
#include "pkv_check.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <sys/file.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using pairs = std::map<std::string, std::string>;

std::mt19937_64 Random;
unsigned below(unsigned N) { return unsigned(Random() % N); }

std::string someKey() {
  std::string Key;
  switch (below(33) / 8) {
  case 0:
    return "user" + std::to_string(below(3000));
  case 1:
    for (unsigned N = 1 + below(12); N; N--)
      Key += "ab\0\xff"[below(4)];
    return Key;
  case 2:
    return std::string(1 + below(20), 'x') + std::to_string(below(200));
  case 4:
    return std::string(1 + below(PKV_KEY_MAX), 'k');
  default:
    return "a/long/prefix/that/all/share/" + std::to_string(1000 + below(1500));
  }
}

std::string someValue(long Number) {
  // Often as long as the one before, which then is overwritten.
  unsigned Length = !below(200) ? below(20000) : below(2) ? below(100) : 20;
  return std::string(Length, char('a' + Number % 26)) + std::to_string(Number);
}

pkv *Store;
pkv_tree *Trees[2];
pkv_object *Objects[2];

/// Which object the value is to lie in; 2: none.
unsigned placeOf(const std::string &Value) {
  return std::min(unsigned(Value.back()) % 4, 2u);
}

int put(pkv_tree *T, pkv_txn *Txn, const std::string &Key,
        const std::string &Value, unsigned Flags = 0) {
  unsigned Place = placeOf(Value);
  return Place == 2 ? pkv_put(T, Txn, as_pkv(Key), as_pkv(Value), Flags)
                    : pkv_put_in(T, Txn, as_pkv(Key), as_pkv(Value),
                                 Objects[Place], Flags);
}

/// As many values lie in each as have been put there.
void compareObjects(const pairs (&Maps)[2]) {
  struct pkv_object_stat Expected[3] = {}, Stat;
  for (const pairs &Map : Maps)
    for (const auto &Each : Map) {
      Expected[placeOf(Each.second)].values++;
      Expected[placeOf(Each.second)].value_bytes += Each.second.size();
    }
  for (unsigned N = 0; N < 2; N++) {
    CHECK(!pkv_object_stat(Objects[N], &Stat) && !Stat.error);
    CHECK(Stat.values == Expected[N].values &&
          Stat.value_bytes == Expected[N].value_bytes);
    CHECK(Stat.used_bytes >= Stat.value_bytes);
  }
}

/// Forwards some pairs at a time, from anywhere to the end, with single steps
/// either way in between.
void walkManyAtOnce(pkv_cursor *C, const pairs &Expected) {
  std::string From = someKey();
  auto It = Expected.lower_bound(From);
  if (!pkv_seek(C, as_pkv(From))) {
    CHECK(It == Expected.end() && !pkv_next_many(C, nullptr, 5));
    return;
  }
  for (struct pkv_item Items[70];;) {
    int Most = int(below(std::size(Items) + 1));
    int Count = pkv_next_many(C, Items, Most);
    CHECK(Count >= 0 && Count <= Most);
    for (int I = 0; I < Count; I++) {
      CHECK(++It != Expected.end());
      CHECK(text(Items[I].key) == It->first && text(Items[I].value) == It->second);
    }
    if (!Count && Most) {
      CHECK(std::next(It) == Expected.end() && !pkv_next(C) && pkv_prev(C));
      return;
    }
    struct pkv_bytes Key;
    CHECK(!pkv_pair(C, &Key, nullptr) && text(Key) == It->first);
    if (!below(4) && It != Expected.begin()) {
      CHECK(pkv_prev(C) && !pkv_pair(C, &Key, nullptr));
      CHECK(text(Key) == (--It)->first);
    }
    if (!below(4) && std::next(It) != Expected.end()) {
      CHECK(pkv_next(C) && !pkv_pair(C, &Key, nullptr));
      CHECK(text(Key) == (++It)->first);
    }
  }
}

/// The whole tree is what the map says, forwards and backwards, and so is what
/// lies around random keys.
void compare(pkv_tree *T, pkv_txn *Txn, const pairs &Expected) {
  pkv_cursor *C = pkv_cursor_open(T, Txn);
  CHECK(C);
  std::uint64_t Count;
  CHECK(!pkv_count(T, Txn, &Count) && Count == Expected.size());
  struct pkv_bytes Key, Value;
  auto It = Expected.begin();
  for (int On = pkv_first(C); On; On = pkv_next(C), ++It) {
    CHECK(It != Expected.end() && !pkv_pair(C, &Key, &Value));
    CHECK(text(Key) == It->first && text(Value) == It->second);
  }
  CHECK(It == Expected.end() && !pkv_next(C) && pkv_pair(C, &Key, &Value) < 0);
  for (int On = pkv_prev(C); On; On = pkv_prev(C)) {
    CHECK(It != Expected.begin() && !pkv_pair(C, &Key, nullptr));
    CHECK(text(Key) == (--It)->first);
  }
  CHECK(It == Expected.begin() && !pkv_prev(C));
  for (unsigned I = 0; I < 20; I++) {
    std::string Around = someKey();
    It = Expected.lower_bound(Around);
    CHECK(pkv_seek(C, as_pkv(Around)) == (It != Expected.end()));
    if (It != Expected.end())
      CHECK(!pkv_pair(C, &Key, nullptr) && text(Key) == It->first);
    CHECK(pkv_prev(C) == (It != Expected.begin()));
    if (It != Expected.begin())
      CHECK(!pkv_pair(C, &Key, nullptr) && text(Key) == (--It)->first);
  }
  walkManyAtOnce(C, Expected);
  pkv_cursor_close(C);
}

/// A cursor of a transaction goes on where it was, whatever is changed.
void walkAndChange(pkv_tree *T, pkv_txn *Txn, pairs &Map) {
  pkv_cursor *C = pkv_cursor_open(T, Txn);
  std::string At = someKey();
  int On = pkv_seek(C, as_pkv(At));
  auto It = Map.lower_bound(At);
  for (unsigned I = 0; I < 50; I++) {
    CHECK(On == (It != Map.end()));
    if (!On)
      break;
    struct pkv_bytes Key, Value;
    CHECK(!pkv_pair(C, &Key, &Value));
    CHECK(text(Key) == It->first && text(Value) == It->second);
    At = It->first;
    switch (below(4)) {
    case 0: // itself goes
      CHECK(!pkv_del(T, Txn, as_pkv(At)));
      Map.erase(At);
      CHECK(pkv_pair(C, &Key, &Value) < 0);
      break;
    case 1: // one comes right behind it
      CHECK(pkv_put(T, Txn, as_pkv(At + '\0'), as_pkv("new"), 0) ==
            !Map.count(At + '\0'));
      Map[At + '\0'] = "new";
      break;
    case 2: // it is replaced
      CHECK(put(T, Txn, At, "changed") == 0);
      Map[At] = "changed";
      CHECK(!pkv_pair(C, nullptr, &Value) && text(Value) == "changed");
      break;
    }
    if (below(3)) {
      It = Map.upper_bound(At);
      On = pkv_next(C);
    } else {
      It = Map.lower_bound(At);
      On = pkv_prev(C);
      CHECK(On == (It != Map.begin()));
      if (!On)
        break;
      --It;
    }
  }
  pkv_cursor_close(C);
}

struct snapshot {
  pkv_txn *Txn;
  pairs Maps[2];
};

/// A tree that the transaction makes, or none; and all that were committed.
/// Each has one pair, and its name is the value.
struct making {
  std::set<std::string> All;
  std::string Name;
  pkv_tree *Tree = nullptr;

  bool isRefused() {
    std::uint64_t Count;
    struct pkv_stat Stat;
    bool Refused = pkv_count(Tree, nullptr, &Count) < 0 && errno == EINVAL;
    Refused =
        Refused && pkv_del(Tree, nullptr, as_pkv("k")) < 0 && errno == EINVAL;
    Refused = Refused && pkv_get(Tree, nullptr, as_pkv("k"), nullptr, 0) < 0 &&
              errno == EINVAL;
    Refused = Refused && !pkv_cursor_open(Tree, nullptr) && errno == EINVAL;
    Refused = Refused &&
              pkv_put(Tree, nullptr, as_pkv("k"), as_pkv("v"), 0) < 0 &&
              errno == EINVAL;
    Refused = Refused && pkv_stat(Tree, nullptr, &Stat) < 0 && errno == EINVAL;
    return Refused && std::strstr(pkv_errormsg(), "was aborted");
  }

  void begin(pkv_txn *Txn) {
    Name = "made " + std::to_string(below(400));
    if (All.count(Name))
      return Name.clear();
    pkv_tree *Gone = Tree; // of an aborted transaction
    CHECK(!Gone || (pkv_put(Gone, Txn, as_pkv("k"), as_pkv("v"), 0) < 0 &&
                    errno == EINVAL));
    CHECK((Tree = pkv_tree_open(Store, Name.c_str(), PKV_CREATE)) &&
          Tree != Gone);
    CHECK(pkv_tree_open(Store, Name.c_str(), 0) == Tree);
    pkv_txn *Seen = pkv_begin(Store, PKV_RDONLY);
    CHECK(pkv_put(Tree, Txn, as_pkv("k"), as_pkv(Name), 0) == 1);
    struct pkv_bytes Value;
    CHECK(!pkv_see(Tree, Txn, as_pkv("k"), &Value) && text(Value) == Name);
    CHECK(pkv_see(Tree, Seen, as_pkv("k"), &Value) < 0 && errno == ENOENT);
    pkv_abort(Seen);
    CHECK(pkv_get(Tree, nullptr, as_pkv("k"), nullptr, 0) < 0 &&
          errno == ENOENT);
    std::thread([&] {
      CHECK(!pkv_tree_open(Store, Name.c_str(), 0) && errno == ENOENT);
    }).join();
  }

  void end(bool Committed) {
    if (Name.empty())
      return;
    if (Committed) {
      CHECK(pkv_tree_open(Store, Name.c_str(), PKV_CREATE) == Tree);
      char Buffer[20];
      CHECK(pkv_get(Tree, nullptr, as_pkv("k"), Buffer, sizeof(Buffer)) ==
                ptrdiff_t(Name.size()) &&
            Name == std::string(Buffer, Name.size()));
      All.insert(Name);
      Tree = nullptr;
    } else {
      CHECK(isRefused());
      CHECK(!pkv_tree_open(Store, Name.c_str(), 0) && errno == ENOENT);
    }
    Name.clear();
  }

  void compare() {
    unsigned Count = 0;
    CHECK(!pkv_trees(
        Store,
        [](void *N, const char *) {
          ++*static_cast<unsigned *>(N);
          return 0;
        },
        &Count));
    CHECK(Count == 2 + All.size());
    for (const std::string &Each : All) {
      pkv_tree *T = pkv_tree_open(Store, Each.c_str(), 0);
      CHECK(T);
      ::compare(T, nullptr, {{"k", Each}});
    }
  }
};

/// Nothing can be read beside a transaction that was prepared, and is one change.
void checkShut(pkv_tree *T, pkv_txn *Txn, bool Shut) {
  std::uint64_t Count, Beside;
  struct pkv_stat Stat;
  struct pkv_bytes Key = as_pkv("k");
  CHECK(!pkv_count(T, Txn, &Count) && !pkv_stat(T, Txn, &Stat) && Count == Stat.pairs);
  if (!Shut)
    return;
  REFUSES(EDEADLK, "prepared", pkv_count(T, nullptr, &Beside));
  REFUSES(EDEADLK, "prepared", pkv_get(T, nullptr, Key, nullptr, 0));
  REFUSES(EDEADLK, "prepared", pkv_begin(Store, PKV_RDONLY));
  REFUSES(EDEADLK, "prepared", pkv_cursor_open(T, nullptr));
  REFUSES(EDEADLK, "prepared", pkv_stat(T, nullptr, &Stat));
  CHECK(pkv_check(Store) && errno == EDEADLK);
  CHECK(pkv_tree_open(Store, "other", 0) == Trees[1]);
}

/// Transactions of one change, or little more: that one is put off until something
/// asks for it, or until the end.
void shortTransactions(long Count, pairs (&Maps)[2], bool InPlace) {
  pkv_txn *Seen = nullptr;
  pairs Then[2];
  for (long I = 0; I < Count; I++) {
    unsigned N = below(2);
    pkv_tree *T = Trees[N];
    pairs &Map = Maps[N], Before = Map;
    if (I % 50 == 0) {
      for (unsigned Each = 0; Seen && Each < 2; Each++)
        compare(Trees[Each], Seen, Then[Each]);
      pkv_abort(Seen);
      Seen = below(2) ? pkv_begin(Store, PKV_RDONLY) : nullptr;
      std::copy(Maps, Maps + 2, Then);
    }
    pkv_txn *Txn = pkv_begin(Store, 0);
    std::string Key = "k" + std::to_string(below(300)),
                Value(below(20) ? below(100) : 5000, char('a' + I % 26));
    struct pkv_bytes There;
    pkv_cursor *C = below(3) ? nullptr : pkv_cursor_open(T, Txn);
    bool Stood = C && pkv_seek(C, as_pkv(Key));
    auto has = [&](const std::string &K) {
      auto It = Map.find(K);
      int Got = pkv_see(T, Txn, as_pkv(K), &There);
      CHECK(It == Map.end() ? Got < 0 && errno == ENOENT
                            : !Got && text(There) == It->second);
    };
    if (below(2))
      has(Key);
    unsigned W = below(10);
    CHECK(pkv_put(T, Txn, as_pkv(Key), as_pkv(Value), 0) == !Map.count(Key));
    Map[Key] = Value;
    if (W == 0)
      std::thread([&] { // who reads beside it, and does not wait
        auto It = Before.find(Key);
        CHECK(pkv_get(T, nullptr, as_pkv(Key), nullptr, 0) ==
              (It == Before.end() ? -1 : ptrdiff_t(It->second.size())));
      }).join();
    if (C && (Stood || pkv_seek(C, as_pkv(Key)))) {
      struct pkv_bytes On;
      auto It = Map.lower_bound(Key);
      if (Stood && !Before.count(Key)) // it stands behind the new one
        ++It;
      CHECK(!pkv_pair(C, &On, &There) && text(On) == It->first &&
            text(There) == It->second);
    }
    pkv_cursor_close(C);
    if (W < 2)
      has(Key);
    if (W == 2) {
      std::string Other = "k" + std::to_string(below(300));
      CHECK(pkv_put(T, Txn, as_pkv(Other), as_pkv("other"), 0) == !Map.count(Other));
      Map[Other] = "other";
      has(Key);
    } else if (W == 3) {
      CHECK(!pkv_del(T, Txn, as_pkv(Key)) && Map.erase(Key));
    } else if (W == 4) {
      std::uint64_t Pairs;
      CHECK(!pkv_count(T, Txn, &Pairs) && Pairs == Map.size());
    } else if (W == 5) {
      bool Only = !C && Value.size() < 4000;
      CHECK(!pkv_prepare(Txn) && !pkv_prepare(Txn));
      checkShut(T, Txn, InPlace && Only);
      has(Key);
    }
    if (below(3)) {
      CHECK(!pkv_commit(Txn));
    } else {
      pkv_abort(Txn);
      Map = Before;
    }
    auto It = Map.find(Key);
    CHECK(pkv_get(T, nullptr, as_pkv(Key), nullptr, 0) ==
          (It == Map.end() ? -1 : ptrdiff_t(It->second.size())));
    if (I % 100 == 99) {
      compare(T, nullptr, Map);
      CHECK(!pkv_check(Store));
    }
  }
  pkv_abort(Seen);
  for (unsigned N = 0; N < 2; N++) {
    for (auto &Each : Maps[N])
      CHECK(!pkv_del(Trees[N], nullptr, as_pkv(Each.first)));
    Maps[N].clear();
  }
}

/// What a thread that has begun a transaction is refused in another store.
void checkAnother(const std::string &Path) {
  pkv *Other = pkv_open(Path.c_str(), PKV_CREATE);
  pkv_txn *Txn = pkv_begin(Store, 0);
  CHECK(Other && Txn);
  const char *Wrong = pkv_check(Other);
  CHECK(Wrong && errno == EDEADLK && std::strstr(Wrong, "transaction"));
  CHECK(pkv_lost(Other) < 0 && errno == EDEADLK);
  CHECK(!pkv_check(Store));
  pkv_abort(Txn);
  CHECK(!pkv_check(Other));
  pkv_close(Other);
}

/// The store is open for reading, and is opened to write. A lock on the folder
/// stands for another process.
void openToWrite(const char *Path, unsigned Durable, pkv_tree *T,
                 const pairs &Map) {
  pkv_txn *Seen = pkv_begin(Store, PKV_RDONLY);
  int Other = open(Path, O_RDONLY | O_DIRECTORY);
  CHECK(Seen && !flock(Other, LOCK_SH | LOCK_NB));
  CHECK(pkv_open_to_write(Store, Durable) < 0 && errno == EBUSY);
  CHECK(pkv_put(T, nullptr, as_pkv("k"), as_pkv("v"), 0) < 0 && errno == EROFS);
  CHECK(flock(Other, LOCK_EX | LOCK_NB) && !flock(Other, LOCK_UN));
  CHECK(pkv_open_to_write(Store, PKV_CREATE) < 0 && errno == EINVAL);
  CHECK(!pkv_open_to_write(Store, Durable));
  CHECK(flock(Other, LOCK_SH | LOCK_NB) && !close(Other));
  CHECK(!pkv_open_to_write(Store, Durable));
  pkv_txn *Txn = pkv_begin(Store, 0);
  CHECK(Txn);
  for (const auto &Each : Map)
    CHECK(!pkv_del(T, Txn, as_pkv(Each.first)));
  CHECK(!pkv_commit(Txn));
  CHECK(put(T, nullptr, "written", "d") == 1 && placeOf("d") == 0);
  compare(T, Seen, Map);
  pkv_abort(Seen);
  compare(T, nullptr, {{"written", "d"}});
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 4)
    return std::fputs("Usage: pkv_random STORE SEED OPERATIONS [durable]\n",
                      stderr),
           2;
  Random.seed(std::strtoul(argv[2], nullptr, 10));
  long Operations = std::atol(argv[3]);
  unsigned Durable = argc > 4 ? PKV_DURABLE : 0;
  const unsigned How = PKV_CREATE | Durable;
  Store = pkv_open(argv[1], How);
  CHECK(Store && !pkv_tree_open(Store, "other", 0));
  Trees[0] = pkv_tree_open(Store, "", 0);
  Trees[1] = pkv_tree_open(Store, "other", PKV_CREATE);
  CHECK(Trees[0] && Trees[1]);
  checkAnother(argv[1] + std::string(" another"));
  pairs Maps[2];
  shortTransactions(Operations / 20, Maps, !(How & (PKV_DURABLE | PKV_SHARED)));
  for (unsigned N = 0; N < 2; N++) {
    const char *Name = N ? "far-1" : "far-0";
    CHECK(!pkv_object_open(Store, Name, 0, 0) && errno == ENOENT);
    CHECK((Objects[N] = pkv_object_open(Store, Name, PKV_CREATE, 0600)));
    CHECK(pkv_object_open(Store, Name, 0, 0) == Objects[N]);
  }
  pairs Saved[2];
  pkv_txn *Txn = nullptr;
  std::vector<snapshot> Snapshots;
  making Made;
  for (long I = 0; I < Operations; I++) {
    bool Shrinks = I / 20000 % 2;
    unsigned W = below(1000), N = below(8) == 0;
    pkv_tree *T = Trees[N];
    pairs &Map = Maps[N];
    if (W == 0) {
      if (Snapshots.size() < 3) { // of what was committed
        const pairs *Seen = Txn ? Saved : Maps;
        Snapshots.push_back({pkv_begin(Store, PKV_RDONLY), {Seen[0], Seen[1]}});
        CHECK(Snapshots.back().Txn);
      }
    } else if (W == 1) {
      if (!Snapshots.empty()) {
        unsigned Which = below(unsigned(Snapshots.size()));
        snapshot &S = Snapshots[Which];
        compare(Trees[0], S.Txn, S.Maps[0]);
        compare(Trees[1], S.Txn, S.Maps[1]);
        CHECK(pkv_put(T, S.Txn, as_pkv("k"), as_pkv("v"), 0) < 0);
        CHECK(!pkv_commit(S.Txn));
        Snapshots.erase(Snapshots.begin() + Which);
      }
    } else if (W < 6) {
      if (!Txn) {
        Txn = pkv_begin(Store, 0);
        CHECK(Txn && !pkv_begin(Store, 0) && errno == EDEADLK);
        CHECK(pkv_put(T, nullptr, as_pkv("k"), as_pkv("v"), 0) < 0 &&
              errno == EDEADLK);
        std::copy(Maps, Maps + 2, Saved);
        if (below(2))
          Made.begin(Txn);
      } else if (below(2)) {
        CHECK(!pkv_commit(Txn));
        Made.end(true);
        Txn = nullptr;
      } else {
        pkv_abort(Txn);
        std::copy(Saved, Saved + 2, Maps);
        Made.end(false);
        Txn = nullptr;
      }
    } else if (W == 6) {
      compare(T, Txn, Map);
    } else if (W < 10) {
      if (Txn)
        walkAndChange(T, Txn, Map);
    } else if (std::string Key = someKey(); W % 10 < (Shrinks ? 6u : 2u)) {
      CHECK(pkv_del(T, Txn, as_pkv(Key)) == (Map.erase(Key) ? 0 : -1));
    } else if (W % 10 == 9) {
      char Buffer[100];
      auto It = Map.find(Key);
      ptrdiff_t Size = pkv_get(T, Txn, as_pkv(Key), Buffer, sizeof(Buffer));
      CHECK(Size == (It == Map.end() ? -1 : ptrdiff_t(It->second.size())));
      if (Size > 0)
        CHECK(!std::memcmp(Buffer, It->second.data(),
                           std::min(std::size_t(Size), sizeof(Buffer))));
    } else {
      std::string Value = someValue(I);
      bool Had = Map.count(Key);
      unsigned Flags = W % 10 == 8 ? PKV_NOREPLACE : 0;
      int Got = put(T, Txn, Key, Value, Flags);
      CHECK(Got == (Had && Flags ? -1 : !Had));
      if (Got >= 0)
        Map[Key] = Value;
    }
    if (I % 5000 == 0 && !Txn) {
      const char *Wrong = pkv_check(Store);
      CHECK(!Wrong && !errno && pkv_lost(Store) == 0);
      compareObjects(Maps);
    }
  }
  if (Txn) {
    CHECK(!pkv_commit(Txn));
    Made.end(true);
  }
  Made.compare();
  for (snapshot &S : Snapshots) {
    compare(Trees[0], S.Txn, S.Maps[0]);
    pkv_abort(S.Txn);
  }
  // What snapshots kept, and what transactions replace, is freed by those that
  // follow, however large they are.
  struct pkv_stat Stat;
  for (unsigned Batch = 0; Batch < 50; Batch++) {
    CHECK((Txn = pkv_begin(Store, 0)));
    unsigned N = 0;
    for (auto &[Key, Value] : Maps[0]) {
      if (N++ == 500)
        break;
      Value = std::to_string(Batch);
      CHECK(!put(Trees[0], Txn, Key, Value));
    }
    CHECK(!pkv_commit(Txn) && !pkv_stat(Trees[0], nullptr, &Stat));
  }
  CHECK(Stat.waiting < 1000 && Stat.height == 3);
  compareObjects(Maps);
  for (pkv_object *O : Objects) {
    struct pkv_object_stat There;
    CHECK(!pkv_object_stat(O, &There) && There.waiting < 1000);
  }
  const char *Wrong = pkv_check(Store);
  CHECK(!Wrong);
  std::printf("%zu and %zu pairs, height %u\n", Maps[0].size(), Maps[1].size(),
              Stat.height);
  pkv_close(Store);
  Store = pkv_open(argv[1], PKV_RDONLY);
  CHECK(Store);
  for (unsigned N = 0; N < 2; N++) {
    CHECK((Trees[N] = pkv_tree_open(Store, N ? "other" : "", 0)));
    compare(Trees[N], nullptr, Maps[N]);
  }
  for (unsigned N = 0; N < 2; N++)
    CHECK((Objects[N] = pkv_object_open(Store, N ? "far-1" : "far-0", 0, 0)));
  compareObjects(Maps);
  CHECK(!pkv_check(Store) && pkv_lost(Store) == 0);
  Made.compare();
  openToWrite(argv[1], Durable, Trees[0], Maps[0]);
  CHECK(!pkv_check(Store));
  pkv_close(Store);
  Store = pkv_open(argv[1], PKV_RDONLY);
  CHECK(Store && (Trees[0] = pkv_tree_open(Store, "", 0)));
  compare(Trees[0], nullptr, {{"written", "d"}});
  pkv_close(Store);
}
