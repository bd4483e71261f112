/* Records copied over others, whose padding holds what nobody wrote. Prints what the
   fields hold, and how many bytes of padding changed. In C and in C++. */
#include <perdure/perdure.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct PERDURE inner { uint8_t a; uint32_t b; };
struct PERDURE node {
  struct node *next;
  uint8_t c;
  uint64_t v;
  uint16_t s;
  struct node *other;
  unsigned few : 3, more : 7;
  struct inner in[3];
  union { uint8_t byte; uint64_t word; uint8_t all[11]; } u;
  uint8_t last;
};
struct PERDURE plain { uint8_t c; uint64_t v; uint16_t s; unsigned x : 3; };

enum { Many = 64 };
struct PERDURE root {
  struct node from, to[Many];
  struct plain one, two[Many];
  uint8_t raw[sizeof(struct plain)];
};

#ifdef COPY_BY_CONSTRUCTOR
#include <new>
#define COPY(T, To, From) new (To) T(*(From))
#else
#define COPY(T, To, From) (*(To) = *(From))
#endif

__attribute__((noinline)) static void copyNode(struct node *To, const struct node *From) {
  COPY(struct node, To, From);
}
__attribute__((noinline)) static void copyPlain(struct plain *To, const struct plain *From) {
  COPY(struct plain, To, From);
}
/* Every byte, since the program says so. */
__attribute__((noinline)) static void copyBytes(void *To, const struct plain *From) {
  memcpy(To, (const void *)From, sizeof *From);
}

static uint8_t at(const void *P, size_t I) { return ((const volatile uint8_t *)P)[I]; }

int main(int Count, char **Words) {
  (void)Count;
  perdure_store *S = perdure_store_open(Words[1], PERDURE_CREATE);
  struct root *R = (struct root *)perdure_create(S, "root", sizeof(struct root), 0);
  if (!R) {
    fprintf(stderr, "%s\n", perdure_errormsg());
    return 1;
  }
  memset((void *)&R->from, 0xFF, sizeof R->from);
  memset((void *)&R->one, 0xFF, sizeof R->one);
  R->from.next = &R->to[1];
  R->from.c = 1, R->from.v = 2, R->from.s = 3;
  R->from.other = &R->from;
  R->from.few = 5, R->from.more = 99;
  for (unsigned I = 0; I != 3; ++I)
    R->from.in[I].a = (uint8_t)(I + 6), R->from.in[I].b = I + 1000;
  for (unsigned I = 0; I != 11; ++I)
    R->from.u.all[I] = (uint8_t)(I + 1);
  R->from.last = 77;
  R->one.c = 9, R->one.v = 8, R->one.s = 7, R->one.x = 6;

  unsigned long long Sum = 0;
  for (unsigned I = 0; I != Many; ++I) {
    copyNode(&R->to[I], &R->from);
    copyPlain(&R->two[I], &R->one);
    struct node *N = &R->to[I];
    Sum = Sum * 31 + (N->next == &R->to[1]) + (N->other == &R->from) * 2u + N->c * 3u +
          N->v * 5 + N->s * 7u + N->few * 11u + N->more * 13u + N->last * 17u;
    for (unsigned J = 0; J != 3; ++J)
      Sum = Sum * 31 + N->in[J].a + N->in[J].b;
    for (unsigned J = 0; J != 11; ++J)
      Sum = Sum * 31 + N->u.all[J];
    struct plain *P = &R->two[I];
    Sum = Sum * 31 + P->c + P->v * 3 + P->s * 5u + P->x * 7u;
  }
  copyBytes(R->raw, &R->one);
  unsigned Same = 0;
  for (size_t I = 0; I != sizeof R->raw; ++I)
    Same += R->raw[I] == at(&R->one, I);
  printf("%llu %u of %u\n", Sum, Same, (unsigned)sizeof R->raw);
  perdure_close(R);
  perdure_store_close(S);
  return 0;
}
