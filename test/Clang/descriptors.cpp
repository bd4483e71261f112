// Types of C++ (an enumeration in a template is not instantiated before it is used), and the same text in every file that says the same.
// RUN: %clangxx -std=c++20 -O1 -S -emit-llvm %s -o %t.ll
// RUN: FileCheck %s < %t.ll
// RUN: %clangxx -std=c++17 -O0 -S -emit-llvm %s -o %t.0.ll
// RUN: grep -o '@__perdure_type_[0-9a-f]* =' %t.ll | sort > %t.names
// RUN: grep -o '@__perdure_type_[0-9a-f]* =' %t.0.ll | sort | diff - %t.names

#include <perdure/perdure.h>

namespace shop {
inline namespace v2 {
struct PERDURE base {
  base *up;
};
struct empty {};
template <class T, int N> struct PERDURE box : empty, base {
  enum class kind : unsigned char { small, large };
  T *content[N];
  kind is;
  perdure::ref<T> link;

private:
  T value;
};
struct item {
  int count;
};
box<item, 3> *next(box<item, 3> *b) {
  return static_cast<box<item, 3> *>(b->up);
}
} // namespace v2
} // namespace shop
namespace {
struct PERDURE local {
  local *next;
  int &operator*();
};
local *second(local *l) { return l->next->next; }
} // namespace
local *third(local *l) { return second(l->next); }

// CHECK-DAG: c"struct 56 8 shop::v2::box<shop::v2::item, 3>\0Arefer shop::v2::base\0Arefer shop::v2::item\0Arefer perdure::ref<shop::v2::item>\0Afield 0 #0 \0Afield 8 [3]*object(#1) content\0Afield 32 enum(u8) is\0Afield 40 #2 link\0Afield 48 #1 value\0Alayout 0 {{[0-9a-f]+}}\0Alayout 1 {{[0-9a-f]+}}\0Alayout 2 {{[0-9a-f]+}}\0A"
// CHECK-DAG: c"struct 8 8 shop::v2::base\0Arefer shop::v2::base\0Afield 0 *object(#0) up\0A
// CHECK-DAG: c"struct 4 4 shop::v2::item\0Afield 0 i32 count\0A"
// CHECK-DAG: c"struct 8 8 perdure::ref<shop::v2::item>\0Arefer shop::v2::item\0Afield 0 *object(#0)
// CHECK-DAG: c"struct 8 8 (anonymous namespace)::local\0A
