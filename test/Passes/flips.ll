; What a store is counted by, and what is not counted.
; RUN: %opt -passes=perdure-flips -S %s | FileCheck %s
; RUN: sed 's/"perdure.flips", i32 1/"perdure.flips", i32 3/' %s | %opt -passes=perdure-flips -S | FileCheck %s --check-prefix=ALL
; RUN: sed 's/"perdure.flips", i32 1/"perdure.flips", i32 6/' %s | %opt -passes=perdure-flips -S | FileCheck %s --check-prefix=HEAP
; RUN: %opt -passes='perdure-flips,perdure-flips' -S %s | FileCheck %s --check-prefix=TWICE
; RUN: grep -v '^!llvm.module.flags' %s | %opt -passes=perdure-flips -S | FileCheck %s --check-prefix=NONE

; NONE-NOT: flips.

; CHECK: @perdure.flips.sites = internal global [[[N:[0-9]+]] x { ptr, ptr, ptr, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 }]
; CHECK: @llvm.global_ctors = {{.*}} { i32 98, ptr @perdure.flips.register, ptr null }
; TWICE-COUNT-1: define internal void @perdure.flips.register()
; TWICE-NOT: define internal void @perdure.flips.register

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"

@global = global i32 0

; The store is the last thing, and its own.
; CHECK-LABEL: define void @scalar(
; CHECK: [[A:%.*]] = ptrtoint ptr %p to i64
; CHECK: load i64, ptr @__perdure_window
; CHECK: br i1
; CHECK: [[OLD:%.*]] = load i32, ptr %p, align 4
; CHECK: atomicrmw add ptr {{.*}}@perdure.flips.sites{{.*}}, i64 1 monotonic
; CHECK: br i1
; CHECK: [[X:%.*]] = call i32 @llvm.ctpop.i32
; CHECK: load i8, ptr @__perdure_flips_model
; CHECK: call void @__perdure_flips_touch(ptr @perdure.flips.sites, ptr %p, i64 4)
; CHECK: store i32 %v, ptr %p, align 4
; CHECK-NEXT: ret void
define void @scalar(ptr %p, i32 %v) {
  store i32 %v, ptr %p, align 4
  ret void
}

; What lies on the stack or in a global counts under `all` alone, by the machine pass.
; CHECK-LABEL: define void @volatile(
; CHECK-NOT: flips
; CHECK: ret void
; ALL-LABEL: define void @volatile(
; ALL-NOT: flips
; ALL: ret void
define void @volatile(i32 %v) {
  %a = alloca i32
  store i32 %v, ptr %a
  store i32 %v, ptr @global
  ret void
}

; Reads where they are asked for.
; CHECK-LABEL: define i32 @read(
; CHECK-NOT: flips
; CHECK: ret i32
; HEAP-LABEL: define i32 @read(
; HEAP: call ptr @llvm.stacksave
; HEAP: call void @__perdure_flips_load(ptr %p, i64 4)
; HEAP: ret i32
define i32 @read(ptr %p) {
  %v = load i32, ptr %p
  ret i32 %v
}

; CHECK-LABEL: define void @aggregate(
; CHECK: call void @__perdure_flips_before(ptr %p, i64 16)
; CHECK: store { i8, i64 } %v, ptr %p
; CHECK: call void @__perdure_flips_after(ptr {{.*}}, ptr %p, i64 16)
define void @aggregate(ptr %p, { i8, i64 } %v) {
  store { i8, i64 } %v, ptr %p
  ret void
}

; CHECK-LABEL: define void @memory(
; CHECK: call void @__perdure_flips_store(ptr {{.*}}, ptr %p, ptr %q, i64 %n)
; CHECK: call void @llvm.memcpy
; CHECK: call void @__perdure_flips_fill(ptr {{.*}}, ptr %p, i32 {{.*}}, i64 9)
; CHECK: call void @llvm.memset
define void @memory(ptr %p, ptr %q, i64 %n, i8 %b) {
  call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr %q, i64 %n, i1 false)
  call void @llvm.memset.p0.i64(ptr %p, i8 %b, i64 9, i1 false)
  ret void
}

; An exchange that fails writes nothing.
; CHECK-LABEL: define i1 @exchange(
; CHECK: [[PAIR:%.*]] = cmpxchg ptr %p
; CHECK: [[DID:%.*]] = extractvalue { i64, i1 } [[PAIR]], 1
; CHECK: br i1 [[DID]]
; CHECK: call void @__perdure_flips_exchange(ptr {{.*}}, ptr %p, i64 {{.*}}, i64 {{.*}}, i64 8)
define i1 @exchange(ptr %p, i64 %a, i64 %b) {
  %pair = cmpxchg ptr %p, i64 %a, i64 %b seq_cst seq_cst
  %did = extractvalue { i64, i1 } %pair, 1
  ret i1 %did
}

; CHECK-LABEL: define i32 @add(
; CHECK: [[OLD:%.*]] = atomicrmw add ptr %p, i32 %v seq_cst
; CHECK: [[NEW:%.*]] = add i32 [[OLD]], %v
; CHECK: call void @__perdure_flips_exchange(
; CHECK: ret i32 [[OLD]]
define i32 @add(ptr %p, i32 %v) {
  %old = atomicrmw add ptr %p, i32 %v seq_cst
  ret i32 %old
}

; Past the caches; asked to the medium.
; CHECK-LABEL: define void @stream(
; CHECK: store i64 %v, ptr %p, align 8, !nontemporal
; CHECK: call void @__perdure_flips_flush(ptr %p, i64 8)
; CHECK: call void @__perdure_flips_flush(ptr %p, i64 1)
; CHECK: call void @llvm.x86.clwb
; CHECK: call void @__perdure_flips_flush(ptr null, i64 0)
; CHECK: call void @perdure_close
define void @stream(ptr %p, i64 %v) {
  store i64 %v, ptr %p, align 8, !nontemporal !1
  call void @llvm.x86.clwb(ptr %p)
  call void @perdure_close(ptr %p)
  ret void
}

; CHECK-LABEL: define ptr @text(
; CHECK: [[N:%.*]] = call i64 @strlen(ptr %q)
; CHECK: call void @__perdure_flips_before(
; CHECK: call ptr @strcpy
; CHECK: call void @__perdure_flips_after(
define ptr @text(ptr %p, ptr %q) {
  %r = call ptr @strcpy(ptr %p, ptr %q)
  ret ptr %r
}

declare ptr @strcpy(ptr, ptr)
declare void @perdure_close(ptr)
declare void @llvm.x86.clwb(ptr)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

!llvm.module.flags = !{!0}
!0 = !{i32 7, !"perdure.flips", i32 1}
!1 = !{i32 1}
