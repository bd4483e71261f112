// What a lambda returns is known when it is complete; a value cannot be
// returned by an abort that does not throw.
// RUN: not %clangxx -std=c++23 -fno-exceptions -c %s -o %t.o 2>&1 | FileCheck %s
// RUN: %clangxx -std=c++23 -fno-exceptions -DVOID -c %s -o %t.o
#include <perdure/attributes.h>

void run(long *p) {
#ifdef VOID
  auto f = [=]() PERDURE_TRANSACTION { *p = 1; };
#else
  // CHECK: 'transaction' needs a function that returns void where there are no C++ exceptions
  auto f = [=]() PERDURE_TRANSACTION { return *p = 1; };
#endif
  f();
}
