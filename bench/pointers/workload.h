//===- workload.h - What a workload is written against ----------*- C++ -*-===//
//
// A workload is one file of ordinary code over records with pointer fields. It
// is compiled once for each representation, whose header says what the macros
// stand for. Where the representation is the compiler's (native, annotated)
// they all vanish: PTR(T) is T *, and LOAD and STORE are the plain field.
//
//   ANNOTATED   behind `struct`: this record's pointers shall last
//   PTR(T)      the type of a field that points to a T
//   LOAD(F)     the pointer that the field holds, as T *
//   STORE(F, P) puts a T * into the field
//   HOIST       first in a function: where a hand-written program fetches its
//   base
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_WORKLOAD_H
#define PERDURE_BENCH_WORKLOAD_H

#include "lab.h"
#include LAB_REPRESENTATION

/// The last line of a workload. State is the variable in which it keeps what
/// Build made: the program builds several structures by the same code.
#define WORKLOAD(Id, Name, BytesPerItem, State, Build, Run, Check, Once)       \
  static lab::Workload Id##Workload = {                                        \
      LAB_CODE, Name, BytesPerItem, &State, sizeof State,                      \
      Build,    Run,  Check,        Once,   nullptr};                          \
  static const lab::Registration Id##Registration(Id##Workload);

#endif // PERDURE_BENCH_WORKLOAD_H
