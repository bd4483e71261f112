; Unreachable values may be built on themselves. Nothing runs for ever on them.
; RUN: %opt -passes='function(perdure-fold,perdure-resolve-volatile,perdure-fold),perdure-lower,verify' -S %s | FileCheck %s
; RUN: %opt -O2 -S %s | FileCheck %s
; CHECK-LABEL: define void @bits
; CHECK-NOT:     @perdure.decode
; CHECK-LABEL: define void @container
; CHECK-NOT:     @perdure.decode
; CHECK-LABEL: define ptr @web
; CHECK-NOT:     @perdure.decode
; CHECK:         ret ptr
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)

define void @bits(ptr %o) {
  ret void
dead:
  %a = freeze i64 %a
  %p = call ptr @perdure.decode(i64 %a, ptr %o, i32 0)
  store ptr %p, ptr %o
  br label %dead
}

define void @container(i64 %b, ptr %o) {
  ret void
dead:
  %c = getelementptr i8, ptr %c, i64 8
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  store ptr %p, ptr %o
  br label %dead
}

define ptr @web(ptr %a) {
  %e = call i64 @perdure.encode(ptr %a, ptr null, i64 0, i32 0)
  br label %join
dead:
  %f = freeze i64 %f
  br label %join
join:
  %x = phi i64 [ %e, %0 ], [ %f, %dead ]
  %p = call ptr @perdure.decode(i64 %x, ptr null, i32 0)
  ret ptr %p
}
