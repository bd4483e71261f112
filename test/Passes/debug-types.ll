; DW_TAG_LLVM_ptrauth_type, which gdb does not know, becomes a typedef; foreign
; ones stay.
; RUN: %opt -passes='perdure-raise,verify' -S %s | FileCheck %s
; CHECK-NOT: DW_TAG_LLVM_ptrauth_type, {{.*}}ptrAuthExtraDiscriminator: 238
; CHECK-DAG: !DIDerivedType(tag: DW_TAG_typedef, name: "perdure_ptr(struct node *)", baseType: ![[P:[0-9]+]])
; CHECK-DAG: ![[P]] = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: ![[N:[0-9]+]], size: 64)
; CHECK-DAG: ![[N]] = {{.*}}!DICompositeType(tag: DW_TAG_structure_type, name: "node"
; CHECK-DAG: name: "perdure_ptr[strict](perdure_ptr(struct node *) *)"
; CHECK-DAG: !DIDerivedType(tag: DW_TAG_LLVM_ptrauth_type, baseType: !{{[0-9]+}}, ptrAuthKey: 1
@g = global { ptr, ptr, ptr } zeroinitializer, !dbg !4
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!2}
!0 = distinct !DICompileUnit(language: DW_LANG_C11, file: !1, emissionKind: FullDebug, globals: !3)
!1 = !DIFile(filename: "list.c", directory: "/")
!2 = !{i32 2, !"Debug Info Version", i32 3}
!3 = !{!4}
!4 = !DIGlobalVariableExpression(var: !5, expr: !DIExpression())
!5 = distinct !DIGlobalVariable(name: "g", file: !1, line: 1, type: !6, isDefinition: true, scope: !0)
!6 = distinct !DICompositeType(tag: DW_TAG_structure_type, name: "node", file: !1, line: 1, size: 192, elements: !7)
!7 = !{!8, !11, !14}
!8 = !DIDerivedType(tag: DW_TAG_member, name: "next", scope: !6, baseType: !9, size: 64)
!9 = !DIDerivedType(tag: DW_TAG_LLVM_ptrauth_type, baseType: !10, ptrAuthKey: 2, ptrAuthIsAddressDiscriminated: true, ptrAuthExtraDiscriminator: 23808)
!10 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !6, size: 64)
!11 = !DIDerivedType(tag: DW_TAG_member, name: "kids", scope: !6, baseType: !12, size: 64, offset: 64)
!12 = !DIDerivedType(tag: DW_TAG_LLVM_ptrauth_type, baseType: !13, ptrAuthKey: 2, ptrAuthIsAddressDiscriminated: true, ptrAuthExtraDiscriminator: 23810)
!13 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !9, size: 64)
!14 = !DIDerivedType(tag: DW_TAG_member, name: "isa", scope: !6, baseType: !15, size: 64, offset: 128)
!15 = !DIDerivedType(tag: DW_TAG_LLVM_ptrauth_type, baseType: !10, ptrAuthKey: 1, ptrAuthIsAddressDiscriminated: true, ptrAuthExtraDiscriminator: 23808)
