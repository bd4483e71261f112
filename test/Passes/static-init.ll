; Static initialisers are bits of the volatile format: the address itself where
; code is position-independent, tagged where data lies below SLOT.
; RUN: cat %s %S/Inputs/pic.ll | %opt -passes='perdure-raise,verify' -S | FileCheck --check-prefixes=CHECK,PIC %s
; RUN: %opt -passes='perdure-raise,verify' -S %s | FileCheck --check-prefixes=CHECK,STATIC %s

target triple = "x86_64-pc-linux-gnu"

; A plain address must not end up below SLOT: that link fails.
; PIC: module asm ".pushsection .perdure.compile_with_fno_pie_for_no_pie,\22\22,@progbits"
; PIC: module asm ".2byte __ehdr_start"
; STATIC-NOT: module asm

@g = global { ptr, i64 } zeroinitializer
@weak = extern_weak global i8
@extern = external global i8

; PIC: @one = global ptr @g
; STATIC: @one = global ptr getelementptr (i8, ptr @g, i64 4611686018427387904)
@one = global ptr ptrauth (ptr @g, i32 2, i64 23808, ptr @one)

; PIC: @field = constant { i32, ptr } { i32 1, ptr getelementptr (i8, ptr @g, i64 8) }
; STATIC: @field = constant { i32, ptr } { i32 1, ptr getelementptr (i8, ptr getelementptr (i8, ptr @g, i64 8), i64 4611686018427387904) }
@field = constant { i32, ptr } { i32 1, ptr ptrauth (ptr getelementptr (i8, ptr @g, i64 8), i32 2, i64 23808, ptr getelementptr inbounds ({ i32, ptr }, ptr @field, i32 0, i32 1)) }

; CHECK: @null = global ptr null
@null = global ptr ptrauth (ptr null, i32 2, i64 23808, ptr @null)

; Numbers: tagged under both. 1 | 1 << 62, and -1 without bit 63.
; CHECK: @one_ = global ptr inttoptr (i64 4611686018427387905 to ptr)
@one_ = global ptr ptrauth (ptr inttoptr (i64 1 to ptr), i32 2, i64 23808, ptr @one_)
; CHECK: @minus = global ptr inttoptr (i64 9223372036854775807 to ptr)
@minus = global ptr ptrauth (ptr inttoptr (i64 -1 to ptr), i32 2, i64 23808, ptr @minus)

; The plugin's stand-in for address 0, and nothing of it is left.
; CHECK-NOT: perdure.absolute
@perdure.absolute = external global i8
; CHECK: @five = global ptr inttoptr (i64 4611686018427387909 to ptr)
@five = global ptr ptrauth (ptr getelementptr (i8, ptr @perdure.absolute, i64 5), i32 2, i64 23808, ptr @five)
; CHECK: @minus_two = global ptr inttoptr (i64 9223372036854775806 to ptr)
@minus_two = global ptr ptrauth (ptr getelementptr (i8, ptr @perdure.absolute, i64 -2), i32 2, i64 23808, ptr @minus_two)

; In arrays, vectors, expressions, and as an operand in code.
; PIC: @array = global [2 x ptr] [ptr @g, ptr null]
@array = global [2 x ptr] [ptr ptrauth (ptr @g, i32 2, i64 23808, ptr @array), ptr null]
; PIC: @vector = global <2 x ptr> <ptr @g, ptr null>
@vector = global <2 x ptr> <ptr ptrauth (ptr @g, i32 2, i64 23808, ptr @vector), ptr null>
; PIC: @int = global i64 ptrtoint (ptr @g to i64)
@int = global i64 ptrtoint (ptr ptrauth (ptr @g, i32 2, i64 23808, ptr @int) to i64)
; PIC: @tls = thread_local global ptr @g
@tls = thread_local global ptr ptrauth (ptr @g, i32 2, i64 23808, ptr @tls)

; A weak address may be null, and one from a shared library lies high: without
; PIC only start-up code can tell. `constant` goes.
; PIC: @late = constant ptr @weak
; STATIC: @late = externally_initialized global ptr null
@late = constant ptr ptrauth (ptr @weak, i32 2, i64 23808, ptr @late)
; STATIC: @late2 = externally_initialized global ptr null
@late2 = global ptr ptrauth (ptr @extern, i32 2, i64 23808, ptr @late2)

; STATIC: @llvm.global_ctors = appending global [2 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 100, ptr @perdure.init.late, ptr null }, { i32, ptr, ptr } { i32 100, ptr @perdure.init.late2, ptr null }]

; CHECK-LABEL: define ptr @code
; PIC: ret ptr @g
; STATIC: ret ptr getelementptr (i8, ptr @g, i64 4611686018427387904)
define ptr @code() {
  ret ptr ptrauth (ptr @g, i32 2, i64 23808, ptr @one)
}

; STATIC-LABEL: define internal void @perdure.init.late()
; STATIC: [[B:%.*]] = call i64 @perdure.encode(ptr @weak, ptr @late, i64 0, i32 0)
; STATIC: store i64 [[B]], ptr @late
; CHECK-NOT: ptrauth (
