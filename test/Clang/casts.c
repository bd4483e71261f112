// RUN: %clang -std=c11 -fsyntax-only -Wno-unused-value -Xclang -verify -Xclang -verify-ignore-unexpected=note %s

// Pointers to annotated records and to pointers, made of something else.
#include <perdure/perdure.h>
#include <stdint.h>
#include <stdlib.h>

struct PERDURE node { struct node *next; long v; };
struct PERDURE leaf { struct node *next; };
typedef struct node *node_ref PERDURE;
struct native { int *p; };
struct numbers { long a, b; };
struct opaque;
void *get(void);
void *xmalloc(size_t);

void warned(struct node *n, char *bytes, struct native *h) {
  struct node **t = get();
// expected-warning@-1 {{'struct node **' is made from 'void *', where persistent pointers may lie; declare it as 'struct node *persistent *', or allocate it with malloc if it is volatile}}
  t = perdure_alloc(n, 80);
// expected-warning@-1 {{'struct node **' is made from 'void *', where persistent pointers may lie; declare it as 'struct node *persistent *', or allocate it with malloc if it is volatile}}
  t = (struct node **)bytes;
// expected-warning@-1 {{'struct node **' is made from 'char *', where persistent pointers may lie; declare it as 'struct node *persistent *', or allocate it with malloc if it is volatile}}
  (struct opaque *)n;
// expected-warning@-1 {{cast from 'struct node' to 'struct opaque', of which only one is annotated: their pointers do not mean the same; annotate both, or cast to 'void *' first if no pointer is read}}
  (struct native *)n;
// expected-warning@-1 {{cast from 'struct node' to 'struct native', of which only one is annotated: their pointers do not mean the same; annotate both, or cast to 'void *' first if no pointer is read}}
  (struct node *)h;
// expected-warning@-1 {{cast from 'struct native' to 'struct node', of which only one is annotated: their pointers do not mean the same; annotate both, or cast to 'void *' first if no pointer is read}}
  (struct node **)n;
// expected-warning@-1 {{'struct node', which is annotated, is read as native pointers; use its fields}}
  (node_ref *)t;
// expected-warning@-1 {{cast from 'struct node **' to 'node_ref *' (aka 'struct node *persistent *') reads native pointers as persistent ones, which is right in volatile memory only; declare them persistent}}
}
void refused(struct node *n) {
  (struct node **)&n->next;
// expected-error@-1 {{cast from 'struct node *persistent *' to 'struct node **' would read the stored bits of persistent pointers as something else; keep the type, or cast to 'void *' to handle the bits as bytes}}
  struct node **p = &n->next;
// expected-error@-1 {{initializing 'struct node **' with an expression of type 'struct node *persistent *' changes persistence of pointee type; declare it as 'node_ref *', where 'typedef struct node *node_ref PERDURE;'}}
  node_ref *r = malloc(8);
// expected-error@-1 {{initializing 'node_ref *' (aka 'struct node *persistent *') with an expression of type 'void *' changes persistence of pointee type; cast the 'void *' to it, if that is what lies there}}
  free(&n->next);
// expected-error@-1 {{passing 'struct node *persistent *' to parameter of type 'void *' changes persistence of pointee type; cast it to 'void *' to handle the bits as bytes; perdure_memmove and perdure_qsort re-encode}}
}
void fine(struct node *n, struct numbers *numbers) {
  struct node **heap = malloc(8 * sizeof *heap);
  heap = calloc(8, sizeof *heap);
  heap = realloc(heap, 8);
  heap = xmalloc(8);
  heap = (struct node **)malloc(8);
  heap = NULL;
  heap = (struct node **)0;
  struct node *m = malloc(sizeof *m);
  m = perdure_alloc(n, sizeof *m);
  m = perdure_open(NULL, "x", 0);
  node_ref *r = (node_ref *)malloc(8);
  free((void *)r);
  (struct leaf *)n; // annotated both
  (struct numbers *)n; // no pointers
  (struct node *)numbers;
  (struct native *)(void *)n; // on purpose
  (char *)n;
}
