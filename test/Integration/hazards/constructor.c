/* A constructor of the highest priority that a program may use, linked before
 * the entry archive, finds the window in its place.
 *
 * RUN: rm -rf %t.store && %perdure_cc -O2 -DSTORE='"%t.store"' %s -o %t && %t | FileCheck %s
 * RUN: rm -rf %t.store && %perdure_cc -O0 -fperdure-encoding=strict -DSTORE='"%t.store"' %s -o %t && %t | FileCheck %s
 * CHECK: reads back, static is set
 */
#include <perdure/perdure.h>
#include <stdio.h>

struct PERDURE node {
  struct node *next;
};
static struct node target, start = {&target};

__attribute__((constructor(101))) static void early(void) {
  perdure_store *store = perdure_store_open(STORE, PERDURE_CREATE);
  struct node *n = perdure_create(store, "n", sizeof *n, 0);
  if (!n)
    return;
  n->next = perdure_alloc(n, sizeof *n);
  /* An address that had gone in as it is would be damage: not null, and not
     what the runtime makes of it. */
  unsigned long bits;
  __builtin_memcpy(&bits, (void *)n, sizeof bits);
#if __PERDURE_ENCODING__ == 0
  if (bits >= 1ul << __PERDURE_SLOT_BITS__)
    return;
#endif
  if (n->next && !n->next->next)
    printf("reads back, static %s\n",
           start.next == &target ? "is set" : "is not set yet");
}

int main(void) { return 0; }
