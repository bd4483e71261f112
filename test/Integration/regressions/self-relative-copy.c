// In volatile memory no bits of self-relative lead from a container to the address
// 2^63 further on: the distance stands for the container itself. A copy to there
// says so, as a store does, and makes no pointer to itself of it.
// RUN: %perdure_cc -fperdure-encoding=self-relative -O0 %s -o %t.O0 && not --crash %run %t.O0 2>&1 | FileCheck %s
// RUN: %perdure_cc -fperdure-encoding=self-relative -O2 %s -o %t.O2 && not --crash %run %t.O2 2>&1 | FileCheck %s
// CHECK: is no address that a persistent pointer can hold
// CHECK-NOT: copied
#include <perdure/perdure.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct PERDURE node { struct node *next; };

__attribute__((noinline)) static void copy(struct node *to, struct node *from) { *to = *from; }

int main(void) {
  struct node *from = calloc(1, sizeof *from), *to = calloc(1, sizeof *to);
  from->next = (struct node *)((uintptr_t)to + ((uint64_t)1 << 63));
  copy(to, from);
  printf("copied: %d\n", to->next == to);
}
