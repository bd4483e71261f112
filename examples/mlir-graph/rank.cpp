// rank.cpp - Kernels written in MLIR over the graph that another program made.
//
// Opens the object, wherever it comes to lie in this process; has PageRank and
// breadth-first search run by kernels.mlir, and compares with the same in C++.
#include "reference.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

std::vector<double> ranks(graph *g) {
  std::vector<double> all;
  for (std::uint64_t i = 0; i < g->count; i++)
    all.push_back(g->packages[i]->rank);
  return all;
}

std::vector<std::int64_t> levels(graph *g) {
  std::vector<std::int64_t> all;
  for (std::uint64_t i = 0; i < g->count; i++)
    all.push_back(g->packages[i]->level);
  return all;
}

std::vector<package *> queued(graph *g, std::uint64_t count) {
  std::vector<package *> all;
  for (std::uint64_t i = 0; i < count; i++)
    all.push_back(+g->queue[i]);
  return all;
}

package *find(graph *g, const char *name) {
  for (std::uint64_t i = 0; i < g->count; i++)
    if (!std::strcmp(g->packages[i]->name, name))
      return g->packages[i];
  return nullptr;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: rank STORE [PACKAGE]\n");
    return 2;
  }
  const char *from = argc == 3 ? argv[2] : "apt";
  perdure_store *store = perdure_store_open(argv[1], 0);
  auto *g = store ? static_cast<graph *>(perdure_open(store, "packages", 0)) : nullptr;
  if (!g) {
    std::fprintf(stderr, "rank: %s\n", perdure_errormsg());
    return 1;
  }
  package *start = find(g, from);
  if (!start) {
    std::fprintf(stderr, "rank: no package is called '%s'\n", from);
    return 1;
  }

  reference::pagerank(g, 30, 0.85);
  std::vector<double> expected = ranks(g);
  std::uint64_t came = reference::bfs(g, start);
  std::vector<std::int64_t> far = levels(g);
  std::vector<package *> order = queued(g, came);

  pagerank(g, 30, 0.85);
  bool same = ranks(g) == expected;
  same = bfs(g, start) == came && levels(g) == far && same;
  same = queued(g, came) == order && same;

  std::vector<package *> best(g->count);
  for (std::uint64_t i = 0; i < g->count; i++)
    best[i] = g->packages[i];
  std::sort(best.begin(), best.end(),
            [](package *a, package *b) { return a->rank > b->rank; });
  for (std::size_t i = 0; i < 5 && i < best.size(); i++)
    std::printf("%.4f %s\n", best[i]->rank, +best[i]->name);
  std::printf("%s needs %llu packages, the farthest %lld steps away\n", from,
              static_cast<unsigned long long>(came - 1),
              static_cast<long long>(*std::max_element(far.begin(), far.end())));
  std::printf("%s\n", same ? "C++ and MLIR agree" : "C++ and MLIR do not agree");
  perdure_store_close(store);
  return !same;
}
