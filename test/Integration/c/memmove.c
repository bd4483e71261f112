/* perdure_memmove: arrays of persistent pointers and of annotated records, in
 * objects and in volatile memory, overlapping in both directions and not.
 *
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t %s
 * RUN: %perdure_cc -O1 -Wall -Werror %s -o %t/misuse
 * RUN: not --crash %t/misuse misuse 2>&1 | FileCheck %s
 * CHECK: perdure_memmove: 12 bytes do not hold a whole number of elements of 8 bytes
 */
#include "../cxx/Inputs/object.h"

struct PERDURE node {
  struct node *next;
  long value;
};
typedef struct node *node_ref PERDURE;

enum { N = 12 };

struct PERDURE root {
  struct node nodes[N];
  struct node *places[N];
  struct node **more;
  struct {
    struct node *pair[2];
    short number;
  } nested[N];
};

/* Pointer i leads to node i; -1 stands for null. */
static void expect(node_ref *places, struct node *nodes, const int *wanted) {
  for (int i = 0; i < N; ++i)
    CHECK(places[i] == (wanted[i] < 0 ? 0 : &nodes[wanted[i]]));
}

static void fill(node_ref *places, struct node *nodes) {
  for (int i = 0; i < N; ++i)
    places[i] = i % 5 == 4 ? 0 : &nodes[i];
}

static const int filled[N] = {0, 1, 2, 3, -1, 5, 6, 7, 8, -1, 10, 11};
static const int up[N] = {0, 1, 0, 1, 2, 3, -1, 5, 6, 7, 8, 11};
static const int down[N] = {1, 2, 3, -1, 5, 5, 6, 7, 8, -1, 10, 11};

/* Within one array; the same in an object and out of it. */
static void overlap(node_ref *places, struct node *nodes) {
  size_t size = sizeof *places;
  fill(places, nodes);
  CHECK(perdure_memmove(places + 2, places, 9 * size) == places + 2);
  expect(places, nodes, up);
  fill(places, nodes);
  CHECK(perdure_memmove(places, places + 1, 5 * size) == places);
  expect(places, nodes, down);
  fill(places, nodes);
  perdure_memmove(places, places, N * size);
  perdure_memmove(places + 3, places, 0);
  expect(places, nodes, filled);
}

static void overlap_records(struct node *a) {
  for (int i = 0; i < N; ++i)
    a[i] = (struct node){&a[i], i};
  perdure_memmove(a + 1, a, (N - 1) * sizeof *a);
  for (int i = 1; i < N; ++i)
    CHECK(a[i].next == &a[i - 1] && a[i].value == i - 1);
  perdure_memmove(a, a + 1, (N - 1) * sizeof *a);
  for (int i = 0; i < N - 1; ++i)
    CHECK(a[i].next == &a[i] && a[i].value == i);
}

/* From one place to another, by way of void pointers where C allows them. */
static void between(struct root *r) {
  node_ref *heap = (node_ref *)malloc(N * sizeof *heap);
  node_ref stack[N];
  fill(r->places, r->nodes);
  perdure_memmove(heap, r->places, N * sizeof *heap);
  expect(heap, r->nodes, filled);
  const void *untyped = (const void *)heap;
  perdure_memmove(stack, untyped, sizeof stack);
  expect(stack, r->nodes, filled);
  memset((void *)r->places, 0, sizeof r->places);
  const node_ref *read_only = stack;
  perdure_memmove(r->places, read_only, sizeof r->places);
  expect(r->places, r->nodes, filled);
  free((void *)heap);

  struct root *copy = malloc(sizeof *copy);
  perdure_memmove(copy, r, sizeof *copy);
  expect(copy->places, r->nodes, filled);
  overlap_records(copy->nodes);
  perdure_memmove(copy->nested + 1, r->nested, 3 * sizeof *r->nested);
  CHECK(copy->nested[3].pair[1] == r->nested[2].pair[1]);
  free(copy);

  /* Persistent pointers whose type is not known: the runtime's function. */
#if __PERDURE_ENCODING__ == 0
  memset((void *)stack, 0, sizeof stack);
  CHECK((perdure_memmove)((void *)stack, (void *)r->places, sizeof stack) ==
        (void *)stack);
  expect(stack, r->nodes, filled);
#endif
}

static void build(struct root *r) {
  r->more = (node_ref *)given(perdure_alloc(r, N * sizeof *r->more));
  fill(r->more, r->nodes);
  for (int i = 0; i < N; ++i) {
    r->nested[i].pair[0] = &r->nodes[i];
    r->nested[i].pair[1] = &r->nodes[N - 1 - i];
    r->nested[i].number = (short)i;
  }
  overlap(r->places, r->nodes);
  perdure_memmove(r->nested + 2, r->nested, (N - 2) * sizeof *r->nested);
}

static void check(struct root *r) {
  expect(r->more, r->nodes, filled);
  for (int i = 2; i < N; ++i)
    CHECK(r->nested[i].pair[0] == &r->nodes[i - 2] &&
          r->nested[i].pair[1] == &r->nodes[N + 1 - i] &&
          r->nested[i].number == i - 2);
  overlap(r->places, r->nodes);
  overlap_records(r->nodes);
  between(r);
}

static void anywhere(void) {
  static node_ref global[N];
  static struct node nodes[N];
  node_ref local[N];
  overlap(global, nodes);
  overlap(local, nodes);
  overlap_records(nodes);
  int numbers[4] = {1, 2, 3, 4}, calls = 0;
  perdure_memmove(&numbers[++calls], numbers, 3 * sizeof *numbers);
  CHECK(calls == 1 && numbers[1] == 1 && numbers[3] == 3);
}

static int misuse(size_t bytes) {
  static node_ref a[4], b[4];
  perdure_memmove(a, b, bytes);
  return 0;
}

#define main run_in_object
RUN_IN_OBJECT
#undef main
int main(int argc, char **argv) {
  if (argc == 2)
    return misuse(argc + 10);
  return run_in_object(argc, argv);
}
