; Registered twice, or run on what has been lowered: nothing happens.
; RUN: %opt -passes='perdure-raise,function(perdure-resolve-volatile,perdure-fold),perdure-lower' %S/Inputs/clang.ll -o %t.1.bc
; RUN: %opt -passes='perdure-raise,function(perdure-resolve-volatile,perdure-fold),perdure-lower,verify' %t.1.bc -o %t.2.bc
; RUN: %opt -passes='perdure-raise,perdure-raise,function(perdure-resolve-volatile,perdure-resolve-volatile,perdure-fold,perdure-fold),perdure-lower,perdure-lower,verify' %S/Inputs/clang.ll -o %t.3.bc
; RUN: llvm-dis < %t.1.bc | sed -e 's/ *; preds.*//' > %t.1.ll
; RUN: llvm-dis < %t.2.bc | sed -e 's/ *; preds.*//' | diff %t.1.ll -
; RUN: llvm-dis < %t.3.bc | sed -e 's/ *; preds.*//' | diff %t.1.ll -
