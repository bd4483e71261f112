; Encodings other than object; operands that name none.
; RUN: split-file %s %t
; RUN: %opt -passes='perdure-lower,verify' -S %t/good.ll | FileCheck %s
; RUN: not %opt -passes=perdure-lower -disable-output %t/variable.ll 2>&1 | FileCheck --check-prefix=VARIABLE %s
; RUN: not %opt -passes=perdure-lower -disable-output %t/unknown.ll 2>&1 | FileCheck --check-prefix=UNKNOWN %s
; RUN: not %opt -passes=perdure-lower -disable-output %t/taken.ll 2>&1 | FileCheck --check-prefix=TAKEN %s

;--- good.ll
declare ptr @perdure.decode(i64, ptr, i32)
declare i64 @perdure.encode(ptr, ptr, i64, i32)
declare i64 @perdure.reencode(i64, ptr, ptr, i64, i32)

; CHECK-LABEL: define ptr @native_decode
; CHECK-NEXT:    [[P:%.*]] = inttoptr i64 %b to ptr
; CHECK-NEXT:    ret ptr [[P]]
define ptr @native_decode(i64 noundef %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 1)
  ret ptr %p
}
; CHECK-LABEL: define i64 @native_encode
; CHECK-NEXT:    [[P:%.*]] = ptrtoint ptr %p to i64
; CHECK-NEXT:    ret i64 [[P]]
define i64 @native_encode(ptr noundef %p, ptr %c) {
  %b = call i64 @perdure.encode(ptr %p, ptr %c, i64 0, i32 1)
  ret i64 %b
}
; CHECK-LABEL: define i64 @native_reencode
; CHECK-NEXT:    ret i64 %b
define i64 @native_reencode(i64 noundef %b, ptr %c, ptr %d) {
  %r = call i64 @perdure.reencode(i64 %b, ptr %c, ptr %d, i64 0, i32 1)
  ret i64 %r
}
; The position goes in at both ends of a copy, volatile or not.
; CHECK-LABEL: define i64 @strict_reencode
; CHECK:         mul i64 {{.*}}, -7046029254386353131
; CHECK:         @__perdure_reencode_cold
; CHECK:         mul i64 {{.*}}, -7046029254386353131
define i64 @strict_reencode(i64 noundef %b, ptr %c, ptr %d) {
  %r = call i64 @perdure.reencode(i64 %b, ptr %c, ptr %d, i64 0, i32 2)
  ret i64 %r
}
; SimplifyCFG merges two decodes whose encodings differ; each gets its own again.
; RUN: %opt -passes='function(simplifycfg<sink-common-insts>)' -S %t/merged.ll | FileCheck --check-prefix=SUNK %s
; RUN: %opt -passes='function(simplifycfg<sink-common-insts>),perdure-lower,verify' -S %t/merged.ll | FileCheck --check-prefix=MERGED %s
; RUN: %opt -O2 -S %t/merged.ll | FileCheck --check-prefix=MERGED %s

;--- merged.ll
declare ptr @perdure.decode(i64, ptr, i32)
; SUNK: call ptr @perdure.decode(i64 {{.*}}, ptr %a, i32 %
; MERGED-LABEL: define ptr @merged
; MERGED-NOT:     @perdure.decode
; MERGED:         mul i64 {{.*}}, -7046029254386353131
; MERGED:         phi ptr
; MERGED-NOT:     @perdure.decode
; MERGED:         ret ptr
define ptr @merged(i1 %c, ptr %a) {
  br i1 %c, label %t, label %e
t:
  %b1 = load i64, ptr %a
  %p1 = call ptr @perdure.decode(i64 %b1, ptr %a, i32 0)
  br label %j
e:
  %b2 = load i64, ptr %a
  %p2 = call ptr @perdure.decode(i64 %b2, ptr %a, i32 2)
  br label %j
j:
  %p = phi ptr [ %p1, %t ], [ %p2, %e ]
  ret ptr %p
}

;--- variable.ll
declare ptr @perdure.decode(i64, ptr, i32)
; VARIABLE: in function variable {{.*}}perdure: the encoding must be a constant
define ptr @variable(i64 %b, ptr %c, i32 %e) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 %e)
  ret ptr %p
}

;--- unknown.ll
declare ptr @perdure.decode(i64, ptr, i32)
; UNKNOWN: in function unknown {{.*}}perdure: this build knows no such encoding
define ptr @unknown(i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %b, ptr %c, i32 99)
  ret ptr %p
}

;--- taken.ll
declare ptr @perdure.decode(i64, ptr, i32)
; TAKEN: error: perdure: 'perdure.decode' may only be called
define ptr @taken() {
  ret ptr @perdure.decode
}
