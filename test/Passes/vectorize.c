// Loops over arrays of persistent pointers vectorise as over plain ones: counting,
// clearing, copying within an object, filling with one pointer.
// RUN: %clang -O2 -msse4.2 -S %s -o %t.s -Rpass=loop-vectorize 2>&1 | FileCheck %s
// RUN: FileCheck --check-prefix=ASM %s < %t.s
#include <perdure/perdure.h>
struct PERDURE node { struct node *next; };
struct PERDURE table { struct node *p[1024]; };

long used(struct table *t) {
  long n = 0;
  for (int i = 0; i < 1024; i++) // CHECK: vectorize.c:[[#@LINE]]:{{.*}}vectorized loop
    n += t->p[i] != 0;
  return n;
}
void copy(struct table *restrict d, struct table *restrict s) {
  for (int i = 0; i < 1024; i++) // CHECK: vectorize.c:[[#@LINE]]:{{.*}}vectorized loop
    d->p[i] = s->p[i];
}
void fill(struct table *t, struct node *n) {
  for (int i = 0; i < 1024; i++) // CHECK: vectorize.c:[[#@LINE]]:{{.*}}vectorized loop
    t->p[i] = n;
}
// ASM-LABEL: clear:
// ASM:         jmp memset
void clear(struct table *t) {
  for (int i = 0; i < 1024; i++)
    t->p[i] = 0;
}
