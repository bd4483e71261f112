// RUN: %clang -std=c11 -fsyntax-only -fopenmp -Wno-unused-value -ferror-limit=0 -Xclang -verify %s
// RUN: %clang -std=c23 -fsyntax-only -fopenmp -Wno-unused-value -ferror-limit=0 -Xclang -verify %s

// Numbers stored as their Gray code: what a field may be, and what may be done with it.
#include <perdure/perdure.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

enum kind { One, Two };
struct other { int i; };
struct refused {
  unsigned bits : 3 PERDURE_GRAY; // expected-error {{field 'bits' of type 'unsigned int' is annotated as Gray-coded, but it is a bit-field, which shares its bytes with others; give it a type of its width}}
  _Bool flag PERDURE_GRAY; // expected-error-re {{field 'flag' of type '{{_Bool|bool}}' is annotated as Gray-coded, but a bool has one bit, which is its own Gray code; leave the annotation out}}
  _Atomic(uint64_t) atom PERDURE_GRAY; // expected-error {{but it is atomic, and no instruction counts in Gray code; use a plain integer under a lock, or leave the annotation out}}
  double real PERDURE_GRAY; // expected-error {{field 'real' of type 'double' is annotated as Gray-coded, but only integers and enumerations, and arrays of them, have a Gray code}}
  struct other record PERDURE_GRAY; // expected-error {{but only integers and enumerations, and arrays of them, have a Gray code}}
  char *pointer PERDURE_GRAY; // expected-error {{but it is a pointer; [[perdure::persistent("xor")]] is for those}}
  unsigned _BitInt(24) wide PERDURE_GRAY; // expected-error {{but it is a _BitInt; use an integer of 8, 16, 32, 64 or 128 bits}}
};
union shared {
  uint64_t count PERDURE_GRAY; // expected-error {{but it shares its place with other members of a union, which would show its code; give it a place of its own}}
  double d;
};
uint64_t variable PERDURE_GRAY; // expected-error {{'gray' has the number in a field of a record stored as its Gray code; it has no meaning here}}
struct PERDURE_GRAY whole { int i; }; // expected-error {{it has no meaning here}}

struct s {
  uint64_t count PERDURE_GRAY;
  uint32_t many[4] PERDURE_GRAY, grid[2][2] PERDURE_GRAY;
  enum kind kind PERDURE_GRAY;
  volatile unsigned char small PERDURE_GRAY;
  struct { int deep PERDURE_GRAY; };
  uint64_t plain;
};
void take(uint64_t *);
void look(const void *);
void fetch(uint32_t *, unsigned);

void right(struct s *p, struct s *q, int c) {
  p->count++, --p->count, p->count += 3, p->many[c] = 4, p->grid[0][c] <<= 1;
  p->kind = Two;
  p->small = (unsigned char)p->count;
  p->deep -= c ? (int)p->count : p->deep;
  p->count;
  (void)p->count;
  *p = *q;
  (p->count) = c ? p->count : p->plain;
  for (p->count = 0; p->count < 5; p->count++)
    take(&p->plain);
  memset((void *)&p->count, 0, sizeof p->count);
  look((void *)p->many);
  perdure_persist(&p->count, sizeof p->count);
  _Static_assert(sizeof p->many == 16 && _Alignof(struct s) == 8, "");
  *p->many = 3;
  switch (p->count) {
  case 1: p->count = _Generic(p->count, uint64_t: 1, default: 2);
  }
}
void wrong(struct s *p) {
  take(&p->count); // expected-error {{a pointer or a reference to Gray field 'count' would show the code that is stored in it, and not its number; use the field itself, or a copy ('+' before it passes its value); its address as 'void *' is that of bytes}}
  fetch(p->many, 4); // expected-error {{Gray field 'many'}}
  fetch(&p->many[2], 4); // expected-error {{Gray field 'many'}}
  fetch(p->grid[1], 2); // expected-error {{Gray field 'grid'}}
  look(&p->count); // expected-error {{Gray field 'count'}}
  memcpy(&p->plain, &p->count, 8); // expected-error {{Gray field 'count'}}
  enum kind *k = &p->kind; // expected-error {{Gray field 'kind'}}
  unsigned *m = p->many + 1; // expected-error {{Gray field 'many'}}
  int *d = &p->deep; // expected-error {{Gray field 'deep'}}
  __atomic_fetch_add(&p->count, 1, __ATOMIC_SEQ_CST); // expected-error {{Gray field 'count'}}
  __sync_fetch_and_add(&p->count, 1); // expected-error {{Gray field 'count'}}
  __builtin_add_overflow(p->plain, 1, &p->count); // expected-error {{Gray field 'count'}}
  __builtin_nontemporal_load(&p->count); // expected-error {{Gray field 'count'}}
  __asm__("incq %0" : "+m"(p->count)); // expected-error {{Gray field 'count'}}
  __asm__("" : : "r"(p->count));
#pragma omp atomic // expected-error {{an OpenMP atomic construct would access the stored code of a Gray field}}
  p->count++;
  uint64_t *cast = (uint64_t *)&p->count; // expected-error {{Gray field 'count'}}
  uint64_t through = *(uint64_t *)(char *)&p->count; // expected-error {{Gray field 'count'}}
}

// Sizes of arrays are evaluated; what a selection leaves out is not.
uint64_t *same(uint64_t *);
int sizes(struct s *p) {
  int a[*same(&p->count)]; // expected-error {{Gray field 'count'}}
  int fine[p->count];
  return sizeof(int[*same(&p->count)]) + sizeof a + sizeof fine; // expected-error {{Gray field 'count'}}
}
void parameter(struct s *p, int a[*same(&p->count)]); // expected-error {{Gray field 'count'}}
uint64_t chosen(struct s *p) {
  uint64_t n = _Generic(p->plain, uint64_t: p->count, default: *same(&p->count));
  n += __builtin_choose_expr(1, p->count, *same(&p->count)) + __extension__ p->count;
  return n + (p->count ?: 5) + _Generic(&p->count, uint64_t *: 1);
}
struct s made(void);
void of_result(void) {
  uint64_t n = made().count + made().many[1];
  fetch(made().many, 4); // expected-error {{Gray field 'many'}}
}

// Constants for which there is no variable.
struct s *literal = &(struct s){1}; // expected-error {{a literal of type 'struct s', which holds Gray-coded fields, would live as long as the program; make it a variable}}
struct s by_value = (struct s){1, {2}};
struct bytes { uint8_t b[4] PERDURE_GRAY; };
void whole_array(void) {
  struct bytes b = {"abc"}; // expected-error {{an array of Gray-coded fields is initialised as a whole; give it a list of numbers in braces, or assign its elements}}
  struct bytes c = {{'a', 'b', 'c'}};
}
struct variant { int tag; union { struct s s; int i; } u; };
struct variant zeroed;
struct variant v = {1, {{2}}}; // expected-error {{variable 'v' is initialised, but has a union of which one member holds Gray-coded fields; assign to it in a function}}
