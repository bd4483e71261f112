; Each store that may reach an object is written down after it was made.
; RUN: opt -load-pass-plugin=%lib/PerdureTrace.so -passes=perdure-trace -S %s | FileCheck %s
; A second run changes nothing.
; RUN: opt -load-pass-plugin=%lib/PerdureTrace.so -passes=perdure-trace,perdure-trace -S %s | FileCheck %s

@g = global i64 0

; CHECK: @perdure.place = private unnamed_addr constant [7 x i8] c"scalar\00"

; CHECK-LABEL: @scalar(
; CHECK: store i64 1, ptr %p
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p, i64 8, ptr @perdure.place)
define void @scalar(ptr %p) {
  store i64 1, ptr %p
  ret void
}

; CHECK-LABEL: @vector(
; CHECK: call void @__perdure_trace_store(ptr %p, i64 32,
define void @vector(ptr %p, <4 x i64> %v) {
  store <4 x i64> %v, ptr %p
  ret void
}

; CHECK-LABEL: @volatile(
; CHECK: store volatile i8
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p, i64 1,
define void @volatile(ptr %p) {
  store volatile i8 1, ptr %p
  ret void
}

; CHECK-LABEL: @atomics(
; CHECK: atomicrmw
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p, i64 8,
; CHECK: cmpxchg
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p, i64 4,
define void @atomics(ptr %p) {
  %a = atomicrmw add ptr %p, i64 1 seq_cst
  %b = cmpxchg ptr %p, i32 0, i32 1 seq_cst seq_cst
  ret void
}

; CHECK-LABEL: @intrinsics(
; CHECK: call void @llvm.memcpy
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p, i64 %n,
; CHECK: call void @llvm.memset
; CHECK-NEXT: [[N:%.*]] = zext i32 %m to i64
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p, i64 [[N]],
; Under a mask from the first lane to the last one, whatever lies beside.
; CHECK: call void @llvm.masked.store
; CHECK-NEXT: [[BITS:%.*]] = bitcast <4 x i1> %k to i4
; CHECK-NEXT: [[LANES:%.*]] = zext i4 [[BITS]] to i64
; CHECK-NEXT: [[FIRST:%.*]] = call i64 @llvm.cttz.i64(i64 [[LANES]], i1 false)
; CHECK-NEXT: [[ABOVE:%.*]] = call i64 @llvm.ctlz.i64(i64 [[LANES]], i1 false)
; CHECK-NEXT: [[END:%.*]] = sub i64 64, [[ABOVE]]
; CHECK-NEXT: [[NONE:%.*]] = icmp eq i64 [[LANES]], 0
; CHECK-NEXT: [[COUNT:%.*]] = sub i64 [[END]], [[FIRST]]
; CHECK-NEXT: [[STORED:%.*]] = select i1 [[NONE]], i64 0, i64 [[COUNT]]
; CHECK-NEXT: [[SKIPPED:%.*]] = mul i64 [[FIRST]], 4
; CHECK-NEXT: [[FROM:%.*]] = getelementptr i8, ptr %p, i64 [[SKIPPED]]
; CHECK-NEXT: [[BYTES:%.*]] = mul i64 [[STORED]], 4
; CHECK-NEXT: call void @__perdure_trace_store(ptr [[FROM]], i64 [[BYTES]],
define void @intrinsics(ptr %p, ptr %q, i64 %n, i32 %m, <4 x i32> %v, <4 x i1> %k) {
  call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr %q, i64 %n, i1 false)
  call void @llvm.memset.p0.i32(ptr %p, i8 0, i32 %m, i1 false)
  call void @llvm.masked.store.v4i32.p0(<4 x i32> %v, ptr %p, i32 4, <4 x i1> %k)
  ret void
}

; CHECK-LABEL: @libc(
; CHECK: call ptr @strcpy
; CHECK-NEXT: call void @__perdure_trace_string(ptr %p,
; CHECK: [[GOT:%.*]] = call i64 @read
; CHECK-NEXT: [[SOME:%.*]] = call i64 @llvm.smax.i64(i64 [[GOT]], i64 0)
; CHECK-NEXT: [[BYTES:%.*]] = call i64 @llvm.umin.i64(i64 [[SOME]], i64 %n)
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p, i64 [[BYTES]],
; CHECK: [[ALL:%.*]] = mul i64 %n, 3
; CHECK: [[GOT:%.*]] = call i64 @fread
; CHECK-NEXT: [[SOME:%.*]] = call i64 @llvm.smax.i64(i64 [[GOT]], i64 0)
; CHECK-NEXT: [[GIVEN:%.*]] = mul i64 [[SOME]], %n
; CHECK-NEXT: [[BYTES:%.*]] = call i64 @llvm.umin.i64(i64 [[GIVEN]], i64 [[ALL]])
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p, i64 [[BYTES]],
; CHECK: call i64 @readv
; CHECK: call void @__perdure_trace_vectors(ptr %q, i64 2, i64 {{%.*}},
; CHECK: call ptr @wcscpy
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p,
; CHECK: call ptr @__memcpy_chk
; CHECK-NEXT: call void @__perdure_trace_store(ptr %p, i64 %n,
define void @libc(ptr %p, ptr %q, i64 %n) {
  %a = call ptr @strcpy(ptr %p, ptr %q)
  %b = call i64 @read(i32 0, ptr %p, i64 %n)
  %c = call i64 @fread(ptr %p, i64 %n, i64 3, ptr %q)
  %e = call i64 @readv(i32 0, ptr %q, i32 2)
  %f = call ptr @wcscpy(ptr %p, ptr %q)
  %d = call ptr @__memcpy_chk(ptr %p, ptr %q, i64 %n, i64 -1)
  ret void
}

; A function of the program that is called as one of libc is, traces what it does.
; CHECK-LABEL: @own(
; CHECK-NOT: __perdure_trace
; CHECK: ret void
define void @own(ptr %p, ptr %q) {
  %r = call ptr @stpcpy(ptr %p, ptr %q)
  ret void
}
define ptr @stpcpy(ptr %p, ptr %q) {
  ret ptr %p
}

; Whatever else leads to where an invoke goes on has written nothing.
; CHECK-LABEL: @joined(
; CHECK: invoke i64 @read
; CHECK-NEXT: to label %[[DONE:.*]] unwind
; CHECK: [[DONE]]:
; CHECK: call void @__perdure_trace_store(ptr %p,
; CHECK: br label %join
; CHECK: join:
; CHECK-NEXT: ret void
define void @joined(ptr %p, i1 %c) personality ptr @person {
  br i1 %c, label %call, label %join
call:
  %r = invoke i64 @read(i32 0, ptr %p, i64 8) to label %join unwind label %pad
pad:
  %l = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %l
join:
  ret void
}

; An invoke writes before its normal destination.
; CHECK-LABEL: @invoked(
; CHECK: ok:
; CHECK-NEXT: call void @__perdure_trace_string(ptr %p,
define void @invoked(ptr %p, ptr %q) personality ptr @person {
  %a = invoke ptr @strcpy(ptr %p, ptr %q) to label %ok unwind label %pad
ok:
  ret void
pad:
  %l = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %l
}

; Locals and globals are in no object.
; CHECK-LABEL: @volatile_memory(
; CHECK-NOT: __perdure_trace
; CHECK: ret void
define void @volatile_memory() {
  %a = alloca i64
  store i64 1, ptr %a
  store i64 1, ptr @g
  ret void
}

; CHECK-LABEL: @loads(
; CHECK-NOT: __perdure_trace
; CHECK: ret i64
define i64 @loads(ptr %p) {
  %a = load i64, ptr %p
  fence seq_cst
  ret i64 %a
}

declare ptr @strcpy(ptr, ptr)
declare i64 @read(i32, ptr, i64)
declare i64 @readv(i32, ptr, i32)
declare ptr @wcscpy(ptr, ptr)
declare i64 @fread(ptr, i64, i64, ptr)
declare ptr @__memcpy_chk(ptr, ptr, i64, i64)
declare i32 @person(...)
