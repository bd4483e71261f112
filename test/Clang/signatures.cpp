// RUN: %clangxx -std=c++20 -fsyntax-only -Xclang -verify %s
// RUN: %clangxx -std=c++23 -fsyntax-only -Xclang -verify %s

// A parameter, a result and the target of a cast name a native pointer, however
// it is spelled, also between declarations of one function.
#include <perdure/perdure.h>
#include <type_traits>

struct PERDURE node { node *next; };
using ref = perdure::ptr<node>;
template <class A, class B> constexpr bool same = std::is_same_v<A, B>;

ref function(ref);
ref function(ref x) { return x; }
node *function(node *);
static_assert(same<decltype(function), node *(node *)>);

struct methods {
  ref method(ref) const;
  node *native(node *);
  static ref of_the_class();
  friend ref befriended(ref x) { return x; }
  operator ref() const { return nullptr; }
  ref (*pointer)(ref);
  ref (methods::*member)(ref);
};
ref methods::method(ref q) const { return q; }
ref methods::native(ref q) { return q; }
node *methods::of_the_class() { return nullptr; }
node *converted(methods m) { return m; }
static_assert(same<decltype(&methods::method), node *(methods::*)(node *) const>);
static_assert(same<decltype(methods::pointer), node *(*)(node *)>);

template <class T> perdure::ptr<T> generic(perdure::ptr<T>);
template <class T> perdure::ptr<T> generic(perdure::ptr<T> x) { return x; }
template <class T> struct outer {
  T *p;
  perdure::ptr<T> method(perdure::ptr<T> q) { return q ? q : p; }
  perdure::ptr<T> outside();
  template <class U> perdure::ptr<U> member(perdure::ptr<U> u);
  operator perdure::ptr<T>() const { return p; }
};
template <class T> perdure::ptr<T> outer<T>::outside() { return p; }
template <class T>
template <class U>
perdure::ptr<U> outer<T>::member(perdure::ptr<U> u) { return u; }
node *instantiate(outer<node> &o, node *n) {
  static_assert(same<decltype(generic<node>), node *(node *)>);
  n = o.member(o.method(generic(n)));
  n = o;
  return o.outside();
}
auto trailing(node *n) -> ref { return n; }
auto deduced(node *n) { return n->next; }
static_assert(same<decltype(deduced(nullptr)), node *>);
auto lambda = [](node *n) -> ref { return n->next; };
auto parameter = [](ref n) { return n; };
auto both = [](auto *p) -> ref { return p; };
auto templated = []<class T>(perdure::ptr<T> p) -> perdure::ptr<T> { return p; };
static_assert(same<decltype(templated(both(lambda(parameter(nullptr))))), node *>);
auto declared = [](node *n) -> decltype(n->next) { return n->next; };
static_assert(same<decltype(declared(nullptr)), node *>);

decltype(auto) exact(node *n) { return n->next; }
// expected-error@-1 {{the result of 'exact' is a persistent pointer, but a result is a native pointer; write it as 'node *'}}
auto closure = [](node *n) -> decltype(auto) { return n->next; };
// expected-error@-1 {{the result of 'operator()' is a persistent pointer, but a result is a native pointer; write it as 'node *'}}
decltype(auto) reference(node *n) { return (n->next); }
template <class T> auto substituted(T *n) -> decltype(n->next) { return n->next; }
// expected-note@-1 {{candidate template ignored: substitution failure [with T = node]: return type cannot be a persistent pointer; name the native one; type is 'decltype(n->next)' (aka 'node *persistent')}}
node *call(node *n) {
  return substituted(n);
// expected-error@-1 {{no matching function for call to 'substituted'}}
}
template <class R> R chosen();
// expected-note@-1 {{candidate template ignored: substitution failure [with R = ref]: return type cannot be a persistent pointer; name the native one; type is 'node *persistent'}}
node *choose() {
  chosen<node *>();
  return chosen<ref>();
// expected-error@-1 {{no matching function for call to 'chosen'}}
}

static_assert(same<decltype((ref) nullptr), node *>);
void types(node *n) {
  auto copy = n->next;
  static_assert(same<decltype(copy), node *>);
  __typeof__(n->next) stored = n;
  static_assert(same<decltype(&stored), ref *>);
  decltype(n->next) other = n;
  other = stored;
  auto [next] = *n;
  auto capture = [next = n->next] { return next; };
  static_assert(same<decltype(capture()), node *>);
}
