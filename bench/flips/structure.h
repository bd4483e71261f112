/*===- structure.h - What a structure is for the bench flips --------------===*\
|*
|* A structure is one file of structures/, compiled for itself: it alone counts
|* its stores. The program around it (main.c, memory.c) is not instrumented, so
|* that nothing but the structure is in a profile.
|*
|* FLIPS_OBJECT      the structure lies in an object, its pointers are
|*                   persistent;
|*                   else in ordinary memory, its pointers native
|* FLIPS_ALLOCATES   nodes come from perdure_alloc, which the compiler sees, in
an
|*                   object
|* FLIPS_FLUSHES     what is stored is written to the medium at once
|* FLIPS_NODE_BYTES  pads nodes to that many bytes
|* FLIPS_GRAY        counters are stored as their Gray code
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_BENCH_FLIPS_STRUCTURE_H
#define PERDURE_BENCH_FLIPS_STRUCTURE_H

#include "memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined FLIPS_OBJECT || defined FLIPS_GRAY
#include <perdure/perdure.h>
#endif
#ifdef FLIPS_OBJECT
#define NODE PERDURE
#else
#define NODE
#endif
#ifdef FLIPS_GRAY
#define COUNTER PERDURE_GRAY
#else
#define COUNTER
#endif

struct item {
  uint64_t key, value;
};

/* One of these per file. What a structure does not have is null. */
struct structure {
  /* In memory that memory.h gives, with room for that many keys. */
  void *(*Make)(uint64_t Keys);
  /* False: as many are in as there is room for. */
  bool (*Insert)(void *Root, struct item New);
  /* Takes the oldest item away; false: there is none. */
  bool (*Pop)(void *Root, struct item *Oldest);
  /* Takes the key away where it is in, else inserts the item; whether it is in
   * now. */
  bool (*Toggle)(void *Root, struct item New);
  /* All items, newest or least first, or backwards; how many there are. It
     stops when there are more than Most. */
  size_t (*Walk)(void *Root, bool Backwards, struct item *To, size_t Most);
  /* An invariant that does not hold, or null. */
  const char *(*Broken)(void *Root);
};
extern const struct structure Structure;

#ifdef FLIPS_ALLOCATES
static inline void *take(size_t Bytes) {
  void *P = perdure_alloc(memoryNear(), Bytes);
  if (!P)
    memoryMissing();
  return P;
}

static inline void give(void *P, size_t Bytes) {
  (void)Bytes;
  perdure_free(P);
}
#else
/* What malloc keeps in front of each block; published figures have it, too. */
struct block {
  uint64_t size;
};

/* A block as malloc of the GNU C library makes it: its size and 8 bytes of its
   own, rounded up to 16, at least 32, with the low bit set: the block before is
   in use. */
static inline uint64_t blockBytes(size_t Bytes) {
  uint64_t All = (Bytes + sizeof(struct block) + 15) & ~(uint64_t)15;
  return All < 32 ? 32 : All;
}

static inline void *take(size_t Bytes) {
  uint64_t All = blockBytes(Bytes);
  struct block *B = memoryTake(All);
  B->size = All | 1;
  return B + 1;
}

static inline void give(void *P, size_t Bytes) {
  memoryGive((struct block *)P - 1, blockBytes(Bytes));
}
#endif

/* Before anything leads to it. A node may straddle lines. */
static inline void persist(const void *P, size_t Bytes) {
#ifdef FLIPS_FLUSHES
  for (uintptr_t At = (uintptr_t)P & ~(uintptr_t)63; At < (uintptr_t)P + Bytes;
       At += 64)
    __builtin_ia32_clflush((const void *)At);
#else
  (void)P;
  (void)Bytes;
#endif
}

#endif
