/* perdure_qsort: against qsort on plain copies, for persistent pointers and
 * annotated records, in an object and in volatile memory.
 *
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t %s
 */
#include "../cxx/Inputs/object.h"

struct PERDURE node {
  struct node *next;
  long value;
  int mark;
};
typedef struct node *node_ref PERDURE;

enum { N = 1000 };

struct PERDURE root {
  struct node nodes[N];
  struct node *sorted[N];
  size_t count;
};

static long comparisons;

static int order(long a, long b) {
  ++comparisons;
  return (a > b) - (a < b);
}
static int by_ref(const node_ref *a, const node_ref *b) {
  return order((*a)->value, (*b)->value);
}
static int by_value(const struct node *a, const struct node *b) {
  return order(a->value, b->value);
}
/* As written for qsort. */
static int by_void(const void *a, const void *b) { return by_value(a, b); }
static int by_plain_long(const void *a, const void *b) {
  return order(*(const long *)a, *(const long *)b);
}
static int by_long(const long *a, const long *b) { return order(*a, *b); }

static unsigned long state = 1;
static long next_random(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (long)(state >> 33);
}

static long input(int shape, size_t i, size_t n) {
  switch (shape) {
  case 0:
    return (long)i;
  case 1:
    return (long)(n - i);
  case 2:
    return 7;
  case 3:
    return next_random() % 5;
  default:
    return next_random();
  }
}

/* Records that lead to themselves before the sort, so that each then tells
 * where it came from. */
static void sort_records(struct node *a, struct node *from, size_t n,
                         int shape) {
  long *expected = malloc((n + 1) * sizeof *expected);
  for (size_t i = 0; i < n; ++i) {
    from[i].value = expected[i] = input(shape, i, n);
    from[i].mark = 0;
    a[i] = (struct node){&from[i], from[i].value, 1};
  }
  qsort(expected, n, sizeof *expected, by_plain_long);
  comparisons = 0;
  switch (shape % 3) {
  case 0:
    perdure_qsort(a, n, by_value);
    break;
  case 1:
    perdure_qsort(a, n, sizeof *a, &by_value);
    break;
  default:
    perdure_qsort(a, n, sizeof(struct node), by_void);
  }
  CHECK(comparisons <= (long)n * 20);
  for (size_t i = 0; i < n; ++i) {
    CHECK(a[i].value == expected[i] && a[i].mark == 1);
    CHECK(a[i].next->value == a[i].value && !a[i].next->mark++);
  }
  free(expected);
}

static void sort_pointers(node_ref *a, struct node *nodes, size_t n,
                          int shape) {
  for (size_t i = 0; i < n; ++i) {
    nodes[i] = (struct node){0, input(shape, i, n), 0};
    a[i] = &nodes[i];
  }
  perdure_qsort(a, n, by_ref);
  for (size_t i = 0; i < n; ++i) {
    CHECK(!a[i]->mark++);
    CHECK(i == 0 || a[i - 1]->value <= a[i]->value);
  }
}

static void sort_all(struct node *records, node_ref *pointers,
                     struct node *from) {
  static const size_t sizes[] = {0, 1, 2, 3, 4, 7, 16, 100, N};
  for (int shape = 0; shape < 5; ++shape)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
      sort_records(records, from, sizes[i], shape);
      sort_pointers(pointers, from, sizes[i], shape);
    }
}

static void build(struct root *r) {
  struct node *others = given(perdure_alloc(r, N * sizeof *others));
  sort_all(r->nodes, r->sorted, others);
  sort_pointers(r->sorted, r->nodes, N, 4);
}

static void check(struct root *r) {
  for (int i = 1; i < N; ++i)
    CHECK(r->sorted[i - 1]->value <= r->sorted[i]->value);
  perdure_qsort(r->sorted, N / 2, by_ref);
}

static void anywhere(void) {
  static struct node records[N], from[N];
  static node_ref global[N];
  node_ref local[N];
  sort_all(records, global, from);
  sort_all(records, local, from);

  /* Arguments are evaluated once; unannotated elements sort as well. */
  long numbers[][4] = {{0}, {3, 1, 2, 0}};
  int row = 0, asked = 3;
  int (*compare)(const long *, const long *) = by_long;
  perdure_qsort(numbers[++row], ++asked, compare);
  CHECK(row == 1 && asked == 4);
  for (int i = 0; i < 4; ++i)
    CHECK(numbers[1][i] == i);
}

RUN_IN_OBJECT
