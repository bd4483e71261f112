// The hot loops of a search tree and of hash chains, on machine code: no mask, and
// keys are loaded from [base + offset]. (budget.ll has the list's, instruction by
// instruction.)
// RUN: %clang -O2 -S %s -o - | FileCheck %s
#include <perdure/perdure.h>
struct PERDURE tree { struct tree *l, *r; long key; };
struct PERDURE entry { struct entry *chain; long key; };
struct PERDURE table { struct entry *buckets[1024]; };

// CHECK-LABEL: find:
// CHECK:         Loop Header: Depth=1
// CHECK-NOT:     {{and[lq]}}
// CHECK:         setge
// CHECK-NOT:     {{and[lq]}}
// CHECK:         leaq -1(
// CHECK-NEXT:    cmpq
// CHECK-NEXT:    jae
// CHECK-NOT:     {{and[lq]}}
// CHECK:         movq 16(%{{r[a-z0-9]+}},%{{r[a-z0-9]+}}), %{{r[a-z0-9]+}}
// CHECK-NOT:     {{and[lq]}}
// CHECK:         jne
struct tree *find(struct tree *t, long k) {
  while (t && t->key != k)
    t = k < t->key ? t->l : t->r;
  return t;
}

// CHECK-LABEL: get:
// CHECK:         Loop Header: Depth=1
// CHECK-NOT:     {{and[lq]}}
// CHECK:         leaq -1(
// CHECK-NEXT:    cmpq
// CHECK-NEXT:    jae
// CHECK-NOT:     {{and[lq]}}
// CHECK:         cmpq %{{r[a-z0-9]+}}, 8(%{{r[a-z0-9]+}},%{{r[a-z0-9]+}})
// CHECK-NOT:     {{and[lq]}}
// CHECK:         jne
struct entry *get(struct table *t, long k) {
  for (struct entry *e = t->buckets[k & 1023]; e; e = e->chain)
    if (e->key == k)
      return e;
  return 0;
}
