//===- main.cpp - One row: a workload, a size, all representations --------===//
//
// perdure-bench-pointers --workload=list --bytes=16384 --dir=DIR
//     --variants=native:native:object,object:object:object,...
//     [--parts=N] [--random] [--rounds=N] [--slice=NANOSECONDS] [--count]
//
// A variant is NAME:CODE:MEMORY. Those of one memory build their structure in
// the same bytes, one after the other; what each built is kept aside and copied
// back before its turn, so that nothing but code differs between them. In every
// round each takes its turn, begun by another one every time. --count runs each
// once, between two of callgrind's dumps, which bear the variant's name.
//
// Prints JSON: nanoseconds an operation by variant, one for each round. Every
// run's checksum is compared with the first variant's.
//
//===----------------------------------------------------------------------===//

#include "memory.h"
#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <valgrind/callgrind.h>

using namespace lab;

namespace {

Workload *Workloads;

struct Variant {
  std::string Name, Code, Memory;
  const Workload *W = nullptr;
  std::vector<Arena::Part> *Parts = nullptr;
  /// What Build left, one after the other, and how far each part was filled.
  std::vector<std::vector<char>> Kept;
  std::vector<char> State;
  std::vector<double> Nanoseconds;
  uint64_t Checksum = 0, Check = 0;

  void keep() {
    for (const Arena::Part &P : *Parts)
      Kept.emplace_back(P.Begin, P.Cursor);
    const char *Begin = static_cast<const char *>(W->State);
    State.assign(Begin, Begin + W->StateBytes);
  }
  void putBack() const {
    for (size_t I = 0; I != Kept.size(); ++I)
      memcpy((*Parts)[I].Begin, Kept[I].data(), Kept[I].size());
    memcpy(W->State, State.data(), State.size());
  }
};

struct Options {
  std::string Workload, Dir, Variants;
  size_t Bytes = 16384, Parts = 1, Rounds = 5;
  double Slice = 5e6;
  bool Random = false, Count = false, List = false;
};

bool option(const std::string &Argument, const char *Name, std::string &Value) {
  std::string Prefix = std::string("--") + Name + "=";
  if (Argument.compare(0, Prefix.size(), Prefix))
    return false;
  Value = Argument.substr(Prefix.size());
  return true;
}

Options parse(int Argc, char **Argv) {
  Options O;
  for (int I = 1; I != Argc; ++I) {
    std::string Argument = Argv[I], Number;
    if (option(Argument, "workload", O.Workload) || option(Argument, "dir", O.Dir) ||
        option(Argument, "variants", O.Variants))
      continue;
    if (option(Argument, "bytes", Number))
      O.Bytes = std::stoul(Number);
    else if (option(Argument, "parts", Number))
      O.Parts = std::stoul(Number);
    else if (option(Argument, "rounds", Number))
      O.Rounds = std::stoul(Number);
    else if (option(Argument, "slice", Number))
      O.Slice = std::stod(Number);
    else if (Argument == "--random")
      O.Random = true;
    else if (Argument == "--count")
      O.Count = true;
    else if (Argument == "--list")
      O.List = true;
    else
      stop(Argument, "unknown");
  }
  return O;
}

std::vector<std::string> split(const std::string &Text, char Separator) {
  std::vector<std::string> Pieces(1);
  for (char C : Text)
    if (C == Separator)
      Pieces.emplace_back();
    else
      Pieces.back().push_back(C);
  return Pieces;
}

const Workload *find(const std::string &Code, const std::string &Name) {
  for (const Workload *W = Workloads; W; W = W->Next)
    if (W->Code == Code && W->Name == Name)
      return W;
  stop(Name, ("there is no such workload under " + Code).c_str());
}

/// Google Benchmark tells its results to a reporter; this one keeps the last.
class Keeper : public benchmark::BenchmarkReporter {
public:
  double Nanoseconds = 0;
  bool ReportContext(const Context &) override { return true; }
  void ReportRuns(const std::vector<Run> &Runs) override {
    for (const Run &R : Runs) {
      if (R.error_occurred)
        stop(R.benchmark_name(), R.error_message.c_str());
      // The processor time of the thread: what else runs on the machine adds
      // nothing but its footprint in the caches.
      Nanoseconds = R.cpu_accumulated_time / static_cast<double>(R.iterations) * 1e9;
    }
  }
};

/// How much a turn does.
struct Amount {
  size_t Operations = 0;
  int Iterations = 3;
  bool PutBack = false; // before each
};

/// Times one turn; gives nanoseconds an operation.
double turn(Variant &V, const Amount &A) {
  V.putBack();
  size_t Done = 0;
  uint64_t Sum = 0;
  auto Body = [&](benchmark::State &State) {
    if (!A.PutBack) { // what the caches then hold is what a run leaves there
      Done = A.Operations / 4 + 1;
      V.W->Run(Done);
    }
    for (auto _ : State) {
      if (A.PutBack) {
        State.PauseTiming();
        V.putBack();
        State.ResumeTiming();
      }
      Done = A.Operations;
      Sum = V.W->Run(Done);
      benchmark::DoNotOptimize(Sum);
    }
  };
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark(V.Name.c_str(), Body)->Iterations(A.Iterations);
  Keeper Result;
  benchmark::RunSpecifiedBenchmarks(&Result, ".");
  V.Checksum = Sum;
  return Result.Nanoseconds / static_cast<double>(Done);
}

/// As much as the first variant does in a slice, but once through at least.
Amount calibrate(Variant &V, double Slice) {
  Amount A;
  for (size_t Operations = 64;; Operations *= 2) {
    A.Operations = Operations;
    auto Begin = std::chrono::steady_clock::now();
    V.W->Run(A.Operations);
    std::chrono::duration<double, std::nano> Took = std::chrono::steady_clock::now() - Begin;
    if (Took.count() * 8 < Slice)
      continue;
    double Times = Slice / Took.count();
    if (Times < A.Iterations)
      A.Iterations = std::max(1, static_cast<int>(Times));
    else
      A.Operations = static_cast<size_t>(static_cast<double>(A.Operations) * Times / A.Iterations);
    return A;
  }
}

void compare(const std::vector<Variant> &All, const Variant &V, const char *What,
             uint64_t Variant::*Field) {
  if (V.*Field != All.front().*Field)
    stop(V.W->Name, (V.Name + " gives another " + What + " than " + All.front().Name).c_str());
}

} // namespace

Registration::Registration(Workload &W) {
  W.Next = Workloads;
  Workloads = &W;
}

int main(int Argc, char **Argv) {
  Options O = parse(Argc, Argv);
  if (O.List) {
    for (const Workload *W = Workloads; W; W = W->Next)
      printf("%s %s\n", W->Code, W->Name);
    return 0;
  }
  int NoArguments = 1;
  benchmark::Initialize(&NoArguments, Argv);

  std::vector<Variant> All;
  size_t BytesPerItem = 0;
  for (const std::string &Words : split(O.Variants, ',')) {
    std::vector<std::string> W = split(Words, ':');
    if (W.size() != 3)
      stop(Words, "a variant is NAME:CODE:MEMORY");
    All.push_back({W[0], W[1], W[2], find(W[1], O.Workload), nullptr, {}, {}, {}, 0, 0});
    BytesPerItem = std::max(BytesPerItem, All.back().W->BytesPerItem);
  }
  // The first is the reference, by which the number of items is set.
  size_t Items = std::max<size_t>(16, O.Bytes / All.front().W->BytesPerItem);
  std::vector<uint32_t> Order(Items);
  for (size_t I = 0; I != Items; ++I)
    Order[I] = static_cast<uint32_t>(I);
  std::shuffle(Order.begin(), Order.end(), std::mt19937_64(7));
  Plan P{Items, Order.data()};

  std::string Dir = O.Dir + "/perdure-pointers-XXXXXX";
  if (!mkdtemp(Dir.data()))
    stop(O.Dir, "cannot make a directory there");
  size_t Room = BytesPerItem * Items / O.Parts;
  Room += Room / 2 + 65536 / O.Parts + 4096;
  std::map<std::string, std::vector<Arena::Part>> Memories;
  for (Variant &V : All) {
    auto [At, New] = Memories.try_emplace(V.Memory);
    if (New)
      At->second = V.Memory == "object" ? objects(Dir, O.Parts, Room)
                   : V.Memory == "pool" ? pools(Dir, O.Parts, Room)
                   : V.Memory == "heap" ? heap(O.Parts, Room)
                                        : (stop(V.Memory, "no such memory"), At->second);
    V.Parts = &At->second;
  }
  std::filesystem::remove_all(Dir); // what is mapped stays

  for (Variant &V : All) {
    for (Arena::Part &Part : *V.Parts)
      Part.Cursor = Part.Begin;
    Arena A;
    A.Parts = V.Parts->data();
    A.Count = V.Parts->size();
    A.How = O.Random ? Arena::Spread::Random : Arena::Spread::Alternating;
    V.W->Build(A, P);
    V.keep();
    V.Check = V.W->Check();
    compare(All, V, "structure", &Variant::Check);
  }

  All.front().putBack();
  size_t Once = All.front().W->Once ? All.front().W->Once(P) : 0;
  if (O.Count) {
    printf("{\"items\": %zu, \"operations\": {", Items);
    for (Variant &V : All) {
      V.putBack();
      size_t Done = 1;
      if (!Once) // what is done once for all does not count
        V.W->Run(Done);
      Done = Once ? Once : 20000;
      CALLGRIND_ZERO_STATS;
      V.Checksum = V.W->Run(Done);
      CALLGRIND_DUMP_STATS_AT(V.Name.c_str());
      compare(All, V, "result", &Variant::Checksum);
      printf("%s\"%s\": %zu", &V == &All.front() ? "" : ", ", V.Name.c_str(), Done);
    }
    printf("}}\n");
    return 0;
  }

  Amount Work;
  if (Once)
    Work = {Once, 3, true};
  else
    Work = calibrate(All.front(), O.Slice);
  for (size_t Round = 0; Round != O.Rounds; ++Round)
    for (size_t I = 0; I != All.size(); ++I) {
      Variant &V = All[(Round + I) % All.size()];
      V.Nanoseconds.push_back(turn(V, Work));
      if (Round == 0 && I == 0)
        for (Variant &Other : All) // none has run yet
          Other.Checksum = V.Checksum;
      compare(All, V, "result", &Variant::Checksum);
      if (Round + 1 == O.Rounds)
        V.Check = V.W->Check(); // what is left after the last run
    }
  for (const Variant &V : All)
    compare(All, V, "structure in the end", &Variant::Check);

  printf("{\"items\": %zu, \"operations\": %zu, \"checksum\": \"%016llx\", \"nanoseconds\": {",
         Items, Work.Operations, static_cast<unsigned long long>(All.front().Checksum));
  for (const Variant &V : All) {
    printf("%s\"%s\": [", &V == &All.front() ? "" : ", ", V.Name.c_str());
    for (size_t I = 0; I != V.Nanoseconds.size(); ++I)
      printf("%s%.5g", I ? ", " : "", V.Nanoseconds[I]);
    printf("]");
  }
  printf("}}\n");
}
