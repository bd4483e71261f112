// Upstream's passes by what is declared: a decode is one value, but it is not run
// where it was not; loads and stores are in its way only where they have to be.
// RUN: perdure-opt %s --cse --split-input-file | FileCheck %s --check-prefix=CSE
// RUN: perdure-opt %s --loop-invariant-code-motion --split-input-file | FileCheck %s --check-prefix=LICM
// RUN: perdure-opt %s --canonicalize --split-input-file | FileCheck %s --check-prefix=DEAD
!p = !perdure.ptr<i64>

// CSE-LABEL: @twice
func.func @twice(%c: !perdure.native<!p>, %v: i64) -> (!perdure.native<i64>, !perdure.native<i64>) {
  // CSE: %[[BITS:.*]] = perdure.load
  %b = perdure.load %c : !perdure.native<!p>
  // CSE-NEXT: %[[P:.*]] = perdure.decode %[[BITS]]
  %p = perdure.decode %b at %c : !p
  // CSE-NEXT: perdure.store
  perdure.store %v, %p : !perdure.native<i64>
  %q = perdure.decode %b at %c : !p
  // CSE-NEXT: return %[[P]], %[[P]]
  return %p, %q : !perdure.native<i64>, !perdure.native<i64>
}

// A load behind a store is another one.
// CSE-LABEL: @loads
func.func @loads(%c: !perdure.native<!p>, %b: !p) -> (!p, !p) {
  // CSE-COUNT-2: perdure.load
  %one = perdure.load %c : !perdure.native<!p>
  perdure.store %b, %c : !perdure.native<!p>
  %two = perdure.load %c : !perdure.native<!p>
  return %one, %two : !p, !p
}

// Two encodes are two: each may report.
// CSE-LABEL: @encodes
func.func @encodes(%c: !perdure.native<!p>, %p: !perdure.native<i64>) -> (!p, !p) {
  // CSE-COUNT-2: perdure.encode
  %one = perdure.encode %p at %c : !p
  %two = perdure.encode %p at %c : !p
  return %one, %two : !p, !p
}

// -----

// Nobody knows that the loop runs at all: decode may not, what it is of may.
// LICM-LABEL: @loop
func.func @loop(%c: !perdure.native<!perdure.record<"r", body {p: !perdure.ptr<i64>}>>, %b: !perdure.ptr<i64>, %n: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // LICM: perdure.field
  // LICM-NEXT: perdure.base
  // LICM-NEXT: scf.for
  // LICM-NEXT: perdure.decode
  scf.for %i = %zero to %n step %one {
    %f = perdure.field %c["p"] : !perdure.native<!perdure.record<"r">>
    %base = perdure.base %f : !perdure.native<!perdure.ptr<i64>>
    %p = perdure.decode %b at %base : !perdure.ptr<i64>, !perdure.base
    %v = perdure.load %p : !perdure.native<i64>
    perdure.store %v, %p : !perdure.native<i64>
  }
  return
}

// -----

// What nobody wants goes: a decode, a load; not an encode, which may report.
// DEAD-LABEL: @dead
func.func @dead(%c: !perdure.native<!perdure.ptr<i64>>, %p: !perdure.native<i64>) {
  // DEAD-NEXT: perdure.null
  // DEAD-NEXT: perdure.encode
  // DEAD-NEXT: perdure.reencode
  // DEAD-NEXT: return
  %b = perdure.load %c : !perdure.native<!perdure.ptr<i64>>
  %q = perdure.decode %b at %c : !perdure.ptr<i64>
  %f = perdure.base %q : !perdure.native<i64>
  %e = perdure.encode %p at %c : !perdure.ptr<i64>
  %d = perdure.null : !perdure.native<!perdure.ptr<i64>>
  %r = perdure.reencode %e from %d to %c : !perdure.ptr<i64>
  return
}
