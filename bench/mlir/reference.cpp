//===- reference.cpp - The kernels in C++ ---------------------------------===//

#include "reference.h"

void pagerank(graph *g, std::uint64_t rounds, double damping) {
  reference::pagerank(g, rounds, damping);
}

std::uint64_t bfs(graph *g, package *start) { return reference::bfs(g, start); }
