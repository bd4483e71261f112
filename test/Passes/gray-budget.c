// What a counter in Gray code costs, in instructions of x86-64, load, store and return
// among them: docs/LanguageReference.md names these numbers.
// RUN: %clang -O2 -S -fno-asynchronous-unwind-tables %s -o %t.s && %python %S/Inputs/count-instructions.py %t.s up=19 down=19 add=25 load=20 set=6 same=3 is_five=4
// RUN: %clang -O2 -march=haswell -S -fno-asynchronous-unwind-tables %s -o %t.h && %python %S/Inputs/count-instructions.py %t.h up=12 down=12
// RUN: %clang -O2 -S -emit-llvm %s -o - | FileCheck %s
#include <perdure/perdure.h>
struct s {
  unsigned long count PERDURE_GRAY;
  unsigned many[64] PERDURE_GRAY;
};
void up(struct s *p) { p->count++; }
void down(struct s *p) { p->count--; }
void add(struct s *p, unsigned long n) { p->count += n; }
unsigned long load(struct s *p) { return p->count; }
void set(struct s *p, unsigned long n) { p->count = n; }
void same(struct s *p, struct s *q) { p->count = q->count; }
int is_five(struct s *p) { return p->count == 5; }

// A store to one field does not touch another: the sum is loaded once.
// CHECK-LABEL: define {{.*}} @others
// CHECK:         load i64
// CHECK-NOT:     load i64
// CHECK:         ret i64
unsigned long others(struct s *p, struct s *q) {
  unsigned long n = p->count;
  q->many[0] = 1;
  return n + p->count;
}
// Sums are vectors.
// CHECK-LABEL: define {{.*}} @sum
// CHECK:         lshr <4 x i32>
unsigned sum(struct s *p) {
  unsigned n = 0;
  for (int i = 0; i < 64; i++)
    n += p->many[i];
  return n;
}
