/* Two records that Clang copies by one helper, from a bit-field without a name on
 * in the second: what is a field of either is copied.
 *
 * RUN: %perdure_cc -O0 -fperdure-reduce-flips=padding %s -o %t0 && %run %t0 | FileCheck %s
 * RUN: %perdure_cc -O2 -fperdure-reduce-flips=padding %s -o %t2 && %run %t2 | FileCheck %s
 * RUN: %perdure_cc -O0 -fperdure-reduce-flips=padding -S -emit-llvm -o - %s | FileCheck %s --check-prefix=SHARED
 */
#include <perdure/perdure.h>

#include <stdio.h>
#include <stdlib.h>

struct PERDURE one { struct one *next; char c; int b; long l; };
struct PERDURE other { struct other *next; unsigned : 8; unsigned x : 24; int b; long l; };

/* SHARED: define internal void @[[HELPER:__copy_assignment_[a-z0-9_]*]](
 * SHARED: define {{.*}}@copyOther(
 * SHARED: call void @[[HELPER]](
 */
__attribute__((noinline)) void copyOne(struct one *to, const struct one *from) { *to = *from; }
__attribute__((noinline)) void copyOther(struct other *to, const struct other *from) { *to = *from; }

int main(void) {
  struct one *a = calloc(2, sizeof *a);
  struct other *b = calloc(2, sizeof *b);
  if (!a || !b)
    return 1;
  *a = (struct one){.c = 1, .b = 2, .l = 3};
  *b = (struct other){.x = 0x123456, .b = 4, .l = 5};
  copyOne(a + 1, a);
  copyOther(b + 1, b);
  // CHECK: 1 2 3, 123456 4 5
  printf("%d %d %ld, %x %d %ld\n", a[1].c, a[1].b, a[1].l, b[1].x, b[1].b, b[1].l);
  free(a);
  free(b);
}
