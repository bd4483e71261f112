; Accesses to fields that are stored as Gray codes, from Clang's annotations to shifts.
; RUN: %opt -passes='perdure-raise,verify' -S %s | FileCheck %s --check-prefix=RAISE
; RUN: %opt -passes='perdure-raise,function(perdure-gray-fold),verify' -S %s | FileCheck %s --check-prefix=FOLD
; RUN: %opt -passes='perdure-raise,function(perdure-gray-fold),perdure-gray-lower,verify' -S %s | FileCheck %s --check-prefix=LOWER
; RUN: %opt -passes='perdure-raise,perdure-gray-lower,perdure-raise,perdure-gray-lower,verify' -S %s | FileCheck %s --check-prefix=TWICE
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
@text = private unnamed_addr constant [14 x i8] c"perdure::gray\00", section "llvm.metadata"
@other = private unnamed_addr constant [6 x i8] c"other\00", section "llvm.metadata"
@file = private unnamed_addr constant [4 x i8] c"a.c\00", section "llvm.metadata"
@where = private unnamed_addr constant [55 x i8] c"perdure::gray static g8:8;a16:2:4[g0:2;]a24:0:4[g0:4;]\00", section "llvm.metadata"

; Where the text says, and there alone; once, whatever is said twice; other annotations
; stay.
; RAISE: @v = internal global { i64, i64, [2 x { i16, i16 }], {{.*}} { i64 5, i64 7, [2 x { i16, i16 }]
; RAISE-SAME: { i16 3, i16 2 }
; RAISE: @kept = global i64 5
; RAISE: @llvm.global.annotations = appending global [1 x { ptr, ptr, ptr, i32, ptr }] [{{.*}} { ptr @kept, ptr @other
; RAISE-NOT: perdure::gray
; LOWER: @v = internal global { i64, i64, [2 x { i16, i16 }], [3 x i32] } { i64 5, i64 7,
; LOWER-SAME: [3 x i32] [i32 3, i32 -2147483648, i32 0] }
; TWICE: @v = internal global { i64, i64, {{.*}} { i64 5, i64 7,
@v = internal global { i64, i64, [2 x { i16, i16 }], [3 x i32] } { i64 5, i64 5, [2 x { i16, i16 }] [{ i16, i16 } { i16 2, i16 2 }, { i16, i16 } zeroinitializer], [3 x i32] [i32 2, i32 -1, i32 0] }
@kept = global i64 5
@llvm.global.annotations = appending global [3 x { ptr, ptr, ptr, i32, ptr }] [{ ptr, ptr, ptr, i32, ptr } { ptr @v, ptr @where, ptr @file, i32 4, ptr null }, { ptr, ptr, ptr, i32, ptr } { ptr @kept, ptr @other, ptr @file, i32 7, ptr null }, { ptr, ptr, ptr, i32, ptr } { ptr @v, ptr @where, ptr @file, i32 4, ptr null }], section "llvm.metadata"

declare ptr @llvm.ptr.annotation.p0.p0(ptr, ptr, ptr, i32, ptr)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @perdure.gray.opaque()
declare ptr @perdure.gray.bytes(ptr)
declare void @bytes(ptr)

; What the field is, its alias class and its order among others, stays; what is said of
; the number's range goes.
; RAISE-LABEL: define i64 @access
; RAISE-NOT:     annotation
; RAISE-NOT:     opaque
; RAISE:         [[G:%.*]] = load volatile i64, ptr %p, align 4, !tbaa ![[TBAA:[0-9]+]]{{$}}
; RAISE-NEXT:    [[N:%.*]] = call i64 @perdure.gray.decode.i64(i64 [[G]])
; RAISE-NEXT:    [[M:%.*]] = add i64 [[N]], %x
; RAISE-NEXT:    [[E:%.*]] = call i64 @perdure.gray.encode.i64(i64 [[M]])
; RAISE-NEXT:    store volatile i64 [[E]], ptr %p, align 4, !tbaa ![[TBAA]]
; RAISE-NEXT:    ret i64 [[N]]
define i64 @access(ptr %p, i64 %x) {
  %f = call ptr @llvm.ptr.annotation.p0.p0(ptr %p, ptr @text, ptr @file, i32 1, ptr null)
  call void @perdure.gray.opaque()
  %n = load volatile i64, ptr %f, align 4, !tbaa !0, !range !3
  %m = add i64 %n, %x
  store volatile i64 %m, ptr %f, align 4, !tbaa !0
  ret i64 %n
}

; The address of bytes: what is read through it stays, whatever its width, and it may
; meet another.
; RAISE-LABEL: define i8 @raw
; RAISE-NEXT:    %n = load i8, ptr %p
; RAISE-NEXT:    %either = select i1 %c, ptr %p, ptr %q
; RAISE-NEXT:    store i64 1, ptr %either
; RAISE-NEXT:    ret i8 %n
define i8 @raw(ptr %p, ptr %q, i1 %c) {
  %f = call ptr @llvm.ptr.annotation.p0.p0(ptr %p, ptr @text, ptr @file, i32 1, ptr null)
  %b = call ptr @perdure.gray.bytes(ptr %f)
  %n = load i8, ptr %b
  %either = select i1 %c, ptr %b, ptr %q
  store i64 1, ptr %either
  ret i8 %n
}

; Elements, loops over them, either of two fields; fills, and the address as bytes.
; RAISE-LABEL: define void @addresses
; RAISE:         call void @bytes(ptr %p)
; RAISE:         call void @llvm.memset.p0.i64(ptr %p,
; RAISE:         store ptr %p, ptr %q
; RAISE:         [[E:%.*]] = call i16 @perdure.gray.encode.i16(i16 5)
; RAISE-NEXT:    store i16 [[E]], ptr %at
; RAISE:         [[L:%.*]] = load i16, ptr %either
; RAISE-NEXT:    call i16 @perdure.gray.decode.i16(i16 [[L]])
; RAISE-NEXT:    store i16 %{{.*}}, ptr %q
define void @addresses(ptr %p, ptr %q, i1 %c) {
entry:
  %f = call ptr @llvm.ptr.annotation.p0.p0(ptr %p, ptr @text, ptr @file, i32 1, ptr null)
  %g = call ptr @llvm.ptr.annotation.p0.p0(ptr %q, ptr @text, ptr @file, i32 1, ptr null)
  call void @bytes(ptr %f)
  call void @llvm.memset.p0.i64(ptr %f, i8 0, i64 8, i1 false)
  store ptr %f, ptr %q
  %end = getelementptr i16, ptr %f, i64 4
  br label %loop
loop:
  %at = phi ptr [ %f, %entry ], [ %next, %loop ]
  store i16 5, ptr %at
  %next = getelementptr i16, ptr %at, i64 1
  %done = icmp eq ptr %next, %end
  br i1 %done, label %exit, label %loop
exit:
  %either = select i1 %c, ptr %f, ptr %g
  %n = load i16, ptr %either
  store i16 %n, ptr %q
  ret void
}

; Constants, inverses, comparisons for equality and of signs.
; FOLD-LABEL: define void @folds
; FOLD-NEXT:    store i8 -128, ptr %p
; FOLD-NEXT:    store i64 %x, ptr %p
; FOLD-NEXT:    store i64 %x, ptr %p
; FOLD-NEXT:    store i64 undef, ptr %p
; FOLD-NEXT:    ret void
define void @folds(ptr %p, i64 %x) {
  %c = call i8 @perdure.gray.encode.i8(i8 -1)
  store i8 %c, ptr %p
  %e = call i64 @perdure.gray.encode.i64(i64 %x)
  %d = call i64 @perdure.gray.decode.i64(i64 %e)
  store i64 %d, ptr %p
  %d2 = call i64 @perdure.gray.decode.i64(i64 %x)
  %e2 = call i64 @perdure.gray.encode.i64(i64 %d2)
  store i64 %e2, ptr %p
  %u = call i64 @perdure.gray.encode.i64(i64 undef)
  store i64 %u, ptr %p
  ret void
}
; FOLD-LABEL: define i1 @compares
; FOLD-NEXT:    %a = icmp eq i64 %x, 7
; FOLD-NEXT:    %b = icmp ne i64 %x, %y
; FOLD-NEXT:    %c = icmp slt i64 %x, 0
; FOLD-NEXT:    %d = icmp sgt i64 %y, -1
; FOLD-NEXT:    %g = icmp eq i64 0, %x
define i1 @compares(i64 %x, i64 %y) {
  %n = call i64 @perdure.gray.decode.i64(i64 %x)
  %m = call i64 @perdure.gray.decode.i64(i64 %y)
  %a = icmp eq i64 %n, 5
  %b = icmp ne i64 %n, %m
  %c = icmp slt i64 %n, 0
  %d = icmp sgt i64 %m, -1
  %g = icmp eq i64 0, %n
  %ab = and i1 %a, %b
  %cd = and i1 %c, %d
  %r = and i1 %ab, %cd
  %r2 = and i1 %r, %g
  ret i1 %r2
}
; Order is another, and so is a number that is none of ours.
; FOLD-LABEL: define i1 @orders
; FOLD-COUNT-2: call i64 @perdure.gray.decode
; FOLD:          icmp ult i64 %n, 5
; FOLD:          icmp slt i64 %n, 1
; FOLD:          icmp eq i64 %n, %z
; FOLD:          icmp sgt i64 0, %m
define i1 @orders(i64 %x, i64 %y, i64 %z) {
  %n = call i64 @perdure.gray.decode.i64(i64 %x)
  %m = call i64 @perdure.gray.decode.i64(i64 %y)
  %a = icmp ult i64 %n, 5
  %b = icmp slt i64 %n, 1
  %c = icmp eq i64 %n, %z
  %d = icmp sgt i64 0, %m
  %ab = and i1 %a, %b
  %cd = and i1 %c, %d
  %r = and i1 %ab, %cd
  ret i1 %r
}

; LOWER-LABEL: define i8 @directions
; LOWER-NEXT:    [[A:%.*]] = lshr i8 %x, 1
; LOWER-NEXT:    [[B:%.*]] = xor i8 %x, [[A]]
; LOWER-NEXT:    [[C:%.*]] = lshr i8 [[B]], 2
; LOWER-NEXT:    [[D:%.*]] = xor i8 [[B]], [[C]]
; LOWER-NEXT:    [[E:%.*]] = lshr i8 [[D]], 4
; LOWER-NEXT:    [[N:%.*]] = xor i8 [[D]], [[E]]
; LOWER-NEXT:    [[M:%.*]] = mul i8 [[N]], 3
; LOWER-NEXT:    [[S:%.*]] = lshr i8 [[M]], 1
; LOWER-NEXT:    [[R:%.*]] = xor i8 [[M]], [[S]]
; LOWER-NEXT:    ret i8 [[R]]
define i8 @directions(i8 %x) {
  %n = call i8 @perdure.gray.decode.i8(i8 %x)
  %m = mul i8 %n, 3
  %g = call i8 @perdure.gray.encode.i8(i8 %m)
  ret i8 %g
}
; A step flips one bit, and the number is never made.
; LOWER-LABEL: define i64 @up
; LOWER-NEXT:    [[G:%.*]] = freeze i64 %x
; LOWER-NEXT:    [[P:%.*]] = call i64 @llvm.ctpop.i64(i64 [[G]])
; LOWER-NEXT:    [[ODD:%.*]] = trunc i64 [[P]] to i1
; LOWER-NEXT:    [[NEG:%.*]] = sub i64 0, [[G]]
; LOWER-NEXT:    [[LOW:%.*]] = and i64 [[G]], [[NEG]]
; LOWER-NEXT:    [[ABOVE:%.*]] = shl i64 [[LOW]], 1
; LOWER-NEXT:    [[NONE:%.*]] = icmp eq i64 [[ABOVE]], 0
; LOWER-NEXT:    [[THERE:%.*]] = select i1 [[NONE]], i64 -9223372036854775808, i64 [[ABOVE]]
; LOWER-NEXT:    [[BIT:%.*]] = select i1 [[ODD]], i64 [[THERE]], i64 1
; LOWER-NEXT:    [[R:%.*]] = xor i64 [[G]], [[BIT]]
; LOWER-NEXT:    ret i64 [[R]]
define i64 @up(i64 %x) {
  %n = call i64 @perdure.gray.decode.i64(i64 %x)
  %m = add i64 %n, 1
  %g = call i64 @perdure.gray.encode.i64(i64 %m)
  ret i64 %g
}
; LOWER-LABEL: define i64 @down
; LOWER:         select i1 [[ODD:%.*]], i64 1, i64
; LOWER-NEXT:    xor
define i64 @down(i64 %x) {
  %n = call i64 @perdure.gray.decode.i64(i64 %x)
  %m = add i64 %n, -1
  %g = call i64 @perdure.gray.encode.i64(i64 %m)
  ret i64 %g
}
; Where the number is wanted too, it is made once.
; LOWER-LABEL: define i64 @wanted
; LOWER-NOT:     ctpop
; LOWER:         ret i64
define i64 @wanted(i64 %x, ptr %p) {
  %n = call i64 @perdure.gray.decode.i64(i64 %x)
  %m = add i64 %n, 1
  %g = call i64 @perdure.gray.encode.i64(i64 %m)
  store i64 %g, ptr %p
  ret i64 %m
}
; LOWER-NOT: declare {{.*}}@perdure.gray
; TWICE-NOT: perdure.gray

declare i8 @perdure.gray.encode.i8(i8)
declare i8 @perdure.gray.decode.i8(i8)
declare i64 @perdure.gray.encode.i64(i64)
declare i64 @perdure.gray.decode.i64(i64)
!0 = !{!1, !1, i64 0}
!1 = !{!"count", !2, i64 0}
!2 = !{!"tbaa root"}
!3 = !{i64 0, i64 10}
