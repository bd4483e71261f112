//===- main.cpp - Kernels over Debian's package graph ---------------------===//
//
// The graph of examples/mlir-graph in an object; its kernels are those that this
// is linked to. With PERSISTENT empty the same structs hold native pointers, in
// blocks of the same allocator: only the pointers differ.
//
//===----------------------------------------------------------------------===//

#include <perdure/runtime.h>

#include "packages.h"

#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace {

[[noreturn]] void stop(const char *What, const char *Why) {
  std::fprintf(stderr, "%s: %s\n", What, Why);
  std::exit(1);
}

std::vector<entry> installable() {
  FILE *Pipe = popen("apt-cache dumpavail", "r");
  if (!Pipe)
    stop("apt-cache", "does not run");
  std::string Text;
  char Buffer[1 << 16];
  while (std::size_t N = fread(Buffer, 1, sizeof Buffer, Pipe))
    Text.append(Buffer, N);
  if (pclose(Pipe) || Text.empty())
    stop("apt-cache dumpavail", "gives no packages");
  std::istringstream In(Text);
  return read_index(In);
}

/// The index several times over, for graphs that no cache holds.
std::vector<entry> times(const std::vector<entry> &Once, unsigned Copies) {
  std::vector<entry> All;
  for (unsigned N = 0; N != Copies; ++N)
    for (const entry &E : Once) {
      std::string Mark = N ? "~" + std::to_string(N) : "";
      All.push_back({E.name + Mark, {}});
      for (const std::string &Need : E.needs)
        All.back().needs.push_back(Need + Mark);
    }
  return All;
}

struct Workload {
  graph *G = nullptr;
  package *Start = nullptr; // from which bfs comes farthest, of those tried
  std::uint64_t Edges = 0;
};

Workload build(unsigned Copies) {
  static const std::vector<entry> Once = installable();
  const char *Where = std::getenv("PERDURE_BENCH_DIR");
  std::string Dir = std::string(Where ? Where : "/dev/shm") + "/bench-XXXXXX";
  if (!mkdtemp(Dir.data()))
    stop(Dir.c_str(), "cannot make a directory there");
  perdure_store *S = perdure_store_open((Dir + "/store").c_str(), PERDURE_CREATE);
  void *Object = S ? perdure_create(S, "graph", sizeof(graph), 0) : nullptr;
  std::filesystem::remove_all(Dir); // mapped as it is, it needs no name
  Workload W;
  W.G = static_cast<graph *>(Object);
  if (!W.G || !fill(W.G, times(Once, Copies),
                    [&](std::size_t N) { return perdure_alloc(Object, N); }))
    stop("perdure", perdure_errormsg());
  std::vector<package *> Most;
  for (std::uint64_t I = 0; I != W.G->count; ++I) {
    Most.push_back(+W.G->packages[I]);
    W.Edges += W.G->packages[I]->needs_count;
  }
  std::size_t Tried = std::min<std::size_t>(20, Most.size());
  std::partial_sort(Most.begin(), Most.begin() + std::ptrdiff_t(Tried), Most.end(),
                    [](package *A, package *B) { return A->needs_count > B->needs_count; });
  std::uint64_t Best = 0;
  for (std::size_t I = 0; I != Tried; ++I)
    if (std::uint64_t Came = bfs(W.G, Most[I]); Came > Best) {
      Best = Came;
      W.Start = Most[I];
    }
  return W;
}

Workload &workload(unsigned Copies) {
  static unsigned Built;
  static Workload W;
  if (Built != Copies)
    W = build(Copies);
  Built = Copies;
  return W;
}

/// What the kernels have left, the same for all that link them.
double checksum(const graph *G) {
  double Sum = 0;
  for (std::uint64_t I = 0; I != G->count; ++I)
    Sum += G->packages[I]->rank * double(I % 1000) + double(G->packages[I]->level);
  return Sum;
}

void runPagerank(benchmark::State &State) {
  Workload &W = workload(unsigned(State.range(0)));
  for (auto _ : State)
    pagerank(W.G, 1, 0.85);
  bfs(W.G, W.Start);
  State.counters["checksum"] = checksum(W.G);
  State.counters["edges"] = double(W.Edges);
}

void runBfs(benchmark::State &State) {
  Workload &W = workload(unsigned(State.range(0)));
  std::uint64_t Came = 0;
  for (auto _ : State)
    Came = bfs(W.G, W.Start);
  pagerank(W.G, 1, 0.85);
  State.counters["checksum"] = checksum(W.G) + double(Came);
  State.counters["edges"] = double(W.Edges);
}

} // namespace

int main(int Argc, char **Argv) {
  for (unsigned Copies : {1, 16}) {
    benchmark::RegisterBenchmark("pagerank", runPagerank)->Arg(Copies);
    benchmark::RegisterBenchmark("bfs", runBfs)->Arg(Copies);
  }
  benchmark::Initialize(&Argc, Argv);
  benchmark::RunSpecifiedBenchmarks();
}
