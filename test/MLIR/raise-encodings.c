// Encodings come along: of fields, as C says, by number in the contract, by name here.
// RUN: %clang -O1 -Xclang -disable-llvm-passes -emit-llvm -S %s -o %t.ll
// RUN: %opt -passes='perdure-raise,function(sroa)' -S %t.ll -o %t.early.ll
// RUN: perdure-translate --import-llvm %t.early.ll | perdure-opt --perdure-raise --canonicalize | FileCheck %s
#include <perdure/perdure.h>
struct __attribute__((perdure_persistent("xor"))) x { struct x *next; };
struct __attribute__((perdure_persistent("lazy-null"))) z { struct z *next; };
// CHECK-DAG: !x = !perdure.record<"x", body {f0: !perdure.ptr<!perdure.record<"x">, "xor">}>
// CHECK-DAG: !z = !perdure.record<"z", body {f0: !perdure.ptr<!perdure.record<"z">, "lazy-null">}>
// CHECK-LABEL: llvm.func @xor
// CHECK: perdure.decode %{{.*}} at %{{.*}} : !perdure.ptr<!x, "xor">
struct x *xor(struct x *n) { return n->next->next; }
// What the place held goes along.
// CHECK-LABEL: llvm.func @lazy
// CHECK: perdure.encode %{{.*}} at %[[AT:.*]] old %{{.*}} : !perdure.ptr<!z, "lazy-null">
void lazy(struct z *n, struct z *m) { n->next = m; }
