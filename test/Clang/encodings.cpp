// As encodings.c, for C++: templates, specialisations, aliases, traits.
// RUN: %clang_cc1 -std=c++17 -fsyntax-only -verify %s
#include <perdure/attributes.h>

template <class T> using self PERDURE_ENCODED("self-relative") = T *;
template <class T> using exclusive [[perdure::persistent("xor")]] = T *;

struct [[perdure::persistent("xor")]] node {
  node *next;
  struct part { part *p; } in;
};
template <class T> struct [[perdure::persistent("self-relative")]] box {
  T *held;
  struct nested { T *p; } n;
};
template <> struct [[perdure::persistent("xor")]] box<char> { char *held; };

template <class A, class B> struct is_same { static const bool value = false; };
template <class A> struct is_same<A, A> { static const bool value = true; };
#define SAME(...) static_assert(is_same<__VA_ARGS__>::value, "")

SAME(decltype(node::next), exclusive<node>);
SAME(decltype(node::part::p), exclusive<node::part>);
SAME(decltype(box<int>::held), self<int>);
SAME(decltype(box<int>::nested::p), self<int>);
SAME(decltype(box<char>::held), exclusive<char>);
static_assert(!is_same<self<int>, exclusive<int>>::value, "");
static_assert(!__is_trivially_copyable(node), "");

void f(node *n) {
  node **p = &n->next; // expected-error {{'using node_ref PERDURE_ENCODED("xor") = node *;'}}
  exclusive<node> *q = &n->next;
  exclusive<node> &r = n->next;
  self<node> copy = n->next;
}
