// What the repairs of assignments and of static initialisers do where code is
// shared between a template and its instances, and outside of functions.
//
// RUN: %perdure_cxx -std=c++17 -O0 -Wall -Werror %s -o %t && %t
// RUN: %perdure_cxx -std=c++20 -O2 -Wall -Werror %s -o %t && %t
// RUN: %perdure_cxx -std=c++20 -O1 -fperdure-encoding=strict %s -o %t && %t
// RUN: %cxx -std=c++20 -O1 -DPERDURE_EDITOR -I%include %s -o %t && %t
#include <perdure/perdure.h>

#include <cstdio>

struct PERDURE node {
  node *next;
  void *data;
};

static node n[4];
static int order;
static node *first(int digit) { return order = order * 10 + digit, &n[0]; }
static node *second(int digit) { return order = order * 10 + digit, &n[1]; }

static int failures;
#define CHECK(what)                                                            \
  if (!(what))                                                                 \
  ++failures, std::printf("%d: not so: %s\n", __LINE__, #what)
#define ORDER(wanted)                                                          \
  CHECK(order == (wanted));                                                    \
  order = 0

// Depends on no parameter: the instances share the code with the template.
template <class T> void shared() {
  if (order == 0) {
    first(1)->next = second(2)->next = second(3);
  }
}
template void shared<char>();
template <class T> void generic() {
  auto local = [](auto) -> void { first(1)->next = second(2); };
  local(1), local(2L);
}

// No function's body.
static auto lambda = [] { first(1)->next = second(2); };
static int global = (first(1)->next = second(2), order);
static int argument(int a = (first(1)->next = second(2), 3)) { return a; }
struct member {
  int a = (first(1)->next = second(2), 3);
  int b = [] { return first(3)->next = second(4), 4; }();
  int c;
  member() : c((first(5)->next = second(6), 5)) {}
};

// Numbers as pointers.
template <class T> struct statics {
  static node defined;
  static inline node here{nullptr, (void *)21};
};
template <class T> node statics<T>::defined = {nullptr, (void *)33};
template <class T> node variable = {nullptr, (void *)44};
template <class T> void *local() {
  static perdure::ptr<node> number = (node *)66;
  return number;
}

int main() {
  CHECK(global == 21);
  order = 0;
  shared<int>();
  ORDER(321);
  shared<long>();
  ORDER(321);
  shared<char>();
  ORDER(321);
  generic<int>();
  ORDER(2121);
  lambda();
  ORDER(21);
  argument();
  ORDER(21);
  CHECK(member().c == 5);
  ORDER(214365);
  CHECK(statics<int>::defined.data == (void *)33);
  CHECK(statics<int>::here.data == (void *)21);
  CHECK(variable<int>.data == (void *)44);
  CHECK(local<int>() == (void *)66 && local<long>() == (void *)66);
  return failures != 0;
}
