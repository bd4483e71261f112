/* A list whose nodes lie in lines and sectors of their own. FAULT:
   0 none   1 a node is linked before it is persistent   2 a node is never made
   persistent   3 two words that belong together, changed one by one   4 a link is
   promised before it is persistent. With "check" it checks an image. */
#include <perdure/crash.h>
#include <perdure/perdure.h>
#include <stdio.h>
#include <string.h>

#ifndef FAULT
#define FAULT 0
#endif

struct PERDURE node { struct node *next; long value; char room[1008]; };
struct PERDURE list {
  struct node *first;
  long low;
  char room[1008];
  long high; /* what low is */
};

static int bad(const char *what) { return fprintf(stderr, "%s\n", what), 1; }

static int check(void) {
  char line[64];
  long promised = 0;
  while (fgets(line, sizeof line, stdin))
    ++promised;
  perdure_store *store = perdure_store_open("store", PERDURE_RDONLY);
  struct list *list = store ? perdure_open(store, "list", PERDURE_RDONLY) : NULL;
  if (!list)
    return promised ? bad(perdure_errormsg()) : 0;
  if (list->low != list->high)
    return bad("the two words differ");
  long count = 0;
  for (struct node *n = list->first; n; n = n->next, ++count)
    if (n->value < 1 || n->value > 3)
      return bad("a node without its value");
  return count < promised ? bad("a promised node is missing") : 0;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "check"))
    return perdure_crash_check(check);
  perdure_store *store =
      perdure_store_open("store", PERDURE_CREATE | PERDURE_DURABLE);
  struct list *list = store ? perdure_create(store, "list", sizeof *list, 0) : NULL;
  if (!list)
    return bad(perdure_errormsg());
  for (int i = 1; i <= 3; ++i) {
    struct node *n = perdure_alloc(list, sizeof *n);
    n->value = i;
    n->next = list->first;
    if (FAULT != 1 && FAULT != 2)
      perdure_persist(n, sizeof *n);
    list->first = n;
    if (FAULT == 4)
      perdure_crash_note("linked");
    perdure_persist(list, sizeof *list);
    if (FAULT == 1)
      perdure_persist(n, sizeof *n);
    if (FAULT != 4)
      perdure_crash_note("linked");
  }
  if (FAULT == 3) {
    list->low = 7;
    perdure_persist(&list->low, sizeof list->low);
    list->high = 7;
    perdure_persist(&list->high, sizeof list->high);
  }
  perdure_store_close(store);
  return 0;
}
