; Pointers that are only compared: by their bits, unless one goes through the FOT:
; it may be bound by name and lead where the other does by ID or, in its own object,
; by offset. Through one entry, bits 40 to 62, two offsets lead to two places.
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='perdure-lower,verify' -S | FileCheck %s
target triple = "x86_64-pc-linux-gnu"
declare ptr @perdure.decode(i64, ptr, i32)

; CHECK-LABEL: define i1 @equal
; CHECK:         [[A:%.*]] = freeze i64 %a
; CHECK-NEXT:    [[B:%.*]] = freeze i64 %b
; CHECK-NEXT:    [[BITS:%.*]] = icmp eq i64 [[A]], [[B]]
; CHECK-NEXT:    [[EITHER:%.*]] = or i64 [[A]], [[B]]
; CHECK-NEXT:    [[FOREIGN:%.*]] = icmp slt i64 [[EITHER]], 0
; CHECK-NEXT:    [[XOR:%.*]] = xor i64 [[A]], [[B]]
; CHECK-NEXT:    [[ENTRY:%.*]] = icmp ugt i64 [[XOR]], 1099511627775
; CHECK-NEXT:    [[OPEN:%.*]] = and i1 [[FOREIGN]], [[ENTRY]]
; CHECK-NEXT:    [[DIFFER:%.*]] = icmp ne i64 [[A]], [[B]]
; CHECK-NEXT:    [[SLOW:%.*]] = and i1 [[OPEN]], [[DIFFER]]
; CHECK-NEXT:    br i1 [[SLOW]], label %[[COLD:.*]], label %[[JOIN:.*]], !prof
; CHECK:       [[COLD]]:
; CHECK-COUNT-2: @__perdure_decode_cold
; CHECK:         [[DECODED:%.*]] = icmp eq ptr
; CHECK:       [[JOIN]]:
; CHECK-NEXT:    [[R:%.*]] = phi i1 [ [[BITS]], %0 ], [ [[DECODED]], %{{.*}} ]
; CHECK-NEXT:    ret i1 [[R]]
define i1 @equal(i64 %a, i64 %b, ptr %c) {
  %d = getelementptr inbounds i8, ptr %c, i64 8
  %p = call ptr @perdure.decode(i64 %a, ptr %c, i32 0)
  %q = call ptr @perdure.decode(i64 %b, ptr %d, i32 0)
  %t = icmp eq ptr %p, %q
  ret i1 %t
}

; Not where the pointer is wanted anyway, nor for an order, nor from two objects.
; CHECK-LABEL: define i1 @wanted
; CHECK:         icmp eq ptr
define i1 @wanted(i64 %a, i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %a, ptr %c, i32 0)
  %q = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %t = icmp eq ptr %p, %q
  store i8 1, ptr %p
  ret i1 %t
}
; CHECK-LABEL: define i1 @order
; CHECK:         icmp ult ptr
define i1 @order(i64 %a, i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %a, ptr %c, i32 0)
  %q = call ptr @perdure.decode(i64 %b, ptr %c, i32 0)
  %t = icmp ult ptr %p, %q
  ret i1 %t
}
; CHECK-LABEL: define i1 @apart
; CHECK:         icmp eq ptr
define i1 @apart(i64 %a, i64 %b, ptr %c, ptr %d) {
  %p = call ptr @perdure.decode(i64 %a, ptr %c, i32 0)
  %q = call ptr @perdure.decode(i64 %b, ptr %d, i32 0)
  %t = icmp eq ptr %p, %q
  ret i1 %t
}

; An encoding whose bits say nothing of the target.
; CHECK-LABEL: define i1 @scrambled
; CHECK:         icmp eq ptr
define i1 @scrambled(i64 %a, i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %a, ptr %c, i32 2)
  %q = call ptr @perdure.decode(i64 %b, ptr %c, i32 2)
  %t = icmp eq ptr %p, %q
  ret i1 %t
}

; One that nothing else leads by.
; CHECK-LABEL: define i1 @native
; CHECK:         icmp eq i64
; CHECK-NEXT:    ret
define i1 @native(i64 %a, i64 %b, ptr %c) {
  %p = call ptr @perdure.decode(i64 %a, ptr %c, i32 1)
  %q = call ptr @perdure.decode(i64 %b, ptr %c, i32 1)
  %t = icmp eq ptr %p, %q
  ret i1 %t
}
