/* perdure_offset: the same for a target at every address of its object, so a
 * hash table keyed by targets still finds them after the object has moved.
 *
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t %s
 */
#include "../cxx/Inputs/object.h"

enum { N = 100, Buckets = 64 };

struct PERDURE entry {
  struct entry *next;
  const long *key;
  long value;
};

struct PERDURE root {
  long keys[N];
  uint64_t offsets[N];
  struct entry *buckets[Buckets];
};

typedef struct entry *entry_ref PERDURE;

static entry_ref *bucket_of(struct root *r, const long *key) {
  return &r->buckets[perdure_offset(key) / sizeof *key % Buckets];
}

static long find(struct root *r, const long *key) {
  for (struct entry *e = *bucket_of(r, key); e; e = e->next)
    if (e->key == key)
      return e->value;
  return -1;
}

static void build(struct root *r) {
  for (int i = 0; i < N; ++i) {
    struct entry *e = given(perdure_alloc(r, sizeof *e));
    entry_ref *head = bucket_of(r, &r->keys[i]);
    *e = (struct entry){*head, &r->keys[i], i * i};
    *head = e;
    r->offsets[i] = perdure_offset(&r->keys[i]);
  }
}

static void check(struct root *r) {
  for (int i = 0; i < N; ++i) {
    CHECK(find(r, &r->keys[i]) == i * i);
    CHECK(perdure_offset(&r->keys[i]) == r->offsets[i]);
    CHECK(perdure_offset(&r->keys[i]) ==
          perdure_offset(r->keys) + i * sizeof *r->keys);
  }
  CHECK(find(r, r->keys + N) == -1);
}

static void anywhere(void) {
  static int global;
  int local = 0;
  CHECK(perdure_offset(&global) == (uint64_t)(uintptr_t)&global);
  CHECK(perdure_offset(&local) == (uint64_t)(uintptr_t)&local);
  CHECK(perdure_offset(0) == 0);
}

RUN_IN_OBJECT
