// The runtime of C++ destroys an exception by the address of its destructor: in a
// transaction that logs, behind one it does what it always does.
// RUN: %perdure_cxx -O0 %s -o %t.O0 && rm -rf %store && %run %t.O0 %store | FileCheck %s
// RUN: %perdure_cxx -O2 %s -o %t.O2 && rm -rf %store && %run %t.O2 %store | FileCheck %s
// RUN: not %perdure_cxx -DELSEWHERE -c %s -o %t.o 2>&1 | FileCheck %s --check-prefix=ELSEWHERE
// CHECK: inside: 2, afterwards 1
// CHECK: left by it: 2
// ELSEWHERE: '_ZN9elsewhereD1Ev', which destroys an exception that is thrown in a transaction
#include <cstdio>
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#include <stdexcept>

struct [[perdure::persistent]] root {
  root *self;
  long gone;
};
static root *r;

struct error {
  bool counts = true;
  error() = default;
  error(const error &) = default;
  ~error() { r->gone += counts; }
};
static void fail() { throw error(); }
#ifdef ELSEWHERE
struct elsewhere {
  ~elsewhere();
};
#endif

int main(int, char **argv) {
  perdure_store *s = perdure_store_open(argv[1], PERDURE_CREATE);
  r = static_cast<root *>(perdure_create(s, "o", sizeof *r, 0));
  r->gone = 1;
  long inside = 0;
  perdure::transact(r, [&] {
    try {
      fail();
    } catch (error &) {
    }
    inside = r->gone;
    try {
      throw std::out_of_range("one of the library");
    } catch (std::exception &) {
    }
#ifdef ELSEWHERE
    throw elsewhere();
#endif
    perdure_tx_abort();
  });
  std::printf("inside: %ld, afterwards %ld\n", inside, r->gone);
  try {
    perdure::transact(r, [] { fail(); });
  } catch (error &) {
  }
  std::printf("left by it: %ld\n", r->gone);
  perdure_store_close(s);
  return 0;
}
