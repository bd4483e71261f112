// What transactions refuse, with the function's name, the line and the way out.
// RUN: not %clang -O2 -g -c %s -o %t.o 2>&1 | FileCheck %s
// RUN: not %clang -O0 -c %s -o %t.o 2>&1 | FileCheck %s
#include <perdure/attributes.h>
#include <stdio.h>
#include <stdlib.h>

void unknown(long *);
PERDURE_TX_SAFE void safe(long *);
PERDURE_IN_TRANSACTION void inside(long *);
__attribute__((weak)) void replaced(long *p) { *p = 1; }

// CHECK-DAG: 'unknown', called in a transaction, is not defined in this file
PERDURE_TRANSACTION void calls(long *p, void (*f)(long *)) {
  unknown(p);
  safe(p);
  inside(p);
  replaced(p);
  f(p);
}
// CHECK-DAG: an atomic write in a transaction: other threads may have seen
static void atomics(long *p) { __atomic_fetch_add(p, 1, __ATOMIC_RELAXED); }
// CHECK-DAG: inline assembly in a transaction
PERDURE_IN_TRANSACTION void in(long *p) {
  long local = 0;
  atomics(p);
  __atomic_store_n(&local, 1, __ATOMIC_RELAXED);
  __asm__("" : "+r"(local));
  __asm__ volatile("movq $1, (%0)" : : "r"(p) : "memory");
}
// CHECK-DAG: a call of 'sprintf' in a transaction that may write to an object
// CHECK-DAG: a call of 'sscanf' in a transaction that may write to an object
// CHECK-DAG: a format of 'sscanf' that is no constant in a transaction
PERDURE_IN_TRANSACTION void known(char *p, long *n, const char *any) {
  char local[20];
  sprintf(local, "%ld", *n);
  sprintf(p, "%ld", *n);
  sscanf(local, "%3s%ld", p, n);
  sscanf(local, "%s%ld", local, n);
  sscanf(local, "%ld%s", n, p);
  sscanf(local, any, local);
  sscanf(local, any, n);
}
// What is found when it runs, or when it is linked.
// CHECK-NOT: 'safe'
// CHECK-NOT: 'inside'
// CHECK-NOT: 'replaced'
// CHECK-NOT: through a pointer
