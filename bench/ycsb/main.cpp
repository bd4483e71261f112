//===- main.cpp - Loads one store and runs YCSB's workloads on it ---------===//
//
// Google Benchmark gives names, filters and JSON; each row runs once, a number
// of operations that is the same for every store, so that all end with the same
// records. Environment:
//   BENCH_RECORDS, BENCH_VALUE   how many are loaded, bytes of a value
//   BENCH_OPERATIONS             of a row; a tenth in E, whose scans read 50
//   BENCH_WRITES                 at most so many write, of fewer operations
//   BENCH_DURABLE=1              each write survives a power failure
//   BENCH_ANYWHERE=1             durable rows also where that is in memory
//   BENCH_THREADS                rows have from 1 to so many, else 2
//   PERDURE_BENCH_DIR            where the files go
//
//===----------------------------------------------------------------------===//

#include "histogram.h"
#include "syncs.h"
#include "system.h"
#include "workloads.h"

#include <barrier>
#include <benchmark/benchmark.h>
#include <chrono>
#include <errno.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <linux/magic.h>
#include <mutex>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <thread>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

using namespace ycsb;
using Clock = std::chrono::steady_clock;

uint64_t number(const char *Name, uint64_t Default) {
  const char *Text = getenv(Name);
  return Text ? strtoull(Text, nullptr, 10) : Default;
}

uint64_t nanoseconds(Clock::duration D) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(D).count());
}

double seconds(Clock::duration D) {
  return std::chrono::duration<double>(D).count();
}

/// Of this process now, in bytes: a line of /proc/self/status.
double memory(const std::string &Name) {
  std::ifstream Status("/proc/self/status");
  for (std::string Line; std::getline(Status, Line);)
    if (Line.starts_with(Name + ":"))
      return strtod(Line.c_str() + Name.size() + 1, nullptr) * 1024;
  stop(Name.c_str(), "/proc/self/status does not have it");
}

/// What memory the process has: its own, and pages of files that it has mapped.
struct Memory {
  double Own = memory("RssAnon");
  double Mapped = memory("RssFile") + memory("RssShmem");
};

bool inMemory(const char *Directory) {
  struct statfs Of;
  return !statfs(Directory, &Of) && Of.f_type == TMPFS_MAGIC;
}

/// All of the file system that this directory is on, and no other one.
void syncFileSystem(const char *Directory) {
  int File = ::open(Directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (File < 0 || syncfs(File))
    stop(Directory, strerror(errno));
  close(File);
}

/// What a thread found.
struct Found {
  Histogram Reads, Writes; // scans are reads; F's writes have read before
  Checksum Read;
};

class Bench {
  Settings S;
  Values Source;
  std::unique_ptr<Store> In;
  std::unique_ptr<Counter> Records;
  double LoadSeconds = 0;
  uint64_t LoadSyncs = 0;
  Checksum Loaded;

  static std::string directory(bool Durable) {
    const char *Where = getenv("PERDURE_BENCH_DIR");
    if (!Where)
      Where = "/dev/shm";
    if (Durable && !number("BENCH_ANYWHERE", 0) && inMemory(Where))
      stop(Where, "is in memory: durable rows need a disk's file system; "
                  "bench/run --build DIR has them in DIR");
    std::string Dir = std::string(Where) + "/ycsb-XXXXXX";
    if (!mkdtemp(Dir.data()))
      stop(Dir.c_str(), "cannot make a directory there");
    return Dir;
  }

public:
  Bench()
      : S{directory(number("BENCH_DURABLE", 0) == 1),
          number("BENCH_RECORDS", 1000), number("BENCH_VALUE", 100),
          number("BENCH_DURABLE", 0) == 1},
        Source(S.ValueBytes) {}
  ~Bench() {
    In.reset();
    std::filesystem::remove_all(S.Directory);
  }

  /// Once; in transactions of a thousand records, in the order of their
  /// numbers, so at random places.
  double load() {
    if (In)
      return LoadSeconds;
    holdSyncs(true);
    uint64_t Before = syncs();
    In = open(S);
    Random Dice(2);
    Store::Batch Batch;
    Clock::duration Took{};
    for (uint64_t At = 0; At != S.Records;) {
      Batch.clear();
      for (; At != S.Records && Batch.size() != 1000; ++At)
        Batch.emplace_back(std::string_view(Key(At)), Source.next(Dice));
      auto Begin = Clock::now();
      In->load(Batch);
      Took += Clock::now() - Begin;
    }
    auto Begin = Clock::now();
    In->loaded();
    Took += Clock::now() - Begin;
    // All is read once, so that every store's caches hold what fits.
    In->handle(1)->scan("u", static_cast<unsigned>(S.Records), Loaded);
    LoadSyncs = syncs() - Before;
    // Nobody is to write back in a row what was loaded.
    writeBack(S.Directory);
    // Where nothing is durable, not even RocksDB's new files are synced.
    holdSyncs(!S.Durable);
    Records = std::make_unique<Counter>(S.Records);
    return LoadSeconds = seconds(Took);
  }

  uint64_t operations(const Workload &W) const {
    uint64_t Count = number("BENCH_OPERATIONS", 1000);
    if (W.Scan)
      Count /= 10;
    auto Writes = static_cast<double>(number("BENCH_WRITES", UINT64_MAX));
    if (W.writes() && static_cast<double>(Count) * W.writes() > Writes)
      Count = static_cast<uint64_t>(Writes / W.writes());
    return Count;
  }

  void one(Handle &H, const Operation &Op, char *Buffer, Random &Dice,
           Found &Into) {
    Key K(Op.Number);
    std::string_view New = Source.next(Dice);
    auto Begin = Clock::now();
    auto Read = [&] {
      size_t Size = H.read(K, Buffer, Source.size());
      if (Size != Source.size())
        stop("read", "the value has another size than all have");
    };
    switch (Op.What) {
    case Kind::Read:
      Read();
      break;
    case Kind::Update:
      H.update(K, New);
      break;
    case Kind::Insert:
      H.insert(K, New);
      break;
    case Kind::Scan:
      H.scan(K, Op.Length, Into.Read);
      break;
    case Kind::ReadModifyWrite:
      Read();
      H.update(K, New);
      break;
    }
    uint64_t Took = nanoseconds(Clock::now() - Begin);
    bool Reads = Op.What == Kind::Read || Op.What == Kind::Scan;
    (Reads ? Into.Reads : Into.Writes).add(Took);
    if (Op.What == Kind::Insert)
      Records->acknowledge(Op.Number);
    if (Op.What == Kind::Read || Op.What == Kind::ReadModifyWrite)
      Into.Read.add({Buffer, Source.size()});
  }

  /// The seconds that all took, and what the threads found.
  double run(const Workload &W, unsigned Threads, Found &Into, Memory &Space) {
    uint64_t Count = operations(W) / Threads;
    Clock::time_point Begin, End;
    std::barrier Ready(Threads, [&]() noexcept { Begin = Clock::now(); });
    std::barrier Done(Threads, [&]() noexcept {
      End = Clock::now();
      Space = Memory(); // handles are there still
    });
    std::mutex Lock;
    auto Thread = [&](unsigned Number) {
      uint64_t Seed =
          static_cast<uint64_t>(W.Name) * 100 + Threads * 10 + Number;
      Operations Source(W, *Records, Count * Threads, Seed);
      Random Dice(Seed + 50);
      std::unique_ptr<Handle> H = In->handle(Threads);
      std::unique_ptr<char[]> Buffer(new char[S.ValueBytes]{});
      auto Mine = std::make_unique<Found>();
      Ready.arrive_and_wait();
      for (uint64_t I = 0; I != Count; ++I)
        one(*H, Source.next(), Buffer.get(), Dice, *Mine);
      Done.arrive_and_wait();
      std::lock_guard Guard(Lock);
      Into.Reads.add(Mine->Reads);
      Into.Writes.add(Mine->Writes);
      if (Threads == 1)
        Into.Read = Mine->Read;
    };
    std::vector<std::thread> Others;
    for (unsigned I = 1; I < Threads; ++I)
      Others.emplace_back(Thread, I);
    Thread(0);
    for (std::thread &T : Others)
      T.join();
    return seconds(End - Begin);
  }

  const Settings &settings() const { return S; }
  const Checksum &loaded() const { return Loaded; }
  uint64_t loadSyncs() const { return LoadSyncs; }
  uint64_t records() const { return S.Records; }
  bool keeps() const { return In->keeps(); }

  double fileBytes() const {
    if (uint64_t Told = In->fileBytes())
      return static_cast<double>(Told);
    uint64_t Blocks = 0;
    for (const auto &File :
         std::filesystem::recursive_directory_iterator(S.Directory)) {
      struct stat Of;
      if (!stat(File.path().c_str(), &Of) && S_ISREG(Of.st_mode))
        Blocks += static_cast<uint64_t>(Of.st_blocks);
    }
    return static_cast<double>(Blocks * 512);
  }
};

void tellSpace(benchmark::State &State, const Bench &B, const Memory &M) {
  State.counters["files"] = B.fileBytes() / 1e6;
  State.counters["memory"] = M.Own / 1e6;
  State.counters["mapped"] = M.Mapped / 1e6;
}

void tellChecksum(benchmark::State &State, const Bench &B, const Checksum &Of) {
  if (B.keeps())
    State.counters["checksum"] = static_cast<double>(Of.value() & 0xFFFFFFFF);
}

void tell(benchmark::State &State, const std::string &What,
          const Histogram &Of) {
  if (!Of.count())
    return;
  State.counters[What + " n"] = static_cast<double>(Of.count());
  for (auto [Name, Share] :
       {std::pair(" p50", 0.50), {" p99", 0.99}, {" p999", 0.999}})
    if (Of.tells(Share)) // in microseconds
      State.counters[What + Name] =
          static_cast<double>(Of.quantile(Share)) / 1000;
}

void runLoad(benchmark::State &State, Bench &B) {
  for (auto _ : State)
    State.SetIterationTime(B.load() / static_cast<double>(B.records()));
  tellChecksum(State, B, B.loaded());
  State.counters["syncs"] =
      static_cast<double>(B.loadSyncs()) / static_cast<double>(B.records());
  tellSpace(State, B, Memory());
}

void runWorkload(benchmark::State &State, Bench &B, const Workload &W,
                 unsigned Threads) {
  B.load();
  auto All = std::make_unique<Found>();
  uint64_t Before = syncs();
  double Took = 0;
  Memory Space;
  for (auto _ : State) {
    Took = B.run(W, Threads, *All, Space);
    State.SetIterationTime(
        Took / static_cast<double>(All->Reads.count() + All->Writes.count()));
  }
  tell(State, "read", All->Reads);
  tell(State, "write", All->Writes);
  if (uint64_t Writes = All->Writes.count())
    State.counters["syncs"] =
        static_cast<double>(syncs() - Before) / static_cast<double>(Writes);
  if (Threads == 1)
    tellChecksum(State, B, All->Read);
  tellSpace(State, B, Space);
}

} // namespace

void ycsb::stop(const char *What, const char *Why) {
  fprintf(stderr, "%s: %s\n", What, Why);
  exit(1);
}

void ycsb::writeBack(const std::string &Directory) {
  if (!inMemory(Directory.c_str()))
    syncFileSystem(Directory.c_str());
}

__attribute__((weak)) std::shared_ptr<void> ycsb::addRows(const Settings &) {
  return {};
}

void ycsb::Checksum::add(std::string_view Bytes) {
  Sum = XXH3_64bits_withSeed(Bytes.data(), Bytes.size(), Sum);
}

int main(int Argc, char **Argv) {
  Bench B;
  benchmark::RegisterBenchmark(
      "load", [&](benchmark::State &State) { runLoad(State, B); })
      ->UseManualTime()
      ->Iterations(1);
  // E is last, as in YCSB: it and D insert.
  for (unsigned Threads = 1; Threads <= number("BENCH_THREADS", 2); ++Threads)
    for (char Name : {'A', 'B', 'C', 'F', 'D', 'E'}) {
      const Workload &W = Workloads[Name - 'A'];
      std::string Row =
          std::string(1, Name) + "/threads:" + std::to_string(Threads);
      benchmark::RegisterBenchmark(Row.c_str(),
                                   [&B, &W, Threads](benchmark::State &State) {
                                     runWorkload(State, B, W, Threads);
                                   })
          ->UseManualTime()
          ->Iterations(1);
    }
  std::shared_ptr<void> More = addRows(B.settings());
  benchmark::Initialize(&Argc, Argv);
  benchmark::RunSpecifiedBenchmarks();
}
