; Nothing of the contract nor of pointer authentication leaves any pipeline.
; RUN: %opt -passes='default<O0>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: %opt -passes='default<O1>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: %opt -passes='default<O2>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: %opt -passes='default<O3>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: %opt -passes='default<Os>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: %opt -passes='default<Oz>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: %opt -passes='lto-pre-link<O0>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: %opt -passes='lto-pre-link<O2>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: %opt -passes='thinlto-pre-link<O0>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: %opt -passes='thinlto-pre-link<O2>,verify' -S %S/Inputs/clang.ll | FileCheck %s
; And a link that has them finds nothing to do, nor stumbles.
; RUN: %opt -passes='lto-pre-link<O2>' %S/Inputs/clang.ll -o %t.bc
; RUN: %opt -passes='lto<O2>,verify' -S %t.bc | FileCheck %s
; RUN: %opt -passes='thinlto-pre-link<O2>' %S/Inputs/clang.ll -o %t.bc
; RUN: %opt -passes='thinlto<O2>,verify' -S %t.bc | FileCheck %s
; CHECK-NOT: ptrauth
; CHECK-NOT: @perdure.{{de|en|re}}
; CHECK: @__perdure_decode_cold
; CHECK-NOT: ptrauth
; CHECK-NOT: @perdure.{{de|en|re}}
