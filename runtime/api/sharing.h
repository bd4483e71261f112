//===- sharing.h - From one of several writers to the only one --*- C++ -*-===//

#ifndef PERDURE_RUNTIME_API_SHARING_H
#define PERDURE_RUNTIME_API_SHARING_H

#include "object/object.h"

namespace perdure {

/// Makes this process the only writer of an object that it shares. EBUSY when
/// others have it open for writing, or somebody is in a section: then Occupied
/// is set. EDEADLK when this thread reads it in one. Store locked, so this does
/// not wait for them.
bool openAlone(Object &O, bool &Occupied);

} // namespace perdure

#endif // PERDURE_RUNTIME_API_SHARING_H
