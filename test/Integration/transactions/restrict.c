// A rollback writes back through no pointer of the program: what 'restrict' and
// 'malloc' promise does not hold across it. Where nothing is called that could roll
// back, 'restrict' holds.
// RUN: %perdure_cc -O0 %s -o %t.O0 && rm -rf %store && %run %t.O0 %store | FileCheck %s
// RUN: %perdure_cc -O2 %s -o %t.O2 && rm -rf %store && %run %t.O2 %store | FileCheck %s
// RUN: %perdure_cc -O2 -flto %s -o %t.lto && rm -rf %store && %run %t.lto %store | FileCheck %s
// CHECK: restrict 5, of its own 5, handed on 5, aggregate 5
// RUN: %perdure_cc -O0 -S -emit-llvm %s -o - | FileCheck %s --check-prefix=LEAF
// LEAF: define{{.*}} @leaf(ptr noalias
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#include <stdio.h>

#define IN PERDURE_IN_TRANSACTION __attribute__((noinline))
struct PERDURE root {
  struct root *link;
  long n[8];
};
static struct root *r;

IN static long restricted(long *restrict p) {
  *p = 5;
  int s = perdure_tx_savepoint();
  *p = 7;
  perdure_tx_rollback_to(s);
  return *p;
}
__attribute__((malloc, noinline)) static long *make(void) { return perdure_alloc(r, 64); }
IN static long own(void) {
  long *p = make();
  *p = 5;
  int s = perdure_tx_savepoint();
  *p = 7;
  perdure_tx_rollback_to(s);
  return *p;
}
__attribute__((noinline)) static void back(int s) { perdure_tx_rollback_to(s); }
__attribute__((noinline)) static long handedOn(long *restrict p) {
  *p = 5;
  int s = perdure_tx_savepoint();
  *p = 7;
  back(s);
  return *p;
}
struct several {
  long v[4];
};
// Its result lies where the caller says, which the attributes call unaliased, too.
__attribute__((noinline)) static struct several aggregate(void) {
  struct several s = {{5}};
  int point = perdure_tx_savepoint();
  perdure_tx_rollback_to(point);
  return s;
}
IN void leaf(long *restrict p, const long *restrict q) { *p = *q; }

static long got[4];
static int body(void *unused) {
  (void)unused;
  got[0] = restricted(&r->n[0]);
  got[1] = own();
  got[2] = handedOn(&r->n[1]);
  *(struct several *)&r->n[2] = aggregate();
  got[3] = r->n[2];
  return 0;
}
int main(int argc, char **argv) {
  (void)argc;
  perdure_store *s = perdure_store_open(argv[1], PERDURE_CREATE);
  r = perdure_create(s, "o", sizeof *r, 0);
  if (!r || perdure_transact(r, body, 0))
    return puts(perdure_errormsg()), 1;
  printf("restrict %ld, of its own %ld, handed on %ld, aggregate %ld\n", got[0], got[1], got[2], got[3]);
  perdure_store_close(s);
  return 0;
}
