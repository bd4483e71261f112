// queue.cpp - Freeing blocks once nobody reads them.
#include "queue.h"

#include "tree.h"

#include <cerrno>

namespace tree {

void collect(change &c, queue &q, unsigned most) {
  while (garbage *g = q.oldest) {
    while (g->count) {
      auto &entry = g->entries[g->first];
      if (entry.version > c.unread || most-- == 0)
        return;
      perdure_free(entry.block);
      g->first++;
      g->count--;
      q.waiting--;
    }
    if (!g->next)
      return; // its room is used up first
    q.oldest = g->next;
    perdure_free(g);
  }
}

void retire(change &c, queue &q, void *block) {
  garbage *last = q.newest;
  if (!last || last->first + last->count == garbage::room) {
    garbage *more = static_cast<garbage *>(perdure_alloc(&q, sizeof(garbage)));
    if (!more) {
      c.error = errno;
      return;
    }
    if (last)
      last->next = more;
    else
      q.oldest = more;
    q.newest = last = more;
  }
  auto &entry = last->entries[last->first + last->count++];
  entry.block = block;
  entry.version = c.version;
  q.waiting++;
  collect(c, q, 2);
}

std::uint64_t blocks(const queue &q) {
  std::uint64_t sum = q.waiting;
  for (const garbage *g = q.oldest; g; g = g->next)
    sum++;
  return sum;
}

const char *check(const queue &q, std::uint64_t version) {
  std::uint64_t waiting = 0, before = 0;
  const garbage *last = nullptr;
  for (const garbage *g = q.oldest; g; last = g, g = g->next) {
    if (g->first > garbage::room || g->count > garbage::room - g->first)
      return "a part of the queue of free blocks has more than fits in it";
    for (unsigned i = g->first; i < g->first + g->count; i++) {
      const auto &entry = g->entries[i];
      if (!entry.block || entry.version < before || entry.version > version)
        return "the queue of free blocks is out of order";
      before = entry.version;
    }
    waiting += g->count;
  }
  if (last != q.newest || waiting != q.waiting)
    return "the queue of free blocks is not as long as it says";
  return nullptr;
}

} // namespace tree
