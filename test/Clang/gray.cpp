// RUN: %clangxx -std=c++20 -fsyntax-only -Wno-unused-value -ferror-limit=0 -Xclang -verify %s
// RUN: %clangxx -std=c++23 -fsyntax-only -Wno-unused-value -ferror-limit=0 -Xclang -verify %s

// Numbers stored as their Gray code, in C++: nothing binds a reference to one.
#include <perdure/perdure.h>
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <utility>

struct s {
  [[perdure::gray]] std::uint64_t count;
  std::uint64_t many [[perdure::gray]][3];
  std::uint64_t plain;
};
struct refused {
  [[perdure::gray]] std::atomic<std::uint64_t> atom; // expected-error {{but it is atomic}}
  [[perdure::gray]] std::uint64_t &reference; // expected-error {{but it is a pointer}}
  [[perdure::gray]] static int fixed; // expected-error {{it has no meaning here}}
  [[perdure::gray]] int function(); // expected-error {{it has no meaning here}}
};
template <typename T> struct general {
  [[perdure::gray]] T t; // expected-error {{field 't' of type 'double' is annotated as Gray-coded, but only integers}}
  T *address() { return &t; } // expected-error {{Gray field 't'}}
  T value() { return t++; }
};
general<double> real;
general<short> small;
void use() { small.address(); small.value(); }

void by_reference(std::uint64_t &);
void by_const(const std::uint64_t &);
template <typename T> void forwards(T &&);
struct holds { std::uint64_t &r; };
std::uint64_t &result(s &x) { return x.count; } // expected-error {{Gray field 'count'}}
const std::uint64_t &first(const s &x) { return x.many[0]; } // expected-error {{Gray field 'many'}}
auto pointer = &s::count; // expected-error {{a pointer to member 'count' would show the Gray code that is stored in it, and not its number; use a function}}

void wrong(s &x, s &y, bool c) {
  by_reference(x.count); // expected-error {{a pointer or a reference to Gray field 'count' would show the code that is stored in it, and not its number; use the field itself, or a copy ('+' before it passes its value); its address as 'void *' is that of bytes}}
  by_const(x.count); // expected-error {{Gray field 'count'}}
  forwards(x.count); // expected-error {{Gray field 'count'}}
  by_reference(++x.count); // expected-error {{Gray field 'count'}}
  by_reference(c ? x.count : y.count); // expected-error {{Gray field 'count'}}
  std::uint64_t n = c ? x.count : x.plain; // expected-error {{one of the two is Gray field 'count', the other is stored otherwise; write '+' before both to choose between their values}}
  auto &a = x.count; // expected-error {{Gray field 'count'}}
  const auto &b = x.count; // expected-error {{Gray field 'count'}}
  auto &&d = x.many; // expected-error {{Gray field 'many'}}
  std::swap(x.count, y.count); // expected-error 2 {{Gray field 'count'}}
  n = std::max(x.count, n); // expected-error {{Gray field 'count'}}
  holds h{x.count}; // expected-error {{Gray field 'count'}}
  for (std::uint64_t m : x.many) // expected-error {{Gray field 'many'}}
    n += m;
  auto [e, f, g] = x;
  by_reference(e); // expected-error {{Gray field 'count'}}
  by_reference(g);
  auto l = [&r = x.count] { return r; }; // expected-error {{Gray field 'count'}}
  auto m = [&e] { return e; }; // expected-error {{Gray field 'count'}}
  static_cast<std::uint64_t &>(x.count)++; // expected-error {{Gray field 'count'}}
  reinterpret_cast<std::uint32_t &>(x.count) = 1; // expected-error {{Gray field 'count'}}
}
void right(s &x, s &y, bool c) {
  by_const(+x.count);
  by_reference(x.plain);
  std::uint64_t n = c ? x.count : y.count;
  n = std::max(+x.count, n);
  decltype(x.count) k = x.count;
  for (auto &v : {+x.count, k})
    by_const(v);
  std::swap(x, y);
  auto [e, f, g] = x;
  e += f[1] + g;
  auto l = [e] { return e; };
  auto m = [&x] { return x.count++; };
  (x.count = 5) += 1;
  static_assert(noexcept(by_const(x.count)) == false);
}

// Initialiser lists whose braces are left out, which are semantic forms alone.
struct row { s *place; std::uint64_t *number; const std::uint64_t &bound; };
struct rows { row a, b; };
void lists(s &x) {
  rows r = {&x, &x.plain, x.plain, &x, &x.count, x.plain}; // expected-error {{Gray field 'count'}}
  rows t = {&x, &x.plain, x.count, &x, &x.plain, x.plain}; // expected-error {{Gray field 'count'}}
  s nested[2] = {x.count, x.many[0], x.many[1], x.many[2], x.plain, x.count};
}

// Default arguments, whether a call uses them or not.
s global;
void fallback(std::uint64_t &r = global.count); // expected-error {{Gray field 'count'}}
void used(const std::uint64_t &r = global.count); // expected-error {{Gray field 'count'}}
void call() { used(), used(); }
void value(std::uint64_t n = global.count);
// Places and members as template arguments.
template <std::uint64_t &R> struct place { static void set() { R = 1; } };
template <auto P> struct member { static void set(s &x) { x.*P = 1; } }; // expected-error {{a pointer to member 'count'}}
#if __cplusplus > 201703L
void arguments(s &x) {
  place<global.count>::set(); // expected-error {{a template argument is the place of Gray field 'count', which would show the code that is stored in it, and not its number; pass the record}}
  place<global.plain>::set();
  member<&s::count>::set(x);
  member<&s::plain>::set(x);
}
#endif
// Bits that are moved at run time are codes, numbers at compile time.
struct words { std::uint64_t n[5]; };
words bits(const s &x) {
  s same = __builtin_bit_cast(s, x);
  return __builtin_bit_cast(words, same); // expected-error {{a bit cast from 's' to 'words' would take the stored code of Gray fields for their numbers; copy field by field, or their bytes with memcpy}}
}
auto generic = [](auto &x) { by_reference(x.count); }; // expected-error {{Gray field 'count'}}
std::uint64_t either(s &x, s &y) {
  generic(x);
  by_reference(x.count ?: y.count); // expected-error {{Gray field 'count'}}
  return x.count ?: y.count;
}

// Constants for which there is no variable.
struct fixed {
  [[perdure::gray]] std::uint64_t count;
};
constexpr fixed named{1};
const fixed &temporary = fixed{2}; // expected-error {{a temporary of type 'const fixed', which holds Gray-coded fields, would live as long as the program; make it a variable}}
consteval fixed now() { return {3}; }
constexpr fixed when() { return {3}; }
template <fixed F> std::uint64_t argument() { return F.count + sizeof(F); } // expected-error 1+ {{an object as a template argument has type 'const fixed', which holds Gray-coded fields, and there is no place to encode them; pass their numbers}}
struct array {
  [[perdure::gray]] int a[3] = {1, 2, 3}; // expected-error {{the default of 'a' initialises an array of Gray-coded fields; do so in a constructor or a function}}
  [[perdure::gray]] int b[3] = {};
};
void defaults(fixed f = {1}, array a = {{1}}); // expected-error {{the default of 'a' initialises an array of Gray-coded fields}}
std::uint64_t constants() {
  static constexpr fixed good{4};
  constexpr fixed bad{5}; // expected-error {{constexpr variable 'bad' holds Gray-coded fields, and there is no place to encode them; make it 'static constexpr', or 'const'}}
  fixed result = now(); // expected-error {{the result of a consteval function has type 'fixed', which holds Gray-coded fields, and there is no place to encode them; make the function constexpr, or the result a static constexpr variable}}
  static constexpr fixed kept = now();
  return good.count + bad.count + result.count + when().count + named.count +
         argument<fixed{6}>();
}
