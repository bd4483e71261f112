// Encodings by the attribute's argument: on records and what is defined in them,
// fields, variables, aliases, regions; whatever the TU's own is.
// RUN: %clang_cc1 -std=c23 -fsyntax-only -verify=expected,first %s
// RUN: %clang_cc1 -std=c23 -fsyntax-only -plugin-arg-perdure encoding=xor -DXOR -verify=expected,second %s
#include <perdure/attributes.h>

struct PERDURE plain { struct plain *p; };
struct [[perdure::persistent("xor")]] outer {
  struct outer *p;
  struct outer **levels;
  struct { struct outer *p; } unnamed;
  struct inner { struct inner *p; } named;
  struct PERDURE_ENCODED("region-id") other { struct other *p; } own;
  struct outer *field PERDURE_ENCODED("self-relative");
};
typedef struct outer *xor_ref PERDURE_ENCODED("xor");
typedef struct outer *self_ref PERDURE_ENCODED("self-relative");
typedef struct other *region_ref PERDURE_ENCODED("region-id");
typedef struct inner *inner_ref PERDURE_ENCODED("xor");
typedef struct plain *plain_ref PERDURE;
struct late { struct late *p; } PERDURE_ENCODED("fat-lookup");
typedef struct late *late_ref PERDURE_ENCODED("fat-lookup");
struct PERDURE_ENCODED("strict") forward;
struct PERDURE_ENCODED("strict") forward { struct forward *p; };
typedef struct forward *strict_ref PERDURE_ENCODED("strict");

void addresses(struct outer *o, struct plain *n, struct late *l,
               struct forward *f) {
  xor_ref *a = &o->p, *b = &o->unnamed.p, *d = o->levels;
  inner_ref *e = &o->named.p;
  region_ref *g = &o->own.p;
  self_ref *h = &o->field;
  plain_ref *i = &n->p;
  late_ref *j = &l->p;
  strict_ref *k = &f->p;
  o->p = o->field; // between encodings
  n->p = (struct plain *)0;
  h = &o->p; // expected-error {{changes persistence}}
#ifdef XOR
  typedef struct outer *default_ref PERDURE;
  default_ref *same = a;
#else
  typedef struct outer *default_ref PERDURE;
  default_ref *same = a; // first-error-re {{'{{.*}}persistent("xor") *'{{.*}}changes persistence}}
#endif
}

struct outer **raw(struct outer *o) {
  return &o->p; // first-error {{'typedef struct outer *outer_ref PERDURE_ENCODED("xor");'}} second-error {{'typedef struct outer *outer_ref PERDURE;'}}
}

[[persistent("xor")]] struct plain *unscoped; // expected-warning {{unknown attribute 'persistent' ignored; Perdure's is 'perdure::persistent'}}

#pragma clang attribute push(PERDURE_ENCODED("xor"), apply_to = record)
struct in_region { struct in_region *p; };
struct PERDURE_ENCODED("fat-lookup") has_own { struct has_own *p; };
#pragma clang attribute pop
typedef struct in_region *in_region_ref PERDURE_ENCODED("xor");
typedef struct has_own *has_own_ref PERDURE_ENCODED("fat-lookup");
void regions(struct in_region *r, struct has_own *h) {
  in_region_ref *a = &r->p;
  has_own_ref *b = &h->p;
}

#pragma clang attribute push(__attribute__((perdure_references)), apply_to = any(variable(is_parameter), variable))
void references(struct outer **o, struct plain **n) {}
#pragma clang attribute pop
void calls(struct outer *o, struct plain *n) {
  references(&o->p, &n->p);
}

struct PERDURE_ENCODED("nothing") unknown { int *p; }; // expected-error {{Perdure knows no such encoding: 'nothing'; there are object, native, strict, self-relative, xor, region-id, fat-lookup, lazy-null, inverted, lazy-null-inverted, xor-lazy-null, xor-inverted, xor-lazy-null-inverted}}
struct PERDURE_ENCODED(7) number { int *p; }; // expected-error {{'persistent' takes the name of an encoding in quotes}}
struct PERDURE_ENCODED("strict") outer; // expected-error {{outer is annotated with the encoding 'strict', but has 'xor' already}}
int *twice PERDURE_ENCODED("xor") PERDURE_ENCODED("strict"); // expected-error {{twice is annotated with the encoding 'strict', but has 'xor' already}}

// Bits that hold at one place alone.
void *memcpy(void *, const void *, unsigned long);
void *realloc(void *, unsigned long);
void qsort(void *, unsigned long, unsigned long, int (*)(const void *, const void *));
int compare(const void *, const void *);
struct outer x[2], y[2];
struct PERDURE_ENCODED("xor") pair { struct pair *a, *b; } p[2], q[2];
struct PERDURE_ENCODED("region-id") movable { struct movable *a; } *m;
void moves(struct pair *o, struct forward *f) {
  memcpy(o, o + 1, sizeof *o);      // expected-error {{'memcpy' moves persistent pointers of the encoding 'xor' as bytes, which hold at one place alone; use perdure_memmove}}
  memcpy(p, q, sizeof p);           // both volatile: xor holds there
  memcpy(x, y, sizeof x);           // expected-error {{encoding 'self-relative'}}
  memcpy((void *)o, (void *)p, sizeof *o);
  memcpy(m, m + 1, sizeof *m);
  o = realloc(o, 64);
  f = realloc(f, 64);               // expected-error {{'realloc' moves persistent pointers of the encoding 'strict' as bytes, which hold at one place alone; allocate anew}}
  qsort(o, 2, sizeof *o, compare);  // expected-error {{use perdure_qsort}}
  qsort(p, 2, sizeof *p, compare);
}
