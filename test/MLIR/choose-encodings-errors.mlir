// What is not followed is said, never translated by another encoding than what lies there.
// RUN: perdure-opt %s --perdure-choose-encodings=encodings=b=self-relative --split-input-file --verify-diagnostics

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>

func.func @integers(%bits: i64, %n: !perdure.native<!b>) -> i64 {
  %at = perdure.field %n["q"] : !perdure.native<!b>
  // expected-error @+1 {{a cast makes a place of persistent pointers, and in which encoding is not known}}
  %p = perdure.cast %bits : i64 to !perdure.ptr<!b>
  %q = perdure.load %at : !perdure.native<!perdure.ptr<!b>>
  // expected-error @+1 {{a cast makes something else of persistent pointers, or of a place of some}}
  %out = perdure.cast %q : !perdure.ptr<!b> to i64
  return %out : i64
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>

func.func @other_bits(%bits: i64, %n: !perdure.native<!b>) -> !perdure.native<i64> {
  %at = perdure.field %n["q"] : !perdure.native<!b>
  %p = perdure.cast %bits : i64 to !perdure.ptr<i64, "object">
  // expected-error @+1 {{what lies there has another encoding than is decoded}}
  %q = perdure.decode %p at %at : !perdure.ptr<i64, "object">, !perdure.native<!perdure.ptr<!b>>
  return %q : !perdure.native<i64>
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>

func.func @places(%n: !perdure.native<!b>, %p: !llvm.ptr) {
  // expected-error @+1 {{a cast makes a place of persistent pointers}}
  %one = perdure.cast %n : !perdure.native<!b> to !perdure.native<!perdure.ptr<!b>>
  // expected-error @+1 {{a cast makes a place of persistent pointers}}
  %two = perdure.cast %p : !llvm.ptr to !perdure.native<!perdure.ptr<!b>>
  // expected-error @+1 {{a cast makes a place of persistent pointers}}
  %three = builtin.unrealized_conversion_cast %p : !llvm.ptr to memref<?x!perdure.ptr<!b>, #perdure.space>
  %at = perdure.field %n["q"] : !perdure.native<!b>
  // expected-error @+1 {{a cast makes something else of persistent pointers, or of a place of some}}
  %four = perdure.cast %at : !perdure.native<!perdure.ptr<!b>> to !llvm.ptr
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
// expected-error @+1 {{a function is handed persistent pointers, or a place of some, or gives such}}
func.func @nested(%at: !perdure.native<!perdure.native<!perdure.ptr<!b>>>) {
  return
}
// expected-error @+1 {{a function is handed persistent pointers, or a place of some, or gives such}}
func.func @result(%n: !perdure.native<!b>) -> !perdure.native<!perdure.ptr<!b>> {
  %at = perdure.field %n["q"] : !perdure.native<!b>
  return %at : !perdure.native<!perdure.ptr<!b>>
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>

// expected-error @+1 {{a function is handed persistent pointers, or a place of some, or gives such}}
func.func private @given() -> !perdure.ptr<!b>
func.func @results(%n: !perdure.native<!b>, %bytes: memref<64xi8>, %i: index) -> !perdure.native<!b> {
  %at = perdure.field %n["q"] : !perdure.native<!b>
  // expected-error @+1 {{are handed on here, and their encoding is not followed}}
  %p = func.call @given() : () -> !perdure.ptr<!b>
  // expected-error @+1 {{are handed on here, and their encoding is not followed}}
  %q = ub.poison : !perdure.ptr<!b>
  // expected-error @+1 {{are handed on here, and their encoding is not followed}}
  %m = memref.alloca() : memref<4x!perdure.ptr<!b>>
  // expected-error @+1 {{are handed on here, and their encoding is not followed}}
  %v = memref.view %bytes[%i][] : memref<64xi8> to memref<4x!perdure.ptr<!b>>
  %bits = memref.load %v[%i] : memref<4x!perdure.ptr<!b>>
  %r = perdure.decode %bits at %at : !perdure.ptr<!b>
  return %r : !perdure.native<!b>
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>
!t = !perdure.record<"t", body {place: !perdure.native<!perdure.ptr<!b>>}>

// A native pointer in a field has no encoding that what it leads to could have from it.
func.func @transient(%t: !perdure.native<!t>) -> !perdure.native<!b> {
  // expected-error @+1 {{the encoding of persistent pointers that lie in no record is not known}}
  %f = perdure.field %t["place"] : !perdure.native<!t>
  %at = perdure.load %f : !perdure.native<!perdure.native<!perdure.ptr<!b>>>
  %bits = perdure.load %at : !perdure.native<!perdure.ptr<!b>>
  %r = perdure.decode %bits at %at : !perdure.ptr<!b>
  return %r : !perdure.native<!b>
}

// -----

// Where two encodings meet, both places are named.
!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>
!c = !perdure.record<"c", body {q: !perdure.ptr<!b>}>

func.func @structured(%which: i1, %b: !perdure.native<!b>, %c: !perdure.native<!c>) -> !perdure.native<!b> {
  // expected-error @+1 {{are handed on here, and their encoding is not followed}}
  %at = scf.if %which -> !perdure.native<!perdure.ptr<!b>> {
    // expected-note @+1 {{this lies in record "b", which gets #perdure.encoding<"self-relative">}}
    %x = perdure.field %b["q"] : !perdure.native<!b>
    scf.yield %x : !perdure.native<!perdure.ptr<!b>>
  } else {
    // expected-note @+1 {{this lies in record "c", which gets #perdure.encoding<"object">}}
    %y = perdure.field %c["q"] : !perdure.native<!c>
    scf.yield %y : !perdure.native<!perdure.ptr<!b>>
  }
  %bits = perdure.load %at : !perdure.native<!perdure.ptr<!b>>
  %r = perdure.decode %bits at %at : !perdure.ptr<!b>
  return %r : !perdure.native<!b>
}

func.func @branches(%which: i1, %b: !perdure.native<!b>, %c: !perdure.native<!c>) -> !perdure.native<!b> {
  %x = perdure.field %b["q"] : !perdure.native<!b>
  // expected-note @+1 {{this lies in record "b", which gets #perdure.encoding<"self-relative">}}
  %x.bits = perdure.load %x : !perdure.native<!perdure.ptr<!b>>
  cf.cond_br %which, ^other, ^join(%x.bits : !perdure.ptr<!b>)
^other:
  %y = perdure.field %c["q"] : !perdure.native<!c>
  // expected-note @+1 {{this lies in record "c", which gets #perdure.encoding<"object">}}
  %y.bits = perdure.load %y : !perdure.native<!perdure.ptr<!b>>
  cf.br ^join(%y.bits : !perdure.ptr<!b>)
// expected-error @+1 {{are handed on here, and their encoding is not followed}}
^join(%bits: !perdure.ptr<!b>):
  %r = perdure.decode %bits at %x : !perdure.ptr<!b>
  return %r : !perdure.native<!b>
}

// -----

// A record is known by its name and encoding: one that is there already is not taken
// for what would be made.
!c = !perdure.record<"c", body {q: !perdure.ptr<i64>}>
!named = !perdure.record<"c", "object", body {x: i64, q: !perdure.ptr<i64>}>

// expected-error @+1 {{there is another record "c" with the encoding #perdure.encoding<"object">, of other fields: give one of them another name}}
module {
  func.func private @chosen(!perdure.native<!perdure.record<"b">>)
  func.func @clash(%n: !perdure.native<!c>, %m: !perdure.native<!named>) {
    return
  }
}

// -----

// The same fields: one record, which has had that encoding.
!c = !perdure.record<"c", body {q: !perdure.ptr<!perdure.record<"c">>}>
!named = !perdure.record<"c", "object", body {q: !perdure.ptr<!perdure.record<"c", "object">, "object">}>

func.func private @chosen(!perdure.native<!perdure.record<"b">>)
func.func @no_clash(%n: !perdure.native<!c>, %m: !perdure.native<!named>) {
  return
}

// -----

// What a record is taken for has its encoding, or ends before its pointers.
!b = !perdure.record<"b", body {id: i64, q: !perdure.ptr<!perdure.record<"b">>}>
!c = !perdure.record<"c", body {id: i64, q: !perdure.ptr<!b>}>
!raw = !perdure.record<"raw", body {id: i64, bits: i64}>
!head = !perdure.record<"head", body {id: i64}>
!tail = !perdure.record<"tail", body {id: i64, rest: !perdure.array<?xi8>}>

func.func @casts(%b: !perdure.native<!b>, %p: !llvm.ptr) {
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %one = perdure.cast %b : !perdure.native<!b> to !perdure.native<!c>
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %two = perdure.cast %b : !perdure.native<!b> to !perdure.native<!raw>
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %three = perdure.cast %b : !perdure.native<!b> to !perdure.native<i64>
  %four = perdure.cast %b : !perdure.native<!b> to !perdure.native<!head>
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %five = perdure.cast %b : !perdure.native<!b> to !perdure.native<!tail>
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %six = builtin.unrealized_conversion_cast %b : !perdure.native<!b> to memref<2xi64>
  return
}

func.func @by_llvm(%b: !perdure.native<!b>, %which: i1, %other: !llvm.ptr) -> !llvm.ptr {
  // expected-error @+1 {{the address of a record that gets another encoding, or leads to one, is not followed}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  %q = llvm.select %which, %p, %other : i1, !llvm.ptr
  // expected-note @+1 {{it goes here}}
  %at = llvm.getelementptr inbounds %q[8] : (!llvm.ptr) -> !llvm.ptr, i8
  return %at : !llvm.ptr
}

func.func @through_none(%b: !perdure.native<!b>, %p: !llvm.ptr) -> !perdure.native<!c> {
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %none = perdure.cast %b : !perdure.native<!b> to !perdure.native<none>
  cf.br ^next(%none : !perdure.native<none>)
^next(%n: !perdure.native<none>):
  // expected-note @+1 {{for what it is taken here}}
  %c = perdure.cast %n : !perdure.native<none> to !perdure.native<!c>
  return %c : !perdure.native<!c>
}

llvm.func @knows(!llvm.ptr)
func.func @handed(%b: !perdure.native<!b>) {
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  llvm.call @knows(%p) : (!llvm.ptr) -> ()
  return
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>

// expected-error @+1 {{the module was raised from C or C++}}
module attributes {perdure.raised} {
  func.func @raised(%n: !perdure.native<!b>) {
    return
  }
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>

module {
  // expected-error @+1 {{the module was raised from C or C++}}
  module attributes {perdure.raised} {
    func.func @raised(%n: !perdure.native<!b>) {
      return
    }
  }
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
func.func private @chosen(!perdure.native<!perdure.record<"b">>)
func.func @named(%c: i1, %x: !perdure.ptr<i64, "xor">, %y: !perdure.ptr<i64, "xor">) -> !perdure.ptr<i64, "xor"> {
  %z = arith.select %c, %x, %y : !perdure.ptr<i64, "xor">
  return %z : !perdure.ptr<i64, "xor">
}

// -----

// Bits that mean something at one place alone: where they come from another object,
// perhaps, nobody knows what they are to mean.
!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>
!c = !perdure.record<"c", body {q: !perdure.ptr<!b>}>

func.func @elsewhere(%b: !perdure.native<!b>, %d: !perdure.native<!b>, %c: !perdure.native<!c>) -> !perdure.native<!b> {
  %x = perdure.field %b["q"] : !perdure.native<!b>
  %y = perdure.field %d["q"] : !perdure.native<!b>
  %z = perdure.field %c["q"] : !perdure.native<!c>
  // expected-note @+1 {{the bits come from here}}
  %v = perdure.load %x : !perdure.native<!perdure.ptr<!b>>
  // expected-error @+1 {{bits are stored here that come from another place, where they mean something else: use perdure.reencode}}
  perdure.store %v, %y : !perdure.native<!perdure.ptr<!b>>
  // expected-error @+1 {{bits are stored here that come from another place}}
  perdure.store %v, %z : !perdure.native<!perdure.ptr<!b>>
  // expected-error @+1 {{bits are translated at another place than they come from, where they mean something else: name the place where they were loaded}}
  %p = perdure.decode %v at %y : !perdure.ptr<!b>
  // expected-error @+1 {{bits are translated at another place than they come from}}
  %r = perdure.reencode %v from %y to %x : !perdure.ptr<!b>
  perdure.store %r, %x : !perdure.native<!perdure.ptr<!b>>
  // This is said.
  %s = perdure.reencode %v from %x to %y : !perdure.ptr<!b>
  perdure.store %s, %y : !perdure.native<!perdure.ptr<!b>>
  return %p : !perdure.native<!b>
}

// -----

!three = !perdure.record<"three", body {c: !perdure.ptr<!perdure.ptr<i64>>}>
!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.ptr<i64>>, t: !three}>

// The bits could be translated, but not what they lead to.
func.func @levels(%b: !perdure.native<!b>) {
  %x = perdure.field %b["q"] : !perdure.native<!b>
  // expected-note @+1 {{the bits come from here}}
  %v = perdure.load %x : !perdure.native<!perdure.ptr<!perdure.ptr<i64>>>
  %t = perdure.field %b["t"] : !perdure.native<!b>
  %y = perdure.field %t["c"] : !perdure.native<!three>
  // expected-error @+1 {{bits are stored here in another encoding, and what they lead to has another encoding too}}
  perdure.store %v, %y : !perdure.native<!perdure.ptr<!perdure.ptr<i64>>>
  return
}

// -----

// Not over the head of both, either, nor at another offset, nor by what pointers lead to.
!b = !perdure.record<"b", body {id: i64, q: !perdure.ptr<!perdure.record<"b">>}>
!c = !perdure.record<"c", body {id: i64, q: !perdure.ptr<!b>}>
!head = !perdure.record<"head", body {id: i64}>
!to_b = !perdure.record<"to_b", body {p: !perdure.ptr<!b>}>
!to_c = !perdure.record<"to_c", body {p: !perdure.ptr<!c>}>

func.func @head(%b: !perdure.native<!b>, %p: !perdure.native<!to_b>) {
  %h = perdure.cast %b : !perdure.native<!b> to !perdure.native<!head>
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %c = perdure.cast %h : !perdure.native<!head> to !perdure.native<!c>
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %q = perdure.cast %p : !perdure.native<!to_b> to !perdure.native<!to_c>
  // expected-error @+1 {{the address of a record that gets another encoding, or leads to one, is not followed}}
  %r = perdure.cast %h : !perdure.native<!head> to !llvm.ptr
  // expected-note @+1 {{it goes here}}
  %s = llvm.getelementptr %r[8] : (!llvm.ptr) -> !llvm.ptr, i8
  return
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>, r: !perdure.ptr<!perdure.record<"b">>}>
!half = !perdure.record<"half", body {q: !perdure.ptr<!b, "self-relative">, bits: i64}>
!alike = !perdure.record<"alike", body {one: !perdure.ptr<!b, "self-relative">, two: !perdure.ptr<!b, "self-relative">}>
!array = !perdure.record<"array", body {q: !perdure.array<2x!perdure.ptr<!b, "self-relative">>}>

func.func @offsets(%b: !perdure.native<!b>) {
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %half = perdure.cast %b : !perdure.native<!b> to !perdure.native<!half>
  %alike = perdure.cast %b : !perdure.native<!b> to !perdure.native<!alike>
  // They may be, but that is not looked into.
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %array = perdure.cast %b : !perdure.native<!b> to !perdure.native<!array>
  return
}

// -----

!b = !perdure.record<"b", body {id: i64, q: !perdure.ptr<!perdure.record<"b">>}>
!head = !perdure.record<"head", body {id: i64}>

// From one of an array to the next are as many bytes as the type has.
func.func @stepped(%b: !perdure.native<!b>, %i: index) {
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none, or of another one}}
  %h = perdure.cast %b : !perdure.native<!b> to !perdure.native<!head>
  %e = perdure.element %h[%i : index] : !perdure.native<!head>
  return
}

// -----

// Where an address goes that does not say what lies there.
!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>, z: i64}>
!raw = !perdure.record<"raw", body {bits: i64, z: i64}>
!holder = !perdure.record<"holder", body {any: !perdure.native<none>, mine: !perdure.ptr<none>}>

func.func @integer(%b: !perdure.native<!b>) -> i64 {
  // expected-error @+1 {{the address of a record that gets another encoding, or leads to one, is not followed: use perdure.field, or call a function that knows the record}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  // expected-note @+1 {{it goes here}}
  %i = llvm.ptrtoint %p : !llvm.ptr to i64
  return %i : i64
}
func.func @struct(%b: !perdure.native<!b>) -> !llvm.struct<(ptr)> {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  %u = llvm.mlir.undef : !llvm.struct<(ptr)>
  // expected-note @+1 {{it goes here}}
  %s = llvm.insertvalue %p, %u[0] : !llvm.struct<(ptr)>
  return %s : !llvm.struct<(ptr)>
}
func.func @as_memref(%b: !perdure.native<!b>) {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  // expected-note @+1 {{it goes here}}
  %m = builtin.unrealized_conversion_cast %p : !llvm.ptr to memref<2xi64>
  return
}
func.func @with_another(%b: !perdure.native<!b>, %i: index) {
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none}}
  %m = builtin.unrealized_conversion_cast %b, %i : !perdure.native<!b>, index to memref<?xi64>
  return
}
func.func @base(%b: !perdure.native<!b>) -> !perdure.base {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  // expected-note @+1 {{it goes here}}
  %base = perdure.cast %p : !llvm.ptr to !perdure.base
  return %base : !perdure.base
}
func.func @of_base(%base: !perdure.base) -> !perdure.native<!b> {
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none}}
  %b = perdure.cast %base : !perdure.base to !perdure.native<!b>
  return %b : !perdure.native<!b>
}
func.func @stored(%b: !perdure.native<!b>, %slot: !llvm.ptr) {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  // expected-note @+1 {{it goes here}}
  llvm.store %p, %slot : !llvm.ptr, !llvm.ptr
  return
}
func.func @kept(%b: !perdure.native<!b>, %h: !perdure.native<!holder>) {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !perdure.native<none>
  %at = perdure.field %h["any"] : !perdure.native<!holder>
  // expected-note @+1 {{it goes here}}
  perdure.store %p, %at : !perdure.native<!perdure.native<none>>
  return
}
func.func @persistent(%b: !perdure.native<!b>, %h: !perdure.native<!holder>) -> !perdure.native<!b> {
  %at = perdure.field %h["mine"] : !perdure.native<!holder>
  %bits = perdure.load %at : !perdure.native<!perdure.ptr<none>>
  // expected-note @+1 {{it may come from here}}
  %p = perdure.decode %bits at %at : !perdure.ptr<none>
  // expected-error @+1 {{is not followed: use perdure.field}}
  %q = perdure.cast %p : !perdure.native<none> to !perdure.native<!b>
  return %q : !perdure.native<!b>
}
llvm.func @perdure.base(!llvm.ptr) -> !llvm.ptr
func.func @contract(%b: !perdure.native<!b>) {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  // expected-note @+1 {{it goes here}}
  %q = llvm.call @perdure.base(%p) : (!llvm.ptr) -> !llvm.ptr
  return
}
llvm.func @memcpy(!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
func.func @bytes(%b: !perdure.native<!b>, %to: !llvm.ptr, %n: i64) {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  // expected-note @+1 {{it goes here}}
  %q = llvm.call @memcpy(%to, %p, %n) : (!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
  return
}
func.func @many(%m: memref<4x!perdure.native<!b>>) {
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none}}
  %n = builtin.unrealized_conversion_cast %m : memref<4x!perdure.native<!b>> to memref<4x!perdure.native<!raw>>
  return
}
func.func @backward(%p: !llvm.ptr) -> i64 {
  // expected-note @+1 {{it may come from here}}
  %q = llvm.getelementptr %p[0] : (!llvm.ptr) -> !llvm.ptr, i8
  // expected-error @+1 {{is not followed: use perdure.field}}
  %b = perdure.cast %q : !llvm.ptr to !perdure.native<!b>
  perdure.free %b : !perdure.native<!b>
  %v = llvm.load %p : !llvm.ptr -> i64
  return %v : i64
}
func.func @also_read(%p: !llvm.ptr) -> i64 {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %b = perdure.cast %p : !llvm.ptr to !perdure.native<!b>
  perdure.free %b : !perdure.native<!b>
  // expected-note @+1 {{it goes here}}
  %v = llvm.load %p : !llvm.ptr -> i64
  return %v : i64
}

// Functions of the module are looked at, those compiled elsewhere are not.
func.func private @peek(%p: !llvm.ptr) -> i64 {
  // expected-note @+1 {{it goes here}}
  %v = llvm.load %p : !llvm.ptr -> i64
  return %v : i64
}
func.func private @same(%p: !llvm.ptr) -> !llvm.ptr {
  return %p : !llvm.ptr
}
func.func @calls(%b: !perdure.native<!b>) -> i64 {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  %v = func.call @peek(%p) : (!llvm.ptr) -> i64
  return %v : i64
}
func.func @given_back(%b: !perdure.native<!b>) -> !perdure.native<!raw> {
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  %q = func.call @same(%p) : (!llvm.ptr) -> !llvm.ptr
  // expected-note @+1 {{for what it is taken here}}
  %r = perdure.cast %q : !llvm.ptr to !perdure.native<!raw>
  return %r : !perdure.native<!raw>
}

// Loops and branches carry it.
func.func @carried(%b: !perdure.native<!b>, %n: index) -> i64 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  %r = scf.for %i = %zero to %n step %one iter_args(%q = %p) -> !llvm.ptr {
    scf.yield %q : !llvm.ptr
  }
  // expected-note @+1 {{it goes here}}
  %v = llvm.load %r : !llvm.ptr -> i64
  return %v : i64
}
// But only where it goes.
func.func @beside(%b: !perdure.native<!b>, %o: !llvm.ptr, %c: i1) -> i64 {
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  %r:2 = scf.if %c -> (!llvm.ptr, !llvm.ptr) {
    scf.yield %p, %o : !llvm.ptr, !llvm.ptr
  } else {
    scf.yield %p, %o : !llvm.ptr, !llvm.ptr
  }
  %v = llvm.load %r#1 : !llvm.ptr -> i64
  %back = perdure.cast %r#0 : !llvm.ptr to !perdure.native<!b>
  perdure.free %back : !perdure.native<!b>
  return %v : i64
}

// -----

!b = !perdure.record<"b", body {q: !perdure.ptr<!perdure.record<"b">>}>
!c = !perdure.record<"c", body {q: !perdure.ptr<!b>}>

func.func @compared(%b: !perdure.native<!b>, %c: !perdure.native<!c>) -> i1 {
  %x = perdure.field %b["q"] : !perdure.native<!b>
  %y = perdure.field %c["q"] : !perdure.native<!c>
  // expected-error @+1 {{places of persistent pointers in two encodings are compared: compare the records in which they lie}}
  %e = perdure.equal %x, %y : !perdure.native<!perdure.ptr<!b>>
  return %e : i1
}

// -----

// What is taken for a record that changes counts as one: also behind others.
!b = !perdure.record<"b", body {id: i64, q: !perdure.ptr<!perdure.record<"b">>}>
!one = !perdure.record<"one", body {id: i64}>
!two = !perdure.record<"two", body {id: i64}>
!raw = !perdure.record<"raw", body {id: i64, bits: i64}>
!to_one = !perdure.record<"to_one", body {p: !perdure.native<!one>}>
!to_two = !perdure.record<"to_two", body {p: !perdure.native<!two>}>

func.func @behind(%to: !perdure.native<!to_one>, %b: !perdure.native<!b>) -> i64 {
  %at = perdure.field %to["p"] : !perdure.native<!to_one>
  %one = perdure.cast %b : !perdure.native<!b> to !perdure.native<!one>
  perdure.store %one, %at : !perdure.native<!perdure.native<!one>>
  %other = perdure.cast %to : !perdure.native<!to_one> to !perdure.native<!to_two>
  %place = perdure.field %other["p"] : !perdure.native<!to_two>
  %two = perdure.load %place : !perdure.native<!perdure.native<!two>>
  // expected-error @+1 {{a cast takes a record that gets another encoding, or leads to one, for something of none}}
  %raw = perdure.cast %two : !perdure.native<!two> to !perdure.native<!raw>
  %bits = perdure.field %raw["bits"] : !perdure.native<!raw>
  %v = perdure.load %bits : !perdure.native<i64>
  return %v : i64
}

// -----

// Who calls through a pointer, and who is called so, is not followed.
!b = !perdure.record<"b", body {id: i64, q: !perdure.ptr<!perdure.record<"b">>}>
!raw = !perdure.record<"raw", body {id: i64, bits: i64}>

// expected-note @+1 {{it may come from here}}
func.func private @taken(%p: !llvm.ptr) -> i64 {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %b = perdure.cast %p : !llvm.ptr to !perdure.native<!b>
  %q = perdure.field %b["q"] : !perdure.native<!b>
  %bits = perdure.load %q : !perdure.native<!perdure.ptr<!b>>
  %n = perdure.decode %bits at %q : !perdure.ptr<!b>, !perdure.native<!perdure.ptr<!b>>
  %id = perdure.field %n["id"] : !perdure.native<!b>
  %v = perdure.load %id : !perdure.native<i64>
  return %v : i64
}
func.func @calls_it(%r: !perdure.native<!raw>) -> i64 {
  %p = perdure.cast %r : !perdure.native<!raw> to !llvm.ptr
  %f = func.constant @taken : (!llvm.ptr) -> i64
  %v = func.call_indirect %f(%p) : (!llvm.ptr) -> i64
  return %v : i64
}
func.func @calls_another(%f: (!llvm.ptr) -> i64, %b: !perdure.native<!b>) -> i64 {
  // expected-error @+1 {{is not followed: use perdure.field}}
  %p = perdure.cast %b : !perdure.native<!b> to !llvm.ptr
  // expected-note @+1 {{it goes here}}
  %v = func.call_indirect %f(%p) : (!llvm.ptr) -> i64
  return %v : i64
}
