; The hot path of a list walk at -O2 under each encoding for researchers: the loop
; is nothing else, and has one test a hop. sed puts its number in.
; RUN: sed s/23808/23811/g %S/Inputs/clang.ll > %t.3 && cat %S/Inputs/pic.ll >> %t.3
; RUN: sed s/23808/23812/g %S/Inputs/clang.ll > %t.4 && cat %S/Inputs/pic.ll >> %t.4
; RUN: sed s/23808/23813/g %S/Inputs/clang.ll > %t.5 && cat %S/Inputs/pic.ll >> %t.5
; RUN: sed s/23808/23814/g %S/Inputs/clang.ll > %t.6 && cat %S/Inputs/pic.ll >> %t.6
; RUN: %opt -passes='default<O2>' -S %t.3 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefix=SELF %s
; RUN: %opt -passes='default<O2>' -S %t.4 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefix=XOR %s
; RUN: %opt -passes='default<O2>' -S %t.5 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefix=REGION %s
; RUN: %opt -passes='default<O2>' -S %t.6 | %llc -O2 -asm-verbose=0 | FileCheck --check-prefix=FAT %s

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

; No mask.
; XOR-LABEL: sum:
; XOR:       .p2align 4
; XOR-NEXT:  .LBB0_[[HOT:[0-9]+]]:
; XOR-NEXT:    movq %[[P:r[a-z0-9]+]], %[[C:r[a-z0-9]+]]
; XOR-NEXT:    addq 8(%[[P]]), %{{r[a-z0-9]+}}
; XOR-NEXT:    movq (%[[P]]), %[[B:r[a-z0-9]+]]
; XOR-NEXT:    movq %[[B]], %[[P]]
; XOR-NEXT:    xorq %[[C]], %[[P]]
; XOR-NEXT:    leaq -1(%[[B]]), %[[T:r[a-z0-9]+]]
; XOR-NEXT:    cmpq %{{r[a-z0-9]+}}, %[[T]]
; XOR-NEXT:    jb .LBB0_[[HOT]]

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
