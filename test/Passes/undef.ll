; Copying an indeterminate pointer is harmless in native code. Clang's guard and
; the lowered code both branch on it; without the freezes -O2 takes everything
; behind the branch for unreachable.
; RUN: %opt -passes='default<O2>' -S %s | FileCheck %s
; RUN: %opt -passes='perdure-raise,function(sroa),perdure-lower,function(instcombine,simplifycfg)' -S %s | FileCheck %s

declare i64 @llvm.ptrauth.blend(i64, i64)
declare i64 @llvm.ptrauth.resign(i64, i32 immarg, i64, i32 immarg, i64)

; CHECK-LABEL: define {{.*}}@copyundef
; CHECK-NOT:     unreachable
; CHECK:         store i32 1, ptr %after
; CHECK:         ret void
define void @copyundef(ptr %from, ptr %to, ptr %after) {
  %x = alloca ptr
  %l = load ptr, ptr %x
  %xi = ptrtoint ptr %from to i64
  %ti = ptrtoint ptr %to to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %xi, i64 23808)
  %e = call i64 @llvm.ptrauth.blend(i64 %ti, i64 23808)
  %n = icmp ne ptr %l, null
  br i1 %n, label %then, label %join
then:
  %i = ptrtoint ptr %l to i64
  %r = call i64 @llvm.ptrauth.resign(i64 %i, i32 2, i64 %d, i32 2, i64 %e)
  %p = inttoptr i64 %r to ptr
  br label %join
join:
  %v = phi ptr [ null, %0 ], [ %p, %then ]
  store ptr %v, ptr %to
  store i32 1, ptr %after
  ret void
}

; A decode without guard.
; CHECK-LABEL: define {{.*}}@decodeundef
; CHECK-NOT:     unreachable
; CHECK:         store i32 1, ptr %after
define ptr @decodeundef(ptr %c, ptr %after) {
  %x = alloca i64
  %l = load i64, ptr %x
  %xi = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %xi, i64 23808)
  %r = call i64 @llvm.ptrauth.auth(i64 %l, i32 2, i64 %d)
  %p = inttoptr i64 %r to ptr
  store i32 1, ptr %after
  ret ptr %p
}
declare i64 @llvm.ptrauth.auth(i64, i32 immarg, i64)
