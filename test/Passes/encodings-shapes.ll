; The shapes of the encodings for researchers, and their hazards: which container
; they ask for, what is asked of the runtime, what may be folded.
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='perdure-lower,verify' -S | FileCheck %s
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='function(perdure-resolve-volatile)' -S | FileCheck --check-prefix=RESOLVE %s
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='function(perdure-fold)' -S | FileCheck --check-prefix=FOLD %s
; RUN: cat %s %S/Inputs/callbacks.ll | %opt -passes='perdure-lower,verify' -S | FileCheck --check-prefix=TWINS %s

target triple = "x86_64-pc-linux-gnu"
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare i64 @perdure.reencode(i64, ptr, ptr, i64, i32)

; SLOT - 1 = 34359738367: the sum is asked, not the bits.
; CHECK-LABEL: define ptr @self_decode
; CHECK:         [[B:%.*]] = freeze i64 %b
; CHECK:         [[S:%.*]] = add i64 [[C:%.*]], [[B]]
; CHECK-NEXT:    [[X:%.*]] = xor i64 [[S]], [[C]]
; CHECK-NEXT:    [[M:%.*]] = sub i64 [[X]], 1
; CHECK-NEXT:    icmp ult i64 [[M]], 34359738367
; CHECK:         select i1 {{.*}}, i64 [[C]], i64 [[S]]
; CHECK:         load atomic i64, ptr {{.*}} unordered, align 8, !nosanitize
; CHECK:         call preserve_mostcc ptr @__perdure_decode_self_relative_cold(i64 [[B]], ptr %c)
; TWINS-LABEL: define ptr @self_decode
; TWINS:         call ptr @__perdure_decode_self_relative(i64
define ptr @self_decode(i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 3)
  ret ptr %p
}
; LIMIT = 34225520640. A pointer to itself is foreign index 0 with its offset.
; CHECK-LABEL: define i64 @self_encode
; CHECK:         icmp ult i64 [[O:%.*]], 34225520640
; CHECK:         or i64 [[O]], -9223372036854775808
; CHECK:         call preserve_mostcc i64 @__perdure_encode_self_relative_cold(
; TWINS-LABEL: define i64 @self_encode
; TWINS:         call i64 @__perdure_encode_self_relative(
define i64 @self_encode(ptr noundef %p, ptr %c) {
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 3)
  ret i64 %b
}
; CHECK-LABEL: define i64 @self_reencode
; CHECK:         call preserve_mostcc i64 @__perdure_reencode_self_relative_cold(
; TWINS-LABEL: define i64 @self_reencode
; TWINS:         call i64 @__perdure_reencode_self_relative(
define i64 @self_reencode(i64 noundef %b, ptr %c, ptr %d) {
  %r = call i64 @perdure.reencode(i64 %b, ptr %c, ptr %d, i64 0, i32 3)
  ret i64 %r
}

; No mask, and the bits below SLOT are all offsets.
; CHECK-LABEL: define ptr @xor_decode
; CHECK:         sub i64 %b, 1
; CHECK-NEXT:    icmp ult i64 {{.*}}, 34359738367
; CHECK:         xor i64 {{.*}}, %b
; CHECK-NOT:     and i64 {{.*}}, -34359738368
; CHECK:         call preserve_mostcc ptr @__perdure_decode_cold(i64 %b, ptr %c)
; TWINS-LABEL: define ptr @xor_decode
; TWINS:         call ptr @__perdure_decode_xor(
define ptr @xor_decode(i64 noundef %b, ptr %c) minsize optsize {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 4)
  ret ptr %p
}
; CHECK-LABEL: define i64 @xor_encode
; CHECK:         icmp ult i64 [[O:%.*]], 34225520640
; CHECK:         or i64 [[O]], -9223372036854775808
; CHECK:         call preserve_mostcc i64 @__perdure_encode_cold(
define i64 @xor_encode(ptr noundef %p, ptr %c) {
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 4)
  ret i64 %b
}
; CHECK-LABEL: define i64 @xor_reencode
; CHECK:         call preserve_mostcc i64 @__perdure_reencode_xor_cold(
define i64 @xor_reencode(i64 noundef %b, ptr %c, ptr %d) {
  %r = call i64 @perdure.reencode(i64 %b, ptr %c, ptr %d, i64 0, i32 4)
  ret i64 %r
}

; One load before the test. Region bits mean the same in volatile memory, where
; raw copies may bring them, so that a container which is known to be volatile
; only saves the question after it.
; CHECK-LABEL: define ptr @region_decode
; CHECK:         load ptr, ptr @__perdure_regions, align 8, !invariant.load
; CHECK:         load atomic i64, ptr {{.*}} unordered, align 8, !nosanitize
; CHECK:         load i64, ptr @__perdure_window
; CHECK:         call preserve_mostcc ptr @__perdure_decode_region_id_cold(
define ptr @region_decode(i64 noundef %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 5)
  ret ptr %p
}
; CHECK-LABEL: define ptr @region_volatile
; CHECK:         load atomic i64
; CHECK-NOT:     @__perdure_window
; CHECK:         call preserve_mostcc ptr @__perdure_decode_region_id_cold(i64 %b, ptr null)
define ptr @region_volatile(i64 noundef %b) {
  %p = call ptr @perdure.decode(i64 %b, ptr null, i32 5)
  ret ptr %p
}
; Both slots' entries: a target in another store is an escape.
; CHECK-LABEL: define i64 @region_encode
; CHECK-COUNT-2: load atomic i64, ptr {{.*}} unordered
; CHECK:         icmp ult i64 {{.*}}, 9007199254740992
; CHECK:         icmp ult i64 {{.*}}, 34225520640
; CHECK:         call preserve_mostcc i64 @__perdure_encode_region_id_cold(
define i64 @region_encode(ptr noundef %p, ptr %c) {
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 5)
  ret i64 %b
}

; The cold call writes the cache, and nothing else.
; CHECK-LABEL: define ptr @fat_decode
; CHECK:         call ptr @llvm.threadlocal.address.p0(ptr @__perdure_fat_cache)
; CHECK:         call preserve_mostcc ptr @__perdure_decode_fat_lookup_cold(i64 %b, ptr readnone %c, ptr {{.*}}) [[WRITES:#[0-9]+]]
; TWINS-LABEL: define ptr @fat_decode
; TWINS:         call ptr @__perdure_decode_fat_lookup(i64 %b, ptr %c)
define ptr @fat_decode(i64 noundef %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 6)
  ret ptr %p
}
; CHECK-LABEL: define i64 @fat_encode
; CHECK:         call preserve_mostcc i64 @__perdure_encode_region_id_cold(
define i64 @fat_encode(ptr noundef %p, ptr %c) {
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 6)
  ret i64 %b
}

; A local's address is needed where the bits depend on it, and nowhere else.
; RESOLVE-LABEL: define void @locals
; RESOLVE:         @perdure.decode(i64 1, ptr %a, i32 3)
; RESOLVE:         @perdure.decode(i64 1, ptr null, i32 4)
; RESOLVE:         @perdure.decode(i64 1, ptr null, i32 5)
; RESOLVE:         @perdure.decode(i64 1, ptr null, i32 6)
; Fields of one object share a container only where bits may move in it.
; RESOLVE:         @perdure.decode(i64 1, ptr %f, i32 3)
; RESOLVE:         @perdure.decode(i64 1, ptr %f, i32 4)
; RESOLVE:         @perdure.decode(i64 1, ptr %o, i32 5)
define void @locals(ptr %o) {
  %a = alloca i64
  %s = call ptr @perdure.decode(i64 1, ptr %a, i32 3)
  %x = call ptr @perdure.decode(i64 1, ptr %a, i32 4)
  %r = call ptr @perdure.decode(i64 1, ptr %a, i32 5)
  %t = call ptr @perdure.decode(i64 1, ptr %a, i32 6)
  %f = getelementptr inbounds i8, ptr %o, i64 8
  %s2 = call ptr @perdure.decode(i64 1, ptr %f, i32 3)
  %x2 = call ptr @perdure.decode(i64 1, ptr %f, i32 4)
  %r2 = call ptr @perdure.decode(i64 1, ptr %f, i32 5)
  ret void
}

; A copy inside one object is a copy of bits under region-id alone.
; FOLD-LABEL: define i64 @copy_self
; FOLD:         @perdure.reencode(
define i64 @copy_self(i64 %b, ptr %o) {
  %f = getelementptr inbounds i8, ptr %o, i64 8
  %r = call i64 @perdure.reencode(i64 %b, ptr %o, ptr %f, i64 0, i32 3)
  ret i64 %r
}
; FOLD-LABEL: define i64 @copy_xor
; FOLD:         @perdure.reencode(
define i64 @copy_xor(i64 %b, ptr %o) {
  %f = getelementptr inbounds i8, ptr %o, i64 8
  %r = call i64 @perdure.reencode(i64 %b, ptr %o, ptr %f, i64 0, i32 4)
  ret i64 %r
}
; FOLD-LABEL: define i64 @copy_region
; FOLD-NEXT:    ret i64 %b
define i64 @copy_region(i64 %b, ptr %o) {
  %f = getelementptr inbounds i8, ptr %o, i64 8
  %r = call i64 @perdure.reencode(i64 %b, ptr %o, ptr %f, i64 0, i32 5)
  ret i64 %r
}

; CHECK: attributes [[WRITES]] = { cold nounwind willreturn memory(argmem: write) }
