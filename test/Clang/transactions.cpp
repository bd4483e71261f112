// RUN: %clang_cc1 -std=c++23 -fexceptions -fcxx-exceptions -fsyntax-only -verify=throws %s
// RUN: %clang_cc1 -std=c++23 -fsyntax-only -verify=jumps %s
#include <perdure/attributes.h>

[[perdure::transaction]] int value(); // jumps-error {{'transaction' needs a function that returns void}}
[[perdure::transaction]] constexpr void early() {} // throws-error {{'transaction' cannot be on a constexpr function}} jumps-error {{'transaction' cannot be on a constexpr function}}
template <typename T> [[perdure::in_transaction]] void inside(T) {}
struct s {
  [[perdure::transaction]] void method();
  [[perdure::tx_safe]] ~s();
};
inline auto lambda = [] [[perdure::transaction]] () {};
inline auto spelled = []() PERDURE_TRANSACTION {};
template void inside(int);
