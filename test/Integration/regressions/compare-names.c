// A pointer that is bound by name and one that was stored lead to one object, and
// are equal at every level, though their bits differ; also where that object is the
// one that holds them, so that only one of the two goes through the FOT.
// RUN: %perdure_cc -O0 %s -o %t.O0 && rm -rf %store && %run %t.O0 %store | FileCheck %s
// RUN: %perdure_cc -O1 %s -o %t.O1 && rm -rf %store && %run %t.O1 %store | FileCheck %s
// RUN: %perdure_cc -O2 %s -o %t.O2 && rm -rf %store && %run %t.O2 %store | FileCheck %s
// RUN: %perdure_cc -Oz %s -o %t.Oz && rm -rf %store && %run %t.Oz %store | FileCheck %s
// CHECK: equal 1, different 0, other 0, near 1, own 1, null 0, entry 0, again 1
#include <perdure/perdure.h>
#include <stdio.h>

struct PERDURE node { struct node *stored, *bound, *other, *near, *own, *null, *behind; };

__attribute__((noinline)) static int equal(struct node *n) { return n->stored == n->bound; }
__attribute__((noinline)) static int different(struct node *n) { return n->stored != n->bound; }
__attribute__((noinline)) static int other(struct node *n) { return n->stored == n->other; }
__attribute__((noinline)) static int near(struct node *n) { return n->near == n->near->near; }
__attribute__((noinline)) static int own(struct node *n) { return n->own == n->near; }
__attribute__((noinline)) static int null(struct node *n) { return n->own == n->null; }
__attribute__((noinline)) static int entry(struct node *n) { return n->stored == n->behind; }
__attribute__((noinline)) static int again(struct node *n) { return n->other == n->null; }

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  struct node *a = perdure_create(store, "a", sizeof *a, 0);
  struct node *b = perdure_create(store, "b", sizeof *b, 0);
  struct node *c = perdure_create(store, "c", sizeof *c, 0);
  if (!a || !b || !c || perdure_bind((void *)&a->bound, "b") ||
      perdure_bind((void *)&a->own, "a"))
    return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  a->stored = b;
  a->other = c;
  a->near = a;
  a->behind = b + 1;
  printf("equal %d, different %d, other %d, near %d, own %d, null %d, ", equal(a), different(a),
         other(a), near(a), own(a), null(a));
  a->null = c;
  printf("entry %d, again %d\n", entry(a), again(a));
  perdure_store_close(store);
}
