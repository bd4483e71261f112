//===- together.h - Several objects commit as one ---------------*- C++ -*-===//
//
// The object that a transaction changed first is its coordinator. Each step is
// durable before the next:
//
//   1. what was stored, in all of them
//   2. each other one: a record that it is prepared, and by whom it is decided:
//      the coordinator's ID, lane and generation
//   3. the coordinator: the record that the transaction is committed, and who
//      was prepared. This is the moment of the commit
//   4. the others' logs are cut
//   5. the coordinator's is
//
// So whoever finds a prepared log asks the coordinator's. Is it still of the same
// generation, and has it the record, all is committed. If it has no such record,
// or is of a later generation, all is rolled back: a commit raises the generation
// last, when nobody is prepared any more. A coordinator that is opened in between
// keeps its record until the others have been opened, too.
//
// What another object's file says may be in memory alone, since the process that
// wrote it died before its sync. So that file is synced before anything is done
// because of it.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_TX_TOGETHER_H
#define PERDURE_RUNTIME_TX_TOGETHER_H

#include "tx/transaction.h"

namespace perdure {

/// Commits parts of several objects, which have been flushed. False, and a
/// message: nothing is committed.
bool commitTogether(Transaction &T);

/// What becomes of a lane whose transaction several objects took part in.
enum class Outcome { RollBack, Committed, Unknown };

/// Of a prepared log of O: Unknown with a message (EPROTO) when the coordinator
/// cannot be asked. Acts: what it answers is durable.
Outcome askCoordinator(const Object &O, const Vote &Of, bool Acts);

/// Of a coordinator's: whether a participant that its record names has yet to
/// learn of the commit; Acts: or may have to when power fails now.
bool isAwaited(const Object &O, unsigned Lane, uint64_t Generation,
               const Vote &Participant, bool Acts);

/// What Check says of an object as its file is now, of which it may read the log.
/// False, and a message, when that cannot be had.
bool checkLogInFile(Store &S, perdure_id Id, bool (*Check)(const Object &));

/// Whether a file, which has the ID, is prepared for what another object decides.
/// -1: it cannot be read.
int isPreparedFile(int File, perdure_id Id);

/// Whether an object's file says that a transaction is committed of which others,
/// one of them Awaiting, have yet to learn.
bool isAwaitedFile(Store &S, perdure_id Id, perdure_id &Awaiting);

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_TOGETHER_H
