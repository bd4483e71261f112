/* The corners of the format, as a compiled program meets them. Every check
 * runs at once and, from a second process, on what the first one stored.
 *
 * RUN: rm -rf %t.store
 * RUN: %perdure_cc -O0 -Wall -Werror %s -o %t.O0
 * RUN: %perdure_cc -O3 -Wall -Werror %s -o %t.O3
 * RUN: %perdure_cc -O2 -fno-pie -no-pie %s -o %t.static
 * RUN: %perdure_cc -O2 -fperdure-callbacks %s -o %t.callbacks
 * RUN: %perdure_cc -O1 -fperdure-encoding=strict %s -o %t.strict
 * RUN: %window_low %t.O0 %t.store build
 * RUN: %window_high %t.O3 %t.store check
 * RUN: %window_low %t.static %t.store check
 * RUN: %window_high %t.callbacks %t.store check
 * RUN: rm -rf %t.store
 * RUN: %window_high %t.static %t.store build
 * RUN: %window_low %t.O0 %t.store check
 * RUN: rm -rf %t.store
 * RUN: %window_low %t.callbacks %t.store build
 * RUN: %window_high %t.static %t.store check
 * RUN: rm -rf %t.store
 * RUN: %window_low %t.strict %t.store build
 * RUN: %window_high %t.strict %t.store check
 */
#include <perdure/perdure.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                            \
  do {                                                                         \
    if (!(what)) {                                                             \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);       \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

struct PERDURE cell {
  struct cell *p;
  long value;
};
typedef struct cell *cell_ref PERDURE;

struct PERDURE corners {
  struct cell *null, *one, *minus_one, *high_constant, *low_constant;
  struct cell *tagged, *self, *first, *past_the_end, *middle;
  char *byte, *last_byte, *limit;
  void *anything;
  struct cell *volatile careful;
  struct cell cells[4];
  struct cell **levels;
};

/* Static initialisers: null, a neighbour, itself, a tag, a constant. */
static struct cell a_global, b_global = {&a_global, 1};
static struct cell self_global = {&self_global, 2};
static struct cell constant_global = {(struct cell *)1, 3};
static cell_ref constants[2] = {(struct cell *)-1, (struct cell *)2};
static cell_ref global_ref = &b_global;
static cell_ref table[3] = {&a_global, 0, &self_global};
static _Thread_local struct cell per_thread;
static const char *const plain = "plain";
static struct PERDURE names { const char *name; } named[] = {{"zero"}, {"one"}};

static void check_globals(void) {
  CHECK(b_global.p == &a_global && self_global.p == &self_global);
  CHECK(constant_global.p == (struct cell *)1);
  CHECK(constants[0] == (struct cell *)-1 && constants[1] == (void *)2);
  CHECK(global_ref == &b_global && global_ref->p == &a_global);
  CHECK(table[0] == &a_global && !table[1] && table[2]->p == table[2]);
  CHECK(!strcmp(named[1].name, "one") && !strcmp(plain, "plain"));
  per_thread.p = &a_global;
  CHECK(per_thread.p == &a_global);
  a_global.p = &per_thread;
  CHECK(a_global.p == &per_thread);
  a_global.p = (struct cell *)-1;
  CHECK(a_global.p == (struct cell *)-1);
  a_global.p = 0;
}

__attribute__((noinline)) static void set(struct cell *c, struct cell *p) {
  c->p = p;
}
__attribute__((noinline)) static struct cell *get(struct cell *c) {
  return c->p;
}
__attribute__((noinline)) static void copy(struct cell *to, struct cell *from) {
  to->p = from->p;
}

/* LIMIT - 1: the highest offset; 128 MiB at the top of a slot are no file's. */
static char *last_offset(void *in_object) {
  unsigned long slot = 1ul << __PERDURE_SLOT_BITS__;
  return (char *)((unsigned long)in_object & ~(slot - 1)) + slot - (128 << 20) -
         1;
}

static void build(struct corners *r) {
  r->null = 0;
  r->one = (struct cell *)1;
  r->minus_one = (struct cell *)-1;
  r->high_constant = (struct cell *)-65535l;
  r->low_constant = (struct cell *)65535l;
  r->tagged = (struct cell *)((unsigned long)&r->cells[1] | 1);
  r->self = (struct cell *)r;
  r->first = &r->cells[0];
  r->past_the_end = &r->cells[4];
  r->middle = (struct cell *)((char *)&r->cells[2] + 3);
  r->byte = (char *)r + 1;
  r->last_byte = (char *)(r + 1) - 1;
  r->limit = last_offset(r);
  r->anything = (void *)&r->anything;
  r->careful = &r->cells[3];
  for (int i = 0; i < 4; ++i) {
    r->cells[i].p = &r->cells[(i + 1) % 4];
    r->cells[i].value = i;
  }
  cell_ref *levels = (cell_ref *)perdure_alloc(r, 3 * sizeof *levels);
  CHECK(levels);
  levels[0] = &r->cells[2];
  levels[1] = 0;
  levels[2] = (struct cell *)levels;
  r->levels = levels;
}

static void check(struct corners *r) {
  CHECK(!r->null && r->null == NULL);
  CHECK(r->one == (struct cell *)1 && r->minus_one == (struct cell *)-1);
  CHECK(r->high_constant == (struct cell *)-65535l);
  CHECK(r->low_constant == (struct cell *)65535l);
  CHECK((unsigned long)r->tagged == ((unsigned long)&r->cells[1] | 1));
  CHECK(((struct cell *)((unsigned long)r->tagged & ~1ul))->value == 1);
  CHECK(r->self == (struct cell *)r && r->first == r->cells);
  CHECK(r->past_the_end == r->cells + 4 && r->past_the_end[-1].value == 3);
  CHECK((char *)r->middle == (char *)&r->cells[2] + 3);
  CHECK(r->byte == (char *)r + 1 && r->last_byte == (char *)(r + 1) - 1);
  CHECK(r->limit == last_offset(r));
  CHECK(r->anything == (void *)&r->anything && r->careful == &r->cells[3]);
  for (int i = 0; i < 4; ++i)
    CHECK(r->cells[i].p->p->p->p == &r->cells[i]);
  CHECK(r->levels[0]->value == 2 && !r->levels[1]);
  CHECK(r->levels[2] == (struct cell *)r->levels);
  CHECK((*r->levels)->p->value == 3);
}

/* From an object to volatile memory and back; nothing changes on the way. */
static void check_round_trips(struct corners *r) {
  struct corners *heap = malloc(sizeof *heap);
  CHECK(heap);
  *heap = *r; /* compiled field by field */
  CHECK(!heap->null && heap->one == (struct cell *)1);
  CHECK(heap->minus_one == (struct cell *)-1);
  CHECK(heap->tagged == r->tagged && heap->middle == r->middle);
  CHECK(heap->self == (struct cell *)r && heap->levels == r->levels);
  CHECK(heap->cells[3].p == r->cells && heap->last_byte == r->last_byte);
  /* Bits keep their meaning anywhere in volatile memory... */
#if __PERDURE_ENCODING__ != 2
  heap = realloc(heap, 1 << 20);
  CHECK(heap && heap->cells[1].p == &r->cells[2]);
  struct corners stack;
  memcpy((void *)&stack, (void *)heap, sizeof stack);
  CHECK(stack.first == r->cells && stack.one == (struct cell *)1);
#endif
  struct corners again = *heap;
  memset((void *)r, 0, sizeof *r);
  *r = again; /* ... and take the object's form again in it */
  check(r);
  free(heap);
}

/* Neighbours on the heap share a slot-sized region; they hold addresses. */
static void check_neighbours(void) {
  struct cell *pair = malloc(2 * sizeof *pair);
  CHECK(pair);
  set(&pair[0], &pair[1]);
  set(&pair[1], &pair[0]);
  CHECK(get(get(&pair[0])) == &pair[0]);
#if __PERDURE_ENCODING__ == 0
  struct cell *raw;
  memcpy(&raw, (void *)&pair[0], sizeof raw);
  CHECK(raw == &pair[1] || (unsigned long)&pair[1] < 1ul << __PERDURE_SLOT_BITS__);
#endif
  copy(&pair[1], &pair[0]);
  CHECK(pair[1].p == &pair[1]);
  struct cell local = {&pair[0], 1}, other;
  copy(&other, &local);
  CHECK(other.p == pair);
  set(&pair[0], &local);
  CHECK(pair[0].p == &local);
  free(pair);
}

static void check_setjmp(struct corners *r) {
  static jmp_buf back;
  struct cell *volatile kept = r->cells[0].p;
  struct cell local = {&r->cells[2], 0};
  switch (setjmp(back)) {
  case 0:
    r->cells[0].p = &r->cells[3];
    longjmp(back, 1);
  default:
    CHECK(r->cells[0].p == &r->cells[3]);
    CHECK(local.p == &r->cells[2]);
    r->cells[0].p = kept;
  }
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  CHECK(store);
  struct corners *root =
      !strcmp(argv[2], "build")
          ? perdure_create(store, "corners", sizeof *root, 0)
          : perdure_open(store, "corners", 0);
  if (!root)
    fprintf(stderr, "%s\n", perdure_errormsg());
  CHECK(root);
  check_globals();
  if (!strcmp(argv[2], "build"))
    build(root);
  check(root);
  check_round_trips(root);
  check_neighbours();
  check_setjmp(root);
  check(root);
  perdure_close(root);
  perdure_store_close(store);
  return 0;
}
