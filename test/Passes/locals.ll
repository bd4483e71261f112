; A local becomes a register at -O2, and no address of it reaches a call.
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='default<O2>,verify' -S | FileCheck %s
declare i64 @llvm.ptrauth.blend(i64, i64)
declare i64 @llvm.ptrauth.auth(i64, i32 immarg, i64)
declare i64 @llvm.ptrauth.sign(i64, i32 immarg, i64)
; CHECK-LABEL: define {{.*}}ptr @local
; CHECK-NEXT:    ret ptr %p
define ptr @local(ptr noundef returned %p) {
  %x = alloca { i64, ptr }
  %f = getelementptr inbounds { i64, ptr }, ptr %x, i32 0, i32 1
  %fi = ptrtoint ptr %f to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %fi, i64 23808)
  %pi = ptrtoint ptr %p to i64
  %s = call i64 @llvm.ptrauth.sign(i64 %pi, i32 2, i64 %d)
  %sp = inttoptr i64 %s to ptr
  store ptr %sp, ptr %f
  %l = load ptr, ptr %f
  %li = ptrtoint ptr %l to i64
  %a = call i64 @llvm.ptrauth.auth(i64 %li, i32 2, i64 %d)
  %ap = inttoptr i64 %a to ptr
  ret ptr %ap
}
