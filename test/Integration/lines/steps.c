/* What translates a pointer belongs to the statement that follows it: gdb steps from line
 * to line of the source, and stops in none twice, nor in any other.
 *
 * REQUIRES: gdb
 * UNSUPPORTED: sanitized
 * RUN: rm -rf %store && %perdure_cc -g -O0 %s -o %t
 * RUN: %gdb -ex "break walk" -ex run -ex next -ex next \
 * RUN:   -ex next -ex next -ex next -ex next -ex next -ex kill --args %t %store 2>&1 | FileCheck %s
 *
 * CHECK: struct record *second = r->next; {{.*}}
 * CHECK-NEXT: second->next = r; {{.*}}
 * CHECK-NEXT: r->kids[1] = second->next; {{.*}}
 * CHECK-NEXT: *second = *r; {{.*}}
 * CHECK-NEXT: if (r->next) {{.*}}
 * CHECK-NEXT: r->kids[0] = NULL; {{.*}}
 * CHECK-NEXT: return r->kids[1]->value; {{.*}}
 */
#include <perdure/perdure.h>

struct PERDURE record { struct record *next, *kids[2]; long value; };

__attribute__((noinline)) static long walk(struct record *r) {
  struct record *second = r->next; /* 1 */
  second->next = r; /* 2 */
  r->kids[1] = second->next; /* 3 */
  *second = *r; /* 4 */
  if (r->next) /* 5 */
    r->kids[0] = NULL; /* 6 */
  return r->kids[1]->value; /* 7 */
}

int main(int argc, char **argv) {
  (void)argc;
  perdure_store *s = perdure_store_open(argv[1], PERDURE_CREATE);
  struct record *r = perdure_create(s, "o", sizeof *r, 0);
  r->next = perdure_alloc(r, sizeof *r);
  return (int)walk(r);
}
