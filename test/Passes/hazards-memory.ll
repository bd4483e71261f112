; Atomic and volatile accesses of the bits keep what they are; the bits just go
; through the contract.
; RUN: %opt -passes='perdure-raise,verify' -S %s | FileCheck %s
; RUN: %opt -passes='default<O2>,verify' -S %s | FileCheck --check-prefix=O2 %s

declare i64 @llvm.ptrauth.blend(i64, i64)
declare i64 @llvm.ptrauth.auth(i64, i32 immarg, i64)
declare i64 @llvm.ptrauth.sign(i64, i32 immarg, i64)
declare i64 @perdure.encode(ptr, ptr, i64, i32)

; CHECK-LABEL: define ptr @atomic
; CHECK:         load atomic i64, ptr %c acquire, align 8
; O2-LABEL:    define {{.*}}ptr @atomic
; O2:            load atomic i64, ptr %c acquire, align 8
define ptr @atomic(ptr %c) {
  %x = load atomic ptr, ptr %c acquire, align 8
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %i = ptrtoint ptr %x to i64
  %r = call i64 @llvm.ptrauth.auth(i64 %i, i32 2, i64 %d)
  %p = inttoptr i64 %r to ptr
  ret ptr %p
}

; CHECK-LABEL: define ptr @volatile
; CHECK:         load volatile i64, ptr %c, align 8, !tbaa
; O2-LABEL:    define {{.*}}ptr @volatile
; O2:            load volatile i64, ptr %c
define ptr @volatile(ptr %c) {
  %x = load volatile ptr, ptr %c, align 8, !tbaa !0, !nonnull !3, !align !4
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %i = ptrtoint ptr %x to i64
  %r = call i64 @llvm.ptrauth.auth(i64 %i, i32 2, i64 %d)
  %p = inttoptr i64 %r to ptr
  ret ptr %p
}

; CHECK-LABEL: define void @volatile_store
; CHECK:         store volatile i64 {{.*}}, ptr %c
define void @volatile_store(ptr %c, ptr %v) {
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %i = ptrtoint ptr %v to i64
  %r = call i64 @llvm.ptrauth.sign(i64 %i, i32 2, i64 %d)
  %p = inttoptr i64 %r to ptr
  store volatile ptr %p, ptr %c, align 8
  ret void
}

; O2-LABEL:    define {{.*}}i1 @cas
; O2:            cmpxchg ptr %c, i64 {{.*}}, i64 {{.*}} seq_cst seq_cst
define i1 @cas(ptr %c, ptr %a, ptr %b) {
  %x = call i64 @perdure.encode(ptr %a, ptr %c, i64 0, i32 0)
  %y = call i64 @perdure.encode(ptr %b, ptr %c, i64 0, i32 0)
  %r = cmpxchg ptr %c, i64 %x, i64 %y seq_cst seq_cst
  %s = extractvalue { i64, i1 } %r, 1
  ret i1 %s
}

!0 = !{!1, !1, i64 0}
!1 = !{!"any pointer", !2, i64 0}
!2 = !{!"C"}
!3 = !{}
!4 = !{i64 16}
; CHECK-NOT: !align
