// RUN: %clangxx -std=c++17 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s
// RUN: %clangxx -std=c++20 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s
// RUN: %clangxx -std=c++23 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s

// No way of copying an annotated record copies bytes: explicitly defaulted
// members, moves, templates, closures, exceptions, local classes, aggregates.
// CHECK: llvm.ptrauth.resign
// CHECK-NOT: llvm.memcpy
// CHECK-NOT: llvm.memmove
#include <perdure/perdure.h>
struct PERDURE node {
  node *p;
  node(const node &) = default;
  node(node *q) : p(q) {}
  node &operator=(const node &) = default;
};
struct PERDURE moved {
  moved *p;
  moved(moved &&) = default;
  moved &operator=(moved &&) = default;
};
template <class T> struct PERDURE tt {
  T *p;
  tt(const tt &) = default;
  tt &operator=(const tt &) = default;
  tt(T *q) : p(q) {}
};
struct oo {
  node m;
  oo(const oo &) = default;
};
node f(node x) { return x; }
moved g(moved &&m) {
  moved k((moved &&)m);
  m = (moved &&)k;
  return (moved &&)k;
}
tt<int> h(tt<int> &x) {
  tt<int> y = x;
  y = x;
  return y;
}
oo o(oo &x) { return x; }
auto lam(node &x) {
  return [x, q = tt<int>(nullptr)]() mutable {
    auto c = x;
    x = c;
    return q;
  };
}
auto lam2(node &x) {
  auto l = lam(x);
  auto m = l;
  return m;
}
void thrown(node &x) { throw x; }
struct init {
  node *p = nullptr;
  node m{nullptr};
  init() = default;
};
init mk() { return {}; }
node arr[2] = {node(nullptr), node(arr)};
void nested() {
  struct PERDURE loc {
    loc *p;
  };
  loc a{nullptr}, b = a;
  auto l = [a] { return a; };
  b = l();
  struct un {
    loc x;
  } u{a}, v = u;
  v = u;
}
