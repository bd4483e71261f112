; Which stores are made only where they change memory.
; RUN: %opt -S -passes=perdure-silent-stores %s | FileCheck %s
; RUN: sed 's/perdure.reduce.silent/perdure.reduce.other/' %s | %opt -S -passes=perdure-silent-stores | FileCheck %s --check-prefix=OFF
; OFF-NOT: icmp ne

declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare void @__perdure_tx_log(ptr, i64)
declare ptr @insert(ptr, i64)
declare void @other()
declare noalias ptr @malloc(i64)

; CHECK-LABEL: @sets_a_bit(
; CHECK: [[V:%.*]] = or i32
; CHECK: [[OLD:%.*]] = load i32, ptr %p, align 4
; CHECK: [[O:%.*]] = freeze i32 [[OLD]]
; CHECK: [[N:%.*]] = freeze i32 [[V]]
; CHECK: [[D:%.*]] = icmp ne i32 [[O]], [[N]]
; CHECK: br i1 [[D]]
; CHECK: store i32 [[V]], ptr %p, align 4
define void @sets_a_bit(ptr %p) {
  %old = load i32, ptr %p, align 4
  %new = or i32 %old, 8
  store i32 %new, ptr %p, align 4
  ret void
}

; CHECK-LABEL: @takes_the_least(
; CHECK: icmp ne
define void @takes_the_least(ptr %p, i64 %v) {
  %old = load i64, ptr %p, align 8
  %new = call i64 @llvm.umin.i64(i64 %old, i64 %v)
  store i64 %new, ptr %p, align 8
  ret void
}

; What another store may have changed is read again.
; CHECK-LABEL: @read_again(
; CHECK: store i64 7, ptr %q
; CHECK-NEXT: [[OLD:%.*]] = load i64, ptr %p
; CHECK-NEXT: freeze i64 [[OLD]]
define void @read_again(ptr %p, ptr %q, i64 %v, i1 %c) {
  %old = load i64, ptr %p, align 8
  %new = select i1 %c, i64 %v, i64 %old
  store i64 7, ptr %q, align 8
  store i64 %new, ptr %p, align 8
  ret void
}

; n->left = insert(n->left, key)
; CHECK-LABEL: @tree(
; CHECK: [[BITS:%.*]] = call i64 @perdure.encode
; CHECK: load i64, ptr %n
; CHECK: icmp ne
; CHECK: store i64 [[BITS]], ptr %n
define void @tree(ptr %n, i64 %key) {
  %bits = load i64, ptr %n, align 8
  %left = call ptr @perdure.decode(i64 %bits, ptr %n, i32 0)
  %new = call ptr @insert(ptr %left, i64 %key)
  %stored = call i64 @perdure.encode(ptr %new, ptr %n, i64 0, i32 0)
  store i64 %stored, ptr %n, align 8
  ret void
}

; A log goes with its store.
; CHECK-LABEL: @logged(
; CHECK: icmp ne i64
; CHECK: br i1
; CHECK: call void @__perdure_tx_log(ptr %p, i64 8)
; CHECK-NEXT: store i64 %v, ptr %p
define void @logged(ptr %p, i64 %v) {
  call void @__perdure_tx_log(ptr %p, i64 8)
  store i64 %v, ptr %p, align 8
  ret void
}

;===--- All others stay as they are ---===;
; CHECK-LABEL: @counts(
; CHECK-NOT: icmp ne

define void @counts(ptr %p) {
  call void @__perdure_tx_log(ptr %p, i64 8)
  %old = load i64, ptr %p, align 8
  %new = add i64 %old, 1
  store i64 %new, ptr %p, align 8
  ret void
}
define void @unrelated(ptr %p, ptr %q) {
  %old = load i64, ptr %q, align 8
  store i64 %old, ptr %p, align 8
  ret void
}
define void @is_volatile(ptr %p) {
  %old = load volatile i32, ptr %p, align 4
  %new = or i32 %old, 8
  store volatile i32 %new, ptr %p, align 4
  %plain = load i32, ptr %p, align 4
  %more = or i32 %plain, 8
  store volatile i32 %more, ptr %p, align 4
  ret void
}
define void @is_atomic(ptr %p) {
  %old = load i32, ptr %p, align 4
  %new = or i32 %old, 8
  store atomic i32 %new, ptr %p release, align 4
  ret void
}
; New memory: what it holds is undefined to LLVM, and would stay so.
define ptr @perhaps_fresh(ptr %p, i1 %c) {
  %n = call ptr @malloc(i64 8)
  %q = select i1 %c, ptr %n, ptr %p
  %old = load i64, ptr %q
  %new = select i1 %c, i64 0, i64 %old
  store i64 %new, ptr %q
  ret ptr %q
}
define ptr @fresh() {
  %p = call noalias ptr @malloc(i64 8)
  %old = load i32, ptr %p, align 4
  %new = or i32 %old, 8
  store i32 %new, ptr %p, align 4
  ret ptr %p
}
define i32 @local() {
  %p = alloca i32
  call void @fill(ptr %p)
  %old = load i32, ptr %p, align 4
  %new = or i32 %old, 8
  store i32 %new, ptr %p, align 4
  call void @fill(ptr %p)
  ret i32 %new
}
declare void @fill(ptr)
; One call of the log for both is better than two behind tests.
define void @two_fields(ptr %p, i64 %v) {
  %q = getelementptr i8, ptr %p, i64 8
  call void @__perdure_tx_log(ptr %p, i64 8)
  store i64 %v, ptr %p, align 8
  call void @__perdure_tx_log(ptr %q, i64 8)
  store i64 %v, ptr %q, align 8
  ret void
}
; The log is of other bytes, or something happens between the two.
define void @other_log(ptr %p, i64 %v) {
  call void @__perdure_tx_log(ptr %p, i64 16)
  store i64 %v, ptr %p, align 8
  ret void
}
define void @call_between(ptr %p, i64 %v) {
  call void @__perdure_tx_log(ptr %p, i64 8)
  call void @other()
  store i64 %v, ptr %p, align 8
  ret void
}
define void @nontemporal(ptr %p) {
  %old = load i32, ptr %p, align 4
  %new = or i32 %old, 8
  store i32 %new, ptr %p, align 4, !nontemporal !1
  ret void
}

; New memory may lie where the old was, and LLVM takes them for different.
define void @grows(ptr %b) {
  %old = load ptr, ptr %b, align 8
  %new = call ptr @realloc(ptr %old, i64 64)
  store ptr %new, ptr %b, align 8
  ret void
}
define void @renews(ptr %n, i1 %c) {
  %bits = load i64, ptr %n, align 8
  %old = call ptr @perdure.decode(i64 %bits, ptr %n, i32 0)
  br i1 %c, label %new, label %end
new:
  %got = call ptr @malloc(i64 64)
  br label %end
end:
  %now = phi ptr [ %old, %0 ], [ %got, %new ]
  %stored = call i64 @perdure.encode(ptr %now, ptr %n, i64 0, i32 0)
  store i64 %stored, ptr %n, align 8
  ret void
}
define void @logged_new(ptr %n) {
  %new = call ptr @malloc(i64 64)
  %stored = call i64 @perdure.encode(ptr %new, ptr %n, i64 0, i32 0)
  call void @__perdure_tx_log(ptr %n, i64 8)
  store i64 %stored, ptr %n, align 8
  ret void
}
declare noalias ptr @realloc(ptr, i64)

declare i64 @llvm.umin.i64(i64, i64)

!llvm.module.flags = !{!0}
!0 = !{i32 7, !"perdure.reduce.silent", i32 1}
!1 = !{i32 1}
