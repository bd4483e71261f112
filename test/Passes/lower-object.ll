; The shape of each inline sequence of the encoding object.
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='perdure-lower,verify' -S | FileCheck %s

target triple = "x86_64-pc-linux-gnu"
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare i64 @perdure.reencode(i64, ptr, ptr, i64, i32)

; CHECK: @__perdure_window = external hidden global [4 x i64]
; LIMIT - 1 = 34225520639, SLOT = 34359738368.
; CHECK-LABEL: define ptr @decode
; CHECK:         [[B:%.*]] = freeze i64 %b
; CHECK-NEXT:    [[M:%.*]] = sub i64 [[B]], 1
; CHECK-NEXT:    [[N:%.*]] = icmp ult i64 [[M]], 34225520639
; CHECK-NEXT:    br i1 [[N]], label %[[HOT:.*]], label %[[SLOW:.*]], !prof
; CHECK:       [[HOT]]:
; CHECK-NEXT:    [[C:%.*]] = ptrtoint ptr %c to i64
; CHECK-NEXT:    [[S:%.*]] = and i64 [[C]], -34359738368
; CHECK-NEXT:    [[A:%.*]] = add nuw i64 [[S]], [[B]]
; CHECK-NEXT:    inttoptr i64 [[A]] to ptr
; CHECK-NEXT:    br label
; CHECK:       [[SLOW]]:
; CHECK-NEXT:    icmp eq i64 [[B]], 0
; CHECK:         load i64, ptr @__perdure_window, align 8, !invariant.load
; CHECK-NOT:     load atomic
; CHECK:         call preserve_mostcc ptr @__perdure_decode_cold(i64 [[B]], ptr %c) [[PURE:#[0-9]+]]
define ptr @decode(i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  ret ptr %p
}

; In a loop the FOT's cache is read inline.
; CHECK-LABEL: define ptr @decode_in_loop
; CHECK:         [[INDEX:%.*]] = lshr i64 [[B:%.*]], 40
; CHECK-NEXT:    sub i64 [[INDEX]], 8388608
; CHECK-NEXT:    icmp ult i64 {{.*}}, 64
; CHECK-NEXT:    and i64 [[B]], 1099511627775
; CHECK:         load i64, ptr getelementptr {{.*}}@__perdure_window, i32 0, i32 2)
; CHECK:         lshr i64 {{.*}}, 26
; CHECK:         add i64 {{.*}}, -67108864
; CHECK:         load atomic i64, ptr {{.*}} unordered, align 8, !nosanitize
; CHECK:         call preserve_mostcc ptr @__perdure_decode_cold
define ptr @decode_in_loop(ptr %c) {
entry:
  br label %loop
loop:
  %b = load i64, ptr %c
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %more = icmp eq ptr %p, %c
  br i1 %more, label %loop, label %done
done:
  ret ptr %p
}

; CHECK-LABEL: define i64 @encode(
; CHECK:         icmp ult
; CHECK:         br i1
; CHECK:         call preserve_mostcc i64 @__perdure_encode_cold(ptr {{.*}}, ptr %c, ptr null) [[EFFECT:#[0-9]+]]
define i64 @encode(ptr %p, ptr %c) {
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 0)
  ret i64 %b
}

; CHECK-LABEL: define i64 @reencode
; CHECK:         [[X:%.*]] = xor i64
; CHECK-NEXT:    icmp ult i64 [[X]], 34359738368
; CHECK:         call preserve_mostcc i64 @__perdure_reencode_cold(i64 {{.*}}, ptr %f, ptr %t, ptr null) [[EFFECT]]
define i64 @reencode(i64 %b, ptr %f, ptr %t) {
  %r = call i64 @perdure.reencode(i64 %b, ptr %f, ptr %t, i64 0, i32 0)
  ret i64 %r
}

; Containers known to be volatile: no window, no call that names them.
; CHECK-LABEL: define ptr @volatile_decode
; CHECK-NOT:     br
; CHECK:         shl i64
; CHECK-NEXT:    ashr i64
; CHECK-NEXT:    icmp ult i64 {{.*}}, 4611686018427387904
; CHECK-NEXT:    select
; CHECK-NEXT:    inttoptr
define ptr @volatile_decode(i64 noundef %b) {
  %p = call ptr @perdure.decode(i64 %b, ptr null, i32 0)
  ret ptr %p
}
; CHECK-LABEL: define i64 @volatile_encode
; CHECK-NOT:     @__perdure_window
; CHECK:         call preserve_mostcc i64 @__perdure_encode_cold(ptr %p, ptr null, ptr null)
define i64 @volatile_encode(ptr noundef %p) {
  %b = call i64 @perdure.encode(ptr %p, ptr null, i64 0, i32 0)
  ret i64 %b
}

; Small: the hot path, null, and a call.
; CHECK-LABEL: define ptr @small
; CHECK-NOT:     @__perdure_window
; CHECK:         call preserve_mostcc ptr @__perdure_decode_cold
define ptr @small(i64 %b, ptr %c) minsize optsize {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  ret ptr %p
}

; CHECK: declare hidden preserve_mostcc ptr @__perdure_decode_cold(i64, ptr)
; CHECK-DAG: attributes [[PURE]] = { cold nounwind willreturn memory(none) }
; CHECK-DAG: attributes [[EFFECT]] = { cold nounwind memory(inaccessiblemem: readwrite) }
