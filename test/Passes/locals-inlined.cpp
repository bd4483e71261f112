// A copy that inlining brings to a local is resolved as one to volatile memory:
// no re-encode out of line.
// RUN: %clangxx -std=c++17 -O2 -S %s -o - | FileCheck %s
struct [[perdure::persistent]] node {
  node *next;
  long value;
};
// CHECK-LABEL: _Z4copyP4node:
// CHECK-NOT: __perdure_reencode_cold
// CHECK-NOT: __perdure_encode_cold
// CHECK: .cfi_endproc
long copy(node *n) {
  node local = *n;
  return local.value + local.next->value;
}
