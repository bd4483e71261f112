//===- main.cpp - Times one system's transactions -------------------------===//
//
// One row for each structure. Before it is timed, a fixed number of operations
// is counted: syncs, lines flushed, fences, bytes of the log, and a checksum of
// what they leave, which is the same for every system.
//
//===----------------------------------------------------------------------===//

#include "flushes.h"
#include "tx.h"

#include <benchmark/benchmark.h>
#include <filesystem>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned Counted = 100;
uint64_t Syncs;
bool Building; // nothing is synced then: how long that takes is not the matter

std::vector<tx::Structure> &structures() {
  static std::vector<tx::Structure> All;
  return All;
}

void run(benchmark::State &State, const tx::Structure &S) {
  static const char *Where = getenv("PERDURE_BENCH_DIR");
  std::string Dir = std::string(Where ? Where : "/dev/shm") + "/bench-XXXXXX";
  if (!mkdtemp(Dir.data()))
    stop(Dir.c_str(), "cannot make a directory there");
  // Google Benchmark asks several times for how long an operation takes: what
  // an earlier call has built is used again.
  static const tx::Structure *Built;
  static Random Dice(0);
  static uint64_t Checksum, SyncsCounted, LogCounted;
  static Flushes FlushesCounted;
  if (Built != &S) {
    Built = &S;
    Building = true;
    S.Build(Dir);
    Building = false;
    sync();
    Dice = Random(7);
    uint64_t SyncsBefore = Syncs, LogBefore = tx::logBytes();
    Flushes Before = Flushed;
    for (unsigned I = 0; I != Counted; ++I)
      S.Operation(Dice);
    FlushesCounted = {Flushed.Lines - Before.Lines,
                      Flushed.Fences - Before.Fences};
    SyncsCounted = Syncs - SyncsBefore;
    LogCounted = tx::logBytes() - LogBefore;
    Checksum = S.Check();
  }
  std::filesystem::remove_all(Dir); // mapped as it is, it needs no name
  for (auto _ : State)
    S.Operation(Dice);
  State.counters["checksum"] = static_cast<double>(Checksum & 0xFFFFFFFF);
  State.counters["syncs"] = static_cast<double>(SyncsCounted) / Counted;
  State.counters["lines"] = static_cast<double>(FlushesCounted.Lines) / Counted;
  State.counters["fences"] =
      static_cast<double>(FlushesCounted.Fences) / Counted;
  State.counters["log bytes"] = static_cast<double>(LogCounted) / Counted;
}

} // namespace

void stop(const char *What, const char *Why) {
  fprintf(stderr, "%s: %s\n", What, Why);
  exit(1);
}

bool durable() {
  const char *Durable = getenv("BENCH_DURABLE");
  return Durable && *Durable == '1';
}

tx::Registration::Registration(const Structure &S) {
  structures().push_back(S);
}

// The libraries' calls of these meet the program's first.
extern "C" {
__attribute__((visibility("default"))) int fdatasync(int File) {
  if (Building)
    return 0;
  ++Syncs;
  return static_cast<int>(syscall(SYS_fdatasync, File));
}
__attribute__((visibility("default"))) int fsync(int File) {
  if (Building)
    return 0;
  ++Syncs;
  return static_cast<int>(syscall(SYS_fsync, File));
}
__attribute__((visibility("default"))) int msync(void *P, size_t Bytes,
                                                 int Flags) {
  if (Building)
    return 0;
  ++Syncs;
  return static_cast<int>(syscall(SYS_msync, P, Bytes, Flags));
}
}

int main(int Argc, char **Argv) {
  for (const tx::Structure &S : structures())
    benchmark::RegisterBenchmark(S.Name, [&S](benchmark::State &State) {
      run(State, S);
    })->UseRealTime();
  benchmark::Initialize(&Argc, Argv);
  benchmark::RunSpecifiedBenchmarks();
}
