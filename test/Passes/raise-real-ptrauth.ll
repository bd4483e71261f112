; Real pointer authentication is none of our business: other keys, other
; discriminators, no address, or no blend at all.
; RUN: %opt -passes='perdure-raise,perdure-lower' -S %s > %t && opt -passes=verify -S %s | sed -e 1d > %t.in && sed -e 1d %t | diff %t.in -

target triple = "arm64e-apple-ios"

@g = external global i8
@a = global ptr ptrauth (ptr @g, i32 2, i64 23808)
@b = global ptr ptrauth (ptr @g, i32 1, i64 23808, ptr @b)
@c = global ptr ptrauth (ptr @g, i32 2, i64 1234, ptr @c)

declare i64 @llvm.ptrauth.blend(i64, i64)
declare i64 @llvm.ptrauth.auth(i64, i32 immarg, i64)

define i64 @f(i64 %x, ptr %c) {
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %e = call i64 @llvm.ptrauth.blend(i64 %ci, i64 1234)
  %1 = call i64 @llvm.ptrauth.auth(i64 %x, i32 1, i64 %d)
  %2 = call i64 @llvm.ptrauth.auth(i64 %1, i32 2, i64 %e)
  %3 = call i64 @llvm.ptrauth.auth(i64 %2, i32 2, i64 23808)
  ret i64 %3
}
