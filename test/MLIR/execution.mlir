// A program of the dialect alone: makes a store, an object, a list in it, and follows
// it; by mlir-runner's JIT, and compiled; then another run finds it elsewhere.
// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: perdure-opt %s --perdure-to-llvm -o program.mlir
// RUN: %window_low mlir-runner program.mlir --entry-point-result=i32 \
// RUN:   --shared-libs=%lib/libperdure-early.so,%lib/libperdure.so | FileCheck %s
// CHECK: {{^}}60{{$}}
// RUN: perdure-translate --mlir-to-llvmir program.mlir -o program.ll
// RUN: %perdure_cc -O2 program.ll -o program
// RUN: %window_high sh -c './program; test $? = 120'
// RUN: %perdure_cc -O0 program.ll -o program0
// RUN: %window_low sh -c './program0; test $? = 180'
// RUN: perdure-opt %s --perdure-to-llvm=hoist-bases=false | perdure-translate --mlir-to-llvmir -o plain.ll
// RUN: %perdure_cc -O2 -flto plain.ll -o plain
// RUN: %window_high sh -c './plain; test $? = 240'
// And by another encoding, in a store of its own, since that is in the object.
// RUN: perdure-opt %s "--perdure-choose-encodings=encodings=*=xor" --perdure-to-llvm -o xor.mlir
// RUN: mkdir xor && cd xor
// RUN: %window_low mlir-runner ../xor.mlir --entry-point-result=i32 \
// RUN:   --shared-libs=%lib/libperdure-early.so,%lib/libperdure.so | FileCheck %s
// RUN: perdure-translate --mlir-to-llvmir ../xor.mlir -o xor.ll && %perdure_cc -O2 xor.ll -o xor
// RUN: %window_high sh -c './xor; test $? = 120'

!node = !perdure.record<"node", body {next: !perdure.ptr<!perdure.record<"node">>, value: i32}>
!list = !perdure.record<"list", body {head: !perdure.ptr<!node>}>

llvm.mlir.global internal constant @store("store\00") {addr_space = 0 : i32}
llvm.mlir.global internal constant @name("list\00") {addr_space = 0 : i32}
llvm.func @perdure_store_open(!llvm.ptr, i32) -> !llvm.ptr
llvm.func @perdure_open(!llvm.ptr, !llvm.ptr, i32) -> !llvm.ptr
llvm.func @perdure_create(!llvm.ptr, !llvm.ptr, i64, i32) -> !llvm.ptr
llvm.func @perdure_store_close(!llvm.ptr)

func.func @push(%l: !perdure.native<!list>, %v: i32) {
  perdure.transaction {
    %n = perdure.alloc near %l : !perdure.native<!list> -> !perdure.native<!node>
    %value = perdure.field %n["value"] : !perdure.native<!node>
    perdure.store %v, %value : !perdure.native<i32>
    %head = perdure.field %l["head"] : !perdure.native<!list>
    %bits = perdure.load %head : !perdure.native<!perdure.ptr<!node>>
    %first = perdure.decode %bits at %head : !perdure.ptr<!node>
    %next = perdure.field %n["next"] : !perdure.native<!node>
    %next.bits = perdure.encode %first at %next : !perdure.ptr<!node>
    perdure.store %next.bits, %next : !perdure.native<!perdure.ptr<!node>>
    %head.bits = perdure.encode %n at %head : !perdure.ptr<!node>
    perdure.store %head.bits, %head : !perdure.native<!perdure.ptr<!node>>
  }
  return
}

func.func @sum(%l: !perdure.native<!list>) -> i32 {
  %zero = arith.constant 0 : i32
  %true = arith.constant true
  %head = perdure.field %l["head"] : !perdure.native<!list>
  %bits = perdure.load %head : !perdure.native<!perdure.ptr<!node>>
  %first = perdure.decode %bits at %head : !perdure.ptr<!node>
  %r:2 = scf.while (%n = %first, %s = %zero) : (!perdure.native<!node>, i32) -> (!perdure.native<!node>, i32) {
    %null = perdure.is_null %n : !perdure.native<!node>
    %go = arith.xori %null, %true : i1
    scf.condition(%go) %n, %s : !perdure.native<!node>, i32
  } do {
  ^bb0(%n: !perdure.native<!node>, %s: i32):
    %value = perdure.field %n["value"] : !perdure.native<!node>
    %v = perdure.load %value : !perdure.native<i32>
    %t = arith.addi %s, %v : i32
    %at = perdure.field %n["next"] : !perdure.native<!node>
    %b = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
    %next = perdure.decode %b at %at : !perdure.ptr<!node>
    scf.yield %next, %t : !perdure.native<!node>, i32
  }
  return %r#1 : i32
}

func.func @main() -> i32 {
  %create = arith.constant 1 : i32
  %none = arith.constant 0 : i32
  %bytes = arith.constant 8 : i64
  %path = llvm.mlir.addressof @store : !llvm.ptr
  %name = llvm.mlir.addressof @name : !llvm.ptr
  %store = llvm.call @perdure_store_open(%path, %create) : (!llvm.ptr, i32) -> !llvm.ptr
  %found = llvm.call @perdure_open(%store, %name, %none) : (!llvm.ptr, !llvm.ptr, i32) -> !llvm.ptr
  %seen = perdure.cast %found : !llvm.ptr to !perdure.native<!list>
  %missing = perdure.is_null %seen : !perdure.native<!list>
  %l = scf.if %missing -> !perdure.native<!list> {
    %made = llvm.call @perdure_create(%store, %name, %bytes, %none) : (!llvm.ptr, !llvm.ptr, i64, i32) -> !llvm.ptr
    %new = perdure.cast %made : !llvm.ptr to !perdure.native<!list>
    scf.yield %new : !perdure.native<!list>
  } else {
    scf.yield %seen : !perdure.native<!list>
  }
  %ten = arith.constant 10 : i32
  %twenty = arith.constant 20 : i32
  %thirty = arith.constant 30 : i32
  func.call @push(%l, %ten) : (!perdure.native<!list>, i32) -> ()
  func.call @push(%l, %twenty) : (!perdure.native<!list>, i32) -> ()
  func.call @push(%l, %thirty) : (!perdure.native<!list>, i32) -> ()
  %sum = func.call @sum(%l) : (!perdure.native<!list>) -> i32
  llvm.call @perdure_store_close(%store) : (!llvm.ptr) -> ()
  return %sum : i32
}
