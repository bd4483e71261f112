// RUN: %clangxx -std=c++20 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s

// Defaulted comparisons compare pointers, not their stored bits.
#include <compare>
#include <perdure/perdure.h>

struct PERDURE node {
  node *next;
  auto operator<=>(const node &) const = default;
  bool operator==(const node &) const = default;
};
bool less(node &a, node &b) { return a < b; }
bool equal(node &a, node &b) { return a == b; }
// CHECK-LABEL: define {{.*}}@_ZNK4nodessERKS_
// CHECK-COUNT-2: call i64 @llvm.ptrauth.auth
// CHECK-LABEL: define {{.*}}@_ZNK4nodeeqERKS_
// CHECK-COUNT-2: call i64 @llvm.ptrauth.auth
// CHECK: icmp eq ptr
