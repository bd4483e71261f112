// queue.cpp - Freeing blocks once nobody reads them.
#include "queue.h"

#include "tree.h"

#include <cerrno>

namespace tree {

namespace {

/// Of an object that others may have damaged, who can write it and nothing else
/// of the store.
bool is_sound(const queue &q, const garbage *g) {
  return perdure_root(g) == perdure_root(&q) && g->first <= garbage::room &&
         g->count <= garbage::room - g->first;
}

void damaged(change &c) {
  c.error = EPROTO;
  c.wrong = "the queue of free blocks of an object with values is damaged";
}

template <bool checks> void collect_as(change &c, queue &q, unsigned most) {
  while (garbage *g = q.oldest) {
    if (checks && !is_sound(q, g))
      return damaged(c);
    while (g->count) {
      auto &entry = g->entries[g->first];
      if (entry.version > c.unread || most-- == 0)
        return;
      if (checks && perdure_root(entry.block) != perdure_root(&q))
        return damaged(c);
      perdure_free(entry.block);
      g->first++;
      g->count--;
      q.waiting--;
    }
    if (!g->next)
      return; // its room is used up first
    q.oldest = g->next;
    perdure_free(g);
    // The part behind one that is used up has some; so `most` ends it.
    if (checks && (!is_sound(q, q.oldest) || !q.oldest->count))
      return damaged(c);
  }
}

template <bool checks> void retire_as(change &c, queue &q, void *block) {
  garbage *last = q.newest;
  if (checks && (last ? !is_sound(q, last) : q.oldest != nullptr))
    return damaged(c);
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
  collect_as<checks>(c, q, 2);
}

} // namespace

void collect(change &c, queue &q, unsigned most) {
  collect_as<false>(c, q, most);
}

void retire(change &c, queue &q, void *block) { retire_as<false>(c, q, block); }

void collect_checked(change &c, queue &q, unsigned most) {
  collect_as<true>(c, q, most);
}

void retire_checked(change &c, queue &q, void *block) {
  retire_as<true>(c, q, block);
}

std::uint64_t blocks(const queue &q) {
  std::uint64_t sum = q.waiting;
  rounds walk;
  for (const garbage *g = q.oldest; g && !walk.again(g); g = g->next)
    sum++;
  return sum;
}

const char *check(const queue &q, std::uint64_t version) {
  std::uint64_t waiting = 0, before = 0;
  const garbage *last = nullptr;
  const void *root = perdure_root(&q);
  rounds walk;
  for (const garbage *g = q.oldest; g; last = g, g = g->next) {
    if (walk.again(g))
      return "the queue of free blocks has no end";
    if (perdure_root(g) != root)
      return "a part of the queue of free blocks lies in another object";
    if (g->first > garbage::room || g->count > garbage::room - g->first)
      return "a part of the queue of free blocks has more than fits in it";
    for (unsigned i = g->first; i < g->first + g->count; i++) {
      const auto &entry = g->entries[i];
      if (!entry.block || entry.version < before || entry.version > version)
        return "the queue of free blocks is out of order";
      if (perdure_root(entry.block) != root)
        return "a free block lies in another object than its queue";
      before = entry.version;
    }
    waiting += g->count;
  }
  if (last != q.newest || waiting != q.waiting)
    return "the queue of free blocks is not as long as it says";
  return nullptr;
}

} // namespace tree
