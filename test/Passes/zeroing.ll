; What is stored behind a memset is not zeroed by it.
; RUN: %opt -S -passes=perdure-zeroing %s | FileCheck %s
; RUN: %opt -S -passes=perdure-zeroing,perdure-zeroing %s | FileCheck %s

declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare i64 @perdure.encode(ptr, ptr, i64, i32) nounwind memory(inaccessiblemem: readwrite)
declare void @sees()
declare i32 @setjmp(ptr) returns_twice
declare void @__perdure_tx_log(ptr, i64) nounwind

; CHECK-LABEL: @middle(
; CHECK-NEXT: call void @llvm.memset{{.*}}(ptr align 8 %p, i8 0, i64 8, i1 false)
; CHECK-NEXT: [[REST:%.*]] = getelementptr inbounds i8, ptr %p, i64 16
; CHECK-NEXT: call void @llvm.memset{{.*}}(ptr align 8 [[REST]], i8 0, i64 16, i1 false)
; CHECK-NEXT: %q = getelementptr
; CHECK-NEXT: store i64 %v, ptr %q
define void @middle(ptr %p, i64 %v) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  %q = getelementptr i8, ptr %p, i64 8
  store i64 %v, ptr %q
  ret void
}

; Over translations, other stores and reads of elsewhere; nothing may be left.
; CHECK-LABEL: @all(
; CHECK-NOT: memset
; CHECK: ret void
define void @all(ptr %p, ptr noalias %other, ptr %to) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 16, i1 false)
  %v = load i64, ptr %other
  store i64 %v, ptr %p
  %q = getelementptr i8, ptr %p, i64 8
  %bits = call i64 @perdure.encode(ptr %to, ptr %q, i64 0, i32 0)
  store i64 %bits, ptr %q
  ret void
}

; In all that follow the memset stays whole.
; CHECK-COUNT-12: memset{{.*}}(ptr align 8 %p, i8 0, i64 32, i1

; A read through another pointer sees the zero.
define i64 @reader_between(ptr %p, ptr %other) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  %v = load i64, ptr %other
  %q = getelementptr i8, ptr %p, i64 8
  store i64 %v, ptr %q
  ret i64 %v
}
; So does a copy.
define void @copy_between(ptr %p, ptr %other) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr %other, ptr %p, i64 24, i1 false)
  %q = getelementptr i8, ptr %p, i64 8
  store i64 1, ptr %q
  ret void
}
; A call may look, throw or jump; so may one that comes back twice, and a log.
define void @call_between(ptr %p, i64 %v) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  call void @sees()
  %q = getelementptr i8, ptr %p, i64 8
  store i64 %v, ptr %q
  ret void
}
define void @setjmp_between(ptr %p, ptr %jmp, i64 %v) returns_twice {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  %r = call i32 @setjmp(ptr %jmp)
  %q = getelementptr i8, ptr %p, i64 8
  store i64 %v, ptr %q
  ret void
}
define void @log_between(ptr %p, i64 %v) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  %q = getelementptr i8, ptr %p, i64 8
  call void @__perdure_tx_log(ptr %q, i64 8)
  store i64 %v, ptr %q
  ret void
}
; Another thread may wait for these.
define void @fence_between(ptr %p, i64 %v) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  fence release
  %q = getelementptr i8, ptr %p, i64 8
  store i64 %v, ptr %q
  ret void
}
define void @atomic_store(ptr %p, i64 %v) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  %q = getelementptr i8, ptr %p, i64 8
  store atomic i64 %v, ptr %q monotonic, align 8
  ret void
}
define void @volatile_store(ptr %p, i64 %v) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  %q = getelementptr i8, ptr %p, i64 8
  store volatile i64 %v, ptr %q
  ret void
}
define void @volatile_memset(ptr %p, i64 %v) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 true)
  %q = getelementptr i8, ptr %p, i64 8
  store i64 %v, ptr %q
  ret void
}
; Not all that is stored lies in what is zeroed; another block; another base.
define void @beyond(ptr %p, i64 %v) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  %q = getelementptr i8, ptr %p, i64 28
  store i64 %v, ptr %q
  %r = getelementptr i8, ptr %p, i64 -4
  store i64 %v, ptr %r
  ret void
}
define void @other_block(ptr %p, i64 %v, i1 %c) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  br i1 %c, label %then, label %end
then:
  %q = getelementptr i8, ptr %p, i64 8
  store i64 %v, ptr %q
  br label %end
end:
  ret void
}
define void @other_base(ptr %p, ptr %o, i64 %v) {
  call void @llvm.memset.p0.i64(ptr align 8 %p, i8 0, i64 32, i1 false)
  %q = getelementptr i8, ptr %o, i64 8
  store i64 %v, ptr %q
  ret void
}

!llvm.module.flags = !{!0}
!0 = !{i32 7, !"perdure.reduce.zeroing", i32 1}
