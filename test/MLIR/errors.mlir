// What is wrong is said where it is, with the way out.
// RUN: perdure-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{Perdure knows no such encoding: 'rot13'; there are object, native}}
func.func private @f(!perdure.ptr<i64, "rot13">)

// -----

// expected-error @+1 {{1 : i32 is no encoding}}
func.func private @f(!perdure.ptr<i64, 1 : i32>)

// -----

// expected-error @+1 {{a persistent pointer cannot lead to 'i24': it has no layout in memory}}
func.func private @f(!perdure.ptr<i24>)

// -----

// expected-error @+1 {{a native pointer cannot lead to '() -> ()': it has no layout in memory}}
func.func private @f(!perdure.native<() -> ()>)

// -----

// expected-error @+1 {{an array cannot be of flexible arrays}}
func.func private @f(!perdure.native<!perdure.array<4x!perdure.array<?xi8>>>)

// -----

// expected-error @+1 {{record "r": two fields are called "a"}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: i8, a: i8}>>)

// -----

// expected-error @+1 {{record "r": field "a" of type 'i24' has no layout in memory}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: i24}>>)

// -----

// A record cannot lie in itself: it has no layout before it has a body.
// expected-error @+1 {{record "r": field "a" of type '!perdure.record<"r">' has no layout in memory}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: !perdure.record<"r">}>>)

// -----

// expected-error @+1 {{record "r": only the last field may be a flexible array}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: !perdure.array<?xi8>, b: i8}>>)

// -----

// expected-error @+1 {{record "r": field "a" at 4 is not aligned to 8}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: !perdure.ptr<i8> at 4}>>)

// -----

// expected-error @+1 {{record "r": field "b" at 0 overlaps what lies before it}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: i64, b: i8 at 0}>>)

// -----

// expected-error @+1 {{record "r": its fields end at 16, behind its size, 8}}
func.func private @f(!perdure.native<!perdure.record<"r", body size 8 {a: i64, b: i64}>>)

// -----

// expected-error @+1 {{record "r": size 12 and alignment 8 do not go together}}
func.func private @f(!perdure.native<!perdure.record<"r", body size 12 {a: i64}>>)

// -----

func.func private @f(!perdure.native<!perdure.record<"r", body {a: i64}>>)
// expected-error @+1 {{record "r" has another body already}}
func.func private @g(!perdure.native<!perdure.record<"r", body {a: i32}>>)

// -----

func.func @f(%p: !perdure.native<!perdure.record<"r", body {a: i64, b: i8}>>) {
  // expected-error @+1 {{record "r" has no field 'c'; there are a, b}}
  %c = perdure.field %p["c"] : !perdure.native<!perdure.record<"r">>
  return
}

// -----

func.func @f(%p: !perdure.native<!perdure.record<"nobody">>) {
  // expected-error @+1 {{record "nobody" has no body}}
  %c = perdure.field %p["c"] : !perdure.native<!perdure.record<"nobody">>
  return
}

// -----

func.func @f(%p: !perdure.native<none>, %i: index) {
  // expected-error @+1 {{'perdure.element' cannot tell where 'none' ends}}
  %c = perdure.element %p[%i : index] : !perdure.native<none>
  return
}

// -----

func.func @f(%b: !perdure.ptr<i8, "xor">, %c: !perdure.base) {
  // expected-error @+1 {{by encoding 'xor' needs the container itself, not its slot base}}
  %p = perdure.decode %b at %c : !perdure.ptr<i8, "xor">, !perdure.base
  return
}

// -----

func.func @f(%b: !perdure.ptr<i8, "self-relative">, %c: !perdure.native<i64>) {
  // expected-error @+1 {{by encoding 'self-relative' needs the pointer's own place}}
  %p = perdure.decode %b at %c : !perdure.ptr<i8, "self-relative">, !perdure.native<i64>
  return
}

// -----

func.func @f(%b: i64, %c: !perdure.base) {
  // expected-error @+1 {{expected a !perdure.ptr, not 'i64'}}
  %p = perdure.decode %b at %c : i64, !perdure.base
  return
}

// -----

func.func @f(%p: !perdure.native<i8>, %c: !perdure.native<!perdure.ptr<i8, "inverted">>) {
  // expected-error @+1 {{by encoding 'inverted' looks at what the container held: give it as 'old'}}
  %b = perdure.encode %p at %c : !perdure.ptr<i8, "inverted">
  return
}

// -----

func.func @f(%p: !perdure.native<i8>, %c: !perdure.native<!perdure.ptr<i8>>, %o: !perdure.ptr<i8>) {
  // expected-error @+1 {{by encoding 'object' does not look at 'old'}}
  %b = perdure.encode %p at %c old %o : !perdure.ptr<i8>
  return
}

// -----

func.func @f(%p: !perdure.native<i8>, %c: !perdure.base) {
  // expected-error @+1 {{makes '!perdure.ptr<i64>' of a pointer to 'i8'}}
  %b = "perdure.encode"(%p, %c) : (!perdure.native<i8>, !perdure.base) -> !perdure.ptr<i64>
  return
}

// -----

func.func @f(%p: !perdure.native<i8>) {
  // expected-error @+1 {{operand type '!perdure.native<i8>' and result type 'i64' are cast incompatible}}
  %b = perdure.cast %p : !perdure.native<i8> to i64
  return
}

// -----

func.func @f(%p: !perdure.ptr<i8>) {
  // expected-error @+1 {{operand type '!perdure.ptr<i8>' and result type '!perdure.ptr<i8, "xor">' are cast incompatible}}
  %b = perdure.cast %p : !perdure.ptr<i8> to !perdure.ptr<i8, "xor">
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{has no one value in encoding 'lazy-null': encode it}}
  %b = perdure.null : !perdure.ptr<i8, "lazy-null">
  return
}

// -----

func.func @f(%b: !perdure.ptr<i8, "lazy-null">) {
  // expected-error @+1 {{cannot tell it of bits in encoding 'lazy-null': decode them}}
  %n = perdure.is_null %b : !perdure.ptr<i8, "lazy-null">
  return
}

// -----

func.func @f(%i: i64) {
  // expected-error @+1 {{is of a native pointer, or of a memref in #perdure.space, not of 'i64'}}
  %b = perdure.base %i : i64
  return
}

// -----

func.func @f(%p: !perdure.native<i64>, %v: i32) {
  // expected-note @-1 {{prior use here}}
  // expected-error @+1 {{expects different type than prior uses: 'i64' vs 'i32'}}
  perdure.store %v, %p : !perdure.native<i64>
  return
}

// -----

func.func @f(%p: !perdure.native<!perdure.array<4xi64>>) {
  // expected-error @+1 {{must be integer, float, index, vector or pointer}}
  %v = perdure.load %p : !perdure.native<!perdure.array<4xi64>>
  return
}

// -----

func.func @f(%p: !perdure.native<i64>) {
  // expected-error @+1 {{cannot tell how large 'none' is}}
  %v = perdure.alloc near %p : !perdure.native<i64> -> !perdure.native<none>
  return
}

// -----

func.func @f(%p: !perdure.native<f80>, %v: f80) {
  // expected-error @+1 {{cannot be silent: not all bits of 'f80' are compared as one integer}}
  perdure.store silent %v, %p : !perdure.native<f80>
  return
}

// -----

// expected-error @+1 {{is part of a function}}
perdure.transaction {
}

// -----

// expected-error @+1 {{record "r": field "a" of type '!perdure.array<2305843009213693952xi64>' has no layout in memory}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: !perdure.array<2305843009213693952xi64>}>>)

// -----

// expected-error @+1 {{record "r": field "b" at 9223372036854775800 lies behind all that there is}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: i8, b: i64 at 9223372036854775800}>>)

// -----

// expected-error @+1 {{expected a number from 0 on}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: i64 at -8}>>)

// -----

// Nor is a vector whose size would wrap one of no bytes.
// expected-error @+1 {{record "r": field "a" of type 'vector<2305843009213693952xi64>' has no layout in memory}}
func.func private @f(!perdure.native<!perdure.record<"r", body {a: vector<2305843009213693952xi64>}>>)

// -----

// LLVM pads vectors of several dimensions in its own way.
// expected-error @+1 {{an array cannot be of 'vector<3x3xf32>': it has no layout in memory}}
func.func private @f(!perdure.native<!perdure.array<2xvector<3x3xf32>>>)

// -----

func.func @f() {
  // expected-note @+1 {{the outer one}}
  perdure.transaction {
    // expected-error @+1 {{stands in another one, which it would only be part of}}
    perdure.transaction {
    }
  }
  return
}

// -----

func.func @f(%p: !perdure.native<i64>, %n: index) {
  // expected-error @+1 {{needs 2 sizes, not 1}}
  %m = perdure.to_memref %p[%n] : !perdure.native<i64> to memref<?x?xi64>
  return
}

// -----

func.func @f(%p: !perdure.native<i64>, %n: index) {
  // expected-error @+1 {{makes a memref of 'i32' of an array of 'i64'}}
  %m = perdure.to_memref %p[%n] : !perdure.native<i64> to memref<?xi32>
  return
}

// -----

func.func @f(%p: !perdure.native<i64>, %n: index) {
  // expected-error @+1 {{makes contiguous memrefs only}}
  %m = perdure.to_memref %p[%n] : !perdure.native<i64> to memref<?xi64, strided<[2]>>
  return
}

// -----

func.func @f(%m: memref<?x?xi64>, %i: index) {
  // expected-error @+1 {{needs 2 indices, not 1}}
  %p = perdure.at %m[%i] : memref<?x?xi64>
  return
}

// -----

// expected-error @+1 {{there is no policy "loud"; there are silent, padding}}
module attributes {perdure.reduce_flips = #perdure.reduce_flips<"loud">} {
}

// -----

// expected-error @+1 {{perdure.reduce_flips is for modules}}
func.func @f() attributes {perdure.reduce_flips = #perdure.reduce_flips<"merge">} {
  return
}

// -----

// expected-error @+1 {{there is no attribute "perdure.other"}}
module attributes {perdure.other} {
}
