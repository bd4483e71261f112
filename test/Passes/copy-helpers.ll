; Helpers of Clang that translate become internal, as do those that call them;
; others stay.
; RUN: %opt -passes='perdure-raise,verify' -S %s | FileCheck %s

$__copy_constructor_8_8_pa2_23808_anv_0 = comdat any
declare i64 @perdure.encode(ptr, ptr, i64, i32)

; CHECK: define internal void @__copy_constructor_8_8_pa2_23808_anv_0(ptr %0) {
define linkonce_odr hidden void @__copy_constructor_8_8_pa2_23808_anv_0(ptr %0) comdat {
  %b = call i64 @perdure.encode(ptr %0, ptr %0, i64 0, i32 0)
  ret void
}
; CHECK: define internal void @__copy_constructor_8_8_S_pa2_23808_anv_0(
define linkonce_odr hidden void @__copy_constructor_8_8_S_pa2_23808_anv_0(ptr %0) {
  call void @__copy_constructor_8_8_pa2_23808_anv_0(ptr %0)
  ret void
}
; CHECK: define linkonce_odr hidden void @__copy_constructor_8_8_s0(
define linkonce_odr hidden void @__copy_constructor_8_8_s0(ptr %0) {
  ret void
}
; CHECK: define linkonce_odr void @inline_function(
define linkonce_odr void @inline_function(ptr %0) {
  %b = call i64 @perdure.encode(ptr %0, ptr %0, i64 0, i32 0)
  ret void
}
