/* The corners of each encoding, in an object that is mapped at two places, on the
 * heap, in locals and in globals: null, a pointer to its own container, to an
 * object's first and last byte, to another object, to numbers; and copies of all
 * of them between all these places.
 *
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t %s --all
 */
#include <perdure/atomic.h>
#include <perdure/perdure.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CHECK(x)                                                               \
  do {                                                                         \
    if (!(x))                                                                  \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x), exit(1); \
  } while (0)
#define NOINLINE __attribute__((noinline))

enum { NULL_, SELF, NEXT, BEFORE, BASE, LAST, FOREIGN, FOREIGN_BASE, ONE,
       MINUS, TAGGED, COUNT };
struct PERDURE cell { void *p; };
struct PERDURE corners { struct cell cells[COUNT]; struct corners *other; };

static uintptr_t base_of(void *p) {
  return (uintptr_t)p & ~((1ul << __PERDURE_SLOT_BITS__) - 1);
}
static NOINLINE void put(struct cell *c, void *p) { c->p = p; }
static NOINLINE void *get(struct cell *c) { return c->p; }
static NOINLINE void copy(struct cell *to, struct cell *from) { *to = *from; }
static NOINLINE int swap(struct cell *c, void *from, void *to) {
  return perdure_atomic_compare_exchange(&c->p, &from, to);
}
static NOINLINE int same(struct cell *a, struct cell *b) { return a->p == b->p; }

/* What cell i of c leads to; foreign: an address in another object. */
static void *wanted(struct corners *c, int i, void *home, void *foreign) {
  switch (i) {
  case SELF: return &c->cells[i];
  case NEXT: return &c->cells[i + 1];
  case BEFORE: return &c->cells[i - 1];
  case BASE: return (void *)base_of(home);
  case LAST: return (void *)(base_of(home) + (1ul << __PERDURE_SLOT_BITS__) -
                             (128ul << 20) - 1);
  case FOREIGN: return foreign;
  case FOREIGN_BASE: return (void *)base_of(foreign);
  case ONE: return (void *)1;
  case MINUS: return (void *)-1l;
  case TAGGED: return (char *)&c->cells[0] + 1;
  }
  return 0;
}
static void fill(struct corners *c, void *home, void *foreign) {
  for (int i = 0; i != COUNT; ++i)
    put(&c->cells[i], wanted(c, i, home, foreign));
}
static void check(struct corners *c, void *home, void *foreign) {
  for (int i = 0; i != COUNT; ++i) {
    CHECK(get(&c->cells[i]) == wanted(c, i, home, foreign));
    CHECK(!get(&c->cells[i]) == !wanted(c, i, home, foreign));
    for (int j = 0; j != COUNT; ++j)
      CHECK(same(&c->cells[i], &c->cells[j]) ==
            (get(&c->cells[i]) == get(&c->cells[j])));
  }
}
/* Every cell of from into every cell of to and back. */
static void copies(struct corners *to, struct corners *from) {
  for (int i = 0; i != COUNT; ++i)
    for (int j = 0; j != COUNT; ++j) {
      void *p = get(&from->cells[i]), *kept = get(&to->cells[j]);
      copy(&to->cells[j], &from->cells[i]);
      CHECK(get(&to->cells[j]) == p);
      copy(&from->cells[i], &to->cells[j]);
      CHECK(get(&from->cells[i]) == p);
      put(&to->cells[j], kept);
    }
  struct corners whole = *from;
  for (int i = 0; i != COUNT; ++i)
    CHECK(get(&whole.cells[i]) == get(&from->cells[i]));
}

/* Every cell into every other of the same place: the target may be where it came
   from, or where it goes. */
static void inside(struct corners *c) {
  for (int i = 0; i != COUNT; ++i)
    for (int j = 0; j != COUNT; ++j) {
      void *p = get(&c->cells[i]), *kept = get(&c->cells[j]);
      copy(&c->cells[j], &c->cells[i]);
      CHECK(get(&c->cells[j]) == p);
      put(&c->cells[i], &c->cells[j]);
      copy(&c->cells[j], &c->cells[i]);
      CHECK(get(&c->cells[j]) == &c->cells[j]);
      copy(&c->cells[i], &c->cells[j]);
      CHECK(get(&c->cells[i]) == &c->cells[j]);
      put(&c->cells[i], p);
      /* Whatever bits null left there. */
      put(&c->cells[i], 0);
      CHECK(!swap(&c->cells[i], &c->cells[i], &c->cells[j]));
      CHECK(swap(&c->cells[i], 0, p) && get(&c->cells[i]) == p);
      if (i != j)
        put(&c->cells[j], kept);
    }
}

static struct corners global;
static struct cell own = {&own}, beside[2] = {{&beside[1]}, {&beside[0]}};

static void *given(void *p) {
  if (!p)
    fprintf(stderr, "%s\n", perdure_errormsg()), exit(1);
  return p;
}
int main(int argc, char **argv) {
  CHECK(argc == 3);
  char *at = getenv("FORBID");
  void *want = at ? (void *)strtoull(at, 0, 0) : 0;
  CHECK(!want || mmap(want, 1ul << 40, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                          MAP_FIXED_NOREPLACE, -1, 0) == want);
  perdure_store *store = given(perdure_store_open(argv[1], PERDURE_CREATE));
  struct corners *a, *b;
  if (argv[2][0] == 'b') {
    a = given(perdure_create(store, "a", sizeof *a, 0));
    b = given(perdure_create(store, "b", sizeof *b, 0));
    fill(a, a, b);
    fill(b, b, a);
    a->other = b;
    b->other = a;
  } else {
    a = given(perdure_open(store, "a", 0));
    /* The first thing that leads to the other object. */
    b = (struct corners *)get(&a->cells[FOREIGN]);
    CHECK(b->other == a && a->other == b);
  }
  check(a, a, b);
  check(b, b, a);
  copies(a, b);
  copies(b, a);
  inside(a);
  inside(b);
  check(a, a, b);
  check(b, b, a);

  struct corners *heap = calloc(1, sizeof *heap), local = {0};
  fill(heap, heap, a);
  fill(&local, heap, heap);
  fill(&global, &global, b);
  for (int round = 0; round != 2; ++round) {
    check(heap, heap, a);
    check(&local, heap, heap);
    inside(heap);
    inside(&local);
    inside(&global);
    check(&global, &global, b);
    copies(heap, &local);
    copies(&local, heap);
    copies(&global, heap);
    copies(&local, a);
    copies(heap, b);
  }
  put(&local.cells[0], a);
  copy(&b->cells[0], &local.cells[0]);
  CHECK(get(&b->cells[0]) == a);
  put(&b->cells[0], 0);
  CHECK(get(&own) == &own && get(&beside[0]) == &beside[1] &&
        get(&beside[1]) == &beside[0]);
  check(a, a, b);
  check(b, b, a);
  free(heap);
  perdure_store_close(store);
}
