/* Compiled for PIE, linked without: static initialisers are plain addresses below
 * SLOT, and copied elsewhere they would lead into nowhere. The link fails, with
 * either linker and through either LTO; compiled without PIE it works.
 *
 * REQUIRES: lld
 * RUN: %perdure_cc -c %s -o %t.o
 * RUN: not %perdure_cc -no-pie %t.o -o %t 2>&1 | FileCheck %s
 * RUN: not %perdure_cc -no-pie -fuse-ld=lld %t.o -o %t 2>&1 | FileCheck %s
 * RUN: not %perdure_cc -flto -no-pie -fuse-ld=lld %s -o %t -fPIE 2>&1 | FileCheck %s
 * RUN: not %perdure_cc -flto=thin -no-pie -fuse-ld=lld %s -o %t -fPIE 2>&1 | FileCheck %s
 * CHECK: .perdure.compile_with_fno_pie_for_no_pie
 * RUN: %perdure_cc %t.o -o %t
 * RUN: %run %t
 * RUN: %perdure_cc -fno-pie -no-pie %s -o %t
 * RUN: %run %t
 */
#include <perdure/perdure.h>
struct PERDURE node {
  struct node *next;
  long value;
};
static struct node b = {0, 2}, a = {&b, 1};
__attribute__((noinline)) static void copy(struct node *d, struct node *s) {
  *d = *s;
}
int main(void) {
  struct node local;
  copy(&local, &a);
  return local.next != &b || local.next->value != 2;
}
