// reference.h - The same kernels in C++.
#ifndef REFERENCE_H
#define REFERENCE_H

#include "graph.h"

namespace reference {

inline void pagerank(graph *g, std::uint64_t rounds, double damping) {
  std::uint64_t n = g->count;
  auto *packages = g->packages;
  for (std::uint64_t i = 0; i < n; i++)
    packages[i]->rank = 1.0 / double(n);
  for (std::uint64_t round = 0; round < rounds; round++) {
    for (std::uint64_t i = 0; i < n; i++)
      packages[i]->incoming = 0;
    double lost = 0; // by those that depend on nothing
    for (std::uint64_t i = 0; i < n; i++) {
      package *p = packages[i];
      std::uint64_t count = p->needs_count;
      if (!count) {
        lost += p->rank;
        continue;
      }
      double share = p->rank / double(count);
      auto *needs = p->needs;
      for (std::uint64_t k = 0; k < count; k++)
        needs[k]->incoming += share;
    }
    double all = (1 - damping) / double(n) + damping * lost / double(n);
    for (std::uint64_t i = 0; i < n; i++) {
      package *p = packages[i];
      p->rank = all + damping * p->incoming;
    }
  }
}

inline std::uint64_t bfs(graph *g, package *start) {
  auto *packages = g->packages, *queue = g->queue;
  for (std::uint64_t i = 0; i < g->count; i++)
    packages[i]->level = -1;
  start->level = 0;
  queue[0] = start;
  std::uint64_t tail = 1;
  for (std::uint64_t head = 0; head < tail; head++) {
    package *p = queue[head];
    std::int64_t level = p->level + 1;
    auto *needs = p->needs;
    std::uint64_t count = p->needs_count;
    for (std::uint64_t k = 0; k < count; k++) {
      package *q = needs[k];
      if (q->level >= 0)
        continue;
      q->level = level;
      queue[tail++] = q;
    }
  }
  return tail;
}

} // namespace reference

#endif
