// pkv_threads.cpp - Threads that write, read and take snapshots of one store.
//
// pkv_threads STORE WRITERS READERS OPERATIONS
//
// Writers move amounts between accounts in transactions, so the sum stays, and
// each numbers keys of its own one after the other, alone. A snapshot and a
// cursor see the sum; whoever reads a number sees none smaller than before. All
// make the same trees, alone and in transactions.
#include "pkv_check.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr unsigned Accounts = 500, Amount = 1000, Numbered = 200;

pkv *Store;
pkv_tree *Bank, *Numbers;
std::atomic<bool> Done{false};
std::atomic<unsigned long> Read{0};

long number(struct pkv_bytes B) {
  return std::stol(std::string(static_cast<const char *>(B.data), B.size));
}
std::string account(unsigned I) { return "account " + std::to_string(I); }
std::string numbered(unsigned Writer, unsigned I) {
  return std::to_string(I) + " of writer " + std::to_string(Writer);
}

/// Values grow and shrink, so that their places change.
std::string padded(long N) {
  return std::to_string(N) + std::string(N % 50, ' ');
}

long get(pkv_tree *T, const std::string &Key) {
  char Buffer[100] = {};
  ptrdiff_t Size = pkv_get(T, nullptr, as_pkv(Key), Buffer, sizeof(Buffer) - 1);
  return Size < 0 ? -1 : std::atol(Buffer);
}

void move(std::mt19937 &Random) {
  pkv_txn *Txn = nullptr;
  while (!Txn) {
    Txn = pkv_begin(Store, Random() % 2 ? 0 : PKV_NOWAIT);
    CHECK(Txn || errno == EBUSY);
  }
  for (unsigned N = 1 + Random() % 5; N; N--) {
    std::string From = account(Random() % Accounts),
                To = account(Random() % Accounts);
    struct pkv_bytes Value;
    CHECK(!pkv_see(Bank, Txn, as_pkv(From), &Value));
    long Has = number(Value), Moved = Has ? long(Random() % Has) : 0;
    CHECK(!pkv_put(Bank, Txn, as_pkv(From), as_pkv(padded(Has - Moved)), 0));
    CHECK(!pkv_see(Bank, Txn, as_pkv(To), &Value));
    CHECK(!pkv_put(Bank, Txn, as_pkv(To), as_pkv(padded(number(Value) + Moved)),
                   0));
  }
  if (Random() % 4)
    CHECK(!pkv_commit(Txn));
  else
    pkv_abort(Txn);
}

/// A transaction of one change, which is made when it is prepared.
void pad(std::mt19937 &Random) {
  std::string Of = account(Random() % Accounts);
  pkv_txn *Txn = pkv_begin(Store, 0);
  struct pkv_bytes Value;
  CHECK(Txn && !pkv_see(Bank, Txn, as_pkv(Of), &Value));
  CHECK(!pkv_put(Bank, Txn, as_pkv(Of), as_pkv(padded(number(Value))), 0));
  CHECK(Random() % 2 || !pkv_prepare(Txn));
  if (Random() % 4)
    CHECK(!pkv_commit(Txn));
  else
    pkv_abort(Txn);
}

/// One of a hundred trees: it is there, or is made, and then stays or not.
void makeTree(std::mt19937 &Random) {
  std::string Name = "tree " + std::to_string(Random() % 100);
  if (Random() % 2) {
    CHECK(pkv_tree_open(Store, Name.c_str(), PKV_CREATE));
    return;
  }
  pkv_txn *Txn = pkv_begin(Store, 0);
  pkv_tree *T = pkv_tree_open(Store, Name.c_str(), PKV_CREATE);
  CHECK(Txn && T && pkv_put(T, Txn, as_pkv("k"), as_pkv("v"), 0) >= 0);
  if (Random() % 2)
    CHECK(!pkv_commit(Txn));
  else
    pkv_abort(Txn);
  CHECK(get(T, "k") == 0 || errno == EINVAL || errno == ENOENT);
}

void write(unsigned Writer, unsigned Operations) {
  std::mt19937 Random(Writer);
  for (unsigned I = 0; I < Operations; I++) {
    if (Random() % 32 == 0)
      makeTree(Random);
    if (Random() % 4 == 0)
      move(Random);
    if (Random() % 4 == 0)
      pad(Random);
    std::string Key = numbered(Writer, I % Numbered);
    if (I % 7 == 6)
      CHECK(!pkv_del(Numbers, nullptr, as_pkv(Key)) || errno == ENOENT);
    else
      CHECK(pkv_put(Numbers, nullptr, as_pkv(Key), as_pkv(padded(I)), 0) >= 0);
  }
}

void addUp(pkv_txn *Txn) {
  pkv_cursor *C = pkv_cursor_open(Bank, Txn);
  CHECK(C);
  long Sum = 0;
  unsigned Pairs = 0;
  struct pkv_bytes Value;
  for (int On = pkv_first(C); On; On = pkv_next(C), Pairs++) {
    CHECK(!pkv_pair(C, nullptr, &Value));
    Sum += number(Value);
  }
  pkv_cursor_close(C);
  CHECK(Pairs == Accounts && Sum == long(Accounts) * Amount);
}

void read(unsigned Reader, unsigned Writers) {
  std::mt19937 Random(100 + Reader);
  std::vector<long> Last(Writers * Numbered, -1);
  while (!Done) {
    switch (Random() % 8) {
    case 0:
      addUp(nullptr);
      break;
    case 1: {
      pkv_txn *Txn = pkv_begin(Store, PKV_RDONLY);
      CHECK(Txn);
      addUp(Txn);
      struct pkv_bytes Value;
      CHECK(!pkv_see(Bank, Txn, as_pkv(account(7)), &Value));
      long Seen = number(Value);
      std::this_thread::yield();
      CHECK(!pkv_see(Bank, Txn, as_pkv(account(7)), &Value));
      CHECK(number(Value) == Seen);
      addUp(Txn);
      CHECK(!pkv_commit(Txn));
      break;
    }
    default:
      for (unsigned N = 0; N < 50; N++) {
        unsigned W = Random() % Writers, I = Random() % Numbered;
        long Number = get(Numbers, numbered(W, I));
        CHECK(Number < 0 ||
              (Number % Numbered == I && Number >= Last[W * Numbered + I]));
        if (Number >= 0)
          Last[W * Numbered + I] = Number;
      }
    }
    if (Read++ % 64 == 0) {
      struct pkv_stat Stat;
      CHECK(!pkv_stat(Numbers, nullptr, &Stat));
      CHECK(!pkv_trees(
          Store, [](void *, const char *Name) { return int(Name[0] == '?'); },
          nullptr));
      const char *Wrong = pkv_check(Store);
      CHECK(!Wrong);
    }
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 5)
    return std::fputs("Usage: pkv_threads STORE WRITERS READERS OPERATIONS\n",
                      stderr),
           2;
  unsigned Writers = unsigned(std::atoi(argv[2])),
           Readers = unsigned(std::atoi(argv[3])),
           Operations = unsigned(std::atoi(argv[4]));
  Store = pkv_open(argv[1], PKV_CREATE);
  CHECK(Store);
  CHECK((Bank = pkv_tree_open(Store, "bank", PKV_CREATE)));
  CHECK((Numbers = pkv_tree_open(Store, "numbers", PKV_CREATE)));
  pkv_txn *Txn = pkv_begin(Store, 0);
  for (unsigned I = 0; I < Accounts; I++)
    CHECK(pkv_put(Bank, Txn, as_pkv(account(I)), as_pkv(padded(Amount)), 0) ==
          1);
  std::thread([] {
    CHECK(!pkv_begin(Store, PKV_NOWAIT) && errno == EBUSY);
    pkv_txn *Seen = pkv_begin(Store, PKV_RDONLY | PKV_NOWAIT);
    CHECK(Seen);
    pkv_abort(Seen);
  }).join();
  CHECK(!pkv_commit(Txn));

  std::vector<std::thread> Pool, Reading;
  for (unsigned R = 0; R < Readers; R++)
    Reading.emplace_back(read, R, Writers);
  for (unsigned W = 0; W < Writers; W++)
    Pool.emplace_back(write, W, Operations);
  // Trees are made beside all that.
  for (unsigned I = 0; I < 20; I++)
    CHECK(pkv_tree_open(Store, ("tree " + std::to_string(I)).c_str(),
                        PKV_CREATE));
  for (std::thread &T : Pool)
    T.join();
  Done = true;
  for (std::thread &T : Reading)
    T.join();
  addUp(nullptr);
  std::set<std::string> Names;
  CHECK(!pkv_trees(
      Store,
      [](void *All, const char *Name) {
        return int(
            !static_cast<std::set<std::string> *>(All)->insert(Name).second);
      },
      &Names));
  CHECK(Names.size() > 40);
  const char *Wrong = pkv_check(Store);
  CHECK(!Wrong);
  std::printf("%lu rounds of reading, the sum stays\n", Read.load());
  pkv_close(Store);
}
