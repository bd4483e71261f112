// Calls that the compiler cannot see through, in one file, which needs no flag:
// virtual functions, std::function, pointers to members, callbacks of libc, bodies
// for perdure_transact; in C++ that throws, and comes back by longjmp.
// RUN: %perdure_cxx -O0 %s -o %t.O0 && rm -rf %store && %run %t.O0 %store | FileCheck %s
// RUN: %perdure_cxx -O1 %s -o %t.O1 && rm -rf %store && %run %t.O1 %store | FileCheck %s
// RUN: %perdure_cxx -O2 %s -o %t.O2 && rm -rf %store && %run %t.O2 %store | FileCheck %s
// RUN: %perdure_cxx -O3 %s -o %t.O3 && rm -rf %store && %run %t.O3 %store | FileCheck %s
// RUN: %perdure_cxx -O2 -flto %s -o %t.lto && rm -rf %store && %run %t.lto %store | FileCheck %s
// RUN: %perdure_cxx -O2 -flto=thin %s -o %t.thin && rm -rf %store && %run %t.thin %store | FileCheck %s
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#include <stdexcept>
#include <vector>

struct [[perdure::persistent]] root {
  long values[16];
  long count;
  root *self;
};
static root *r;

struct shape {
  virtual void draw(long n) = 0;
  virtual ~shape() { r->count += 1; }
};
struct circle : shape {
  void draw(long n) override { r->values[0] = n; }
};
struct square : shape {
  long side = 2;
  void draw(long n) override { r->values[1] = n * side; }
  ~square() override { r->values[2] += 1; }
};
struct member {
  void set(long n) { r->values[3] = n; }
};
static int compare(const void *a, const void *b) {
  r->count += 1; // a callback of libc that writes
  return *(const long *)a > *(const long *)b ? 1 : -1;
}
template <typename F> __attribute__((noinline)) static void apply(F f, long n) { f(n); }

__attribute__((noinline)) static void all(long n) {
  std::unique_ptr<shape> shapes[] = {std::make_unique<circle>(), std::make_unique<square>()};
  for (auto &s : shapes)
    s->draw(n);
  long added = 0;
  std::function<void(long)> f = [&](long k) { r->values[4] = k + ++added; };
  f(n);
  void (member::*set)(long) = &member::set;
  (member().*set)(n);
  qsort(r->values, 5, sizeof(long), compare);
  apply([](long k) { r->values[5] = k; }, n);
  void (*plain)(long) = [](long k) { r->values[6] = k; };
  apply(plain, n);
  std::vector<long> numbers(10, n);
  std::sort(numbers.begin(), numbers.end(), std::greater<>());
  std::copy_n(numbers.begin(), 3, r->values + 7);
  r->self->values[10] += n;
}

static bool unchanged(const root &before) { return !memcmp((const void *)&before, (void *)r, sizeof(root)); }
static jmp_buf away;
static int body(void *n) {
  all((long)n);
  return (long)n % 2;
}
static int (*volatile hidden)(void *) = body;

int main(int, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  r = (root *)perdure_create(store, "r", sizeof(root), 0);
  r->self = r;
  r->count = 1;
  root before;
  auto save = [&] { memcpy((void *)&before, (void *)r, sizeof before); };
  save();
  // CHECK: aborted 0 1
  bool done = perdure::transact(r, [] {
    all(3);
    perdure_tx_abort();
  });
  printf("aborted %d %d\n", done, unchanged(before));
  // CHECK-NEXT: thrown 1
  try {
    perdure::transact(r, [] {
      all(5);
      throw std::runtime_error("no");
    });
  } catch (const std::runtime_error &) {
    printf("thrown %d\n", unchanged(before));
  }
  // CHECK-NEXT: jumped 1
  if (!setjmp(away))
    perdure::transact(r, [] {
      all(7);
      longjmp(away, 1);
    });
  else
    printf("jumped %d\n", unchanged(before));
  // CHECK-NEXT: body -1 1
  printf("body %d", perdure_transact(r, hidden, (void *)9));
  printf(" %d\n", unchanged(before));
  // CHECK-NEXT: committed 0: 0 2 3 3 4 2 2 2 2 2 2
  printf("committed %d:", perdure_transact(r, hidden, (void *)2));
  for (int i = 0; i < 11; ++i)
    printf(" %ld", r->values[i]);
  puts("");
}
