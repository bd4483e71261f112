// RUN: %clang -std=c11 -fsyntax-only -Wno-unused-value -Xclang -verify %s
// RUN: %clang -std=c11 -fsyntax-only -Wno-unused-value -Wno-nontrivial-memaccess -Werror %s

// Bytes that functions copy, compare or keep.
#include <perdure/perdure.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct PERDURE node { struct node *next; struct node *kids[4]; char *name; };
struct PERDURE counts { long n[4]; };
struct holder { struct node n; };
struct plain { int *p; };
void keep(void *item);
int compare(const void *, const void *);
void visit(int (*callback)(void *), void *context);

static void copies(void *item) {
  char buffer[8];
  memcpy(buffer, item, 8);
}
static void hands_on(void *item) { copies(item); }
static long looks(void *item) { return ((struct counts *)item)->n[0]; }
static void chars(void *item) { char *c = item; *c = 0; }

void warned(struct node *n, struct node *m, struct counts *c, struct holder *h) {
  keep(n);
// expected-warning@-1 {{'keep' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; pass a typed pointer, or cast it to 'void *' if no byte is copied}}
  keep(c);
// expected-warning@-1 {{'keep' gets the annotated record 'struct counts' as bytes, and the bits of persistent pointers depend on where they lie; pass a typed pointer, or cast it to 'void *' if no byte is copied}}
  copies(n);
// expected-warning@-1 {{'copies' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; pass a typed pointer, or cast it to 'void *' if no byte is copied}}
  hands_on(n);
// expected-warning@-1 {{'hands_on' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; pass a typed pointer, or cast it to 'void *' if no byte is copied}}
  chars(n);
// expected-warning@-1 {{'chars' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; pass a typed pointer, or cast it to 'void *' if no byte is copied}}
  memcpy(n, m, sizeof *n);
// expected-warning@-1 {{'memcpy' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; use perdure_memmove, which re-encodes them, or assign the record}}
  memmove(n, m, sizeof *n);
// expected-warning@-1 {{'memmove' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; use perdure_memmove, which re-encodes them, or assign the record}}
  memcpy(n, c, 8);
// expected-warning@-1 {{'memcpy' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; use perdure_memmove, which re-encodes them, or assign the record}}
  memcpy(h, h + 1, sizeof *h), memcpy(h, n, 8);
// expected-warning@-1 {{'memcpy' gets the annotated record 'struct holder' as bytes, and the bits of persistent pointers depend on where they lie; use perdure_memmove, which re-encodes them, or assign the record}}
  __builtin_memcpy(n, m, 8);
// expected-warning@-1 {{'__builtin_memcpy' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; use perdure_memmove, which re-encodes them, or assign the record}}
  memset(n, 1, sizeof *n);
// expected-warning@-1 {{'memset' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; set its fields, or all bytes to zero}}
  memcmp(n, m, sizeof *n);
// expected-warning@-1 {{'memcmp' compares the stored bits of 'struct node', and equal pointers need not have equal bits; compare the fields}}
  memcmp(c, c + 1, sizeof *c);
// expected-warning@-1 {{'memcmp' compares the stored bits of 'struct counts', and equal pointers need not have equal bits; compare the fields}}
  fwrite(n, sizeof *n, 1, stdout);
// expected-warning@-1 {{'fwrite' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; pass a typed pointer, or cast it to 'void *' if no byte is copied}}
  qsort(n, 4, sizeof *n, compare);
// expected-warning@-1 {{'qsort' gets the annotated record 'struct node' as bytes, and the bits of persistent pointers depend on where they lie; use perdure_qsort, which moves element by element}}
}
void fine(struct node *n, struct node *m, struct counts *c, struct plain *p) {
  struct node *fresh = malloc(sizeof *fresh);
  memset(fresh, 0, sizeof *fresh);
  fresh = realloc(fresh, 2 * sizeof *fresh);
  free(fresh);
  *n = *m;
  fresh = perdure_alloc(n, sizeof *fresh);
  perdure_persist(n, sizeof *n);
  perdure_free(fresh);
  looks(c);
  keep((void *)n);
  keep(p);
  memcpy(p, p + 1, sizeof *p);
  memcpy(c, c + 4, sizeof *c); // no pointers
  memmove(n + 1, n, sizeof *n); // one array
  struct node a, b, array[4];
  memcpy(&a, &b, sizeof a); // variables
  qsort(array, 4, sizeof *array, compare);
  qsort(c, 4, sizeof *c, compare);
  visit(0, n); // the context of a callback
  tsearch(n, 0, compare);
  printf("%p %s %zu", (void *)n, n->name, strlen(n->name));
  memcpy(n->name, "name", 5);
  free(n->name);
  __builtin_prefetch(n);
}
