; The types of a module in its section: once, whatever the file; and where they have
; been lost, roots are what they are.
; RUN: %opt -passes=perdure-raise -S %s -o %t.ll
; RUN: FileCheck %s < %t.ll
; RUN: %opt -passes=perdure-raise -S %t.ll | sed 1d > %t.again
; RUN: sed 1d %t.ll | diff - %t.again
; RUN: grep -v '^!' %s | %opt -passes=perdure-raise -S | FileCheck %s --check-prefix=LOST

target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"

@perdure.type.0 = external constant i8
@perdure.type.1 = external constant i8

; CHECK: $__perdure_type_{{[0-9a-f]+}} = comdat any
; CHECK: @__perdure_type_[[LIST:[0-9a-f]+]] = linkonce_odr hidden constant { i64, i64, [30 x i8] } { i64 30, i64 7, [30 x i8] c"struct 8 8 list\0Afield 0 i64 a\0A" }, section "perdure_types", comdat, align 8
; CHECK: c"struct 8 8 node\0A"
; CHECK: @llvm.used = appending global [2 x ptr] [ptr @__perdure_type_[[LIST]], ptr @__perdure_type_
; LOST-NOT: perdure_types
; LOST-NOT: @perdure.type

define ptr @open(ptr %root) {
; CHECK-LABEL: @open
; CHECK: call ptr @__perdure_type_root(ptr %root, ptr @__perdure_type_[[LIST]])
; LOST-LABEL: @open
; LOST-NEXT: ret ptr %root
  %r = call ptr @__perdure_type_root(ptr %root, ptr @perdure.type.0)
  ret ptr %r
}

; A type that nobody has described.
define ptr @unknown(ptr %root) personality ptr @__gxx_personality_v0 {
; CHECK-LABEL: @unknown
; CHECK-NOT: __perdure_type_root
; CHECK: ret ptr %root
; LOST-LABEL: @unknown
; LOST-NOT: __perdure_type_root
; LOST: ret ptr %root
  %r = invoke ptr @__perdure_type_root(ptr %root, ptr @perdure.type.1)
          to label %then unwind label %pad
then:
  ret ptr %r
pad:
  %e = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %e
}

declare ptr @__perdure_type_root(ptr, ptr)
declare i32 @__gxx_personality_v0(...)

!perdure.descriptors = !{!0, !1}
!0 = !{!"struct 8 8 list\0Afield 0 i64 a\0A", i64 7, !"perdure.type.0"}
!1 = !{!"struct 8 8 node\0A", i64 9, !""}
