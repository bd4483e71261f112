; The hot path of a list walk at -O2: mask, join, load, lea, cmp, branch. The
; mask's constant and the limit stay in registers; every other case is behind
; the one branch.
; RUN: cat %S/Inputs/clang.ll %S/Inputs/pic.ll | %opt -passes='default<O2>' -S | %llc -O2 | FileCheck %s
; CHECK-LABEL: sum:
; CHECK:       .LBB0_[[HOT:[0-9]+]]:
; CHECK:         andq %[[MASK:r[a-z0-9]+]], %[[C:r[a-z0-9]+]]
; CHECK-NEXT:    orq %[[C]], %[[B:r[a-z0-9]+]]
; CHECK:         addq 8(%[[B]]), %{{r[a-z0-9]+}}
; CHECK-NEXT:    movq (%[[B]]), %[[B]]
; CHECK-NEXT:    leaq -1(%[[B]]), %[[T:r[a-z0-9]+]]
; CHECK-NEXT:    cmpq %{{r[a-z0-9]+}}, %[[T]]
; CHECK-NEXT:    jb .LBB0_[[HOT]]
