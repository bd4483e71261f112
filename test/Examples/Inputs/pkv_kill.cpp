// pkv_kill.cpp - Processes that change a store are killed at random moments.
//
// pkv_kill STORE KILLS THREADS [durable]
//
// Every thread makes changes that follow from its number and theirs: one pair
// put or removed, or four in a transaction over two trees and one in a third,
// which it makes where it is not there; some of these are aborted. Two of three
// values lie in other objects. It acknowledges each in memory that the parent
// shares. Another thread holds snapshots meanwhile, so that nodes are copied
// and blocks wait. Then the process is killed. In the next, what each thread
// acknowledged is there, and nothing else, but for the change that it was about
// to make: that is there as a whole or not at all.
#include "pkv_check.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned MaxThreads = 16, Keys = 400;

struct shared {
  std::atomic<std::uint64_t> Acknowledged[MaxThreads];
};

shared *All;
const char *Path;
unsigned Threads, Durable;
std::uint64_t State = 1;

std::uint64_t mix(std::uint64_t X) {
  X = (X ^ X >> 30) * 0xbf58476d1ce4e5b9u;
  X = (X ^ X >> 27) * 0x94d049bb133111ebu;
  return X ^ X >> 31;
}

[[noreturn]] void fail(const std::string &What) {
  std::fprintf(stderr, "pkv_kill: %s\n", What.c_str());
  _exit(1);
}
[[noreturn]] void failBelow() { fail(pkv_errormsg()); }

struct store {
  pkv *All;
  pkv_tree *Trees[2];
  pkv_object *Objects[2];
};

store open() {
  store S;
  S.All = pkv_open(Path, PKV_CREATE | Durable);
  if (!S.All)
    failBelow();
  for (unsigned N = 0; N < 2; N++)
    if (!(S.Trees[N] = pkv_tree_open(S.All, N ? "second" : "", PKV_CREATE)))
      failBelow();
  for (unsigned N = 0; N < 2; N++)
    if (!(S.Objects[N] =
              pkv_object_open(S.All, N ? "far-1" : "far-0", PKV_CREATE, 0600)))
      failBelow();
  return S;
}

/// Change number I of a thread.
struct change {
  enum { Puts, Removes, Moves, Aborts } Kind;
  std::string Keys[2];
  std::string Value;
  unsigned Place;   // the object of the value; 2: none
  std::string Tree; // its pair is of "k" and the value

  change(unsigned Thread, std::uint64_t I) {
    std::uint64_t R = mix(Thread + I * MaxThreads);
    Kind = R % 8 < 4 ? Puts : R % 8 < 6 ? Removes : R % 8 < 7 ? Moves : Aborts;
    for (unsigned N = 0; N < 2; N++)
      Keys[N] = std::to_string((R >> 8) % ::Keys + N) + " of " +
                std::to_string(Thread);
    Place = unsigned((R >> 16) % 3);
    Value = std::to_string(I) + std::string((R >> 32) % 150, '.');
    Tree = "made " + std::to_string((R >> 40) % 64) + " of " +
           std::to_string(Thread);
  }
};

void put(store &S, pkv_tree *T, pkv_txn *Txn, const std::string &Key,
         const change &C, unsigned Place) {
  int Result = Place == 2 ? pkv_put(T, Txn, as_pkv(Key), as_pkv(C.Value), 0)
                          : pkv_put_in(T, Txn, as_pkv(Key), as_pkv(C.Value),
                                       S.Objects[Place], 0);
  if (Result < 0)
    failBelow();
}

void make(store &S, const change &C) {
  if (C.Kind == C.Puts) {
    put(S, S.Trees[0], nullptr, C.Keys[0], C, C.Place);
  } else if (C.Kind == C.Removes) {
    if (pkv_del(S.Trees[0], nullptr, as_pkv(C.Keys[0])) && errno != ENOENT)
      failBelow();
  } else {
    pkv_txn *Txn = pkv_begin(S.All, 0);
    if (!Txn)
      failBelow();
    unsigned Place = C.Place; // another one each time
    for (pkv_tree *T : S.Trees)
      for (const std::string &Key : C.Keys)
        put(S, T, Txn, Key, C, Place++ % 3);
    pkv_tree *Made = pkv_tree_open(S.All, C.Tree.c_str(), PKV_CREATE);
    if (!Made)
      failBelow();
    put(S, Made, Txn, "k", C, Place % 3);
    if (C.Kind == C.Aborts)
      pkv_abort(Txn);
    else if (pkv_commit(Txn))
      failBelow();
  }
}

using pairs = std::map<std::string, std::string>;

void perform(pairs *Maps, const change &C) {
  if (C.Kind == C.Puts)
    Maps[0][C.Keys[0]] = C.Value;
  else if (C.Kind == C.Removes)
    Maps[0].erase(C.Keys[0]);
  else if (C.Kind == C.Moves) {
    for (unsigned N = 0; N < 2; N++)
      for (const std::string &Key : C.Keys)
        Maps[N][Key] = C.Value;
    Maps[2][C.Tree] = C.Value;
  }
}

[[noreturn]] void changeOn(store &S, unsigned Thread) {
  for (std::uint64_t I = All->Acknowledged[Thread];; I++) {
    make(S, change(Thread, I));
    All->Acknowledged[Thread] = I + 1;
  }
}

[[noreturn]] void changeProcess() {
  store S = open();
  for (unsigned I = 0; I < Threads; I++)
    std::thread([&S, I] { changeOn(S, I); }).detach();
  for (;;) {
    pkv_txn *Txn = pkv_begin(S.All, PKV_RDONLY);
    if (!Txn)
      failBelow();
    usleep(3000);
    pkv_abort(Txn);
    usleep(1000);
  }
}

using by_thread = std::vector<std::vector<pairs>>;

/// By thread: what comes behind " of " in a key, or a tree's name.
pairs &place(by_thread &Found, const std::string &Key, unsigned N) {
  std::size_t Of = Key.find(" of ");
  unsigned long Thread =
      Of == Key.npos ? Threads : std::stoul(Key.substr(Of + 4));
  if (Thread >= Threads)
    fail("a key or a tree that nobody has put: " + Key);
  return Found[Thread][N];
}

/// The pairs of a tree.
pairs read(pkv_tree *T) {
  pairs Found;
  pkv_cursor *C = pkv_cursor_open(T, nullptr);
  if (!C)
    failBelow();
  for (int On = pkv_first(C); On; On = pkv_next(C)) {
    struct pkv_bytes K, V;
    if (pkv_pair(C, &K, &V))
      failBelow();
    Found[std::string(static_cast<const char *>(K.data), K.size)] =
        std::string(static_cast<const char *>(V.data), V.size);
  }
  pkv_cursor_close(C);
  return Found;
}

by_thread found(store &S) {
  by_thread Found(Threads, std::vector<pairs>(3));
  for (unsigned N = 0; N < 2; N++)
    for (const auto &Each : read(S.Trees[N]))
      place(Found, Each.first, N)[Each.first] = Each.second;
  std::vector<std::string> Names;
  pkv_trees(
      S.All,
      [](void *All, const char *Name) {
        static_cast<std::vector<std::string> *>(All)->push_back(Name);
        return 0;
      },
      &Names);
  for (const std::string &Name : Names)
    if (!Name.compare(0, 5, "made ")) // without its pair it is seen to be wrong
      place(Found, Name, 2)[Name] =
          read(pkv_tree_open(S.All, Name.c_str(), 0))["k"];
  return Found;
}

/// What threads have done by their last acknowledgement that was seen to be
/// there.
by_thread Known;
std::vector<std::uint64_t> KnownChanges;

/// In a process of its own, which tells in shared memory whether the last
/// change is there, too.
[[noreturn]] void check(std::uint64_t *More) {
  store S = open();
  if (const char *What = pkv_check(S.All))
    fail(What);
  auto Found = found(S);
  for (unsigned T = 0; T < Threads; T++) {
    std::vector<pairs> &Maps = Known[T];
    for (std::uint64_t I = KnownChanges[T]; I < All->Acknowledged[T]; I++)
      perform(Maps.data(), change(T, I));
    More[T] = 0;
    if (Found[T] == Maps)
      continue;
    perform(Maps.data(), change(T, All->Acknowledged[T]));
    More[T] = 1;
    if (Found[T] != Maps)
      fail("thread " + std::to_string(T) + ": its pairs are not those after " +
           std::to_string(All->Acknowledged[T]) +
           " changes, nor after one more");
  }
  pkv_close(S.All);
  _exit(0);
}

std::uint64_t acknowledged() {
  std::uint64_t Sum = 0;
  for (auto &A : All->Acknowledged)
    Sum += A.load();
  return Sum;
}

pid_t start(void (*Run)()) {
  pid_t Child = fork();
  if (Child < 0)
    fail("no process");
  if (!Child)
    Run();
  return Child;
}

std::uint64_t *More;

} // namespace

int main(int argc, char **argv) {
  if (argc < 4)
    return std::fputs("Usage: pkv_kill STORE KILLS THREADS [durable]\n",
                      stderr),
           2;
  Path = argv[1];
  unsigned Kills = unsigned(std::atoi(argv[2]));
  Threads = unsigned(std::atoi(argv[3]));
  Durable = argc > 4 ? PKV_DURABLE : 0;
  if (!Threads || Threads > MaxThreads)
    fail("too many threads");
  void *Memory =
      mmap(nullptr, sizeof(shared) + MaxThreads * 8, PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (Memory == MAP_FAILED)
    fail("no memory");
  All = static_cast<shared *>(Memory);
  More = reinterpret_cast<std::uint64_t *>(All + 1);
  Known.assign(Threads, std::vector<pairs>(3));
  KnownChanges.assign(Threads, 0);
  for (unsigned Killed = 0; Killed < Kills; Killed++) {
    pid_t Child = start(changeProcess);
    std::uint64_t Target =
        acknowledged() + mix(++State) % (Durable ? 20 : 3000);
    for (unsigned Waited = 0; acknowledged() < Target; Waited++) {
      if (Waited == 60000)
        fail("nobody gets on");
      if (waitpid(Child, nullptr, WNOHANG))
        fail("the process has ended before it was killed");
      usleep(1000);
    }
    usleep(unsigned(mix(++State) % 3000));
    int Status;
    kill(Child, SIGKILL);
    if (waitpid(Child, &Status, 0) != Child || !WIFSIGNALED(Status))
      fail("the process has ended before it was killed");
    Child = start([] { check(More); });
    if (waitpid(Child, &Status, 0) != Child || Status)
      fail("found after kill " + std::to_string(Killed + 1));
    for (unsigned T = 0; T < Threads; T++) {
      std::uint64_t There = All->Acknowledged[T] + More[T];
      for (std::uint64_t I = KnownChanges[T]; I < There; I++)
        perform(Known[T].data(), change(T, I));
      KnownChanges[T] = There;
      All->Acknowledged[T] = There;
    }
  }
  std::printf("%u killed, %llu changes, all there\n", Kills,
              static_cast<unsigned long long>(acknowledged()));
}
