/* All five lists of <bsd/sys/queue.h>, unchanged. The macros that swap two
 * lists keep the address of a link in a `struct item **`: the region below
 * retypes such variables.
 *
 * REQUIRES: libbsd
 * RUN: %python %S/../Inputs/relocate.py "%perdure_cc" "%cc" "%window_low" "%window_high" %t %s
 */
#include "../Inputs/harness.h"
#include <bsd/sys/queue.h>

#ifndef NATIVE
#pragma clang attribute push(__attribute__((perdure_references)), apply_to = any(variable, function))
#endif

struct PERDURE item {
  SLIST_ENTRY(item) s;
  STAILQ_ENTRY(item) st;
  LIST_ENTRY(item) l;
  TAILQ_ENTRY(item) t;
  unsigned long id;
  int on_s;
};
SLIST_HEAD(PERDURE shead, item);
STAILQ_HEAD(PERDURE sthead, item);
LIST_HEAD(PERDURE lhead, item);
TAILQ_HEAD(PERDURE thead, item);

struct PERDURE root {
  struct shead s;
  struct sthead st, st2;
  struct lhead l;
  struct thead t, t2;
  unsigned long count;
};

/* A linked list walk with a pointer to the link, as C programmers write it. */
static struct item **link_before(struct root *root, unsigned long id) {
  struct item **at = &SLIST_FIRST(&root->s);
  while (*at && (*at)->id > id)
    at = &SLIST_NEXT(*at, s);
  return at;
}

static void build(void *where, unsigned long operations) {
  struct root *root = where;
  SLIST_INIT(&root->s);
  STAILQ_INIT(&root->st);
  STAILQ_INIT(&root->st2);
  LIST_INIT(&root->l);
  TAILQ_INIT(&root->t);
  TAILQ_INIT(&root->t2);
  for (unsigned long i = 1; i <= operations; ++i) {
    struct item *n;
    switch (next_random() % 8) {
    default: {
      n = new_block(sizeof *n);
      n->id = next_random() % 100000;
      struct item **at = link_before(root, n->id);
      n->s.sle_next = *at;
      *at = n;
      if (next_random() & 1) {
        STAILQ_INSERT_TAIL(&root->st, n, st);
        TAILQ_INSERT_HEAD(&root->t, n, t);
      } else {
        STAILQ_INSERT_HEAD(&root->st, n, st);
        TAILQ_INSERT_TAIL(&root->t, n, t);
      }
      if (LIST_EMPTY(&root->l) || next_random() & 1)
        LIST_INSERT_HEAD(&root->l, n, l);
      else
        LIST_INSERT_AFTER(LIST_FIRST(&root->l), n, l);
      ++root->count;
      break;
    }
    case 0:
      n = next_random() & 1 ? TAILQ_FIRST(&root->t)
                            : TAILQ_LAST(&root->t, thead);
      if (!n)
        break;
      TAILQ_REMOVE(&root->t, n, t);
      LIST_REMOVE(n, l);
      STAILQ_REMOVE(&root->st, n, item, st);
      SLIST_REMOVE(&root->s, n, item, s);
      delete_block(n);
      --root->count;
      break;
    case 1:
      STAILQ_SWAP(&root->st, &root->st2, item);
      STAILQ_CONCAT(&root->st, &root->st2);
      TAILQ_SWAP(&root->t, &root->t2, item, t);
      TAILQ_CONCAT(&root->t, &root->t2, t);
      break;
    }
  }
}

static void print(void *where) {
  struct root *root = where;
  struct item *n;
  printf("%lu items\n", root->count);
  SLIST_FOREACH(n, &root->s, s) printf("%lu ", n->id);
  puts("");
  STAILQ_FOREACH(n, &root->st, st) printf("%lu ", n->id);
  puts("");
  LIST_FOREACH(n, &root->l, l) printf("%lu ", n->id);
  puts("");
  TAILQ_FOREACH_REVERSE(n, &root->t, thead, t) printf("%lu ", n->id);
  puts("");
  /* Every link back leads to the link that leads here. */
  TAILQ_FOREACH(n, &root->t, t)
  if (*n->t.tqe_prev != n) {
    puts("tqe_prev is wrong");
    exit(1);
  }
  LIST_FOREACH(n, &root->l, l)
  if (*n->l.le_prev != n) {
    puts("le_prev is wrong");
    exit(1);
  }
}

int main(int argc, char **argv) {
  return run_harness(argc, argv, sizeof(struct root));
}

#ifndef NATIVE
#pragma clang attribute pop
#endif
