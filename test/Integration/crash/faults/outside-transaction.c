// A store in a function of which the transaction was told that it is safe, and
// which does not log; the twin is compiled as a part of the transaction.
// RUN: rm -rf %t && mkdir -p %t
// RUN: %perdure_cc -g -O1 %s -o %t/check
// RUN: %perdure_cc -g -O1 -fperdure-trace -DFAULT=0 %s -o %t/right
// RUN: %perdure_cc -g -O1 -fperdure-trace -DFAULT=1 %s -o %t/wrong
// RUN: perdure crash --budget 300 --keep %t/k1 --serve --check '%t/check check' -- %t/right | FileCheck %s --check-prefix=RIGHT
// RUN: perdure crash --budget 300 --medium page --keep %t/k2 --serve --check '%t/check check' -- %t/right | FileCheck %s --check-prefix=RIGHT
// RIGHT: , 0 failed
// RUN: not perdure crash --failures 1 --budget 200 --keep %t/k3 --serve --check '%t/check check' -- %t/wrong | FileCheck %s --check-prefix=WRONG
// RUN: not perdure crash --failures 1 --budget 200 --medium page --keep %t/k4 --serve --check '%t/check check' -- %t/wrong | FileCheck %s --check-prefix=WRONG
// WRONG: failure 1: exit status 1: half of a transaction
#include "Inputs/fault.h"
struct PERDURE root { long low; char room[1016]; long high; };
static size_t rootBytes(void) { return sizeof(struct root); }

#if FAULT
PERDURE_TX_SAFE
#endif
__attribute__((noinline)) static void lift(struct root *root, long value) {
  root->high = value;
}

PERDURE_TRANSACTION static void set(struct root *root, long value) {
  root->low = value;
  lift(root, value);
}

static void work(struct root *root) {
  for (long i = 1; i <= 2; ++i) {
    set(root, i);
    perdure_crash_note("set");
  }
}

static int good(struct root *root, int promised) {
  if (root->low != root->high)
    return bad("half of a transaction");
  return root->low < promised ? bad("what was promised is missing") : 0;
}
