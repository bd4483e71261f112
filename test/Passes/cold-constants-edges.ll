; An edge to a landing pad begins at the call, one to the target of an asm goto at
; the asm: a constant for a phi behind it may not go back to the end of its block.
; RUN: %cc -O2 -S -Xclang -disable-llvm-passes -Wno-override-module -mllvm -verify-machineinstrs -fpass-plugin=%lib/PerdurePasses.so -x ir %s -o - | FileCheck %s
; RUN: %cc -target aarch64-linux-gnu -O2 -S -Xclang -disable-llvm-passes -Wno-override-module -mllvm -verify-machineinstrs -fpass-plugin=%lib/PerdurePasses.so -x ir %s -o /dev/null
target triple = "x86_64-pc-linux-gnu"
declare i64 @may_throw(i64)
declare i32 @__gxx_personality_v0(...)

; CHECK-LABEL: unwind:
; CHECK:         movabsq $1311768467463790320
; CHECK:         Inner Loop Header
; CHECK-NOT:     movabsq $1311768467463790320
define i64 @unwind(ptr %p, i64 %n) "perdure-lowered" personality ptr @__gxx_personality_v0 {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %i2, %next ]
  %s = phi i64 [ 0, %entry ], [ %s2, %next ]
  %a = getelementptr i64, ptr %p, i64 %i
  %v = load i64, ptr %a
  %c = icmp eq i64 %v, 77
  br i1 %c, label %rare, label %next, !prof !0
rare:
  %c2 = icmp eq i64 %s, 5
  br i1 %c2, label %second, label %first
first:
  %r = invoke i64 @may_throw(i64 %s) to label %next unwind label %pad
second:
  %r2 = invoke i64 @may_throw(i64 %i) to label %next unwind label %pad
next:
  %s1 = phi i64 [ %v, %loop ], [ %r, %first ], [ %r2, %second ], [ %k, %pad ]
  %s2 = add i64 %s, %s1
  %i2 = add i64 %i, 1
  %d = icmp eq i64 %i2, %n
  br i1 %d, label %exit, label %loop
exit:
  ret i64 %s2
pad:
  %k = phi i64 [ 1311768467463790320, %first ], [ 2459565876494606882, %second ]
  %l = landingpad { ptr, i32 } catch ptr null
  br label %next
}

; CHECK-LABEL: jump:
; CHECK:         ret
define i64 @jump(ptr %p, i64 %n) "perdure-lowered" {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %i2, %next ]
  %s = phi i64 [ 0, %entry ], [ %s2, %next ]
  %a = getelementptr i64, ptr %p, i64 %i
  %v = load i64, ptr %a
  %c = icmp eq i64 %v, 77
  br i1 %c, label %rare, label %next, !prof !0
rare:
  %c2 = icmp eq i64 %s, 5
  br i1 %c2, label %second, label %first
first:
  %r = callbr i64 asm "# $0 ${1:l}", "=r,!i"() to label %next [label %target]
second:
  %r2 = callbr i64 asm "# $0 ${1:l}", "=r,!i"() to label %next [label %target]
next:
  %s1 = phi i64 [ %v, %loop ], [ %r, %first ], [ %r2, %second ], [ %k, %target ]
  %s2 = add i64 %s, %s1
  %i2 = add i64 %i, 1
  %d = icmp eq i64 %i2, %n
  br i1 %d, label %exit, label %loop
exit:
  ret i64 %s2
target:
  %k = phi i64 [ 1311768467463790320, %first ], [ 2459565876494606882, %second ]
  br label %next
}
!0 = !{!"branch_weights", i32 1, i32 4000}
