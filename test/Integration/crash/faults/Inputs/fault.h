/* What the programs of this folder have in common: an object "o" whose root is
   a struct root, work() that changes it, and good() that looks at an image. FAULT
   1 has the fault that the file is named after, 0 is its twin, which is right. */
#ifndef FAULT
#define FAULT 0
#endif
#ifndef FAULT_H
#define FAULT_H
#include <perdure/crash.h>
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct root;
static void work(struct root *root);
static int good(struct root *root, int promised); /* 0, or what bad() gives */
static size_t rootBytes(void);

static int bad(const char *what) { return fprintf(stderr, "%s\n", what), 1; }

static int check(void) {
  char line[64];
  int promised = 0;
  while (fgets(line, sizeof line, stdin))
    ++promised;
  perdure_store *store = perdure_store_open("store", PERDURE_DURABLE);
  struct root *root = store ? perdure_open(store, "o", 0) : NULL;
  if (!root)
    return promised ? bad(perdure_errormsg()) : 0;
  return good(root, promised);
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "check"))
    return perdure_crash_check(check);
  perdure_store *store =
      perdure_store_open("store", PERDURE_CREATE | PERDURE_DURABLE);
  struct root *root = store ? perdure_create(store, "o", rootBytes(), 0) : NULL;
  if (!root)
    return bad(perdure_errormsg());
  work(root);
  perdure_store_close(store);
  return 0;
}
#endif
