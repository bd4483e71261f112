; The contract's fourth function: a slot base that a front end asks for.
; RUN: %opt -passes=perdure-resolve-volatile -S %s | FileCheck %s
; RUN: %opt -passes=perdure-lower -S %s | FileCheck %s --check-prefix=LOWER
; RUN: %opt -O2 -S %s | FileCheck %s --check-prefix=O2
; RUN: sed 's/^;FLAG//' %s | %opt -passes=perdure-lower -S - | FileCheck %s --check-prefix=PLAIN
; RUN: %opt -passes=perdure-raise -S %s | FileCheck %s --check-prefix=RAISE
target triple = "x86_64-unknown-linux-gnu"
;FLAG!llvm.module.flags = !{!0}
;FLAG!0 = !{i32 7, !"perdure.no.bases", i32 1}

declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
; RAISE: declare ptr @perdure.base(ptr) #[[ATTR:[0-9]+]]
; RAISE: attributes #[[ATTR]] = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
declare ptr @perdure.base(ptr) nounwind speculatable willreturn memory(none)
declare void @use(ptr)

; A container that is a base is led back to what that is of.
; CHECK-LABEL: @container(
; CHECK-NEXT: call ptr @perdure.decode(i64 %bits, ptr %c, i32 0)
define ptr @container(i64 %bits, ptr %c) {
  %b = call ptr @perdure.base(ptr %c)
  %p = call ptr @perdure.decode(i64 %bits, ptr %b, i32 0)
  ret ptr %p
}

; Not where the bits depend on the place: 4 is xor.
; CHECK-LABEL: @not_movable(
; CHECK: call ptr @perdure.decode(i64 %bits, ptr %b, i32 4)
define ptr @not_movable(i64 %bits, ptr %c) {
  %b = call ptr @perdure.base(ptr %c)
  %p = call ptr @perdure.decode(i64 %bits, ptr %b, i32 4)
  ret ptr %p
}

; A phi of bases is the base of a phi, which in a chase is the pointer's own.
; CHECK-LABEL: @chase(
; CHECK: %p = phi ptr [ %head, %entry ], [ %next, %loop ]
; CHECK-NEXT: %[[SOURCE:.*]] = phi ptr [ %head, %entry ], [ %next, %loop ]
; CHECK-NOT: perdure.base
; CHECK: call ptr @perdure.decode(i64 %bits, ptr %[[SOURCE]], i32 0)
; Then no mask is left in the loop.
; O2-LABEL: @chase(
; O2: {{^}}loop:
; O2-NOT: and i64
; O2: perdure.slow
; PLAIN-LABEL: @chase(
; PLAIN: loop:
; The base that is handed over is not masked again.
; PLAIN: %b = phi ptr
; PLAIN: perdure.hot:
; PLAIN-NEXT: ptrtoint ptr %b to i64
; PLAIN-NOT: and i64
; PLAIN: perdure.slow
define i64 @chase(ptr %head) {
entry:
  %b0 = call ptr @perdure.base(ptr %head)
  br label %loop
loop:
  %p = phi ptr [ %head, %entry ], [ %next, %loop ]
  %b = phi ptr [ %b0, %entry ], [ %bn, %loop ]
  %s = phi i64 [ 0, %entry ], [ %t, %loop ]
  %at = getelementptr inbounds i8, ptr %p, i64 8
  %v = load i64, ptr %at
  %t = add i64 %s, %v
  %bits = load i64, ptr %p
  %next = call ptr @perdure.decode(i64 %bits, ptr %b, i32 0)
  %bn = call ptr @perdure.base(ptr %next)
  %end = icmp eq ptr %next, null
  br i1 %end, label %done, label %loop
done:
  ret i64 %t
}

; One side is no base for certain: nothing is known of the phi.
; CHECK-LABEL: @mixed(
; CHECK: phi ptr [ %b, %then ], [ %other, %entry ]
; CHECK-NEXT: call ptr @perdure.decode(i64 %bits, ptr %m, i32 0)
define ptr @mixed(i1 %which, i64 %bits, ptr %c, ptr %other) {
entry:
  br i1 %which, label %then, label %join
then:
  %b = call ptr @perdure.base(ptr %c)
  br label %join
join:
  %m = phi ptr [ %b, %then ], [ %other, %entry ]
  %p = call ptr @perdure.decode(i64 %bits, ptr %m, i32 0)
  ret ptr %p
}

; CHECK-LABEL: @select(
; CHECK: %[[OF:.*]] = select i1 %which, ptr %c, ptr %d
; CHECK: call i64 @perdure.encode(ptr %p, ptr %[[OF]], i64 0, i32 0)
define i64 @select(i1 %which, ptr %p, ptr %c, ptr %d) {
  %x = call ptr @perdure.base(ptr %c)
  %y = call ptr @perdure.base(ptr %d)
  %b = select i1 %which, ptr %x, ptr %y
  %bits = call i64 @perdure.encode(ptr %p, ptr %b, i64 0, i32 0)
  ret i64 %bits
}

; What else wants a base gets a mask; the declaration goes.
; LOWER-LABEL: @escapes(
; LOWER: %[[ADDRESS:.*]] = ptrtoint ptr %c to i64
; LOWER: %[[BASE:.*]] = and i64 %[[ADDRESS]], -34359738368
; LOWER: %[[POINTER:.*]] = inttoptr i64 %[[BASE]] to ptr
; LOWER: call void @use(ptr %[[POINTER]])
; LOWER-NOT: @perdure.base
define void @escapes(ptr %c) {
  %b = call ptr @perdure.base(ptr %c)
  call void @use(ptr %b)
  ret void
}

; Who calls it may not know that it throws nothing; and where nothing comes a base may
; be its own.
; LOWER-LABEL: @invoked(
; LOWER: and i64 %{{.*}}, -34359738368
; LOWER: ret ptr
define ptr @invoked(ptr %c) personality ptr @personality {
entry:
  %b = invoke ptr @perdure.base(ptr %c) to label %done unwind label %pad
pad:
  %p = phi i32 [ 1, %entry ]
  %l = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %l
done:
  ret ptr %b
dead:
  %x = call ptr @perdure.base(ptr %x)
  %y = call ptr @perdure.base(ptr %z)
  %z = call ptr @perdure.base(ptr %y)
  br label %dead
}
declare i32 @personality(...)
