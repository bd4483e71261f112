/* One program, every encoding at once: records of each lead to one another, are
 * copied into one another field by field, and are accessed atomically, moved and
 * sorted; in an object that is mapped at two places, and on the heap.
 *
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t %s --levels=-O0,-O2
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cxx -xc++" "%window_low" "%window_high" %t %s --levels=-O1 -std=c++17
 */
#include "../cxx/Inputs/object.h"

#define FOR_EACH(Row) Row(object) Row(strict) Row(self) Row(xor_) Row(region) Row(fat)
#define object_name "object"
#define strict_name "strict"
#define self_name "self-relative"
#define xor__name "xor"
#define region_name "region-id"
#define fat_name "fat-lookup"

#define DEFINE(E)                                                              \
  struct PERDURE_ENCODED(E##_name) E##_node {                                  \
    long value;                                                                \
    void *any;                                                                 \
    struct E##_node *next;                                                     \
  };                                                                           \
  typedef struct E##_node *E##_ref PERDURE_ENCODED(E##_name);
FOR_EACH(DEFINE)

struct PERDURE root {
#define FIELD(E) struct E##_node E[8];
  FOR_EACH(FIELD)
};

#define VERIFY(E, r)                                                           \
  for (int i = 0; i != 8; ++i) {                                               \
    CHECK((r)->E[i].value == i);                                               \
    CHECK((r)->E[i].next == &(r)->E[(i + 3) % 8]);                             \
  }

/* From each encoding into each. */
#define COPY_FROM(A, B, r)                                                     \
  for (int i = 0; i != 8; ++i) {                                               \
    (r)->B[i].any = (r)->A[i].next;                                            \
    CHECK((r)->B[i].any == (r)->A[i].next);                                    \
    struct B##_node local = {0, 0, 0};                                         \
    local.any = (r)->A[i].next;                                                \
    CHECK(local.any == (r)->B[i].any);                                         \
    (r)->B[i] = (r)->B[i];                                                     \
  }

#define ATOMICS(E, r)                                                          \
  {                                                                            \
    struct E##_node *n = (r)->E, *seen = n + 1;                                \
    perdure_atomic_store(&n->next, n + 1);                                     \
    CHECK(perdure_atomic_load(&n->next) == n + 1);                             \
    CHECK(perdure_atomic_compare_exchange(&n->next, &seen, n));                \
    CHECK(!perdure_atomic_compare_exchange(&n->next, &seen, n));               \
    CHECK(seen == n && n->next == n);                                          \
    CHECK(perdure_atomic_exchange(&n->next, n + 3) == n && n->next == n + 3);  \
  }

#define COMPARE(E)                                                             \
  static int compare_##E(const struct E##_node *a, const struct E##_node *b) { \
    return a->value < b->value ? -1 : a->value > b->value;                     \
  }                                                                            \
  static int compare_ref_##E(const E##_ref *a, const E##_ref *b) {             \
    return (*a)->value < (*b)->value ? -1 : (*a)->value > (*b)->value;         \
  }
FOR_EACH(COMPARE)

#define ARRAYS(E, r)                                                           \
  {                                                                            \
    struct E##_node *n = (r)->E;                                               \
    for (int i = 0; i != 8; ++i)                                               \
      n[i].value = 7 - i;                                                      \
    perdure_qsort(n, 8, sizeof *n, compare_##E);                               \
    for (int i = 0; i != 8; ++i)                                               \
      CHECK(n[i].value == i && n[i].next == &n[(7 - i + 3) % 8]);              \
    perdure_memmove(n + 1, n, 7 * sizeof *n);                                  \
    for (int i = 1; i != 8; ++i)                                               \
      CHECK(n[i].value == i - 1 && n[i].next == &n[(8 - i + 3) % 8]);          \
    E##_ref refs[8];                                                           \
    for (int i = 0; i != 8; ++i) {                                             \
      n[i].value = i;                                                          \
      n[i].next = &n[(i + 3) % 8];                                             \
      refs[i] = &n[7 - i];                                                     \
    }                                                                          \
    perdure_qsort(refs, 8, compare_ref_##E);                                   \
    for (int i = 0; i != 8; ++i)                                               \
      CHECK(refs[i] == &n[i]);                                                 \
  }

static void all(struct root *r) {
#define COPIES(A)                                                              \
  COPY_FROM(A, object, r)                                                      \
  COPY_FROM(A, strict, r)                                                      \
  COPY_FROM(A, self, r)                                                        \
  COPY_FROM(A, xor_, r)                                                        \
  COPY_FROM(A, region, r)                                                      \
  COPY_FROM(A, fat, r)
  FOR_EACH(COPIES)
#define CALL_ATOMICS(E) ATOMICS(E, r)
  FOR_EACH(CALL_ATOMICS)
#define CALL_ARRAYS(E) ARRAYS(E, r)
  FOR_EACH(CALL_ARRAYS)
#define CALL_VERIFY(E) VERIFY(E, r)
  FOR_EACH(CALL_VERIFY)
}
static void start(struct root *r) {
#define START(E)                                                               \
  for (int i = 0; i != 8; ++i) {                                               \
    r->E[i].value = i;                                                         \
    r->E[i].next = &r->E[(i + 3) % 8];                                         \
    r->E[i].any = (void *)&r->E[i].any;                                       \
  }
  FOR_EACH(START)
}

static void build(struct root *r) {
  start(r);
  all(r);
}
static void check(struct root *r) {
  FOR_EACH(CALL_VERIFY)
  all(r);
}
static void anywhere(void) {
  struct root *r = (struct root *)calloc(1, sizeof *r);
  start(r);
  all(r);
  free(r);
}
RUN_IN_OBJECT
