/*===- frames.c - Pairs of calls in turn, for the bench flips -------------===*\
|*
|* PROGRAM leaves|callers PAIRS calls two functions in turn, PAIRS times for
|* each pair of functions, and prints the nanoseconds of processor time that
|* this took. Published: "repeated call pairs" (FAST 2019), by two functions in
|* assembly. The functions here were fixed before anything was measured:
|*
|*   leaves    keep 9 to 12 words in registers at once, more than a callee may
|*             use without saving some, and call nothing
|*   callers   have 1 to 5 values live across calls of a leaf: what they save,
|*             and the return addresses that their callee leaves, lie over each
|*             other
|*
|* Every two of them make a pair. Their results are small, so that the loop's
|* own registers change little: what flips is the frames' doing.
|*
\*===----------------------------------------------------------------------===*/

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOINLINE __attribute__((noinline))

unsigned long Table[16];

/* Words live at once. */
#define LEAF(N)                                                                \
  NOINLINE long leaf##N(const unsigned long *T, unsigned long Key) {           \
    unsigned long W[N], All = 0;                                               \
    _Pragma("unroll") for (int I = 0; I < N; ++I) W[I] = T[I] + Key;           \
    _Pragma("unroll") for (int I = 0; I < N; ++I) {                            \
      W[I] += W[(I + 1) % N];                                                  \
      W[(I + N / 2) % N] ^= W[I] >> 7;                                         \
    }                                                                          \
    _Pragma("unroll") for (int I = 0; I < N; ++I) All ^= W[I];                 \
    return All % 64 == 0;                                                      \
  }
LEAF(9)
LEAF(10)
LEAF(11)
LEAF(12)

NOINLINE unsigned long look(const unsigned long *T, unsigned long Key) {
  return T[Key % 16] + Key;
}

NOINLINE long caller1(const unsigned long *T, unsigned long X) {
  return (look(T, X) ^ X) % 64 == 0;
}
NOINLINE long caller2(const unsigned long *T, unsigned long X) {
  unsigned long A = look(T, X);
  return (look(T, A) ^ A ^ X) % 64 == 0;
}
NOINLINE long caller3(const unsigned long *T, unsigned long X) {
  unsigned long A = look(T, X), B = look(T, A);
  return (look(T, B) ^ B ^ A ^ X) % 64 == 0;
}
NOINLINE long caller4(const unsigned long *T, unsigned long X) {
  unsigned long A = look(T, X), B = look(T, A), C = look(T, B);
  return (look(T, C) ^ C ^ B ^ A ^ X) % 64 == 0;
}
NOINLINE long caller5(const unsigned long *T, unsigned long X) {
  unsigned long A = look(T, X), B = look(T, A), C = look(T, B), D = look(T, C);
  return (look(T, D) ^ D ^ C ^ B ^ A ^ X) % 64 == 0;
}

#define PAIR(F, G)                                                             \
  NOINLINE long F##_##G(const unsigned long *T, unsigned long Pairs) {         \
    long Hits = 0;                                                             \
    for (unsigned long I = 0; I != Pairs; ++I) {                               \
      Hits += F(T, I);                                                         \
      Hits += G(T, I);                                                         \
    }                                                                          \
    return Hits;                                                               \
  }
#define LEAVES(P)                                                              \
  P(leaf9, leaf10)                                                             \
  P(leaf9, leaf11)                                                             \
  P(leaf9, leaf12) P(leaf10, leaf11) P(leaf10, leaf12) P(leaf11, leaf12)
#define CALLERS(P)                                                             \
  P(caller1, caller2)                                                          \
  P(caller1, caller3)                                                          \
  P(caller1, caller4)                                                          \
  P(caller1, caller5)                                                          \
  P(caller2, caller3)                                                          \
  P(caller2, caller4)                                                          \
  P(caller2, caller5)                                                          \
  P(caller3, caller4) P(caller3, caller5) P(caller4, caller5)
LEAVES(PAIR)
CALLERS(PAIR)

#define ENTRY(F, G) F##_##G,
static long (*const Leaves[])(const unsigned long *,
                              unsigned long) = {LEAVES(ENTRY) 0};
static long (*const Callers[])(const unsigned long *,
                               unsigned long) = {CALLERS(ENTRY) 0};

int main(int Count, char **Words) {
  int IsLeaves = Count == 3 && !strcmp(Words[1], "leaves");
  char *End = "?";
  unsigned long Pairs = Count == 3 ? strtoul(Words[2], &End, 10) : 0;
  if (*End || (!IsLeaves && strcmp(Words[1], "callers"))) {
    fprintf(stderr, "usage: %s leaves|callers PAIRS\n", Words[0]);
    return 2;
  }
  for (unsigned long I = 0; I != 16; ++I)
    Table[I] = I * I % 61;
  struct timespec Begin, Finish;
  long Hits = 0;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &Begin);
  for (long (*const *P)(const unsigned long *, unsigned long) =
           IsLeaves ? Leaves : Callers;
       *P; ++P)
    Hits += (*P)(Table, Pairs);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &Finish);
  printf("%.0f\n", (double)(Finish.tv_sec - Begin.tv_sec) * 1e9 +
                       (double)(Finish.tv_nsec - Begin.tv_nsec));
  return Hits < 0;
}
