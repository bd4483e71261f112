// RUN: %clangxx -std=c++14 -fsyntax-only -Wno-unused-value -ferror-limit=0 -Xclang -verify=cxx14,any %s
// RUN: %clangxx -std=c++17 -fsyntax-only -Wno-unused-value -Wno-deprecated -ferror-limit=0 -Xclang -verify=any %s

// Static members with Gray-coded fields whose initialiser is in the class. Up to C++14 that is
// no definition, and code for a member whose definition is elsewhere would have its number
// uncoded.
#include <perdure/perdure.h>
#include <cstdint>

struct fixed {
  std::uint64_t count [[perdure::gray]];
  std::uint64_t plain;
};
std::uint64_t take(const fixed &);

struct elsewhere {
  static constexpr fixed one{5, 5};
  static constexpr fixed list[2] = {{5, 5}, {6, 6}};
  // Code is made of it in the end.
  std::uint64_t number(int i) {
    return list[i].count; // cxx14-error {{static member 'list' has type 'const fixed[2]', which holds Gray-coded fields, and no definition in this file up to here; define it above, or compile as C++17}}
  }
};
std::uint64_t uses(elsewhere &e, int i) {
  fixed copy = elsewhere::one; // cxx14-error {{static member 'one' has type 'const fixed', which holds Gray-coded fields, and no definition in this file up to here}}
  const fixed *p = &e.one; // cxx14-error {{static member 'one'}}
  auto f = [&] { return take(elsewhere::one); }; // cxx14-error {{static member 'one'}}
  return copy.count + p->count + f() +
         elsewhere::list[i].plain; // cxx14-error {{static member 'list'}}
}
const fixed *address = &elsewhere::one; // cxx14-error {{static member 'one'}}
// Known numbers, and what no code is made of.
static_assert(elsewhere::one.count == 5 && elsewhere::list[1].count == 6, "");
int numbers[elsewhere::one.count];
std::uint64_t known(elsewhere &e) {
  return elsewhere::one.count + elsewhere::list[1].count + e.one.count +
         sizeof(elsewhere::one) + sizeof(elsewhere::list[0]);
}

struct here {
  static constexpr fixed one{5, 5};
  static constexpr fixed list[2] = {{5, 5}, {6, 6}};
  std::uint64_t number(int i) { return list[i].count; }
};
std::uint64_t before() { return take(here::one); } // cxx14-error {{static member 'one'}}
constexpr fixed here::one;
constexpr fixed here::list[2];
std::uint64_t after(here &h, int i) {
  fixed copy = here::one;
  return copy.count + take(h.one) + h.number(i) + here::list[i].count;
}

template <typename T> struct general {
  static constexpr fixed one{5, 5};
  static constexpr fixed list[2] = {{5, 5}, {6, 6}};
};
template <typename T> constexpr fixed general<T>::one;
template <typename T> constexpr fixed general<T>::list[2];
extern template struct general<int>;
std::uint64_t instantiated(int i) {
  const auto &list = general<int>::list;
  return take(general<char>::one) + general<char>::list[i].count +
         take(general<int>::one) + list[i].count + general<int>::one.count +
         general<int>::list[i].count; // any-error {{static member 'list' has type 'const fixed[2]', which holds Gray-coded fields, and is instantiated in another file; read it through a reference}}
}
