/* Stores that write less than they name, at the end of what is mapped: the profiler may
   not read on. Prints nothing but whether each was there afterwards. */
#define _GNU_SOURCE
#include <immintrin.h>
#include <stdio.h>
#include <sys/mman.h>

#define OWN(Target) __attribute__((noinline, target(Target)))
#define WIDE "avx512f,avx512bw,avx512vl"

OWN("avx2") static void masked(int *P) {
  _mm256_maskstore_epi32(P, _mm256_setr_epi32(-1, -1, 0, 0, 0, 0, 0, 0),
                         _mm256_set1_epi32(7));
}
OWN("sse2") static void bytes(char *P) {
  __m128i Mask = _mm_setr_epi8(-1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  _mm_maskmoveu_si128(_mm_set1_epi8(7), Mask, P);
}
OWN(WIDE) static void lanes(int *P) {
  _mm512_mask_storeu_epi32(P, 7, _mm512_set1_epi32(7));
}
OWN(WIDE) static void packed(int *P) {
  _mm512_mask_compressstoreu_epi32(P, 0x8001, _mm512_set1_epi32(7));
}
OWN(WIDE) static void narrowed(char *P) {
  _mm512_mask_cvtepi32_storeu_epi8(P, 7, _mm512_set1_epi32(7));
}
OWN("xsave") static void state(void *P) { _xsave64(P, 1); }

int main(void) {
  char *Page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(Page + 4096, 4096);
  char *End = Page + 4096;
  long Sum = 0;
  if (__builtin_cpu_supports("avx2"))
    masked((int *)End - 2);
  else
    ((volatile int *)End)[-2] = ((volatile int *)End)[-1] = 7;
  Sum += ((volatile int *)End)[-2] + ((volatile int *)End)[-1];
  bytes(Page);
  Sum += ((volatile char *)Page)[0] + ((volatile char *)Page)[1] + ((volatile char *)Page)[2];
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    lanes((int *)End - 3);
    packed((int *)End - 5);
    narrowed(End - 3);
  }
  /* The legacy state and the header, of which the first component is all. */
  __builtin_cpu_init();
  state(End - 576);
  printf("%ld\n", Sum);
  return 0;
}
