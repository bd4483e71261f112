; A chase by one field keeps the way that its last hops took through the FOT. Once
; that was right seven times, the entry is loaded before the bits have told which
; it is, and a branch compares.
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='perdure-lower,verify' -S | FileCheck %s
; The same on machine code: the load goes by the word that is kept.
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='default<O2>' -S | %llc -O2 | FileCheck --check-prefix=ASM %s
target triple = "x86_64-pc-linux-gnu"
declare ptr @perdure.decode(i64, ptr, i32)

; CHECK-LABEL: define i64 @list
; CHECK:         [[LAST:%.*]] = phi i64 [ 0, %entry ], [ [[KEPT:%.*]], %{{.*}} ]
; CHECK:       perdure.cached{{.*}}:
; CHECK:         [[ROW:%.*]] = lshr i64 {{.*}}, 26
; CHECK:         [[INDEX:%.*]] = shl i64 {{.*}}, 3
; CHECK-NEXT:    [[WAY:%.*]] = add i64 {{.*}}, [[INDEX]]
; CHECK:         [[COUNT:%.*]] = and i64 [[LAST]], 7
; CHECK-NEXT:    [[SURE:%.*]] = icmp eq i64 [[COUNT]], 7
; CHECK-NEXT:    br i1 [[SURE]], label %[[STEADY:.*]], label %[[LEARNING:.*]]
; CHECK:       [[STEADY]]:
; CHECK-NEXT:    [[OLD:%.*]] = sub i64 [[LAST]], 7
; CHECK-NEXT:    [[ENTRY:%.*]] = add i64 [[ROW]], [[OLD]]
; CHECK-NEXT:    [[AT:%.*]] = inttoptr i64 [[ENTRY]] to ptr
; CHECK-NEXT:    [[BELIEVED:%.*]] = load atomic i64, ptr [[AT]] unordered, align 8
; CHECK-NEXT:    [[RIGHT:%.*]] = icmp eq i64 [[WAY]], [[OLD]]
; CHECK-NEXT:    br i1 [[RIGHT]], label %[[FOUND:.*]], label %[[CHANGED:.*]], !prof
; CHECK:       [[CHANGED]]:
; CHECK-NEXT:    br label %[[LOAD:.*]]
; CHECK:       [[LEARNING]]:
; CHECK-NEXT:    [[OTHER:%.*]] = xor i64 [[LAST]], [[WAY]]
; CHECK-NEXT:    [[SAME:%.*]] = icmp ult i64 [[OTHER]], 8
; CHECK-NEXT:    [[MORE:%.*]] = add i64 [[LAST]], 1
; CHECK-NEXT:    [[NEXT:%.*]] = select i1 [[SAME]], i64 [[MORE]], i64 [[WAY]]
; CHECK-NEXT:    br label %[[LOAD]]
; CHECK:       [[LOAD]]:
; CHECK-NEXT:    phi i64 [ [[WAY]], %[[CHANGED]] ], [ [[NEXT]], %[[LEARNING]] ]
; CHECK-NEXT:    add i64 [[ROW]], [[WAY]]
; CHECK:         [[LOADED:%.*]] = load atomic i64
; CHECK:       [[FOUND]]:
; CHECK:         phi i64 [ [[BELIEVED]], %[[STEADY]] ], [ [[LOADED]], %[[LOAD]] ]

; ASM-LABEL:   list:
; ASM:           leaq -7(%[[KEPT:r[a-z0-9]+]]), %[[OLD:r[a-z0-9]+]]
; ASM:           cmpq %[[OLD]],
; ASM-NEXT:      jne
; ASM:           movq -7(%{{r[a-z0-9]+}},%[[KEPT]]),
define i64 @list(ptr %first) {
entry:
  br label %loop
loop:
  %n = phi ptr [ %first, %entry ], [ %next, %loop ]
  %s = phi i64 [ 0, %entry ], [ %t, %loop ]
  %v = getelementptr inbounds i8, ptr %n, i64 8
  %x = load i64, ptr %v
  %t = add i64 %s, %x
  %b = load i64, ptr %n
  %f = freeze i64 %b
  %next = call ptr @perdure.decode(i64 %f, ptr %n, i32 0)
  %end = icmp eq i64 %f, 0
  br i1 %end, label %out, label %loop
out:
  ret i64 %t
}

; Not where the program decides from hop to hop,
; CHECK-LABEL: define ptr @tree
; CHECK-NOT:     perdure.steady
; CHECK:       }
define ptr @tree(ptr %root, i64 %key) {
entry:
  br label %loop
loop:
  %n = phi ptr [ %root, %entry ], [ %next, %loop ]
  %k = getelementptr inbounds i8, ptr %n, i64 16
  %x = load i64, ptr %k
  %less = icmp ult i64 %key, %x
  %o = select i1 %less, i64 0, i64 8
  %kid = getelementptr inbounds i8, ptr %n, i64 %o
  %b = load i64, ptr %kid
  %f = freeze i64 %b
  %next = call ptr @perdure.decode(i64 %f, ptr %n, i32 0)
  %end = icmp eq i64 %f, 0
  br i1 %end, label %out, label %loop
out:
  ret ptr %n
}

; nor where each of two fields may lead on,
; CHECK-LABEL: define ptr @two
; CHECK-NOT:     perdure.steady
; CHECK:       }
define ptr @two(ptr %root, i64 %key) {
entry:
  br label %loop
loop:
  %n = phi ptr [ %root, %entry ], [ %left, %less ], [ %right, %more ]
  %k = getelementptr inbounds i8, ptr %n, i64 16
  %x = load i64, ptr %k
  %which = icmp ult i64 %key, %x
  br i1 %which, label %less, label %more
less:
  %lb = load i64, ptr %n
  %lf = freeze i64 %lb
  %left = call ptr @perdure.decode(i64 %lf, ptr %n, i32 0)
  %lend = icmp eq i64 %lf, 0
  br i1 %lend, label %out, label %loop
more:
  %rp = getelementptr inbounds i8, ptr %n, i64 8
  %rb = load i64, ptr %rp
  %rf = freeze i64 %rb
  %right = call ptr @perdure.decode(i64 %rf, ptr %n, i32 0)
  %rend = icmp eq i64 %rf, 0
  br i1 %rend, label %out, label %loop
out:
  ret ptr %n
}

; nor around another loop, whose registers it would take.
; CHECK-LABEL: define i64 @outer
; CHECK-NOT:     perdure.steady
; CHECK:       }
define i64 @outer(ptr %first) {
entry:
  br label %loop
loop:
  %n = phi ptr [ %first, %entry ], [ %next, %hop ]
  %v = getelementptr inbounds i8, ptr %n, i64 8
  %m = load i64, ptr %v
  br label %inner
inner:
  %i = phi i64 [ 0, %loop ], [ %j, %inner ]
  %j = add i64 %i, 1
  store volatile i64 %i, ptr %v
  %more = icmp ult i64 %j, %m
  br i1 %more, label %inner, label %hop
hop:
  %b = load i64, ptr %n
  %f = freeze i64 %b
  %next = call ptr @perdure.decode(i64 %f, ptr %n, i32 0)
  %end = icmp eq i64 %f, 0
  br i1 %end, label %out, label %loop
out:
  ret i64 %m
}
