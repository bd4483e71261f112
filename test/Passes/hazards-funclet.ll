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

; A comparison there decodes both: a cold block of its own would say nothing.
; CHECK-LABEL: define i1 @compare
; CHECK-COUNT-2: call preserve_mostcc ptr @__perdure_decode_cold({{.*}}) {{.*}}[ "funclet"(token %pad) ]
; CHECK-NOT:     call
; CHECK:         cleanupret
declare ptr @perdure.decode(i64, ptr, i32)
define i1 @compare(ptr %c, ptr %out) personality ptr @__CxxFrameHandler3 {
  invoke void @may_throw() to label %ok unwind label %cleanup
ok:
  ret i1 false
cleanup:
  %pad = cleanuppad within none []
  %a = load i64, ptr %c
  %d = getelementptr inbounds i8, ptr %c, i64 8
  %b = load i64, ptr %d
  %p = call ptr @perdure.decode(i64 %a, ptr %c, i32 0) [ "funclet"(token %pad) ]
  %q = call ptr @perdure.decode(i64 %b, ptr %c, i32 0) [ "funclet"(token %pad) ]
  %t = icmp eq ptr %p, %q
  store i1 %t, ptr %out
  cleanupret from %pad unwind to caller
}
