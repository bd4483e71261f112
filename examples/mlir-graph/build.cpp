// build.cpp - Debian's packages and their dependencies, put into an object.
//
// Reads a package index and writes plain pointers: the graph is there for whoever
// opens the object next, wherever it lies then.
#include "packages.h"

#include <cstdio>
#include <iostream>

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: apt-cache dumpavail | build STORE\n");
    return 2;
  }
  std::vector<entry> entries = read_index(std::cin);
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  void *object = store ? perdure_create(store, "packages", sizeof(graph), 0) : nullptr;
  auto *g = static_cast<graph *>(object);
  if (!g || !fill(g, entries, [g](std::size_t n) { return perdure_alloc(g, n); })) {
    std::fprintf(stderr, "build: %s\n", perdure_errormsg());
    return 1;
  }
  std::uint64_t all = 0;
  for (std::uint64_t i = 0; i < g->count; i++)
    all += g->packages[i]->needs_count;
  std::printf("%llu packages, %llu dependencies\n",
              static_cast<unsigned long long>(g->count),
              static_cast<unsigned long long>(all));
  perdure_store_close(store);
}
