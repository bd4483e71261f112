; RUN: %opt -passes='function(perdure-fold),verify' -S %s | FileCheck %s
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare i64 @perdure.reencode(i64, ptr, ptr, i64, i32)

; The encode stays: it may report an escape, and its bits may be stored.
; CHECK-LABEL: define ptr @decode_encode
; CHECK-NEXT:    call i64 @perdure.encode
; CHECK-NEXT:    ret ptr %p
define ptr @decode_encode(ptr %p, ptr %c) {
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 0)
  %f = freeze i64 %b
  %q = call ptr @perdure.decode(i64 %f, ptr %c, i32 0)
  ret ptr %q
}

; In volatile memory it goes, whichever local it was.
; CHECK-LABEL: define ptr @volatile
; CHECK-NEXT:    ret ptr %p
define ptr @volatile(ptr %p) {
  %b = call i64 @perdure.encode(ptr %p, ptr null, i64 0, i32 0)
  %q = call ptr @perdure.decode(i64 %b, ptr null, i32 0)
  ret ptr %q
}

; CHECK-LABEL: define i64 @encode_decode
; CHECK-NEXT:    ret i64 %b
define i64 @encode_decode(i64 %b, ptr %c) {
  %d = getelementptr inbounds i8, ptr %c, i64 8
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %e = call i64 @perdure.encode(ptr %p, ptr %d, i64 0, i32 0)
  ret i64 %e
}

; Other containers, encodings, or a position-dependent encoding: nothing.
; CHECK-LABEL: define void @nothing
; CHECK-COUNT-6: call {{.*}}@perdure
define void @nothing(ptr %p, ptr %c, ptr %d, ptr %out) {
  %e = getelementptr inbounds i8, ptr %c, i64 8
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 0)
  %q = call ptr @perdure.decode(i64 %b, ptr %d, i32 0)
  store ptr %q, ptr %out
  %r = call ptr @perdure.decode(i64 %b, ptr %c, i32 1)
  store ptr %r, ptr %out
  %s = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 2)
  %t = call ptr @perdure.decode(i64 %s, ptr %e, i32 2)
  store ptr %t, ptr %out
  %u = call i64 @perdure.reencode(i64 %s, ptr %c, ptr %e, i64 0, i32 2)
  store i64 %u, ptr %out
  ret void
}

; CHECK-LABEL: define i64 @copy
; CHECK-NEXT:    [[R:%.*]] = call i64 @perdure.reencode(i64 %b, ptr %c, ptr %d, i64 0, i32 0)
; CHECK-NEXT:    ret i64 [[R]]
define i64 @copy(i64 %b, ptr %c, ptr %d) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %e = call i64 @perdure.encode(ptr %p, ptr %d, i64 0, i32 0)
  ret i64 %e
}

; CHECK-LABEL: define i64 @inside
; CHECK:         ret i64 %b
define i64 @inside(i64 %b, ptr %c) {
  %d = getelementptr inbounds i8, ptr %c, i64 8
  %r = call i64 @perdure.reencode(i64 %b, ptr %c, ptr %d, i64 0, i32 0)
  ret i64 %r
}

; Through a local.
; CHECK-LABEL: define ptr @through
; CHECK-NEXT:    [[P:%.*]] = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
; CHECK-NEXT:    ret ptr [[P]]
define ptr @through(i64 %b, ptr %c) {
  %r = call i64 @perdure.reencode(i64 %b, ptr %c, ptr null, i64 0, i32 0)
  %p = call ptr @perdure.decode(i64 %r, ptr null, i32 0)
  ret ptr %p
}

; CHECK-LABEL: define i1 @null
; CHECK-NEXT:    [[T:%.*]] = icmp eq i64 %b, 0
; CHECK-NEXT:    ret i1 [[T]]
define i1 @null(i64 noundef %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %t = icmp eq ptr %p, null
  ret i1 %t
}

; A decode of undefined bits is some pointer. Its null test may be branched on, and
; says what that pointer is.
; CHECK-LABEL: define ptr @undefined_null
; CHECK-NEXT:    [[B:%.*]] = freeze i64 %b
; CHECK-NEXT:    call ptr @perdure.decode(i64 [[B]], ptr %c, i32 0)
; CHECK-NEXT:    icmp eq i64 [[B]], 0
define ptr @undefined_null(i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %t = icmp eq ptr %p, null
  br i1 %t, label %none, label %some
none:
  ret ptr null
some:
  ret ptr %p
}

; CHECK-LABEL: define i64 @store_null
; CHECK-NEXT:    ret i64 0
define i64 @store_null(ptr %c) {
  %b = call i64 @perdure.encode(ptr null, ptr %c, i64 0, i32 0)
  ret i64 %b
}

; A loop-carried local: the web of phis carries native pointers.
; CHECK-LABEL: define void @web
; CHECK:         [[P:%.*]] = phi ptr [ {{.*}}, %entry ], [ [[N:%.*]], %loop ]
; CHECK:         [[B:%.*]] = load i64, ptr [[P]]
; CHECK:         [[F:%.*]] = freeze i64 [[B]]
; CHECK:         [[N]] = call ptr @perdure.decode(i64 [[F]], ptr [[P]], i32 0)
; CHECK:         icmp eq i64 [[F]], 0
; CHECK-NOT:     @perdure.encode
; CHECK-NOT:     ptr null, i32 0)
; CHECK:         ret void
define void @web(ptr noundef %a) {
entry:
  %e = call i64 @perdure.encode(ptr %a, ptr null, i64 0, i32 0)
  br label %loop
loop:
  %x = phi i64 [ %e, %entry ], [ %y, %loop ]
  %f = freeze i64 %x
  %p = call ptr @perdure.decode(i64 %f, ptr null, i32 0)
  %l = load i64, ptr %p
  %lf = freeze i64 %l
  %y = call i64 @perdure.reencode(i64 %lf, ptr %p, ptr null, i64 0, i32 0)
  %t = icmp eq i64 %y, 0
  br i1 %t, label %done, label %loop
done:
  ret void
}

; The bits are also stored: the web stays.
; CHECK-LABEL: define ptr @escaping_web
; CHECK:         phi i64
; CHECK:         call ptr @perdure.decode(i64 {{.*}}, ptr null, i32 0)
define ptr @escaping_web(ptr %a, ptr %b, i1 %t, ptr %out) {
  %e = call i64 @perdure.encode(ptr %a, ptr null, i64 0, i32 0)
  br i1 %t, label %one, label %two
one:
  br label %two
two:
  %x = phi i64 [ %e, %0 ], [ 0, %one ]
  store i64 %x, ptr %out
  %p = call ptr @perdure.decode(i64 %x, ptr null, i32 0)
  ret ptr %p
}

; A root of the web encodes what a sink of it decodes, and is decoded again: the
; sink goes before that second decode asks for its value.
; CHECK-LABEL: define void @web_root_encodes_sink
; CHECK:         [[A:%.*]] = freeze ptr %a
; CHECK:       loop:
; CHECK-NEXT:    [[P:%.*]] = phi ptr [ [[A]], %entry ], [ [[P]], %loop ]
; CHECK-NEXT:    load i64, ptr [[P]]
; CHECK-NEXT:    load i64, ptr [[P]]
; CHECK-NEXT:    br
define void @web_root_encodes_sink(ptr %a, i1 %t) {
entry:
  %e = call i64 @perdure.encode(ptr %a, ptr null, i64 0, i32 0)
  br label %loop
loop:
  %x = phi i64 [ %e, %entry ], [ %f, %loop ]
  %p = call ptr @perdure.decode(i64 %x, ptr null, i32 0)
  %v = load i64, ptr %p
  %y = call i64 @perdure.encode(ptr %p, ptr null, i64 0, i32 0)
  %f = freeze i64 %y
  %q = call ptr @perdure.decode(i64 %f, ptr null, i32 0)
  %w = load i64, ptr %q
  br i1 %t, label %loop, label %done
done:
  ret void
}

; A freeze of the web goes; it covered the condition of a select, which is frozen
; in its place, or the branch on the null test would be undefined.
; CHECK-LABEL: define i1 @frozen_condition
; CHECK:         [[T:%.*]] = freeze i1 %t
; CHECK:         [[P:%.*]] = select i1 [[T]], ptr %a, ptr %b
; CHECK:         icmp eq ptr [[P]], null
define i1 @frozen_condition(ptr noundef %a, ptr noundef %b, i1 %t, ptr %out) {
  %x = call i64 @perdure.encode(ptr %a, ptr null, i64 0, i32 0)
  %y = call i64 @perdure.encode(ptr %b, ptr null, i64 0, i32 0)
  %s = select i1 %t, i64 %x, i64 %y
  %f = freeze i64 %s
  %p = call ptr @perdure.decode(i64 %f, ptr null, i32 0)
  store ptr %p, ptr %out
  %n = icmp eq i64 %f, 0
  ret i1 %n
}
