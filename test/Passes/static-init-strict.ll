; Encodings without static initialisers get constructors; with the variable's
; comdat where it has one, and none where the definition is elsewhere.
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='perdure-raise,verify' -S | FileCheck %s
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='perdure-raise,perdure-lower,verify' -S | FileCheck --check-prefix=LOWER %s

target triple = "x86_64-pc-linux-gnu"
@g = global i8 0
$inl = comdat any

; CHECK: @a = externally_initialized global { ptr, [2 x ptr] } zeroinitializer
@a = constant { ptr, [2 x ptr] } { ptr null, [2 x ptr] [ptr null, ptr ptrauth (ptr @g, i32 2, i64 23810, ptr getelementptr (i8, ptr @a, i64 16))] }
; CHECK: @inl = linkonce_odr externally_initialized global ptr null, comdat
@inl = linkonce_odr global ptr ptrauth (ptr @g, i32 2, i64 23810, ptr @inl), comdat
; CHECK: @elsewhere = external externally_initialized global ptr
; CHECK-NOT: elsewhere
@elsewhere = available_externally externally_initialized global ptr ptrauth (ptr @g, i32 2, i64 23810, ptr @elsewhere)

; CHECK: @llvm.global_ctors = {{.*}}{ i32 100, ptr @perdure.init.a, ptr null }, {{.*}}{ i32 100, ptr @perdure.init.inl, ptr @inl }
; CHECK: define internal void @perdure.init.a()
; CHECK: call i64 @perdure.encode(ptr @g, ptr getelementptr (i8, ptr @a, i64 16), i64 0, i32 2)
; CHECK: define internal void @perdure.init.inl() {{.*}}comdat($inl)
; LOWER-NOT: @perdure.encode
