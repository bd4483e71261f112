// The dialect to the LLVM dialect: calls of the early contract, and addresses.
// RUN: perdure-opt %s --convert-perdure-to-llvm --split-input-file --canonicalize | FileCheck %s
// The same by upstream's pass, through the dialect's interface.
// RUN: perdure-opt %s --convert-to-llvm --split-input-file --canonicalize | FileCheck %s

!node = !perdure.record<"node", body {next: !perdure.ptr<!perdure.record<"node">>, value: i32, names: !perdure.array<4x!perdure.array<3xi16>>}>

// CHECK-LABEL: llvm.func @translate
// CHECK-SAME: (%[[N:.*]]: !llvm.ptr, %[[P:.*]]: !llvm.ptr, %[[L:.*]]: !llvm.ptr)
func.func @translate(%n: !perdure.native<!node>, %p: !perdure.native<!node>, %l: !perdure.native<!perdure.ptr<i8, "lazy-null">>) -> !perdure.ptr<!node> {
  // CHECK-DAG: %[[OBJECT:.*]] = llvm.mlir.constant(0 : i32) : i32
  // CHECK-DAG: %[[LAZY:.*]] = llvm.mlir.constant(7 : i32) : i32
  // CHECK-DAG: %[[ZERO:.*]] = llvm.mlir.constant(0 : i64) : i64
  %at = perdure.field %n["next"] : !perdure.native<!node>
  // CHECK: %[[LOADED:.*]] = llvm.load %[[N]] {alignment = 8 : i64, tbaa = [#{{.*}}]} : !llvm.ptr -> i64
  // CHECK: %[[BITS:.*]] = llvm.freeze %[[LOADED]]
  %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
  // CHECK: %[[NEXT:.*]] = llvm.call @perdure.decode(%[[BITS]], %[[N]], %[[OBJECT]]) : (i64, !llvm.ptr, i32) -> !llvm.ptr
  %next = perdure.decode %bits at %at : !perdure.ptr<!node>
  // CHECK: llvm.call @perdure.encode(%[[P]], %[[NEXT]], %[[ZERO]], %[[OBJECT]]) : (!llvm.ptr, !llvm.ptr, i64, i32) -> i64
  %to = perdure.field %next["next"] : !perdure.native<!node>
  %new = perdure.encode %p at %to : !perdure.ptr<!node>
  // CHECK: llvm.store %{{.*}}, %[[NEXT]] {alignment = 8 : i64, tbaa = [#{{.*}}]} : i64, !llvm.ptr
  perdure.store %new, %to : !perdure.native<!perdure.ptr<!node>>
  // CHECK: %[[BASE:.*]] = llvm.call @perdure.base(%[[P]]) : (!llvm.ptr) -> !llvm.ptr
  %base = perdure.base %p : !perdure.native<!node>
  // CHECK: llvm.call @perdure.reencode(%[[BITS]], %[[N]], %[[BASE]], %[[ZERO]], %[[OBJECT]]) : (i64, !llvm.ptr, !llvm.ptr, i64, i32) -> i64
  %copy = perdure.reencode %bits from %at to %base : !perdure.ptr<!node>, !perdure.native<!perdure.ptr<!node>>, !perdure.base
  // CHECK: %[[HELD:.*]] = llvm.freeze
  %old = perdure.load %l : !perdure.native<!perdure.ptr<i8, "lazy-null">>
  // CHECK: llvm.call @perdure.encode(%{{.*}}, %[[L]], %[[HELD]], %[[LAZY]])
  %null = perdure.null : !perdure.native<i8>
  %lazy = perdure.encode %null at %l old %old : !perdure.ptr<i8, "lazy-null">
  perdure.store %lazy, %l : !perdure.native<!perdure.ptr<i8, "lazy-null">>
  return %copy : !perdure.ptr<!node>
}

// CHECK-LABEL: llvm.func @places
func.func @places(%n: !perdure.native<!node>, %i: index) -> i16 {
  // CHECK: %[[VALUE:.*]] = llvm.getelementptr inbounds %arg0[8] : (!llvm.ptr) -> !llvm.ptr, i8
  %value = perdure.field %n["value"] : !perdure.native<!node>
  // CHECK: llvm.load %[[VALUE]] {alignment = 4 : i64
  %v = perdure.load %value : !perdure.native<i32>
  // CHECK: %[[NAMES:.*]] = llvm.getelementptr inbounds %arg0[12]
  %names = perdure.field %n["names"] : !perdure.native<!node>
  // CHECK: %[[ROW:.*]] = llvm.getelementptr inbounds %[[NAMES]][%arg1] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<6 x i8>
  %row = perdure.element %names[%i : index] : !perdure.native<!perdure.array<4x!perdure.array<3xi16>>>
  // CHECK: %[[E:.*]] = llvm.getelementptr inbounds %[[ROW]][%arg1] : (!llvm.ptr, i64) -> !llvm.ptr, i16
  %e = perdure.element %row[%i : index] : !perdure.native<!perdure.array<3xi16>>
  // CHECK: llvm.load %[[E]] {alignment = 2 : i64
  %s = perdure.load %e : !perdure.native<i16>
  // CHECK: llvm.getelementptr inbounds %arg0[%arg1] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<40 x i8>
  %second = perdure.element %n[%i : index] : !perdure.native<!node>
  %at = perdure.field %second["value"] : !perdure.native<!node>
  perdure.store %v, %at : !perdure.native<i32>
  return %s : i16
}

// CHECK-LABEL: llvm.func @tests
func.func @tests(%p: !perdure.native<!node>, %q: !perdure.native<!node>, %b: !perdure.ptr<!node>) -> (i1, i1, i1) {
  // CHECK-DAG: llvm.icmp "eq" %arg0, %{{.*}} : !llvm.ptr
  %one = perdure.is_null %p : !perdure.native<!node>
  // CHECK-DAG: llvm.icmp "eq" %arg2, %{{.*}} : i64
  %two = perdure.is_null %b : !perdure.ptr<!node>
  // CHECK-DAG: llvm.icmp "eq" %arg0, %arg1 : !llvm.ptr
  %three = perdure.equal %p, %q : !perdure.native<!node>
  return %one, %two, %three : i1, i1, i1
}

// A size that does not fit is one that nobody has room for.
// CHECK-LABEL: llvm.func @blocks
func.func @blocks(%p: !perdure.native<!node>, %n: index) -> !perdure.native<!node> {
  // CHECK-DAG: %[[SIZE:.*]] = llvm.mlir.constant(40 : i64) : i64
  // CHECK-DAG: %[[MOST:.*]] = llvm.mlir.constant(-1 : i64) : i64
  // CHECK: llvm.call @perdure_alloc(%arg0, %[[SIZE]]) : (!llvm.ptr, i64) -> !llvm.ptr
  %one = perdure.alloc near %p : !perdure.native<!node> -> !perdure.native<!node>
  // CHECK: %[[PAIR:.*]] = "llvm.intr.umul.with.overflow"(%arg1, %[[SIZE]])
  // CHECK: %[[BYTES:.*]] = llvm.extractvalue %[[PAIR]][0]
  // CHECK: %[[OVER:.*]] = llvm.extractvalue %[[PAIR]][1]
  // CHECK: %[[CHOSEN:.*]] = llvm.select %[[OVER]], %[[MOST]], %[[BYTES]]
  // CHECK: llvm.call @perdure_alloc(%arg0, %[[CHOSEN]])
  %many = perdure.alloc[%n] near %p : !perdure.native<!node> -> !perdure.native<!node>
  // CHECK: llvm.call @perdure_free(%{{.*}}) : (!llvm.ptr) -> ()
  perdure.free %one : !perdure.native<!node>
  return %many : !perdure.native<!node>
}

// Pointers that branches carry.
// CHECK-LABEL: llvm.func @branches
func.func @branches(%p: !perdure.native<i64>, %b: !perdure.ptr<i64>, %f: !perdure.ptr<i64>) -> !perdure.base {
  %base = perdure.base %p : !perdure.native<i64>
  // CHECK: llvm.br ^[[L:.*]](%arg0, %arg1, %{{.*}} : !llvm.ptr, i64, !llvm.ptr)
  cf.br ^loop(%p, %b, %base : !perdure.native<i64>, !perdure.ptr<i64>, !perdure.base)
// CHECK: ^[[L]](%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr):
^loop(%q: !perdure.native<i64>, %d: !perdure.ptr<i64>, %e: !perdure.base):
  %next = perdure.decode %d at %e : !perdure.ptr<i64>, !perdure.base
  %g = perdure.base %next : !perdure.native<i64>
  %z = perdure.is_null %q : !perdure.native<i64>
  cf.cond_br %z, ^loop(%next, %f, %g : !perdure.native<i64>, !perdure.ptr<i64>, !perdure.base), ^done
^done:
  return %g : !perdure.base
}

// -----

// Types alias as they do in C: bytes with all, others with themselves.
// CHECK-DAG: #[[ROOT:.*]] = #llvm.tbaa_root<id = "perdure">
// CHECK-DAG: #[[BYTE:.*]] = #llvm.tbaa_type_desc<id = "i8", members = {<#[[ROOT]], 0>}>
// CHECK-DAG: #[[F64:.*]] = #llvm.tbaa_type_desc<id = "f64", members = {<#[[BYTE]], 0>}>
// CHECK-DAG: #[[TAG8:.*]] = #llvm.tbaa_tag<base_type = #[[BYTE]], access_type = #[[BYTE]], offset = 0>
// CHECK-DAG: #[[TAGF:.*]] = #llvm.tbaa_tag<base_type = #[[F64]], access_type = #[[F64]], offset = 0>
// CHECK-LABEL: llvm.func @aliases
func.func @aliases(%b: !perdure.native<i8>, %f: !perdure.native<f64>, %v: !perdure.native<vector<4xf32>>) -> (i8, f64, f64, vector<4xf32>) {
  // CHECK: llvm.load %arg0 {alignment = 1 : i64, tbaa = [#[[TAG8]]]}
  %byte = perdure.load %b : !perdure.native<i8>
  // CHECK: llvm.load %arg1 {alignment = 8 : i64, tbaa = [#[[TAGF]]]}
  %real = perdure.load %f : !perdure.native<f64>
  // CHECK: llvm.load %arg1 {alignment = 8 : i64} : !llvm.ptr -> f64
  %any = perdure.load %f {may_alias} : !perdure.native<f64>
  // CHECK: llvm.load %arg2 {alignment = 16 : i64} : !llvm.ptr -> vector<4xf32>
  %vector = perdure.load %v : !perdure.native<vector<4xf32>>
  return %byte, %real, %any, %vector : i8, f64, f64, vector<4xf32>
}
