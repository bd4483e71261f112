// Records whose copy functions have names that depend on the order in which they
// are met: records without a name, lambdas, two of one name in one function. None of
// them is copied by another's fields.
// RUN: %perdure_cxx -O0 -fperdure-reduce-flips=padding %s -o %t0 && %run %t0 | FileCheck %s
// RUN: %perdure_cxx -O2 -fperdure-reduce-flips=padding %s -o %t2 && %run %t2 | FileCheck %s
// Those with a name that every file would give them are split, also in an unnamed
// namespace.
// RUN: %perdure_cxx -O0 -fperdure-reduce-flips=padding -S -emit-llvm -o - %s | FileCheck %s --check-prefix=SPLIT
#include <perdure/perdure.h>

#include <cstdio>
#include <cstdlib>
#include <new>

struct PERDURE node { node *next; };

namespace {
struct PERDURE hidden { node *p; char c; long l; char d; };
} // namespace
struct PERDURE seen { node *p; char c; long l; char d; };

// The code generator meets the second first.
static struct PERDURE { node *p; char c; int b; } a1, a2;
static struct PERDURE { node *p; int b, c; char d; long e; } b1, b2;

template <class T> T *make() { return static_cast<T *>(calloc(1, sizeof(T))); }
template <class T> [[gnu::noinline]] void copy(T *to, const T *from) { *to = *from; }

int main() {
  using B = decltype(b1);
  B *x = make<B>(), *y = make<B>();
  x->b = 1, x->c = 2, x->d = 3, x->e = 4;
  copy(y, x);
  printf("%d %d %d %ld\n", y->b, y->c, y->d, y->e); // CHECK: 1 2 3 4
  copy(&a2, &a1);
  copy(&b2, &b1);

  {
    struct PERDURE local { node *p; char c; int b; };
    auto *u = (local *)calloc(1, sizeof(local));
    if (false) // the front end sees a copy, the code generator none
      *u = *u;
    free(u);
  }
  {
    struct PERDURE local { node *p; int b, c; char d; long e; };
    auto *u = (local *)calloc(1, sizeof(local)), *v = (local *)calloc(1, sizeof(local));
    u->b = 1, u->c = 2, u->d = 3, u->e = 4;
    *v = *u;
    printf("%d %d %d %ld\n", v->b, v->c, v->d, v->e); // CHECK: 1 2 3 4
  }

  node *persistent = nullptr;
  auto *n = make<node>();
  n->next = persistent;
  __typeof__(n->next) p = n->next;
  char c = 1;
  int b = 2, d = 3;
  long e = 4;
  auto l1 = [p, c, e, b] { printf("%d %ld %d\n", c, e, b); (void)p; };
  auto l2 = [p, b, d, e, c] { printf("%d %d %ld %d\n", b, d, e, c); (void)p; };
  (*new (calloc(1, sizeof l2)) decltype(l2)(l2))(); // CHECK: 2 3 4 1
  (*new (calloc(1, sizeof l1)) decltype(l1)(l1))(); // CHECK: 1 4 2

  auto *h = make<hidden>();
  copy(h, make<hidden>());
  auto *s = make<seen>();
  copy(s, make<seen>());
}
// SPLIT: define {{.*}}@_ZN12_GLOBAL__N_16hiddenaSERKS0_(
// SPLIT: memcpy{{.*}}, i64 1, i1 false)
// SPLIT: memcpy{{.*}}, i64 9, i1 false)
// SPLIT: define {{.*}}@_ZN4seenaSERKS_(
// SPLIT: memcpy{{.*}}, i64 1, i1 false)
// SPLIT: memcpy{{.*}}, i64 9, i1 false)
