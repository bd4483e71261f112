// RUN: %clangxx -std=c++20 -fsyntax-only -Xclang -verify %s

// A reference bound to a decoded copy is refused, wherever it is bound.
#include <perdure/perdure.h>

struct PERDURE node { node *next; node *kids[3]; };

void variable(node *n, node *q) {
  node *const &r = n->next;
// expected-error@-1 {{reference 'r' would be bound to a decoded copy of the persistent pointer, which goes stale; bind the pointer itself with 'const auto &' or 'auto &', or copy it: 'node *'}}
  node *const &either = q ? n->next : n->kids[0];
// expected-error@-1 {{reference 'either' would be bound to a decoded copy of the persistent pointer, which goes stale; bind the pointer itself with 'const auto &' or 'auto &', or copy it: 'node *'}}
  node *const &mixed = q ? n->next : q;
// expected-error@-1 {{reference 'mixed' would be bound to a decoded copy of the persistent pointer, which goes stale; bind the pointer itself with 'const auto &' or 'auto &', or copy it: 'node *'}}
}
node *const glob = nullptr;
node *const &global = node{}.next;
// expected-error@-1 {{reference 'global' would be bound to a decoded copy of the persistent pointer, which goes stale; bind the pointer itself with 'const auto &' or 'auto &', or copy it: 'node *'}}

node *const &result(node *n) {
#pragma clang diagnostic ignored "-Wreturn-stack-address"
  return n->next;
// expected-error@-1 {{a reference to 'node *' would be bound to a decoded copy of the persistent pointer; pass the copy on purpose: write '+' before the pointer}}
}
struct member {
  node *const &r;
};
member aggregate(node *n) { return member{n->next}; }
// expected-error@-1 {{a reference to 'node *' would be bound to a decoded copy of the persistent pointer; pass the copy on purpose: write '+' before the pointer}}

void range(node *n) {
  for (node *const &kid : n->kids)
// expected-error@-1 {{reference 'kid' would be bound to a decoded copy of the persistent pointer, which goes stale; bind the pointer itself with 'const auto &' or 'auto &', or copy it: 'node *'}}
    (void)kid;
}
void indirect(void (*f)(node *const &), node *n) {
  f(n->next);
// expected-error@-1 {{a reference to 'node *' would be bound to a decoded copy of the persistent pointer; pass the copy on purpose: write '+' before the pointer}}
  f(+n->next);
}
template <class T> void instantiated(T *n) {
  T *const &r = n->next;
// expected-error@-1 {{reference 'r' would be bound to a decoded copy of the persistent pointer, which goes stale; bind the pointer itself with 'const auto &' or 'auto &', or copy it: 'node *'}}
}
template void instantiated(node *);
void lambda(node *n) {
  auto f = [n] { node *const &r = n->next; };
// expected-error@-1 {{reference 'r' would be bound to a decoded copy of the persistent pointer, which goes stale; bind the pointer itself with 'const auto &' or 'auto &', or copy it: 'node *'}}
}

// Overload resolution and Sema refuse these; the message has the way out.
void takes(node *const &);
// expected-note@-1 {{candidate function not viable: 1st argument ('node *persistent') has persistent qualifier, but parameter has no 'persistent' qualifier; write '+' before the pointer to pass its value}}
void call(node *n) {
  takes(n->next);
// expected-error@-1 {{no matching function for call to 'takes'}}
}
void rvalue(node *n) {
  node *&&r = n->next;
// expected-error@-1 {{rvalue reference to type 'node *' cannot bind to lvalue of type 'node *persistent'; write '+' before the pointer to pass its value}}
}
void lvalue(node *n) {
  node *&r = n->next;
// expected-error@-1 {{binding reference of type 'node *' to value of type 'node *persistent' drops its persistence; a reference to it is 'perdure::ptr<node> &' or 'auto &', and '+' before the pointer gives its value}}
}

// What is right.
void fine(node *n, node *q) {
  const auto &c = n->next;
  auto &r = n->next;
  const decltype(n->next) &d = n->next;
  perdure::ptr<node> &p = n->next;
  node *const &copy = +n->next;
  node *const &native = q;
  takes(+n->next);
  takes(q);
  const void *const &other = n->next; // a temporary without annotations, too
  for (auto &kid : n->kids)
    kid = r;
  for (node *kid : n->kids)
    q = kid;
  auto [next, kids] = *n;
  auto &[again, more] = *n;
  again = c;
  auto capture = [&r = n->next, v = n->next] { return r == v; };
}
