; The mode that calls the twins, with the ordinary calling convention.
; RUN: cat %S/Inputs/clang.ll %S/Inputs/callbacks.ll | %opt -passes='perdure-raise,perdure-lower,verify' -S | FileCheck %s
; CHECK-LABEL: define i64 @sum
; CHECK:         call ptr @__perdure_decode_object(i64
; CHECK-LABEL: define void @store
; CHECK:         call i64 @__perdure_encode_object(ptr %1, ptr {{.*}}, ptr null)
; CHECK-LABEL: define void @copy
; CHECK:         call i64 @__perdure_reencode_object(i64 {{.*}}, ptr %1, ptr %0, ptr null)
; CHECK-NOT:   _cold
; CHECK-NOT:   preserve_mostcc
