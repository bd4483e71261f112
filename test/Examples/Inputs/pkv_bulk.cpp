// pkv_bulk.cpp - What changes many pairs at once, beside std::map, killed, and
// timed.
//
// pkv_bulk random STORE SEED ROUNDS [durable]
//   Loads that are in order, in part or not at all, ended and aborted, and
//   compactions, between other changes, snapshots and transactions. After each
//   round the tree is what the map says, and no block is lost.
// pkv_bulk empty STORE 0 [durable]
//   Leaves that are emptied where their node has no other, before loads and
//   compactions. None may stay.
// pkv_bulk kill STORE KILLS [durable]
//   Processes that load pairs, remove most of them, compact and so on are
//   killed. In the next, of what they were about a first part is there, and all
//   of the rest.
// pkv_bulk speed STORE PAIRS [durable]
//   Times pkv_load_put beside pkv_put; in order; values of 100 bytes.
#include "pkv_check.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using pairs = std::map<std::string, std::string>;

std::mt19937_64 Random;
unsigned below(unsigned N) { return unsigned(Random() % N); }

std::string numbered(const char *Format, unsigned N) {
  char Text[64];
  std::snprintf(Text, sizeof(Text), Format, N);
  return Text;
}

const char *Path;
unsigned Durable;
pkv *Store;
pkv_tree *Tree;

void open() {
  Store = pkv_open(Path, PKV_CREATE | Durable);
  CHECK(Store);
  Tree = pkv_tree_open(Store, "", 0);
  CHECK(Tree);
}

pairs contents(pkv_txn *Txn) {
  pairs Found;
  pkv_cursor *C = pkv_cursor_open(Tree, Txn);
  CHECK(C);
  std::string Last;
  for (int On = pkv_first(C); On; On = pkv_next(C)) {
    struct pkv_bytes Key, Value;
    CHECK(!pkv_pair(C, &Key, &Value) && text(Key) > Last);
    Found.emplace_hint(Found.end(), Last = text(Key), text(Value));
  }
  pkv_cursor_close(C);
  return Found;
}

// ===- Beside a map ------------------------------------------------------===

std::string someKey() {
  switch (below(8)) {
  case 0:
    return std::string(1 + below(300), "ax\0\xff"[below(4)]);
  case 1:
    return "n" + std::to_string(below(100000));
  default:
    return numbered("a/prefix/of/some/length/%06u", below(8000));
  }
}

std::string someValue() {
  return std::string(below(60) ? below(30) : below(5000),
                     char('a' + below(26)));
}

void load(pairs &Map) {
  std::vector<std::pair<std::string, std::string>> Given;
  unsigned Kind = below(4), Count = 1 + below(below(4) ? 400 : 4000);
  std::string From = Map.empty() ? "" : Map.rbegin()->first;
  for (unsigned I = 0; I < Count; I++)
    Given.push_back(
        {Kind == 0 ? numbered("\xff\xff%08u", below(1 << 20)) : someKey(),
         someValue()});
  if (Kind < 2)
    std::sort(Given.begin(), Given.end());
  if (Kind == 2) { // some of it
    std::sort(Given.begin() + Count / 3, Given.end());
    for (unsigned I = Count / 2; I < Count && From.size() < 1000; I++)
      Given[I].first = From + numbered("%08u", I);
  }
  pkv_load *L = pkv_load_begin(Tree, below(3) ? 1 + below(500) : 0);
  CHECK(L && pkv_load_put(L, {nullptr, 0}, {nullptr, 0}) && errno == EINVAL);
  unsigned Fresh = 0, Seen = 0;
  bool Ends = below(4);
  for (auto &[Key, Value] : Given) {
    CHECK(!pkv_load_put(L, as_pkv(Key), as_pkv(Value)));
    if (++Seen % 1000 == 0) {                  // others write in between
      std::string Other = someKey() + "other"; // none of Given's
      CHECK(pkv_put(Tree, nullptr, as_pkv(Other), as_pkv("v"), 0) >= 0);
      Map[Other] = "v";
    }
  }
  struct pkv_loaded Done;
  if (Ends) {
    CHECK(!pkv_load_end(L, &Done) && Done.pairs == Count);
  } else {
    pkv_load_abort(L, &Done);
  }
  CHECK(Done.pairs <= Count && Done.appended <= Done.fresh);
  for (unsigned I = 0; I < Done.pairs; I++) {
    Fresh += !Map.count(Given[I].first);
    Map[Given[I].first] = Given[I].second;
  }
  CHECK(Done.fresh == Fresh);
}

void removeSome(pairs &Map) {
  if (Map.empty())
    return;
  auto It = Map.lower_bound(someKey());
  unsigned Stay = below(10), Left = below(5000);
  pkv_txn *Txn = pkv_begin(Store, 0);
  CHECK(Txn);
  pkv_load *L = pkv_load_begin(Tree, 0); // not in this thread
  CHECK(!L && errno == EDEADLK);
  while (It != Map.end() && Left--)
    if (below(10) < Stay) {
      ++It;
    } else {
      CHECK(!pkv_del(Tree, Txn, as_pkv(It->first)));
      It = Map.erase(It);
    }
  CHECK(!pkv_commit(Txn));
}

/// From the end, newest first, or from the beginning: some leaves' worth, or
/// all.
void removeEnd(pairs &Map) {
  bool IsLast = below(3);
  pkv_txn *Txn = pkv_begin(Store, 0);
  CHECK(Txn);
  for (unsigned Left = below(below(4) ? 300 : 20000); Left && !Map.empty();
       Left--) {
    auto It = IsLast ? std::prev(Map.end()) : Map.begin();
    CHECK(!pkv_del(Tree, Txn, as_pkv(It->first)));
    Map.erase(It);
  }
  CHECK(!pkv_commit(Txn));
  struct pkv_stat Stat;
  CHECK(!pkv_stat(Tree, nullptr, &Stat));
  CHECK(Stat.leaves <= std::max<std::uint64_t>(Map.size(), 1));
}

void check(const pairs &Map) {
  const char *Wrong = pkv_check(Store);
  CHECK(!Wrong);
  CHECK(contents(nullptr) == Map);
  CHECK(pkv_lost(Store) == 0);
}

/// Step by step while others change the tree, then to the end.
void compact(pairs &Map) {
  struct pkv_compaction At = {}, Again = {};
  int More;
  while ((More = pkv_compact(Tree, below(40), &At)) == 1) {
    if (below(4))
      continue;
    std::string Key = someKey();
    if (below(2)) {
      CHECK(pkv_put(Tree, nullptr, as_pkv(Key), as_pkv("v"), 0) >= 0);
      Map[Key] = "v";
    } else {
      CHECK(pkv_del(Tree, nullptr, as_pkv(Key)) == (Map.erase(Key) ? 0 : -1));
    }
  }
  CHECK(More == 0);
  At = {};
  while ((More = pkv_compact(Tree, 1000, &At)) == 1)
    ;
  CHECK(More == 0);
  while ((More = pkv_compact(Tree, 1000, &Again)) == 1)
    ;
  CHECK(More == 0 && Again.written == 0 && Again.saved == 0);
  struct pkv_stat Stat;
  CHECK(!pkv_stat(Tree, nullptr, &Stat));
  CHECK(Again.pairs == (Stat.height > 1 ? Stat.pairs : 0));
  // Right above the leaves each node has one at most that is not full.
  CHECK(Stat.height < 2 ||
        Stat.leaves * 48 < Stat.pairs + Stat.inner_nodes * 48);
}

/// Leaves are full, and so are the nodes above.
void loadInOrder() {
  pkv_tree *T = pkv_tree_open(Store, "in order", PKV_CREATE);
  pkv_load *L = pkv_load_begin(T, 1000); // no multiple of 48
  CHECK(T && L);
  for (unsigned I = 0; I < 48 * 48 * 3; I++)
    CHECK(!pkv_load_put(L, as_pkv(numbered("%08u", I)), as_pkv("v")));
  struct pkv_loaded Done;
  CHECK(!pkv_load_end(L, &Done) && Done.appended == 48 * 48 * 3);
  struct pkv_stat Stat;
  CHECK(!pkv_stat(T, nullptr, &Stat) && Stat.pairs == 48 * 48 * 3);
  CHECK(Stat.leaves == 48 * 3 && Stat.inner_nodes == 4 && Stat.height == 3);
}

// ===- Leaves that are emptied -------------------------------------------===

pkv_tree *filled(const char *Name, unsigned From, unsigned To, int Step) {
  pkv_tree *T = pkv_tree_open(Store, Name, PKV_CREATE);
  pkv_txn *Txn = pkv_begin(Store, 0);
  CHECK(T && Txn);
  for (unsigned I = From; I != To; I += unsigned(Step))
    CHECK(pkv_put(T, Txn, as_pkv(numbered("%08u", I)), as_pkv("v"), 0) == 1);
  CHECK(!pkv_commit(Txn));
  return T;
}

void remove(pkv_tree *T, unsigned From, unsigned To, int Step) {
  pkv_txn *Txn = pkv_begin(Store, 0);
  CHECK(Txn);
  for (unsigned I = From; I != To; I += unsigned(Step))
    CHECK(!pkv_del(T, Txn, as_pkv(numbered("%08u", I))));
  CHECK(!pkv_commit(Txn));
}

void compactAll(pkv_tree *T) {
  struct pkv_compaction At = {};
  int More;
  while ((More = pkv_compact(T, 1000, &At)) == 1)
    ;
  CHECK(More == 0);
}

/// What is there is found, and no leaf has nothing; all have 48 where `Full` says
/// so.
void checkFilled(pkv_tree *T, unsigned Pairs, bool Full = false) {
  const char *Wrong = pkv_check(Store);
  CHECK(!Wrong);
  pkv_cursor *C = pkv_cursor_open(T, nullptr);
  struct pkv_bytes Key;
  unsigned Found = 0;
  for (int On = pkv_first(C); On; On = pkv_next(C), Found++)
    CHECK(!pkv_pair(C, &Key, nullptr) &&
          pkv_get(T, nullptr, Key, nullptr, 0) == 1);
  pkv_cursor_close(C);
  CHECK(Found == Pairs);
  struct pkv_stat Stat;
  CHECK(!pkv_stat(T, nullptr, &Stat));
  CHECK(Stat.leaves <= std::max(Pairs, 1u));
  CHECK(!Full || Stat.leaves * 48 == Pairs);
}

/// Who puts pairs in order makes inner nodes with one child, a leaf, at the
/// end: the 2,304 pairs before it are 48 full leaves, below one node. When that
/// leaf has nothing any more it goes, and the node with it, and what lies
/// beside it gets the bounds that both had. Of `Top` pairs two nodes go, one
/// above the other.
void emptyLeaves(bool Snapshots) {
  constexpr unsigned Full = 48 * 48;
  pkv_txn *Snapshot = Snapshots ? pkv_begin(Store, PKV_RDONLY) : nullptr;
  std::string Suffix = Snapshots ? " seen" : "";
  auto name = [&](const char *Of) { return Of + Suffix; };
  // A pair behind the last key, but below the leaf that is gone.
  pkv_tree *T = filled(name("load").c_str(), 0, Full + 1, 1);
  remove(T, Full, Full - 1, -1);
  checkFilled(T, Full, true);
  pkv_load *L = pkv_load_begin(T, 0);
  CHECK(L && !pkv_load_put(L, as_pkv("00002303x"), as_pkv("v")));
  CHECK(!pkv_load_end(L, nullptr));
  checkFilled(T, Full + 1);
  // Fewer leaves before it.
  T = filled(name("compact").c_str(), 0, Full + 1, 1);
  remove(T, Full, Full - 1, -1);
  remove(T, 480, 528, 1);
  compactAll(T);
  checkFilled(T, Full - 48);
  T = filled(name("compact half").c_str(), 0, Full + 1, 1);
  remove(T, Full, Full - 1, -1);
  for (unsigned I = 0; I < Full; I += 3)
    remove(T, I, I + 1, 1);
  compactAll(T);
  checkFilled(T, Full - Full / 3);
  // At the other end.
  T = filled(name("back").c_str(), Full + 1, 0, -1);
  remove(T, 1, 2, 1);
  checkFilled(T, Full, true);
  remove(T, 480, 528, 1);
  compactAll(T);
  checkFilled(T, Full - 48);
  CHECK(pkv_put(T, nullptr, as_pkv("0"), as_pkv("v"), 0) == 1);
  checkFilled(T, Full - 47);
  pkv_abort(Snapshot);
  if (Snapshots)
    return;
  // All of it, and from the other end.
  constexpr unsigned Top = 48 * 48 * 48;
  T = filled(name("all").c_str(), 0, Top + 1, 1);
  remove(T, Top, Top - 1, -1);
  checkFilled(T, Top, true);
  L = pkv_load_begin(T, 0);
  CHECK(L && !pkv_load_put(L, as_pkv(numbered("%08ux", Top - 1)), as_pkv("v")));
  CHECK(!pkv_load_end(L, nullptr));
  checkFilled(T, Top + 1);
  CHECK(!pkv_del(T, nullptr, as_pkv(numbered("%08ux", Top - 1))));
  remove(T, Top - 1, 2000, -1);
  checkFilled(T, 2001);
  remove(T, 2000, unsigned(-1), -1);
  checkFilled(T, 0);
  T = filled(name("all back").c_str(), 3 * Full, 0, -1);
  remove(T, 1, 3 * Full + 1, 1);
  checkFilled(T, 0);
  L = pkv_load_begin(T, 0);
  CHECK(L && !pkv_load_put(L, as_pkv("k"), as_pkv("v")));
  CHECK(!pkv_load_end(L, nullptr));
  checkFilled(T, 1);
}

int random(unsigned long Seed, unsigned Rounds) {
  Random.seed(Seed);
  open();
  loadInOrder();
  pairs Map, Seen;
  pkv_txn *Snapshot = nullptr;
  for (unsigned I = 0; I < Rounds; I++) {
    load(Map);
    if (!Snapshot && below(2)) {
      Snapshot = pkv_begin(Store, PKV_RDONLY);
      CHECK(Snapshot);
      Seen = Map;
    }
    if (below(2) || Map.size() > 20000)
      removeSome(Map);
    if (below(3) == 0)
      removeEnd(Map);
    if (below(3) == 0)
      compact(Map);
    check(Map);
    if (Snapshot && below(2)) {
      CHECK(contents(Snapshot) == Seen);
      pkv_abort(Snapshot);
      Snapshot = nullptr;
    }
  }
  pkv_abort(Snapshot);
  check(Map);
  pkv_close(Store);
  open();
  check(Map);
  std::printf("%zu pairs\n", Map.size());
  pkv_close(Store);
  Store = pkv_open(Path, PKV_RDONLY);
  CHECK(Store && (Tree = pkv_tree_open(Store, "", 0)));
  CHECK(!pkv_load_begin(Tree, 0) && errno == EROFS && pkv_lost(Store) == 0);
  pkv_close(Store);
  return 0;
}

// ===- Killed ------------------------------------------------------------===

constexpr unsigned InCycle = 3000, Batch = 700, Removed = 500, MaxCycles = 4000;

/// What is there of a cycle's pairs.
struct part {
  unsigned Phase; // 0: the first Done are; 1: of the first Done every fourth,
                  // and the rest
  unsigned Done;

  bool has(unsigned I) const {
    return Phase == 0 ? I < Done : I >= Done || I % 4 == 0;
  }
  part oneMore() const {
    return {Phase, std::min(Done + (Phase ? Removed : Batch), InCycle)};
  }
};

struct shared {
  std::atomic<unsigned> Cycle;
  std::atomic<int64_t> Lost;    // blocks
  std::atomic<unsigned> Losses; // kills that have lost some
  std::atomic<part> Parts[MaxCycles];
};

shared *All;

std::string key(unsigned Cycle, unsigned I) {
  return numbered("%05u", Cycle) + numbered(" of the cycles:%05u", I);
}

[[noreturn]] void work() {
  open();
  for (;; All->Cycle++) {
    unsigned Cycle = All->Cycle;
    CHECK(Cycle < MaxCycles);
    auto &P = All->Parts[Cycle];
    pkv_load *L = pkv_load_begin(Tree, Batch);
    CHECK(L);
    for (unsigned I = 0; I < InCycle; I++) {
      CHECK(!pkv_load_put(L, as_pkv(key(Cycle, I)), as_pkv("value")));
      P = part{0, I / Batch * Batch}; // those are committed
    }
    CHECK(!pkv_load_end(L, nullptr));
    P = part{1, 0};
    for (unsigned I = 0; I < InCycle; I += Removed) {
      pkv_txn *Txn = pkv_begin(Store, 0);
      CHECK(Txn);
      for (unsigned N = I; N < I + Removed; N++)
        CHECK(N % 4 == 0 || !pkv_del(Tree, Txn, as_pkv(key(Cycle, N))));
      CHECK(!pkv_commit(Txn));
      P = part{1, I + Removed};
    }
    struct pkv_compaction At = {};
    int More;
    while ((More = pkv_compact(Tree, 20, &At)) == 1)
      ;
    CHECK(More == 0);
  }
}

/// In a process of its own: finds out what is there of the last cycle.
[[noreturn]] void look(unsigned Kills) {
  open();
  const char *Wrong = pkv_check(Store);
  CHECK(!Wrong);
  int64_t Lost = pkv_lost(Store);
  // What a transaction freed is lost with who dies just behind its commit: that
  // is seldom. What is lost by every transaction is found nearly every time.
  if (Lost != All->Lost)
    All->Losses++;
  All->Lost = Lost;
  CHECK(Lost >= 0 && All->Losses <= 2 + Kills / 4);
  pairs Found = contents(nullptr);
  unsigned Last = All->Cycle;
  auto matches = [&](unsigned Cycle) {
    part P = All->Parts[Cycle];
    for (unsigned I = 0; I < InCycle; I++)
      if (Found.count(key(Cycle, I)) != P.has(I))
        return false;
    return true;
  };
  if (!matches(Last)) // or one transaction more than it has said
    All->Parts[Last] = All->Parts[Last].load().oneMore();
  std::size_t Sum = 0;
  for (unsigned C = 0; C <= Last; C++) {
    CHECK(matches(C));
    part P = All->Parts[C];
    for (unsigned I = 0; I < InCycle; I++)
      Sum += P.has(I);
  }
  CHECK(Sum == Found.size());
  All->Cycle++;
  pkv_close(Store);
  _exit(0);
}

int killed(unsigned Kills) {
  void *Memory = mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(Memory != MAP_FAILED);
  All = static_cast<shared *>(Memory);
  for (unsigned Killed = 0; Killed < Kills; Killed++) {
    unsigned Cycle = All->Cycle;
    pid_t Child = fork();
    CHECK(Child >= 0);
    if (!Child)
      work();
    // Once it has begun.
    for (unsigned Waited = 0;
         All->Cycle == Cycle && !All->Parts[Cycle].load().Done; Waited++) {
      CHECK(Waited < 60000 && !waitpid(Child, nullptr, WNOHANG));
      usleep(1000);
    }
    usleep(below(Durable ? 60000 : 30000));
    int Status;
    kill(Child, SIGKILL);
    CHECK(waitpid(Child, &Status, 0) == Child && WIFSIGNALED(Status));
    Child = fork();
    CHECK(Child >= 0);
    if (!Child)
      look(Killed + 1);
    CHECK(waitpid(Child, &Status, 0) == Child && !Status);
  }
  std::printf("%u killed, %u cycles, a first part of each there\n", Kills,
              All->Cycle.load());
  return 0;
}

// ===- Timed -------------------------------------------------------------===

int speed(unsigned Count) {
  const char *Names[] = {"pkv_load_put", "pkv_put, 4096 in a transaction",
                         "pkv_put alone"};
  std::string Value(100, 'v');
  std::vector<double> Times[3], Cpu[3];
  for (unsigned Round = 0; Round < 3; Round++)
    for (unsigned Way = 0; Way < (Durable ? 2 : 3); Way++) {
      std::filesystem::remove_all(Path);
      open();
      auto Begin = std::chrono::steady_clock::now();
      std::clock_t Used = std::clock();
      pkv_load *L = Way == 0 ? pkv_load_begin(Tree, 0) : nullptr;
      pkv_txn *Txn = nullptr;
      for (unsigned I = 0; I < Count; I++) {
        std::string Key = numbered("some key %010u", I);
        if (Way == 1 && !Txn)
          CHECK((Txn = pkv_begin(Store, 0)));
        if (L)
          CHECK(!pkv_load_put(L, as_pkv(Key), as_pkv(Value)));
        else
          CHECK(pkv_put(Tree, Txn, as_pkv(Key), as_pkv(Value), 0) == 1);
        if (Txn && (I % 4096 == 4095 || I + 1 == Count)) {
          CHECK(!pkv_commit(Txn));
          Txn = nullptr;
        }
      }
      CHECK(!L || !pkv_load_end(L, nullptr));
      Times[Way].push_back(std::chrono::duration<double, std::nano>(
                               std::chrono::steady_clock::now() - Begin)
                               .count() /
                           Count);
      Cpu[Way].push_back(double(std::clock() - Used) * 1e9 / CLOCKS_PER_SEC /
                         Count);
      pkv_close(Store);
    }
  for (unsigned Way = 0; Way < 3 && !Times[Way].empty(); Way++) {
    std::sort(Times[Way].begin(), Times[Way].end());
    std::sort(Cpu[Way].begin(), Cpu[Way].end());
    std::printf("%-31s %6.0f ns a pair, %6.0f of a CPU (medians of 3; least "
                "%.0f)\n",
                Names[Way], Times[Way][1], Cpu[Way][1], Cpu[Way][0]);
  }
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  std::string Mode = argc < 4 ? "" : argv[1];
  bool IsRandom = Mode == "random" && argc > 4;
  Path = argc > 2 ? argv[2] : nullptr;
  Durable = argc > (IsRandom ? 5 : 4) ? PKV_DURABLE : 0;
  unsigned Number = argc > 3 ? unsigned(std::atol(argv[3])) : 0;
  if (IsRandom)
    return random(Number, unsigned(std::atol(argv[4])));
  if (Mode == "empty") {
    open();
    emptyLeaves(false);
    emptyLeaves(true);
    CHECK(!pkv_lost(Store));
    pkv_close(Store);
    return 0;
  }
  if (Mode == "kill")
    return killed(Number);
  if (Mode == "speed")
    return speed(Number);
  return std::fputs("Usage: pkv_bulk random STORE SEED ROUNDS [durable]\n"
                    "       pkv_bulk empty|kill|speed STORE NUMBER [durable]\n",
                    stderr),
         2;
}
