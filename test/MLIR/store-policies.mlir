// Which stores are marked, and how one is made.
// RUN: perdure-opt %s --perdure-store-policies | FileCheck %s
// RUN: perdure-opt %s --perdure-store-policies=all | FileCheck %s --check-prefix=ALL
// RUN: perdure-opt %s --perdure-store-policies --convert-scf-to-cf --convert-perdure-to-llvm | FileCheck %s --check-prefix=LLVM
// RUN: sed 's/"silent", //' %s | perdure-opt --perdure-store-policies | FileCheck %s --check-prefix=NONE
// NONE-NOT: store silent

module attributes {perdure.reduce_flips = #perdure.reduce_flips<"silent", "padding">} {

// What was loaded before may be what is stored.
// CHECK-LABEL: @overwrites
// LLVM-LABEL: @overwrites
func.func @overwrites(%p: !perdure.native<f64>, %q: !perdure.native<f64>, %v: f64) -> f64 {
  %old = perdure.load %p : !perdure.native<f64>
  %sum = arith.addf %old, %v : f64
  // CHECK: perdure.store silent %{{.*}}, %arg0
  // By bits: a NaN is itself, and -0.0 is not 0.0.
  // What is not initialised decides no branch.
  // LLVM: %[[NEW:.*]] = llvm.freeze %{{.*}} : f64
  // LLVM: %[[BITS:.*]] = llvm.bitcast %[[NEW]] : f64 to i64
  // LLVM: %[[LOADED:.*]] = llvm.load %arg0 {{.*}} -> i64
  // LLVM: %[[HELD:.*]] = llvm.freeze %[[LOADED]] : i64
  // LLVM: %[[NE:.*]] = llvm.icmp "ne" %[[HELD]], %[[BITS]] : i64
  // LLVM: llvm.cond_br %[[NE]], ^[[STORE:.*]], ^[[ON:.*]]
  // LLVM: ^[[STORE]]:
  // LLVM-NEXT: llvm.store %[[NEW]], %arg0
  // LLVM-NEXT: llvm.br ^[[ON]]
  // LLVM: ^[[ON]]:
  // LLVM-NEXT: llvm.store %{{.*}}, %arg1
  perdure.store %sum, %p : !perdure.native<f64>
  // CHECK: perdure.store %{{.*}}, %arg1
  // ALL: perdure.store silent %{{.*}}, %arg1
  perdure.store %sum, %q : !perdure.native<f64>
  return %old : f64
}

// A load behind the store, or on another way, says nothing of it.
// CHECK-LABEL: @not_before
func.func @not_before(%p: !perdure.native<i64>, %v: i64, %c: i1) -> i64 {
  scf.if %c {
    %seen = perdure.load %p : !perdure.native<i64>
    perdure.store %seen, %p {may_alias} : !perdure.native<i64>
  }
  // CHECK: {{^ *}}}
  // CHECK-NEXT: perdure.store %
  perdure.store %v, %p : !perdure.native<i64>
  %old = perdure.load %p : !perdure.native<i64>
  return %old : i64
}
}
// LLVM: llvm.module_flags [#llvm.mlir.module_flag<max, "perdure.reduce.silent", 1 : i32>, #llvm.mlir.module_flag<max, "perdure.reduce.padding", 1 : i32>]
