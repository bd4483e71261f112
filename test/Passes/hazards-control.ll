; Splitting blocks disturbs no terminator and nothing that must stand first or
; last in its block.
; RUN: %opt -passes='perdure-lower,verify' -S %s | FileCheck %s
; RUN: %opt -passes='perdure-raise,default<O2>,verify' -disable-output %s

target triple = "x86_64-pc-linux-gnu"
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare ptr @callee(ptr)
declare void @may_throw()
declare i32 @__gxx_personality_v0(...)

; CHECK-LABEL: define ptr @musttail
; CHECK:         musttail call ptr @callee(ptr %{{.*}})
; CHECK-NEXT:    ret ptr
define ptr @musttail(ptr %c) {
  %b = load i64, ptr %c
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %r = musttail call ptr @callee(ptr %p)
  ret ptr %r
}

; CHECK-LABEL: define ptr @landingpad
; CHECK:       lpad:
; CHECK-NEXT:    landingpad
define ptr @landingpad(i64 %b, ptr %c) personality ptr @__gxx_personality_v0 {
  invoke void @may_throw() to label %ok unwind label %lpad
ok:
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  ret ptr %p
lpad:
  %l = landingpad { ptr, i32 } cleanup
  %q = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  store ptr %q, ptr %c
  resume { ptr, i32 } %l
}

; An invoke of the contract, as C++ code calls a header's declaration.
; CHECK-LABEL: define ptr @invoked
; CHECK-NOT:     invoke
; CHECK:         @__perdure_decode_cold
define ptr @invoked(i64 %b, ptr %c) personality ptr @__gxx_personality_v0 {
  %p = invoke ptr @perdure.decode(i64 %b, ptr %c, i32 0) to label %ok unwind label %lpad
ok:
  ret ptr %p
lpad:
  %l = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %l
}

; Phis whose incoming blocks are split, in a cycle. %o is last round's %p, also
; when both are carried as pairs.
; CHECK-LABEL: define void @cycle
; CHECK:         %p.base = phi i64 [ %{{.*}}, %entry ], [ %{{.*}}, %[[LAST:.*]] ]
; CHECK-NEXT:    %p.offset = phi i64 [ %{{.*}}, %entry ], [ %{{.*}}, %[[LAST]] ]
; CHECK-NEXT:    %o.base = phi i64 [ %{{.*}}, %entry ], [ %p.base, %[[LAST]] ]
; CHECK-NEXT:    %o.offset = phi i64 [ %{{.*}}, %entry ], [ %p.offset, %[[LAST]] ]
; CHECK:       [[LAST]]:
define void @cycle(ptr %a, ptr %b) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %a, %entry ], [ %q, %loop ]
  %o = phi ptr [ %b, %entry ], [ %p, %loop ]
  %x = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %x, ptr %o, i32 0)
  %y = call i64 @perdure.encode(ptr %q, ptr %p, i64 0, i32 0)
  store i64 %y, ptr %o
  %t = icmp eq ptr %q, %o
  br i1 %t, label %done, label %loop
done:
  ret void
}

; CHECK-LABEL: define ptr @select
define ptr @select(i1 %t, i64 %b, ptr %c, ptr %d) {
  %s = select i1 %t, ptr %c, ptr %d
  %p = call ptr @perdure.decode(i64 %b, ptr %s, i32 0)
  %q = select i1 %t, ptr %p, ptr null
  ret ptr %q
}

; The address of a block stays that of its first half.
; CHECK-LABEL: define ptr @indirect
; CHECK:         indirectbr ptr {{.*}}, [label %one, label %two]
; CHECK:       one:
define ptr @indirect(i64 %b, ptr %c, i1 %t) {
  %d = select i1 %t, ptr blockaddress(@indirect, %one), ptr blockaddress(@indirect, %two)
  indirectbr ptr %d, [label %one, label %two]
one:
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  ret ptr %p
two:
  ret ptr null
}

; CHECK-LABEL: define ptr @asmgoto
; CHECK:         callbr void asm
define ptr @asmgoto(i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  callbr void asm sideeffect "", "!i"() to label %next [label %other]
next:
  ret ptr %p
other:
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  ret ptr %q
}
