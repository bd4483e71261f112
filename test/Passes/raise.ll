; Clang's pattern becomes one call per translation; the guard goes; the bits are
; integers and frozen, since Clang's guard would branch on undef.
; RUN: %opt -passes='perdure-raise,verify' -S %S/Inputs/clang.ll | FileCheck %s

; CHECK-LABEL: define i64 @sum
; CHECK:         [[C:%.*]] = getelementptr inbounds nuw %struct.node, ptr {{.*}}, i32 0, i32 0
; CHECK-NEXT:    [[B:%.*]] = load i64, ptr [[C]], align 8
; CHECK-NEXT:    [[F:%.*]] = freeze i64 [[B]]
; CHECK-NEXT:    [[P:%.*]] = call ptr @perdure.decode(i64 [[F]], ptr [[C]], i32 0)
; CHECK-NEXT:    store ptr [[P]], ptr

; CHECK-LABEL: define void @store
; CHECK-NOT:     br
; CHECK:         [[B:%.*]] = call i64 @perdure.encode(ptr %1, ptr [[C:%.*]], i64 0, i32 0)
; CHECK-NEXT:    store i64 [[B]], ptr [[C]], align 8
; CHECK-NEXT:    ret void

; CHECK-LABEL: define void @copy
; CHECK-NOT:     br
; CHECK:         [[L:%.*]] = load i64, ptr %1
; CHECK-NEXT:    [[F:%.*]] = freeze i64 [[L]]
; CHECK-NEXT:    [[B:%.*]] = call i64 @perdure.reencode(i64 [[F]], ptr %1, ptr %0, i64 0, i32 0)
; CHECK-NEXT:    store i64 [[B]], ptr %0

; CHECK:       declare ptr @perdure.decode(i64, ptr, i32) [[DECODE:#[0-9]+]]
; CHECK:       declare i64 @perdure.encode(ptr, ptr, i64, i32) [[ENCODE:#[0-9]+]]
; CHECK:       attributes [[DECODE]] = { nocallback nofree nosync nounwind willreturn memory(none) }
; CHECK:       attributes [[ENCODE]] = { nocallback nofree nounwind memory(inaccessiblemem: readwrite) }
