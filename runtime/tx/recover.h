//===- recover.h - What a process that died left in a log -------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_TX_RECOVER_H
#define PERDURE_RUNTIME_TX_RECOVER_H

#include "object/object.h"

namespace perdure {

/// Rolls back what was not committed. O is mapped, this process may write it, and
/// nobody else does: it is its only writer, or in a write section. Whoever dies
/// in it leaves what the next one rolls back all the same. False, and the object
/// is as it was: EPROTO.
bool recover(Object &O);

/// Whether there is something that recover would do, or refuse to do.
bool needsRecovery(const Object &O);

/// The same as recover, seen by this process alone: O is read-only and has no
/// writer at work.
bool recoverPrivately(Object &O);

/// From now on objects are recovered when they are opened.
void installRecovery();

} // namespace perdure

#endif // PERDURE_RUNTIME_TX_RECOVER_H
