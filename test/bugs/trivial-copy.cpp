// RUN: %clangxx -std=c++20 -fplugin-arg-perdure-no-repairs -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s
// RUN: %clangxx -std=c++20 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s --check-prefix=REPAIRED
// RUN: %cxx -std=c++20 -target arm64-apple-ios -fptrauth-intrinsics -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s

// Clang 22 takes explicitly defaulted copies of a class with an address
// discriminated pointer for trivial, and copies bytes. When the first or the
// third RUN fails, Clang has been repaired: remove clang-plugin/TrivialCopies.cpp.
#ifdef __PERDURE__
#define NEXT node *next __attribute__((perdure_persistent))
#else
#define NEXT node *__ptrauth(2, 1, 100) next
#endif
struct node {
  node(const node &) = default;
  node &operator=(const node &) = default;
  NEXT;
};

// CHECK-LABEL: define {{.*}}@_Z6assignR4nodeS0_
// CHECK: call void @llvm.memcpy
// REPAIRED-LABEL: define {{.*}}@_Z6assignR4nodeS0_
// REPAIRED: call {{.*}}@_ZN4nodeaSERKS_
void assign(node &a, node &b) { a = b; }
