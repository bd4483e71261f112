// Clang 22 assigns to a qualified pointer left side first, against C++17. When
// the RUN with no-repairs fails, Clang has been fixed and
// clang-plugin/AssignmentOrder.cpp can go.
//
// RUN: %perdure_cxx -std=c++20 -O0 -Wall -Werror %s -o %t && %t
// RUN: %perdure_cxx -std=c++17 -O2 -Wall -Werror -DNO_COROUTINES %s -o %t && %t
// RUN: %perdure_cxx -std=c++20 -O1 -fperdure-encoding=strict %s -o %t && %t
// RUN: %cxx -std=c++20 -O1 -DPERDURE_EDITOR -I%include %s -o %t && %t
// RUN: %perdure_cxx -std=c++20 -O0 -fplugin-arg-perdure-no-repairs %s -o %t && not %t
#include <perdure/perdure.h>

#include <cstdio>
#include <string>
#ifndef NO_COROUTINES
#include <coroutine>
#endif

struct PERDURE node {
  node *next;
  long value;
  node *take(node *n) { return next = n, (next = pick(n)); }
  node *pick(node *n) { return value = 3, n; }
};

static node n[4];
static int order;
static node *first(int digit) { return order = order * 10 + digit, &n[0]; }
static node *second(int digit) { return order = order * 10 + digit, &n[1]; }
static node *named(const std::string &) { return &n[2]; }

static int failures;
#define CHECK(what)                                                            \
  if (!(what))                                                                 \
  ++failures, std::printf("%d: not so: %s\n", __LINE__, #what)

template <class T> static T *set(T *a, T *b) {
  T *tail = a;
  return tail->next = tail = b;
}

constexpr int at_compile_time() {
  node local[2] = {};
  node *tail = &local[0];
  tail->next = tail = &local[1];
  return tail->next == &local[1] ? 1 : 0;
}
static_assert(at_compile_time() == 1, "");

#ifndef NO_COROUTINES
struct task {
  struct promise_type {
    task get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
};
struct ready : std::suspend_never {
  node *await_resume() { return first(4), &n[3]; }
};
static task run() { second(2)->next = co_await ready(); }
#endif

int main() {
  first(1)->next = second(2);
  CHECK(order == 21 && n[0].next == &n[1]);

  node *tail = &n[0];
  tail->next = tail = &n[2];
  CHECK(n[2].next == &n[2] && n[0].next == &n[1]);

  order = 0;
  first(1)->next = second(2)->next = named("a temporary");
  CHECK(order == 21 && n[0].next == &n[2] && n[1].next == &n[2]);

  // As an lvalue, a condition, a discarded value, and behind a comma.
  perdure::ptr<node> &link = (first(1)->next = second(2));
  CHECK(&link == &n[0].next && link == &n[1]);
  (first(1)->next = second(2)) = &n[3];
  CHECK(n[0].next == &n[3]);
  if ((first(1)->next = named("x")))
    tail = ((void)0, first(1)->next = second(2));
  CHECK(tail == &n[1] && n[0].next == &n[1]);
  for (int i = 0; i < 2; n[i++].next = second(1))
    ;
  CHECK(n[0].next == &n[1] || n[1].next == &n[1]);

  int i = 0;
  perdure::ptr<node> array[2] = {};
  array[i] = (i = 1, &n[1]);
  CHECK(!array[0] && array[1] == &n[1]);

  n[3].next = nullptr;
  CHECK(set(&n[0], &n[3]) == &n[3] && n[3].next == &n[3]);
  CHECK(n[0].take(&n[2]) == &n[2] && n[0].next == &n[2] && n[0].value == 3);
  order = 0;
  [] { first(1)->next = second(2); }();
  CHECK(order == 21);
#ifndef NO_COROUTINES
  order = 0;
  run();
  CHECK(order == 42 && n[1].next == &n[3]);
#endif
  return failures != 0;
}
