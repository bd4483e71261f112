// RUN: %clangxx -std=c++20 -fsyntax-only -Werror %s
// RUN: %clangxx -std=c++23 -fsyntax-only -Werror %s
// RUN: %clangxx -std=c++20 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s

// Annotated types are evaluated at compile time as any other, and what comes out
// is initialised statically.
#include <perdure/perdure.h>

struct PERDURE node {
  const node *next;
  int value;
  constexpr bool operator==(const node &) const = default;
};
constexpr int sum(const node *n) {
  int total = 0;
  for (; n; n = n->next)
    total += n->value;
  return total;
}
constexpr node last{nullptr, 1};
constexpr node first{&last, 2};
static_assert(first.next == &last && sum(&first) == 3);
static_assert(first == node{&last, 2} && first != last);

consteval int dynamic() {
  node *a = new node{nullptr, 4};
  node b{a, 5};
  node copy = b;
  copy.next = nullptr;
  copy = b;
  int total = sum(&copy);
  delete a;
  return total;
}
static_assert(dynamic() == 9);

// CHECK: @table = {{.*}}global {{.*}}{ ptr ptrauth (ptr @_ZL4last, i32 2, i64 23808, ptr @table), i32 7 }, {{.*}}{ ptr null, i32 8 }]
constinit node table[] = {{&last, 7}, {nullptr, 8}};
