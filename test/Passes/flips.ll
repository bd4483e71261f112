; What a store is counted by, and what is not counted.
; RUN: %opt -passes=perdure-flips -S %s | FileCheck %s
; RUN: sed 's/"perdure.flips", i32 1/"perdure.flips", i32 3/' %s | %opt -passes=perdure-flips -S | FileCheck %s --check-prefix=ALL
; RUN: sed 's/"perdure.flips", i32 1/"perdure.flips", i32 6/' %s | %opt -passes=perdure-flips -S | FileCheck %s --check-prefix=HEAP
; RUN: %opt -passes='perdure-flips,perdure-flips' -S %s | FileCheck %s --check-prefix=TWICE
; RUN: grep -v '^!llvm.module.flags' %s | %opt -passes=perdure-flips -S | FileCheck %s --check-prefix=NONE

; NONE-NOT: flips.

; CHECK: @perdure.flips.sites = internal global [[[N:[0-9]+]] x { ptr, ptr, ptr, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64 }]
; CHECK-DAG: @llvm.global_ctors = {{.*}} { i32 98, ptr @perdure.flips.register, ptr null }
; CHECK-DAG: @llvm.global_dtors = {{.*}} { i32 98, ptr @perdure.flips.unregister, ptr null }
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
; CHECK: call void @__perdure_flips_touch(ptr @perdure.flips.sites, ptr %p, i64 4, i64 {{.*}})
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

; A result may be made where an object is; what is passed by value lies on the stack.
; CHECK-LABEL: define void @result(
; CHECK-COUNT-1: call void @__perdure_flips_touch(ptr {{.*}}, ptr %r, i64 4, i64 {{.*}})
; CHECK-NOT: call void @__perdure_flips_touch
; CHECK: ret void
define void @result(ptr sret(i32) %r, ptr byval(i32) %v) {
  store i32 1, ptr %r
  store i32 1, ptr %v
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

; What no register of eight bytes holds is compared on the stack, with what lies
; between its parts as it is.
; CHECK-LABEL: define void @aggregate(
; CHECK: [[COPY:%.*]] = alloca { i8, i64 }
; CHECK: call void @llvm.memcpy.p0.p0.i64(ptr align 8 [[COPY]], ptr %p, i64 16, i1 false)
; CHECK: store { i8, i64 } %v, ptr [[COPY]]
; CHECK: call void @__perdure_flips_store(ptr {{.*}}, ptr %p, ptr [[COPY]], i64 16)
; CHECK: store { i8, i64 } %v, ptr %p
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
; CHECK: call void @__perdure_flips_close(ptr %p)
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
; CHECK: call void @__perdure_flips_wrote(
define ptr @text(ptr %p, ptr %q) {
  %r = call ptr @strcpy(ptr %p, ptr %q)
  ret ptr %r
}

; One place on the stack for two stores.
; CHECK-LABEL: define void @wide(
; CHECK: [[COPY:%.*]] = alloca i128
; CHECK-NOT: alloca i128
; CHECK-NOT: memcpy
; CHECK: store i128 %v, ptr [[COPY]]
; CHECK: call void @__perdure_flips_store(ptr {{.*}}, ptr %p, ptr [[COPY]], i64 16)
; CHECK: store i128 %v, ptr %p
; CHECK: call void @__perdure_flips_store(ptr {{.*}}, ptr %q, ptr [[COPY]], i64 16)
; CHECK: call void @__perdure_flips_store(ptr {{.*}}, ptr %p, ptr {{.*}}, i64 1)
; CHECK: store i1 %b, ptr %p
; CHECK: call void @__perdure_flips_store(ptr {{.*}}, ptr %p, ptr {{.*}}, i64 10)
; CHECK: store x86_fp80
; CHECK: call void @__perdure_flips_store(ptr {{.*}}, ptr %p, ptr {{.*}}, i64 12)
; CHECK: store <3 x float>
define void @wide(ptr %p, ptr %q, i128 %v, i1 %b, x86_fp80 %l, <3 x float> %f) {
  store i128 %v, ptr %p
  store i128 %v, ptr %q
  store i1 %b, ptr %p
  store x86_fp80 %l, ptr %p
  store <3 x float> %f, ptr %p
  ret void
}

; CHECK-LABEL: define void @masked(
; CHECK: call void @__perdure_flips_before(ptr %p, i64 64)
; CHECK: call void @llvm.masked.store
; CHECK: call void @__perdure_flips_after(ptr {{.*}}, ptr %p, i64 64)
; CHECK: call void @__perdure_flips_before(ptr %p, i64 64)
; CHECK: call void @llvm.masked.compressstore
; CHECK: call void @__perdure_flips_after(ptr {{.*}}, ptr %p, i64 64)
; CHECK: [[M:%.*]] = extractelement <4 x i1> %m, i64 0
; CHECK: br i1 [[M]]
; CHECK: call void @__perdure_flips_store(ptr {{.*}}, i64 4)
; CHECK: extractelement <4 x i1> %m, i64 1
; CHECK: extractelement <4 x i1> %m, i64 2
; CHECK: [[M:%.*]] = extractelement <4 x i1> %m, i64 3
; CHECK: br i1 [[M]]
; CHECK: call void @__perdure_flips_store(ptr {{.*}}, i64 4)
; CHECK: call void @llvm.masked.scatter
define void @masked(ptr %p, <4 x ptr> %ps, <4 x i1> %m, <4 x i32> %v) {
  call void @llvm.masked.store.v4i32.p0(<4 x i32> %v, ptr %p, <4 x i1> %m)
  call void @llvm.masked.compressstore.v4i32(<4 x i32> %v, ptr %p, <4 x i1> %m)
  call void @llvm.masked.scatter.v4i32.v4p0(<4 x i32> %v, <4 x ptr> %ps, <4 x i1> %m)
  ret void
}

; What assembly says that it writes.
; CHECK-LABEL: define i32 @assembly(
; CHECK-COUNT-1: call void @__perdure_flips_before(ptr %p, i64 4)
; CHECK-NOT: call void @__perdure_flips_before
; CHECK: call i32 asm
; CHECK-NEXT: ptrtoint
; CHECK: call void @__perdure_flips_after(ptr {{.*}}, ptr %p, i64 4)
; CHECK-NOT: call void @__perdure_flips_after
; CHECK: ret i32
define i32 @assembly(ptr %p, ptr %q, i32 %v) {
  %r = call i32 asm "xchg $0, $1", "=r,=*m,*m,0"(ptr elementtype(i32) %p, ptr elementtype(i32) %q, i32 %v)
  ret i32 %r
}

; Whatever else leads to where the call goes on has no old content.
; CHECK-LABEL: define void @unwinding(
; CHECK: call void @__perdure_flips_before(ptr %p, i64 [[N:%.*]])
; CHECK: invoke i64 @fread
; CHECK-NEXT: to label %[[DONE:.*]] unwind
; CHECK: [[DONE]]:
; CHECK: call void @__perdure_flips_wrote(
; CHECK: br label %join
; CHECK: join:
; CHECK-NEXT: ret void
define void @unwinding(ptr %p, i64 %n, ptr %f, i1 %c) personality ptr @__gxx_personality_v0 {
  br i1 %c, label %call, label %join
call:
  %r = invoke i64 @fread(ptr %p, i64 1, i64 %n, ptr %f) to label %join unwind label %bad
bad:
  %l = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %l
join:
  ret void
}

; A function of the program that is called as one of libc is counts for itself.
; CHECK-LABEL: define ptr @own(
; CHECK-NOT: flips
; CHECK: ret ptr
define ptr @own(ptr %p, ptr %q) {
  %r = call ptr @stpcpy(ptr %p, ptr %q)
  ret ptr %r
}
define ptr @stpcpy(ptr %p, ptr %q) {
  ret ptr %p
}

declare i64 @fread(ptr, i64, i64, ptr)
declare i32 @__gxx_personality_v0(...)
declare void @llvm.masked.store.v4i32.p0(<4 x i32>, ptr, <4 x i1>)
declare void @llvm.masked.compressstore.v4i32(<4 x i32>, ptr, <4 x i1>)
declare void @llvm.masked.scatter.v4i32.v4p0(<4 x i32>, <4 x ptr>, <4 x i1>)
declare ptr @strcpy(ptr, ptr)
declare void @perdure_close(ptr)
declare void @llvm.x86.clwb(ptr)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

!llvm.module.flags = !{!0}
!0 = !{i32 7, !"perdure.flips", i32 1}
!1 = !{i32 1}
