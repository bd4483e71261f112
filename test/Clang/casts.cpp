// RUN: %clangxx -std=c++20 -fsyntax-only -Xclang -verify %s

// Casts that take the persistence off what they lead to.
#include <perdure/perdure.h>
#include <stdint.h>

struct PERDURE node { node *next; node **kids; };

void refused(node *n) {
  (void)(node **)&n->next;
// expected-error@-1 {{cast from 'node *persistent *' to 'node **' would read the stored bits of persistent pointers as something else; keep the type, or cast to 'void *' to handle the bits as bytes}}
  (void)(char *)&n->next;
// expected-error@-1 {{cast from 'node *persistent *' to 'char *' would read the stored bits of persistent pointers as something else; keep the type, or cast to 'void *' to handle the bits as bytes}}
  (void)(uint64_t *)&n->next;
// expected-error@-1 {{cast from 'node *persistent *' to 'uint64_t *' (aka 'unsigned long *') would read the stored bits of persistent pointers as something else; keep the type, or cast to 'void *' to handle the bits as bytes}}
  (void)reinterpret_cast<node **>(&n->next);
// expected-error@-1 {{cast from 'node *persistent *' to 'node **' would read the stored bits of persistent pointers as something else; keep the type, or cast to 'void *' to handle the bits as bytes}}
  (void)static_cast<node **>((void *)&n->next);
// expected-error@-1 {{cast from 'node *persistent *' to 'node **' would read the stored bits of persistent pointers as something else; keep the type, or cast to 'void *' to handle the bits as bytes}}
  (void)(node **)(uintptr_t)&n->next;
// expected-error@-1 {{cast from 'node *persistent *' to 'node **' would read the stored bits of persistent pointers as something else; keep the type, or cast to 'void *' to handle the bits as bytes}}
  (void)(node *&)n->next;
// expected-error@-1 {{cast of a persistent pointer of type 'node *persistent' to a reference to 'node *' would read its stored bits as an address; use its value, or perdure::ptr<T> &}}
  (void)reinterpret_cast<uint64_t &>(n->next);
// expected-error@-1 {{cast of a persistent pointer of type 'node *persistent' to a reference to 'uint64_t' (aka 'unsigned long') would read its stored bits as an address; use its value, or perdure::ptr<T> &}}
  (void)(node ***)&n->kids;
// expected-error@-1 {{cast from 'node *persistent *persistent *' to 'node ***' would read the stored bits of persistent pointers as something else; keep the type, or cast to 'void *' to handle the bits as bytes}}
}
void sema(node *n) {
  node **p = &n->next;
// expected-error@-1 {{cannot initialize a variable of type 'node **' with an rvalue of type 'node *persistent *'; declare it as 'perdure::ptr<node> *'}}
  node **q = n->kids;
// expected-error@-1 {{cannot initialize a variable of type 'node **' with an lvalue of type 'node *persistent *persistent'; declare it as 'perdure::ptr<node> *'}}
  void *v = &n->next;
// expected-error@-1 {{cannot initialize a variable of type 'void *' with an rvalue of type 'node *persistent *'; cast it to 'void *' to handle the bits as bytes; perdure_memmove and perdure_qsort re-encode}}
}
void takes(node **);
// expected-note@-1 {{candidate function not viable: 1st argument ('node *persistent *') has persistent qualifier, but parameter has no 'persistent' qualifier; declare the parameter as 'perdure::ptr<node> *'}}
void call(node *n) {
  takes(&n->next);
// expected-error@-1 {{no matching function for call to 'takes'}}
}

void fine(node *n, perdure::ptr<node> *p) {
  (void)(void *)&n->next;
  (void)(char *)(void *)&n->next; // bytes, on purpose
  (void)(const perdure::ptr<node> *)&n->next;
  (void)(node *)&n->next; // back to the record, as container_of goes
  (void)(perdure::ptr<node>)n; // a cast's target is native
  (void)static_cast<perdure::ptr<node>>((void *)n);
  p = &n->next;
  p = n->kids;
  n->kids = p;
  (void)(char *)n->next;
}
static_assert(sizeof(perdure::ref<node>) == 8);
void record(node *n) {
  (void)(perdure::ref<node> *)(void *)&n->next; // holds the same pointer
}
