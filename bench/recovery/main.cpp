//===- main.cpp - How long a store of examples/pkv takes to open ----------===//
//
// A process that has never seen the store opens it and reads one value. Before,
// the store was closed ("closed"), or its process was killed while it updated
// random records, one in each transaction ("killed"), or all in one that goes
// on
// ("killed in a transaction"). Then recovery is in the time. Environment:
//   BENCH_RECORDS        how many there are, of 100 bytes
//   BENCH_UPDATES        at least so many before one is killed: 30,000; with
//                        commits that wait for a disk a sixtieth
//   BENCH_DURABLE=1      commits survive a power failure
//   PERDURE_BENCH_DIR    where the store goes
//
// What was in the page cache is there: this is about processes that die, not
// about machines that start.
//
//===----------------------------------------------------------------------===//

#include "pkv.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <filesystem>
#include <functional>
#include <random>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned Processes = 9;

[[noreturn]] void stop(const char *What, const char *Why) {
  fprintf(stderr, "recovery: %s: %s\n", What, Why);
  _exit(1);
}

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

uint64_t number(const char *Name, uint64_t Default) {
  const char *Text = getenv(Name);
  return Text ? strtoull(Text, nullptr, 10) : Default;
}

/// What children tell.
struct Told {
  uint64_t Nanoseconds;
  bool Ready; // to be killed
};

class Bench {
  const uint64_t Records = number("BENCH_RECORDS", 1000);
  const unsigned Flags = number("BENCH_DURABLE", 0) ? PKV_DURABLE : 0;
  std::string Directory;
  Told *Shared;

  std::string store() const { return Directory + "/store"; }

  struct Opened {
    pkv *All;
    pkv_tree *Tree;
  };
  Opened open() const {
    pkv *All = check(pkv_open(store().c_str(), Flags), "pkv_open");
    return {All, check(pkv_tree_open(All, "", 0), "pkv_tree_open")};
  }

  /// In its own order: at random places of the tree.
  static std::string key(uint64_t Record) {
    char Text[24];
    snprintf(Text, sizeof(Text), "%016llx",
             static_cast<unsigned long long>(Record * 0x9e3779b97f4a7c15u));
    return Text;
  }
  static void put(const Opened &In, pkv_txn *Txn, uint64_t Record, char Fill) {
    std::string Key = key(Record), Value(100, Fill);
    check(pkv_put(In.Tree, Txn, {Key.data(), Key.size()},
                  {Value.data(), Value.size()}, 0),
          "pkv_put");
  }

  /// Runs Body in a process of its own, which ends by itself or is killed when
  /// it says that it is ready.
  void inProcess(const std::function<void()> &Body, bool Killed) {
    Shared->Ready = false;
    pid_t Child = fork();
    if (Child < 0)
      stop("fork", "no process");
    if (!Child) {
      Body();
      _exit(0);
    }
    int Status;
    if (Killed) {
      while (!__atomic_load_n(&Shared->Ready, __ATOMIC_ACQUIRE)) {
        if (waitpid(Child, &Status, WNOHANG) == Child)
          stop("a writer", "it ended before it was killed");
        usleep(100);
      }
      kill(Child, SIGKILL);
    }
    if (waitpid(Child, &Status, 0) != Child ||
        (Killed ? !WIFSIGNALED(Status)
                : !WIFEXITED(Status) || WEXITSTATUS(Status)))
      stop("a process", "it failed");
  }

  /// Without waiting for a disk: that is not what is timed.
  void load() const {
    pkv *All = check(pkv_open(store().c_str(), PKV_CREATE), "pkv_open");
    Opened In = {All, check(pkv_tree_open(All, "", 0), "pkv_tree_open")};
    for (uint64_t At = 0; At < Records;) {
      pkv_txn *Txn = check(pkv_begin(In.All, 0), "pkv_begin");
      for (unsigned I = 0; I < 1000 && At < Records; ++I, ++At)
        put(In, Txn, At, 'a');
      check(pkv_commit(Txn), "pkv_commit");
    }
    pkv_close(In.All);
    sync();
  }

  /// Until it is killed.
  [[noreturn]] void update(unsigned Seed, bool InTransaction) {
    Opened In = open();
    std::mt19937_64 Random(Seed);
    pkv_txn *Txn =
        InTransaction ? check(pkv_begin(In.All, 0), "pkv_begin") : nullptr;
    uint64_t Least = number("BENCH_UPDATES", 30000);
    if (Flags && !InTransaction)
      Least = (Least + 59) / 60;
    uint64_t Until = Least + Random() % Least;
    for (uint64_t I = 0;; ++I) {
      put(In, Txn, Random() % Records, static_cast<char>('a' + I % 26));
      if (I == Until)
        __atomic_store_n(&Shared->Ready, true, __ATOMIC_RELEASE);
      if (InTransaction && I > Until)
        pause();
    }
  }

  /// Opens it, and closes it.
  void measure() {
    std::string Key = key(Records / 2);
    char Value[100];
    auto Begun = Clock::now();
    Opened In = open();
    check(pkv_get(In.Tree, nullptr, {Key.data(), Key.size()}, Value,
                  sizeof(Value)),
          "pkv_get");
    Shared->Nanoseconds = static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() -
                                                             Begun)
            .count());
    if (const char *Wrong = Records <= 10000 ? pkv_check(In.All) : nullptr)
      stop("pkv_check", Wrong);
    pkv_close(In.All);
  }

public:
  Bench() {
    const char *Where = getenv("PERDURE_BENCH_DIR");
    Directory = std::string(Where ? Where : "/dev/shm") + "/recovery-XXXXXX";
    void *Memory = mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!mkdtemp(Directory.data()) || Memory == MAP_FAILED)
      stop(Directory.c_str(), "cannot make a directory there");
    Shared = static_cast<Told *>(Memory);
    inProcess([&] { load(); }, false);
  }
  ~Bench() { std::filesystem::remove_all(Directory); }

  enum Way { Closed, Killed, KilledInTransaction };
  double run(Way How) {
    std::vector<uint64_t> Times;
    for (unsigned I = 0; I < Processes; ++I) {
      if (How != Closed)
        inProcess([&] { update(I, How == KilledInTransaction); }, true);
      inProcess([&] { measure(); }, false);
      Times.push_back(Shared->Nanoseconds);
    }
    std::sort(Times.begin(), Times.end());
    return double(Times[Processes / 2]) * 1e-9;
  }
};

void add(const char *Name, Bench &In, Bench::Way How) {
  benchmark::RegisterBenchmark(Name,
                               [&In, How](benchmark::State &State) {
                                 for (auto _ : State)
                                   State.SetIterationTime(In.run(How));
                               })
      ->UseManualTime()
      ->Iterations(1);
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  Bench In;
  add("closed", In, Bench::Closed);
  add("killed", In, Bench::Killed);
  add("killed in a transaction", In, Bench::KilledInTransaction);
  benchmark::RunSpecifiedBenchmarks();
}
