// Stores of code that is not traced are noticed: what was explored is not all.
// RUN: rm -rf %t && mkdir -p %t
// RUN: %cc -O1 -DHIDDEN -c %s -o %t/hidden.o
// RUN: %perdure_cc -O1 -fperdure-trace %s %t/hidden.o -o %t/program
// RUN: not perdure crash --keep %t/k --check true -- %t/program 2>&1 | FileCheck %s
// CHECK: 0 failed
// CHECK: code that was not built with -fperdure-trace has changed store/objects/
#ifdef HIDDEN
void hide(long *p) { *p = 5; }
#else
#include <perdure/perdure.h>
void hide(long *p);
int main(void) {
  perdure_store *store = perdure_store_open("store", PERDURE_CREATE);
  long *root = perdure_create(store, "o", sizeof *root, 0);
  hide(root);
  perdure_store_close(store);
}
#endif
