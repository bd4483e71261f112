//===- store.h - What pkv.cpp wants of an ordered map -----------*- C++ -*-===//
//
// A header of this folder defines `Store`, with
//
//   Txn, Tree                     small values
//   Snapshots                     whether readers may go on beside a writer
//   Store(Directory, Durable)
//   syncs()                       from now on commits are durable, where wanted
//   beginRead, endRead, beginWrite, commit, abort
//   open(Name, Makes, Txn, Tree)  false: it is not there. Txn may be null
//   count(Txn, Tree)              so may this one
//   find, put, erase              of a tree, in a transaction
//   Walk                          first, last, seek, next, prev: false when
//                                 there is no pair; key, value
//
// One thread uses it. What fails throws a Failure.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_BENCH_SQL_STORES_STORE_H
#define PERDURE_BENCH_SQL_STORES_STORE_H

#include <string>
#include <string_view>

namespace sql {

using Bytes = std::string_view;

struct Failure {
  int Error; // errno's
  std::string Text;
};

} // namespace sql

#endif // PERDURE_BENCH_SQL_STORES_STORE_H
