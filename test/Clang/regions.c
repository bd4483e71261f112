// RUN: %clang -std=c11 -fsyntax-only -I%S/Inputs -isystem %S/Inputs/system -Xclang -verify %s
// RUN: %clang -std=c23 -fsyntax-only -I%S/Inputs -isystem %S/Inputs/system -Xclang -verify -DBRACKETS %s

// Regions annotate what they define: not what a system header defines in them,
// and not what they only mention.
#include <perdure/perdure.h>

struct before { int *p; };
#ifdef BRACKETS
#pragma clang attribute push([[perdure::persistent]], apply_to = record)
#else
#pragma clang attribute push(PERDURE, apply_to = record)
#endif
#include "region.h"
#include <system.h>
struct before;
struct after;
struct inside {
  int *p;
  struct { int *unnamed; };
  struct nested { int *q; } n;
};
typedef struct { int *p; } unnamed;
enum number { one };
#pragma clang attribute pop
struct after { int *p; };

void use(struct before *b, struct after *a, struct inside *i, unnamed *u,
         struct from_header *h, struct from_system *s) {
  int **p = &b->p;
  p = &a->p;
  p = &s->p;
  p = &i->p;
// expected-error@-1 {{assigning 'int *persistent *' to 'int **' changes persistence of pointee type; declare it as 'int_ref *', where 'typedef int *int_ref PERDURE;'}}
  p = &i->unnamed;
// expected-error@-1 {{assigning 'int *persistent *' to 'int **' changes persistence of pointee type; declare it as 'int_ref *', where 'typedef int *int_ref PERDURE;'}}
  p = &i->n.q;
// expected-error@-1 {{assigning 'int *persistent *' to 'int **' changes persistence of pointee type; declare it as 'int_ref *', where 'typedef int *int_ref PERDURE;'}}
  p = &u->p;
// expected-error@-1 {{assigning 'int *persistent *' to 'int **' changes persistence of pointee type; declare it as 'int_ref *', where 'typedef int *int_ref PERDURE;'}}
  p = &h->p;
// expected-error@-1 {{assigning 'int *persistent *' to 'int **' changes persistence of pointee type; declare it as 'int_ref *', where 'typedef int *int_ref PERDURE;'}}
}

#pragma clang attribute push(PERDURE, apply_to = any(field, variable(is_global), type_alias))
struct fields { int *p; long n; void (*f)(void); };
int *global;
int number;
typedef int *int_ref;
#pragma clang attribute pop
void fields(struct fields *f, int_ref *r) {
  int **p = &f->p;
// expected-error@-1 {{initializing 'int **' with an expression of type 'int *persistent *' changes persistence of pointee type; declare it as 'int_ref *', where 'typedef int *int_ref PERDURE;'}}
  p = &global;
// expected-error@-1 {{assigning 'int *persistent *' to 'int **' changes persistence of pointee type; declare it as 'int_ref *', where 'typedef int *int_ref PERDURE;'}}
  p = r;
// expected-error@-1 {{assigning 'int_ref *' (aka 'int *persistent *') to 'int **' changes persistence of pointee type; declare it as 'int_ref *', where 'typedef int *int_ref PERDURE;'}}
}

struct PERDURE node { struct node *next; };
struct native { int *p; };
#pragma clang attribute push(__attribute__((perdure_references)), apply_to = any(variable, function))
void insert(struct node **at, struct node *n) {
  struct node **walk = at;
  while (*walk)
    walk = &(*walk)->next;
  n->next = *walk;
  *walk = n;
}
struct node **find(struct node *n) { return &n->next; }
struct native **natives(struct native **n) { return n; }
#pragma clang attribute pop
void outside(struct node *n) {
  insert(find(n), n);
  struct node **at = find(n);
// expected-error@-1 {{initializing 'struct node **' with an expression of type 'struct node *persistent *' changes persistence of pointee type; declare it as 'node_ref *', where 'typedef struct node *node_ref PERDURE;'}}
}
