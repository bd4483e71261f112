/* gdb shows the pointers of each encoding that it can as what they mean.
 *
 * REQUIRES: gdb
 * RUN: rm -rf %t.store && %perdure_cc -g -O0 %s -o %t
 * RUN: %gdb -ex "source %source/tools/gdb/perdure.py" -x %S/Inputs/encodings --args %t %t.store 2>&1 | FileCheck %s
 *
 * CHECK: self {near = (int *) [[A:0x[0-9a-f]+]], itself = (void *) [[SELF:0x[0-9a-f]+]], far = <foreign: FOT index 1,
 * CHECK-SAME: one = (void *) 0x1}
 * CHECK: is 1
 * CHECK: xor {near = (int *) [[A]], itself = (void *) [[XOR:0x[0-9a-f]+]], far = <foreign: FOT index 1,
 * CHECK-SAME: one = (void *) 0x1}
 * CHECK: is 1
 * CHECK: region {near = (int *) [[A]], itself = (void *) [[REGION:0x[0-9a-f]+]], far = (int *) [[B:0x[0-9a-f]+]], one = (void *) 0x1}
 * CHECK: is 1
 * CHECK: fat {near = (int *) [[A]], itself = (void *) [[FAT:0x[0-9a-f]+]], far = (int *) [[B]], one = (void *) 0x1}
 * CHECK: is 1
 * CHECK: local {near = (int *) [[A]], itself = (void *) [[LOCAL:0x[0-9a-f]+]], far = (int *) [[B]], one = (void *) 0x1}
 * CHECK: is 1
 * CHECK: followed 5
 * CHECK-NOT: Error
 */
#include <perdure/perdure.h>

#define RECORD(Name, Encoding)                                                 \
  struct PERDURE_ENCODED(Encoding) Name { int *near; void *itself; int *far; void *one; }
RECORD(self, "self-relative");
RECORD(xor, "xor");
RECORD(region, "region-id");
RECORD(fat, "fat-lookup");
struct PERDURE root { struct self self; struct xor xor; struct region region; struct fat fat; int value; };

__attribute__((noinline)) static void look(struct root *r, struct self *local) {
  __asm__ volatile("" ::"r"(r), "r"(local) : "memory");
}
#define FILL(n)                                                                \
  ((n).near = &a->value, (n).itself = (void *)&(n).itself, (n).far = &b->value, \
   (n).one = (void *)1)
int main(int c, char **v) {
  perdure_store *s = perdure_store_open(v[c - 1], PERDURE_CREATE);
  struct root *a = perdure_create(s, "a", sizeof *a, 0);
  struct root *b = perdure_create(s, "b", sizeof *b, 0);
  struct self local;
  a->value = 4;
  b->value = 5;
  FILL(a->self);
  FILL(a->xor);
  FILL(a->region);
  FILL(a->fat);
  FILL(local);
  look(a, &local);
  return 0;
}
