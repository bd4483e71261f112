/* Atomic access from C: each operation in volatile memory and in an object,
 * and a stack in an object onto which threads push.
 *
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t %s
 */
#include "../cxx/Inputs/object.h"
#include <pthread.h>

struct PERDURE node {
  struct node *next;
  long value;
};
typedef struct node *node_ref PERDURE;

enum { Threads = 4, Pushes = 2000 };

struct PERDURE root {
  struct node nodes[4];
  struct node *place;
  const char *name;
  void *anything;
  struct node *stack;
  struct node *popped;
};

static struct node outside[3];

/* The same operations on a place in an object and on one that is volatile. */
static void operate(struct node **seen, node_ref *place, struct node *a,
                    struct node *b) {
  perdure_atomic_store(place, 0);
  CHECK(!perdure_atomic_load(place));
  perdure_atomic_store(place, a);
  CHECK(perdure_atomic_load(place) == a && *place == a);
  CHECK(perdure_atomic_exchange(place, b) == a && *place == b);

  *seen = a;
  CHECK(!perdure_atomic_compare_exchange(place, seen, a));
  CHECK(*seen == b && *place == b);
  CHECK(perdure_atomic_compare_exchange(place, seen, a));
  CHECK(*seen == b && *place == a);
  CHECK(perdure_atomic_compare_exchange(place, &(struct node *){a}, (void *)0));
  CHECK(!*place);
  *seen = 0;
  CHECK(perdure_atomic_compare_exchange(place, seen, b) && *place == b);

  perdure_atomic_store_explicit(place, a, __ATOMIC_RELEASE);
  CHECK(perdure_atomic_load_explicit(place, __ATOMIC_ACQUIRE) == a);
  CHECK(perdure_atomic_exchange_explicit(place, b, __ATOMIC_ACQ_REL) == a);
  *seen = b;
  CHECK(perdure_atomic_compare_exchange_explicit(
      place, seen, a, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
  /* Low-bit tags and constants are values like others. */
  struct node *tagged = (struct node *)((uintptr_t)a | 1);
  perdure_atomic_store(place, tagged);
  CHECK(perdure_atomic_load(place) == tagged);
  perdure_atomic_store(place, (struct node *)-1);
  CHECK(perdure_atomic_exchange(place, a) == (struct node *)-1);
}

/* Each argument is evaluated once, and nested uses do not meet. */
static void evaluate_once(struct root *r) {
  int places = 0, values = 0;
  node_ref local[2] = {0, 0};
  perdure_atomic_store(&local[places++], &r->nodes[values++]);
  CHECK(places == 1 && values == 1 && local[0] == r->nodes && !local[1]);
  CHECK(perdure_atomic_load(&local[--places]) == r->nodes && places == 0);
  perdure_atomic_store(
      &local[1],
      perdure_atomic_exchange(&local[0], perdure_atomic_load(&local[1])));
  CHECK(!local[0] && local[1] == r->nodes);
  struct node *expected[2] = {0, 0};
  CHECK(!perdure_atomic_compare_exchange(&local[++places], &expected[--values],
                                         &r->nodes[3]));
  CHECK(places == 1 && values == 0 && expected[0] == r->nodes);
}

static void types(struct root *r, const struct root *c,
                  volatile struct root *v) {
  _Static_assert(__builtin_types_compatible_p(
                     __typeof__(perdure_atomic_load(&r->place)), struct node *),
                 "the type is kept");
  _Static_assert(
      __builtin_types_compatible_p(
          __typeof__(perdure_atomic_exchange(&r->name, "")), const char *),
      "the type is kept");
  perdure_atomic_store(&r->name, (const char *)r->nodes);
  CHECK(perdure_atomic_load(&c->name) == (const char *)r->nodes);
  perdure_atomic_store(&r->anything, r->nodes);
  CHECK(perdure_atomic_load(&v->anything) == r->nodes);
  perdure_atomic_store(&v->anything, &r->nodes[1]);
  CHECK(perdure_atomic_load(&r->anything) == &r->nodes[1]);
}

/* What is only compared is not stored: no escape, whatever it leads to. */
static void compare_with_native(struct root *r) {
  struct node here, *expected = &here;
  r->place = r->nodes;
  CHECK(!perdure_atomic_compare_exchange(&r->place, &expected, &r->nodes[1]));
  CHECK(expected == r->nodes);
}

static void push(struct root *r, struct node *n) {
  struct node *top = perdure_atomic_load_explicit(&r->stack, __ATOMIC_RELAXED);
  do
    n->next = top;
  while (!perdure_atomic_compare_exchange_explicit(
      &r->stack, &top, n, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

struct task {
  struct root *root;
  int number;
};

static void *push_many(void *argument) {
  struct task *t = argument;
  for (long i = 0; i < Pushes; ++i) {
    struct node *n = given(perdure_alloc(t->root, sizeof *n));
    n->value = t->number * Pushes + i;
    push(t->root, n);
    /* Now and then take all and push it again: the top moves both ways. */
    if (i % 64 == 63)
      for (struct node *all = perdure_atomic_exchange(&t->root->stack, 0),
                       *rest;
           all; all = rest) {
        rest = all->next;
        push(t->root, all);
      }
  }
  return 0;
}

static void build(struct root *r) {
  struct node *seen;
  operate(&seen, &r->place, &r->nodes[0], &r->nodes[1]);
  operate(&seen, &r->nodes[2].next, &r->nodes[2], &r->nodes[0]);
  r->place = &r->nodes[3];

  pthread_t threads[Threads];
  struct task tasks[Threads];
  for (int i = 0; i < Threads; ++i) {
    tasks[i] = (struct task){r, i};
    CHECK(!pthread_create(&threads[i], 0, push_many, &tasks[i]));
  }
  for (int i = 0; i < Threads; ++i)
    CHECK(!pthread_join(threads[i], 0));
}

static void check(struct root *r) {
  static char seen[Threads * Pushes];
  memset(seen, 0, sizeof seen);
  long count = 0;
  for (struct node *n = perdure_atomic_load(&r->stack); n; n = n->next, ++count)
    CHECK(!seen[n->value]++);
  CHECK(count == Threads * Pushes);
  CHECK(perdure_atomic_load(&r->place) == &r->nodes[3]);
  evaluate_once(r);
  types(r, r, r);
  compare_with_native(r);
  r->place = &r->nodes[3];
}

static void anywhere(void) {
  static node_ref global;
  node_ref local;
  node_ref *heap = (node_ref *)malloc(sizeof *heap);
  struct node *seen;
  operate(&seen, &global, &outside[0], &outside[1]);
  operate(&seen, &local, &outside[1], &outside[2]);
  operate(&seen, heap, &outside[2], &outside[0]);
  operate(&seen, &outside[0].next, &outside[1], &outside[2]);
  free((void *)heap);
}

RUN_IN_OBJECT
