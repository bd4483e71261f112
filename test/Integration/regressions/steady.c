// A walk that keeps crossing by one entry of the FOT until the way of its last hops
// is believed; then by another, by none, and by the first again. Every hop has to
// lead where its bits say.
// RUN: %perdure_cc -O0 %s -o %t.O0 && rm -rf %store && %run %t.O0 %store | FileCheck %s
// RUN: %perdure_cc -O2 %s -o %t.O2 && rm -rf %store && %run %t.O2 %store | FileCheck %s
// RUN: %perdure_cc -O3 %s -o %t.O3 && rm -rf %store && %run %t.O3 %store | FileCheck %s
// RUN: %perdure_cc -O2 -flto %s -o %t.lto && rm -rf %store && %run %t.lto %store | FileCheck %s
// CHECK: 2000 hops as written
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>

struct PERDURE node {
  struct node *next;
  long value;
};

enum { Objects = 4, Hops = 2000 };

__attribute__((noinline)) static unsigned long hash(const struct node *n) {
  unsigned long h = 0;
  for (; n; n = n->next)
    h = h * 31 + (unsigned long)n->value;
  return h;
}

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  struct node *root[Objects];
  for (int i = 0; i != Objects; ++i) {
    char name[2] = {(char)('a' + i), 0};
    root[i] = perdure_create(store, name, sizeof(struct node), 0);
    if (!root[i])
      return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  }
  // From each object the others have another entry each: which comes first
  // depends on where the walk goes first.
  unsigned long want = 0;
  unsigned seed = 7, where = 0, a = 0, b = 1, left = 0;
  struct node *first = NULL, *last = NULL;
  for (long i = 0; i != Hops; ++i) {
    if (left-- == 0) { // another pair of objects, for 1 to 24 hops
      seed = seed * 1103515245 + 12345;
      left = (seed >> 16) % 24;
      a = where;
      b = (seed >> 8) % Objects;
    }
    where = where == a ? b : a;
    struct node *n = perdure_alloc(root[where], sizeof *n);
    n->value = (long)((seed >> 3) ^ (unsigned)i);
    want = want * 31 + (unsigned long)n->value;
    if (last)
      last->next = n;
    else
      first = n;
    last = n;
  }
  for (int turn = 0; turn != 3; ++turn)
    if (hash(first) != want)
      return fprintf(stderr, "the walk went astray\n"), 1;
  printf("%d hops as written\n", Hops);
  perdure_store_close(store);
}
