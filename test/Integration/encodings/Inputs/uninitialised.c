/* Pointers, nulls and copies stored over memory that nobody has written: what was
   there must decide nothing that the program sees. With READ it reads some of it. */
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>

struct PERDURE node { struct node *left, *right; long value; };

static __attribute__((noinline)) void store(struct node *n, struct node *l) {
  n->left = l;
  n->right = 0;
}
static __attribute__((noinline)) void copy(struct node *to, struct node *from) {
  *to = *from;
}
static __attribute__((noinline)) long sum(struct node *n) {
  return n ? n->value + sum(n->left) + sum(n->right) : 0;
}

int main(void) {
  struct node *list = 0;
  long wanted = 0;
  for (int i = 0; i != 100; ++i) {
    struct node *n = malloc(sizeof *n), copied;
#ifdef READ
    if (n->value)
      puts("anything");
#endif
    n->value = i;
    wanted += i;
    store(n, i % 7 ? list : 0);
    if (i % 7 == 0)
      store(n, list);
    copy(&copied, n);
    struct node *m = malloc(sizeof *m);
    copy(m, &copied);
    free(n);
    list = m;
  }
  printf("%s\n", sum(list) == wanted ? "right" : "wrong");
  while (list) {
    struct node *next = list->left;
    free(list);
    list = next;
  }
  return 0;
}
