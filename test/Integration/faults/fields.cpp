// How reports name the fields of C++ records: qualified, of templates, of bases,
// behind references and members, in lambdas and inlined functions.
//
// RUN: rm -rf %t.store && %perdure_cxx -g -O0 %s -o %t && %t %t.store build
// RUN: %python %S/Inputs/reports.py %s %t %t.store
// RUN: rm -rf %t.store && %perdure_cxx -g -O2 %s -o %t && %t %t.store build
// RUN: %python %S/Inputs/reports.py %s %t %t.store
// RUN: rm -rf %t.store && %perdure_cxx -g1 -O2 %s -o %t && %t %t.store build
// RUN: not --crash %t %t.store base 2>&1 | FileCheck %s
// With line tables alone there are no fields.
// CHECK: perdure: fault at {{.*}}fields.cpp:[[# @LINE + 36]]: read at 0x
#include <cstdio>
#include <cstring>
#include <perdure/perdure.h>

namespace shop {
struct [[perdure::persistent]] Item {
  Item *next;
  long price;
};
struct [[perdure::persistent]] Priced : Item {
  long tax;
  long total() const { return tax + 1; } /* member: read of shop::Priced.tax | damaged pointer */
};
template <class T> struct [[perdure::persistent]] Cell {
  Cell *next;
  T value;
  T values[3];
};
} // namespace shop

namespace {
struct [[perdure::persistent]] Hidden {
  Hidden *next;
  int number;
};
} // namespace

struct [[perdure::persistent]] Root {
  shop::Priced *priced;
  shop::Cell<long> *longs;
  shop::Cell<short> *shorts;
  Hidden *hidden;
};

static long base(Root *r) {
  return r->priced->price; /* base: read of shop::Priced.price or read of shop::Item.price | damaged pointer */
}
static long member(Root *r) { return r->priced->total(); }
static long longs(Root *r) {
  return r->longs->value; /* longs: read of shop::Cell<long>.value | damaged pointer */
}
static long shorts(Root *r) {
  volatile int i = 1;
  return r->shorts->values[i]; /* shorts: read of shop::Cell<short>.values[] | damaged pointer */
}
static long hidden(Root *r) {
  return r->hidden->number; /* hidden: read of (anonymous namespace)::Hidden.number | damaged pointer */
}
static long lambda(Root *r) {
  auto price = [r] {
    const auto &tax = r->priced->tax;
    return tax; /* lambda: read of shop::Priced.tax or read | damaged pointer */
  };
  return price();
}

static const struct {
  const char *name;
  long (*volatile run)(Root *);
} cases[] = {{"base", base},     {"member", member}, {"longs", longs},
             {"shorts", shorts}, {"hidden", hidden}, {"lambda", lambda}};

int main(int, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  if (!std::strcmp(argv[2], "build")) {
    void *r = perdure_create(store, "a", sizeof(Root), 0);
    long stale = 0x123456789abc;
    for (unsigned i = 0; i != sizeof(Root) / sizeof(long); ++i)
      std::memcpy((long *)r + i, &stale, sizeof stale);
    perdure_store_close(store);
    return 0;
  }
  auto *r = (Root *)perdure_open(store, "a", PERDURE_RDONLY);
  for (auto &c : cases)
    if (!std::strcmp(argv[2], c.name))
      std::printf("%ld\n", c.run(r));
  return 0;
}
