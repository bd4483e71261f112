//===- arguments.h - What the public functions are given --------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_API_ARGUMENTS_H
#define PERDURE_RUNTIME_API_ARGUMENTS_H

#include "object/store.h"

namespace perdure {

inline Store &storeOf(perdure_store *S) { return *(Store *)S; }

/// The open object that holds P; null and EINVAL when there is none.
Object *openObjectAt(const void *P, const char *Function);

/// EROFS, with the reason. Always false.
bool refuseToWrite(const Object &O);

/// Whether this process may allocate in O now: its tables have one writer at a
/// time. EPERM, EROFS.
bool checkAllocating(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_API_ARGUMENTS_H
