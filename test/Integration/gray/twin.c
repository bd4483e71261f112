// A record whose numbers are stored as Gray codes behaves as its twin whose are not,
// and its bytes are the codes: in objects, on the heap, on the stack, in static
// variables, in C and in C++.
// RUN: rm -rf %store.*
// RUN: %perdure_cc -O0 -Wall -Wno-missing-braces -Werror %s -o %t && %run %t %store.0
// RUN: %perdure_cc -O1 -Wall -Wno-missing-braces -Werror %s -o %t && %run %t %store.1
// RUN: %perdure_cc -O2 -Wall -Wno-missing-braces -Werror %s -o %t && %run %t %store.2
// RUN: %perdure_cc -O3 -march=haswell %s -o %t && %run %t %store.3
// RUN: %perdure_cc -Os %s -o %t && %run %t %store.4
// RUN: %perdure_cc -O2 -flto %s -o %t && %run %t %store.5
// RUN: %perdure_cc -O2 -flto=thin %s -o %t && %run %t %store.6
// RUN: %perdure_cxx -xc++ -O0 %s -o %t && %run %t %store.7
// RUN: %perdure_cxx -xc++ -O2 %s -o %t && %run %t %store.8
// RUN: %perdure_cc -O1 -fsanitize=undefined -fno-sanitize-recover=all %s -o %t && %run %t %store.9
#include <perdure/perdure.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum level { Low, Middle = 1000, High = 2000000 };

#define FIELDS(G)                                                              \
  uint64_t u64 G;                                                              \
  int64_t i64 G;                                                               \
  uint32_t u32 G;                                                              \
  int32_t i32 G;                                                               \
  uint16_t u16 G;                                                              \
  int16_t i16 G;                                                               \
  uint8_t u8 G;                                                                \
  signed char i8 G;                                                            \
  unsigned __int128 u128 G;                                                    \
  volatile uint32_t v32 G;                                                     \
  enum level level G;                                                          \
  uint64_t many[5] G;                                                          \
  uint16_t grid[2][3] G;                                                       \
  struct {                                                                     \
    uint64_t inner G;                                                          \
  };                                                                           \
  char plain;                                                                  \
  uint64_t kept;

struct PERDURE gray { struct gray *self; FIELDS(PERDURE_GRAY) };
struct PERDURE plain { struct plain *self; FIELDS() };

static uint64_t seed = 1;
static uint64_t draw(void) {
  seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
  return seed >> 33 ^ seed << 17;
}
#define CHECK(...)                                                             \
  do                                                                           \
    if (!(__VA_ARGS__)) {                                                      \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #__VA_ARGS__);                 \
      exit(1);                                                                 \
    }                                                                          \
  while (0)

// The stored bytes, by no way that the compiler decodes.
static unsigned __int128 stored(const void *at, unsigned bytes) {
  unsigned __int128 v = 0;
  for (unsigned i = 0; i < bytes; i++)
    v |= (unsigned __int128)((const volatile unsigned char *)at)[i] << 8 * i;
  return v;
}
#define CODE(FIELD)                                                            \
  do {                                                                         \
    unsigned bits = 8 * sizeof p->FIELD;                                       \
    unsigned __int128 n = (unsigned __int128)p->FIELD;                         \
    if (bits < 128)                                                            \
      n &= ((unsigned __int128)1 << bits) - 1;                                 \
    CHECK(g->FIELD == p->FIELD);                                               \
    CHECK(stored((void *)&g->FIELD, sizeof g->FIELD) == (n ^ n >> 1));         \
  } while (0)

static void compare(struct gray *g, struct plain *p) {
  CODE(u64); CODE(i64); CODE(u32); CODE(i32); CODE(u16); CODE(i16);
  CODE(u8); CODE(i8); CODE(u128); CODE(v32); CODE(level); CODE(inner);
  for (int i = 0; i < 5; i++)
    CODE(many[i]);
  for (int i = 0; i < 6; i++)
    CODE(grid[i / 3][i % 3]);
  CHECK(g->plain == p->plain && g->kept == p->kept);
  CHECK(stored(&g->kept, 8) == p->kept);
}

#define BOTH(STATEMENT)                                                        \
  do {                                                                         \
    struct gray *s = g;                                                        \
    STATEMENT;                                                                 \
    {                                                                          \
      struct plain *s = p;                                                     \
      STATEMENT;                                                               \
    }                                                                          \
  } while (0)

#define EACH(FIELD, TYPE)                                                      \
  switch (what % 12) {                                                         \
  case 0: BOTH(s->FIELD++); break;                                             \
  case 1: BOTH(--s->FIELD); break;                                             \
  case 2: BOTH(s->FIELD = (TYPE)x); break;                                     \
  case 3: BOTH(s->FIELD += (TYPE)x); break;                                    \
  case 4: BOTH(s->FIELD = (TYPE)(s->FIELD * 3 + s->kept)); break;              \
  case 5: BOTH(s->FIELD ^= (TYPE)x); break;                                    \
  case 6: BOTH(s->FIELD &= (TYPE)x); break;                                    \
  case 7: BOTH(s->kept = (uint64_t)s->FIELD++); break;                         \
  case 8: BOTH(s->kept = (uint64_t)++s->FIELD + (s->FIELD == (TYPE)x)); break; \
  case 9: BOTH(if (s->FIELD > (TYPE)x) s->FIELD--); break;                     \
  case 10: BOTH(s->FIELD = s->FIELD < 0 ? (TYPE)1 : (TYPE)-1); break;          \
  case 11: BOTH(s->kept = s->FIELD == 0 || s->FIELD != (TYPE)s->many[1]);      \
  }

__attribute__((noinline)) static void change(struct gray *g, struct plain *p) {
  unsigned what = (unsigned)draw();
  uint64_t x = draw() % 3 ? draw() : draw() % 4;
  // Wrapping of signed numbers is not what is tested.
  int64_t near = (int64_t)(x % 100) - 50;
  switch (draw() % 13) {
  case 0: EACH(u64, uint64_t); break;
  case 1: EACH(u32, uint32_t); break;
  case 2: EACH(u16, uint16_t); break;
  case 3: EACH(u8, uint8_t); break;
  case 4: EACH(u128, unsigned __int128); break;
  case 5: EACH(v32, uint32_t); break;
  case 6: EACH(inner, uint64_t); break;
  case 7: BOTH(s->i64 = what % 2 ? near : s->i64 / 2 + near); break;
  case 8: BOTH(s->i32 = s->i32 / 2 + (int32_t)near); break;
  case 9: BOTH(s->i16 = (int16_t)(s->i16 / 2 + near)); break;
  case 10: BOTH(s->i8 = (signed char)(s->i8 / 2 - near)); break;
  case 11: BOTH(s->level = s->level == Middle ? High : Middle); break;
  case 12: {
    unsigned i = what % 5, j = what / 5 % 2, k = what / 16 % 3;
    BOTH(s->many[i] += s->grid[j][k]++);
    BOTH(s->kept = 0; for (int i = 0; i < 5; i++) s->kept += s->many[i]);
    break;
  }
  }
}

static unsigned flipped(struct gray *g, int64_t by) {
  uint64_t before = (uint64_t)stored((void *)&g->u64, 8);
  g->u64 += (uint64_t)by;
  return (unsigned)__builtin_popcountll(before ^
                                        (uint64_t)stored((void *)&g->u64, 8));
}
// Every step flips one bit, around each power of two and where it wraps.
static void steps(struct gray *g) {
  for (unsigned bit = 0; bit < 64; bit++) {
    g->u64 = (UINT64_C(1) << bit) - 3;
    for (int i = 0; i < 6; i++)
      CHECK(flipped(g, 1) == 1);
    for (int i = 0; i < 6; i++)
      CHECK(flipped(g, -1) == 1);
    CHECK(g->u64 == (UINT64_C(1) << bit) - 3);
  }
  for (int i = 0; i < 65536 + 2; i++) {
    uint16_t was = g->u16, code = (uint16_t)stored((void *)&g->u16, 2);
    g->u16++;
    CHECK(g->u16 == (uint16_t)(was + 1));
    CHECK(__builtin_popcount(code ^ (uint16_t)stored((void *)&g->u16, 2)) == 1);
  }
  for (int i = 0; i < 256 + 2; i++) {
    uint8_t was = g->u8, code = (uint8_t)stored((void *)&g->u8, 1);
    g->u8--;
    CHECK(g->u8 == (uint8_t)(was - 1));
    CHECK(__builtin_popcount(code ^ (uint8_t)stored((void *)&g->u8, 1)) == 1);
  }
}

static struct gray zero;
static struct gray global = {
    &zero, 5, -7, 0xdeadbeef, -1, 3, -3, 200, -100, (unsigned __int128)77 << 64,
    9,     Middle, {1, 2, 3}, {{4, 5}, {6}}, {8}, 'c', 10};
static struct plain global_plain = {
    0, 5, -7, 0xdeadbeef, -1, 3, -3, 200, -100, (unsigned __int128)77 << 64,
    9, Middle, {1, 2, 3}, {{4, 5}, {6}}, {8}, 'c', 10};
struct gray table[3] = {{0, 1}, {0, 2, -2}, {0, 3, 4, 5, 6, 7, 8, 9}};
struct plain table_plain[3] = {{0, 1}, {0, 2, -2}, {0, 3, 4, 5, 6, 7, 8, 9}};
static _Thread_local struct gray own = {0, 11};

#ifdef __cplusplus
#define LITERAL(T) T
#else
#define LITERAL(T) (struct T)
#endif

static uint64_t locals(uint64_t x) {
  struct gray a = {0, 5, -6, 7}, b = {0, x, (int64_t)x};
  struct plain ap = {0, 5, -6, 7}, bp = {0, x, (int64_t)x};
  compare(&a, &ap);
  compare(&b, &bp);
  const struct gray rows[2] = {{0, 1, 2}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Low, {21, 22, 23, 24, 25}}};
  CHECK(rows[0].i64 == 2 && rows[1].many[4] == 25 && rows[1].u64 == 0);
  struct gray e = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, Low, 21, 22, 23, 24, 25, 26, 27};
  struct plain ep = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, Low, 21, 22, 23, 24, 25, 26, 27};
  compare(&e, &ep); // some braces are left out
  static struct gray fixed = {0, 12, 13};
  static struct plain fixed_plain = {0, 12, 13};
  compare(&fixed, &fixed_plain);
  struct gray copy = a;
  a = b;
  compare(&copy, &ap);
  compare(&a, &bp);
  b = LITERAL(gray){0, 31, 32, 33};
  CHECK(b.u64 == 31 && b.i64 == 32 && b.u32 == 33 && b.many[4] == 0);
  CHECK(stored((void *)&b.u64, 8) == (31 ^ 31 >> 1));
  return copy.u64 + a.u64;
}

static jmp_buf again;
static void jumps(struct gray *g) {
  g->u32 = 0;
  int n = setjmp(again);
  g->u32++;
  if (n < 5)
    longjmp(again, n + 1);
  CHECK(g->u32 == 6);
}

static void run(struct gray *g, struct plain *p) {
  memset((void *)g, 0, sizeof *g);
  memset((void *)p, 0, sizeof *p);
  for (int i = 0; i < 4000; i++) {
    change(g, p);
    if (i % 16 == 0 || i < 50)
      compare(g, p);
  }
  compare(g, p);
  steps(g);
  jumps(g);
}

int main(int argc, char **argv) {
  (void)argc;
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  struct gray *g = (struct gray *)perdure_create(store, "gray", sizeof *g, 0);
  struct plain p;
  if (!g)
    return printf("%s\n", perdure_errormsg()), 1;
  run(g, &p);
  perdure_persist(&g->u64, sizeof g->u64);
  struct gray *heap = (struct gray *)malloc(sizeof *heap);
  run(heap, &p);
  *heap = *g;
  CHECK(heap->u64 == g->u64 && heap->many[3] == g->many[3]);
  free(heap);
  struct gray local;
  run(&local, &p);
  compare(&global, &global_plain);
  for (int i = 0; i < 3; i++)
    compare(&table[i], &table_plain[i]);
  CHECK(own.u64++ == 11 && own.u64 == 12);
  locals(draw());
  perdure_store_close(store);
  return 0;
}
