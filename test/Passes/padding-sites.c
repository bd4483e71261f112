// The policy `padding` leaves what fault reports and profiles know of fields.
// RUN: %perdure_cc -g -O2 -S -o - %s | FileCheck %s
// RUN: %perdure_cc -g -O2 -fperdure-reduce-flips=padding -S -o - %s | FileCheck %s
// CHECK: perdure_names
// CHECK: struct pair.value
#include <perdure/perdure.h>

struct PERDURE pair { struct pair *next; char key; long value[20]; };

void add(struct pair *p, unsigned long n) {
  for (unsigned long i = 0; i != n; ++i)
    p->value[i]++;
}
