; Blocks that are filled at once are not zeroed before. The last argument has a bit for
; each four bytes that are overwritten.
; RUN: %opt -S -passes=perdure-fresh-blocks %s | FileCheck %s
; RUN: %opt -S -passes=perdure-fresh-blocks,perdure-fresh-blocks %s | FileCheck %s
; RUN: sed s/reduce.zeroing/reduce.merge/ %s | %opt -S -passes=perdure-fresh-blocks | FileCheck %s --check-prefix=OFF
; OFF-NOT: i64 15)

declare ptr @perdure_alloc(ptr, i64)
declare ptr @__perdure_alloc_for(ptr, i64, ptr, i32, i64)
declare ptr @perdure.decode(i64, ptr, i32) nounwind willreturn memory(none)
declare i64 @perdure.encode(ptr, ptr, i64, i32) nounwind memory(inaccessiblemem: readwrite)
declare i64 @perdure.reencode(i64, ptr, ptr, i64, i32) nounwind memory(inaccessiblemem: readwrite)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @sees()
declare void @takes(ptr)
declare void @__perdure_tx_log(ptr, i64) nounwind
declare i32 @__gxx_personality_v0(...)

; Behind a test, over reads of elsewhere and translations. What nothing overwrites, and
; half a unit, is zeroed by the runtime. The fence stands behind the last store, in
; front of the one that leads to the block.
; CHECK-LABEL: @push(
; CHECK-NEXT: %n = call ptr @__perdure_alloc_for(ptr %h, i64 24, ptr null, i32 0, i64 15)
; CHECK: store i16 7
; CHECK-NEXT: fence syncscope("singlethread") release
; CHECK-NEXT: %link = call i64 @perdure.encode
; CHECK-NEXT: store i64 %link, ptr %h
define void @push(ptr %h, i64 %k) {
  %n = call ptr @perdure_alloc(ptr %h, i64 24)
  %frozen = freeze ptr %n
  %none = icmp eq ptr %frozen, null
  br i1 %none, label %end, label %some
some:
  %key = getelementptr inbounds i8, ptr %frozen, i64 8
  store i64 %k, ptr %key
  %first = load i64, ptr %h
  %next = call i64 @perdure.reencode(i64 %first, ptr %h, ptr %frozen, i64 0, i32 0)
  store i64 %next, ptr %frozen
  %short = getelementptr i8, ptr %n, i64 16
  store i16 7, ptr %short
  %link = call i64 @perdure.encode(ptr %frozen, ptr %h, i64 0, i32 0)
  store i64 %link, ptr %h
  %late = getelementptr i8, ptr %n, i64 20
  store i32 1, ptr %late
  br label %end
end:
  ret void
}

; The test the other way round, a copy, a memset, and what placement has found.
; CHECK-LABEL: @copied(
; CHECK-NEXT: call ptr @__perdure_alloc_for(ptr %h, i64 32, ptr %h, i32 4, i64 255)
define void @copied(ptr %h, ptr %from) {
  %n = call ptr @__perdure_alloc_for(ptr %h, i64 32, ptr %h, i32 4, i64 0)
  %some = icmp ne ptr %n, null
  br i1 %some, label %then, label %end
then:
  call void @llvm.memcpy.p0.p0.i64(ptr %n, ptr %from, i64 24, i1 false)
  %rest = getelementptr i8, ptr %n, i64 24
  call void @llvm.memset.p0.i64(ptr %rest, i8 0, i64 8, i1 false)
  br label %end
end:
  ret void
}

; Of large blocks the first 256 bytes; a store at a place that is not known does no harm.
; CHECK-LABEL: @large(
; CHECK-NEXT: call ptr @__perdure_alloc_for(ptr %h, i64 1000, ptr null, i32 0, i64 -1)
define void @large(ptr %h, i64 %i) {
  %n = call ptr @perdure_alloc(ptr %h, i64 1000)
  %q = getelementptr i8, ptr %n, i64 %i
  store i8 1, ptr %q
  call void @llvm.memset.p0.i64(ptr %n, i8 0, i64 1000, i1 false)
  ret void
}

; CHECK-LABEL: @invoked(
; CHECK: invoke ptr @__perdure_alloc_for(ptr %h, i64 8, ptr null, i32 0, i64 3)
define void @invoked(ptr %h) personality ptr @__gxx_personality_v0 {
  %n = invoke ptr @perdure_alloc(ptr %h, i64 8) to label %made unwind label %thrown
made:
  store i64 1, ptr %n
  ret void
thrown:
  %p = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %p
}

; Each of these keeps what it had: the first eight bytes are overwritten, the next are
; not, since something in front of their store may see them.
; CHECK-COUNT-13: call ptr @__perdure_alloc_for(ptr %h, i64 16, ptr null, i32 0, i64 3)

define i64 @reads(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  %q = getelementptr i8, ptr %n, i64 8
  %v = load i64, ptr %q
  store i64 1, ptr %q
  ret i64 %v
}
define void @old_bits(ptr %h, ptr %to) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  %q = getelementptr i8, ptr %n, i64 8
  %old = load i64, ptr %q
  %bits = call i64 @perdure.encode(ptr %to, ptr %q, i64 %old, i32 8)
  store i64 %bits, ptr %q
  ret void
}
define void @links(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  %bits = call i64 @perdure.encode(ptr %n, ptr %h, i64 0, i32 0)
  store i64 %bits, ptr %h
  %q = getelementptr i8, ptr %n, i64 8
  store i64 1, ptr %q
  ret void
}
define void @stores_the_address(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  store ptr %n, ptr %h
  %q = getelementptr i8, ptr %n, i64 8
  store i64 1, ptr %q
  ret void
}
define void @makes_an_integer(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  %i = ptrtoint ptr %n to i64
  store i64 %i, ptr %h
  %q = getelementptr i8, ptr %n, i64 8
  store i64 1, ptr %q
  ret void
}
define void @calls(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  call void @sees()
  %q = getelementptr i8, ptr %n, i64 8
  store i64 1, ptr %q
  ret void
}
define void @passes(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  call void @takes(ptr %n)
  %q = getelementptr i8, ptr %n, i64 8
  store i64 1, ptr %q
  ret void
}
define void @logs(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  %q = getelementptr i8, ptr %n, i64 8
  call void @__perdure_tx_log(ptr %q, i64 8)
  store i64 1, ptr %q
  ret void
}
define void @waits(ptr %h, ptr %flag) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  %v = load atomic i64, ptr %flag acquire, align 8
  %q = getelementptr i8, ptr %n, i64 8
  store i64 %v, ptr %q
  ret void
}
define void @copies_out(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  call void @llvm.memcpy.p0.p0.i64(ptr %h, ptr %n, i64 16, i1 false)
  %q = getelementptr i8, ptr %n, i64 8
  store i64 1, ptr %q
  ret void
}
define void @one_arm(ptr %h, i1 %c) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  br i1 %c, label %then, label %end
then:
  %q = getelementptr i8, ptr %n, i64 8
  store i64 1, ptr %q
  br label %end
end:
  ret void
}
; Another name for it.
define i64 @renamed(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  br label %next
next:
  %m = phi ptr [ %n, %0 ]
  %r = getelementptr i8, ptr %m, i64 8
  %v = load i64, ptr %r
  %q = getelementptr i8, ptr %n, i64 8
  store i64 1, ptr %q
  ret i64 %v
}
define void @decodes(ptr %h, i64 %bits) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store i64 1, ptr %n
  %m = call ptr @perdure.decode(i64 %bits, ptr %n, i32 0)
  %q = getelementptr i8, ptr %n, i64 8
  store i64 1, ptr %q
  ret void
}

; And these are as they were.
; CHECK: call ptr @perdure_alloc(
; CHECK: call ptr @perdure_alloc(
; CHECK: call ptr @perdure_alloc(
; CHECK: call ptr @perdure_alloc(
; CHECK: call ptr @perdure_alloc(
; CHECK: call ptr @perdure_alloc(
; CHECK-NOT: fence
define void @before_the_test(ptr %h, i1 %c) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  br i1 %c, label %then, label %end
then:
  store i64 1, ptr %n
  br label %end
end:
  ret void
}
define void @two_ways_in(ptr %h, i1 %c) {
entry:
  br i1 %c, label %make, label %fill
make:
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  br label %fill
fill:
  %p = phi ptr [ %n, %make ], [ %h, %entry ]
  store i64 1, ptr %p
  ret void
}
define void @beyond(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 4)
  store i64 1, ptr %n
  ret void
}
define void @of_any_size(ptr %h, i64 %size) {
  %n = call ptr @perdure_alloc(ptr %h, i64 %size)
  store i64 1, ptr %n
  ret void
}
define void @volatile_copy(ptr %h, ptr %from) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  call void @llvm.memcpy.p0.p0.i64(ptr %n, ptr %from, i64 16, i1 true)
  ret void
}
define void @volatile(ptr %h) {
  %n = call ptr @perdure_alloc(ptr %h, i64 16)
  store volatile i64 1, ptr %n
  ret void
}

!llvm.module.flags = !{!0}
!0 = !{i32 7, !"perdure.reduce.zeroing", i32 1}
