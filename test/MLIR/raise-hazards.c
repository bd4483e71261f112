// What C does with memory that the dialect's types do not say: it stays in the LLVM
// dialect, or is raised to what it means. Compiled through the dialect and directly, it
// does the same.
// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: env CC1="%clang" OPT="%opt" CC="%perdure_cc" sh %S/Inputs/through.sh %s through.o -g
// RUN: %perdure_cc through.o -o through && %perdure_cc -O1 %s -o direct
// RUN: %run ./direct > expected && rm -r store && %run ./through > got && diff expected got
// RUN: FileCheck %s < expected --check-prefix=PRINTED
// RUN: FileCheck %s < through.o.mlir
// PRINTED-COUNT-9: {{^[a-z]+ [0-9]+$}}
#include <perdure/perdure.h>
#include <stdio.h>

// A list that a node holds by value, and that leads to nodes.
struct PERDURE list { struct node *first; };
struct PERDURE node {
  struct list kids;
  long v;
  union { int a[4]; long b[2]; } u;
  long m[3][4];
  _Alignas(32) struct node *f5;
  unsigned bits : 3, more : 13;
};
// CHECK-DAG: !node = !perdure.record<"node", body {{.*}}kids: !list, v: i64, u: !perdure.array<16xi8>,

// By value, with an index on what the pointer leads to.
// CHECK-LABEL: llvm.func @indexed
// CHECK: perdure.element %{{.*}}[%{{.*}} : i64] : <!node>
long indexed(struct node *s, long i) { return s->kids.first[i].v; }
// The union is bytes, whose elements are not the int's.
// CHECK-LABEL: llvm.func @member
// CHECK: llvm.getelementptr {{.*}} !llvm.array<4 x i32>
int member(struct node *s, long i) { return s->kids.first->u.a[i]; }
// CHECK-LABEL: llvm.func @other
long other(struct node *s, long i) { return s->kids.first->u.b[i]; }
// Rows of a matrix: one further is 32 bytes further.
long row(struct node *s, long i) {
  long(*r)[4] = s->kids.first->m;
  r++;
  return r[i][1];
}
long cell(struct node *s, long i) { return s->kids.first->m[i][2]; }
long behind(struct node *s) { return (s->f5 + 1)->v; }
unsigned field(struct node *s) { return s->kids.first->more; }

int main(void) {
  perdure_store *store = perdure_store_open("store", PERDURE_CREATE);
  struct node *s = perdure_create(store, "nodes", sizeof *s, 0);
  struct node *all = perdure_alloc(s, 3 * sizeof *all);
  s->kids.first = all;
  s->f5 = all;
  for (long i = 0; i < 3; i++) {
    all[i].v = 10 + i;
    all[i].more = 100 + i;
    all[i].kids.first = s;
    for (int k = 0; k < 12; k++)
      all[i].m[k / 4][k % 4] = 100 * i + k;
    for (int k = 0; k < 4; k++)
      all[i].u.a[k] = 7 * k + i;
  }
  printf("indexed %ld\n", indexed(s, 2));
  printf("member %d\n", member(s, 3));
  printf("other %ld\n", other(s, 1));
  printf("row %ld\n", row(s, 1));
  printf("rows %ld\n", row(s, 0));
  printf("cell %ld\n", cell(s, 2));
  printf("behind %ld\n", behind(s));
  printf("field %u\n", field(s));
  printf("back %ld\n", all[1].kids.first->kids.first[0].v);
  perdure_store_close(store);
}
