// Functions of libc that write where they are told: each is traced, or the trace would
// not give what the program left.
// RUN: rm -rf %t && mkdir -p %t
// RUN: %perdure_cc -O1 -fperdure-trace %s -o %t/program
// RUN: %perdure_cc -O2 -D_FORTIFY_SOURCE=2 -fperdure-trace %s -o %t/fortified
// RUN: perdure crash --budget 5 --keep %t/k --check true -- %t/program 2>&1 | FileCheck %s
// RUN: perdure crash --budget 5 --keep %t/k --check true -- %t/fortified 2>&1 | FileCheck %s
// CHECK: 0 failed
#define _GNU_SOURCE
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct PERDURE root {
  struct root *link;
  char wiped[32], sorted[32], read[32], text[32], moved[32];
};
int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open("store", PERDURE_CREATE);
  struct root *r = perdure_create(store, "o", sizeof *r, 0);
  if (!r)
    return 1;
  size_t n = 16 + (size_t)argc;
  memset(r->wiped, 'x', 32);
  explicit_bzero(r->wiped, n);
  strxfrm(r->sorted, argv[0], 32);
  FILE *self = fopen(argv[0], "r");
  if (!self || fread(r->read, 2, n - 3, self) != n - 3)
    return 1;
  snprintf(r->text, n, "%s", argv[0]);
  mempcpy(r->moved, r->text, n);
  perdure_store_close(store);
  return 0;
}
