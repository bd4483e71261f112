// The passes alone, run: every way in which memory in an object, memory of the
// heap, globals and locals meet, against a runtime of a few lines.
// RUN: %cc -O1 -c %S/Inputs/stub-runtime.c -o %t.stub.o
// RUN: %clang -O0 %s %t.stub.o -o %t.O0 && %t.O0 | FileCheck %s
// RUN: %clang -O1 %s %t.stub.o -o %t.O1 && %t.O1 | FileCheck %s
// RUN: %clang -O2 %s %t.stub.o -o %t.O2 && %t.O2 | FileCheck %s
// RUN: %clang -O3 %s %t.stub.o -o %t.O3 && %t.O3 | FileCheck %s
// RUN: %clang -Oz %s %t.stub.o -o %t.Oz && %t.Oz | FileCheck %s
// RUN: %clang -O0 -fno-pie -no-pie %s %t.stub.o -o %t.S0 && %t.S0 | FileCheck %s
// RUN: %clang -O2 -fno-pie -no-pie %s %t.stub.o -o %t.S2 && %t.S2 | FileCheck %s
// RUN: %clang -Oz -fno-pie -no-pie %s %t.stub.o -o %t.Sz && %t.Sz | FileCheck %s
// Scrambled by position: an access that escaped translation would show. And the
// twins in place of inline code.
// RUN: %clang -O0 -fplugin-arg-PerdureClang-encoding=strict -DSTRICT %s %t.stub.o -o %t.T0 && %t.T0 | FileCheck %s
// RUN: %clang -O2 -fplugin-arg-PerdureClang-encoding=strict -DSTRICT %s %t.stub.o -o %t.T2 && %t.T2 | FileCheck %s
// RUN: %clang -O2 -fno-pie -no-pie -fplugin-arg-PerdureClang-encoding=strict -DSTRICT %s %t.stub.o -o %t.TS && %t.TS | FileCheck %s
// RUN: %clang -O2 -fplugin-arg-PerdureClang-callbacks %s %t.stub.o -o %t.C2 && %t.C2 | FileCheck %s
// The encodings for researchers that need nothing more of a runtime: the entry
// archive's own twins complete them.
// RUN: %cc -O1 -DSLOT_BITS=35 -fPIC -I%include -I%source/runtime -c %source/runtime/entry/self_relative.c -o %t.self.o
// RUN: %cc -O1 -DSLOT_BITS=35 -fPIC -I%include -I%source/runtime -c %source/runtime/entry/xor.c -o %t.xor.o
// RUN: %clang -O0 -fplugin-arg-PerdureClang-encoding=self-relative -DSTRICT %s %t.stub.o %t.self.o -o %t.s0 && %t.s0 | FileCheck %s
// RUN: %clang -O2 -fplugin-arg-PerdureClang-encoding=self-relative -DSTRICT %s %t.stub.o %t.self.o -o %t.s2 && %t.s2 | FileCheck %s
// RUN: %clang -Oz -fno-pie -no-pie -fplugin-arg-PerdureClang-encoding=self-relative -DSTRICT %s %t.stub.o %t.self.o -o %t.sz && %t.sz | FileCheck %s
// RUN: %clang -O0 -fplugin-arg-PerdureClang-encoding=xor -DSTRICT %s %t.stub.o %t.xor.o -o %t.x0 && %t.x0 | FileCheck %s
// RUN: %clang -O2 -fplugin-arg-PerdureClang-encoding=xor -DSTRICT %s %t.stub.o %t.xor.o -o %t.x2 && %t.x2 | FileCheck %s
// RUN: %clang -Oz -fno-pie -no-pie -fplugin-arg-PerdureClang-encoding=xor -DSTRICT %s %t.stub.o %t.xor.o -o %t.xz && %t.xz | FileCheck %s
// An escape stops the program and says where, down to the line.
// RUN: env ESC=1 not %t.O0 2>&1 | FileCheck --check-prefix=NOWHERE %s
// RUN: %clang -g -O2 %s %t.stub.o -o %t.g && env ESC=1 not %t.g 2>&1 | FileCheck --check-prefix=WHERE %s
// CHECK: ok
// NOWHERE: escape at ?
// WHERE: escape at {{.*}}execution.c:[[# @LINE + 12]]
#include "Inputs/stub-runtime.h"
#include <perdure/perdure.h>
#define CHECK(x) do { if (!(x)) { printf("FAIL %d: %s\n", __LINE__, #x); bad=1; } } while (0)
static int bad;
struct PERDURE node { struct node *next; long v; struct node *other; };
#define NI __attribute__((noinline))
struct node g0 = {0, 7, 0};
struct node g1 = {&g0, 8, 0};
struct node ga[3] = {{&ga[1],1,&ga[2]},{&ga[2],2,(struct node*)0},{0,3,&ga[0]}};
__thread struct node tl = {0, 5, 0};
NI long sum(struct node *n) { long s = 0; for (; n; n = n->next) s += n->v; return s; }
NI void setn(struct node *a, struct node *b) { a->next = b; }
NI void seto(struct node *a, struct node *b) { a->other = b; }
NI struct node *geto(struct node *a) { return a->other; }
NI void cpn(struct node *a, struct node *b) { *a = *b; }
NI void mv(struct node *a, struct node *b) { a->next = b->next; }
NI int eq(struct node *a) { return a->next == a->other; }
NI struct node *getn(struct node *a) { return a->next; }
NI struct node byval(struct node x) { x.v++; return x; }
NI void esc(struct node *x) { CHECK(x->next->v == 7); x->next = &g1; }
NI long locals(struct node *n) {
  struct node it = {n, 0, 0};
  while (it.next) { it.v += it.next->v; it.next = it.next->next; }
  struct node y = it; y.other = n; esc(&(struct node){&g0,0,0});
  struct node z = {&g0, 1, n}; esc(&z); CHECK(z.next == &g1); CHECK(z.other == n);
  return it.v + (y.other == n);
}
NI long restr(struct node *restrict c, struct node *q) {
  /* c->next leads to q: writes through one must be seen through the other. */
  struct node *d = c->next; q->v = 1; d->v = 2; return q->v; }
NI int bits_are(struct node *a, uint64_t want) { uint64_t b; memcpy(&b, (void*)a, 8); if (b!=want) printf("%lx\n",b); return b == want; }
int main(void) {
  struct node *A = (struct node *)(stub_slot(2) + 4096), *B = (struct node *)(stub_slot(5) + 8192);
  CHECK(g1.next == &g0); CHECK(getn(&g1) == &g0);
  CHECK(sum(ga) == 6); CHECK(geto(&ga[0]) == &ga[2]);  CHECK(geto(ga+2) == ga);
  setn(&tl, &g0); CHECK(getn(&tl)->v == 7); 
  for (int i = 0; i < 10; i++) { A[i].v = i; setn(&A[i], i < 9 ? &A[i + 1] : 0); }
  CHECK(sum(A) == 45);
#ifndef STRICT
  CHECK(bits_are(&A[0], 4096 + sizeof *A)); CHECK(bits_are(&A[9], 0));
#endif
  seto(A, A); CHECK(geto(A) == A); seto(A, (void *)stub_slot(2)); CHECK(geto(A) == (void *)stub_slot(2));
  seto(A, (void*)1); CHECK(geto(A) == (void*)1); seto(A, (void*)-1L); CHECK(geto(A)==(void*)-1L); seto(A, 0); CHECK(geto(A) == 0);
  for (int i = 0; i < 10; i++) { B[i].v = 100 + i; setn(&B[i], i < 9 ? &B[i + 1] : A); }
  CHECK(sum(B) == 45 + 1045); CHECK(getn(&B[9]) == A);
  seto(B, (void *)stub_slot(2)); CHECK(geto(B) == (void *)stub_slot(2));
  mv(&A[9], &B[8]); CHECK(getn(&A[9]) == &B[9]);  mv(&A[9], &B[9]); CHECK(getn(&A[9]) == A); setn(A+9,0);
  struct node *H = malloc(2 * sizeof *H); H[0].v = 1; H[1].v = 2;
  setn(H, H + 1); setn(H + 1, A); seto(H, (void *)3); seto(H+1, (void*)-3L);
  CHECK(sum(H) == 48); CHECK(geto(H) == (void *)3); CHECK(geto(H+1) == (void*)-3L);
#if !defined(STRICT) && defined(__PIE__)
  CHECK(bits_are(H, (uint64_t)(H + 1)));
#endif
  struct node t; cpn(&t, B + 9); CHECK(getn(&t) == A); cpn(H, B + 9); CHECK(getn(H) == A); cpn(A + 9, H); CHECK(getn(A + 9) == A); setn(A+9,0);
  cpn(H, &g1); CHECK(getn(H) == &g0); CHECK(!geto(H));
  struct node u = byval(B[9]); CHECK(u.next == A); CHECK(getn(&u) == A); CHECK(u.v == 110);
  A[3] = byval(B[9]); CHECK(getn(A+3) == A); setn(A+3, A+4); A[3].v=3;
  for (int i = 0; i < 10; i++) { A[i].v = i; setn(&A[i], i < 9 ? &A[i + 1] : 0); } CHECK(locals(A) == 46); B[9].v=109; setn(B+9, A); CHECK(locals(B) == 1091);
  seto(A, A + 1); CHECK(eq(A)); seto(A, 0); CHECK(!eq(A)); CHECK(!eq(B+9)||1);
  CHECK(restr(A, A + 1) == 2); A[1].v=1;
#ifndef STRICT
  memcpy(stub_slot(6), stub_slot(2), 65536); CHECK(sum((struct node *)(stub_slot(6) + 4096)) == 45);
#endif
  struct node *volatile gp = &g0; (void)gp;
  printf("%s d%d e%d r%d\n", bad ? "BAD" : "ok", decode_calls, encode_calls, reencode_calls);
  if (getenv("ESC")) setn(A, &g0);
  return bad;
}
