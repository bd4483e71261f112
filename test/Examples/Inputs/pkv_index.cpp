// pkv_index.cpp - Indexes of trees, beside std::map, and killed.
//
// pkv_index random STORE SEED OPERATIONS
//   Values are words; one index has each word, another, unique, what follows
//   '='. Changes alone, in transactions that commit or abort, and by pkv_load;
//   cursors over the indexes, in snapshots as well. Indexes are made over
//   pairs, dropped and made again; the store is opened again.
// pkv_index check STORE 0
//   Some changes, and pkv_check: prints what it finds.
// pkv_index full STORE 0
//   An index is made and dropped where the file cannot grow.
// pkv_index left STORE 0
//   Entries that are there although nobody has begun to build the index.
// pkv_index memory STORE 0
//   Calls that have less memory each time.
// pkv_index kill STORE KILLS
//   Processes that make, keep and drop indexes are killed, while another thread
//   changes the tree. Afterwards they are whole, or refused, or made again.
#include "pkv_check.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

/// So many allocations succeed still.
thread_local unsigned MemoryLeft = ~0u;

using pairs = std::map<std::string, std::string>;
using entries = std::set<std::pair<std::string, std::string>>;

std::mt19937_64 Random;
unsigned below(unsigned N) { return unsigned(Random() % N); }

const char *Path;
pkv *Store;
pkv_tree *Tree;
pkv_index *Words, *Only;

/// The words of a value; with Unique what follows '='. A word may be any bytes
/// but blanks: zeros, too, and nothing between two blanks.
std::set<std::string> keysOf(const std::string &Value, bool Unique) {
  std::set<std::string> Keys;
  if (std::size_t At = Value.find('='); Unique) {
    if (At != Value.npos)
      Keys.insert(Value.substr(At + 1));
    return Keys;
  }
  std::istringstream In(Value);
  for (std::string Word; std::getline(In, Word, ' ');)
    Keys.insert(Word);
  return Keys;
}

int extract(void *Arg, struct pkv_bytes, struct pkv_bytes Value,
            void (*Emit)(void *, struct pkv_bytes), void *To) {
  if (text(Value) == "refuse")
    return 1;
  for (const std::string &Key : keysOf(text(Value), Arg))
    for (int Twice = 0; Twice < 2; Twice++) // counts once
      Emit(To, as_pkv(Key));
  return 0;
}

void openStore() {
  Store = pkv_open(Path, PKV_CREATE);
  CHECK(Store && (Tree = pkv_tree_open(Store, "", 0)));
}

pkv_index *openIndex(bool Unique, unsigned Flags = PKV_CREATE) {
  return pkv_index_open(Tree, Unique ? "only" : "words", extract,
                        Unique ? &Only : nullptr,
                        Flags | (Unique ? PKV_UNIQUE : 0));
}

entries wanted(const pairs &Map, bool Unique) {
  entries All;
  for (auto &[Key, Value] : Map)
    for (const std::string &K : keysOf(Value, Unique))
      All.insert({K, Key});
  return All;
}

void compare(pkv_index *X, pkv_txn *Txn, const pairs &Map, bool Unique) {
  entries All = wanted(Map, Unique);
  pkv_index_cursor *C = pkv_index_cursor_open(X, Txn);
  CHECK(C);
  struct pkv_bytes Index, Key, Value;
  auto It = All.begin();
  for (int On = pkv_index_first(C); On; On = pkv_index_next(C), ++It) {
    CHECK(It != All.end() && !pkv_index_pair(C, &Index, &Key, &Value));
    CHECK(text(Index) == It->first && text(Key) == It->second);
    CHECK(text(Value) == Map.at(It->second));
  }
  CHECK(It == All.end() && pkv_index_pair(C, nullptr, nullptr, nullptr) < 0);
  for (int On = pkv_index_prev(C); On; On = pkv_index_prev(C)) {
    CHECK(It != All.begin() && !pkv_index_pair(C, &Index, &Key, nullptr));
    CHECK(text(Index) == (--It)->first && text(Key) == It->second);
  }
  CHECK(It == All.begin() && pkv_index_pair(C, &Index, nullptr, nullptr) < 0);
  CHECK(pkv_index_next(C) == !All.empty());
  CHECK(pkv_index_last(C) == !All.empty());
  for (unsigned I = 0; I < 10; I++) {
    std::string From(below(3), "a\0z"[below(3)]);
    It = All.lower_bound({From, ""});
    CHECK(pkv_index_seek(C, as_pkv(From)) == (It != All.end()));
    if (It != All.end())
      CHECK(!pkv_index_pair(C, &Index, &Key, nullptr) &&
            text(Index) == It->first && text(Key) == It->second);
  }
  pkv_index_cursor_close(C);
}

std::string someKey() {
  return std::string(1 + below(3), "k\0\xff"[below(3)]) +
         std::to_string(below(300));
}

std::string someValue() {
  std::string Value;
  for (unsigned N = below(5); N; N--)
    Value += std::string(below(4), "ab\0\xff"[below(4)]) + " ";
  if (!below(100))
    Value += std::string(1024, '\0') + " ";
  return below(2) ? Value : Value + "=" + std::to_string(below(2000));
}

bool isTaken(const pairs &Map, const std::string &Key,
             const std::string &Value) {
  std::size_t At = Value.find('=');
  for (auto &[Other, Had] : Map)
    if (std::size_t There = Had.find('=');
        At != Value.npos && There != Had.npos && Other != Key &&
        Value.substr(At) == Had.substr(There))
      return true;
  return false;
}

void openAgain(pairs &Map) {
  pkv_close(Store);
  openStore();
  CHECK(pkv_put(Tree, nullptr, as_pkv("k"), as_pkv("v"), 0) < 0 &&
        errno == EINVAL);
  CHECK((Words = openIndex(false, 0)));
  CHECK(pkv_del(Tree, nullptr, as_pkv(Map.begin()->first)) < 0 &&
        errno == EINVAL);
  pkv_load *L = pkv_load_begin(Tree, 0);
  CHECK(L && !pkv_load_put(L, as_pkv("k"), as_pkv("v")));
  CHECK(pkv_load_end(L, nullptr) < 0 && errno == EINVAL);
  if (below(2)) {
    CHECK(!pkv_index_drop(Tree, "only") && !openIndex(true, 0) &&
          errno == ENOENT);
    CHECK(pkv_put(Tree, nullptr, as_pkv("k"), as_pkv("v"), 0) >= 0);
    Map["k"] = "v";
  }
  CHECK((Only = openIndex(true)) && Only == openIndex(true));
  CHECK(!openIndex(false, PKV_UNIQUE) && errno == EINVAL);
}

int random(unsigned long Seed, unsigned Operations) {
  Random.seed(Seed);
  openStore();
  pairs Map, Saved, Seen;
  for (unsigned I = 0; I < 1500; I++) { // more than one step of building
    std::string Key = "first " + std::to_string(I);
    CHECK(pkv_put(Tree, nullptr, as_pkv(Key), as_pkv("a b"), 0) == 1);
    Map[Key] = "a b";
  }
  CHECK(!openIndex(false, 0) && errno == ENOENT);
  CHECK((Words = openIndex(false)) && (Only = openIndex(true)));
  CHECK(!pkv_trees(
      Store, [](void *, const char *Name) { return int(*Name); }, nullptr));
  // Two pairs under one key: there is no such unique index, nor anything of it.
  CHECK(
      !pkv_index_open(Tree, "not", extract, nullptr, PKV_CREATE | PKV_UNIQUE) &&
      errno == EEXIST);
  CHECK(pkv_index_drop(Tree, "not") < 0 && errno == ENOENT);
  pkv_txn *Txn = nullptr, *Snapshot = nullptr;
  for (unsigned I = 0; I < Operations; I++) {
    std::string Key = someKey(), Value = someValue();
    unsigned W = below(1000);
    if (W < 20) {
      if (!Txn) {
        CHECK((Txn = pkv_begin(Store, 0)));
        Saved = Map;
      } else if (below(2)) {
        CHECK(!pkv_commit(Txn));
        Txn = nullptr;
      } else {
        pkv_abort(Txn);
        Map = Saved;
        Txn = nullptr;
      }
    } else if (W < 24) {
      compare(Words, Txn, Map, false);
      compare(Only, Txn, Map, true);
    } else if (W < 26 && !Txn) {
      if (Snapshot) {
        compare(Words, Snapshot, Seen, false);
        compare(Only, Snapshot, Seen, true);
        pkv_abort(Snapshot);
        Snapshot = nullptr;
        const char *Wrong = pkv_check(Store);
        CHECK(!Wrong);
        CHECK(!pkv_lost(Store));
        if (below(3))
          openAgain(Map);
      } else {
        CHECK((Snapshot = pkv_begin(Store, PKV_RDONLY)));
        Seen = Map;
      }
    } else if (W < 30 && !Txn) {
      pkv_load *L = pkv_load_begin(Tree, 1 + below(20));
      CHECK(L);
      for (unsigned N = 0; N < 30; N++) {
        std::string Loaded = someKey();
        CHECK(!pkv_load_put(L, as_pkv(Loaded), as_pkv("loaded a")));
        Map[Loaded] = "loaded a";
      }
      CHECK(!pkv_load_end(L, nullptr));
    } else if (W < 300) {
      CHECK(pkv_del(Tree, Txn, as_pkv(Key)) == (Map.erase(Key) ? 0 : -1));
    } else if (W == 300) {
      CHECK(pkv_put(Tree, Txn, as_pkv(Key), as_pkv("refuse"), 0) < 0 &&
            errno == ECANCELED);
      std::string Long(1025, 'x');
      CHECK(pkv_put(Tree, Txn, as_pkv(Key), as_pkv(Long), 0) < 0 &&
            errno == EINVAL);
    } else {
      bool Taken = isTaken(Map, Key, Value);
      int Got = pkv_put(Tree, Txn, as_pkv(Key), as_pkv(Value), 0);
      CHECK(Got == (Taken ? -1 : !Map.count(Key)) &&
            (!Taken || errno == EEXIST));
      if (!Taken)
        Map[Key] = Value;
    }
  }
  if (Txn)
    CHECK(!pkv_commit(Txn));
  pkv_abort(Snapshot);
  openAgain(Map);
  compare(Words, nullptr, Map, false);
  compare(Only, nullptr, Map, true);
  const char *Wrong = pkv_check(Store);
  CHECK(!Wrong);
  CHECK(!pkv_index_drop(Tree, "words") && !pkv_index_drop(Tree, "only"));
  CHECK(!pkv_index_cursor_open(Only, nullptr) && errno == ENOENT);
  CHECK(pkv_put(Tree, nullptr, as_pkv("k"), as_pkv("refuse"), 0) >= 0);
  CHECK(!pkv_lost(Store));
  std::printf("%zu pairs\n", Map.size());
  pkv_close(Store);
  return 0;
}

int check() {
  openStore();
  CHECK((Words = openIndex(false)));
  for (const char *Value : {"a b", "b c", "d"})
    CHECK(pkv_put(Tree, nullptr, as_pkv("k"), as_pkv(Value), 0) >= 0);
  const char *Wrong = pkv_check(Store);
  std::puts(Wrong ? Wrong : "nothing");
  pkv_close(Store);
  return Wrong ? 1 : 0;
}

/// The index is what the pairs say.
void compareAll() {
  pairs Map;
  pkv_cursor *C = pkv_cursor_open(Tree, nullptr);
  CHECK(C);
  struct pkv_bytes Key, Value;
  for (int On = pkv_first(C); On; On = pkv_next(C)) {
    CHECK(!pkv_pair(C, &Key, &Value));
    Map[text(Key)] = text(Value);
  }
  pkv_cursor_close(C);
  compare(Words, nullptr, Map, false);
  const char *Wrong = pkv_check(Store);
  CHECK(!Wrong);
}

/// The file stays as long as it is, and what is free in it is used up.
void fill() {
  struct pkv_stat Stat;
  CHECK(!pkv_stat(Tree, nullptr, &Stat));
  struct rlimit Limit = {rlim_t(Stat.file_bytes), RLIM_INFINITY};
  CHECK(!setrlimit(RLIMIT_FSIZE, &Limit));
  pkv_tree *Other = pkv_tree_open(Store, "filling", 0);
  unsigned Number = 0;
  for (std::size_t Size : {100000, 10000, 1100, 800, 300, 50})
    for (;;) {
      std::string Key = "f" + std::to_string(Number++), Value(Size, 'x');
      if (pkv_put(Other, nullptr, as_pkv(Key), as_pkv(Value), 0) < 0)
        break;
    }
}

void makeRoom() {
  struct rlimit Limit = {RLIM_INFINITY, RLIM_INFINITY};
  CHECK(!setrlimit(RLIMIT_FSIZE, &Limit));
}

void change(unsigned Round) {
  for (unsigned I = 0; I < 100; I++)
    CHECK(pkv_put(Tree, nullptr, as_pkv("k" + std::to_string(I)),
                  as_pkv("round" + std::to_string(Round)), 0) >= 0);
  for (unsigned I = Round; I < 100; I += 3)
    CHECK(!pkv_del(Tree, nullptr, as_pkv("k" + std::to_string(I))));
}

int full() {
  std::signal(SIGXFSZ, SIG_IGN);
  openStore();
  CHECK(pkv_tree_open(Store, "filling", PKV_CREATE));
  change(0);
  CHECK((Words = openIndex(false)));
  change(1);
  // It is not dropped, and goes on as before.
  fill();
  CHECK(pkv_index_drop(Tree, "words") < 0 && errno != ENOENT);
  makeRoom();
  change(2);
  compareAll();
  pkv_close(Store);
  openStore();
  CHECK((Words = openIndex(false, 0)));
  compareAll();
  CHECK(!pkv_index_drop(Tree, "words"));
  // It is not made, and nothing is left of it but room.
  fill();
  CHECK(!openIndex(false) && errno != ENOENT);
  makeRoom();
  change(3);
  CHECK((Words = openIndex(false)));
  compareAll();
  pkv_close(Store);
  return 0;
}

/// What another thread's change has left of an index of which nothing else was
/// committed.
void leaveEntry() {
  pkv_tree *Entries = pkv_tree_open(Store, "\1\1words", PKV_CREATE);
  CHECK(Entries && pkv_put(Entries, nullptr, as_pkv(std::string("z\0\0k", 4)),
                           as_pkv(""), 0) == 1);
}

int left() {
  openStore();
  change(0);
  leaveEntry();
  CHECK((Words = openIndex(false)));
  compareAll();
  CHECK(!pkv_index_drop(Tree, "words"));
  leaveEntry();
  CHECK(!openIndex(false, 0) && errno == ENOENT);
  CHECK(!pkv_index_drop(Tree, "words"));
  CHECK(pkv_index_drop(Tree, "words") < 0 && errno == ENOENT);
  leaveEntry();
  pkv_close(Store);
  openStore();
  CHECK((Words = openIndex(false)));
  compareAll();
  pkv_close(Store);
  return 0;
}

/// Calls it with less memory each time, from none on, until it works; what has
/// failed for want of memory says so.
template <class Call> void withoutMemory(Call Run) {
  for (unsigned Given = 0;; Given++) {
    CHECK(Given < 100000);
    MemoryLeft = Given;
    errno = 0;
    bool Works = Run();
    int Error = errno;
    bool WasLess = !MemoryLeft;
    MemoryLeft = ~0u;
    if (Works)
      return;
    errno = Error;
    CHECK(WasLess && errno == ENOMEM && std::strstr(pkv_errormsg(), "memory"));
    CHECK(pkv_put(Tree, nullptr, as_pkv("k"), as_pkv("v w"), 0) >= 0);
  }
}

int memory() {
  openStore();
  change(0);
  CHECK((Words = openIndex(false)));
  withoutMemory([] { return !pkv_check(Store); });
  withoutMemory([] { return pkv_lost(Store) == 0; });
  withoutMemory([] { return pkv_index_drop(Tree, "words") == 0; });
  constexpr char Long[] = "a name that is longer than a string holds in itself";
  withoutMemory([&] {
    return pkv_index_open(Tree, Long, extract, nullptr, PKV_CREATE) != nullptr;
  });
  CHECK(!pkv_check(Store) && !pkv_index_drop(Tree, Long));
  pkv_close(Store);
  return 0;
}

[[noreturn]] void work(unsigned Seed) {
  Random.seed(Seed);
  openStore();
  CHECK((Words = openIndex(false))); // from here on changes are not refused
  std::thread([] {
    for (unsigned I = 0;; I++) {
      std::string Key = "beside " + std::to_string(I % 50);
      CHECK(pkv_put(Tree, nullptr, as_pkv(Key), as_pkv(std::to_string(I)), 0) >=
            0);
      usleep(20);
    }
  }).detach();
  for (;;) {
    CHECK((Words = openIndex(false)));
    for (unsigned N = below(1500); N; N--)
      CHECK(pkv_put(Tree, nullptr, as_pkv(someKey() + std::to_string(N)),
                    as_pkv("a b c d"), 0) >= 0);
    CHECK(!pkv_index_drop(Tree, "words"));
    for (unsigned N = below(1500); N; N--)
      CHECK(!pkv_del(Tree, nullptr, as_pkv(someKey() + std::to_string(N))) ||
            errno == ENOENT);
  }
}

[[noreturn]] void look() {
  openStore();
  const char *Wrong = pkv_check(Store);
  CHECK(!Wrong);
  CHECK((Words = openIndex(false))); // what was not whole is made now
  compareAll();
  _exit(0);
}

int killed(unsigned Kills) {
  for (unsigned Killed = 0; Killed < Kills; Killed++) {
    pid_t Child = fork();
    CHECK(Child >= 0);
    if (!Child)
      work(Killed);
    usleep(10000 + below(60000));
    int Status;
    kill(Child, SIGKILL);
    CHECK(waitpid(Child, &Status, 0) == Child && WIFSIGNALED(Status));
    if (!(Child = fork()))
      look();
    CHECK(waitpid(Child, &Status, 0) == Child && !Status);
  }
  std::printf("%u killed, indexes are whole\n", Kills);
  return 0;
}

} // namespace

void *operator new(std::size_t Size) {
  if (MemoryLeft != ~0u && !MemoryLeft)
    throw std::bad_alloc();
  MemoryLeft -= MemoryLeft != ~0u;
  if (void *Block = std::malloc(Size))
    return Block;
  throw std::bad_alloc();
}
void operator delete(void *Block) noexcept { std::free(Block); }
void operator delete(void *Block, std::size_t) noexcept { std::free(Block); }

int main(int argc, char **argv) {
  std::string Mode = argc < 4 ? "" : argv[1];
  Path = argc > 2 ? argv[2] : nullptr;
  if (Mode == "random" && argc > 4)
    return random(std::strtoul(argv[3], nullptr, 10),
                  unsigned(std::atoi(argv[4])));
  if (Mode == "check")
    return check();
  if (Mode == "full")
    return full();
  if (Mode == "left")
    return left();
  if (Mode == "memory")
    return memory();
  if (Mode == "kill")
    return killed(unsigned(std::atoi(argv[3])));
  return std::fputs("Usage: pkv_index random STORE SEED OPERATIONS\n"
                    "       pkv_index check|full|left|memory STORE 0\n"
                    "       pkv_index kill STORE KILLS\n",
                    stderr),
         2;
}
