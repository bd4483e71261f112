// What each function writes to an object in a transaction is not there any more when that
// has been aborted.
// RUN: rm -rf %t && mkdir -p %t && cd %t
// RUN: %perdure_cc -O0 -fno-builtin %s -o O0 && %run ./O0 store0 | FileCheck %s
// RUN: %perdure_cc -O2 -D_FORTIFY_SOURCE=2 %s -o O2 && %run ./O2 store2 | FileCheck %s
// CHECK: 44 functions, 0 wrong
#include "Inputs/writers.h"
#include <perdure/perdure.h>

struct PERDURE root {
  struct root *link;
  char area[sizeof(struct area)];
};

struct job {
  const struct row *row;
  struct area *area, *before;
  int wrote;
};

static int body(void *arg) {
  struct job *job = arg;
  job->row->call(job->area);
  job->wrote = memcmp(job->area, job->before, sizeof *job->area) != 0;
  return -1;
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 1;
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  struct root *r = perdure_create(store, "o", sizeof *r, 0);
  if (!r || !open_all())
    return 1;
  struct area *a = (struct area *)r->area, *before = malloc(sizeof *before);
  const struct row *const tables[] = {whole, parts, any};
  const size_t counts[] = {COUNT(whole), COUNT(parts), COUNT(any)};
  int rows = 0, wrong = 0;
  for (int t = 0; t != 3; ++t)
    for (size_t i = 0; i != counts[t]; ++i) {
      reset(a);
      memcpy(before, a, sizeof *a);
      struct job job = {&tables[t][i], a, before, 0};
      perdure_transact(r, body, &job);
      ++rows;
      if (!job.wrote || memcmp(a, before, sizeof *a)) {
        ++wrong;
        printf("%s: %s\n", job.row->name, job.wrote ? "left" : "nothing written");
      }
    }
  printf("%d functions, %d wrong\n", rows, wrong);
  perdure_store_close(store);
  return 0;
}
