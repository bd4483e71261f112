; A decoded pointer must not inherit its container's provenance: with ptrmask or
; GEP on the noalias %c the store through %p would be taken not to touch %q, and
; -O2 returns 1 (checked by making it so). The assumptions leave the hot path
; alone, since a phi with the other paths hides the mistake.
; RUN: %opt -passes='default<O2>,verify' -S %s | FileCheck %s
declare ptr @perdure.decode(i64, ptr, i32)
declare void @llvm.assume(i1)

; CHECK-LABEL: define {{.*}}@f
; CHECK-NOT:     _cold
; CHECK:         store i64 2
; CHECK:         [[V:%.*]] = load i64, ptr %q
; CHECK-NEXT:    ret i64 [[V]]
define i64 @f(ptr noalias %c, ptr %q) {
  %b = load i64, ptr %c
  %near = icmp ult i64 %b, 1000
  call void @llvm.assume(i1 %near)
  %nonzero = icmp ne i64 %b, 0
  call void @llvm.assume(i1 %nonzero)
  %p = call ptr @perdure.decode(i64 noundef %b, ptr %c, i32 0)
  store i64 1, ptr %q
  store i64 2, ptr %p
  %v = load i64, ptr %q
  ret i64 %v
}

; The same once it has been inlined: noalias became scoped metadata.
; CHECK-LABEL: define {{.*}}@g
; CHECK:         load i64, ptr %q
define i64 @g(ptr %c, ptr %q) {
  %v = call i64 @f(ptr %c, ptr %q)
  ret i64 %v
}
