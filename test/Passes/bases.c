// Carried bases, run: chases that go from one kind of memory to another and
// back, so that a base which is carried one hop too far leads elsewhere. Each
// function's answer is also computed by one that nothing is carried in.
// RUN: %cc -O1 -c %S/Inputs/stub-runtime.c -o %t.stub.o
// RUN: %clang -O1 %s %t.stub.o -o %t.O1 && %t.O1 | FileCheck %s
// RUN: %clang -O2 %s %t.stub.o -o %t.O2 && %t.O2 | FileCheck %s
// RUN: %clang -O3 %s %t.stub.o -o %t.O3 && %t.O3 | FileCheck %s
// RUN: %clang -O2 -fno-pie -no-pie %s %t.stub.o -o %t.S2 && %t.S2 | FileCheck %s
// RUN: %clang -Oz %s %t.stub.o -o %t.Oz && %t.Oz | FileCheck %s
// CHECK-NOT: FAIL
// CHECK: 4000 ways, ok
#include "Inputs/stub-runtime.h"
#include <perdure/perdure.h>

struct PERDURE node {
  long value;
  struct node *next, *other;
  struct node *kids[4];
};
typedef struct node *node_ref PERDURE;

#define NI __attribute__((noinline))
#define SLOW __attribute__((noinline, optnone))
#define BOTH(Result, Name, Body)                                               \
  NI static Result Name Body SLOW static Result slow_##Name Body

BOTH(long, sum, (struct node * n) {
  long s = 0;
  for (; n; n = n->next)
    s = s * 3 + n->value;
  return s;
})
BOTH(long, zigzag, (struct node * n, unsigned long path) {
  long s = 0;
  for (; n; path >>= 1) {
    s = s * 5 + n->value;
    n = path & 1 ? n->next : n->other;
  }
  return s;
})
BOTH(long, indexed, (struct node * n, unsigned long path) {
  long s = 0;
  for (; n; path >>= 2) {
    s = s * 7 + n->value;
    n = n->kids[path & 3];
  }
  return s;
})
// Two pointers, one a hop behind.
BOTH(long, pursued, (struct node * n) {
  long s = 0;
  struct node *last = n;
  while (n) {
    s = s * 11 + last->value - n->value;
    last = n;
    n = last->next;
  }
  return s + last->value;
})
// The address of a field is carried.
BOTH(long, links, (struct node * n) {
  long s = 0;
  for (node_ref *at = &n->next; *at; at = &(*at)->next)
    s = s * 13 + (*at)->value;
  return s;
})
// Stores on the way: what was decoded is encoded where the chase stands.
BOTH(long, marks, (struct node * n) {
  long s = 0;
  for (struct node *m = n; m; m = m->next) {
    struct node *old = m->kids[3];
    if (old)
      m->kids[3] = old->kids[3];
    s = s * 17 + (m->kids[3] ? m->kids[3]->value : -1);
    m->kids[3] = old;
  }
  return s;
})
// A loop in a loop, the inner one starting where the outer one stands.
BOTH(long, nested, (struct node * n) {
  long s = 0;
  for (; n; n = n->next)
    for (struct node *m = n->other; m && m != n; m = m->next)
      s = s * 19 + m->value;
  return s;
})

static uint64_t seed = 1;
static unsigned pick(unsigned n) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (seed >> 33) % n;
}

enum { OBJECTS = 3, EACH = 24, HEAP = 24, GLOBALS = 8 };
static struct node global[GLOBALS];

int main(void) {
  int bad = 0, ways = 0;
  for (int round = 0; round != 500; ++round) {
    struct node *all[OBJECTS * EACH + HEAP + GLOBALS];
    int count = 0;
    for (int o = 0; o != OBJECTS; ++o)
      for (int i = 0; i != EACH; ++i) // the first lies at offset 0
        all[count++] = (struct node *)(stub_slot(2 * o) + i * sizeof(struct node));
    struct node *heap = calloc(HEAP, sizeof(struct node));
    for (int i = 0; i != HEAP; ++i)
      all[count++] = &heap[i];
    for (int i = 0; i != GLOBALS; ++i)
      all[count++] = &global[i];
    for (int i = 0; i != count; ++i) {
      struct node *n = all[i];
      n->value = i + 1;
      // Forward alone, so that every chase ends; out of an object only into
      // objects; three in four to a neighbour of the same kind.
      int last = i < OBJECTS * EACH ? OBJECTS * EACH : count;
      // Volatile nodes lead into objects too: theirs come from a second list.
#define FORWARD()                                                              \
  (i + 1 < last ? all[i + 1 + (pick(4) ? pick(2) % (last - i - 1)              \
                                       : pick(last - i - 1))]                  \
                : 0)
#define ANY() (i >= OBJECTS * EACH && !pick(3) ? all[pick(OBJECTS * EACH)] : FORWARD())
      n->next = ANY();
      n->other = ANY();
      for (int k = 0; k != 3; ++k)
        n->kids[k] = pick(8) ? ANY() : 0;
      n->kids[3] = ANY();
    }
    struct node *from = all[round & 1 ? OBJECTS * EACH + pick(HEAP + GLOBALS)
                                      : pick(count)];
    unsigned long path = seed;
    struct node local = *from;
#define SAME(Call)                                                             \
  do {                                                                         \
    long fast = Call, slow = slow_##Call;                                      \
    ++ways;                                                                    \
    if (fast != slow) {                                                        \
      bad = 1;                                                                 \
      printf("FAIL round %d: " #Call ": %ld, not %ld\n", round, fast, slow);   \
    }                                                                          \
  } while (0)
    SAME(sum(from));
    SAME(zigzag(from, path));
    SAME(indexed(from, path));
    SAME(pursued(from));
    SAME(links(from));
    SAME(marks(from));
    SAME(nested(from));
    SAME(sum(&local));
    free(heap);
  }
  printf("%d ways, %s\n", ways, bad ? "bad" : "ok");
  return bad;
}
