// Everything that can be written is read back as it was.
// RUN: perdure-opt %s | perdure-opt | FileCheck %s
// RUN: perdure-opt %s --mlir-print-op-generic | perdure-opt | FileCheck %s
// RUN: perdure-opt %s --emit-bytecode | perdure-opt | FileCheck %s

// CHECK-DAG: !list = !perdure.record<"list", body {head: !perdure.ptr<!node>, count: index, mine: !perdure.native<i8>}>
// CHECK-DAG: !node = !perdure.record<"node", body {next: !perdure.ptr<!perdure.record<"node">>, value: i64}>
// CHECK-DAG: !wide = !perdure.record<"wide", "inverted", body align 64 {a: i8, b: i32 at 8, "with space": !perdure.array<3xi16>, rest: !perdure.array<?x!perdure.ptr<i8>>}>
!node = !perdure.record<"node", body {next: !perdure.ptr<!perdure.record<"node">>, value: i64}>
!list = !perdure.record<"list", body {head: !perdure.ptr<!node>, count: index, mine: !perdure.native<i8>}>
!wide = !perdure.record<"wide", "inverted", body align 64 {
  a: i8, b: i32 at 8, "with space": !perdure.array<3xi16>, rest: !perdure.array<?x!perdure.ptr<i8>>}>
!later = !perdure.record<"later">

// CHECK: module attributes {perdure.reduce_flips = #perdure.reduce_flips<"silent", "merge">}
module attributes {perdure.reduce_flips = #perdure.reduce_flips<"silent", "merge">} {

// CHECK-LABEL: func.func @translate
func.func @translate(%list: !perdure.native<!list>, %n: !perdure.native<!node>) -> i1 {
  // CHECK: %[[AT:.*]] = perdure.field %{{.*}}["head"] : <!list>
  %at = perdure.field %list["head"] : !perdure.native<!list>
  // CHECK: %[[BITS:.*]] = perdure.load %[[AT]] : <!perdure.ptr<!node>>
  %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
  // CHECK: perdure.decode %[[BITS]] at %[[AT]] : !perdure.ptr<!node>
  %head = perdure.decode %bits at %at : !perdure.ptr<!node>
  // CHECK: %[[BASE:.*]] = perdure.base %[[AT]] : !perdure.native<!perdure.ptr<!node>>
  %base = perdure.base %at : !perdure.native<!perdure.ptr<!node>>
  // CHECK: perdure.decode %[[BITS]] at %[[BASE]] : !perdure.ptr<!node>, !perdure.base
  %again = perdure.decode %bits at %base : !perdure.ptr<!node>, !perdure.base
  // CHECK: %[[NEXT:.*]] = perdure.field
  %next = perdure.field %n["next"] : !perdure.native<!node>
  // CHECK: perdure.encode %{{.*}} at %[[NEXT]] : !perdure.ptr<!node>
  %new = perdure.encode %head at %next : !perdure.ptr<!node>
  // CHECK: perdure.encode %{{.*}} at %[[BASE]] : !perdure.ptr<!node>, !perdure.base
  %too = perdure.encode %n at %base : !perdure.ptr<!node>, !perdure.base
  // CHECK: perdure.reencode %[[BITS]] from %[[AT]] to %[[NEXT]] : !perdure.ptr<!node>
  %copy = perdure.reencode %bits from %at to %next : !perdure.ptr<!node>
  // CHECK: perdure.reencode %[[BITS]] from %[[BASE]] to %[[NEXT]] : !perdure.ptr<!node>, !perdure.base, !perdure.native<!perdure.ptr<!node>>
  %other = perdure.reencode %bits from %base to %next
      : !perdure.ptr<!node>, !perdure.base, !perdure.native<!perdure.ptr<!node>>
  // CHECK: perdure.store %{{.*}}, %[[NEXT]] : <!perdure.ptr<!node>>
  perdure.store %new, %next : !perdure.native<!perdure.ptr<!node>>
  // CHECK: perdure.store silent %{{.*}}, %[[NEXT]]
  perdure.store silent %copy, %next : !perdure.native<!perdure.ptr<!node>>
  // CHECK: perdure.null : !perdure.native<!node>
  %null = perdure.null : !perdure.native<!node>
  // CHECK: perdure.null : !perdure.ptr<!node>
  %none = perdure.null : !perdure.ptr<!node>
  // CHECK: perdure.is_null %[[BITS]] : !perdure.ptr<!node>
  %is = perdure.is_null %bits : !perdure.ptr<!node>
  // CHECK: perdure.equal %{{.*}}, %{{.*}} : <!node>
  %same = perdure.equal %null, %n : !perdure.native<!node>
  return %same : i1
}

// CHECK-LABEL: func.func @old_bits
// CHECK-SAME: !perdure.native<!wide>
func.func @old_bits(%w: !perdure.native<!wide>, %p: !perdure.native<i8>, %i: i32,
                    %l: !perdure.native<!later>) {
  %rest = perdure.field %w["rest"] : !perdure.native<!wide>
  // CHECK: perdure.element %{{.*}}[%{{.*}} : i32] : <!perdure.array<?x!perdure.ptr<i8, "inverted">>>
  %e = perdure.element %rest[%i : i32] : !perdure.native<!perdure.array<?x!perdure.ptr<i8, "inverted">>>
  // CHECK: %[[OLD:.*]] = perdure.load %[[E:.*]] : <!perdure.ptr<i8, "inverted">>
  %old = perdure.load %e : !perdure.native<!perdure.ptr<i8, "inverted">>
  // CHECK: perdure.encode %{{.*}} at %[[E]] old %[[OLD]] : !perdure.ptr<i8, "inverted">
  %new = perdure.encode %p at %e old %old : !perdure.ptr<i8, "inverted">
  // CHECK: perdure.reencode %{{.*}} from %[[E]] to %[[E]] old %[[OLD]] : !perdure.ptr<i8, "inverted">
  %re = perdure.reencode %new from %e to %e old %old : !perdure.ptr<i8, "inverted">
  perdure.store %re, %e : !perdure.native<!perdure.ptr<i8, "inverted">>
  // CHECK: perdure.load %{{.*}} {may_alias}
  %byte = perdure.load %p {may_alias} : !perdure.native<i8>
  return
}

// CHECK-LABEL: func.func @blocks
func.func @blocks(%list: !perdure.native<!list>, %n: index) {
  // CHECK: perdure.transaction {
  perdure.transaction {
    // CHECK: perdure.alloc near %{{.*}} : <!list> -> <!node>
    %one = perdure.alloc near %list : !perdure.native<!list> -> !perdure.native<!node>
    // CHECK: perdure.alloc[%{{.*}}] near %{{.*}} : <!list> -> <f64>
    %many = perdure.alloc[%n] near %list : !perdure.native<!list> -> !perdure.native<f64>
    // CHECK: perdure.free %{{.*}} : <f64>
    perdure.free %many : !perdure.native<f64>
    // CHECK-NOT: perdure.end
  }
  return
}

// CHECK-LABEL: func.func @memrefs
func.func @memrefs(%a: !perdure.native<!perdure.ptr<!node>>, %n: index, %i: index) -> !llvm.ptr {
  // CHECK: perdure.to_memref %{{.*}}[%{{.*}}] : <!perdure.ptr<!node>> to memref<?x!perdure.ptr<!node>, #perdure.space>
  %m = perdure.to_memref %a[%n] : !perdure.native<!perdure.ptr<!node>> to memref<?x!perdure.ptr<!node>, #perdure.space>
  // CHECK: perdure.at %{{.*}}[%{{.*}}] : memref<?x!perdure.ptr<!node>, #perdure.space>
  %e = perdure.at %m[%i] : memref<?x!perdure.ptr<!node>, #perdure.space>
  // CHECK: perdure.base %{{.*}} : memref<?x!perdure.ptr<!node>, #perdure.space>
  %b = perdure.base %m : memref<?x!perdure.ptr<!node>, #perdure.space>
  // CHECK: perdure.cast %{{.*}} : !perdure.base to !llvm.ptr
  %p = perdure.cast %b : !perdure.base to !llvm.ptr
  // CHECK: perdure.cast %{{.*}} : i64 to !perdure.ptr<i64, "xor">
  %zero = arith.constant 0 : i64
  %x = perdure.cast %zero : i64 to !perdure.ptr<i64, "xor">
  return %p : !llvm.ptr
}
}
