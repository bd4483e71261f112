// RUN: %clang -std=c11 -fsyntax-only -Wall -Wextra -Wno-unused-value -Xclang -verify %s
// RUN: %clang -std=c23 -fsyntax-only -Wall -Wextra -Wno-unused-value -Xclang -verify %s
// With perdure/libc.h C's functions take persistent pointers without a cast,
// and warn where the compiler cannot see that it is safe.
#include <perdure/libc.h>

struct PERDURE node {
  struct node **kids;
  long value;
};
typedef struct node *node_ref PERDURE;

static int compare(const void *a, const void *b) { return a < b; }

void safe(struct node *n, const char *bytes, char *out) {
  node_ref local[4] = {0}, other[4];
  memcpy(other, local, sizeof other);
  memmove(n->kids, n->kids + 1, sizeof *n->kids);
  memset(n->kids, 0, sizeof *n->kids);
  memset(n, 0, sizeof *n);
  qsort(local, 4, sizeof *local, compare);
  __builtin_prefetch(n->kids);
  __builtin_prefetch(n->kids, 1, 3);
  n->kids = (node_ref *)realloc(n->kids, 64);
  free(n->kids);
  free(n);
  free(0);
  memcpy(out, bytes, 4);
  (memcpy)(out, bytes, 4);
  memcpy(out, (&(struct node){0, 1}.value), 4);
  memcpy((void *)n->kids, (void *)local, sizeof local);
}

void unsafe(struct node *a, struct node *b) {
  memcpy(a->kids, b->kids, 8); // expected-warning {{'memcpy' gets persistent pointers ('struct node *persistent') as bytes}}
  memmove(a, b, sizeof *a); // expected-warning {{'memmove' gets the annotated record 'struct node' as bytes}}
  memset(a->kids, 1, 8); // expected-warning {{'memset' gets persistent pointers}}
  memcmp(a->kids, b->kids, 8); // expected-warning {{'memcmp' compares the stored bits}}
  qsort(a->kids, 4, 8, compare); // expected-warning {{'qsort' gets persistent pointers}}
}
