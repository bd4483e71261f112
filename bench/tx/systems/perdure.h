//===- perdure.h - Perdure: the compiler logs -------------------*- C++ -*-===//

#include "perdure_objects.h"

#include <perdure/transaction.h>

template <class Body> void transact(void *Root, Body &&Do) {
  if (!perdure::transact(Root, Do))
    stop("perdure::transact", perdure_errormsg());
}

inline uint64_t logged() {
  struct perdure_stat Now;
  if (perdure_stat(Root, &Now))
    stop("perdure_stat", perdure_errormsg());
  return Now.log_bytes;
}
