//===- structure.h - What a structure is written against --------*- C++ -*-===//
//
// A structure is one file of ordinary code, compiled once for each system,
// whose header says what these stand for. The pointers are those of
// bench/pointers: ANNOTATED, PTR, LOAD, STORE. And:
//
//   create(Dir, Bytes)    the root of a new object (or pool), zeroed
//   transact(Root, Body)  runs the body as a transaction
//   LOG(Address, Bytes)   where a program has to log by hand: before it
//   overwrites allocate<T>(Root, N)  a block for N of T, of any content; never
//   null release(Block)
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_TX_STRUCTURE_H
#define PERDURE_BENCH_TX_STRUCTURE_H

#include "tx.h"
#include TX_SYSTEM

#define STRUCTURE(Name, Build, Operation, Check)                               \
  static tx::Registration Register({Name, Build, Operation, Check});

#endif // PERDURE_BENCH_TX_STRUCTURE_H
