#include "node.h"

int push(struct list *list, long value) {
  struct node *n = perdure_alloc(list, sizeof *n);
  if (!n)
    return -1;
  n->value = value;
  n->next = list->first;
  list->first = n;
  return 0;
}
