// A transaction is a function with the attribute by which PerdurePasses.so knows it.
// RUN: perdure-opt %s --perdure-outline-transactions | FileCheck %s
// RUN: perdure-opt %s --perdure-to-llvm | perdure-translate --mlir-to-llvmir \
// RUN:   | %opt -O1 -S | FileCheck %s --check-prefix=LOGGED

// CHECK-LABEL: func.func @move
// CHECK-SAME: (%[[A:.*]]: !perdure.native<i64>, %[[B:.*]]: !perdure.native<i64>, %[[N:.*]]: i64)
func.func @move(%a: !perdure.native<i64>, %b: !perdure.native<i64>, %n: i64) {
  %two = arith.constant 2 : i64
  // CHECK: call @move.transaction(%[[A]], %[[N]], %[[B]])
  // CHECK-SAME: (!perdure.native<i64>, i64, !perdure.native<i64>) -> ()
  perdure.transaction {
    %x = perdure.load %a : !perdure.native<i64>
    %y = arith.subi %x, %n : i64
    perdure.store %y, %a : !perdure.native<i64>
    %z = arith.muli %n, %two : i64
    perdure.store %z, %b : !perdure.native<i64>
  }
  // CHECK: call @move.transaction_0(%[[B]])
  perdure.transaction {
    perdure.store %two, %b : !perdure.native<i64>
  }
  return
}

// CHECK: func.func private @move.transaction(
// CHECK-SAME: llvm.linkage = #llvm.linkage<internal>
// CHECK-SAME: passthrough = {{\[\[}}"perdure-tx", "transaction.jumps"]]
// CHECK: arith.constant 2
// CHECK: func.func private @move.transaction_0(%{{.*}}: !perdure.native<i64>)

// LOGGED-LABEL: define {{.*}} @move(
// LOGGED: call void @__perdure_tx_enter
// LOGGED: call void @__perdure_tx_log
// LOGGED: store i64
// LOGGED: call i32 @__perdure_tx_leave
