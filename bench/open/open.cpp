//===- open.cpp - How fast an object is reached ---------------------------===//
//
// BENCH_WAY says how:
//   file           open, mmap, close: what a program without a runtime does
//   first          perdure_open for writing, of what the process has not met
//   first-rdonly   the same with PERDURE_RDONLY
//   first-pointer  a pointer is followed to what the process has not met
//   closed         perdure_open of what is mapped and was closed
//   known          perdure_open of what is open
//   name           a pointer by name is followed
//   pointer        a pointer by ID is followed
//
// Undoing (munmap, perdure_close, closing the store) is not timed. "reach" ends
// with the address, "read" with the first word.
//
//===----------------------------------------------------------------------===//

#include "objects.h"

#include <benchmark/benchmark.h>
#include <chrono>
#include <fcntl.h>
#include <map>
#include <memory>
#include <string.h>
#include <sys/mman.h>

extern "C" void *__perdure_decode_object(uint64_t, const void *);

namespace {

void *Address[Count];

void *reachFile(Objects &O, unsigned I) {
  int File = open(O.Files[I].c_str(), O_RDWR);
  void *P = mmap(nullptr, Bytes, PROT_READ | PROT_WRITE, MAP_SHARED, File, 0);
  close(File);
  return P;
}
void *reachByName(Objects &O, unsigned I) {
  return perdure_open(O.S, O.Names[I].c_str(), 0);
}
void *reachToRead(Objects &O, unsigned I) {
  return perdure_open(O.S, O.Names[I].c_str(), PERDURE_RDONLY);
}
void *follow(Objects &O, unsigned I) {
  return __perdure_decode_object(O.Hub[I], &O.Hub[I]);
}
void *followName(Objects &O, unsigned I) {
  return __perdure_decode_object(O.Hub[Count + I], &O.Hub[Count + I]);
}

struct Way {
  void *(*Reach)(Objects &, unsigned);
  bool First;     // the store is opened anew before
  bool Open;      // the objects are open already
  bool CloseEach; // what was opened is closed after
};
const std::map<std::string, Way> Ways = {
    {"file", {reachFile, false, false, false}},
    {"first", {reachByName, true, false, false}},
    {"first-rdonly", {reachToRead, true, false, false}},
    {"first-pointer", {follow, true, false, false}},
    {"closed", {reachByName, false, false, true}},
    {"known", {reachByName, false, true, true}},
    {"name", {followName, false, false, false}},
    {"pointer", {follow, false, false, false}},
};

// Made once: the library calls a benchmark several times.
Objects &objectsIn(const std::string &Where) {
  static std::map<std::string, std::unique_ptr<Objects>> All;
  std::unique_ptr<Objects> &O = All[Where];
  if (!O)
    O = std::make_unique<Objects>(Where);
  return *O;
}

void run(benchmark::State &State, const char *Where, bool Read) {
  const char *Chosen = getenv("BENCH_WAY");
  auto Found = Ways.find(Chosen ? Chosen : "known");
  if (Found == Ways.end())
    stop("BENCH_WAY", "no such way");
  const Way &W = Found->second;
  Objects &O = objectsIn(Where);
  O.reopen();
  if (W.Open || W.CloseEach)
    for (unsigned I = 0; I < Count; ++I)
      if (void *P = reachByName(O, I); P && !W.Open)
        perdure_close(P);
  uint64_t Sum = 0;
  if (!W.First && W.Reach != reachFile && !W.CloseEach)
    for (unsigned I = 0; I < Count; ++I)
      Sum += *(volatile uint64_t *)W.Reach(O, I); // not the first time
  for (auto _ : State) {
    if (W.First)
      O.reopen();
    auto Start = std::chrono::steady_clock::now();
    for (unsigned I = 0; I < Count; ++I) {
      Address[I] = W.Reach(O, I);
      if (Read)
        Sum += *(volatile uint64_t *)Address[I];
    }
    std::chrono::duration<double> Time =
        std::chrono::steady_clock::now() - Start;
    State.SetIterationTime(Time.count() / Count);
    for (unsigned I = 0; I < Count; ++I) {
      if (!Address[I] || Address[I] == MAP_FAILED)
        stop("reach", perdure_errormsg());
      if (W.CloseEach)
        perdure_close(Address[I]);
      else if (W.Reach == reachFile)
        munmap(Address[I], Bytes);
    }
  }
  benchmark::DoNotOptimize(Sum);
}

const char *disk() {
  const char *Dir = getenv("TMPDIR");
  return Dir ? Dir : "/var/tmp";
}

BENCHMARK_CAPTURE(run, reach / memory, "/dev/shm", false)
    ->Name("reach/memory")
    ->UseManualTime()
    ->Iterations(20);
BENCHMARK_CAPTURE(run, read / memory, "/dev/shm", true)
    ->Name("read/memory")
    ->UseManualTime()
    ->Iterations(20);
BENCHMARK_CAPTURE(run, reach / disk, disk(), false)
    ->Name("reach/disk")
    ->UseManualTime()
    ->Iterations(20);
BENCHMARK_CAPTURE(run, read / disk, disk(), true)
    ->Name("read/disk")
    ->UseManualTime()
    ->Iterations(20);

} // namespace

BENCHMARK_MAIN();
