//===- undo.h - Rolling back and committing one object, in place -*- C++ -*-===//
//
// What was there is in the object's log before it is overwritten. The order of
// what reaches the medium, each step durable before the next:
//
//   log     the record; then the program's store
//   commit  what was stored, and fresh blocks; the cut of the log; then what was
//           freed is free
//   abort   what was there before; the cut; then what was allocated is free
//
// On DAX media a step is durable by flushes and one fence. On page media, where
// only the death of the process counts, nothing is needed: the kernel ends a
// process between two of its instructions, keeps what it has stored before, and
// the compiler keeps that order (the cut is a release store). What power failure
// leaves on page media is said in docs/Durability.md.
//
// A block's bit is set before its record, and cleared after the cut: a process
// that dies in between leaks a block, and never frees one that is in use. On DAX
// neither waits for a fence of its own: a power failure leaks blocks whose bits
// have reached the medium without their records, or that were freed since the
// last fence. A record without its bit has nothing to free.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_UNDO_H
#define PERDURE_RUNTIME_TX_UNDO_H

#include "tx/log.h"

namespace perdure {

/// Begins to write back what the records up to Last say was overwritten or
/// allocated; a fence follows.
void flushChanges(Object &O, uint64_t Last);

/// Brings back what the records behind Until say was there, durably. Writing the
/// same again changes nothing: it may be interrupted and repeated.
void restore(Object &O, uint64_t Last, uint64_t Until);

/// Frees what they say was allocated. After a cut, by which time they hold no
/// more, though they can be read.
void freeAllocated(Object &O, uint64_t Last, uint64_t Until);

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_UNDO_H
