; What may lie in an object gets a site, with the field that the GEPs or TBAA
; tell; the stack and globals get none. A second run changes nothing, and a
; module that wants none, or has no debug info, gets none.
; RUN: %opt -passes='perdure-raise,perdure-sites,verify' -S %s -o %t.ll && FileCheck %s < %t.ll
; RUN: %opt -passes='perdure-raise,perdure-sites,perdure-raise,perdure-sites,verify' -S %s | diff %t.ll -
; RUN: %opt -passes='default<O2>,verify' -S %s | FileCheck %s --check-prefix=PIPE
; RUN: %opt -passes='default<O0>,verify' -S %s | FileCheck %s --check-prefix=PIPE
; RUN: %opt -passes='lto-pre-link<O2>,verify' -S %s | FileCheck %s --check-prefix=PIPE
; RUN: %opt -passes='lto-pre-link<O0>,verify' -S %s | FileCheck %s --check-prefix=PIPE
; RUN: %opt -passes='thinlto-pre-link<O2>,verify' -S %s | FileCheck %s --check-prefix=PIPE
; RUN: %opt -passes='thinlto-pre-link<O0>,verify' -S %s | FileCheck %s --check-prefix=PIPE
; RUN: sed -e 's/i32 1, !"Code Model", i32 1/i32 7, !"perdure.sites", i32 0/;/^;/d' %s | %opt -passes='default<O2>' -S | FileCheck %s --check-prefix=NONE
; RUN: sed -e 's/FullDebug/NoDebug/;/^;/d' %s | %opt -passes='default<O2>' -S | FileCheck %s --check-prefix=NONE
; RUN: sed -e 's/!"Code Model", i32 1/!"Code Model", i32 4/;/^;/d' %s | %opt -passes='default<O2>' -S | FileCheck %s --check-prefix=NONE
; RUN: sed -e 's/linux-gnu/darwin/;/^;/d' %s | %opt -passes='perdure-raise,perdure-sites' -S | FileCheck %s --check-prefix=NONE

; The tables: in a named section, never dropped.
; CHECK: @perdure.names = private constant [{{[0-9]+}} x i8] c"{{.*}}list.c\00{{.*}}struct node.in.b\00{{.*}}struct node.kids[]\00{{.*}}struct node.value\00", section "perdure_names", align 1
; CHECK: @llvm.used = appending global {{.*}}@perdure.names
; PIPE: @perdure.names = {{.*}}struct node.value\00
; PIPE: !pcsections
; NONE-NOT: perdure.names
; NONE-NOT: perdure_sites
; NONE-NOT: perdure.fields

target triple = "x86_64-unknown-linux-gnu"
%struct.node = type { i64, %struct.anon, [4 x i64] }
%struct.anon = type { i32, i32 }
@global = global i64 0
declare ptr @perdure.decode(i64, ptr, i32)

; CHECK-LABEL: @f
define i64 @f(i64 %bits, ptr %c, ptr byval(%struct.node) %by, i64 %i) !dbg !10 {
  %local = alloca %struct.node
  %p = call ptr @perdure.decode(i64 %bits, ptr %c, i32 0), !dbg !20
  %v = getelementptr %struct.node, ptr %p, i32 0, i32 0
  ; CHECK: %a = load i64, ptr %v, align 8, !dbg {{.*}}, !pcsections [[VALUE:!.*]]
  %a = load i64, ptr %v, !dbg !21
  %in = getelementptr %struct.node, ptr %p, i32 0, i32 1
  %b = getelementptr %struct.anon, ptr %in, i32 0, i32 1
  ; CHECK: store i32 1, ptr %b, align 4, !dbg {{.*}}, !pcsections [[INNER:!.*]]
  store i32 1, ptr %b, !dbg !22
  %kids = getelementptr %struct.node, ptr %p, i32 0, i32 2
  %kid = getelementptr [4 x i64], ptr %kids, i64 0, i64 %i
  ; CHECK: cmpxchg ptr %kid, {{.*}} !pcsections [[KIDS:!.*]]
  %x = cmpxchg ptr %kid, i64 0, i64 1 seq_cst seq_cst, !dbg !23
  ; By TBAA alone.
  ; CHECK: %t = load i64, ptr %p, {{.*}} !pcsections [[TBAA:!.*]]
  %t = load i64, ptr %p, !dbg !24, !tbaa !30
  ; The line alone; and beside what somebody else has there.
  ; CHECK: store volatile i8 0, ptr %p, {{.*}} !pcsections [[LINE:!.*]]
  store volatile i8 0, ptr %p, !dbg !25, !pcsections !40
  ; No line: nothing to tell. No object: no fault.
  ; CHECK-NOT: pcsections
  %n = load i64, ptr %p
  store i64 0, ptr %local, !dbg !20
  store i64 0, ptr @global, !dbg !20
  store i64 0, ptr %by, !dbg !20
  %s = add i64 %a, %t
  ret i64 %s, !dbg !20
}
; CHECK-NOT: pcsections
; CHECK-DAG: [[VALUE]] = !{!"perdure_sites", [[VALUEAUX:!.*]]}
; -2147483648 + 7
; CHECK-DAG: [[VALUEAUX]] = !{i32 -2147483641, i32 [[FILE:-?[0-9]+]], i32 [[FIELD:-?[0-9]+]]}
; CHECK-DAG: [[INNER]] = !{!"perdure_sites", [[INNERAUX:!.*]]}
; CHECK-DAG: [[INNERAUX]] = !{i32 -2147483640, i32 [[FILE]], i32 {{-?[1-9][0-9]*}}}
; CHECK-DAG: [[KIDS]] = !{!"perdure_sites", [[KIDSAUX:!.*]]}
; CHECK-DAG: [[KIDSAUX]] = !{i32 -2147483639, i32 [[FILE]], i32 {{-?[1-9][0-9]*}}}
; CHECK-DAG: [[TBAA]] = !{!"perdure_sites", [[TBAAAUX:!.*]]}
; CHECK-DAG: [[TBAAAUX]] = !{i32 -2147483638, i32 [[FILE]], i32 [[FIELD]]}
; CHECK-DAG: [[LINE]] = !{!"other", !{{[0-9]+}}, !"perdure_sites", [[LINEAUX:!.*]]}
; CHECK-DAG: [[LINEAUX]] = !{i32 -2147483637, i32 [[FILE]], i32 0}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2, !3}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: FullDebug, retainedTypes: !{!4})
!1 = !DIFile(filename: "list.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !{i32 1, !"Code Model", i32 1}
!4 = distinct !DICompositeType(tag: DW_TAG_structure_type, name: "node", file: !1, size: 384, elements: !{!5, !6, !7})
!5 = !DIDerivedType(tag: DW_TAG_member, name: "value", scope: !4, baseType: !8, size: 64, offset: 0)
!6 = !DIDerivedType(tag: DW_TAG_member, name: "in", scope: !4, baseType: !12, size: 64, offset: 64)
!7 = !DIDerivedType(tag: DW_TAG_member, name: "kids", scope: !4, baseType: !15, size: 256, offset: 128)
!8 = !DIBasicType(name: "long", size: 64, encoding: DW_ATE_signed)
!9 = !DIBasicType(name: "int", size: 32, encoding: DW_ATE_signed)
!10 = distinct !DISubprogram(name: "f", file: !1, line: 5, type: !11, unit: !0, spFlags: DISPFlagDefinition)
!11 = !DISubroutineType(types: !{})
!12 = distinct !DICompositeType(tag: DW_TAG_structure_type, scope: !4, file: !1, size: 64, elements: !{!13, !14})
!13 = !DIDerivedType(tag: DW_TAG_member, name: "a", scope: !12, baseType: !9, size: 32, offset: 0)
!14 = !DIDerivedType(tag: DW_TAG_member, name: "b", scope: !12, baseType: !9, size: 32, offset: 32)
!15 = !DICompositeType(tag: DW_TAG_array_type, baseType: !8, size: 256, elements: !{!16})
!16 = !DISubrange(count: 4)
!20 = !DILocation(line: 6, column: 3, scope: !10)
!21 = !DILocation(line: 7, column: 3, scope: !10)
!22 = !DILocation(line: 8, column: 3, scope: !10)
!23 = !DILocation(line: 9, column: 3, scope: !10)
!24 = !DILocation(line: 10, column: 3, scope: !10)
!25 = !DILocation(line: 11, column: 3, scope: !10)
!30 = !{!31, !32, i64 0}
!31 = !{!"node", !32, i64 0}
!32 = !{!"long", !33, i64 0}
!33 = !{!"root"}
!40 = !{!"other", !41}
!41 = !{i32 1}
