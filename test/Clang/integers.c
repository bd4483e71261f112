// RUN: %clang -std=c11 -fsyntax-only -Wno-unused-value -Xclang -verify %s

// An address is no identity.
#include <perdure/perdure.h>
#include <stdint.h>
#include <stdio.h>

struct PERDURE node { struct node *next; char *name; };
struct other;
typedef struct node *node_ref PERDURE;

uintptr_t warned(struct node *n, node_ref *p) {
  uintptr_t h = (uintptr_t)n;
// expected-warning@-1 {{an integer is made from the address 'struct node *', which differs from run to run and is no identity; hash or store perdure_offset(p) instead (low-bit tests in one expression are fine)}}
  h ^= (uintptr_t)n->name >> 4;
// expected-warning@-1 {{an integer is made from the address 'char *persistent', which differs from run to run and is no identity; hash or store perdure_offset(p) instead (low-bit tests in one expression are fine)}}
  h += (uintptr_t)p * 31;
// expected-warning@-1 {{an integer is made from the address 'node_ref *' (aka 'struct node *persistent *'), which differs from run to run and is no identity; hash or store perdure_offset(p) instead (low-bit tests in one expression are fine)}}
  h += (uintptr_t)n % 101;
// expected-warning@-1 {{an integer is made from the address 'struct node *', which differs from run to run and is no identity; hash or store perdure_offset(p) instead (low-bit tests in one expression are fine)}}
  h += (uintptr_t)n & 0xfffff;
// expected-warning@-1 {{an integer is made from the address 'struct node *', which differs from run to run and is no identity; hash or store perdure_offset(p) instead (low-bit tests in one expression are fine)}}
  return (unsigned long)(void *)n;
// expected-warning@-1 {{an integer is made from the address 'struct node *', which differs from run to run and is no identity; hash or store perdure_offset(p) instead (low-bit tests in one expression are fine)}}
}
int fine(struct node *n, struct node *m, struct other *o, char *c) {
  uintptr_t h = (uintptr_t)o ^ (uintptr_t)c;
  if ((uintptr_t)n & 7)
    return (uintptr_t)n->next % 8;
  n->next = (struct node *)((uintptr_t)n->next | 1);
  n->next = (struct node *)((uintptr_t)n->next & ~(uintptr_t)1);
  printf("%lx", (unsigned long)n);
  h += (uintptr_t)n - (uintptr_t)m;
  h += perdure_offset(n);
  if (!(1 & (uintptr_t)n))
    h = 0;
  return (uintptr_t)n < (uintptr_t)m || n->next == m || !n;
}
