// RUN: %clang -std=c11 -fopenmp -fsyntax-only -Xclang -verify %s

// What code generation would leave unencoded, in C.
#include <perdure/perdure.h>
#include <stdarg.h>
#include <stdatomic.h>

struct PERDURE node { struct node *next; long v; };
typedef struct node *node_ref PERDURE;

void openmp(struct node *n, struct node *m) {
#pragma omp atomic write
// expected-error@-1 {{an OpenMP atomic construct would access the stored bits of a persistent pointer as an address; use perdure_atomic_load, _store, _exchange or _compare_exchange}}
  n->next = m;
#pragma omp atomic read
// expected-error@-1 {{an OpenMP atomic construct would access the stored bits of a persistent pointer as an address; use perdure_atomic_load, _store, _exchange or _compare_exchange}}
  m = n->next;
#pragma omp atomic
  n->v += 1;
}
_Atomic(node_ref) variable;
// expected-error@-1 {{a persistent pointer cannot be _Atomic; use a plain one with perdure_atomic_load, _store, _exchange and _compare_exchange, or perdure::atomic_ptr}}
_Atomic node_ref other;
// expected-error@-1 {{other is an _Atomic pointer, which cannot be persistent; use perdure_atomic_load and its kin on a plain one, or perdure::atomic_ptr}}
void atomics(struct node *n) {
  __c11_atomic_load(&n->next, memory_order_seq_cst);
// expected-error@-1 {{a persistent pointer is no _Atomic type; use perdure_atomic_load, _store, _exchange and _compare_exchange on it, or perdure::atomic_ptr}}
  __atomic_store_n(&n->next, n, __ATOMIC_SEQ_CST);
// expected-error@-1 {{the atomic builtins cannot access a persistent pointer; use perdure_atomic_load, _store, _exchange and _compare_exchange, or perdure::atomic_ptr}}
}
struct node *arguments(int count, ...) {
  va_list list;
  va_start(list, count);
  struct node *a = va_arg(list, node_ref);
// expected-error@-1 {{second argument to 'va_arg' is of non-POD type 'node_ref' (aka 'struct node *persistent')}}
// expected-error@-2 {{va_arg of a persistent pointer type: arguments are native pointers; name 'struct node *'}}
  struct node *b = va_arg(list, struct node *);
  va_end(list);
  return a ? a : b;
}
