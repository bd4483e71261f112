// Gray-coded fields in classes: constructors, defaults, templates, bindings, constexpr,
// arrays of objects, static variables of every kind.
// RUN: %perdure_cxx -std=c++20 -O0 -Wall -Werror %s -o %t && %run %t
// RUN: %perdure_cxx -std=c++20 -O2 -Wall -Werror %s -o %t && %run %t
// RUN: %perdure_cxx -std=c++17 -O3 %s -o %t && %run %t
// RUN: %perdure_cxx -std=c++23 -O1 -flto=thin %s -o %t && %run %t
// RUN: %perdure_cxx -std=c++20 -O1 -fmerge-all-constants %s -o %t && %run %t
#include <perdure/perdure.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <tuple>
#include <utility>
#include <vector>

#define CHECK(...)                                                             \
  do                                                                           \
    if (!(__VA_ARGS__)) {                                                      \
      std::printf("%d: %s\n", __LINE__, #__VA_ARGS__);                         \
      std::exit(1);                                                            \
    }                                                                          \
  while (0)

template <typename T> T code(const void *at) {
  T t;
  std::memcpy(&t, at, sizeof t);
  return t;
}
template <typename T> constexpr T gray(T n) { return T(n ^ n >> 1); }

struct simple {
  int tag;
  [[perdure::gray]] std::uint64_t count = 5;
  std::uint32_t small [[perdure::gray]] = 6;
};
#define IS(S, N)                                                               \
  CHECK((S).count == (N) &&                                                    \
        code<std::uint64_t>((const void *)&(S).count) == gray<std::uint64_t>(N))

struct counted {
  [[perdure::gray]] std::uint64_t count;
  [[perdure::gray]] std::uint16_t parts[20];
  constexpr counted(std::uint64_t n = 9) : count(n), parts{1, 2, std::uint16_t(n)} {}
  counted &operator++() { return ++count, *this; }
  std::uint64_t get() const { return count; }
};
struct PERDURE linked : counted { // is not copied as bytes
  linked *next = nullptr;
  simple one;
  simple two[2];
  [[perdure::gray]] std::uint64_t last[3] = {};
  linked() = default;
  linked(std::uint64_t n) : counted(n), one{1, n}, two{{2, n + 1}, {3, n + 2}} {}
};
template <typename T, int N> struct general {
  [[perdure::gray]] T t;
  [[perdure::gray]] T more[N];
  T sum() const {
    T s = t;
    for (int i = 0; i < N; i++)
      s += more[i];
    return s;
  }
};

// Constants of which Clang makes parts by itself.
struct hidden { // an array in an anonymous record
  struct {
    [[perdure::gray]] std::uint64_t a[4];
  };
  [[perdure::gray]] std::uint64_t count;
  constexpr hidden(std::uint64_t n) : a{5, 6, 7, 8}, count(n) {}
};
union shared {
  counted c;
  int i;
};
struct padded {
  [[perdure::gray]] std::uint64_t count = 5;
  std::uint64_t rest[3] = {1, 2, 3};
};
struct number { // no default
  [[perdure::gray]] std::uint64_t count;
  constexpr number(std::uint64_t n) : count(n) {}
};
struct atom {
  _Atomic(number) a;
  constexpr atom(std::uint64_t n) : a(number(n)) {}
};
atom atomic(5);
struct plainest {
  [[perdure::gray]] std::uint64_t count;
};
// Code is made of these at once, and they are evaluated after that.
template <typename T> constexpr plainest instantiated(T n) {
  plainest p[4] = {{1}, {2}, {7}, {n}};
  return p[2];
}
template plainest instantiated<std::uint64_t>(std::uint64_t);
[[gnu::used]] constexpr plainest emitted() {
  plainest p[4] = {{1}, {2}, {3}, {8}};
  return p[3];
}
static_assert(emitted().count == 8 && instantiated<std::uint64_t>(1).count == 7);

// Evaluated at compile time, before and after code was made of the functions.
constexpr simple make(std::uint64_t n) {
  simple s{1, n};
  simple many[3] = {{1, n}, {2, n + 1}, {3, 3}};
  s.count += many[1].count;
  return s;
}
static_assert(make(3).count == 7);
constexpr simple constant = make(4);
static_assert(constant.count == 9 && constant.small == 6);
constexpr counted list[] = {{1}, {2}, {3}};
static_assert(list[2].count == 3 && list[1].parts[2] == 2);

simple defaulted;
simple partly{1, 77};
const simple row[] = {{1}, {2, 3, 4}};
counted constructed(12);
simple dynamic{std::rand() ? 1 : 2, 42, 43};
simple copied = partly;
inline thread_local simple own{0, 14};
template <int N> simple of{N, N, N};
struct holder { static inline simple s{1, 15}; };
#if __cplusplus > 201703L
constinit
#endif
simple fixed{1, 16};
std::pair<simple, counted> pair{{1, 17}, 18};
general<std::uint32_t, 3> sums{1, {2, 3, 4}};

std::uint64_t total(std::initializer_list<counted> l) {
  std::uint64_t n = 0;
  for (const counted &c : l) {
    IS(c, c.get());
    CHECK(c.parts[0] == 1 && c.parts[2] == c.get() && c.parts[3] == 0);
    n += c.count;
  }
  return n;
}
template <typename... T> std::uint64_t all(const T &...t) { return (t.count + ...); }
std::uint64_t by_value(simple s = {1, 21}) {
  IS(s, s.count);
  return s.count++;
}

int main() {
  IS(defaulted, 5u);
  IS(partly, 77u);
  IS(row[0], 5u);
  IS(row[1], 3u);
  CHECK(row[1].small == 4);
  IS(constructed, 12u);
  IS(dynamic, 42u);
  CHECK(dynamic.small == 43);
  IS(copied, 77u);
  IS(own, 14u);
  IS(of<7>, 7u);
  IS(holder::s, 15u);
  IS(fixed, 16u);
  IS(constant, 9u);
  for (int i = 0; i < 3; i++)
    IS(list[i], list[i].get());
  IS(pair.first, 17u);
  IS(pair.second, 18u);
  CHECK(sums.sum() == 10 && code<std::uint32_t>((const void *)&sums.more[1]) == gray(3u));

  simple a{1}, b{2, 30, 31}, c = b;
  IS(a, 5u);
  IS(b, 30u);
  IS(c, 30u);
  simple s = make(std::rand() ? 2 : 3);
  IS(s, 5u);
  const simple t = make(4);
  IS(t, 9u);
  simple u = constant, v[3] = {constant, constant, make(1)};
  IS(u, 9u);
  IS(v[1], 9u);
  IS(v[2], 3u);
  counted w[4] = {{1}, {2}, list[2], {}};
  IS(w[0], 1u);
  IS(w[2], 3u);
  IS(w[3], 9u);
  static constexpr simple x{1, 55};
  IS(x, 55u);
  CHECK(w[1].parts[2] == 2 && code<std::uint16_t>((const void *)&w[1].parts[2]) == gray<std::uint16_t>(2));
  CHECK(total({1, 2, 3, 40}) == 46);
  CHECK(all(a, b, c, t) == 5 + 30 + 30 + 9);
  CHECK(by_value() == 21 && by_value(b) == 30);
  const simple &bound = simple{1, 60};
  IS(bound, 60u);
  const counted &bound2 = counted(61);
  IS(bound2, 61u);

  // Conditionals, results of assignments, bindings, lambdas.
  (std::rand() ? a.count : b.count) = 100;
  IS(a, 100u);
  CHECK((std::rand() ? a.count : b.count) == 100);
  (a.count += 5) -= 2;
  IS(a, 103u);
  std::uint64_t n = ++a.count;
  CHECK(n == 104 && (b.count = n) == 104);
  auto &[tag, count, small] = b;
  count++;
  small = 9;
  IS(b, 105u);
  auto [tag2, count2, small2] = b;
  count2 += 10;
  CHECK(count2 == 115 && tag == tag2 && small2 == 9);
  auto add = [b](std::uint64_t by) mutable { return b.count += by; };
  CHECK(add(5) == 110 && add(5) == 115);
  auto direct = [&] { return ++b.count; };
  CHECK(direct() == 106);
  std::swap(a, b);
  IS(a, 106u);
  auto [p, q] = counted(3);
  CHECK(p == 3 && q[2] == 3 && q[4] == 0);

  linked one(200), two = one, three;
  three = one;
  linked four = std::move(one);
  for (linked *l : {&two, &three, &four}) {
    IS(*l, 200u);
    IS(l->one, 200u);
    IS(l->two[1], 202u);
    CHECK(l->parts[1] == 2 && l->last[2] == 0);
  }
  ++two;
  IS(two, 201u);
  std::vector<simple> grown;
  for (unsigned i = 0; i < 100; i++)
    grown.push_back({1, i});
  for (unsigned i = 0; i < 100; i++)
    IS(grown[i], i);
  auto *array = new simple[3]{{1, 2}, {3, 4}};
  IS(array[1], 4u);
  IS(array[2], 5u);
  delete[] array;
  counted *fresh = new counted{300};
  IS(*fresh, 300u);
  delete fresh;
  general<signed char, 2> tiny{-1, {2, -3}};
  CHECK(tiny.sum() == -2);
  hidden h(9);
  const hidden ch(10);
  CHECK(h.a[0] == 5 && h.a[3] == 8 && ch.a[2] == 7 && code<std::uint64_t>((const void *)&h.a[1]) == gray(6ul));
  IS(ch, 10u);
  const shared unions[3] = {{counted(5)}, {counted(6)}, {counted(7)}};
  IS(unions[1].c, 6u);
  CHECK(unions[2].c.parts[2] == 7);
  padded filled[4] = {{0, {1, 2, 3}}, {0, {1, 2, 3}}};
  IS(filled[1], 0u);
  IS(filled[2], 5u);
  IS(filled[3], 5u);
  static padded filled2[4] = {{1}, {2}};
  IS(filled2[1], 2u);
  IS(filled2[3], 5u);
  atom atoms[3] = {atom(6), atom(7), atom(8)};
  number loaded = __c11_atomic_load(&atoms[1].a, __ATOMIC_SEQ_CST);
  IS(loaded, 7u);
  loaded = __c11_atomic_load(&atomic.a, __ATOMIC_SEQ_CST);
  IS(loaded, 5u);
  plainest at_once = instantiated<std::uint64_t>(1);
  IS(at_once, 7u);
  at_once = emitted();
  IS(at_once, 8u);
  // Bytes are bytes, also in the expression that takes their address.
  h.a[2] = 0x1234;
  void *bytes = (void *)&h.a[2];
  CHECK(*(std::uint64_t *)(void *)&h.a[2] == *(std::uint64_t *)bytes && *(std::uint64_t *)bytes == gray(0x1234ul));
  CHECK(*(unsigned char *)static_cast<void *>(&h.a[2]) == *(unsigned char *)bytes);
  CHECK(((std::uint64_t *)(void *)h.a)[2] == gray(0x1234ul));
  void *met = std::rand() ? (void *)&h.a[2] : (void *)&filled[0].rest[1];
  CHECK(met == bytes);
  static void *const address = (void *)&constructed.count;
  CHECK(code<std::uint64_t>(address) == gray(12ul));
#if __cplusplus > 201703L
  simple designated{.tag = 1, .count = 70};
  IS(designated, 70u);
#endif
}
