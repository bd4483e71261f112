// RUN: %clangxx -std=c++20 -fsyntax-only -Xclang -verify %s

// What code generation would leave unencoded.
#include <perdure/perdure.h>
#include <stdarg.h>

struct PERDURE node { node *next; };
using node_ref = perdure::ptr<node>;

void arrays(node *n) {
  (void)new node_ref[3]{n, n, n};
// expected-error@-1 {{the initialisers of a new array of persistent pointers are not encoded; write 'new perdure::ptr<node>[n]()' and assign the elements}}
  (void)new node_ref[3]{};
  (void)new node_ref[3]();
  (void)new node_ref[3];
  (void)new node_ref(n);
  (void)new node[3]{{n}, {n}};
}
void exceptions(node *n) {
  try {
    throw n->next;
  } catch (node *native) {
// expected-note@-1 {{for type 'node *'}}
  } catch (node_ref p) {
// expected-warning@-1 {{exception of type 'node_ref' (aka 'node *persistent') will be caught by earlier handler}}
// expected-error@-2 {{an exception is caught as a persistent pointer, but is thrown as a native one; catch 'node *'}}
  } catch (node_ref &p) {
// expected-error@-1 {{an exception is caught as a persistent pointer, but is thrown as a native one; catch 'node *'}}
  } catch (node &record) {
    record.next = n;
  }
}
template <class T> void catches() {
  try {
  } catch (T t) {
// expected-error@-1 {{an exception is caught as a persistent pointer, but is thrown as a native one; catch 'node *'}}
  }
}
template void catches<node_ref>();
template void catches<node *>();

void assembly(node *n) {
  asm volatile("" : : "r"(n->next));
  asm volatile("" : : "m"(n->next));
// expected-error@-1 {{an operand of inline assembly is a persistent pointer, whose stored bits are no address; give it a native variable of type 'node *'}}
  asm volatile("" : "=r"(n->next));
// expected-error@-1 {{an operand of inline assembly is a persistent pointer, whose stored bits are no address; give it a native variable of type 'node *'}}
  asm volatile("" : "+m"(n->next));
// expected-error@-1 {{an operand of inline assembly is a persistent pointer, whose stored bits are no address; give it a native variable of type 'node *'}}
  node *native = n->next;
  asm volatile("" : "+r"(native));
  asm volatile("" : : "r"(+n->next), "r"(&n->next));
}
void nontemporal(node *n) {
  __builtin_nontemporal_store(n, &n->next);
// expected-error@-1 {{a nontemporal access would move the stored bits of a persistent pointer as an address; use an ordinary load or store}}
  n = __builtin_nontemporal_load(&n->next);
// expected-error@-1 {{a nontemporal access would move the stored bits of a persistent pointer as an address; use an ordinary load or store}}
}
void atomics(node *n) {
  __atomic_store_n(&n->next, n, __ATOMIC_SEQ_CST);
// expected-error@-1 {{the atomic builtins cannot access a persistent pointer; use perdure_atomic_load, _store, _exchange and _compare_exchange, or perdure::atomic_ptr}}
  n = __atomic_load_n(&n->next, __ATOMIC_SEQ_CST);
// expected-error@-1 {{the atomic builtins cannot access a persistent pointer; use perdure_atomic_load, _store, _exchange and _compare_exchange, or perdure::atomic_ptr}}
  __sync_bool_compare_and_swap(&n->next, n, n);
// expected-error@-1 {{the atomic builtins cannot access a persistent pointer; use perdure_atomic_load, _store, _exchange and _compare_exchange, or perdure::atomic_ptr}}
}
unsigned long bits(node *n) {
  return __builtin_bit_cast(unsigned long, n->next);
// expected-error@-1 {{'__builtin_bit_cast' source type must be trivially copyable}}
}
