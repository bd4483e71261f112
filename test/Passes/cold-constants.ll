; Constants of cold paths go back to them: what is left in front of the loop is
; the limit, and no register is saved for the masks of pointers through the FOT.
; RUN: cat %S/Inputs/clang.ll %S/Inputs/pic.ll | %opt -passes='default<O2>' -S -o %t.ll
; RUN: %cc -O2 -S -Wno-override-module -x ir %t.ll -o - | FileCheck --check-prefix=HOISTED %s
; RUN: %cc -O2 -S -Wno-override-module -fpass-plugin=%lib/PerdurePasses.so -x ir %t.ll -o - | FileCheck %s
; RUN: %cc -O2 -c -Wno-override-module -mllvm -verify-machineinstrs -fpass-plugin=%lib/PerdurePasses.so -x ir %t.ll -o /dev/null

; HOISTED-LABEL: sum:
; HOISTED:         movabsq $1099511627775
; HOISTED:         Inner Loop Header

; CHECK-LABEL: sum:
; CHECK-NOT:     movabsq $1099511627775
; CHECK:         Inner Loop Header
; CHECK:         jb
; CHECK:         movabsq $1099511627775
