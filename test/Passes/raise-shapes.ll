; Guards of other shapes stay: right, and slower.
; RUN: %opt -passes='perdure-raise,verify' -S %s | FileCheck %s

declare i64 @llvm.ptrauth.blend(i64, i64)
declare i64 @llvm.ptrauth.auth(i64, i32 immarg, i64)
declare i64 @llvm.ptrauth.sign(i64, i32 immarg, i64)
declare i64 @llvm.ptrauth.resign(i64, i32 immarg, i64, i32 immarg, i64)
declare void @use()

; No guard: the value cannot be null.
; CHECK-LABEL: define void @noguard
; CHECK-NEXT:    [[B:%.*]] = call i64 @perdure.encode(ptr @g, ptr %c, i64 0, i32 0)
; CHECK-NEXT:    store i64 [[B]], ptr %c
@g = external global i8
define void @noguard(ptr noundef %c) {
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %b = call i64 @llvm.ptrauth.sign(i64 ptrtoint (ptr @g to i64), i32 2, i64 %d)
  %p = inttoptr i64 %b to ptr
  store ptr %p, ptr %c
  ret void
}

; Another value than null on the other side: the guard decides something.
; CHECK-LABEL: define ptr @othervalue
; CHECK:         [[F:%.*]] = freeze i64
; CHECK-NEXT:    [[FP:%.*]] = inttoptr i64 [[F]] to ptr
; CHECK-NEXT:    [[N:%.*]] = icmp ne ptr [[FP]], null
; CHECK-NEXT:    br i1 [[N]], label %then, label %join
; CHECK:         [[P:%.*]] = call ptr @perdure.decode(i64 [[F]], ptr %c, i32 0)
; CHECK:         phi ptr [ %other, %entry ], [ [[P]], %then ]
define ptr @othervalue(ptr %c, ptr %other) {
entry:
  %x = load ptr, ptr %c
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %n = icmp ne ptr %x, null
  br i1 %n, label %then, label %join
then:
  %i = ptrtoint ptr %x to i64
  %r = call i64 @llvm.ptrauth.auth(i64 %i, i32 2, i64 %d)
  %p = inttoptr i64 %r to ptr
  br label %join
join:
  %v = phi ptr [ %other, %entry ], [ %p, %then ]
  ret ptr %v
}

; Something happens only for non-null.
; CHECK-LABEL: define ptr @sideeffect
; CHECK:         br i1
; CHECK:         call void @use()
; CHECK-NEXT:    call ptr @perdure.decode
define ptr @sideeffect(ptr %c) {
entry:
  %x = load ptr, ptr %c
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %n = icmp ne ptr %x, null
  br i1 %n, label %then, label %join
then:
  call void @use()
  %i = ptrtoint ptr %x to i64
  %r = call i64 @llvm.ptrauth.auth(i64 %i, i32 2, i64 %d)
  %p = inttoptr i64 %r to ptr
  br label %join
join:
  %v = phi ptr [ null, %entry ], [ %p, %then ]
  ret ptr %v
}

; The test written the other way round, the join with a third way in.
; CHECK-LABEL: define ptr @inverted
; CHECK:         [[P:%.*]] = call ptr @perdure.decode
; CHECK-NEXT:    br label %join
; CHECK:         phi ptr [ %c, %start ], [ [[P]], %more ]
define ptr @inverted(ptr %c, i1 %t) {
start:
  br i1 %t, label %more, label %join
more:
  %x = load ptr, ptr %c
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %n = icmp eq ptr %x, null
  br i1 %n, label %join, label %then
then:
  %i = ptrtoint ptr %x to i64
  %r = call i64 @llvm.ptrauth.auth(i64 %i, i32 2, i64 %d)
  %p = inttoptr i64 %r to ptr
  br label %join
join:
  %v = phi ptr [ null, %more ], [ %p, %then ], [ %c, %start ]
  ret ptr %v
}

; From one encoding to another: decode, then encode.
; CHECK-LABEL: define void @between
; CHECK:         [[P:%.*]] = call ptr @perdure.decode(i64 {{.*}}, ptr %c, i32 0)
; CHECK-NEXT:    [[B:%.*]] = call i64 @perdure.encode(ptr [[P]], ptr %e, i64 0, i32 1)
; CHECK-NEXT:    store i64 [[B]], ptr %e
define void @between(ptr %c, ptr %e) {
  %i = load i64, ptr %c
  %ci = ptrtoint ptr %c to i64
  %ei = ptrtoint ptr %e to i64
  %d0 = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %d1 = call i64 @llvm.ptrauth.blend(i64 %ei, i64 23809)
  %r = call i64 @llvm.ptrauth.resign(i64 %i, i32 2, i64 %d0, i32 2, i64 %d1)
  store i64 %r, ptr %e
  ret void
}

; A container in a segment: its offset there serves, since no call takes the
; pointer itself.
; CHECK-LABEL: define i64 @segment
; CHECK:         [[A:%.*]] = ptrtoint ptr addrspace(257) %c to i64
; CHECK:         [[C:%.*]] = inttoptr i64 [[A]] to ptr
; CHECK:         call ptr @perdure.decode(i64 {{.*}}, ptr [[C]], i32 0)
define i64 @segment(ptr addrspace(257) %c) {
  %a = ptrtoint ptr addrspace(257) %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %a, i64 23808)
  %x = load ptr, ptr addrspace(257) %c
  %i = ptrtoint ptr %x to i64
  %r = call i64 @llvm.ptrauth.auth(i64 %i, i32 2, i64 %d)
  ret i64 %r
}

; A declaration from a C header gets the contract's attributes.
; CHECK-LABEL: define ptr @header
; CHECK:         call ptr @perdure.decode(i64 noundef %b, ptr noundef %c, i32 noundef 0)
define ptr @header(i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 noundef %b, ptr noundef %c, i32 noundef 0) #0
  ret ptr %p
}
; CHECK:       declare {{.*}}ptr @perdure.decode(i64, ptr, i32) [[DECODE:#[0-9]+]]
; CHECK:       attributes [[DECODE]] = { nocallback nofree nosync nounwind willreturn memory(none) }
declare dso_local ptr @perdure.decode(i64 noundef, ptr noundef, i32 noundef)
attributes #0 = { nounwind }
