// Each function is traced: with nothing lost the trace gives what the program left.
// UNSUPPORTED: sanitized
// RUN: rm -rf %t && mkdir -p %t
// RUN: %perdure_cc -O1 -fno-builtin -fperdure-trace %s -o %t/program
// RUN: %perdure_cc -O2 -D_FORTIFY_SOURCE=2 -fperdure-trace %s -o %t/fortified
// RUN: perdure crash --budget 5 --keep %t/k --check true -- %t/program 2>&1 | FileCheck %s
// RUN: perdure crash --budget 5 --keep %t/k --check true -- %t/fortified 2>&1 | FileCheck %s
// CHECK: 0 failed
#include "Inputs/writers.h"
#include <perdure/perdure.h>

struct PERDURE root {
  struct root *link;
  char area[sizeof(struct area)];
};

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open("store", PERDURE_CREATE);
  struct root *r = perdure_create(store, "o", sizeof *r, 0);
  if (!r || !open_all() || !argv[0] || !argc)
    return 1;
  struct area *a = (struct area *)r->area;
  const struct row *const tables[] = {whole, parts, any};
  const size_t counts[] = {COUNT(whole), COUNT(parts), COUNT(any)};
  for (int t = 0; t != 3; ++t)
    for (size_t i = 0; i != counts[t]; ++i) {
      reset(a);
      tables[t][i].call(a);
    }
  // At a place that the next writer has not written over.
  strcpy(a->text, "the end");
  perdure_store_close(store);
  return 0;
}
