// Everything that writes is logged before it does, in C, at every level; an
// abort comes back to the outermost function; longjmp out of it aborts.
//
// RUN: %cc -O1 -fexceptions -c %S/Inputs/tx-recorder.c -o %t.stub.o
// RUN: %clang -O0 %s %t.stub.o -o %t.O0 && %t.O0
// RUN: %clang -O1 %s %t.stub.o -o %t.O1 && %t.O1
// RUN: %clang -O2 %s %t.stub.o -o %t.O2 && %t.O2
// RUN: %clang -O3 %s %t.stub.o -o %t.O3 && %t.O3
//
// The test can fail: without logging, the oracle finds the first byte.
// RUN: %clang -O0 -DUNLOGGED %s %t.stub.o -o %t.bad
// RUN: not %t.bad 2>&1 | FileCheck --check-prefix=BAD %s
// BAD: was overwritten and never logged
#include "Inputs/tx-recorder.h"
#include <perdure/attributes.h>
#include <setjmp.h>
#include <string.h>

struct pair {
  long a, b;
};
struct wide {
  char name[40];
  struct pair pairs[3];
  unsigned bits : 5, more : 7;
  _Complex double c;
  float __attribute__((vector_size(16))) v;
  volatile int busy;
};
#define W ((struct wide *)(arena + 64))

#ifdef UNLOGGED
PERDURE_TX_SAFE __attribute__((noinline)) static void poke(long *p, long v) {
  *p = v;
}
#else
__attribute__((noinline)) static void poke(long *p, long v) { *p = v; }
#endif
static struct pair twice(struct pair p) {
  p.a *= 2;
  p.b *= 2;
  return p;
}
static void recurse(char *p, int n) {
  if (!n)
    return;
  p[n] ^= 0x5a;
  recurse(p, n - 1);
}

static long outside;
static void write_all(int n) {
  struct pair local = {n, n + 1};
  poke(&W->pairs[0].a, n);
  W->pairs[1] = local;
  W->pairs[2] = twice(W->pairs[1]);
  W->bits = n;
  W->more = n * 3;
  W->c += n;
  W->v[n & 3] = n;
  W->busy = n;
  strcpy(W->name, n & 1 ? "odd" : "even");
  strcat(W->name, "!");
  memset(arena + 512, n, 100 + n);
  memmove(arena + 530, arena + 520, 64);
  memcpy(arena + 1024, arena + 512, n * 2);
  for (int i = 0; i < n; ++i)
    ((long *)(arena + 2048))[i * 3] += i;
  recurse((char *)arena + 3000, n);
  long *either = n & 1 ? &outside : &W->pairs[0].b;
  *either = n;
}

// Ranges in front of loops: indexes that wrap, no round, one, more; and what is
// logged with what comes before, in branches and behind loops.
static void loops(unsigned char from, unsigned char to, unsigned n) {
  unsigned char *bytes = arena + 3100;
  long *longs = (long *)(arena + 3400);
  bytes[300] = n;
  for (unsigned char i = from; i != to; ++i)
    bytes[i] ^= n;
  bytes[301] = n;
  for (unsigned char i = to; i != from; --i)
    bytes[(unsigned char)(i - 1)] += 3;
  unsigned count = n % 7, at = n % 3;
  longs[70] = n;
  for (unsigned i = count; i > at; --i)
    longs[i] = longs[i - 1] + 1;
  for (unsigned i = at; i < count; ++i)
    longs[20 + i] = longs[21 + i] + n;
  longs[at] = n;
  if (n & 1)
    longs[40 + at] = n;
  else if (n & 2)
    longs[50] = n;
  longs[60] = longs[50] + n;
}

PERDURE_TRANSACTION void commit(int n) {
  write_all(n);
  loops(n * 37, n * 101, n);
}
PERDURE_TRANSACTION void wrap(unsigned char from, unsigned char to, int n) {
  loops(from, to, n);
}
PERDURE_TRANSACTION void fail(int n) {
  write_all(n);
  loops(n * 59, n * 17, n);
  perdure_tx_abort();
  outside = -1;
}
PERDURE_TRANSACTION void nested(int n) {
  commit(n);
  arena[8] = 1;
  fail(n + 1);
  outside = -1;
}
static jmp_buf away;
PERDURE_TRANSACTION void leave(int n) {
  write_all(n);
  longjmp(away, 1);
}

static int unchanged(const unsigned char *saved) {
  return !memcmp(arena, saved, ARENA_BYTES);
}

int main(void) {
  static unsigned char saved[ARENA_BYTES];
  for (int n = 1; n < 20; ++n) {
    commit(n);
    EXPECT(logged_bytes() > 150);
    EXPECT(W->pairs[2].a == 2 * n && W->busy == n);
    memcpy(saved, arena, ARENA_BYTES);
    fail(n + 1);
    EXPECT(unchanged(saved));
    nested(n + 2);
    EXPECT(unchanged(saved));
    int aborted = transactions_aborted();
    if (!setjmp(away))
      leave(n + 3);
    EXPECT(unchanged(saved));
    EXPECT(transactions_aborted() == aborted + 1);
  }
  EXPECT(outside >= 0);
  EXPECT(transactions_ended() == 19 * 4);
  // Logged is what is written and nothing else: of bytes the loops' and two, of
  // longs sixteen at most.
  for (unsigned from = 0; from < 256; from += 5)
    for (unsigned to = 0; to < 256; to += 3) {
      wrap(from, to, from ^ to);
      EXPECT(logged_bytes() <= (unsigned char)(to - from) + 2 + 16 * 8);
    }
  return 0;
}
