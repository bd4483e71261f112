/* Every kind of write to an object, each once. The program compares the object with
   what it held before, and says in the end how many bits changed. Compiled with
   -fperdure-flips, which counts by another way. */
#include <perdure/perdure.h>

#include <immintrin.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct PERDURE all {
  struct all *pointer, *other;
  int8_t i8;
  int16_t i16;
  int32_t i32;
  int64_t i64;
  _Bool flag;
  float f32;
  double f64;
  long double f80;
  __int128 i128;
  unsigned bits : 5, more : 11;
  _Atomic uint32_t a32;
  _Atomic uint64_t a64;
  volatile uint16_t v16;
  uint8_t bytes[300];
  uint32_t words[64];
  char text[64];
  __attribute__((aligned(32))) char vector[64];
  struct pair { uint8_t first; uint64_t second; } pair;
};

static unsigned char Before[sizeof(struct all)];
static uint64_t Set, Cleared;

static void keep(const struct all *A) {
  for (size_t I = 0; I != sizeof Before; ++I)
    Before[I] = ((const volatile unsigned char *)A)[I];
}
static void compare(const struct all *A) {
  for (size_t I = 0; I != sizeof Before; ++I) {
    unsigned Now = ((const volatile unsigned char *)A)[I];
    Set += (unsigned)__builtin_popcount(Now & ~Before[I] & 0xFF);
    Cleared += (unsigned)__builtin_popcount(Before[I] & ~Now & 0xFF);
  }
}

#define DO(...)                                                                \
  do {                                                                         \
    keep(A);                                                                   \
    __asm__ volatile("" ::: "memory");                                         \
    __VA_ARGS__;                                                               \
    __asm__ volatile("" ::: "memory");                                         \
    compare(A);                                                                \
  } while (0)

static unsigned Seed = 1;
/* Nothing that a compiler could know. */
__attribute__((noinline)) static uint64_t any(void) {
  Seed = Seed * 1103515245u + 12345u;
  return (uint64_t)Seed * 0x9E3779B97F4A7C15u;
}

__attribute__((noinline)) static void round_(struct all *A) {
  unsigned char Source[300];
  for (size_t I = 0; I != sizeof Source; ++I)
    Source[I] = (unsigned char)(any() >> 40);
  char Word[40];
  snprintf(Word, sizeof Word, "%llx", (unsigned long long)any());
  size_t Some = any() >> 32 & 255;
  DO(A->pointer = any() & 4096 ? A : NULL);
  DO(A->other = A->pointer);
  DO(A->i8 = (int8_t)any());
  DO(A->i16 = (int16_t)any());
  DO(A->i32 = (int32_t)(any() >> 20));
  DO(A->i64 = (int64_t)any());
  DO(A->i64 = A->i64);
  DO(A->flag = any() >> 33 & 1);
  DO(A->f32 = (float)any());
  DO(A->f64 = (double)any());
  DO(A->f80 = (long double)any());
  DO(A->i128 = (__int128)any() << 50);
  DO(A->bits = any() >> 40 & 31);
  DO(A->more = any() >> 40 & 2047);
  DO(atomic_store(&A->a32, (uint32_t)any()));
  DO(atomic_fetch_add(&A->a32, (uint32_t)any()));
  DO(atomic_fetch_sub(&A->a64, any()));
  DO(atomic_fetch_xor(&A->a64, any()));
  DO(atomic_fetch_or_explicit(&A->a64, any(), memory_order_relaxed));
  DO(atomic_exchange(&A->a64, any()));
  uint64_t Expected = A->a64;
  DO(atomic_compare_exchange_strong(&A->a64, &Expected, any()));
  Expected = A->a64 + 1;
  DO(atomic_compare_exchange_strong(&A->a64, &Expected, any()));
  DO(A->v16 = (uint16_t)any());
  DO(memcpy(A->bytes, Source, sizeof A->bytes));
  DO(memcpy(A->bytes, Source, Some));
  DO(memmove(A->bytes + 7, A->bytes, Some));
  DO(memset(A->bytes, (int)(any() >> 40 & 255), 13));
  DO(memset(A->bytes, (int)(any() >> 40 & 255), Some));
  DO(for (unsigned I = 0; I != 64; ++I) A->words[I] += Source[I]);
  DO(for (unsigned I = 0; I != 64; ++I) if (Source[I] & 1) A->words[I] = Source[I]);
  DO(strcpy(A->text, Word));
  DO(strcat(A->text, "!"));
  DO(strncpy(A->text, Word, 30));
  DO(snprintf(A->text, sizeof A->text, "%s and %d", Word, (int)Some));
  DO(sprintf(A->text, "%.5s", Word));
  DO(A->pair = (struct pair){Source[0], Source[1]});
#ifdef __AVX__
  __m256i V = _mm256_loadu_si256((const __m256i *)Source);
  DO(_mm256_storeu_si256((__m256i *)(A->vector + 3), V));
  DO(_mm256_stream_si256((__m256i *)A->vector, V));
#endif
  DO(_mm_storeu_si64(A->vector + 40, _mm_cvtsi64_si128((long long)any())));
}

int main(int Count, char **Words) {
  (void)Count;
  perdure_store *S = perdure_store_open(Words[1], PERDURE_CREATE);
  struct all *A = perdure_create(S, "all", sizeof(struct all), 0);
  if (!A) {
    fprintf(stderr, "%s\n", perdure_errormsg());
    return 1;
  }
  for (int I = 0; I != 200; ++I)
    round_(A);
  printf("%llu %llu\n", (unsigned long long)Set, (unsigned long long)Cleared);
  perdure_close(A);
  perdure_store_close(S);
  return 0;
}
