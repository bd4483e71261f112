; Which containers are volatile for certain.
; RUN: %opt -passes='function(perdure-resolve-volatile),verify' -S %s | FileCheck %s
declare ptr @perdure.decode(i64, ptr, i32)
declare ptr @llvm.threadlocal.address.p0(ptr)
declare ptr @malloc(i64)
@g = global [2 x ptr] zeroinitializer
@t = thread_local global ptr null

; CHECK-LABEL: define void @volatile
; CHECK-COUNT-5: call ptr @perdure.decode(i64 %b, ptr null, i32 0)
; CHECK:       ret void
define void @volatile(i64 %b, ptr byval(ptr) %v, i1 %s) {
  %a = alloca [2 x ptr]
  %f = getelementptr inbounds i8, ptr %a, i64 8
  %1 = call ptr @perdure.decode(i64 %b, ptr %f, i32 0)
  %2 = call ptr @perdure.decode(i64 %b, ptr getelementptr (i8, ptr @g, i64 8), i32 0)
  %tl = call ptr @llvm.threadlocal.address.p0(ptr @t)
  %3 = call ptr @perdure.decode(i64 %b, ptr %tl, i32 0)
  %4 = call ptr @perdure.decode(i64 %b, ptr %v, i32 0)
  %x = select i1 %s, ptr %a, ptr @g
  %5 = call ptr @perdure.decode(i64 %b, ptr %x, i32 0)
  ret void
}

; Results of allocators may lie in objects, and so may what a caller passes; a
; position-dependent encoding needs the place even there. Containers go back to
; where their inbounds GEPs start.
; CHECK-LABEL: define void @unknown
; CHECK:         call ptr @perdure.decode(i64 %b, ptr %m, i32 0)
; CHECK:         call ptr @perdure.decode(i64 %b, ptr %s, i32 0)
; CHECK:         call ptr @perdure.decode(i64 %b, ptr %a, i32 2)
; CHECK:         call ptr @perdure.decode(i64 %b, ptr %x, i32 0)
; CHECK:         call ptr @perdure.decode(i64 %b, ptr %s, i32 0)
; CHECK:         call ptr @perdure.decode(i64 %b, ptr %far, i32 0)
define void @unknown(i64 %b, ptr sret(ptr) %s, i1 %t) {
  %m = call noalias ptr @malloc(i64 8)
  %1 = call ptr @perdure.decode(i64 %b, ptr %m, i32 0)
  %2 = call ptr @perdure.decode(i64 %b, ptr %s, i32 0)
  %a = alloca ptr
  %3 = call ptr @perdure.decode(i64 %b, ptr %a, i32 2)
  %x = select i1 %t, ptr %a, ptr %m
  %4 = call ptr @perdure.decode(i64 %b, ptr %x, i32 0)
  %f = getelementptr inbounds i8, ptr %s, i64 16
  %5 = call ptr @perdure.decode(i64 %b, ptr %f, i32 0)
  %far = getelementptr i8, ptr %s, i64 16
  %6 = call ptr @perdure.decode(i64 %b, ptr %far, i32 0)
  ret void
}

; A coroutine's frame may lie in an object.
; CHECK-LABEL: define void @coroutine
; CHECK:         call ptr @perdure.decode(i64 %b, ptr %a, i32 0)
define void @coroutine(i64 %b) presplitcoroutine {
  %a = alloca ptr
  %1 = call ptr @perdure.decode(i64 %b, ptr %a, i32 0)
  ret void
}

; A function that may be inlined into a coroutine: its locals stay out of a frame
; that lies in an object, where a null container would be wrong. One whose locals
; hold nothing that was resolved is left alone.
; CHECK-LABEL: define void @inlined
; CHECK-NEXT:    alloca ptr, align 8, !coro.outside.frame
; CHECK-NEXT:    alloca i64, align 8, !coro.outside.frame
define void @inlined(i64 %b) {
  %a = alloca ptr
  %other = alloca i64
  %1 = call ptr @perdure.decode(i64 %b, ptr %a, i32 0)
  ret void
}
; CHECK-LABEL: define void @again
; CHECK-NEXT:    alloca i64, align 8, !coro.outside.frame
define void @again(i64 %b) {
  %split = alloca i64
  %1 = call ptr @perdure.decode(i64 %b, ptr null, i32 0)
  ret void
}
; CHECK-LABEL: define void @nothing
; CHECK-NEXT:    alloca i64, align 8{{$}}
define void @nothing(i64 %b, ptr %c) {
  %a = alloca i64
  %1 = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  ret void
}
