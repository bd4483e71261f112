; What cannot be translated is an error, and no wrong number.
; RUN: not %cc -x ir -O0 -fpass-plugin=%lib/PerdurePasses.so -c -o /dev/null %s 2>&1 | FileCheck %s
; CHECK-DAG: in function atomic {{.*}}: perdure: an atomic access cannot be to a Gray-coded field
; CHECK-DAG: in function exchange {{.*}}: perdure: an atomic access cannot be to a Gray-coded field
; CHECK-DAG: in function kind {{.*}}: perdure: an access to a Gray-coded field is neither a load nor a store of an integer
; CHECK-DAG: in function ordered {{.*}}: perdure: an access to a Gray-coded field is neither a load nor a store of an integer
; CHECK-DAG: in function meeting {{.*}}: perdure: an address may be that of a Gray-coded field or of another
; CHECK-DAG: the initialiser of 'address' gives a Gray-coded field a value that is not known before the program is linked; store it in a function
; CHECK-DAG: the initialiser of 'part' gives a Gray-coded field
; CHECK-DAG: the initialiser of 'text' gives a Gray-coded field
target datalayout = "e-m:e-i64:64"
@mark = private unnamed_addr constant [14 x i8] c"perdure::gray\00", section "llvm.metadata"
@where = private unnamed_addr constant [27 x i8] c"perdure::gray static g0:8;\00", section "llvm.metadata"
@wrong = private unnamed_addr constant [26 x i8] c"perdure::gray static g0:8\00", section "llvm.metadata"
@address = global i64 ptrtoint (ptr @address to i64)
@part = global { i32, i32 } { i32 0, i32 1 }
@text = global i64 1
@llvm.global.annotations = appending global [3 x { ptr, ptr, ptr, i32, ptr }] [{ ptr, ptr, ptr, i32, ptr } { ptr @address, ptr @where, ptr null, i32 4, ptr null }, { ptr, ptr, ptr, i32, ptr } { ptr @part, ptr @where, ptr null, i32 7, ptr null }, { ptr, ptr, ptr, i32, ptr } { ptr @text, ptr @wrong, ptr null, i32 4, ptr null }], section "llvm.metadata"

declare ptr @llvm.ptr.annotation.p0.p0(ptr, ptr, ptr, i32, ptr)
define void @atomic(ptr %p) {
  %f = call ptr @llvm.ptr.annotation.p0.p0(ptr %p, ptr @mark, ptr null, i32 1, ptr null)
  %o = atomicrmw add ptr %f, i64 1 seq_cst
  ret void
}
define void @exchange(ptr %p) {
  %f = call ptr @llvm.ptr.annotation.p0.p0(ptr %p, ptr @mark, ptr null, i32 1, ptr null)
  %o = cmpxchg ptr %f, i64 1, i64 2 seq_cst seq_cst
  ret void
}
define void @kind(ptr %p) {
  %f = call ptr @llvm.ptr.annotation.p0.p0(ptr %p, ptr @mark, ptr null, i32 1, ptr null)
  store double 1.0, ptr %f
  ret void
}
define i64 @ordered(ptr %p) {
  %f = call ptr @llvm.ptr.annotation.p0.p0(ptr %p, ptr @mark, ptr null, i32 1, ptr null)
  %n = load atomic i64, ptr %f acquire, align 8
  ret i64 %n
}
define i64 @meeting(ptr %p, ptr %q, i1 %c) {
  %f = call ptr @llvm.ptr.annotation.p0.p0(ptr %p, ptr @mark, ptr null, i32 1, ptr null)
  %e = select i1 %c, ptr %f, ptr %q
  %n = load i64, ptr %e
  ret i64 %n
}
