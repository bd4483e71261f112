// Pointers move inside their object, from one field to another and in a memref, where
// `object` has one value for all of it, and MLIR's folds make plain copies of them. In
// each encoding they lead where they led.
// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: perdure-opt %s --inline --canonicalize --cse | FileCheck %s --check-prefix=FOLDED
// FOLDED-LABEL: @move
// FOLDED: %[[BITS:.*]] = perdure.load
// FOLDED-NOT: code
// FOLDED: perdure.store %[[BITS]]
// FOLDED: return
// RUN: sh %S/Inputs/encodings.sh %perdure_cc "%window_low" 85 %s object self-relative strict xor \
// RUN:   lazy-null inverted xor-lazy-null-inverted fat-lookup
// One record in one encoding, what holds it in another.
// RUN: perdure-opt %s --inline --canonicalize --cse --perdure-choose-encodings=encodings=node=xor,outer=self-relative --perdure-to-llvm \
// RUN:   | perdure-translate --mlir-to-llvmir -o two.ll && %perdure_cc -O1 two.ll -o two
// RUN: mkdir two.d && cd two.d && %window_low sh -c '../two; test $? = 85'

!node = !perdure.record<"node", body {l: !perdure.ptr<!perdure.record<"node">>, r: !perdure.ptr<!perdure.record<"node">>, e: !perdure.array<4x!perdure.ptr<!perdure.record<"node">>>, value: i32}>
!outer = !perdure.record<"outer", body {n: !node, last: !perdure.ptr<!node>}>

llvm.mlir.global internal constant @store("store\00") {addr_space = 0 : i32}
llvm.mlir.global internal constant @name("outer\00") {addr_space = 0 : i32}
llvm.func @perdure_store_open(!llvm.ptr, i32) -> !llvm.ptr
llvm.func @perdure_create(!llvm.ptr, !llvm.ptr, i64, i32) -> !llvm.ptr
llvm.func @perdure_store_close(!llvm.ptr)

func.func @move(%n: !perdure.native<!node>) {
  %l = perdure.field %n["l"] : !perdure.native<!node>
  %bits = perdure.load %l : !perdure.native<!perdure.ptr<!node>>
  %p = perdure.decode %bits at %l : !perdure.ptr<!node>
  %r = perdure.field %n["r"] : !perdure.native<!node>
  %new = perdure.encode %p at %r : !perdure.ptr<!node>
  perdure.store %new, %r : !perdure.native<!perdure.ptr<!node>>
  %null = perdure.null : !perdure.native<!node>
  %none = perdure.encode %null at %l : !perdure.ptr<!node>
  perdure.store %none, %l : !perdure.native<!perdure.ptr<!node>>
  return
}

// From an element to another, and whether it is null there.
func.func @copy(%n: !perdure.native<!node>, %from: index, %to: index) -> i1 {
  %zero = arith.constant 0 : index
  %four = arith.constant 4 : index
  %a = perdure.field %n["e"] : !perdure.native<!node>
  %first = perdure.element %a[%zero : index] : !perdure.native<!perdure.array<4x!perdure.ptr<!node>>>
  %m = perdure.to_memref %first[%four] : !perdure.native<!perdure.ptr<!node>> to memref<?x!perdure.ptr<!node>, #perdure.space>
  %x = perdure.at %m[%from] : memref<?x!perdure.ptr<!node>, #perdure.space>
  %bits = memref.load %m[%from] : memref<?x!perdure.ptr<!node>, #perdure.space>
  %p = perdure.decode %bits at %x : !perdure.ptr<!node>
  %y = perdure.at %m[%to] : memref<?x!perdure.ptr<!node>, #perdure.space>
  %new = perdure.encode %p at %y : !perdure.ptr<!node>
  memref.store %new, %m[%to] : memref<?x!perdure.ptr<!node>, #perdure.space>
  %null = perdure.is_null %p : !perdure.native<!node>
  return %null : i1
}

// Out of the record and back: other encodings may meet there.
func.func @around(%o: !perdure.native<!outer>) {
  %zero = arith.constant 0 : index
  %n = perdure.field %o["n"] : !perdure.native<!outer>
  %a = perdure.field %n["e"] : !perdure.native<!node>
  %e = perdure.element %a[%zero : index] : !perdure.native<!perdure.array<4x!perdure.ptr<!node>>>
  %last = perdure.field %o["last"] : !perdure.native<!outer>
  %r = perdure.field %n["r"] : !perdure.native<!node>
  %bits = perdure.load %r : !perdure.native<!perdure.ptr<!node>>
  %p = perdure.decode %bits at %r : !perdure.ptr<!node>
  %out = perdure.encode %p at %last : !perdure.ptr<!node>
  perdure.store %out, %last : !perdure.native<!perdure.ptr<!node>>
  %back = perdure.load %last : !perdure.native<!perdure.ptr<!node>>
  %q = perdure.decode %back at %last : !perdure.ptr<!node>
  %in = perdure.encode %q at %e : !perdure.ptr<!node>
  perdure.store %in, %e : !perdure.native<!perdure.ptr<!node>>
  return
}

func.func @value(%place: !perdure.native<!node>, %e: index) -> i32 {
  %r = perdure.field %place["r"] : !perdure.native<!node>
  %bits = perdure.load %r : !perdure.native<!perdure.ptr<!node>>
  %p = perdure.decode %bits at %r : !perdure.ptr<!node>
  %p.at = perdure.field %p["value"] : !perdure.native<!node>
  %v = perdure.load %p.at : !perdure.native<i32>
  %a = perdure.field %place["e"] : !perdure.native<!node>
  %at = perdure.element %a[%e : index] : !perdure.native<!perdure.array<4x!perdure.ptr<!node>>>
  %e.bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
  %q = perdure.decode %e.bits at %at : !perdure.ptr<!node>
  %q.at = perdure.field %q["value"] : !perdure.native<!node>
  %w = perdure.load %q.at : !perdure.native<i32>
  %sum = arith.addi %v, %w : i32
  return %sum : i32
}

func.func @main() -> i32 {
  %create = arith.constant 1 : i32
  %none = arith.constant 0 : i32
  %bytes = arith.constant 64 : i64
  %zero = arith.constant 0 : index
  %two = arith.constant 2 : index
  %three = arith.constant 3 : index
  %value = arith.constant 42 : i32
  %path = llvm.mlir.addressof @store : !llvm.ptr
  %name = llvm.mlir.addressof @name : !llvm.ptr
  %store = llvm.call @perdure_store_open(%path, %create) : (!llvm.ptr, i32) -> !llvm.ptr
  %made = llvm.call @perdure_create(%store, %name, %bytes, %none) : (!llvm.ptr, !llvm.ptr, i64, i32) -> !llvm.ptr
  %o = perdure.cast %made : !llvm.ptr to !perdure.native<!outer>
  %n = perdure.field %o["n"] : !perdure.native<!outer>
  %m = perdure.alloc near %o : !perdure.native<!outer> -> !perdure.native<!node>
  %m.value = perdure.field %m["value"] : !perdure.native<!node>
  perdure.store %value, %m.value : !perdure.native<i32>
  %l = perdure.field %n["l"] : !perdure.native<!node>
  %bits = perdure.encode %m at %l : !perdure.ptr<!node>
  perdure.store %bits, %l : !perdure.native<!perdure.ptr<!node>>
  func.call @move(%n) : (!perdure.native<!node>) -> ()
  func.call @around(%o) : (!perdure.native<!outer>) -> ()
  %full = func.call @copy(%n, %zero, %three) : (!perdure.native<!node>, index, index) -> i1
  %is = func.call @copy(%n, %two, %zero) : (!perdure.native<!node>, index, index) -> i1
  %sum = func.call @value(%n, %three) : (!perdure.native<!node>, index) -> i32
  // 84, and 1 where the one was null and the other not.
  %differ = arith.xori %full, %is : i1
  %one = arith.extui %differ : i1 to i32
  %all = arith.addi %sum, %one : i32
  llvm.call @perdure_store_close(%store) : (!llvm.ptr) -> ()
  return %all : i32
}
