//===- fot.h - The foreign object table of one object -----------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_FOT_FOT_H
#define PERDURE_RUNTIME_FOT_FOT_H

#include "object/object.h"

namespace perdure {

/// The ID that index leads to; false when there is no such valid entry.
bool fotId(Object &O, uint64_t Index, perdure_id &Id);

/// The lowest index that leads to Id, inserted when there is none: atomic
/// across threads. 0 on failure: EROFS, ENOSPC (FOT or disk full), ENOMEM.
uint64_t fotIndex(Object &O, perdure_id Id);

/// Valid entries.
uint64_t fotCount(const Object &O);

/// Frees the volatile side.
void fotRelease(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_FOT_FOT_H
