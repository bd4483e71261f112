// A transaction that ends in an abort leaves the number that was there.
// RUN: rm -rf %store.0 %store.2
// RUN: %perdure_cc -O0 %s -o %t && %run %t %store.0
// RUN: %perdure_cc -O2 %s -o %t && %run %t %store.2
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#include <stdint.h>
#include <stdio.h>

struct PERDURE root {
  struct root *self;
  uint64_t count PERDURE_GRAY;
  uint16_t parts[3] PERDURE_GRAY;
};

PERDURE_TRANSACTION static void step(struct root *r, int good) {
  r->count += 5;
  r->parts[1]--;
  for (int i = 0; i < 3; i++)
    r->parts[i] = (uint16_t)(r->parts[i] + r->count);
  if (!good)
    perdure_tx_abort();
}

int main(int argc, char **argv) {
  (void)argc;
  perdure_store *s = perdure_store_open(argv[1], PERDURE_CREATE);
  struct root *r = perdure_create(s, "root", sizeof *r, 0);
  if (!r)
    return printf("%s\n", perdure_errormsg()), 1;
  r->count = 100;
  step(r, 1);
  if (r->count != 105 || r->parts[0] != 105 || r->parts[1] != 104)
    return printf("committed %d %d\n", (int)r->count, r->parts[1]), 1;
  step(r, 0);
  if (r->count != 105 || r->parts[0] != 105 || r->parts[1] != 104)
    return printf("aborted %d %d\n", (int)r->count, r->parts[1]), 1;
  perdure_store_close(s);
  return 0;
}
