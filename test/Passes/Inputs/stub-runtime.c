#include "stub-runtime.h"

#define HIDDEN __attribute__((visibility("hidden")))
#if defined(__x86_64__) || defined(__aarch64__)
#define COLD __attribute__((preserve_most)) HIDDEN
#else
#define COLD HIDDEN
#endif

HIDDEN struct window __perdure_window;
HIDDEN char
    __perdure_abi_v1_slot35__compile_and_link_every_file_with_one_Perdure_and_one_slot_size;
int decode_calls, encode_calls, reencode_calls;

static uint64_t base(const void *p) { return (uint64_t)p & ~(SLOT - 1); }
static int inside(const void *p) {
  return (uint64_t)p - __perdure_window.base < __perdure_window.bytes;
}
static uint64_t *cache(uint64_t b) { return (uint64_t *)(b + SLOT - CACHE); }
static uint64_t rows[SLOTS][64];

__attribute__((constructor(101))) static void place(void) {
  char *raw = mmap(0, (SLOTS + 1) * SLOT, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED)
    abort();
  __perdure_window.base = base(raw + SLOT - 1);
  __perdure_window.bytes = SLOTS * SLOT;
  __perdure_window.fot_rows = (uint64_t)rows - (__perdure_window.base >> 26);
  for (unsigned n = 0; n != SLOTS; ++n) {
    char *b = stub_slot(n);
    mprotect(b, 1 << 20, PROT_READ | PROT_WRITE);
    mprotect(b + SLOT - CACHE, 4096, PROT_READ | PROT_WRITE);
    cache((uint64_t)b)[0] = (uint64_t)b;
  }
}
char *stub_slot(unsigned n) { return (char *)__perdure_window.base + n * SLOT; }

static void *decode(uint64_t bits, const void *c) {
  uint64_t top = bits >> 62;
  if (bits == 0)
    return 0;
  if (top >= 2) {
    uint64_t index = bits >> 40 & 0x7fffff, off = bits & 0xffffffffff;
    if (!inside(c) || index > 511)
      abort();
    uint64_t *e = &cache(base(c))[index];
    /* Resolved late: the index is the slot's number plus 1. */
    if (!*e)
      *e = (uint64_t)stub_slot(index - 1);
    if (index < 64)
      rows[(base(c) - __perdure_window.base) / SLOT][index] = *e;
    return (void *)(*e + off);
  }
  if (top == 1)
    return (void *)((int64_t)(bits << 2) >> 2);
  if (inside(c))
    return bits < LIMIT ? (void *)(base(c) + bits) : (abort(), (void *)0);
  return (void *)bits;
}
static uint64_t encode(const void *p, const void *c, const char *where) {
  uint64_t v = (uint64_t)p;
  if (!p)
    return 0;
  if (inside(c)) {
    if (base(p) == base(c))
      return v == base(c) ? UINT64_C(1) << 63 : v - base(c);
    if (inside(p)) {
      uint64_t index = (base(p) - __perdure_window.base) / SLOT + 1;
      return UINT64_C(1) << 63 | index << 40 | (v - base(p));
    }
    if (v + 65536 >= 131072) {
      fprintf(stderr, "escape at %s\n", where ? where : "?");
      exit(3);
    }
  }
  if (v >= SLOT && v >> 62 == 0)
    return v;
  return TAGGED | (v & (TAGGED - 1));
}

COLD void *__perdure_decode_cold(uint64_t b, const void *c) {
  ++decode_calls;
  return decode(b, c);
}
COLD uint64_t __perdure_encode_cold(const void *p, const void *c,
                                    const char *w) {
  ++encode_calls;
  return encode(p, c, w);
}
COLD uint64_t __perdure_reencode_cold(uint64_t b, const void *f, const void *t,
                                      const char *w) {
  ++reencode_calls;
  return encode(decode(b, f), t, w);
}
HIDDEN void *__perdure_decode_object(uint64_t b, const void *c) {
  ++decode_calls;
  return decode(b, c);
}
HIDDEN uint64_t __perdure_encode_object(const void *p, const void *c,
                                        const char *w) {
  ++encode_calls;
  return encode(p, c, w);
}
HIDDEN uint64_t __perdure_reencode_object(uint64_t b, const void *f,
                                          const void *t, const char *w) {
  ++reencode_calls;
  return encode(decode(b, f), t, w);
}
