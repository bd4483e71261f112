// What is not followed is said, never translated by another encoding than what lies there.
// RUN: perdure-opt %s --perdure-choose-encodings=encodings=b=self-relative --split-input-file --verify-diagnostics

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>

func.func @integers(%bits: i64, %n: !perdure.native<!b>) -> !perdure.native<!b> {
  %at = perdure.field %n["q"] : !perdure.native<!b>
  // expected-error @+1 {{a cast makes a place of persistent pointers, and in which encoding is not known}}
  %p = perdure.cast %bits : i64 to !perdure.ptr<!b>
  // expected-error @+1 {{what lies there has another encoding than is decoded}}
  %q = perdure.decode %p at %at : !perdure.ptr<!b>
  return %q : !perdure.native<!b>
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>

func.func @places(%n: !perdure.native<!b>, %p: !llvm.ptr) {
  // expected-error @+1 {{a cast makes a place of persistent pointers}}
  %one = perdure.cast %n : !perdure.native<!b> to !perdure.native<!perdure.ptr<!b>>
  // expected-error @+1 {{a cast makes a place of persistent pointers}}
  %two = perdure.cast %p : !llvm.ptr to !perdure.native<!perdure.ptr<!b>>
  return
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>

// expected-error @+1 {{a function is handed persistent pointers, or a place of some}}
func.func @argument(%at: !perdure.native<!perdure.ptr<!b>>) {
  return
}
// expected-error @+1 {{a function is handed persistent pointers, or a place of some}}
func.func @memref(%m: memref<?x!perdure.ptr<!b>, #perdure.space>) {
  return
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>
!a = !perdure.record<"a", "xor", body {p: !perdure.ptr<!b>}>

// expected-error @+1 {{a record that has an encoding of its own leads to record "b", which would be another}}
module {
  func.func @explicit(%n: !perdure.native<!a>) {
    return
  }
}

// -----

!b = !perdure.record<"b", "xor", body {q: !perdure.ptr<!perdure.record<"b", "xor">>}>

// expected-error @+1 {{record "b" has the encoding #perdure.encoding<"xor"> already: choose for all records at once}}
module {
  func.func @again(%n: !perdure.native<!b>) {
    return
  }
}

// -----

// Others that name their encoding are as they were.
func.func @named(%c: i1, %x: !perdure.ptr<i64, "xor">, %y: !perdure.ptr<i64, "xor">) -> !perdure.ptr<i64, "xor"> {
  %z = arith.select %c, %x, %y : !perdure.ptr<i64, "xor">
  return %z : !perdure.ptr<i64, "xor">
}
