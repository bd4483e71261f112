//===- undo.h - Rolling back and committing one object, in place -*- C++ -*-===//
//
// What was there is in the object's log before it is overwritten. The order of
// what reaches the medium, each step durable before the next:
//
//   log     the record, or several; then the program's store
//   commit  what was stored, and fresh blocks; the cut of the log; then what was
//           freed is free
//   abort   what was there before; the cut; then what was allocated is free
//
// On DAX media a step is durable by flushes and one fence. On page media without
// PERDURE_DURABLE, where only the death of the process counts, nothing is needed:
// the kernel ends a process between two of its instructions, keeps what it has
// stored before, and the compiler keeps that order (the cut is a release store).
// With PERDURE_DURABLE the records are in memory, and tx/redo.h commits.
//
// A block's bit is set before its record, and cleared after the cut: a process
// that dies in between leaks a block, and never frees one that is in use. On DAX
// neither waits for a fence of its own: a power failure leaks blocks whose bits
// have reached the medium without their records, or that were freed by the last commit of
// a lane (noteFreed). A record without its bit has nothing to free.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_UNDO_H
#define PERDURE_RUNTIME_TX_UNDO_H

#include "tx/lines_once.h"
#include "tx/log.h"

namespace perdure {

/// The same records in memory: of what is written by commits alone, which has
/// nothing of a transaction in its file before it commits.
struct UndoList {
  char *Bytes;
  uint64_t Size, Room; // Size is 0, or where the next one goes
  uint64_t Last;       // the last one, or 0
};

/// Logs what is at an offset of O; another record. False: ENOMEM.
bool appendData(Object &O, UndoList &U, uint64_t Offset, uint64_t Bytes);
bool appendRecord(UndoList &U, RecordKind Kind, uint64_t Offset,
                  const void *Content, uint64_t Bytes);

/// On DAX: begins to write back what the records of L say was overwritten or allocated,
/// and what its last commit freed; a fence follows.
void flushChanges(Object &O, Lane &L, LinesOnce &Lines);

/// Brings back what the records behind Until, of a log at Base, say was there; in
/// the file durably. Writing the same again changes nothing: it may be interrupted
/// and repeated.
void restore(Object &O, uint64_t Base, uint64_t Last, uint64_t Until);

/// Frees what they say was allocated. After a cut, by which time they hold no
/// more, though they can be read.
void freeAllocated(Object &O, uint64_t Base, uint64_t Last, uint64_t Until);

/// Of a Block: how many bytes.
uint64_t blockBytes(const LogRecord &R);

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_UNDO_H
