; The hot path of a list walk at -O2 under each encoding for researchers: the loop
; is nothing else, and has one test a hop. sed puts its number in.
; RUN: sed s/23808/23811/g %S/Inputs/clang.ll > %t.3 && cat %S/Inputs/pic.ll >> %t.3
; RUN: sed s/23808/23812/g %S/Inputs/clang.ll > %t.4 && cat %S/Inputs/pic.ll >> %t.4
; RUN: sed s/23808/23813/g %S/Inputs/clang.ll > %t.5 && cat %S/Inputs/pic.ll >> %t.5
; RUN: sed s/23808/23814/g %S/Inputs/clang.ll > %t.6 && cat %S/Inputs/pic.ll >> %t.6
; RUN: sed s/23808/23815/g %S/Inputs/clang.ll > %t.7 && cat %S/Inputs/pic.ll >> %t.7
; RUN: sed s/23808/23816/g %S/Inputs/clang.ll > %t.8 && cat %S/Inputs/pic.ll >> %t.8
; RUN: sed s/23808/23817/g %S/Inputs/clang.ll > %t.9 && cat %S/Inputs/pic.ll >> %t.9
; RUN: sed s/23808/23818/g %S/Inputs/clang.ll > %t.10 && cat %S/Inputs/pic.ll >> %t.10
; RUN: sed s/23808/23819/g %S/Inputs/clang.ll > %t.11 && cat %S/Inputs/pic.ll >> %t.11
; RUN: sed s/23808/23820/g %S/Inputs/clang.ll > %t.12 && cat %S/Inputs/pic.ll >> %t.12
; RUN: %opt -passes='default<O2>' -S %t.3 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefix=SELF %s
; RUN: %opt -passes='default<O2>' -S %t.4 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefixes=XOR,XORSTORE %s
; RUN: %opt -passes='default<O2>' -S %t.5 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefix=REGION %s
; RUN: %opt -passes='default<O2>' -S %t.6 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefix=FAT %s
; RUN: %opt -passes='default<O2>' -S %t.7 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefixes=LAZY,STORE %s
; RUN: %opt -passes='default<O2>' -S %t.8 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefixes=INV,CHOOSE %s
; RUN: %opt -passes='default<O2>' -S %t.9 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefixes=INV,CHOOSE %s
; RUN: %opt -passes='default<O2>' -S %t.10 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefixes=XOR,XORSTORE %s
; RUN: %opt -passes='default<O2>' -S %t.11 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefixes=XORINV,CHOOSE %s
; RUN: %opt -passes='default<O2>' -S %t.12 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefixes=XORINV,CHOOSE %s

; One add between a load and the next.
; SELF-LABEL: sum:
; SELF:       .p2align 4
; SELF-NEXT:  .LBB0_[[HOT:[0-9]+]]:
; SELF-NEXT:    movq %[[T:r[a-z0-9]+]], %[[P:r[a-z0-9]+]]
; SELF-NEXT:  .LBB
; SELF-NEXT:    addq 8(%[[P]]), %{{r[a-z0-9]+}}
; SELF-NEXT:    movq (%[[P]]), %[[B:r[a-z0-9]+]]
; SELF-NEXT:    leaq (%[[B]],%[[P]]), %[[T]]
; SELF-NEXT:    movq %[[T]], %[[X:r[a-z0-9]+]]
; SELF-NEXT:    xorq %[[P]], %[[X]]
; SELF-NEXT:    decq %[[X]]
; SELF-NEXT:    cmpq %{{r[a-z0-9]+}}, %[[X]]
; SELF-NEXT:    jb .LBB0_[[HOT]]

; No mask. Marked nulls cost a pointer nothing: they are behind the one branch.
; XOR-LABEL: sum:
; XOR:       .p2align 4
; XOR-NEXT:  .LBB0_[[HOT:[0-9]+]]:
; XOR-NEXT:    xorq %[[B:r[a-z0-9]+]], %[[P:r[a-z0-9]+]]
; XOR-NEXT:  .LBB
; XOR-NEXT:    addq 8(%[[P]]), %{{r[a-z0-9]+}}
; XOR-NEXT:    movq (%[[P]]), %[[B]]
; XOR-NEXT:    leaq -1(%[[B]]), %[[T:r[a-z0-9]+]]
; XOR-NEXT:    cmpq %{{r[a-z0-9]+}}, %[[T]]
; XOR-NEXT:    jb .LBB0_[[HOT]]

; The store of a near pointer: no load of what was there, no test for null.
; XORSTORE-LABEL: store:
; XORSTORE-NOT:   movq (
; XORSTORE:       xorq %[[C:r[a-z0-9]+]], %[[P:r[a-z0-9]+]]
; XORSTORE-NEXT:  movq %[[P]], (%[[C]])
; XORSTORE-NEXT:  retq

; As object (budget.ll): a mark fails the test for offsets, and so does the end of
; the list, whose test is that one.
; LAZY-LABEL: sum:
; LAZY:       .p2align 4
; LAZY-NEXT:  .LBB0_[[HOT:[0-9]+]]:
; LAZY-NEXT:    addq 8(%[[BASE:r[a-z0-9]+]],%[[B:r[a-z0-9]+]]), %{{r[a-z0-9]+}}
; LAZY-NEXT:    movq (%[[BASE]],%[[B]]), %[[B]]
; LAZY-NEXT:    leaq -1(%[[B]]), %[[T:r[a-z0-9]+]]
; LAZY-NEXT:    cmpq %{{r[a-z0-9]+}}, %[[T]]
; LAZY-NEXT:    jb .LBB0_[[HOT]]

; Nor does a store of one ask for what was there, or whether it is null.
; STORE-LABEL: store:
; STORE:         leaq -1(%[[X:r[a-z0-9]+]]), %[[T:r[a-z0-9]+]]
; STORE-NEXT:    movabsq $34225520639, %[[L:r[a-z0-9]+]]
; STORE-NEXT:    cmpq %[[L]], %[[T]]
; STORE-NEXT:    jae .LBB
; STORE-NEXT:  .LBB
; STORE-NEXT:    movq %[[X]], (%
; STORE-NEXT:    retq

; A conditional move and what it chooses from.
; INV-LABEL: sum:
; INV:       .p2align 4
; INV-NEXT:  .LBB0_[[HOT:[0-9]+]]:
; INV-NEXT:    addq 8(%[[BASE:r[a-z0-9]+]],%[[X:r[a-z0-9]+]]), %{{r[a-z0-9]+}}
; INV-NEXT:    movq (%[[BASE]],%[[X]]), %[[B:r[a-z0-9]+]]
; INV-NEXT:    movq %[[B]], %[[X]]
; INV-NEXT:    xorq %{{r[a-z0-9]+}}, %[[X]]
; INV-NEXT:    testq %{{r[a-z0-9]+}}, %[[B]]
; INV-NEXT:    cmoveq %[[B]], %[[X]]
; INV-NEXT:    leaq -1(%[[X]]), %[[T:r[a-z0-9]+]]
; INV-NEXT:    cmpq %{{r[a-z0-9]+}}, %[[T]]
; INV-NEXT:    jb .LBB0_[[HOT]]

; XORINV-LABEL: sum:
; XORINV:       .p2align 4
; XORINV-NEXT:  .LBB0_[[HOT:[0-9]+]]:
; XORINV-NEXT:    xorq %[[X:r[a-z0-9]+]], %[[P:r[a-z0-9]+]]
; XORINV-NEXT:  .LBB
; XORINV-NEXT:    addq 8(%[[P]]), %{{r[a-z0-9]+}}
; XORINV-NEXT:    movq (%[[P]]), %[[B:r[a-z0-9]+]]
; XORINV-NEXT:    movq %[[B]], %[[X]]
; XORINV-NEXT:    xorq %{{r[a-z0-9]+}}, %[[X]]
; XORINV-NEXT:    testq %{{r[a-z0-9]+}}, %[[B]]
; XORINV-NEXT:    cmoveq %[[B]], %[[X]]
; XORINV-NEXT:    leaq -1(%[[X]]), %[[T:r[a-z0-9]+]]
; XORINV-NEXT:    cmpq %{{r[a-z0-9]+}}, %[[T]]
; XORINV-NEXT:    jb .LBB0_[[HOT]]

; What chooses, in a store of a near pointer: xor, and, mul, and, mul, shift, and,
; xor, and what loads the constants; no second range test, no test for null.
; CHOOSE-LABEL: store:
; CHOOSE:         imulq
; CHOOSE-NEXT:    movabsq $1229782938247303440,
; CHOOSE-NEXT:    andq
; CHOOSE-NEXT:    incq
; CHOOSE-NEXT:    imulq
; CHOOSE-NEXT:    sarq $63,
; CHOOSE-NEXT:    andq
; CHOOSE-NEXT:    xorq
; CHOOSE-NEXT:    movq {{.*}}, (%
; CHOOSE-NEXT:    retq

; One more load.
; REGION-LABEL: sum:
; REGION:       .p2align 4
; REGION-NEXT:  .LBB0_[[HOT:[0-9]+]]:
; REGION-NEXT:    andq %{{r[a-z0-9]+}}, %[[B:r[a-z0-9]+]]
; REGION-NEXT:    addq %[[B]], %[[N:r[a-z0-9]+]]
; REGION-NEXT:    movq %[[N]], %[[P:r[a-z0-9]+]]
; REGION-NEXT:  .LBB
; REGION-NEXT:    addq 8(%[[P]]), %{{r[a-z0-9]+}}
; REGION-NEXT:    movq (%[[P]]), %[[B]]
; REGION-NEXT:    movq %[[B]], %[[N]]
; REGION-NEXT:    shrq $40, %[[N]]
; REGION-NEXT:    movq (%{{r[a-z0-9]+}},%[[N]],8), %[[N]]
; REGION-NEXT:    testq %[[N]], %[[N]]
; REGION-NEXT:    jne .LBB0_[[HOT]]

; The cache is looked at each time: what the cold call has put there counts.
; FAT-LABEL: sum:
; FAT:       .p2align 4
; FAT-NEXT:  .LBB0_[[HOT:[0-9]+]]:
; FAT-NEXT:    andq %{{r[a-z0-9]+}}, %[[B:r[a-z0-9]+]]
; FAT-NEXT:    addq %[[B]], %[[N:r[a-z0-9]+]]
; FAT-NEXT:    movq %[[N]], %[[P:r[a-z0-9]+]]
; FAT-NEXT:  .LBB
; FAT-NEXT:    addq 8(%[[P]]), %{{r[a-z0-9]+}}
; FAT-NEXT:    movq (%[[P]]), %[[B]]
; FAT-NEXT:    movq %[[B]], %[[N]]
; FAT-NEXT:    shrq $40, %[[N]]
; FAT-NEXT:    xorq %fs:(%{{r[a-z0-9]+}}), %[[N]]
; FAT-NEXT:    testl $268435455, %e{{[a-z0-9]+}}
; FAT-NEXT:    je .LBB0_[[HOT]]
