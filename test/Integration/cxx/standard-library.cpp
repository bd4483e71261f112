// The standard library's functions on persistent pointers, run in an object and
// in volatile memory: exchange, swap, bind, thread, algorithms on arrays.
//
// RUN: %python %S/Inputs/relocated.py "%perdure_cxx" "%window_low" "%window_high" %t %s -std=c++17
// RUN: %perdure_cxx -std=c++20 -O1 %s -o %t/20 && %run %t/20 %t/store20 build
// RUN: %perdure_cxx -std=c++23 -O1 %s -o %t/23 && %run %t/23 %t/store23 build
#include "Inputs/object.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

enum { N = 20 };

struct [[perdure::persistent]] node {
  node *next = nullptr;
  long value = 0;
};

struct [[perdure::persistent]] root {
  node nodes[N];
  node *places[N] = {};
  node *sorted[N] = {};
  node *a = nullptr, *b = nullptr;
  std::pair<perdure::ref<node>, long> pair;
};

static long valueOf(node *n) { return n->value; }
static void bump(node *n, long by) { n->value += by; }

static void functions(node &x, node &y, node *p, node *q) {
  x.next = p;
  y.next = q;
  std::swap(x.next, y.next);
  CHECK(x.next == q && y.next == p);
  node *native = p;
  std::swap(x.next, native);
  CHECK(x.next == p && native == q);
  std::swap(native, x.next);
  CHECK(x.next == q && native == p);
  std::swap(x, y);
  CHECK(x.next == p && y.next == q);
  std::iter_swap(&x.next, &y.next);
  CHECK(x.next == q && y.next == p);

  CHECK(std::exchange(x.next, nullptr) == q && !x.next);
  CHECK(std::exchange(x.next, p) == nullptr && x.next == p);
  CHECK(std::exchange(x.next, y.next) == p && x.next == p);
  CHECK(std::exchange(x.next, q) == p);
  CHECK(std::move(x.next) == q && std::as_const(x.next) == q);

  // Copies kept by value do not follow the field.
  q->value = 7;
  auto bound = std::bind(valueOf, x.next);
  std::function<long()> function = std::bind(valueOf, x.next);
  auto tuple = std::make_tuple(x.next, 1);
  auto pair = std::make_pair(x.next, y.next);
  std::optional optional = x.next;
  auto lambda = [kept = x.next] { return kept->value; };
  x.next = nullptr;
  CHECK(bound() == 7 && function() == 7 && lambda() == 7);
  CHECK(std::get<0>(tuple) == q && pair.first == q && pair.second == p &&
        *optional == q);
  int one;
  std::tie(x.next, one) = tuple;
  CHECK(x.next == q && one == 1);
  CHECK(std::invoke(valueOf, x.next) == 7 &&
        std::apply(valueOf, std::tie(x.next)) == 7);
  CHECK(std::invoke(&node::value, x.next) == 7);
  auto &[next, value] = x;
  next = p;
  value = 3;
  CHECK(x.next == p && x.value == 3);

  std::thread(bump, x.next, 5).join();
  std::thread thread(bump, y.next, 5);
  thread.join();
  CHECK(p->value == 10 || x.next != y.next);
  p->value = q->value = 0;
}

static void algorithms(perdure::ptr<node> *places, node *nodes) {
  auto all = [&](auto Expected) {
    for (int i = 0; i < N; ++i)
      CHECK(places[i] == &nodes[Expected(i)]);
  };
  for (int i = 0; i < N; ++i)
    places[i] = &nodes[i];
  std::reverse(places, places + N);
  all([](int i) { return N - 1 - i; });
  std::sort(places, places + N);
  all([](int i) { return i; });
  std::rotate(places, places + 3, places + N);
  all([](int i) { return (i + 3) % N; });
  std::sort(places, places + N, [](node *a, node *b) { return b < a; });
  all([](int i) { return N - 1 - i; });
  std::make_heap(places, places + N);
  std::sort_heap(places, places + N);
  all([](int i) { return i; });
  CHECK(std::is_sorted(places, places + N));
  CHECK(std::find(places, places + N, &nodes[4]) == places + 4);
  CHECK(std::lower_bound(places, places + N, &nodes[4]) == places + 4);
  CHECK(std::count(places, places + N, nullptr) == 0);

  std::vector<node *> natives(places, places + N);
  CHECK(natives[5] == &nodes[5]);
  std::fill(places, places + N, nullptr);
  CHECK(std::count(places, places + N, nullptr) == N);
  std::copy(natives.begin(), natives.end(), places);
  CHECK(std::equal(places, places + N, natives.begin()));
  perdure::ptr<node> copy[N];
  std::copy(places, places + N, copy);
  CHECK(std::equal(places, places + N, copy));
  std::copy_backward(places, places + N - 1, places + N);
  CHECK(places[0] == places[1] && places[N - 1] == &nodes[N - 2]);
  CHECK(std::unique(places, places + N) == places + N - 1);
  CHECK(std::remove(places, places + N - 1, &nodes[0]) == places + N - 2);
  std::swap_ranges(places, places + N, copy);
  CHECK(places[7] == &nodes[7] && copy[0] == &nodes[1]);
  std::partition(places, places + N,
                 [&](node *n) { return n >= nodes + N / 2; });
  CHECK(places[0] >= nodes + N / 2 && places[N - 1] < nodes + N / 2);
  natives.clear();
  for (node *n : copy)
    natives.push_back(n);
  natives.push_back(+places[0]);
  natives.emplace_back(places[0]);
  CHECK(natives.size() == N + 2);
  std::sort(places, places + N);
#if __cplusplus >= 202002L
  CHECK(std::ranges::find(places, places + N, &nodes[3]) == places + 3);
  CHECK(std::ranges::equal(natives.begin(), natives.end(), natives.begin(),
                           natives.end()));
  CHECK(std::to_address(places[1]) == &nodes[1]);
#endif
}

static void build(root *r) {
  r->pair = {r->a = &r->nodes[2], 4};
  functions(r->nodes[0], r->nodes[1], &r->nodes[3], &r->nodes[2]);
  algorithms(r->sorted, r->nodes);
  std::exchange(r->b, r->a);
}

static void check(root *r) {
  for (int i = 0; i < N; ++i)
    CHECK(r->sorted[i] == &r->nodes[i]);
  CHECK(r->a == &r->nodes[2] && r->b == r->a && r->pair.first == r->b);
  functions(r->nodes[0], r->nodes[1], &r->nodes[3], &r->nodes[2]);
  algorithms(r->places, r->nodes);
  perdure::ptr<node> local[N];
  algorithms(local, r->nodes);
  node here;
  functions(here, r->nodes[1], &r->nodes[3], &r->nodes[2]);
}

static void anywhere() {
  static node nodes[N];
  static perdure::ptr<node> places[N];
  algorithms(places, nodes);
  functions(nodes[0], nodes[1], &nodes[2], &nodes[3]);
}

RUN_IN_OBJECT
