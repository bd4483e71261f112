#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
struct PERDURE node { struct node *next; long value; };
struct PERDURE list { struct node *first; };

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open("numbers", PERDURE_CREATE);
  struct list *list = perdure_open(store, "list", 0);
  if (!list) list = perdure_create(store, "list", sizeof *list, 0);
  if (!list) return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  for (int i = 1; i < argc; i++) {
    struct node *n = perdure_alloc(list, sizeof *n);
    n->value = atol(argv[i]);
    n->next = list->first;
    list->first = n;
  }
  for (struct node *n = list->first; n; n = n->next) printf("%ld\n", n->value);
  perdure_store_close(store);
}
