// pkv_processes.cpp - Processes that share a store are killed at random moments.
//
// pkv_processes STORE KILLS WRITERS READERS [durable]
//
// A writer counts: each of its transactions adds one to a number that all writers
// share, in two trees; writes down how far it is itself; and puts or removes some of
// its pairs, all of which follow from its number and its transaction's. Some it
// begins and aborts. Without `durable` half of the values lie in another object. What
// it has committed it acknowledges in memory that the parent shares.
//
// A reader takes snapshots, and all of each has to be what the writers' numbers in it
// say, the common number their sum, and no number less than what was acknowledged
// before. It holds each for a while, and then it has to be the same.
//
// Writers and readers are killed, and others take their places. A process that
// only has the store open stays until the end, so nobody begins anew. Then
// one more writer frees what the dead have kept.
#include "pkv_check.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned Most = 8, Keys = 120;

struct shared {
  std::atomic<std::uint64_t> Acknowledged[Most]; // transactions of each writer
  std::atomic<std::uint64_t> Snapshots;          // that were found right
  std::atomic<unsigned> Ready;
};

shared *All;
const char *Path;
unsigned Writers, Readers, Durable;
std::uint64_t State = 1;

std::uint64_t mix(std::uint64_t X) {
  X = (X ^ X >> 30) * 0xbf58476d1ce4e5b9u;
  X = (X ^ X >> 27) * 0x94d049bb133111ebu;
  return X ^ X >> 31;
}

[[noreturn]] void fail(const std::string &What) {
  std::fprintf(stderr, "pkv_processes: %s\n", What.c_str());
  _exit(1);
}
[[noreturn]] void failBelow() { fail(std::string("error: ") + pkv_errormsg()); }

struct store {
  pkv *All;
  pkv_tree *Trees[2];
  pkv_object *Far; // null: none
};

store open(unsigned Flags) {
  store S;
  S.All = pkv_open(Path, Flags);
  if (!S.All)
    failBelow();
  for (unsigned N = 0; N < 2; N++)
    if (!(S.Trees[N] = pkv_tree_open(S.All, N ? "second" : "",
                                     Flags & PKV_RDONLY ? 0 : PKV_CREATE)))
      failBelow();
  S.Far = nullptr;
  if (!(Flags & PKV_RDONLY) && !Durable &&
      !(S.Far = pkv_object_open(S.All, "far", PKV_CREATE, 0600)))
    failBelow();
  return S;
}

void put(store &S, unsigned T, pkv_txn *Txn, const std::string &Key,
         const std::string &Value) {
  bool Far = S.Far && mix(Value.size() + std::uint64_t(Value[0])) & 1;
  if ((Far ? pkv_put_in(S.Trees[T], Txn, as_pkv(Key), as_pkv(Value), S.Far, 0)
           : pkv_put(S.Trees[T], Txn, as_pkv(Key), as_pkv(Value), 0)) < 0)
    failBelow();
}

std::uint64_t number(pkv_tree *T, pkv_txn *Txn, const std::string &Key) {
  char Text[32] = {};
  if (pkv_get(T, Txn, as_pkv(Key), Text, sizeof(Text) - 1) >= 0)
    return std::strtoull(Text, nullptr, 10);
  if (errno != ENOENT)
    failBelow();
  return 0;
}

std::string doneBy(unsigned Writer) { return "done by " + std::to_string(Writer); }

// ===- What a writer's transactions do -----------------------------------===

/// Calls Put(tree, key, value) and Remove(tree, key).
template <class Put, class Remove>
void transaction(unsigned Writer, std::uint64_t I, Put P, Remove R) {
  std::uint64_t Random = mix(Writer + I * Most + 1);
  for (unsigned N = 0; N < 1 + Random % 4; N++) {
    std::uint64_t One = mix(Random + N);
    std::string Key =
        std::to_string(One % Keys) + " of " + std::to_string(Writer);
    if (One >> 8 & 3)
      P(One >> 16 & 1, Key, std::to_string(I) + std::string(One >> 24 & 255, '.'));
    else
      R(One >> 16 & 1, Key);
  }
}

using pairs = std::map<std::string, std::string>;

/// The pairs after so many transactions of each writer.
struct model {
  std::vector<std::uint64_t> Done = std::vector<std::uint64_t>(Most);
  pairs Trees[2];

  void goOnTo(unsigned Writer, std::uint64_t I) {
    for (; Done[Writer] < I; Done[Writer]++)
      transaction(
          Writer, Done[Writer],
          [&](unsigned T, const std::string &Key, const std::string &Value) {
            Trees[T][Key] = Value;
          },
          [&](unsigned T, const std::string &Key) { Trees[T].erase(Key); });
    Trees[0][doneBy(Writer)] = std::to_string(I);
  }
  void end() {
    std::uint64_t Sum = 0;
    for (unsigned W = 0; W < Writers; W++)
      Sum += Done[W];
    for (pairs &T : Trees)
      T["sum"] = std::to_string(Sum);
  }
};

pairs all(pkv_tree *T, pkv_txn *Txn) {
  pairs Found;
  pkv_cursor *C = pkv_cursor_open(T, Txn);
  if (!C)
    failBelow();
  for (int On = pkv_first(C); On; On = pkv_next(C)) {
    struct pkv_bytes K, V;
    if (pkv_pair(C, &K, &V))
      failBelow();
    Found.emplace(std::string(static_cast<const char *>(K.data), K.size),
                  std::string(static_cast<const char *>(V.data), V.size));
  }
  pkv_cursor_close(C);
  return Found;
}

/// All of what the transaction sees.
void compare(store &S, pkv_txn *Txn, model &M, const char *When) {
  for (unsigned W = 0; W < Writers; W++) {
    std::uint64_t Done = number(S.Trees[0], Txn, doneBy(W));
    if (Done < M.Done[W])
      fail(std::string(When) + ": a writer is less far than it was");
    M.goOnTo(W, Done);
  }
  M.end();
  for (unsigned T = 0; T < 2; T++) {
    pairs Found = all(S.Trees[T], Txn);
    for (unsigned W = 0; W < Writers; W++) // before the first
      if (!T && !M.Done[W])
        Found.emplace(doneBy(W), "0");
    Found.emplace("sum", "0");
    if (Found != M.Trees[T])
      fail(std::string(When) + ": not what its numbers say, in tree " +
           std::to_string(T));
  }
}

// ===- Processes ---------------------------------------------------------===

void writeOnce(store &S, unsigned Writer, std::uint64_t I) {
  pkv_txn *Txn = pkv_begin(S.All, 0);
  if (!Txn)
    failBelow();
  transaction(
      Writer, I,
      [&](unsigned T, const std::string &Key, const std::string &Value) {
        put(S, T, Txn, Key, Value);
      },
      [&](unsigned T, const std::string &Key) {
        if (pkv_del(S.Trees[T], Txn, as_pkv(Key)) && errno != ENOENT)
          failBelow();
      });
  for (unsigned T = 0; T < 2; T++)
    put(S, T, Txn, "sum", std::to_string(number(S.Trees[T], Txn, "sum") + 1));
  put(S, 0, Txn, doneBy(Writer), std::to_string(I + 1));
  if (pkv_commit(Txn))
    failBelow();
}

void abortOnce(store &S, unsigned Writer) {
  pkv_txn *Txn = pkv_begin(S.All, 0);
  if (!Txn)
    failBelow();
  for (unsigned N = 0; N < 5; N++)
    put(S, N % 2, Txn, std::to_string(N) + " of " + std::to_string(Writer),
        "aborted");
  pkv_abort(Txn);
}

[[noreturn]] void write(unsigned Writer) {
  store S = open(PKV_SHARED | PKV_CREATE | Durable);
  std::uint64_t I = All->Acknowledged[Writer];
  // The one that died may have committed one more, which the others know by now or
  // whoever writes next will.
  pkv_txn *Txn = pkv_begin(S.All, 0);
  if (!Txn)
    failBelow();
  std::uint64_t Done = number(S.Trees[0], Txn, doneBy(Writer));
  pkv_abort(Txn);
  if (Done != I && Done != I + 1)
    fail("a writer had done " + std::to_string(I) + ", and " +
         std::to_string(Done) + " are there");
  for (I = Done;; I++) {
    All->Acknowledged[Writer] = I;
    if (mix(I) % 8 == 0)
      abortOnce(S, Writer);
    writeOnce(S, Writer, I);
  }
}

[[noreturn]] void read(unsigned Reader) {
  store S = open(PKV_SHARED | PKV_RDONLY);
  model M;
  for (std::uint64_t Round = Reader;; Round++) {
    std::vector<std::uint64_t> Least;
    for (auto &A : All->Acknowledged)
      Least.push_back(A);
    if (number(S.Trees[0], nullptr, doneBy(0)) < Least[0])
      fail("a value is older than what was acknowledged");
    pkv_txn *Txn = pkv_begin(S.All, PKV_RDONLY);
    if (!Txn)
      failBelow();
    compare(S, Txn, M, "a snapshot");
    for (unsigned W = 0; W < Writers; W++)
      if (M.Done[W] < Least[W])
        fail("a snapshot is older than what was acknowledged");
    pkv_txn *Second = pkv_begin(S.All, PKV_RDONLY);
    usleep(unsigned(mix(Round) % 4000));
    model Again = M;
    compare(S, Txn, Again, "a snapshot that was held");
    if (Again.Done != M.Done)
      fail("a snapshot goes on");
    pkv_abort(Txn);
    compare(S, Second, M, "the second snapshot");
    pkv_abort(Second);
    All->Snapshots++;
  }
}

[[noreturn]] void keep() {
  open(PKV_SHARED | PKV_RDONLY);
  All->Ready = 1;
  for (;;)
    pause();
}

/// In the end, beside the one that keeps it open.
[[noreturn]] void cleanUp() {
  store S = open(PKV_SHARED | Durable);
  // Read in the transaction: the last commit of one that died may be still untold, and
  // then the number before it is there until somebody begins to write.
  for (unsigned I = 0; I < 200; I++) {
    pkv_txn *Txn = pkv_begin(S.All, 0);
    if (!Txn)
      failBelow();
    std::string Sum = std::to_string(number(S.Trees[0], Txn, "sum"));
    put(S, 0, Txn, "sum", Sum);
    if (S.Far && pkv_put_in(S.Trees[1], Txn, as_pkv("sum"), as_pkv(Sum), S.Far, 0))
      failBelow();
    if (pkv_commit(Txn))
      failBelow();
  }
  struct pkv_stat Stat;
  if (pkv_stat(S.Trees[0], nullptr, &Stat))
    failBelow();
  // What one transaction takes out waits for the next.
  if (Stat.waiting > 50)
    fail(std::to_string(Stat.waiting) + " blocks wait for readers that are dead");
  struct pkv_object_stat Far = {};
  if (S.Far && (pkv_object_stat(S.Far, &Far) || Far.error))
    failBelow();
  if (Far.waiting > 50)
    fail(std::to_string(Far.waiting) +
         " values wait for readers that are dead");
  if (const char *What = pkv_check(S.All))
    fail(What);
  pkv_close(S.All);
  _exit(0);
}

/// When nobody has it open: all is as with one process.
[[noreturn]] void check() {
  store S = open(0);
  if (const char *What = pkv_check(S.All))
    fail(What);
  pkv_txn *Txn = pkv_begin(S.All, PKV_RDONLY);
  model M;
  compare(S, Txn, M, "the end");
  pkv_abort(Txn);
  for (unsigned W = 0; W < Writers; W++)
    if (M.Done[W] != All->Acknowledged[W] && M.Done[W] != All->Acknowledged[W] + 1)
      fail("in the end a writer had acknowledged something else");
  pkv_close(S.All);
  _exit(0);
}

template <class Body> pid_t start(Body Run) {
  pid_t Parent = getpid(), Child = fork();
  if (Child < 0)
    fail("no process");
  if (Child)
    return Child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != Parent) // it has failed already
    _exit(1);
  Run();
  _exit(1);
}

void end(pid_t Child) {
  int Status;
  kill(Child, SIGKILL);
  if (waitpid(Child, &Status, 0) != Child || !WIFSIGNALED(Status) ||
      WTERMSIG(Status) != SIGKILL)
    fail("a process has ended before it was killed");
}

void expect(pid_t Child) {
  int Status;
  if (waitpid(Child, &Status, 0) != Child || Status)
    fail("that was in the end");
}

std::uint64_t progress() {
  std::uint64_t Sum = All->Snapshots;
  for (auto &A : All->Acknowledged)
    Sum += A;
  return Sum;
}

template <class Done> void await(Done D) {
  for (unsigned Waited = 0; !D(); Waited++) {
    if (Waited == 60000)
      fail("nobody gets on");
    usleep(1000);
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 5)
    return std::fputs(
               "Usage: pkv_processes STORE KILLS WRITERS READERS [durable]\n",
               stderr),
           2;
  Path = argv[1];
  unsigned Kills = unsigned(std::atoi(argv[2]));
  Writers = unsigned(std::atoi(argv[3]));
  Readers = unsigned(std::atoi(argv[4]));
  Durable = argc > 5 ? PKV_DURABLE : 0;
  if (!Writers || Writers > Most)
    fail("too many writers");
  void *Memory = mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (Memory == MAP_FAILED)
    fail("no memory");
  All = static_cast<shared *>(Memory);
  expect(start([] {
    store S = open(PKV_SHARED | PKV_CREATE | Durable);
    pkv_close(S.All);
    _exit(0);
  }));
  pid_t Keeper = start(keep);
  await([] { return All->Ready == 1; });
  std::vector<pid_t> Processes;
  auto run = [&](unsigned N) {
    return start([N] { N < Writers ? write(N) : read(N); });
  };
  for (unsigned N = 0; N < Writers + Readers; N++)
    Processes.push_back(run(N));
  for (unsigned Killed = 0; Killed < Kills; Killed++) {
    std::uint64_t Target = progress() + 1 + mix(++State) % 40;
    await([&] { return progress() >= Target; });
    usleep(unsigned(mix(++State) % 3000));
    unsigned N = unsigned(mix(++State) % Processes.size());
    end(Processes[N]);
    Processes[N] = run(N);
  }
  for (pid_t Each : Processes)
    end(Each);
  expect(start(cleanUp));
  end(Keeper);
  expect(start(check));
  std::uint64_t Done = 0;
  for (auto &A : All->Acknowledged)
    Done += A;
  if (!All->Snapshots || !Done)
    fail("nothing was done");
  std::printf("%u killed, %llu transactions and %llu snapshots, all right\n", Kills,
              static_cast<unsigned long long>(Done),
              static_cast<unsigned long long>(All->Snapshots.load()));
}
