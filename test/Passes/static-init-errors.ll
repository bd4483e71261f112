; RUN: split-file %s %t
; RUN: not %opt -passes=perdure-raise -disable-output %t/tls.ll 2>&1 | FileCheck --check-prefix=TLS %s
; RUN: not %opt -passes=perdure-raise -disable-output %t/code.ll 2>&1 | FileCheck --check-prefix=CODE %s

;--- tls.ll
@g = global i8 0
; TLS: error: perdure: thread-local variable 'tls' needs a persistent pointer that only start-up code can make (encoding 'strict')
@tls = thread_local global ptr ptrauth (ptr @g, i32 2, i64 23810, ptr @tls)

;--- code.ll
@g = global i8 0
; CODE: error: perdure: a persistent pointer of encoding 'strict' is used as a constant in code
define ptr @code() {
  ret ptr ptrauth (ptr @g, i32 2, i64 23810, ptr @g)
}
