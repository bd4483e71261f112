/* gdb shows persistent pointers: as they are stored without help, as the
 * native pointers that they mean with tools/gdb/perdure.py.
 *
 * REQUIRES: gdb
 * RUN: rm -rf %t.store && %perdure_cc -g -O0 %s -o %t
 * RUN: %gdb -x %S/Inputs/commands -ex "source %source/tools/gdb/perdure.py" \
 * RUN:   -x %S/Inputs/decoded --args %t %t.store 2>&1 | FileCheck %s
 *
 * CHECK-NOT: unknown type
 * CHECK: type = struct node {
 * CHECK-NEXT: perdure_ptr(struct node *) next;
 * CHECK: plain {next = 0x{{[0-9a-f]+}}, name = 0x
 * CHECK: object {next = (struct node *) [[NEXT:0x[0-9a-f]+]], name = 0x{{[0-9a-f]+}} "hi",
 * CHECK-SAME: kids = {(struct node *) 0x0, (struct node *) [[NEXT]]}, native = 0x0, value = 0}
 * CHECK: local {next = (struct node *) [[NEXT]], name = 0x{{[0-9a-f]+}} "volatile",
 * CHECK-SAME: kids = {(struct node *) 0x0, (struct node *) 0x1}, native = 0x0, value = 7}
 * CHECK: followed {next = <foreign: FOT index 1, offset 0x{{[0-9a-f]+}} in object
 * CHECK-SAME: {{[0-9a-f]+}}, not yet resolved here>,
 * CHECK-SAME: value = 42}
 * CHECK: foreign 43
 * CHECK-NOT: Error
 */
#include <perdure/perdure.h>

struct PERDURE node {
  struct node *next;
  const char *name;
  struct node *kids[2];
  struct node *native PERDURE_TRANSIENT;
  long value;
};
__attribute__((noinline)) static void look(struct node *n) {
  __asm__ volatile("" ::"r"(n) : "memory");
}

int main(int c, char **v) {
  perdure_store *s = perdure_store_open(v[1], PERDURE_CREATE);
  struct node *a = perdure_create(s, "a", sizeof *a, 0);
  struct node *b = perdure_alloc(a, sizeof *b);
  struct node *o = perdure_create(s, "o", sizeof *o, 0);
  char *name = perdure_alloc(a, 8);
  name[0] = 'h';
  name[1] = 'i';
  a->next = b;
  b->next = o;
  a->name = name;
  b->value = 42;
  o->value = 43;
  a->kids[1] = b;
  struct node local = {b, "volatile", {0, (struct node *)1}, 0, 7};
  look(a);
  look(&local);
  return 0;
}
