; A module that translates names the symbol of its version and slot size, whose end says
; what to do where it is missing, once;
; one that does not stays as it is.
; RUN: %opt -passes='perdure-raise,perdure-raise,verify' -S %S/Inputs/clang.ll | FileCheck %s
; RUN: cat %S/Inputs/clang.ll %S/Inputs/slot30.ll | %opt -passes=perdure-raise -S | FileCheck --check-prefix=SLOT30 %s
; RUN: %opt -passes=perdure-raise -S %s | FileCheck --check-prefix=NONE %s
; CHECK: @__perdure_abi_v1_slot35[[ADVICE:__compile_and_link_every_file_with_one_[A-Za-z_]+]] = external hidden global i8
; CHECK: @__perdure_uses_abi_v1_slot35 = linkonce_odr hidden constant ptr @__perdure_abi_v1_slot35[[ADVICE]], comdat
; CHECK: @llvm.used = appending global [1 x ptr] [ptr @__perdure_uses_abi_v1_slot35]
; SLOT30: @__perdure_uses_abi_v1_slot30 = linkonce_odr hidden constant ptr @__perdure_abi_v1_slot30__compile_and_link_{{[A-Za-z_]+}}, comdat
; NONE-NOT: perdure_
define void @nothing() {
  ret void
}
