// Bases are asked for once, and carried where pointers are.
// RUN: perdure-opt %s --perdure-hoist-bases --split-input-file | FileCheck %s
// RUN: perdure-opt %s --perdure-hoist-bases --loop-invariant-code-motion --cse --split-input-file | FileCheck %s --check-prefix=LICM
!node = !perdure.record<"node", body {next: !perdure.ptr<!perdure.record<"node">>, value: i64}>

// An array's elements lie in the array's slot.
// CHECK-LABEL: @array
// LICM-LABEL: @array
// CHECK-SAME: (%[[A:.*]]: !perdure.native<!perdure.ptr<!node>>
func.func @array(%a: !perdure.native<!perdure.ptr<!node>>, %n: index) -> i64 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant 0 : i64
  // CHECK: %[[BASE:.*]] = perdure.base %[[A]]
  // CHECK: scf.for
  // LICM: perdure.base
  // LICM: scf.for
  // LICM-NOT: = perdure.base
  %sum = scf.for %i = %zero to %n step %one iter_args(%s = %none) -> i64 {
    %e = perdure.element %a[%i : index] : !perdure.native<!perdure.ptr<!node>>
    %bits = perdure.load %e : !perdure.native<!perdure.ptr<!node>>
    // CHECK: perdure.decode %{{.*}} at %[[BASE]] : !perdure.ptr<!node>, !perdure.base
    %p = perdure.decode %bits at %e : !perdure.ptr<!node>
    %at = perdure.field %p["value"] : !perdure.native<!node>
    %v = perdure.load %at : !perdure.native<i64>
    %t = arith.addi %s, %v : i64
    scf.yield %t : i64
  }
  // LICM: return
  return %sum : i64
}

// CHECK-LABEL: @for
// CHECK-SAME: (%[[H:.*]]: !perdure.native<!node>
func.func @for(%head: !perdure.native<!node>, %n: index) -> !perdure.native<!node> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // CHECK: %[[B:.*]] = perdure.base %[[H]]
  // CHECK: scf.for {{.*}} iter_args(%[[P:.*]] = %[[H]], %[[PB:.*]] = %[[B]]) -> (!perdure.native<!node>, !perdure.base)
  %last = scf.for %i = %zero to %n step %one iter_args(%p = %head) -> !perdure.native<!node> {
    %at = perdure.field %p["next"] : !perdure.native<!node>
    %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
    // CHECK: %[[N:.*]] = perdure.decode %{{.*}} at %[[PB]]
    // CHECK-NEXT: %[[NB:.*]] = perdure.base %[[N]]
    // CHECK-NEXT: scf.yield %[[N]], %[[NB]]
    %next = perdure.decode %bits at %at : !perdure.ptr<!node>
    scf.yield %next : !perdure.native<!node>
  }
  return %last : !perdure.native<!node>
}

// The result goes on in the next loop, whose base the first one's carries.
// CHECK-LABEL: @result
func.func @result(%head: !perdure.native<!node>, %n: index) -> !perdure.native<!node> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // CHECK: %[[FIRST:.*]]:2 = scf.for
  %middle = scf.for %i = %zero to %n step %one iter_args(%p = %head) -> !perdure.native<!node> {
    %at = perdure.field %p["next"] : !perdure.native<!node>
    %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
    %next = perdure.decode %bits at %at : !perdure.ptr<!node>
    scf.yield %next : !perdure.native<!node>
  }
  // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[FIRST]]#0, %{{.*}} = %[[FIRST]]#1)
  %last = scf.for %i = %zero to %n step %one iter_args(%p = %middle) -> !perdure.native<!node> {
    %at = perdure.field %p["next"] : !perdure.native<!node>
    %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
    %next = perdure.decode %bits at %at : !perdure.ptr<!node>
    scf.yield %next : !perdure.native<!node>
  }
  return %last : !perdure.native<!node>
}

// CHECK-LABEL: @while
func.func @while(%head: !perdure.native<!node>) -> i64 {
  %none = arith.constant 0 : i64
  %true = arith.constant true
  // CHECK: scf.while ({{.*}}, %[[B:.*]] = %{{.*}}) : (!perdure.native<!node>, i64, !perdure.base) -> (i64, !perdure.native<!node>, !perdure.base)
  // CHECK: scf.condition(%{{.*}}) %{{.*}}, %{{.*}}, %[[B]]
  %r:2 = scf.while (%p = %head, %s = %none) : (!perdure.native<!node>, i64) -> (i64, !perdure.native<!node>) {
    %null = perdure.is_null %p : !perdure.native<!node>
    %go = arith.xori %null, %true : i1
    scf.condition(%go) %s, %p : i64, !perdure.native<!node>
  } do {
  // CHECK: ^bb0(%{{.*}}: i64, %{{.*}}: !perdure.native<!node>, %[[A:.*]]: !perdure.base):
  ^bb0(%s: i64, %p: !perdure.native<!node>):
    %at = perdure.field %p["next"] : !perdure.native<!node>
    %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
    // CHECK: %[[N:.*]] = perdure.decode %{{.*}} at %[[A]]
    // CHECK-NEXT: %[[NB:.*]] = perdure.base %[[N]]
    // CHECK-NEXT: scf.yield %[[N]], %{{.*}}, %[[NB]]
    %next = perdure.decode %bits at %at : !perdure.ptr<!node>
    scf.yield %next, %s : !perdure.native<!node>, i64
  }
  return %r#0 : i64
}

// CHECK-LABEL: @if
func.func @if(%a: !perdure.native<!node>, %c: i1, %n: index) -> !perdure.native<!node> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[P:.*]] = %{{.*}}, %[[PB:.*]] = %{{.*}})
  %last = scf.for %i = %zero to %n step %one iter_args(%p = %a) -> !perdure.native<!node> {
    // CHECK: %[[IF:.*]]:2 = scf.if %{{.*}} -> (!perdure.native<!node>, !perdure.base)
    %q = scf.if %c -> !perdure.native<!node> {
      %at = perdure.field %p["next"] : !perdure.native<!node>
      %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
      // CHECK: %[[N:.*]] = perdure.decode %{{.*}} at %[[PB]]
      %next = perdure.decode %bits at %at : !perdure.ptr<!node>
      // CHECK: %[[NB:.*]] = perdure.base %[[N]]
      // CHECK: scf.yield %[[N]], %[[NB]]
      scf.yield %next : !perdure.native<!node>
    } else {
      // CHECK: scf.yield %[[P]], %[[PB]]
      scf.yield %p : !perdure.native<!node>
    }
    // CHECK: scf.yield %[[IF]]#0, %[[IF]]#1
    scf.yield %q : !perdure.native<!node>
  }
  return %last : !perdure.native<!node>
}

// CHECK-LABEL: @blocks
// CHECK-SAME: (%[[H:.*]]: !perdure.native<!node>
func.func @blocks(%head: !perdure.native<!node>, %c: i1) {
  // CHECK: %[[B:.*]] = perdure.base %[[H]]
  // CHECK: cf.br ^[[LOOP:.*]](%[[H]], %[[B]] : !perdure.native<!node>, !perdure.base)
  cf.br ^loop(%head : !perdure.native<!node>)
// CHECK: ^[[LOOP]](%[[P:.*]]: !perdure.native<!node>, %[[PB:.*]]: !perdure.base):
^loop(%p: !perdure.native<!node>):
  %at = perdure.field %p["next"] : !perdure.native<!node>
  %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
  // CHECK: %[[N:.*]] = perdure.decode %{{.*}} at %[[PB]]
  // CHECK-NEXT: %[[NB:.*]] = perdure.base %[[N]]
  // CHECK: cf.cond_br %{{.*}}, ^[[LOOP]](%[[N]], %[[NB]] : !perdure.native<!node>, !perdure.base), ^{{.*}}
  %next = perdure.decode %bits at %at : !perdure.ptr<!node>
  cf.cond_br %c, ^loop(%next : !perdure.native<!node>), ^done
^done:
  return
}

// Nothing is saved where no decode feeds the loop: a mask each time round anyway.
// CHECK-LABEL: @foreign
func.func private @other(!perdure.native<!node>) -> !perdure.native<!node>
func.func @foreign(%head: !perdure.native<!node>, %n: index) -> i64 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant 0 : i64
  // CHECK: scf.for {{.*}} iter_args(%[[P:.*]] = %{{.*}}, %{{.*}} = %{{.*}}) -> (!perdure.native<!node>, i64)
  // CHECK-NEXT: perdure.base %[[P]]
  %r:2 = scf.for %i = %zero to %n step %one iter_args(%p = %head, %s = %none) -> (!perdure.native<!node>, i64) {
    %at = perdure.field %p["next"] : !perdure.native<!node>
    %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
    %q = perdure.decode %bits at %at : !perdure.ptr<!node>
    %vat = perdure.field %q["value"] : !perdure.native<!node>
    %v = perdure.load %vat : !perdure.native<i64>
    %o = func.call @other(%p) : (!perdure.native<!node>) -> !perdure.native<!node>
    scf.yield %o, %v : !perdure.native<!node>, i64
  }
  return %r#1 : i64
}

// -----

// Where the bits depend on the place, it stays.
// CHECK-LABEL: @not_movable
func.func @not_movable(%c: !perdure.native<!perdure.ptr<i64, "self-relative">>) -> !perdure.native<i64> {
  // CHECK-NOT: perdure.base
  %b = perdure.load %c : !perdure.native<!perdure.ptr<i64, "self-relative">>
  %p = perdure.decode %b at %c : !perdure.ptr<i64, "self-relative">
  return %p : !perdure.native<i64>
}

// A base that decode would not look at is not asked for.
// CHECK-LABEL: @no_use
func.func @no_use(%c: !perdure.native<!perdure.ptr<i64, "native">>) -> !perdure.native<i64> {
  // CHECK-NOT: perdure.base
  %b = perdure.load %c : !perdure.native<!perdure.ptr<i64, "native">>
  %p = perdure.decode %b at %c : !perdure.ptr<i64, "native">
  return %p : !perdure.native<i64>
}

// -----

// Encode and re-encode take bases as well.
// CHECK-LABEL: @others
// CHECK-SAME: (%[[C:.*]]: !perdure.native<!perdure.ptr<i64>>, %[[D:.*]]: !perdure.native<!perdure.ptr<i64>>, %[[P:.*]]: !perdure.native<i64>)
func.func @others(%c: !perdure.native<!perdure.ptr<i64>>, %d: !perdure.native<!perdure.ptr<i64>>, %p: !perdure.native<i64>) -> (!perdure.ptr<i64>, !perdure.ptr<i64>) {
  // CHECK-DAG: %[[CB:.*]] = perdure.base %[[C]]
  // CHECK-DAG: %[[DB:.*]] = perdure.base %[[D]]
  // CHECK: perdure.encode %[[P]] at %[[CB]] : !perdure.ptr<i64>, !perdure.base
  %b = perdure.encode %p at %c : !perdure.ptr<i64>
  // CHECK: perdure.reencode %{{.*}} from %[[CB]] to %[[DB]] : !perdure.ptr<i64>, !perdure.base, !perdure.base
  %r = perdure.reencode %b from %c to %d : !perdure.ptr<i64>
  return %b, %r : !perdure.ptr<i64>, !perdure.ptr<i64>
}

// -----

// A memref has its base with it.
// CHECK-LABEL: @memref
// CHECK-SAME: (%[[M:.*]]: memref
func.func @memref(%m: memref<?x!perdure.ptr<i64>, #perdure.space>, %i: index) -> !perdure.native<i64> {
  // CHECK: %[[B:.*]] = perdure.base %[[M]] : memref<?x!perdure.ptr<i64>, #perdure.space>
  %e = perdure.at %m[%i] : memref<?x!perdure.ptr<i64>, #perdure.space>
  %bits = perdure.load %e : !perdure.native<!perdure.ptr<i64>>
  // CHECK: perdure.decode %{{.*}} at %[[B]]
  %p = perdure.decode %bits at %e : !perdure.ptr<i64>
  return %p : !perdure.native<i64>
}
