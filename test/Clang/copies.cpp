// RUN: %clangxx -std=c++20 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s
// RUN: %clangxx -std=c++17 -S -emit-llvm -Xclang -disable-llvm-passes %s -o - | FileCheck %s

// Every copy re-encodes, of whatever class holds the pointer.
#include <perdure/perdure.h>
#include <utility>

struct PERDURE node { node *next; long v; };
struct holder { node n; int more; };
struct derived : node { int more; };
template <class T> struct PERDURE box { T *p[2]; };
struct PERDURE defaulted {
  defaulted *p;
  defaulted(const defaulted &);
  defaulted &operator=(const defaulted &) = default;
};
defaulted::defaulted(const defaulted &) = default;
void use(...);

// CHECK-LABEL: define {{.*}}@_Z6recordR4node
// CHECK: call void @_ZN4nodeC2ERKS_
// CHECK: call {{.*}}@_ZN4nodeaSEOS_
// CHECK-LABEL: define {{.*}}@_ZN4nodeC2ERKS_
// CHECK: call i64 @llvm.ptrauth.resign
void record(node &n) { node a = n; n = std::move(a); }
// CHECK-LABEL: define {{.*}}@_Z6memberR6holder
// CHECK: call void @_ZN6holderC2ERKS_
void member(holder &h) { holder a = h; }
// CHECK-LABEL: define {{.*}}@_Z4baseR7derived
// CHECK: call void @_ZN7derivedC2ERKS_
// CHECK: call {{.*}}@_ZN7derivedaSERKS_
void base(derived &d) { derived a = d; d = a; }
// CHECK-LABEL: define {{.*}}@_Z8instanceR3boxIiE
// CHECK: call void @_ZN3boxIiEC2ERKS0_
void instance(box<int> &b) { box<int> a = b; }
// CHECK-LABEL: define {{.*}}@_Z6resultR4node(ptr {{.*}}sret(%struct.node)
node result(node &n) { return n; }
// CHECK-LABEL: define {{.*}}@_Z8argument4node(ptr {{[^,]*}}%
void argument(node n) { n.v = 1; }
// CHECK-LABEL: define {{.*}}@_Z7capture
// CHECK: call void @_ZN4nodeC2ERKS_
// CHECK: call void @"_ZZ7captureR4nodeEN3$_0C2ERKS1_"
// CHECK-LABEL: define {{.*}}@"_ZZ7captureR4nodeEN3$_0C2ERKS1_"
// CHECK: call void @_ZN4nodeC2ERKS_
void capture(node &n) {
  auto closure = [n] { return n.next; };
  [closure] { auto copy = closure; use(copy()); }();
}
