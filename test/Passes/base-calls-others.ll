; Functions of the contract's name that are not the contract's: left as they are.
; RUN: rm -rf %t && split-file %s %t
; RUN: %opt -passes=perdure-lower -S %t/defined.ll | FileCheck %t/defined.ll
; RUN: %opt -passes="perdure-raise,function(perdure-resolve-volatile),perdure-lower" -S %t/typed.ll | FileCheck %t/typed.ll
; RUN: %opt -passes="perdure-raise,function(perdure-resolve-volatile),perdure-lower" -S %t/operand.ll | FileCheck %t/operand.ll

;--- defined.ll
target triple = "x86_64-unknown-linux-gnu"
declare i32 @personality(...)
declare void @fail()

define ptr @perdure.base(ptr %p) {
  call void @fail()
  ret ptr %p
}

; What it throws is caught.
; CHECK-LABEL: define i32 @caught(
; CHECK: invoke ptr @perdure.base(ptr %c)
; CHECK-NEXT: to label %done unwind label %pad
define i32 @caught(ptr %c) personality ptr @personality {
entry:
  %b = invoke ptr @perdure.base(ptr %c) to label %done unwind label %pad
pad:
  %l = landingpad { ptr, i32 } catch ptr null
  ret i32 1
done:
  ret i32 0
}

; CHECK-LABEL: define ptr @called(
; CHECK: call ptr @perdure.base(ptr %c)
define ptr @called(ptr %c) {
  %b = call ptr @perdure.base(ptr %c)
  ret ptr %b
}

;--- typed.ll
target triple = "x86_64-unknown-linux-gnu"
; CHECK: declare i64 @perdure.base(ptr){{$}}
declare i64 @perdure.base(ptr)
declare i32 @personality(...)

; CHECK-LABEL: define i64 @number(
; CHECK: %b = call i64 @perdure.base(ptr %c)
define i64 @number(ptr %c) {
  %b = call i64 @perdure.base(ptr %c)
  ret i64 %b
}

; CHECK-LABEL: define i64 @invoked(
; CHECK: invoke i64 @perdure.base(ptr %c)
define i64 @invoked(ptr %c) personality ptr @personality {
entry:
  %b = invoke i64 @perdure.base(ptr %c) to label %done unwind label %pad
pad:
  %l = landingpad { ptr, i32 } catch ptr null
  ret i64 1
done:
  ret i64 %b
}

;--- operand.ll
target triple = "x86_64-unknown-linux-gnu"
declare ptr @perdure.base(i64)

; CHECK-LABEL: define ptr @integer(
; CHECK: call ptr @perdure.base(i64 %c)
define ptr @integer(i64 %c) {
  %b = call ptr @perdure.base(i64 %c)
  ret ptr %b
}
