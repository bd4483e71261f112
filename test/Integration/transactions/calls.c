// Functions of the runtime and of libc that write into the program's memory: the
// container is logged, or the result goes to a local.
// RUN: %perdure_cc -O0 %s -o %t.O0 && rm -rf %store && %run %t.O0 %store | FileCheck %s
// RUN: %perdure_cc -O2 -D_FORTIFY_SOURCE=2 %s -o %t.O2 && rm -rf %store && %run %t.O2 %store | FileCheck %s
// CHECK: bound inside: 1, afterwards: whole
// CHECK-NEXT: moved inside: 1, afterwards: whole
// CHECK-NEXT: words inside: 1, afterwards: whole
// CHECK-NEXT: sorted inside: 1, afterwards: whole
// CHECK-NEXT: read inside: 1, afterwards: whole
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct PERDURE root {
  struct root *other, *links[4];
  char words[64];
  long numbers[8];
};
static perdure_store *store;
static struct root *r;
static unsigned char before[sizeof(struct root)];
static int inside, which, pipe_ends[2];

static int compare(const void *a, const void *b) {
  return (*(const long *)a > *(const long *)b) - (*(const long *)a < *(const long *)b);
}
static int body(void *unused) {
  (void)unused;
  struct perdure_stat stat;
  switch (which) {
  case 0:
    inside = !perdure_bind((void *)&r->other, "other") && !perdure_stat(r, &stat) && stat.free_bytes > 0;
    break;
  case 1:
    perdure_memmove(r->links + 1, r->links, 3 * sizeof *r->links);
    inside = r->links[1] == r;
    break;
  case 2:
    snprintf(r->words, sizeof r->words, "%d words", 12);
    strcat(r->words, ", or more");
    strncat(r->words, "!!!", 2);
    memcpy(r->words + 40, r->words, 20);
    inside = !strcmp(r->words + 40, "12 words, or more!!");
    break;
  case 3:
    for (int i = 0; i < 8; ++i)
      r->numbers[i] = 100 - i;
    qsort(r->numbers, 8, sizeof(long), compare);
    inside = r->numbers[0] == 93;
    break;
  case 4:
    inside = write(pipe_ends[1], "12345678", 8) == 8 && read(pipe_ends[0], r->words, 8) == 8;
    inside &= r->words[7] == '8';
    break;
  }
  return 1;
}
int main(int argc, char **argv) {
  (void)argc;
  store = perdure_store_open(argv[1], PERDURE_CREATE);
  r = perdure_create(store, "r", sizeof *r, 0);
  if (!r || !perdure_create(store, "other", 64, 0) || pipe(pipe_ends))
    return puts(perdure_errormsg()), 1;
  r->links[0] = r;
  strcpy(r->words, "as before");
  static const char *const names[] = {"bound", "moved", "words", "sorted", "read"};
  for (which = 0; which < 5; ++which) {
    memcpy(before, (void *)r, sizeof before);
    inside = -1;
    perdure_transact(r, body, NULL);
    printf("%s inside: %d, afterwards: %s\n", names[which], inside,
           memcmp(before, (void *)r, sizeof before) ? "changed" : "whole");
  }
}
