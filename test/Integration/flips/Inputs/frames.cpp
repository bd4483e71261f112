// Frames of every kind that machine code has, without a call of the C library that
// writes memory of ours: what a debugger sees must be what is counted.
#include <alloca.h>
#include <atomic>
#include <csetjmp>
#include <cstdarg>
#include <cstdint>

#define OWN __attribute__((noinline))

static volatile long Sink;
static uint64_t Table[64];
static std::atomic<uint64_t> Shared;
static thread_local uint64_t Mine;
static jmp_buf Back;

// The red zone: nothing below the stack pointer may change but by itself.
OWN static long leaf(long n) {
  volatile long a[8];
  for (int i = 0; i < 8; ++i)
    a[i] = n * (i + 1);
  return a[n & 7] ^ a[3];
}
OWN static long recurse(long n) {
  return n ? recurse(n - 1) * 3 + leaf(n) + (n % 5 == 0 ? recurse(n / 5) : 0) : 1;
}
// Arguments on the stack, spills around the call.
OWN static long many(long a, long b, long c, long d, long e, long f, long g, long h, double x,
                     long double y) {
  Table[a & 63] += b;
  return a + b * c + d * e + f * g + h + (long)x + (long)y;
}
OWN static long spills(long *p) {
  long a = p[0], b = p[1], c = p[2], d = p[3], e = p[4], f = p[5], g = p[6], h = p[7];
  long r = many(a, b, c, d, e, f, g, h, a * 0.5, b);
  return r + a * b + c * d + e * f + g * h + many(h, g, f, e, d, c, b, a, 1, 2) - a - c - e - g;
}
OWN static long variadic(int n, ...) {
  va_list l;
  va_start(l, n);
  long s = 0;
  for (int i = 0; i < n; ++i)
    s += va_arg(l, long);
  va_end(l);
  return s;
}
OWN static long dynamic(unsigned n) {
  auto *p = (volatile long *)alloca(n * sizeof(long));
  for (unsigned i = 0; i < n; ++i)
    p[i] = leaf(i);
  return p[n / 2];
}
OWN static long aligned(long n) {
  alignas(64) volatile long a[16];
  for (int i = 0; i < 16; ++i)
    a[i] = n + i;
  return a[n & 15] + leaf(n) + (long)((uintptr_t)a & 63);
}
OWN static long large(long n) {
  volatile long a[4096];
  a[n & 4095] = n;
  a[0] = leaf(n);
  return a[n & 4095] + a[0];
}
OWN static long tail(long n, long s) {
  if (n == 0)
    return leaf(s);
  return tail(n - 1, s + leaf(n));
}
struct Counts {
  long *N;
  ~Counts() { *N += 1; }
};
OWN static void thrower(long n, long *c) {
  Counts C{c};
  if (n == 0)
    throw 0L; // on the heap, which the debugger does not compare
  thrower(n - 1, c);
  Sink = n;
}
OWN static long catches(long n) {
  long c = 0;
  try {
    thrower(n, &c);
  } catch (long v) {
    return v + c;
  }
  return 0;
}
OWN static void jumps(long n) {
  volatile long a = n;
  if (a == 0)
    longjmp(Back, 7);
  jumps(a - 1);
  Sink = a;
}
OWN static long lands(long n) {
  if (int v = setjmp(Back))
    return v + n;
  jumps(n);
  return 0;
}
typedef uint64_t vector __attribute__((vector_size(32)));
OWN static void vectors(vector *p, uint64_t n) {
  for (int i = 0; i < 4; ++i)
    p[i] = p[i] * 3 + n;
}
OWN static long atomics(uint64_t n) {
  Shared.fetch_add(n);
  Shared.fetch_xor(n << 7 | 1);
  Shared -= 3;
  uint64_t e = n;
  bool a = Shared.compare_exchange_strong(e, n * 5);
  bool b = Shared.compare_exchange_strong(e, n * 9 + 0x1234567);
  return Shared.exchange(n * 11) + a + b;
}
OWN static void rep(uint64_t *to, const uint64_t *from, long n) {
  for (long i = 0; i < n; ++i)
    to[i] = from[i];
  __builtin_memset_inline(to + 32, (int)n, 200);
  __builtin_memcpy_inline(to + 10, from + 20, 152);
}
struct big {
  long a[12];
};
OWN static big makes(long n) {
  big b;
  for (int i = 0; i < 12; ++i)
    b.a[i] = n * i;
  return b;
}
OWN static long takes(big b, int i) { return b.a[i]; }
OWN static void bits(uint8_t *b, long n) {
  b[n & 31] ^= 3;
  b[n % 7] = n & 1;
  ((volatile uint16_t *)b)[3] = (uint16_t)n;
  *(volatile float *)(b + 8) = (float)n;
  *(volatile double *)(b + 16) = (double)n;
  *(volatile long double *)(b + 32) = (long double)n;
}

int main() {
  long p[8];
  uint8_t b[48];
  vector v[4];
  uint64_t other[64];
  for (int i = 0; i < 48; ++i)
    b[i] = 0;
  for (int i = 0; i < 4; ++i)
    v[i] = vector{1, 2, 3, 4};
  for (long i = 0; i < 64; ++i)
    other[i] = (uint64_t)i * 0x9E3779B97F4A7C15u;
  for (long n = 0; n < 12; ++n) {
    for (long i = 0; i < 8; ++i)
      p[i] = n * i;
    Sink = recurse(n) + spills(p) + variadic(7, n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6);
    Sink = dynamic(n + 3) + aligned(n) + large(n) + tail(n, 1);
    Sink = catches(n % 5);
    Sink = lands(n % 4);
    vectors(v, n);
    Sink = atomics(n) + takes(makes(n), n % 12);
    rep(Table, other, n * 2);
    bits(b, n);
    Mine += n;
    Sink = (long)v[1][2] + Mine;
  }
  return 0;
}
