// Algebra of translations: what folds, and what must not.
// RUN: perdure-opt %s --canonicalize --split-input-file | FileCheck %s
!p = !perdure.ptr<i64>
!x = !perdure.ptr<i64, "xor">
!lazy = !perdure.ptr<i64, "lazy-null">
!inv = !perdure.ptr<i64, "inverted">
!pair = !perdure.record<"pair", body {a: !perdure.ptr<i64>, b: !perdure.ptr<i64>}>
!pairx = !perdure.record<"pairx", "xor", body {a: !perdure.ptr<i64>, b: !perdure.ptr<i64>}>

// CHECK-LABEL: @decode_of_encode
// CHECK-SAME: (%[[P:.*]]: !perdure.native<i64>
func.func @decode_of_encode(%p: !perdure.native<i64>, %c: !perdure.native<!p>) -> !perdure.native<i64> {
  // The encode stays: it may report, and enter an object into the table.
  // CHECK-NEXT: perdure.encode
  // CHECK-NEXT: return %[[P]]
  %b = perdure.encode %p at %c : !p
  %q = perdure.decode %b at %c : !p
  return %q : !perdure.native<i64>
}

// In one object, by the fields of one record.
// CHECK-LABEL: @same_record
// CHECK-SAME: (%[[P:.*]]: !perdure.native<i64>
func.func @same_record(%p: !perdure.native<i64>, %r: !perdure.native<!pair>) -> !perdure.native<i64> {
  %a = perdure.field %r["a"] : !perdure.native<!pair>
  %c = perdure.field %r["b"] : !perdure.native<!pair>
  %b = perdure.encode %p at %a : !p
  // CHECK-NOT: perdure.decode
  // CHECK: return %[[P]]
  %q = perdure.decode %b at %c : !p
  return %q : !perdure.native<i64>
}

// Where the bits depend on the container, the other field is another place.
// CHECK-LABEL: @same_record_not_movable
func.func @same_record_not_movable(%p: !perdure.native<i64>, %r: !perdure.native<!pairx>) -> !perdure.native<i64> {
  %a = perdure.field %r["a"] : !perdure.native<!pairx>
  %c = perdure.field %r["b"] : !perdure.native<!pairx>
  %b = perdure.encode %p at %a : !x
  // CHECK: perdure.decode
  %q = perdure.decode %b at %c : !x
  return %q : !perdure.native<i64>
}

// CHECK-LABEL: @other_container
func.func @other_container(%p: !perdure.native<i64>, %c: !perdure.native<!p>, %d: !perdure.native<!p>) -> !perdure.native<i64> {
  %b = perdure.encode %p at %c : !p
  // CHECK: perdure.decode
  %q = perdure.decode %b at %d : !p
  return %q : !perdure.native<i64>
}

// CHECK-LABEL: @encode_of_decode
// CHECK-SAME: (%[[B:.*]]: !perdure.ptr<i64>
func.func @encode_of_decode(%b: !p, %c: !perdure.native<!p>) -> !p {
  // CHECK-NEXT: return %[[B]]
  %p = perdure.decode %b at %c : !p
  %a = perdure.encode %p at %c : !p
  return %a : !p
}

// With several values for one pointer it need not be this one: a copy, which at
// one container is nothing.
// CHECK-LABEL: @encode_of_decode_not_canonical
// CHECK-SAME: (%[[B:.*]]: !perdure.ptr<i64, "lazy-null">,
func.func @encode_of_decode_not_canonical(%b: !lazy, %c: !perdure.native<!lazy>) -> !lazy {
  %p = perdure.decode %b at %c : !lazy
  %old = perdure.load %c : !perdure.native<!lazy>
  // CHECK-NEXT: return %[[B]]
  %a = perdure.encode %p at %c old %old : !lazy
  return %a : !lazy
}

// CHECK-LABEL: @copy
// CHECK-SAME: (%[[B:.*]]: !perdure.ptr<i64>, %[[C:.*]]: !perdure.native<!perdure.ptr<i64>>, %[[D:.*]]: !perdure.native<!perdure.ptr<i64>>)
func.func @copy(%b: !p, %c: !perdure.native<!p>, %d: !perdure.native<!p>) -> (!p, !perdure.native<i64>) {
  %p = perdure.decode %b at %c : !p
  // CHECK: perdure.reencode %[[B]] from %[[C]] to %[[D]]
  %a = perdure.encode %p at %d : !p
  return %a, %p : !p, !perdure.native<i64>
}

// Not where somebody else wants the decode as well: two translations stay two.
// CHECK-LABEL: @copy_not_movable
func.func @copy_not_movable(%b: !x, %c: !perdure.native<!x>, %d: !perdure.native<!x>) -> (!x, !perdure.native<i64>) {
  %p = perdure.decode %b at %c : !x
  // CHECK: perdure.encode
  %a = perdure.encode %p at %d : !x
  return %a, %p : !x, !perdure.native<i64>
}

// CHECK-LABEL: @reencodes
// CHECK-SAME: (%[[B:.*]]: !perdure.ptr<i64>, %[[R:.*]]: !perdure.native<!pair>, %[[D:.*]]: !perdure.native<!perdure.ptr<i64>>)
func.func @reencodes(%b: !p, %r: !perdure.native<!pair>, %d: !perdure.native<!p>) -> (!p, !p, !perdure.native<i64>) {
  %a = perdure.field %r["a"] : !perdure.native<!pair>
  %c = perdure.field %r["b"] : !perdure.native<!pair>
  %inside = perdure.reencode %b from %a to %c : !p
  %out = perdure.reencode %inside from %c to %d : !p
  // CHECK: %[[OUT:.*]] = perdure.reencode %[[B]] from %{{.*}} to %[[D]]
  // CHECK-NEXT: %[[P:.*]] = perdure.decode %[[B]] at
  %p = perdure.decode %out at %d : !p
  // CHECK: return %[[B]], %[[OUT]], %[[P]]
  return %inside, %out, %p : !p, !p, !perdure.native<i64>
}

// To choose by what was there is what such an encoding is for.
// CHECK-LABEL: @reencode_with_old
func.func @reencode_with_old(%b: !lazy, %c: !perdure.native<!lazy>, %d: !perdure.native<!lazy>, %old: !lazy) -> (!lazy, !lazy) {
  // CHECK: perdure.reencode
  %one = perdure.reencode %b from %c to %d old %old : !lazy
  // CHECK-NOT: perdure.reencode
  %two = perdure.reencode %b from %c to %c old %old : !lazy
  return %one, %two : !lazy, !lazy
}

// CHECK-LABEL: @nulls
func.func @nulls(%c: !perdure.native<!p>, %l: !perdure.native<!lazy>, %old: !lazy) -> (!p, !lazy, i1, i1) {
  // CHECK-DAG: %[[TRUE:.*]] = arith.constant true
  // CHECK-DAG: %[[NONE:.*]] = perdure.null : !perdure.ptr<i64>
  // CHECK-DAG: %[[NULL:.*]] = perdure.null : !perdure.native<i64>
  // CHECK: %[[LAZY:.*]] = perdure.encode %[[NULL]]
  %null = perdure.null : !perdure.native<i64>
  %b = perdure.encode %null at %c : !p
  %lazy = perdure.encode %null at %l old %old : !lazy
  %p = perdure.decode %b at %c : !p
  %is = perdure.is_null %p : !perdure.native<i64>
  %same = perdure.equal %p, %null : !perdure.native<i64>
  // CHECK: return %[[NONE]], %[[LAZY]], %[[TRUE]], %[[TRUE]]
  return %b, %lazy, %is, %same : !p, !lazy, i1, i1
}

// The untranslated value is asked, and nobody wants the translation.
// CHECK-LABEL: @null_tests
// CHECK-SAME: (%[[B:.*]]: !perdure.ptr<i64>, {{.*}}, %[[L:.*]]: !perdure.ptr<i64, "lazy-null">
func.func @null_tests(%b: !p, %c: !perdure.native<!p>, %l: !lazy, %d: !perdure.native<!lazy>) -> (i1, i1) {
  // CHECK-NEXT: perdure.is_null %[[B]]
  %p = perdure.decode %b at %c : !p
  %one = perdure.is_null %p : !perdure.native<i64>
  // CHECK-NEXT: %[[Q:.*]] = perdure.decode %[[L]]
  // CHECK-NEXT: perdure.is_null %[[Q]]
  %q = perdure.decode %l at %d : !lazy
  %two = perdure.is_null %q : !perdure.native<i64>
  return %one, %two : i1, i1
}

// CHECK-LABEL: @places
// CHECK-SAME: (%[[A:.*]]: !perdure.native<!perdure.ptr<i64>>, %[[N:.*]]: index, %[[I:.*]]: index)
func.func @places(%a: !perdure.native<!p>, %n: index, %i: index) -> (!perdure.base, !perdure.native<!p>, !perdure.native<!p>) {
  %zero = arith.constant 0 : index
  %m = perdure.to_memref %a[%n] : !perdure.native<!p> to memref<?x!p, #perdure.space>
  %e = perdure.at %m[%i] : memref<?x!p, #perdure.space>
  // CHECK-DAG: %[[BASE:.*]] = perdure.base %[[A]]
  %base = perdure.base %e : !perdure.native<!p>
  // CHECK-DAG: %[[E:.*]] = perdure.element %[[A]][%[[I]] : index]
  %first = perdure.element %a[%zero : index] : !perdure.native<!p>
  // CHECK: return %[[BASE]], %[[A]], %[[E]]
  return %base, %first, %e : !perdure.base, !perdure.native<!p>, !perdure.native<!p>
}

// CHECK-LABEL: @casts
// CHECK-SAME: (%[[A:.*]]: !perdure.native<i64>)
func.func @casts(%a: !perdure.native<i64>) -> (!perdure.native<i64>, !perdure.native<i8>, !llvm.ptr) {
  %p = perdure.cast %a : !perdure.native<i64> to !llvm.ptr
  %same = perdure.cast %p : !llvm.ptr to !perdure.native<i64>
  // CHECK-DAG: %[[BYTES:.*]] = perdure.cast %[[A]] : !perdure.native<i64> to !perdure.native<i8>
  %bytes = perdure.cast %p : !llvm.ptr to !perdure.native<i8>
  // CHECK-DAG: %[[P:.*]] = perdure.cast %[[A]] : !perdure.native<i64> to !llvm.ptr
  // CHECK: return %[[A]], %[[BYTES]], %[[P]]
  return %same, %bytes, %p : !perdure.native<i64>, !perdure.native<i8>, !llvm.ptr
}
