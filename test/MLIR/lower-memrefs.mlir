// Memrefs whose elements lie in objects: accesses of the dialect, in loops by the
// base that the descriptor carries.
// RUN: perdure-opt %s --perdure-lower-memrefs | FileCheck %s
// RUN: perdure-opt %s --perdure-to-llvm | FileCheck %s --check-prefix=LLVM
!p = !perdure.ptr<i64>

// CHECK-LABEL: @sum
// CHECK-SAME: (%[[M:.*]]: memref<?x!perdure.ptr<i64>, #perdure.space>
// LLVM-LABEL: llvm.func @sum
// The descriptor's allocated pointer, which nobody frees, is the base.
// LLVM-SAME: (%[[BASE:.*]]: !llvm.ptr, %[[ALIGNED:.*]]: !llvm.ptr,
func.func @sum(%m: memref<?x!p, #perdure.space>) -> i64 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant 0 : i64
  %n = memref.dim %m, %zero : memref<?x!p, #perdure.space>
  %sum = scf.for %i = %zero to %n step %one iter_args(%s = %none) -> i64 {
    // CHECK: %[[E:.*]] = perdure.at %[[M]][%{{.*}}]
    // Others may look at it as something else.
    // CHECK: %[[BITS:.*]] = perdure.load %[[E]] {may_alias} : <!perdure.ptr<i64>>
    %bits = memref.load %m[%i] : memref<?x!p, #perdure.space>
    %e = perdure.at %m[%i] : memref<?x!p, #perdure.space>
    // LLVM: llvm.call @perdure.decode(%{{.*}}, %[[BASE]], %{{.*}})
    %p = perdure.decode %bits at %e : !p
    %v = perdure.load %p : !perdure.native<i64>
    %t = arith.addi %s, %v : i64
    scf.yield %t : i64
  }
  return %sum : i64
}

// Two dimensions, of which one is known; the element is found by the strides.
// LLVM-LABEL: llvm.func @rows
func.func @rows(%a: !perdure.native<f64>, %n: index, %i: index, %v: f64) {
  // LLVM: llvm.call @perdure.base(%arg0)
  // LLVM: llvm.mul
  // LLVM: llvm.getelementptr inbounds %{{.*}}[%{{.*}}] : {{.*}} f64
  %m = perdure.to_memref %a[%n] : !perdure.native<f64> to memref<?x4xf64, #perdure.space>
  // CHECK: perdure.at
  // CHECK: perdure.store %{{.*}}, %{{.*}} : <f64>
  memref.store %v, %m[%i, %i] : memref<?x4xf64, #perdure.space>
  return
}

// Others are upstream's.
// CHECK-LABEL: @elsewhere
func.func @elsewhere(%m: memref<?xi64>, %i: index) -> i64 {
  // CHECK: memref.load
  %v = memref.load %m[%i] : memref<?xi64>
  return %v : i64
}
