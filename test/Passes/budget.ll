; The hot path of a list walk at -O2, on machine code: the sum's load, the next
; pointer's, lea, cmp, branch. No mask and no addition: the base is carried, and
; the addresses are [base + offset]. Everything else is behind the one branch.
; RUN: cat %S/Inputs/clang.ll %S/Inputs/pic.ll | %opt -passes='default<O2>' -S | %llc -O2 | FileCheck %s
; CHECK-LABEL: sum:
; CHECK:         Inner Loop Header
; CHECK-NEXT:    addq 8(%[[BASE:r[a-z0-9]+]],%[[OFFSET:r[a-z0-9]+]]), %{{r[a-z0-9]+}}
; CHECK-NEXT:    movq (%[[BASE]],%[[OFFSET]]), %[[OFFSET]]
; CHECK-NEXT:    leaq -1(%[[OFFSET]]), %[[T:r[a-z0-9]+]]
; CHECK-NEXT:    cmpq %{{r[a-z0-9]+}}, %[[T]]
; CHECK-NEXT:    jb .LBB0_
