// Static members with Gray-coded fields whose initialiser is in the class: in C++14 their
// definition has none of its own, also in templates. At each level, and where the definition
// is in another file.
// RUN: rm -rf %t && mkdir -p %t
// RUN: %perdure_cxx -std=c++14 -O0 %s -DELSEWHERE -c -o %t/elsewhere14.o
// RUN: %perdure_cxx -std=c++17 -Wno-deprecated -O0 %s -DELSEWHERE -c -o %t/elsewhere17.o
// RUN: %perdure_cxx -std=c++14 -O0 %s %t/elsewhere14.o -o %t/14-0 && %run %t/14-0
// RUN: %perdure_cxx -std=c++14 -O2 %s %t/elsewhere14.o -o %t/14-2 && %run %t/14-2
// RUN: %perdure_cxx -std=c++17 -Wno-deprecated -O0 %s %t/elsewhere17.o -o %t/17-0 && %run %t/17-0
// RUN: %perdure_cxx -std=c++17 -Wno-deprecated -O2 %s %t/elsewhere17.o -o %t/17-2 && %run %t/17-2
#include <perdure/perdure.h>
#include <cstdint>
#include <cstdio>
#include <cstring>

struct fixed {
  std::uint64_t count [[perdure::gray]];
  std::uint64_t plain;
};

template <typename T> struct general {
  static constexpr fixed one{5, 5};
  static constexpr T list[2] = {{5, 5}, {6, 6}};
  template <typename U> static constexpr fixed both{5, sizeof(U)};
};
template <typename T> constexpr fixed general<T>::one;
template <typename T> constexpr T general<T>::list[2];
template <typename T> template <typename U> constexpr fixed general<T>::both;
template <typename T> constexpr fixed variable{5, sizeof(T)};

struct shared {
  std::uint64_t count [[perdure::gray]];
  std::uint64_t plain;
};
extern template struct general<shared>;

#ifdef ELSEWHERE
template struct general<shared>;
#else
struct here {
  static constexpr fixed one{5, 5};
  static constexpr fixed list[2] = {{5, 5}, {6, 6}};
  std::uint64_t number(int i) { return list[i].count; }
};
constexpr fixed here::one;
constexpr fixed here::list[2];

// What lies there is the code; 5 ^ 5 >> 1 is 7.
template <typename T> static bool isFive(const T &f) {
  const T *p = &f;
  __asm__ volatile("" : "+r"(p));
  std::uint64_t raw;
  std::memcpy(&raw, (const void *)&p->count, sizeof raw);
  return raw == 7 && p->count == 5;
}

static int failed;
#define CHECK(E) (E ? (void)0 : (void)(++failed, std::printf("line %d: %s\n", __LINE__, #E)))

int main() {
  volatile int zero = 0;
  CHECK(isFive(here::one));
  CHECK(isFive(here::list[0]));
  CHECK(here::list[zero].count == 5);
  CHECK(here().number(1 + zero) == 6);
  CHECK(isFive(general<fixed>::one));
  CHECK(isFive(general<fixed>::list[0]));
  CHECK(general<fixed>::list[1 + zero].count == 6);
  CHECK(isFive(general<fixed>::both<int>));
  CHECK(isFive(variable<int>));
  CHECK(isFive(general<shared>::one));
  CHECK(isFive(general<shared>::list[0]));
  const auto &list = general<shared>::list;
  CHECK(list[1 + zero].count == 6);
  const fixed *p = &general<shared>::one;
  CHECK(p->count == 5);
  fixed a = here::one, b = general<fixed>::one, c = general<shared>::one;
  CHECK(isFive(a));
  CHECK(isFive(b));
  CHECK(isFive(c));
  return failed;
}
#endif
