// perdure::ref as the element of the standard containers on the heap, and as a
// field in an object; as iterator; as key of hash tables.
//
// libstdc++ 12's own stable_sort uses what C++17 deprecates.
//
// RUN: %python %S/Inputs/relocated.py "%perdure_cxx" "%window_low" "%window_high" %t %s -std=c++17 -Wno-deprecated-declarations
// RUN: %perdure_cxx -std=c++23 -O1 -w %s -o %t/23 && %run %t/23 %t/store23 build
#include "Inputs/object.h"

#include <algorithm>
#include <any>
#include <array>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

enum { N = 100 };

struct [[perdure::persistent]] node {
  perdure::ref<node> next;
  long value = 0;
};
using ref = perdure::ref<node>;

struct [[perdure::persistent]] root {
  node nodes[N];
  std::array<ref, 4> array;
  std::optional<ref> some, none;
  std::variant<long, ref> variant;
  std::tuple<ref, int, perdure::ref<const char>> tuple;
  std::pair<perdure::ref<void>, ref> pair;
  perdure::ref<perdure::ref<node>> twice;
  std::size_t hash = 0;
};

struct base {
  long b = 1;
};
struct derived : base {
  long d = 2;
};

static void asPointer(node *a, ref &r) {
  for (int i = 0; i < N; ++i)
    a[i].value = i;
  r = a;
  CHECK(r == a && a == r && r != nullptr && !(nullptr == r) && r);
  CHECK(r->value == 0 && (*r).value == 0 && r[3].value == 3 && r.get() == a);
  CHECK((++r)->value == 1 && (r++)->value == 1 && r == a + 2);
  CHECK((--r)->value == 1 && (r--)->value == 1 && r == a);
  CHECK((r += 5) == a + 5 && (r -= 2) == a + 3 && r - a == 3 && a - r == -3);
  CHECK((r + 1) - r == 1 && (1 + r)->value == 4 && (r - 1)->value == 2);
  CHECK(r < a + 4 && r <= r && r > a && r >= a && !(r < r));
  ref other = r;
  CHECK(other == r && std::exchange(other, nullptr) == r && !other);
  std::swap(other, r);
  CHECK(!r && other == a + 3);
  r = std::move(other);
  ref first = a, last = a + N;
  CHECK(std::find_if(first, last, [](node &n) { return n.value == 9; }) ==
        a + 9);
  CHECK(std::distance(first, last) == N && *r.place() == r);
  r = 0; // as older code writes it
  r = a;
}

static void conversions() {
  derived d;
  perdure::ref<derived> pd = &d;
  perdure::ref<base> pb = pd;
  perdure::ref<void> pv = pb;
  perdure::ref<const base> pc = pb;
  CHECK(pb->b == 1 && static_cast<perdure::ref<derived>>(pb)->d == 2);
  CHECK(static_cast<perdure::ref<base>>(pv)->b == 1 && pc == pb && pv == pb);
  CHECK(perdure::ref<base>::pointer_to(d) == &d && perdure::ref(&d) == pd);
}

static void containers(node *a) {
  for (int i = 0; i < N; ++i)
    a[i].value = i;
  std::vector<ref> v;
  for (int i = 0; i < N; ++i) // grows, so elements move
    v.push_back(&a[N - 1 - i]);
  CHECK(v.front()->value == N - 1 && v.size() == N);
  v.insert(v.begin() + 1, 3, a);
  v.erase(v.begin() + 1, v.begin() + 4);
  std::sort(v.begin(), v.end());
  CHECK(std::is_sorted(v.begin(), v.end()) && v[7] == &a[7]);
  std::stable_sort(v.begin(), v.end(),
                   [](node *x, node *y) { return x->value > y->value; });
  CHECK(v[0] == &a[N - 1] &&
        std::find(v.begin(), v.end(), &a[3]) == v.end() - 4);
  std::rotate(v.begin(), v.begin() + 1, v.end());
  std::vector<ref> w = v;
  v = std::move(w);
  w.assign(v.rbegin(), v.rend());
  CHECK(v.back()->value == N - 1 && w.front()->value == N - 1);
  v.resize(N + 5);
  CHECK(!v.back());
  v.shrink_to_fit();
  for (node *n : w) // each is a node *
    CHECK(n == &a[n->value]);

  std::map<ref, long> map;
  std::set<ref, std::greater<>> set;
  std::unordered_map<ref, ref> hashed;
  std::unordered_set<ref> hashes;
  std::list<ref> list;
  std::deque<ref> deque;
  for (int i = 0; i < N; ++i) {
    map[&a[i]] = i;
    set.insert(&a[i]);
    hashed[&a[i]] = &a[N - 1 - i];
    hashes.insert(&a[i]);
    list.push_front(&a[i]);
    deque.push_front(&a[i]);
  }
  CHECK(map.at(&a[9]) == 9 && *set.begin() == &a[N - 1]);
  CHECK(hashed[&a[9]] == &a[N - 10] && hashes.count(&a[9]) == 1);
  list.sort();
  std::sort(deque.begin(), deque.end());
  CHECK(list.front() == a && deque.back() == &a[N - 1]);

  std::optional<ref> optional = a;
  std::variant<int, ref, std::vector<ref>> variant = ref(a);
  std::any any = ref(a);
  optional = std::nullopt;
  optional = &a[2];
  CHECK((*optional)->value == 2 && std::get<ref>(variant) == a &&
        std::any_cast<ref>(any) == a);
  variant = 3;
  variant = v;
  CHECK(std::get<2>(variant)[0] == v[0]);
  std::tuple<ref, int> tuple(a, 1), another;
  another = tuple;
  auto [first, second] = another;
  CHECK(first == a && second == 1 && tuple == another &&
        std::tie(first, second) == tuple);
  std::function<long()> function = [kept = ref(&a[4])] { return kept->value; };
  CHECK(function() == 4);
}

static void build(root *r) {
  asPointer(r->nodes, r->nodes[0].next);
  asPointer(r->nodes, r->array[1]);
  r->array = {r->nodes, &r->nodes[1], nullptr, &r->nodes[3]};
  r->some = &r->nodes[4];
  r->variant = ref(&r->nodes[5]);
  char *text = perdure::make<char[]>(r, 6);
  std::strcpy(text, "hello");
  r->tuple = {&r->nodes[6], 6, text};
  r->pair = {text, &r->nodes[7]};
  r->nodes[0].next = &r->nodes[8];
  r->twice = &r->array[3];
  r->hash = std::hash<ref>()(r->nodes);
}

static void check(root *r) {
  CHECK(r->array[0] == r->nodes && r->array[1]->value == 1 && !r->array[2]);
  CHECK((*r->some)->value == 4 && !r->none);
  CHECK(std::get<ref>(r->variant)->value == 5);
  CHECK(std::get<0>(r->tuple)->value == 6 &&
        !std::strcmp(std::get<2>(r->tuple), "hello"));
  CHECK(r->pair.first == std::get<2>(r->tuple) &&
        r->pair.second == &r->nodes[7]);
  CHECK(r->nodes[0].next->value == 8 && *r->twice == &r->nodes[3]);
  CHECK(r->hash == std::hash<ref>()(r->nodes));

  ref outside;
  asPointer(r->nodes, outside);
  containers(r->nodes);
  // Out of the object and back, whole.
  auto array = r->array;
  auto tuple = r->tuple;
  auto variant = r->variant;
  CHECK(array == r->array && tuple == r->tuple && variant == r->variant);
  r->array = {};
  r->variant = 1;
  r->array = array;
  r->variant = variant;
  std::swap(r->some, r->none);
  CHECK(r->none && !r->some);
  std::swap(r->some, r->none);
}

static void anywhere() {
  static node nodes[N];
  ref local;
  asPointer(nodes, local);
  asPointer(nodes, nodes[3].next);
  containers(nodes);
  conversions();
}

RUN_IN_OBJECT
