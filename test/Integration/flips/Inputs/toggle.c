/* A list on the heap whose values are toggled, in an order that is the same each
   time. `exit` in a child, too. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
  struct node *next;
  unsigned long value;
};

static struct node *build(int count) {
  struct node *head = NULL;
  for (int i = 0; i < count; ++i) {
    struct node *n = malloc(sizeof *n);
    n->value = 0;
    n->next = head;
    head = n;
  }
  return head;
}

int main(int count, char **words) {
  struct node *head = build(2000);
  for (int round = 0; round < 10; ++round)
    for (struct node *n = head; n; n = n->next)
      n->value = ~n->value; /* LINE */
  if (count > 1 && !fork()) {
    head->value = 7;
    exit(0);
  }
  if (count > 1)
    wait(NULL);
  printf("%s\n", words[0]);
  return 0;
}
