// A promise that is given before what it promises is persistent.
// RUN: rm -rf %t && mkdir -p %t
// RUN: %perdure_cc -g -O1 %s -o %t/check
// RUN: %perdure_cc -g -O1 -fperdure-trace -DFAULT=0 %s -o %t/right
// RUN: %perdure_cc -g -O1 -fperdure-trace -DFAULT=1 %s -o %t/wrong
// RUN: perdure crash --budget 300 --keep %t/k1 --serve --check '%t/check check' -- %t/right | FileCheck %s --check-prefix=RIGHT
// RUN: perdure crash --budget 300 --medium page --keep %t/k2 --serve --check '%t/check check' -- %t/right | FileCheck %s --check-prefix=RIGHT
// RIGHT: , 0 failed
// RUN: not perdure crash --failures 1 --budget 200 --keep %t/k3 --serve --check '%t/check check' -- %t/wrong | FileCheck %s --check-prefix=WRONG
// RUN: not perdure crash --failures 1 --budget 200 --medium page --keep %t/k4 --serve --check '%t/check check' -- %t/wrong | FileCheck %s --check-prefix=WRONG
// WRONG: failure 1: exit status 1: what was promised is missing
#include "Inputs/fault.h"
struct PERDURE root { long value; };
static size_t rootBytes(void) { return sizeof(struct root); }

static void work(struct root *root) {
  for (long i = 1; i <= 2; ++i) {
    root->value = i;
    if (FAULT)
      perdure_crash_note("set");
    perdure_persist(root, sizeof *root);
    if (!FAULT)
      perdure_crash_note("set");
  }
}

static int good(struct root *root, int promised) {
  return root->value < promised ? bad("what was promised is missing") : 0;
}
