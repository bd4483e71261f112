// Two words that belong together are changed in place, one after the other; the twin
// has them in a transaction. (One perdure_persist of both would do on page media with
// PERDURE_DURABLE, where it is a commit, and not on DAX.)
// RUN: rm -rf %t && mkdir -p %t
// RUN: %perdure_cc -g -O1 %s -o %t/check
// RUN: %perdure_cc -g -O1 -fperdure-trace -DFAULT=0 %s -o %t/right
// RUN: %perdure_cc -g -O1 -fperdure-trace -DFAULT=1 %s -o %t/wrong
// RUN: perdure crash --budget 300 --keep %t/k1 --serve --check '%t/check check' -- %t/right | FileCheck %s --check-prefix=RIGHT
// RUN: perdure crash --budget 300 --medium page --keep %t/k2 --serve --check '%t/check check' -- %t/right | FileCheck %s --check-prefix=RIGHT
// RIGHT: , 0 failed
// RUN: not perdure crash --failures 1 --budget 200 --keep %t/k3 --serve --check '%t/check check' -- %t/wrong | FileCheck %s --check-prefix=WRONG
// RUN: not perdure crash --failures 1 --budget 200 --medium page --keep %t/k4 --serve --check '%t/check check' -- %t/wrong | FileCheck %s --check-prefix=WRONG
// WRONG: failure 1: exit status 1: the two words differ
#include "Inputs/fault.h"
struct PERDURE root { long low; char room[1016]; long high; };
static size_t rootBytes(void) { return sizeof(struct root); }

PERDURE_TRANSACTION static void set(struct root *root, long value) {
  root->low = value;
  root->high = value;
}

static void work(struct root *root) {
  for (long i = 1; i <= 2; ++i) {
    if (FAULT) {
      root->low = i;
      perdure_persist(&root->low, sizeof root->low);
      root->high = i;
      perdure_persist(&root->high, sizeof root->high);
    } else {
      set(root, i);
    }
    perdure_crash_note("set");
  }
}

static int good(struct root *root, int promised) {
  if (root->low != root->high)
    return bad("the two words differ");
  return root->low < promised ? bad("what was promised is missing") : 0;
}
