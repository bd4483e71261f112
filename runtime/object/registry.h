//===- registry.h - The numbers of a store's regions ------------*- C++ -*-===//
//
//   DIR/perdure.regions   a line with the store's own number, then one line for
//                         each object that has a region number: its ID, the
//                         first being region 1
//
// Made when a region is first needed; lines are only ever added, under a lock,
// so a number means the same object for ever. For the encodings region-id and
// fat-lookup.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_OBJECT_REGISTRY_H
#define PERDURE_RUNTIME_OBJECT_REGISTRY_H

#include "object/store.h"

namespace perdure {

/// The key of O's region, which gets a number if it has none. 0 and a message
/// when that cannot be.
uint64_t regionKey(Object &O);

/// The object that Key leads to, opened as a pointer's target is. Near, which
/// may be null, is the object that holds the pointer. Null and a message:
/// ENOENT (no open store has such a region), EEXIST (two have), ENOSPC (no
/// slot), others.
Object *resolveRegion(uint64_t Key, Object *Near);

/// Whether the store has a registry.
bool hasRegistry(const Store &S);

/// Inline code does not ask whose pointer it decodes, so no two open stores may
/// have one number where there is such code. False, EEXIST and a message when
/// another has this one's. StoresLock held.
bool claimNumber(Store &S);

/// Code that decodes regions has come into the process: the same for all open
/// stores.
bool claimNumbers();

/// The store closes.
void forgetRegistry(Store &S);

/// Around fork().
void registriesBeforeFork();
void registriesAfterFork();

} // namespace perdure

#endif // PERDURE_RUNTIME_OBJECT_REGISTRY_H
