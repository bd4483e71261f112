// A block is made persistent after the pointer that leads to it.
// RUN: rm -rf %t && mkdir -p %t
// RUN: %perdure_cc -g -O1 %s -o %t/check
// RUN: %perdure_cc -g -O1 -fperdure-trace -DFAULT=0 %s -o %t/right
// RUN: %perdure_cc -g -O1 -fperdure-trace -DFAULT=1 %s -o %t/wrong
// RUN: perdure crash --budget 300 --keep %t/k1 --serve --check '%t/check check' -- %t/right | FileCheck %s --check-prefix=RIGHT
// RUN: perdure crash --budget 300 --medium page --keep %t/k2 --serve --check '%t/check check' -- %t/right | FileCheck %s --check-prefix=RIGHT
// RIGHT: , 0 failed
// RUN: not perdure crash --failures 1 --budget 200 --keep %t/k3 --serve --check '%t/check check' -- %t/wrong | FileCheck %s --check-prefix=WRONG
// RUN: not perdure crash --failures 1 --budget 200 --medium page --keep %t/k4 --serve --check '%t/check check' -- %t/wrong | FileCheck %s --check-prefix=WRONG
// WRONG: failure 1: exit status 1: a node without its value
#include "Inputs/fault.h"
struct PERDURE node { struct node *next; long value; char room[1008]; };
struct PERDURE root { struct node *first; char room[1016]; };
static size_t rootBytes(void) { return sizeof(struct root); }

static void work(struct root *root) {
  for (int i = 1; i <= 2; ++i) {
    struct node *n = perdure_alloc(root, sizeof *n);
    n->value = i;
    n->next = root->first;
    if (!FAULT)
      perdure_persist(n, sizeof *n);
    root->first = n;
    perdure_persist(root, 8);
    if (FAULT)
      perdure_persist(n, sizeof *n);
    perdure_crash_note("linked");
  }
}

static int good(struct root *root, int promised) {
  for (struct node *n = root->first; n; n = n->next, --promised)
    if (n->value < 1 || n->value > 2)
      return bad("a node without its value");
  return promised > 0 ? bad("a promised node is missing") : 0;
}
