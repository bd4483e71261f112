; Cold encodes are told the source line; each text is kept once.
; RUN: %opt -passes='perdure-lower,verify' -S %s | FileCheck %s
declare i64 @perdure.encode(ptr, ptr, i64, i32)
; CHECK: @perdure.where = private unnamed_addr constant [9 x i8] c"list.c:7\00"
; CHECK-NOT: @perdure.where.
; CHECK-COUNT-2: @__perdure_encode_cold(ptr {{.*}}, ptr {{.*}}, ptr @perdure.where)
define i64 @f(ptr noundef %p, ptr %c) !dbg !4 {
  %a = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 0), !dbg !6
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 0), !dbg !6
  ret i64 %a, !dbg !6
}
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: FullDebug)
!1 = !DIFile(filename: "list.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!4 = distinct !DISubprogram(name: "f", file: !1, line: 5, type: !5, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DISubroutineType(types: !{})
!6 = !DILocation(line: 7, column: 3, scope: !4)
