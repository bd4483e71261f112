// store DIR make    an object "a" that leads to "b", to read; by name to
//                   "later", which is missing; and to an object that is gone
// store DIR hold    has "a" open, without sections, until it is killed
// store DIR turns   changes both words of "a" and of "b" in sections, until it
//                   is killed: first "a", then "b", in the sections of both
// store DIR check   says whether they are equal
// The last three print a line when they are ready.
#include <perdure/runtime.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { Pointers = 3, First = 10, Last = 500 };

static void make(perdure_store *store) {
  uint64_t *a = perdure_create(store, "a", 4096, 0);
  uint64_t *b = perdure_create(store, "b", 4096, 0);
  uint64_t *gone = perdure_create(store, "gone", 64, 0);
  a[0] = perdure_encode(b, &a[0]);
  perdure_set_rights(a, b, PERDURE_RDONLY);
  perdure_bind(&a[1], "later");
  a[2] = perdure_encode(gone, &a[2]);
  perdure_create(store, "tab\there \x1b[31mred\xff", 64, 0);
  perdure_remove(store, "gone");
}

static int ready(void) {
  puts("ready");
  return fflush(stdout);
}

int main(int argc, char **argv) {
  const char *what = argc > 2 ? argv[2] : "";
  int turns = !strcmp(what, "turns");
  perdure_store *store = perdure_store_open(
      argv[1], !strcmp(what, "make") ? PERDURE_CREATE : turns ? PERDURE_SHARED : 0);
  if (!store)
    return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  if (!strcmp(what, "make")) {
    make(store);
    perdure_store_close(store);
    return 0;
  }
  uint64_t *a = perdure_open(store, "a", 0);
  if (!strcmp(what, "hold")) {
    a[First] = 1;
    ready();
    for (;;)
      pause();
  }
  uint64_t *b = perdure_open(store, "b", 0);
  if (!turns) {
    puts(a[First] == a[Last] && a[First] == b[First] && a[First] == b[Last]
             ? "equal"
             : "not equal");
    return 0;
  }
  for (uint64_t i = 1;; ++i) {
    perdure_lock(a, 0);
    perdure_lock(b, 0);
    a[First] = b[First] = i;
    a[Last] = b[Last] = i;
    perdure_unlock(b);
    perdure_unlock(a);
    if (i == 1)
      ready();
  }
}
