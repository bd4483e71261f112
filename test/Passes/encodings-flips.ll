; The encodings that look at what the container held (7: lazy-null, 8: inverted, 11:
; xor-inverted): what they store, and where the rules of the passes differ for them.
; RUN: split-file %s %t
; RUN: cat %t/lower.ll %S/Inputs/pic.ll | %opt -passes='perdure-lower,verify' -S | FileCheck --check-prefix=LOWER %s
; RUN: cat %t/lower.ll %S/Inputs/callbacks.ll | %opt -passes='perdure-lower,verify' -S | FileCheck --check-prefix=TWINS %s
; RUN: %opt -passes='function(perdure-fold),verify' -S %t/fold.ll | FileCheck --check-prefix=FOLD %s
; RUN: %opt -passes='function(perdure-resolve-volatile),verify' -S %t/old.ll | FileCheck --check-prefix=OLD %s
; RUN: %opt -passes='perdure-raise,verify' -S %t/raise.ll | FileCheck --check-prefix=RAISE %s

;--- lower.ll
target triple = "x86_64-pc-linux-gnu"
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare i64 @perdure.reencode(i64, ptr, ptr, i64, i32)

; A null that is known asks for the window, and for nothing else: the 61 lower bits of
; what was there, and 2^61; over 0, and outside the window, 0.
; LOWER-LABEL: define i64 @null
; LOWER-NOT:     @__perdure_encode
; LOWER:         icmp ult i64 {{.*}}, {{.*}}
; LOWER:         [[K:%.*]] = and i64 %old, 2305843009213693951
; LOWER-NEXT:    [[M:%.*]] = or i64 [[K]], 2305843009213693952
; LOWER-NEXT:    [[Z:%.*]] = icmp eq i64 %old, 0
; LOWER-NEXT:    select i1 [[Z]], i64 %old, i64 [[M]]
; LOWER-NOT:     @__perdure_encode
; LOWER:         ret i64
define i64 @null(ptr %c, i64 noundef %old) {
  %b = call i64 @perdure.encode(ptr null, ptr %c, i64 %old, i32 7)
  ret i64 %b
}
; The same where the pointer may be null: only then is the container read, by a load
; that is not the program's.
; LOWER-LABEL: define i64 @maybe_null
; LOWER-NOT:     load i64, ptr %c
; LOWER:       perdure.null{{.*}}:
; LOWER:         load i64, ptr %c, align 8, !nosanitize
; LOWER-NEXT:    freeze
; LOWER:         ret i64
define i64 @maybe_null(ptr noundef %p, ptr %c) {
  %held = load i64, ptr %c, align 8, !nosanitize !0
  %old = freeze i64 %held
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 %old, i32 7)
  ret i64 %b
}
; A load that is the program's stays where it is.
; LOWER-LABEL: define i64 @own_load
; LOWER-NEXT:    load i64, ptr %c, align 8
; LOWER-NOT:     load i64, ptr %c
; LOWER:         ret i64
define i64 @own_load(ptr noundef %p, ptr %c) {
  %held = load i64, ptr %c, align 8
  %old = freeze i64 %held
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 %old, i32 7)
  ret i64 %b
}
; In volatile memory null is 0 alone.
; LOWER-LABEL: define i64 @volatile_null
; LOWER-NOT:     2305843009213693952
; LOWER:         ret i64
define i64 @volatile_null(ptr noundef %p) {
  %b = call i64 @perdure.encode(ptr %p, ptr null, i64 0, i32 7)
  ret i64 %b
}
; Whether a pointer is null is known by the way that its decode has taken: near ones
; are not. In volatile memory nothing is asked but the pointer.
; LOWER-LABEL: define i1 @is_null
; LOWER:         phi i1 [ false,
; LOWER-NOT:     icmp eq ptr %p, null
; LOWER:         ret i1
define i1 @is_null(i64 noundef %b, ptr %c, ptr %out) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 7)
  store ptr %p, ptr %out
  %t = icmp eq ptr %p, null
  ret i1 %t
}
; LOWER-LABEL: define i1 @is_not_null
; LOWER:         [[N:%.*]] = phi i1 [ {{.*}} ], [ true,
; LOWER:         xor i1 [[N]], true
; LOWER:         ret i1
define i1 @is_not_null(i64 noundef %b, ptr %c, ptr %out) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 10)
  store ptr %p, ptr %out
  %t = icmp ne ptr %p, null
  ret i1 %t
}
; The nearer of two values: the topmost bit of the product says that 8 or more of the
; 15 bits differ.
; LOWER-LABEL: define i64 @choose
; LOWER:       perdure.near{{.*}}:
; LOWER:         [[X:%.*]] = phi i64
; LOWER-NEXT:    [[D:%.*]] = xor i64 [[X]], %old
; LOWER-NEXT:    [[F:%.*]] = and i64 [[D]], 1152921504606978040
; LOWER-NEXT:    [[S:%.*]] = mul i64 [[F]], 8796629909505
; LOWER-NEXT:    [[N:%.*]] = and i64 [[S]], 1229782938247303441
; LOWER-NEXT:    [[P:%.*]] = mul i64 [[N]], 1229782938247303441
; LOWER-NEXT:    [[T:%.*]] = ashr i64 [[P]], 63
; LOWER-NEXT:    [[C:%.*]] = and i64 [[T]], 1152921504606978040
; LOWER-NEXT:    xor i64 [[X]], [[C]]
; Addresses from 2^60 to 2^61 are tagged, wherever they come from.
; LOWER:       perdure.tag{{.*}}:
; LOWER-NEXT:    or i64 {{.*}}, 4611686018427387904
; TWINS-LABEL: define i64 @choose
; TWINS:         call i64 @__perdure_encode_object(
; TWINS:         mul i64 {{.*}}, 8796629909505
; TWINS:         or i64 {{.*}}, 4611686018427387904
define i64 @choose(ptr noundef %p, ptr %c, i64 noundef %old) {
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 %old, i32 8)
  ret i64 %b
}

!0 = !{}

;--- fold.ll
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare i64 @perdure.reencode(i64, ptr, ptr, i64, i32)

; decode(encode(p, c), c) is p whatever was chosen.
; FOLD-LABEL: define ptr @decode_encode
; FOLD-NEXT:    call i64 @perdure.encode
; FOLD-NEXT:    ret ptr %p
define ptr @decode_encode(ptr %p, ptr %c, i64 %old) {
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 %old, i32 9)
  %q = call ptr @perdure.decode(i64 %b, ptr %c, i32 9)
  ret ptr %q
}
; Not canonical: what was decoded from a place is not what is best stored at another
; of the same object; a copy chooses, by the old bits of its own.
; FOLD-LABEL: define i64 @encode_decode
; FOLD-NEXT:    [[D:%.*]] = getelementptr
; FOLD-NEXT:    [[R:%.*]] = call i64 @perdure.reencode(i64 %b, ptr %c, ptr [[D]], i64 %old, i32 8)
; FOLD-NEXT:    ret i64 [[R]]
define i64 @encode_decode(i64 %b, ptr %c, i64 %old) {
  %d = getelementptr inbounds i8, ptr %c, i64 8
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 8)
  %e = call i64 @perdure.encode(ptr %p, ptr %d, i64 %old, i32 8)
  ret i64 %e
}
; A copy inside one object keeps its choice, but one to the very same place.
; FOLD-LABEL: define i64 @inside
; FOLD:         call i64 @perdure.reencode(i64 %b, ptr %c, ptr {{.*}}, i64 %old, i32 7)
define i64 @inside(i64 %b, ptr %c, i64 %old) {
  %d = getelementptr inbounds i8, ptr %c, i64 8
  %r = call i64 @perdure.reencode(i64 %b, ptr %c, ptr %d, i64 %old, i32 7)
  ret i64 %r
}
; FOLD-LABEL: define i64 @same_place
; FOLD-NEXT:    ret i64 %b
define i64 @same_place(i64 %b, ptr %c, i64 %old) {
  %r = call i64 @perdure.reencode(i64 %b, ptr %c, ptr %c, i64 %old, i32 12)
  ret i64 %r
}
; The later old bits count, those of the place where the bits are stored.
; FOLD-LABEL: define i64 @re_encoded
; FOLD:         call i64 @perdure.reencode(i64 %b, ptr %c, ptr %e, i64 %old2, i32 9)
; FOLD-NEXT:    ret i64
define i64 @re_encoded(i64 %b, ptr %c, ptr %d, ptr %e, i64 %old1, i64 %old2) {
  %r = call i64 @perdure.reencode(i64 %b, ptr %c, ptr %d, i64 %old1, i32 9)
  %s = call i64 @perdure.reencode(i64 %r, ptr %d, ptr %e, i64 %old2, i32 9)
  ret i64 %s
}
; A null of lazy-null is whatever was there: it is encoded.
; FOLD-LABEL: define i64 @store_null
; FOLD-NEXT:    call i64 @perdure.encode(ptr null, ptr %c, i64 %old, i32 7)
; FOLD-NOT:     @perdure.encode
; FOLD:         ret i64
define i64 @store_null(ptr %c, i64 %old) {
  %b = call i64 @perdure.encode(ptr null, ptr %c, i64 %old, i32 7)
  %i = call i64 @perdure.encode(ptr null, ptr %c, i64 %old, i32 11)
  %s = or i64 %b, %i
  ret i64 %s
}
; So bits that are not 0 may be null, and the pointer is asked; not so under inverted,
; nor in volatile memory.
; FOLD-LABEL: define i1 @lazy_is_null
; FOLD:         icmp eq ptr %p, null
define i1 @lazy_is_null(i64 noundef %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 10)
  %t = icmp eq ptr %p, null
  ret i1 %t
}
; FOLD-LABEL: define i1 @inverted_is_null
; FOLD-NEXT:    icmp eq i64 %b, 0
define i1 @inverted_is_null(i64 noundef %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 11)
  %t = icmp eq ptr %p, null
  ret i1 %t
}
; FOLD-LABEL: define i1 @volatile_is_null
; FOLD-NEXT:    icmp eq i64 %b, 0
define i1 @volatile_is_null(i64 noundef %b) {
  %p = call ptr @perdure.decode(i64 %b, ptr null, i32 12)
  %t = icmp eq ptr %p, null
  ret i1 %t
}
; FOLD-LABEL: define ptr @zero
; FOLD-NEXT:    ret ptr null
define ptr @zero(ptr %c) {
  %p = call ptr @perdure.decode(i64 0, ptr %c, i32 8)
  ret ptr %p
}

;--- old.ll
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare i64 @perdure.reencode(i64, ptr, ptr, i64, i32)

; In volatile memory nothing depends on what a container held, so nothing keeps the
; load of it; elsewhere it stays.
; OLD-LABEL: define void @drop
; OLD:         @perdure.encode(ptr %p, ptr null, i64 0, i32 7)
; OLD:         @perdure.reencode(i64 1, ptr %p, ptr null, i64 0, i32 8)
; OLD:         @perdure.reencode(i64 1, ptr null, ptr %p, i64 %there, i32 8)
; OLD:         @perdure.encode(ptr %p, ptr %p, i64 %there, i32 12)
define void @drop(ptr %p, i64 %there) {
  %a = alloca i64
  %old = load i64, ptr %a
  %b = call i64 @perdure.encode(ptr %p, ptr %a, i64 %old, i32 7)
  %r = call i64 @perdure.reencode(i64 1, ptr %p, ptr %a, i64 %old, i32 8)
  %s = call i64 @perdure.reencode(i64 1, ptr %a, ptr %p, i64 %there, i32 8)
  %t = call i64 @perdure.encode(ptr %p, ptr %p, i64 %there, i32 12)
  store i64 %b, ptr %a
  ret void
}

;--- raise.ll
target triple = "x86_64-pc-linux-gnu"
declare i64 @llvm.ptrauth.blend(i64, i64)

; Clang stores a null that it knows without asking anybody. Under lazy-null (23815) it
; is encoded, over what the place held; under inverted (23816) 0 is null, and is
; stored as it stands.
; RAISE-LABEL: define void @known
; RAISE:         [[H:%.*]] = load i64, ptr %c, align 8, !nosanitize
; RAISE-NEXT:    [[O:%.*]] = freeze i64 [[H]]
; RAISE-NEXT:    [[N:%.*]] = call {{.*}}@perdure.encode(ptr null, ptr %c, i64 [[O]], i32 7)
; RAISE:         store {{.*}}, ptr %c
; RAISE-NEXT:    ret void
define void @known(ptr %c) {
  %i = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %i, i64 23815)
  store ptr null, ptr %c, align 8
  ret void
}
; RAISE-LABEL: define void @zero_is_null
; RAISE-NOT:     @perdure.encode
; RAISE:         store ptr null, ptr %c
define void @zero_is_null(ptr %c) {
  %i = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %i, i64 23816)
  store ptr null, ptr %c, align 8
  ret void
}
; A store to another place is not it.
; RAISE-LABEL: define void @other_place
; RAISE-NOT:     @perdure.encode
; RAISE:         store ptr null, ptr %o
define void @other_place(ptr %c, ptr %o) {
  %i = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %i, i64 23815)
  store ptr null, ptr %o, align 8
  ret void
}
