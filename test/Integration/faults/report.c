/* A fault report names the source line and the field of the access, at every
 * level, without a debugger. `mark` says which line that is.
 *
 * REQUIRES: lld
 * RUN: rm -rf %t.store && %perdure_cc -g -O0 %s -o %t && %t %t.store build
 * RUN: %python %S/Inputs/reports.py %s %t %t.store
 * RUN: rm -rf %t.store && %perdure_cc -g -O2 %s -o %t && %t %t.store build
 * RUN: %python %S/Inputs/reports.py %s %t %t.store
 * RUN: rm -rf %t.store && %perdure_cc -g -O3 -ffunction-sections -Wl,--gc-sections %s -o %t && %t %t.store build
 * RUN: strip -g %t && %python %S/Inputs/reports.py %s %t %t.store
 * RUN: rm -rf %t.store && %perdure_cc -g -O2 -fno-strict-aliasing %s -o %t && %t %t.store build
 * RUN: %python %S/Inputs/reports.py %s %t %t.store
 * RUN: rm -rf %t.store && %perdure_cc -g -O2 -flto %s -o %t && %t %t.store build
 * RUN: %python %S/Inputs/reports.py %s %t %t.store
 * RUN: rm -rf %t.store && %perdure_cc -g -O2 -flto=thin %s -o %t && %t %t.store build
 * RUN: %python %S/Inputs/reports.py %s %t %t.store
 */
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct point {
  long x, y;
};
struct PERDURE node {
  struct node *next, *bad, *gone;
  long value;
  struct {
    int a, b;
  } in;
  struct point points[4];
  char text[64];
};
typedef struct PERDURE {
  struct node *first;
  long count;
} head;

/* One source position for three accesses. */
#define SUM(P) ((P)->value + (P)->in.a + (P)->points[0].x)

static long writeValue(struct node *n) {
  n->value = 17; /* readonly: write of struct node.value | opened without the right to write */
  return 0;
}
static long writePointer(struct node *n) {
  n->next = n; /* pointer: write of struct node.next | opened without the right to write */
  return 0;
}
static long writeNested(struct node *n) {
  volatile int i = 2;
  n->points[i].y = 3; /* nested: write of struct node.points[].y | opened without the right to write */
  return 0;
}
static long writeInner(struct node *n) {
  n->in.b++; /* inner: write of struct node.in.b | opened without the right to write */
  return 0;
}
static long writeCount(struct node *n) {
  head *h = (head *)(void *)n;
  h->count = 2; /* typedef: write of head.count | opened without the right to write */
  return 0;
}
static long compare(struct node *n) {
  volatile long k = 3;
  return n->gone->value == k; /* missing: read of struct node.value | the object is missing: cannot open */
}
static long follow(struct node *n) {
  return n->bad->value; /* damaged: read of struct node.value | a damaged pointer was followed */
}
static long hop(struct node *n) {
  return n->bad->next == n; /* hop: read of struct node.next | a damaged pointer was followed */
}
static long past(struct node *n) {
  return n[1 << 20].value; /* past: read of struct node.value | past the object's end */
}
static long macro(struct node *n) {
  return SUM(n->bad); /* macro: read of struct node.value or read of struct node.in.a | a damaged pointer was followed */
}
static long copied(struct node *n) {
  struct point to = n->bad->points[1]; /* copied: read of struct node.points[] | a damaged pointer was followed */
  volatile long *sink = &to.x;
  return *sink;
}

/* Nobody sees here who is called with what. */
static const struct {
  const char *name;
  long (*volatile run)(struct node *);
} cases[] = {
    {"readonly", writeValue}, {"pointer", writePointer}, {"nested", writeNested},
    {"inner", writeInner},    {"typedef", writeCount},   {"missing", compare},
    {"damaged", follow},      {"hop", hop},              {"past", past},
    {"macro", macro},         {"copied", copied},
};

int main(int argc, char **argv) {
  int build = !strcmp(argv[2], "build");
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  if (build) {
    struct node *n = perdure_create(store, "a", sizeof *n, 0);
    n->gone = perdure_create(store, "gone", sizeof *n, 0);
    n->next = n;
    long stale = 0x123456789abc;
    memcpy((void *)&n->bad, &stale, sizeof stale);
    perdure_store_close(store);
    store = perdure_store_open(argv[1], 0);
    perdure_remove(store, "gone");
    perdure_store_close(store);
    return 0;
  }
  struct node *n = perdure_open(store, "a", PERDURE_RDONLY);
  if (!n)
    return 2;
  for (unsigned i = 0; i != sizeof cases / sizeof *cases; ++i)
    if (!strcmp(argv[2], cases[i].name))
      printf("%ld\n", cases[i].run(n));
  puts("no fault");
  return 0;
}
