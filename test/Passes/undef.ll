; Copying an indeterminate pointer is harmless in native code. Clang's guard and
; the lowered code both branch on it; without the freeze in raise, -O2 deletes
; the store behind the branch.
; RUN: %opt -passes='default<O2>' -S %s | FileCheck %s

declare i64 @llvm.ptrauth.blend(i64, i64)
declare i64 @llvm.ptrauth.resign(i64, i32 immarg, i64, i32 immarg, i64)

; CHECK-LABEL: define {{.*}}@copyundef
; CHECK-NOT:     unreachable
; CHECK:         store i32 1, ptr %after
; CHECK:         ret void
define void @copyundef(ptr %to, ptr %after) {
  %x = alloca ptr
  %l = load ptr, ptr %x
  %xi = ptrtoint ptr %x to i64
  %ti = ptrtoint ptr %to to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %xi, i64 23808)
  %e = call i64 @llvm.ptrauth.blend(i64 %ti, i64 23808)
  %n = icmp ne ptr %l, null
  br i1 %n, label %then, label %join
then:
  %i = ptrtoint ptr %l to i64
  %r = call i64 @llvm.ptrauth.resign(i64 %i, i32 2, i64 %d, i32 2, i64 %e)
  %p = inttoptr i64 %r to ptr
  br label %join
join:
  %v = phi ptr [ null, %0 ], [ %p, %then ]
  store ptr %v, ptr %to
  store i32 1, ptr %after
  ret void
}
