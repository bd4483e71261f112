; Inside a funclet the calls say so, or WinEHPrepare deletes them.
; RUN: %opt -passes='perdure-raise,perdure-lower,verify' -S %s | FileCheck %s
target triple = "x86_64-pc-windows-msvc"
declare i64 @llvm.ptrauth.blend(i64, i64)
declare i64 @llvm.ptrauth.auth(i64, i32 immarg, i64)
declare void @may_throw()
declare i32 @__CxxFrameHandler3(...)
; CHECK-LABEL: define void @f
; CHECK:         call preserve_mostcc ptr @__perdure_decode_cold({{.*}}) {{.*}}[ "funclet"(token %pad) ]
define void @f(ptr %c) personality ptr @__CxxFrameHandler3 {
  invoke void @may_throw() to label %ok unwind label %cleanup
ok:
  ret void
cleanup:
  %pad = cleanuppad within none []
  %i = load i64, ptr %c
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %r = call i64 @llvm.ptrauth.auth(i64 %i, i32 2, i64 %d)
  %p = inttoptr i64 %r to ptr
  store ptr %p, ptr %c
  cleanupret from %pad unwind to caller
}
