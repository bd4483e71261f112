// LLVM dialect that is valid, and not Clang's: nothing is raised, and nothing breaks.
// RUN: perdure-opt %s --perdure-raise --split-input-file | FileCheck %s

// A function of that name, and another type.
// CHECK-LABEL: @other_function
llvm.func @perdure.decode(i64, !llvm.ptr, i32)
llvm.func @other_function(%b: i64, %c: !llvm.ptr) {
  %n = llvm.mlir.constant(0 : i32) : i32
  // CHECK: llvm.call @perdure.decode
  llvm.call @perdure.decode(%b, %c, %n) : (i64, !llvm.ptr, i32) -> ()
  llvm.return
}

// -----

// Structs whose size depends on the target, and pointers of another address space.
// CHECK-LABEL: @sizes
llvm.func @perdure.decode(i64, !llvm.ptr, i32) -> !llvm.ptr
llvm.func @sizes(%b: i64, %c: !llvm.ptr, %g: !llvm.ptr<1>) -> !llvm.ptr<1> {
  %n = llvm.mlir.constant(0 : i32) : i32
  %x = llvm.getelementptr inbounds %c[0, 0] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<"struct.v", (vector<[4]xi32>)>
  // CHECK: llvm.getelementptr inbounds %{{.*}} !llvm.ptr<1>, !llvm.struct<"struct.s"
  %y = llvm.getelementptr inbounds %g[0, 1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, !llvm.struct<"struct.s", (i32, i32)>
  // CHECK: perdure.decode
  %p = llvm.call @perdure.decode(%b, %x, %n) : (i64, !llvm.ptr, i32) -> !llvm.ptr
  llvm.return %y : !llvm.ptr<1>
}

// -----

// A struct and a class of one name are two types: one of them is raised.
// CHECK-LABEL: @two_of_a_name
module attributes {dlti.dl_spec = #dlti.dl_spec<!llvm.ptr = dense<64> : vector<4xi64>, i32 = dense<32> : vector<2xi64>>} {
llvm.func @perdure.decode(i64, !llvm.ptr, i32) -> !llvm.ptr
llvm.func @two_of_a_name(%b: i64, %c: !llvm.ptr, %d: !llvm.ptr) -> i32 {
  %n = llvm.mlir.constant(0 : i32) : i32
  // CHECK: perdure.field %{{.*}}["f0"] : <!S>
  %x = llvm.getelementptr inbounds %c[0, 0] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<"struct.S", (ptr, i32)>
  %p = llvm.call @perdure.decode(%b, %x, %n) : (i64, !llvm.ptr, i32) -> !llvm.ptr
  // CHECK: llvm.getelementptr inbounds %{{.*}}[0, 1] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<"class.S", (i32, i32)>
  %y = llvm.getelementptr inbounds %d[0, 1] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<"class.S", (i32, i32)>
  %v = llvm.load %y : !llvm.ptr -> i32
  llvm.return %v : i32
}
}

// -----

// Without the target's layout no struct has one.
// CHECK-LABEL: @no_layout
llvm.func @perdure.decode(i64, !llvm.ptr, i32) -> !llvm.ptr
llvm.func @no_layout(%b: i64, %c: !llvm.ptr) -> !llvm.ptr {
  %n = llvm.mlir.constant(0 : i32) : i32
  // CHECK: llvm.getelementptr
  %x = llvm.getelementptr inbounds %c[0, 1] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<"struct.S", (i32, ptr)>
  // CHECK: perdure.decode
  %p = llvm.call @perdure.decode(%b, %x, %n) : (i64, !llvm.ptr, i32) -> !llvm.ptr
  llvm.return %p : !llvm.ptr
}

// -----

// LLVM's own layout, which the import writes where there was no target: there an i64 is
// aligned to 4, and `inner` has 12 bytes, where C's has 16.
// CHECK-NOT: perdure.record<"outer"
// CHECK-LABEL: @default_layout
module attributes {dlti.dl_spec = #dlti.dl_spec<!llvm.ptr = dense<64> : vector<4xi64>, i32 = dense<32> : vector<2xi64>, i64 = dense<[32, 64]> : vector<2xi64>>} {
llvm.func @perdure.decode(i64, !llvm.ptr, i32) -> !llvm.ptr
llvm.func @default_layout(%b: i64, %c: !llvm.ptr) -> i32 {
  %n = llvm.mlir.constant(0 : i32) : i32
  // CHECK: llvm.getelementptr inbounds %{{.*}}[0, 0]
  %x = llvm.getelementptr inbounds %c[0, 0] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<"struct.outer", (ptr, struct<"struct.inner", (i32, i64)>, i32)>
  %p = llvm.call @perdure.decode(%b, %x, %n) : (i64, !llvm.ptr, i32) -> !llvm.ptr
  // CHECK: llvm.getelementptr inbounds %{{.*}}[0, 2]
  %y = llvm.getelementptr inbounds %c[0, 2] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<"struct.outer", (ptr, struct<"struct.inner", (i32, i64)>, i32)>
  %v = llvm.load %y : !llvm.ptr -> i32
  llvm.return %v : i32
}
}

// -----

// A layout that aligns to nothing.
// CHECK-LABEL: @no_alignment
module attributes {dlti.dl_spec = #dlti.dl_spec<!llvm.ptr = dense<64> : vector<4xi64>, i32 = dense<0> : vector<2xi64>>} {
llvm.func @perdure.decode(i64, !llvm.ptr, i32) -> !llvm.ptr
llvm.func @no_alignment(%b: i64, %c: !llvm.ptr) -> !llvm.ptr {
  %n = llvm.mlir.constant(0 : i32) : i32
  // CHECK: llvm.getelementptr
  %x = llvm.getelementptr inbounds %c[0, 1] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<"struct.S", (i32, ptr)>
  %p = llvm.call @perdure.decode(%b, %x, %n) : (i64, !llvm.ptr, i32) -> !llvm.ptr
  llvm.return %p : !llvm.ptr
}
}

// -----

// A struct that holds itself has no size.
// CHECK-LABEL: @recursive
module attributes {dlti.dl_spec = #dlti.dl_spec<!llvm.ptr = dense<64> : vector<4xi64>>} {
llvm.func @perdure.decode(i64, !llvm.ptr, i32) -> !llvm.ptr
llvm.func @recursive(%b: i64, %c: !llvm.ptr) -> !llvm.ptr {
  %n = llvm.mlir.constant(0 : i32) : i32
  // CHECK: llvm.getelementptr
  %x = llvm.getelementptr inbounds %c[0, 0] : (!llvm.ptr) -> !llvm.ptr, !llvm.struct<"struct.R", (ptr, struct<"struct.R">)>
  %p = llvm.call @perdure.decode(%b, %x, %n) : (i64, !llvm.ptr, i32) -> !llvm.ptr
  llvm.return %p : !llvm.ptr
}
}

// -----

// Where no block comes, values are made of themselves.
// CHECK-LABEL: @unreachable
llvm.func @perdure.decode(i64, !llvm.ptr, i32) -> !llvm.ptr
llvm.func @unreachable(%b: i64, %c: !llvm.ptr) {
  %n = llvm.mlir.constant(0 : i32) : i32
  llvm.return
^dead:
  %f = llvm.freeze %f : i64
  %a = llvm.getelementptr inbounds %a[0, 1] : (!llvm.ptr) -> !llvm.ptr, !llvm.array<4 x i32>
  %p = llvm.call @perdure.decode(%f, %a, %n) : (i64, !llvm.ptr, i32) -> !llvm.ptr
  llvm.br ^dead
}
