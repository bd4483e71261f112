/* Stores, loads, nulls, copies and exchanges at random, beside an array of plain
 * pointers that says what each cell leads to: cells of two objects, of the heap and of
 * a local array; each ends in a check of all of them. What was left over null, and
 * chosen by what was there before, is so met over and over. The object is then
 * opened at another address: what the cells lead to is in a file beside the store.
 *
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t.0 %s "--levels=-O2 -fperdure-encoding=object,-O2 -fperdure-encoding=strict,-O2 -fperdure-encoding=self-relative"
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t.1 %s "--levels=-O2 -fperdure-encoding=xor,-O2 -fperdure-encoding=region-id,-O2 -fperdure-encoding=fat-lookup"
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t.2 %s "--levels=-O2 -fperdure-encoding=lazy-null,-O2 -fperdure-encoding=inverted,-O2 -fperdure-encoding=lazy-null-inverted"
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t.3 %s "--levels=-O2 -fperdure-encoding=xor-lazy-null,-O2 -fperdure-encoding=xor-inverted,-O2 -fperdure-encoding=xor-lazy-null-inverted"
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t.4 %s "--levels=-O0 -fperdure-encoding=lazy-null,-O0 -fperdure-encoding=inverted,-O0 -fperdure-encoding=lazy-null-inverted"
 * RUN: %python %S/../cxx/Inputs/relocated.py "%perdure_cc" "%window_low" "%window_high" %t.5 %s "--levels=-O2 -fperdure-callbacks -fperdure-encoding=xor-lazy-null,-O2 -fperdure-callbacks -fperdure-encoding=xor-inverted,-O2 -fperdure-callbacks -fperdure-encoding=xor-lazy-null-inverted"
 *
 * More, and with another seed: bench/soak encodings.
 */
#include <perdure/atomic.h>
#include <perdure/perdure.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NOINLINE __attribute__((noinline))
#define FAIL(...)                                                              \
  (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__),                             \
   fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))

enum { CELLS = 64, PLACES = 4 }; /* a, b, the heap, a local */
struct PERDURE cell { void *p; };
struct PERDURE root { struct cell cells[CELLS]; struct root *other; char bytes[1 << 20]; };

static struct cell *cells[PLACES];
static void *model[PLACES][CELLS];
static struct root *objects[2];
static uint64_t state;

static uint64_t dice(uint64_t below) { /* xorshift64* */
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return (state * UINT64_C(0x2545F4914F6CDD1D) >> 16) % below;
}
static NOINLINE void put(struct cell *c, void *p) { c->p = p; }
static NOINLINE void clear(struct cell *c) { c->p = 0; }
static NOINLINE void *get(struct cell *c) { return c->p; }
static NOINLINE int isNull(struct cell *c) { return !c->p; }
static NOINLINE void copy(struct cell *to, struct cell *from) { *to = *from; }

static char *base_of(int object) {
  return (char *)((uintptr_t)objects[object] & ~((1ul << __PERDURE_SLOT_BITS__) - 1));
}
/* Something that a cell at a place may lead to: in an object nothing volatile. */
static void *target(int place) {
  char *base = base_of(place == 1);
  switch (dice(place > 1 ? 12 : 10)) {
  case 0: return 0;
  case 1: return (void *)(dice(16) - 8); /* a number; sometimes null */
  case 2: return &cells[place][dice(CELLS)];
  case 3: return base_of((int)dice(2));
  case 4: return objects[dice(2)]->bytes + dice(sizeof objects[0]->bytes);
  case 5: return &objects[dice(2)]->cells[dice(CELLS)];
  case 6: return base + 0x1FFF8; /* whose complement is one bit */
  case 10: return &cells[2 + dice(2)][dice(CELLS)];
  case 11: return (void *)(uintptr_t)(dice(UINT64_C(1) << 46) | UINT64_C(1) << 46);
  default: return base + (dice(sizeof(struct root)) & ~UINT64_C(7));
  }
}

static void check(int place, int i) {
  void *p = get(&cells[place][i]), *want = model[place][i];
  if (p != want || isNull(&cells[place][i]) != !want)
    FAIL("cell %d at %d leads to %p, not to %p", i, place, p, want);
}
static void checkAll(void) {
  for (int place = 0; place != PLACES; ++place)
    for (int i = 0; i != CELLS; ++i)
      check(place, i);
}

static void step(void) {
  int place = (int)dice(PLACES), i = (int)dice(CELLS), j = (int)dice(CELLS);
  struct cell *c = &cells[place][i];
  void **said = &model[place][i];
  switch (dice(8)) {
  case 0:
    clear(c), *said = 0;
    break;
  case 1: { /* a copy; out of the heap, and of a local, only what objects hold */
    int from = place > 1 ? (int)dice(PLACES) : (int)dice(2);
    copy(c, &cells[from][j]), *said = model[from][j];
    break;
  }
  case 2: { /* an exchange, with what is there and with what is not */
    void *expected = dice(2) ? *said : target(place), *seen = expected,
         *next = target(place);
    if (perdure_atomic_compare_exchange(&c->p, &seen, next) !=
            (expected == *said) || seen != *said)
      FAIL("exchange");
    if (expected == *said)
      *said = next;
    break;
  }
  case 3: {
    void *next = target(place), *was = perdure_atomic_exchange(&c->p, next);
    if (was != *said)
      FAIL("atomic exchange");
    *said = next;
    break;
  }
  case 4: { /* a run of cells, from a neighbour in the same place */
    int n = (int)dice(8), at = (int)dice(CELLS - 8), to = (int)dice(CELLS - 8);
    perdure_memmove(&cells[place][to], &cells[place][at], (size_t)n * sizeof *c);
    memmove(&model[place][to], &model[place][at], (size_t)n * sizeof *said);
    break;
  }
  default: {
    void *next = target(place);
    put(c, next), *said = next;
  }
  }
  check(place, i);
  check(place, j);
}

static void *given(void *p) {
  if (!p)
    FAIL("%s", perdure_errormsg());
  return p;
}

/* What the cells of both objects lead to: object and offset, or 2 and a number. */
static void keep(const char *store) {
  char name[4096];
  snprintf(name, sizeof name, "%s.model", store);
  FILE *file = given(fopen(name, "w"));
  for (int place = 0; place != 2; ++place)
    for (int i = 0; i != CELLS; ++i) {
      uint64_t words[2] = {2, (uint64_t)(uintptr_t)model[place][i]};
      for (uint64_t o = 0; o != 2; ++o) {
        uint64_t offset = words[1] - (uint64_t)(uintptr_t)base_of((int)o);
        if (words[0] == 2 && offset >> __PERDURE_SLOT_BITS__ == 0)
          words[0] = o, words[1] = offset;
      }
      if (fwrite(words, sizeof words, 1, file) != 1)
        FAIL("%s", name);
    }
  if (fclose(file))
    FAIL("%s", name);
}
static void recall(const char *store) {
  char name[4096];
  snprintf(name, sizeof name, "%s.model", store);
  FILE *file = given(fopen(name, "r"));
  for (int place = 0; place != 2; ++place)
    for (int i = 0; i != CELLS; ++i) {
      uint64_t words[2];
      if (fread(words, sizeof words, 1, file) != 1)
        FAIL("%s", name);
      model[place][i] = words[0] == 2 ? (void *)(uintptr_t)words[1]
                                      : base_of((int)words[0]) + words[1];
    }
  fclose(file);
}

int main(int argc, char **argv) {
  if (argc < 3)
    FAIL("random STORE build|check [STEPS] [SEED]");
  char *at = getenv("FORBID");
  void *want = at ? (void *)strtoull(at, 0, 0) : 0;
  if (want && mmap(want, 1ul << 40, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE,
                   -1, 0) != want)
    FAIL("mmap");
  int building = argv[2][0] == 'b';
  uint64_t steps = argc > 3 ? strtoull(argv[3], 0, 0) : 300000;
  state = (argc > 4 ? strtoull(argv[4], 0, 0) : 1) * 2 + 1;
  perdure_store *store = given(perdure_store_open(argv[1], PERDURE_CREATE));
  static const char *const names[] = {"a", "b"};
  for (int o = 0; o != 2; ++o)
    objects[o] = given(building ? perdure_create(store, names[o], sizeof(struct root), 0)
                                : perdure_open(store, names[o], 0));
  struct cell local[CELLS] = {0};
  cells[0] = objects[0]->cells;
  cells[1] = objects[1]->cells;
  cells[2] = given(calloc(CELLS, sizeof(struct cell)));
  cells[3] = local;
  if (!building)
    recall(argv[1]);
  checkAll();
  for (uint64_t i = 0; i != steps; ++i)
    step();
  checkAll();
  keep(argv[1]);
  free(cells[2]);
  perdure_store_close(store);
  return 0;
}
