/* A native address must not get into an object: under each policy, from each
 * kind of memory, with the source line, and before anything is stored.
 *
 * RUN: rm -rf %t.store %t.other && %perdure_cc -g -O2 -Wno-everything %s -o %t
 * RUN: not --crash %t %t.store heap 2>&1 | FileCheck %s --check-prefix=HEAP
 * RUN: not --crash %t %t.store stack 2>&1 | FileCheck %s --check-prefix=STACK
 * RUN: not --crash %t %t.store other %t.other 2>&1 | FileCheck %s --check-prefix=OTHER
 * RUN: %t %t.store look | FileCheck %s --check-prefix=NOTHING
 * RUN: env PERDURE_OPTIONS=escape=report %t %t.store heap 2>&1 | FileCheck %s --check-prefix=REPORT
 * RUN: not --crash %t %t.store follow 2>&1 | FileCheck %s --check-prefix=FOLLOW
 * RUN: rm -rf %t.store
 * RUN: env PERDURE_OPTIONS=escape=allow %t %t.store heap 2>&1 | FileCheck %s --check-prefix=ALLOW
 *
 * HEAP: perdure: escape at {{.*}}policies.c:[[# @LINE + 31]]: 0x{{[0-9a-f]+}}, a native address, was about to be stored at offset 0x{{[0-9a-f]+}} of object 'a'
 * HEAP-NOT: stored
 * STACK: perdure: escape at {{.*}}policies.c:[[# @LINE + 32]]: {{.*}}a native address
 * OTHER: perdure: escape at {{.*}}policies.c:[[# @LINE + 37]]: {{.*}}an address in another store
 * NOTHING: holds nothing
 * REPORT: perdure: escape at {{.*}}policies.c:[[# @LINE + 26]]: {{.*}} is stored at offset
 * REPORT: reads back
 * FOLLOW: perdure: fault at {{.*}} a damaged pointer was followed
 * ALLOW-NOT: perdure
 * ALLOW: reads back
 */
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct PERDURE node {
  struct node *next;
  long value;
};

int main(int argc, char **argv) {
  struct node local = {0, 1}, *target = 0;
  setvbuf(stdout, 0, _IONBF, 0);
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  struct node *a = perdure_open(store, "a", 0);
  if (!a)
    a = perdure_create(store, "a", sizeof *a, 0);

  if (!strcmp(argv[2], "heap")) {
    target = malloc(sizeof *target);
    a->next = target; /* HEAP, REPORT */
  } else if (!strcmp(argv[2], "stack")) {
    target = &local;
    a->next = target; /* STACK */
  } else if (!strcmp(argv[2], "other")) {
    perdure_store *other = perdure_store_open(argv[3], PERDURE_CREATE);
    target = perdure_create(other, "b", sizeof *target, 0);
    if (!target)
      return 2;
    a->next = target; /* OTHER */
  } else if (!strcmp(argv[2], "follow")) {
    return (int)a->next->value;
  }
  if (!a->next)
    puts("holds nothing");
  else if (a->next == target)
    puts("reads back");
  perdure_close(a);
  perdure_store_close(store);
  return 0;
}
