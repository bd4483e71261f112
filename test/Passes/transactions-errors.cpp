// Functions of C++ are called by their names in what is refused.
// RUN: not %clangxx -std=c++20 -O1 -g -c %s -o %t.o 2>&1 | FileCheck %s --implicit-check-not=_Z
#include <perdure/attributes.h>

namespace far {
int away(int, const char *);
template <class T> void each(T);
} // namespace far
struct counter {
  [[perdure::in_transaction]] int bump(int by);
};
// CHECK: error: perdure: 'void far::each<long>(long)', called in a transaction
// CHECK: error: perdure: 'far::away(int, char const*)', called in a transaction
int counter::bump(int by) {
  far::each<long>(by);
  return far::away(by, "x");
}
