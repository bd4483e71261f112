// RUN: %clangxx -std=c++17 -fsyntax-only -Xclang -verify %s
// RUN: %clangxx -std=c++23 -fsyntax-only -Xclang -verify %s

// What an annotation reaches.
// expected-no-diagnostics
#include <perdure/perdure.h>
#include <type_traits>

template <class A, class B> constexpr bool same = std::is_same_v<A, B>;
#define PERSISTENT(E) static_assert(same<decltype(&(E)), perdure::ptr<std::remove_pointer_t<std::decay_t<decltype(+(E))>>> *>)
#define NATIVE(E) static_assert(same<decltype(&(E)), std::remove_pointer_t<decltype(+(E))> **>)

struct PERDURE node {
  node *next;
  node **kids;
  int *array[2][3];
  struct { int *unnamed; };
  union { int *lone; };
  struct inner { int *p; struct deeper { int *p; } d; } in;
  [[perdure::transient]] int *kept;
  const char *text;
  void *any;
};
void fields(node *n) {
  PERSISTENT(n->next);
  PERSISTENT(n->kids);
  PERSISTENT(n->kids[0]);
  PERSISTENT(n->array[1][2]);
  PERSISTENT(n->unnamed);
  PERSISTENT(n->lone);
  PERSISTENT(n->in.p);
  PERSISTENT(n->in.d.p);
  PERSISTENT(n->text);
  PERSISTENT(n->any);
  NATIVE(n->kept);
}

template <class T> struct PERDURE tree {
  T *p;
  tree *left;
  perdure::ptr<T> alias;
  [[perdure::transient]] T *kept;
  template <class U> struct inner { U *u; };
  perdure::ptr<T> *at() { return &p; }
};
template <class D> struct PERDURE crtp { D *self; };
struct PERDURE child : crtp<child> { child *more; };
struct plain : child { int *native; };
void templates(tree<int> &t, tree<int>::inner<char> &i, plain &p) {
  PERSISTENT(t.p);
  PERSISTENT(t.left);
  PERSISTENT(t.alias);
  NATIVE(t.kept);
  PERSISTENT(i.u);
  PERSISTENT(p.self);
  PERSISTENT(p.more);
  NATIVE(p.native);
  t.at();
}
struct trailing { int *p; struct { int *q; } s; } PERDURE;
struct PERDURE forward;
struct forward { int *p; };
struct single { [[perdure::persistent]] int *p; int *q; };
PERDURE static int *variable;
thread_local perdure::ptr<int> local;
typedef int *int_ref PERDURE;
void others(trailing &t, forward &f, single &s) {
  PERSISTENT(t.p);
  PERSISTENT(t.s.q);
  PERSISTENT(f.p);
  PERSISTENT(s.p);
  NATIVE(s.q);
  PERSISTENT(variable);
  PERSISTENT(local);
  PERDURE int *automatic = nullptr;
  PERSISTENT(automatic);
  int_ref array[3];
  PERSISTENT(array[1]);
}
struct PERDURE copied { copied *p; copied *kids[2]; };
static_assert(!std::is_trivially_copyable_v<copied>);
static_assert(!std::is_trivially_copyable_v<plain>);
static_assert(!std::is_trivially_copyable_v<tree<int>>);
static_assert(std::is_nothrow_copy_constructible_v<copied>);
static_assert(std::is_nothrow_move_assignable_v<copied>);
static_assert(std::is_trivially_destructible_v<copied>);
static_assert(std::is_standard_layout_v<node>);
static_assert(std::is_aggregate_v<node>);
static_assert(sizeof(node) == 15 * 8);
