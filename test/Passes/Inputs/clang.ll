; What Clang 22 writes for annotated code, before any pass: a list walk, a
; store, a copy, and static initialisers.
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"

%struct.node = type { ptr, i64 }

@g = global %struct.node { ptr null, i64 3 }, align 8
@h = global %struct.node { ptr ptrauth (ptr @g, i32 2, i64 23808, ptr @h), i64 4 }, align 8

define i64 @sum(ptr noundef %0) {
  %2 = alloca ptr, align 8
  %3 = alloca i64, align 8
  store ptr %0, ptr %2, align 8
  store i64 0, ptr %3, align 8
  br label %4
4:
  %5 = load ptr, ptr %2, align 8
  %6 = icmp ne ptr %5, null
  br i1 %6, label %7, label %26
7:
  %8 = load ptr, ptr %2, align 8
  %9 = getelementptr inbounds nuw %struct.node, ptr %8, i32 0, i32 1
  %10 = load i64, ptr %9, align 8
  %11 = load i64, ptr %3, align 8
  %12 = add nsw i64 %11, %10
  store i64 %12, ptr %3, align 8
  %14 = load ptr, ptr %2, align 8
  %15 = getelementptr inbounds nuw %struct.node, ptr %14, i32 0, i32 0
  %16 = load ptr, ptr %15, align 8
  %17 = ptrtoint ptr %15 to i64
  %18 = call i64 @llvm.ptrauth.blend(i64 %17, i64 23808)
  %19 = icmp ne ptr %16, null
  br i1 %19, label %20, label %24
20:
  %21 = ptrtoint ptr %16 to i64
  %22 = call i64 @llvm.ptrauth.auth(i64 %21, i32 2, i64 %18)
  %23 = inttoptr i64 %22 to ptr
  br label %24
24:
  %25 = phi ptr [ null, %7 ], [ %23, %20 ]
  store ptr %25, ptr %2, align 8
  br label %4
26:
  %27 = load i64, ptr %3, align 8
  ret i64 %27
}

define void @store(ptr noundef %0, ptr noundef %1) {
  %3 = getelementptr inbounds nuw %struct.node, ptr %0, i32 0, i32 0
  %4 = ptrtoint ptr %3 to i64
  %5 = call i64 @llvm.ptrauth.blend(i64 %4, i64 23808)
  %6 = icmp ne ptr %1, null
  br i1 %6, label %7, label %11
7:
  %8 = ptrtoint ptr %1 to i64
  %9 = call i64 @llvm.ptrauth.sign(i64 %8, i32 2, i64 %5)
  %10 = inttoptr i64 %9 to ptr
  br label %11
11:
  %12 = phi ptr [ null, %2 ], [ %10, %7 ]
  store ptr %12, ptr %3, align 8
  ret void
}

define void @copy(ptr noundef %0, ptr noundef %1) {
  %3 = load ptr, ptr %1, align 8
  %4 = ptrtoint ptr %1 to i64
  %5 = call i64 @llvm.ptrauth.blend(i64 %4, i64 23808)
  %6 = ptrtoint ptr %0 to i64
  %7 = call i64 @llvm.ptrauth.blend(i64 %6, i64 23808)
  %8 = icmp ne ptr %3, null
  br i1 %8, label %9, label %13
9:
  %10 = ptrtoint ptr %3 to i64
  %11 = call i64 @llvm.ptrauth.resign(i64 %10, i32 2, i64 %5, i32 2, i64 %7)
  %12 = inttoptr i64 %11 to ptr
  br label %13
13:
  %14 = phi ptr [ null, %2 ], [ %12, %9 ]
  store ptr %14, ptr %0, align 8
  ret void
}

declare i64 @llvm.ptrauth.blend(i64, i64)
declare i64 @llvm.ptrauth.auth(i64, i32 immarg, i64)
declare i64 @llvm.ptrauth.sign(i64, i32 immarg, i64)
declare i64 @llvm.ptrauth.resign(i64, i32 immarg, i64, i32 immarg, i64)
