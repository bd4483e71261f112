; Slot bases are carried beside pointers: which webs of phis and selects are
; taken, and how each kind of value enters one.
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='perdure-lower,verify' -S | FileCheck %s

target triple = "x86_64-pc-linux-gnu"
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare i32 @__gxx_personality_v0(...)
declare ptr @make()
declare void @use(ptr)

; A chase: a pair in place of the pointer. Its hot way needs neither mask nor sum.
; CHECK-LABEL: define i64 @chase
; CHECK:       entry:
; CHECK:         [[A:%.*]] = ptrtoint ptr {{.*}} to i64
; CHECK-NEXT:    [[BASE:%.*]] = and i64 [[A]], -34359738368
; CHECK-NEXT:    [[OFFSET:%.*]] = sub i64 [[A]], [[BASE]]
; CHECK:       loop:
; CHECK:         %p.base = phi i64 [ [[BASE]], %entry ], [ [[NB:%.*]], %[[LATCH:.*]] ]
; CHECK-NEXT:    %p.offset = phi i64 [ [[OFFSET]], %entry ], [ [[NO:%.*]], %[[LATCH]] ]
; CHECK-NEXT:    [[SUM:%.*]] = add i64 %p.base, %p.offset
; CHECK-NEXT:    %p = inttoptr i64 [[SUM]] to ptr
; CHECK:         %b = load i64, ptr %p
; CHECK:       perdure.hot:
; CHECK-NEXT:    br label %perdure.cont
; CHECK:       perdure.cont:
; CHECK:         phi i64 [ %p.base, %perdure.hot ], [ 0, %perdure.slow ], [ 0, %perdure.native ]
; CHECK-NEXT:    phi i64 [ [[F:%.*]], %perdure.hot ], [ 0, %perdure.slow ], [ [[F]], %perdure.native ]
define i64 @chase(ptr %first) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %first, %entry ], [ %q, %loop ]
  %b = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  %end = icmp eq i64 %b, 0
  br i1 %end, label %done, label %loop
done:
  ret i64 %b
}

; Two hops in a row: the second takes the first one's base, and only that.
; CHECK-LABEL: define ptr @two
; CHECK:         and i64 {{.*}}, -34359738368
; CHECK:       perdure.cont:
; CHECK:         [[P:%.*]] = phi ptr
; CHECK-NEXT:    [[PB:%.*]] = phi i64
; CHECK:       perdure.hot{{[0-9]+}}:
; CHECK-NOT:     and
; CHECK:         add nuw i64 [[PB]],
define ptr @two(ptr %c, i64 %b) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %b2 = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b2, ptr %p, i32 0)
  ret ptr %q
}

; A field's container leads to the pointer it is a field of; a variable index
; moves the offset without waiting for the sum.
; CHECK-LABEL: define void @fields
; CHECK:       loop:
; CHECK:         %p.base = phi i64
; CHECK-NEXT:    %p.offset = phi i64 [ {{.*}}, %entry ], [ [[NEXT:%.*]], %{{.*}} ]
; CHECK:         [[IN:%.*]] = phi i64 [ {{%.*}}, %perdure.hot ]
; CHECK:         [[SCALED:%.*]] = mul i64 %i, 8
; CHECK:         add i64 {{.*}}, [[SCALED]]
define void @fields(ptr %first, i64 %i) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %first, %entry ], [ %r, %loop ]
  %field = getelementptr inbounds i8, ptr %p, i64 16
  %b = load i64, ptr %field
  %q = call ptr @perdure.decode(i64 %b, ptr %field, i32 0)
  %r = getelementptr inbounds i64, ptr %q, i64 %i
  %end = icmp eq i64 %b, 0
  br i1 %end, label %done, label %loop
done:
  ret void
}

; A GEP that may leave its object has a base of its own.
; CHECK-LABEL: define void @leaves
; CHECK:       loop:
; CHECK-NEXT:    %p = phi ptr
; CHECK-NOT:     phi i64
; CHECK:       perdure.hot:
; CHECK-NEXT:    ptrtoint ptr %p to i64
; CHECK-NEXT:    and i64
define void @leaves(ptr %first, i64 %i) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %first, %entry ], [ %r, %loop ]
  %b = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  %r = getelementptr i64, ptr %q, i64 %i
  %end = icmp eq i64 %b, 0
  br i1 %end, label %done, label %loop
done:
  ret void
}

; Through a select.
; CHECK-LABEL: define void @chosen
; CHECK:         %s.base = select i1 %t, i64
; CHECK:         %s.offset = select i1 %t, i64
; CHECK:         %s = inttoptr i64
define void @chosen(ptr %first, i1 noundef %t) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %first, %entry ], [ %s, %loop ]
  %b = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  %s = select i1 %t, ptr %q, ptr %first
  %end = icmp eq i64 %b, 0
  br i1 %end, label %done, label %loop
done:
  ret void
}

; One block leads to the phi twice, with one value; undef enters frozen.
; CHECK-LABEL: define void @twice
; CHECK:         %p.base = phi i64 [ [[B:%.*]], %entry ], [ [[B]], %entry ], [ 0, %other ]
define void @twice(ptr %first, i32 %n) {
entry:
  switch i32 %n, label %other [ i32 1, label %loop
                                i32 2, label %loop ]
other:
  br label %loop
loop:
  %p = phi ptr [ %first, %entry ], [ %first, %entry ], [ undef, %other ], [ %q, %loop ]
  %b = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  %end = icmp eq i64 %b, 0
  br i1 %end, label %done, label %loop
done:
  ret void
}

; What an invoke returns is there only behind it: no room on the edge.
; CHECK-LABEL: define void @invoked
; CHECK:         %p = phi ptr
; CHECK-NOT:     phi i64
; CHECK:       done:
define void @invoked() personality ptr @__gxx_personality_v0 {
entry:
  %first = invoke ptr @make() to label %loop unwind label %pad
loop:
  %p = phi ptr [ %first, %entry ], [ %q, %loop ]
  %b = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  %end = icmp eq i64 %b, 0
  br i1 %end, label %done, label %loop
done:
  ret void
pad:
  %l = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %l
}

; Nothing to carry from: no decode leads here.
; CHECK-LABEL: define i64 @arguments
; CHECK:         %p = phi ptr
; CHECK-NOT:     phi i64 [ %{{.*}}, %a ]
; CHECK:         ret
define i64 @arguments(i1 %t, ptr %x, ptr %y, ptr %v) {
  br i1 %t, label %a, label %b
a:
  br label %j
b:
  br label %j
j:
  %p = phi ptr [ %x, %a ], [ %y, %b ]
  %e = call i64 @perdure.encode(ptr %v, ptr %p, i64 0, i32 0)
  ret i64 %e
}

; Small code keeps its pointers.
; CHECK-LABEL: define void @small
; CHECK-NOT:     .base
; CHECK:         ret void
define void @small(ptr %first) minsize optsize {
entry:
  br label %loop
loop:
  %p = phi ptr [ %first, %entry ], [ %q, %loop ]
  %b = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  %end = icmp eq i64 %b, 0
  br i1 %end, label %done, label %loop
done:
  ret void
}

; A frame may lie in an object, and what looks like a local in the frame.
; CHECK-LABEL: define void @coroutine
; CHECK-NOT:     .base
; CHECK:         ret void
define void @coroutine(ptr %first) presplitcoroutine {
entry:
  br label %loop
loop:
  %p = phi ptr [ %first, %entry ], [ %q, %loop ]
  %b = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  %end = icmp eq i64 %b, 0
  br i1 %end, label %done, label %loop
done:
  ret void
}

; On the way to the root of the next container stands a call that returns its
; argument. What was added before it is in no GEP behind it: the offset comes from
; the pointer.
; CHECK-LABEL: define i64 @returned
; CHECK:         %next = getelementptr inbounds i8, ptr %r, i64 8
; CHECK:         [[N:%.*]] = ptrtoint ptr %next to i64
; CHECK-NEXT:    sub i64 [[N]],
; CHECK-NEXT:    br i1
declare ptr @same(ptr returned)
define i64 @returned(ptr %first) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %first, %entry ], [ %next, %loop ]
  %b = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  %field = getelementptr inbounds i8, ptr %q, i64 40
  %r = call ptr @same(ptr %field)
  %next = getelementptr inbounds i8, ptr %r, i64 8
  %v = load i64, ptr %next
  %end = icmp eq i64 %v, 0
  br i1 %end, label %done, label %loop
done:
  ret i64 %v
}

; Base and offset are chosen by one value, or an undefined condition would make a
; pointer of one's base and the other's offset.
; CHECK-LABEL: define i64 @undefined_choice
; CHECK:         [[WHICH:%.*]] = freeze i1 %which
; CHECK:         %s.base = select i1 [[WHICH]],
; CHECK-NEXT:    %s.offset = select i1 [[WHICH]],
define i64 @undefined_choice(ptr %first, ptr %other, i1 %which) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %first, %entry ], [ %s, %loop ]
  %b = load i64, ptr %p
  %q = call ptr @perdure.decode(i64 %b, ptr %p, i32 0)
  %s = select i1 %which, ptr %q, ptr %other
  %end = icmp eq i64 %b, 0
  br i1 %end, label %done, label %loop
done:
  ret i64 %b
}
