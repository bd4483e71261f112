//===- unlogged.h - Perdure without transactions ----------------*- C++ -*-===//
//
// What is left of the same code when nothing is logged, flushed or synced.
//
//===----------------------------------------------------------------------===//

#include "perdure_objects.h"

template <class Body> void transact(void *, Body &&Do) { Do(); }

inline uint64_t logged() { return 0; }
