; Blocks whose address is stored to a field that is known before.
; RUN: %opt -S -passes=perdure-placement %s | FileCheck %s
; RUN: %opt -S -passes=perdure-placement,perdure-placement %s | FileCheck %s
; RUN: sed s/reduce.placement/reduce.merge/ %s | %opt -S -passes=perdure-placement | FileCheck %s --check-prefix=OFF
; OFF-NOT: __perdure_alloc_for

declare ptr @perdure_alloc(ptr, i64)
declare ptr @perdure_alloc_for(ptr, i64, ptr)
declare ptr @perdure.decode(i64, ptr, i32) nounwind willreturn memory(none)
declare i64 @perdure.encode(ptr, ptr, i64, i32) nounwind memory(inaccessiblemem: readwrite)
declare void @sees(ptr)
declare i32 @__gxx_personality_v0(...)

; The address is computed in front of the call; what was inbounds behind it need not
; be there.
; CHECK-LABEL: @field(
; CHECK-NEXT: [[SLOT:%.*]] = getelementptr i8, ptr %h, i64 8
; CHECK-NEXT: %n = call ptr @__perdure_alloc_for(ptr %h, i64 24, ptr [[SLOT]], i32 0, i64 0) [[NOUNWIND:#[0-9]+]]
; CHECK-NEXT: %f = getelementptr inbounds nuw i8, ptr %h, i64 8
define void @field(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 24) nounwind
  %f = getelementptr inbounds nuw i8, ptr %h, i64 8
  %bits = call i64 @perdure.encode(ptr %n, ptr %f, i64 0, i32 0)
  store i64 %bits, ptr %f
  ret void
}

; Through a test, an index, and in another encoding.
; CHECK-LABEL: @bucket(
; CHECK-NEXT: [[FREE:%.*]] = sext i32 %i to i64
; CHECK-NEXT: [[SLOT:%.*]] = getelementptr ptr, ptr %h, i64 [[FREE]]
; CHECK-NEXT: tail call ptr @__perdure_alloc_for(ptr %near, i64 %size, ptr [[SLOT]], i32 4, i64 0)
define void @bucket(ptr %near, i64 %size, ptr %h, i32 %i) {
  %n = tail call ptr @perdure_alloc(ptr %near, i64 %size)
  %frozen = freeze ptr %n
  %none = icmp eq ptr %frozen, null
  br i1 %none, label %end, label %some
some:
  %wide = sext i32 %i to i64
  %f = getelementptr inbounds ptr, ptr %h, i64 %wide
  %old = load i64, ptr %f
  %bits = call i64 @perdure.encode(ptr %frozen, ptr %f, i64 %old, i32 4)
  store i64 %bits, ptr %f
  br label %end
end:
  ret void
}

; One that is always made, not one that seldom is.
; CHECK-LABEL: @more_often(
; CHECK-NEXT: [[SLOT:%.*]] = getelementptr i8, ptr %h, i64 16
; CHECK-NEXT: call ptr @__perdure_alloc_for(ptr %h, i64 24, ptr [[SLOT]], i32 0, i64 0)
define void @more_often(ptr %h, i1 %empty) {
  %n = call ptr @perdure_alloc(ptr %h, i64 24)
  br i1 %empty, label %first, label %all
first:
  %f = getelementptr i8, ptr %h, i64 8
  %bits = call i64 @perdure.encode(ptr %n, ptr %f, i64 0, i32 0)
  store i64 %bits, ptr %f
  br label %all
all:
  %g = getelementptr i8, ptr %h, i64 16
  %more = call i64 @perdure.encode(ptr %n, ptr %g, i64 0, i32 0)
  store i64 %more, ptr %g
  ret void
}

; Of two stores the first; one to the block itself is none.
; CHECK-LABEL: @first_of_two(
; CHECK-NEXT: call ptr @__perdure_alloc_for(ptr %a, i64 24, ptr %a, i32 0, i64 0)
define void @first_of_two(ptr %a, ptr %b) {
  %n = call ptr @perdure_alloc(ptr %a, i64 24)
  %own = call i64 @perdure.encode(ptr %n, ptr %n, i64 0, i32 0)
  store i64 %own, ptr %n
  %one = call i64 @perdure.encode(ptr %n, ptr %a, i64 0, i32 0)
  store i64 %one, ptr %a
  %two = call i64 @perdure.encode(ptr %n, ptr %b, i64 0, i32 0)
  store i64 %two, ptr %b
  ret void
}

; CHECK-LABEL: @invoked(
; CHECK: invoke ptr @__perdure_alloc_for(ptr %h, i64 24, ptr %h, i32 0, i64 0)
; CHECK-NEXT: to label %made unwind label %thrown
define void @invoked(ptr %h) personality ptr @__gxx_personality_v0 {
  %n = invoke ptr @perdure_alloc(ptr %h, i64 24) to label %made unwind label %thrown
made:
  %bits = call i64 @perdure.encode(ptr %n, ptr %h, i64 0, i32 0)
  store i64 %bits, ptr %h
  ret void
thrown:
  %p = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %p
}

; A field of what a loop has found.
; CHECK-LABEL: @found(
; CHECK: end:
; CHECK-NEXT: call ptr @__perdure_alloc_for(ptr %p, i64 24, ptr %p, i32 0, i64 0)
define void @found(ptr %root) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %root, %entry ], [ %next, %loop ]
  %bits = load i64, ptr %p
  %next = call ptr @perdure.decode(i64 %bits, ptr %p, i32 0)
  %last = icmp eq i64 %bits, 0
  br i1 %last, label %end, label %loop
end:
  %n = call ptr @perdure_alloc(ptr %p, i64 24)
  %new = call i64 @perdure.encode(ptr %n, ptr %p, i64 0, i32 0)
  store i64 %new, ptr %p
  ret void
}

; Without a field, but of a size whose blocks cross lines.
; CHECK-LABEL: @in_lines(
; CHECK-NEXT: call ptr @perdure_alloc(ptr %h, i64 32)
; CHECK-NEXT: call ptr @__perdure_alloc_for(ptr %h, i64 33, ptr null, i32 256, i64 0)
; CHECK-NEXT: call ptr @__perdure_alloc_for(ptr %h, i64 48, ptr null, i32 256, i64 0)
; CHECK-NEXT: call ptr @perdure_alloc(ptr %h, i64 49)
define void @in_lines(ptr %h) {
  %a = call ptr @perdure_alloc(ptr %h, i64 32)
  %b = call ptr @perdure_alloc(ptr %h, i64 33)
  %c = call ptr @perdure_alloc(ptr %h, i64 48)
  %d = call ptr @perdure_alloc(ptr %h, i64 49)
  ret void
}
; CHECK-LABEL: @placed_in_lines(
; CHECK-NEXT: call ptr @__perdure_alloc_for(ptr %h, i64 40, ptr %h, i32 260, i64 0)
define void @placed_in_lines(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 40)
  %bits = call i64 @perdure.encode(ptr %n, ptr %h, i64 0, i32 4)
  store i64 %bits, ptr %h
  ret void
}

; CHECK-NOT: call ptr @__perdure_alloc_for

; Where the field lies is read behind the call.
define void @read_later(ptr %root) {
  %n = call ptr @perdure_alloc(ptr %root, i64 24)
  %bits = load i64, ptr %root
  %p = call ptr @perdure.decode(i64 %bits, ptr %root, i32 0)
  %f = getelementptr i8, ptr %p, i64 8
  %new = call i64 @perdure.encode(ptr %n, ptr %f, i64 0, i32 0)
  store i64 %new, ptr %f
  ret void
}
; A division may trap.
define void @divides(ptr %root, i64 %a, i64 %b) {
  %n = call ptr @perdure_alloc(ptr %root, i64 24)
  %q = udiv i64 %a, %b
  %f = getelementptr ptr, ptr %root, i64 %q
  %new = call i64 @perdure.encode(ptr %n, ptr %f, i64 0, i32 0)
  store i64 %new, ptr %f
  ret void
}
; In no object; not stored; not the block's start; not the block.
define void @local(ptr %root) {
  %f = alloca ptr
  %n = call ptr @perdure_alloc(ptr %root, i64 24)
  %new = call i64 @perdure.encode(ptr %n, ptr %f, i64 0, i32 0)
  store i64 %new, ptr %f
  call void @sees(ptr %f)
  ret void
}
define i64 @compared(ptr %root) {
  %n = call ptr @perdure_alloc(ptr %root, i64 24)
  %new = call i64 @perdure.encode(ptr %n, ptr %root, i64 0, i32 0)
  ret i64 %new
}
define void @member(ptr %root) {
  %n = call ptr @perdure_alloc(ptr %root, i64 24)
  %m = getelementptr i8, ptr %n, i64 8
  %new = call i64 @perdure.encode(ptr %m, ptr %root, i64 0, i32 0)
  store i64 %new, ptr %root
  ret void
}
define void @another(ptr %root, ptr %other) {
  %n = call ptr @perdure_alloc(ptr %root, i64 24)
  %new = call i64 @perdure.encode(ptr %other, ptr %root, i64 0, i32 0)
  store i64 %new, ptr %root
  ret void
}
; The program's own choice stays.
define void @by_hand(ptr %root, ptr %slot) {
  %n = call ptr @perdure_alloc_for(ptr %root, i64 24, ptr %slot)
  %new = call i64 @perdure.encode(ptr %n, ptr %root, i64 0, i32 0)
  store i64 %new, ptr %root
  ret void
}
define ptr @musttail(ptr %root, i64 %n) {
  %p = musttail call ptr @perdure_alloc(ptr %root, i64 %n)
  ret ptr %p
}

; CHECK: attributes [[NOUNWIND]] = { nounwind }
!llvm.module.flags = !{!0}
!0 = !{i32 7, !"perdure.reduce.placement", i32 1}
