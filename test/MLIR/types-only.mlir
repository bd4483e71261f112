// The dialect in types alone, a name that is taken, flags that are there: converted, too.
// RUN: perdure-opt %s --convert-perdure-to-llvm=slot-bits=30 --split-input-file | FileCheck %s

// CHECK-LABEL: llvm.func @types
// CHECK-SAME: (%{{.*}}: !llvm.ptr, %{{.*}}: i64) -> !llvm.ptr
func.func @types(%p: !perdure.native<i64>, %b: !perdure.ptr<i64>) -> !perdure.native<i64> {
  // CHECK: llvm.return
  return %p : !perdure.native<i64>
}
// CHECK: llvm.module_flags [#llvm.mlir.module_flag<error, "perdure.slot.bits", 30 : i32>]

// -----

// CHECK-LABEL: llvm.func @taken
func.func @taken(%p: !perdure.native<i64>) -> !perdure.native<i64> {
  // CHECK: llvm.call @perdure_alloc(%{{.*}}, %{{.*}}) : (!llvm.ptr, i64) -> !llvm.ptr
  %q = perdure.alloc near %p : !perdure.native<i64> -> !perdure.native<i64>
  return %q : !perdure.native<i64>
}
// CHECK: llvm.func @perdure_alloc(!llvm.ptr, i64) -> !llvm.ptr
// CHECK-NOT: perdure_alloc
func.func private @perdure_alloc(!llvm.ptr, i64) -> !llvm.ptr
// The one that came along is kept.
// CHECK: "perdure.slot.bits", 35
// CHECK-NOT: "perdure.slot.bits", 30
llvm.module_flags [#llvm.mlir.module_flag<error, "perdure.slot.bits", 35 : i32>]

// -----

// A transaction in a function of the LLVM dialect, and one in a module of its own.
// CHECK-LABEL: llvm.func @raised
llvm.func @raised(%p: !llvm.ptr) {
  %one = llvm.mlir.constant(1 : i64) : i64
  // CHECK: llvm.call @raised.transaction
  perdure.transaction {
    %n = perdure.cast %p : !llvm.ptr to !perdure.native<i64>
    perdure.store %one, %n : !perdure.native<i64>
  }
  llvm.return
}

// -----

// A field farther away than a constant index reaches.
// CHECK-LABEL: llvm.func @far
func.func @far(%p: !perdure.native<!perdure.record<"far", body {a: !perdure.array<4294967296xi8>, b: i64}>>) -> i64 {
  // CHECK: %[[FAR:.*]] = llvm.mlir.constant(4294967296 : i64) : i64
  // CHECK: llvm.getelementptr inbounds %arg0[%[[FAR]]]
  %b = perdure.field %p["b"] : !perdure.native<!perdure.record<"far">>
  %v = perdure.load %b : !perdure.native<i64>
  return %v : i64
}
