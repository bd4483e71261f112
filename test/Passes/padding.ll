; Copies of records by runs of fields.
; RUN: %opt -S -passes=perdure-padding %s | FileCheck %s
; RUN: %opt -S -passes=perdure-padding,perdure-padding %s | FileCheck %s

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

; CHECK-LABEL: @tagged(
; CHECK-NEXT: call void @llvm.memcpy{{.*}}(ptr align 8 %to, ptr align 8 %from, i64 1, i1 false)
; CHECK-NEXT: [[T:%.*]] = getelementptr inbounds i8, ptr %to, i64 8
; CHECK-NEXT: [[F:%.*]] = getelementptr inbounds i8, ptr %from, i64 8
; CHECK-NEXT: call void @llvm.memcpy{{.*}}(ptr align 8 [[T]], ptr align 8 [[F]], i64 10, i1 false)
; CHECK-NEXT: ret void
define void @tagged(ptr %to, ptr %from) {
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %to, ptr align 8 %from, i64 24, i1 false), !tbaa.struct !10
  ret void
}

; Without tags, volatile, to a local: whole.
; CHECK-LABEL: @whole(
; CHECK-COUNT-3: i64 24
define void @whole(ptr %to, ptr %from) {
  %local = alloca [24 x i8], align 8
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %to, ptr align 8 %from, i64 24, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %to, ptr align 8 %from, i64 24, i1 true), !tbaa.struct !10
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %local, ptr align 8 %from, i64 24, i1 false), !tbaa.struct !10
  ret void
}

; In C several records share a helper: what is a field in any of them is copied,
; and a record whose fields do not fit the copy has no say.
; CHECK-LABEL: @__copy_assignment_8_8_pa2_23808_anv_0_t8w18(
; CHECK: [[T:%.*]] = getelementptr inbounds i8, ptr %1, i64 8
; CHECK: memcpy{{.*}}, i64 2, i1 false)
; CHECK: memcpy{{.*}}, i64 10, i1 false)
; CHECK-NOT: memcpy
define internal void @__copy_assignment_8_8_pa2_23808_anv_0_t8w18(ptr %to, ptr %from) {
  %slot = alloca ptr
  store ptr %to, ptr %slot
  %1 = load ptr, ptr %slot
  %t = getelementptr inbounds i8, ptr %1, i64 8
  %f = getelementptr inbounds i8, ptr %from, i64 8
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %t, ptr align 8 %f, i64 18, i1 false)
  ret void
}
; What other files share, and what is copied to elsewhere than the argument.
; CHECK-LABEL: @__copy_assignment_8_8_t8w18(
; CHECK: i64 18
define linkonce_odr void @__copy_assignment_8_8_t8w18(ptr %to, ptr %from) {
  %t = getelementptr inbounds i8, ptr %to, i64 8
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %t, ptr align 8 %from, i64 18, i1 false)
  ret void
}
; CHECK-LABEL: @__copy_assignment_other(
; CHECK: i64 18
define internal void @__copy_assignment_other(ptr %to, ptr %from) {
  %slot = alloca ptr
  store ptr %to, ptr %slot
  store ptr %from, ptr %slot
  %1 = load ptr, ptr %slot
  %t = getelementptr inbounds i8, ptr %1, i64 8
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %t, ptr align 8 %from, i64 18, i1 false)
  ret void
}
; CHECK-LABEL: @_ZN4nodeaSERKS_(
; CHECK: memcpy{{.*}}, i64 1, i1 false)
; CHECK: memcpy{{.*}}, i64 8, i1 false)
; CHECK-NOT: memcpy
; CHECK: ret void
define void @_ZN4nodeaSERKS_(ptr %to, ptr %from) {
  %t = getelementptr inbounds i8, ptr %to, i64 8
  %f = getelementptr inbounds i8, ptr %from, i64 8
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %t, ptr align 8 %f, i64 16, i1 false)
  ret void
}

; Said of this file alone.
; CHECK-NOT: perdure.copied
!llvm.module.flags = !{!0}
!perdure.copied = !{!1, !2, !3, !4}
!0 = !{i32 7, !"perdure.reduce.padding", i32 1}
!1 = !{i64 0, i64 8, i64 1, i64 8, i64 9, i64 1, i64 16, i64 24, i64 1, i64 24, i64 26, i64 1}
!2 = !{i64 0, i64 8, i64 1, i64 8, i64 10, i64 1, i64 16, i64 24, i64 1, i64 24, i64 26, i64 1}
!3 = !{i64 0, i64 8, i64 1, i64 8, i64 16, i64 1, i64 16, i64 32, i64 1}
!4 = !{!"_ZN4nodeC2ERKS_", !"_ZN4nodeaSERKS_", i64 0, i64 8, i64 1, i64 8, i64 9, i64 1, i64 16, i64 24, i64 1}
!10 = !{i64 0, i64 1, !11, i64 8, i64 8, !11, i64 16, i64 2, !11}
!11 = !{!12, !12, i64 0}
!12 = !{!"char", !13}
!13 = !{!"tbaa"}
