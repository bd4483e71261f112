; Vectors of bits are taken apart by whoever translates them; bits of several
; pointers may be loaded and stored together after lowering.
; RUN: %opt -passes='default<O3>,verify' -S %s | FileCheck %s
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.reencode(i64, ptr, ptr, i64, i32)

; CHECK-LABEL: define {{.*}}<2 x ptr> @pair
; CHECK:         @__perdure_decode_cold
define <2 x ptr> @pair(ptr %c) {
  %v = load <2 x i64>, ptr %c
  %f = freeze <2 x i64> %v
  %a = extractelement <2 x i64> %f, i32 0
  %b = extractelement <2 x i64> %f, i32 1
  %p = call ptr @perdure.decode(i64 %a, ptr %c, i32 0)
  %q = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %i = insertelement <2 x ptr> poison, ptr %p, i32 0
  %j = insertelement <2 x ptr> %i, ptr %q, i32 1
  ret <2 x ptr> %j
}

; Copies inside one record are plain and may be vectorised.
; CHECK-LABEL: define {{.*}}void @swap
; CHECK-NOT:     _cold
; CHECK:         ret void
define void @swap(ptr %c) {
  %d = getelementptr inbounds i8, ptr %c, i64 8
  %a = load i64, ptr %c
  %b = load i64, ptr %d
  %x = call i64 @perdure.reencode(i64 %a, ptr %c, ptr %d, i64 0, i32 0)
  %y = call i64 @perdure.reencode(i64 %b, ptr %d, ptr %c, i64 0, i32 0)
  store i64 %x, ptr %d
  store i64 %y, ptr %c
  ret void
}
