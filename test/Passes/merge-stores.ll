; Of two stores to one place the last is left, but for what reads between them.
; RUN: %opt -S -passes=perdure-merge-stores %s | FileCheck %s
; RUN: sed 's/perdure.reduce.merge/perdure.reduce.other/' %s | %opt -S -passes=perdure-merge-stores | FileCheck %s --check-prefix=OFF

declare i64 @perdure.encode(ptr, ptr, i64, i32) nounwind willreturn memory(inaccessiblemem: readwrite)
declare void @__perdure_tx_log(ptr, i64)
declare void @sees()

; CHECK-LABEL: @over_translations(
; CHECK-NOT: store i64 1
; CHECK: store i64 %v, ptr %p
; OFF-LABEL: @over_translations(
; OFF: store i64 1
define void @over_translations(ptr %p, ptr %q, i64 %v) {
  store i64 1, ptr %p
  %bits = call i64 @perdure.encode(ptr %p, ptr %q, i64 0, i32 0)
  store i64 %bits, ptr %q
  store i64 %v, ptr %p
  ret void
}

; CHECK-LABEL: @both_arms(
; CHECK-COUNT-1: store i64
; CHECK-NOT: store
; CHECK: ret void
define void @both_arms(ptr %p, i64 %a, i64 %b, i1 %c) {
  br i1 %c, label %then, label %else
then:
  store i64 %a, ptr %p
  br label %end
else:
  store i64 %b, ptr %p
  br label %end
end:
  ret void
}

; CHECK-LABEL: @log_between(
; CHECK: store i64 1
; CHECK: store i64 %v
define void @log_between(ptr %p, i64 %v) {
  store i64 1, ptr %p
  call void @__perdure_tx_log(ptr %p, i64 8)
  store i64 %v, ptr %p
  ret void
}
; CHECK-LABEL: @call_between(
; CHECK: store i64 1
; CHECK: store i64 %v
define void @call_between(ptr %p, i64 %v) {
  store i64 1, ptr %p
  call void @sees()
  store i64 %v, ptr %p
  ret void
}
; CHECK-LABEL: @reader_between(
; CHECK: store i64 1
; CHECK: store i64 %v
define i64 @reader_between(ptr %p, ptr %q, i64 %v) {
  store i64 1, ptr %p
  %r = load i64, ptr %q
  store i64 %v, ptr %p
  ret i64 %r
}
; CHECK-LABEL: @volatile_and_atomic(
; CHECK: store volatile i64 1
; CHECK: store volatile i64 %v
; CHECK: store atomic i64 1
; CHECK: store atomic i64 %v
define void @volatile_and_atomic(ptr %p, ptr %q, i64 %v) {
  store volatile i64 1, ptr %p
  store volatile i64 %v, ptr %p
  store atomic i64 1, ptr %q release, align 8
  store atomic i64 %v, ptr %q release, align 8
  ret void
}

!llvm.module.flags = !{!0}
!0 = !{i32 7, !"perdure.reduce.merge", i32 1}
