//===- recover.h - What a process that died left in a log -------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_TX_RECOVER_H
#define PERDURE_RUNTIME_TX_RECOVER_H

#include "object/object.h"

namespace perdure {

/// Rolls back what was not committed. O is mapped, this process may write it, and
/// nobody else does: it is its only writer, or in a write section. Whoever dies
/// in it leaves what the next one rolls back all the same. False, and a message: EPROTO,
/// and the object is as it was; or, with part of it done, what reading or syncing fails
/// with, and ENOMEM. It may be done again.
bool recover(Object &O);

/// What recover would find in a lane. Damaged: it would refuse (EPROTO), and a
/// message says why.
enum class LaneState { Empty, Unfinished, Unwritten, Damaged };
LaneState examineLane(const Object &O, unsigned Lane);

/// Whether there is something that recover would do, or refuse to do. Alive: others have
/// O open, so what the log says is home is there.
bool needsRecovery(const Object &O, bool Alive);

/// In a private image of the file: what was committed and is in the log alone is
/// written to its place. Whether there was anything. Acts: it will be so in the file.
bool redoInImage(Object &O, bool Acts);
/// And is gone from the log.
void cutCommits(Object &O);

/// The same as recover, seen by this process alone: O is read-only and has no
/// writer at work.
bool recoverPrivately(Object &O);

/// Of what was recovered so: whether the file has the same log still, which nobody has
/// recovered there.
bool isRecoveredAsIs(const Object &O);

/// From now on objects are recovered when they are opened.
void installRecovery();

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_RECOVER_H
