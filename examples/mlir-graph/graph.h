// graph.h - Packages and what they depend on, as they lie in an object.
#ifndef GRAPH_H
#define GRAPH_H

#ifndef PERSISTENT // bench/mlir compiles it without, too
#include <perdure/perdure.h>
#define PERSISTENT [[perdure::persistent]]
#endif

#include <cstdint>

struct PERSISTENT package {
  const char *name;
  package **needs; // what it depends on
  std::uint64_t needs_count;
  double rank, incoming; // of pagerank
  std::int64_t level;    // of bfs: -1 where it did not come
};

struct PERSISTENT graph {
  package **packages;
  std::uint64_t count;
  package **queue; // of bfs: room for all
};

// kernels.mlir.
extern "C" {
// The PageRank of each package after so many rounds: what much depends on, directly
// or not, is ranked high.
void pagerank(graph *g, std::uint64_t rounds, double damping);
// How many dependencies away from `start` each package is; returns how many it came
// to, which stand in the queue.
std::uint64_t bfs(graph *g, package *start);
}

#endif
