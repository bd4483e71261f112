//===- main.cpp - Workloads of some sizes under all representations -------===//
//
// perdure-bench-pointers --rows=list:16384,... --dir=DIR
//     --variants=native:native:object,object:object:object,...
//     [--parts=N] [--random] [--rounds=N] [--slice=NANOSECONDS] [--count]
//     [--scrub=BYTES] [--spoil=NAME]
//
// A row is a workload and the bytes that it fills in plain pointers.
// A variant is NAME:CODE:MEMORY. Those of one memory build their structure in
// the same bytes, one after the other; what each built is kept aside and copied
// back before its turn, so that nothing but code differs between them. In every
// round each takes its turn, in an order drawn anew. --scrub reads so many
// other bytes before each turn: what the turn before left in a large cache
// would help those that use the same memory. --count runs each once, between
// two of callgrind's dumps, which bear the variant's name.
//
// Prints a line of JSON for each row: nanoseconds an operation by variant, one
// for each round. Every run's checksum is compared with the first variant's;
// --spoil makes a variant's wrong, to see that this is noticed.
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
  std::string Rows, Dir, Variants, Spoil;
  size_t Parts = 1, Rounds = 5, Scrub = 0;
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
    if (option(Argument, "rows", O.Rows) || option(Argument, "dir", O.Dir) ||
        option(Argument, "variants", O.Variants) ||
        option(Argument, "spoil", O.Spoil))
      continue;
    if (option(Argument, "scrub", Number))
      O.Scrub = std::stoul(Number);
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
      Nanoseconds =
          R.cpu_accumulated_time / static_cast<double>(R.iterations) * 1e9;
    }
  }
};

/// How much a turn does.
struct Amount {
  size_t Operations = 0;
  int Iterations = 3;
  bool PutBack = false; // before each
  std::vector<char> Scrub;
};

uint64_t readAll(const std::vector<char> &Bytes) {
  uint64_t Sum = 0;
  for (size_t I = 0; I < Bytes.size(); I += 64)
    Sum += static_cast<unsigned char>(Bytes[I]);
  return Sum;
}

/// Times one turn; gives nanoseconds an operation.
double turn(Variant &V, const Amount &A) {
  benchmark::DoNotOptimize(readAll(A.Scrub));
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
    std::chrono::duration<double, std::nano> Took =
        std::chrono::steady_clock::now() - Begin;
    if (Took.count() * 8 < Slice)
      continue;
    double Times = Slice / Took.count();
    if (Times < A.Iterations)
      A.Iterations = std::max(1, static_cast<int>(Times));
    else
      A.Operations = static_cast<size_t>(static_cast<double>(A.Operations) *
                                         Times / A.Iterations);
    return A;
  }
}

void compare(const std::vector<Variant> &All, const Variant &V,
             const char *What, uint64_t Variant::*Field) {
  if (V.*Field != All.front().*Field)
    stop(V.W->Name,
         (V.Name + " gives another " + What + " than " + All.front().Name)
             .c_str());
}

using Memories = std::map<std::string, std::vector<Arena::Part>>;

struct Row {
  std::vector<Variant> All;
  size_t Items = 0;
  size_t Room = 0; // of each part
};

Row prepare(const Options &O, const std::string &Workload, size_t Bytes) {
  Row R;
  size_t BytesPerItem = 0;
  for (const std::string &Words : split(O.Variants, ',')) {
    std::vector<std::string> W = split(Words, ':');
    if (W.size() != 3)
      stop(Words, "a variant is NAME:CODE:MEMORY");
    R.All.push_back(
        {W[0], W[1], W[2], find(W[1], Workload), nullptr, {}, {}, {}, 0, 0});
    BytesPerItem = std::max(BytesPerItem, R.All.back().W->BytesPerItem);
  }
  // The first is the reference, by which the number of items is set.
  R.Items = std::max<size_t>(16, Bytes / R.All.front().W->BytesPerItem);
  R.Room = BytesPerItem * R.Items / O.Parts;
  R.Room += R.Room / 2 + 65536 / O.Parts + 4096;
  return R;
}

void build(const Options &O, Row &R, Memories &M, const Plan &P) {
  for (Variant &V : R.All) {
    V.Parts = &M[V.Memory];
    for (Arena::Part &Part : *V.Parts)
      Part.Cursor = Part.Begin;
    Arena A;
    A.Parts = V.Parts->data();
    A.Count = V.Parts->size();
    A.How = O.Random ? Arena::Spread::Random : Arena::Spread::Alternating;
    V.W->Build(A, P);
    V.keep();
    V.Check = V.W->Check();
    compare(R.All, V, "structure", &Variant::Check);
  }
  R.All.front().putBack();
}

/// Each once, between two of callgrind's dumps.
void countInstructions(Row &R, size_t Once) {
  printf("{\"items\": %zu, \"operations\": {", R.Items);
  for (Variant &V : R.All) {
    V.putBack();
    size_t Done = 1;
    if (!Once) // what is done once for all does not count
      V.W->Run(Done);
    Done = Once ? Once : 20000;
    CALLGRIND_ZERO_STATS;
    V.Checksum = V.W->Run(Done);
    CALLGRIND_DUMP_STATS_AT(V.Name.c_str());
    compare(R.All, V, "result", &Variant::Checksum);
    printf("%s\"%s\": %zu", &V == &R.All.front() ? "" : ", ", V.Name.c_str(),
           Done);
  }
  printf("}}\n");
}

void time(const Options &O, Row &R, size_t Once) {
  std::vector<Variant> &All = R.All;
  Amount Work;
  if (Once)
    Work = {Once, 1, true, {}};
  else
    Work = calibrate(All.front(), O.Slice);
  Work.Scrub.assign(O.Scrub, 1);
  std::vector<Variant *> Turns;
  for (Variant &V : All)
    Turns.push_back(&V);
  std::mt19937_64 Dice(11);
  for (size_t Round = 0; Round != O.Rounds; ++Round) {
    std::shuffle(Turns.begin(), Turns.end(), Dice);
    for (Variant *V : Turns) {
      V->Nanoseconds.push_back(turn(*V, Work));
      V->Checksum ^= V->Name == O.Spoil;
      if (Round + 1 == O.Rounds)
        V->Check = V->W->Check(); // what is left after the last run
    }
    for (const Variant &V : All)
      compare(All, V, "result", &Variant::Checksum);
  }
  for (const Variant &V : All)
    compare(All, V, "structure in the end", &Variant::Check);

  printf("{\"items\": %zu, \"operations\": %zu, \"checksum\": \"%016llx\", "
         "\"nanoseconds\": {",
         R.Items, Work.Operations,
         static_cast<unsigned long long>(All.front().Checksum));
  for (const Variant &V : All) {
    printf("%s\"%s\": [", &V == &All.front() ? "" : ", ", V.Name.c_str());
    for (size_t I = 0; I != V.Nanoseconds.size(); ++I)
      printf("%s%.5g", I ? ", " : "", V.Nanoseconds[I]);
    printf("]");
  }
  printf("}}\n");
}

/// The directory of stores and pools, gone when the process ends.
std::string Files;

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

  std::vector<Row> Rows;
  size_t Room = 0;
  for (const std::string &Words : split(O.Rows, ',')) {
    std::vector<std::string> W = split(Words, ':');
    if (W.size() != 2)
      stop(Words, "a row is WORKLOAD:BYTES");
    Rows.push_back(prepare(O, W[0], std::stoul(W[1])));
    Room = std::max(Room, Rows.back().Room);
  }

  Files = O.Dir + "/perdure-pointers-XXXXXX";
  if (!mkdtemp(Files.data()))
    stop(O.Dir, "cannot make a directory there");
  atexit([] { std::filesystem::remove_all(Files); });
  Memories M;
  for (const Variant &V : Rows.front().All) {
    if (M.count(V.Memory))
      continue;
    if (V.Memory == "object")
      M[V.Memory] = objects(Files, O.Parts, Room);
    else if (V.Memory == "pool")
      M[V.Memory] = pools(Files, O.Parts, Room);
    else if (V.Memory == "heap")
      M[V.Memory] = heap(O.Parts, Room);
    else
      stop(V.Memory, "no such memory");
  }

  for (Row &R : Rows) {
    std::vector<uint32_t> Order(R.Items);
    for (size_t I = 0; I != R.Items; ++I)
      Order[I] = static_cast<uint32_t>(I);
    std::shuffle(Order.begin(), Order.end(), std::mt19937_64(7));
    Plan P{R.Items, Order.data()};
    build(O, R, M, P);
    size_t Once = R.All.front().W->Once ? R.All.front().W->Once(P) : 0;
    if (O.Count)
      countInstructions(R, Once);
    else
      time(O, R, Once);
    fflush(stdout);
    R.All.clear(); // what it kept aside takes memory
  }
}
