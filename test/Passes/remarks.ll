; RUN: %opt -passes='perdure-raise,function(perdure-resolve-volatile,perdure-fold)' -pass-remarks=perdure -disable-output %s 2>&1 | FileCheck %s
; CHECK: remark: list.c:7:3: decode with encoding object
; CHECK: remark: list.c:8:3: container is volatile memory
; CHECK: remark: list.c:9:3: null test on the untranslated value
declare i64 @llvm.ptrauth.blend(i64, i64)
declare i64 @llvm.ptrauth.auth(i64, i32 immarg, i64)
declare ptr @perdure.decode(i64, ptr, i32)
define i1 @f(ptr %c, i64 %b, ptr %out) !dbg !4 {
  %x = alloca ptr
  %ci = ptrtoint ptr %c to i64
  %d = call i64 @llvm.ptrauth.blend(i64 %ci, i64 23808)
  %r = call i64 @llvm.ptrauth.auth(i64 %b, i32 2, i64 %d), !dbg !6
  %p = inttoptr i64 %r to ptr
  %q = call ptr @perdure.decode(i64 %b, ptr %x, i32 0), !dbg !7
  store ptr %q, ptr %out
  %t = icmp eq ptr %p, null, !dbg !8
  ret i1 %t, !dbg !8
}
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: FullDebug)
!1 = !DIFile(filename: "list.c", directory: "")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!4 = distinct !DISubprogram(name: "f", file: !1, line: 5, type: !5, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DISubroutineType(types: !{})
!6 = !DILocation(line: 7, column: 3, scope: !4)
!7 = !DILocation(line: 8, column: 3, scope: !4)
!8 = !DILocation(line: 9, column: 3, scope: !4)
