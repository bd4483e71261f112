// perdure_transact is called by its address, also where nothing else in the file has
// to do with transactions: the runtime looks for the copy of the body.
// RUN: %perdure_cc -O0 %s -o %t.O0 && rm -rf %store && %run %t.O0 %store | FileCheck %s
// RUN: %perdure_cc -O2 %s -o %t.O2 && rm -rf %store && %run %t.O2 %store | FileCheck %s
// CHECK: aborted: 1, afterwards 3
// CHECK: committed: 1, afterwards 4
#include <perdure/perdure.h>
#include <stdio.h>

struct PERDURE root {
  struct root *link;
  long n;
};
struct work {
  struct root *r;
  int result;
};
static int body(void *arg) {
  struct work *w = arg;
  w->r->n = 4;
  return w->result;
}
typedef int run(void *, int (*)(void *), void *);
static run *const volatile runs[] = {perdure_transact};

int main(int argc, char **argv) {
  (void)argc;
  perdure_store *s = perdure_store_open(argv[1], PERDURE_CREATE);
  struct root *r = perdure_create(s, "o", sizeof *r, 0);
  r->n = 3;
  int done = runs[0](r, body, &(struct work){r, 1});
  printf("aborted: %d, afterwards %ld\n", done == -1, r->n);
  done = runs[0](r, body, &(struct work){r, 0});
  printf("committed: %d, afterwards %ld\n", done == 0, r->n);
  perdure_store_close(s);
  return 0;
}
