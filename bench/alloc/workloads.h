//===- workloads.h - What each allocator is put through ---------*- C++ -*-===//
//
// A program includes this after it has defined
//
//   struct Allocator {
//     static void begin();               // once, before everything
//     static void *allocate(size_t);     // never null
//     static void release(void *);
//   };
//
// An operation is one allocation and one free. Blocks are not written by the
// workloads, but for the one word that says where a block came from.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_ALLOC_WORKLOADS_H
#define PERDURE_BENCH_ALLOC_WORKLOADS_H

#include <atomic>
#include <benchmark/benchmark.h>
#include <memory>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <unistd.h>
#include <vector>

/// A directory on the file system that all persistent allocators use.
inline std::string temporaryDirectory() {
  const char *Where = getenv("PERDURE_BENCH_DIR");
  std::string Path = std::string(Where ? Where : "/dev/shm") + "/bench-XXXXXX";
  if (!mkdtemp(Path.data())) {
    perror(Path.c_str());
    exit(1);
  }
  return Path;
}

[[noreturn]] inline void stop(const char *What, const char *Why) {
  fprintf(stderr, "bench: %s: %s\n", What, Why);
  exit(1);
}

/// A generator that costs next to nothing.
struct Random {
  uint64_t State;
  uint64_t next() {
    State ^= State << 13;
    State ^= State >> 7;
    State ^= State << 17;
    return State;
  }
  /// 16 to 1,024 bytes; each power of two as likely as the next.
  size_t size() {
    uint64_t R = next();
    size_t Least = (size_t)16 << (R >> 32) % 6;
    return Least + R % Least;
  }
};

/// The block that was allocated last is freed at once.
static void pairs(benchmark::State &State) {
  size_t Bytes = (size_t)State.range(0);
  for (auto _ : State) {
    void *P = Allocator::allocate(Bytes);
    benchmark::DoNotOptimize(P);
    Allocator::release(P);
  }
}

/// A thousand blocks, freed in the order of their allocation.
static void batches(benchmark::State &State) {
  constexpr size_t Count = 1000;
  size_t Bytes = (size_t)State.range(0);
  std::vector<void *> Blocks(Count);
  while (State.KeepRunningBatch(Count)) {
    for (void *&P : Blocks)
      P = Allocator::allocate(Bytes);
    for (void *P : Blocks)
      Allocator::release(P);
  }
}

/// Blocks of many sizes; each operation replaces one of those that live.
static void replaces(benchmark::State &State) {
  Random R{0x9e3779b97f4a7c15u * (uint64_t)(State.thread_index() + 1)};
  std::vector<void *> Live((size_t)State.range(0));
  for (void *&P : Live)
    P = Allocator::allocate(R.size());
  for (auto _ : State) {
    void *&P = Live[R.next() % Live.size()];
    Allocator::release(P);
    P = Allocator::allocate(R.size());
  }
  for (void *P : Live)
    Allocator::release(P);
}

/// As larson: what one thread allocates another frees. The blocks that live
/// belong to nobody; each operation puts a block in place of another.
static void passes(benchmark::State &State) {
  constexpr size_t Count = 4096;
  static std::unique_ptr<std::atomic<void *>[]> Live;
  Random R{0x9e3779b97f4a7c15u * (uint64_t)(State.thread_index() + 1)};
  if (State.thread_index() == 0) {
    Live.reset(new std::atomic<void *>[Count]);
    for (size_t I = 0; I < Count; ++I)
      Live[I] = Allocator::allocate(R.size());
  }
  for (auto _ : State) {
    void *P = Allocator::allocate(R.size());
    Allocator::release(Live[R.next() % Count].exchange(P));
  }
  if (State.thread_index() == 0)
    for (size_t I = 0; I < Count; ++I)
      Allocator::release(Live[I]);
}

int main(int Argc, char **Argv) {
  for (int Bytes : {16, 64, 256, 1024, 65536})
    benchmark::RegisterBenchmark("pair", pairs)->Arg(Bytes)->UseRealTime();
  benchmark::RegisterBenchmark("batch", batches)->Arg(64)->UseRealTime();
  benchmark::RegisterBenchmark("replace", replaces)->Arg(10000)->UseRealTime();
  benchmark::RegisterBenchmark("pair", pairs)
      ->Arg(64)
      ->Threads(2)
      ->UseRealTime();
  benchmark::RegisterBenchmark("replace", replaces)
      ->Arg(10000)
      ->Threads(2)
      ->UseRealTime();
  benchmark::RegisterBenchmark("pass", passes)->Threads(2)->UseRealTime();
  benchmark::Initialize(&Argc, Argv);
  Allocator::begin();
  benchmark::RunSpecifiedBenchmarks();
}

#endif // PERDURE_BENCH_ALLOC_WORKLOADS_H
