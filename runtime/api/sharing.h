//===- sharing.h - From one of several writers to the only one --*- C++ -*-===//

#ifndef PERDURE_RUNTIME_API_SHARING_H
#define PERDURE_RUNTIME_API_SHARING_H

#include "object/object.h"

namespace perdure {

/// Makes this process the only writer of an object that it shares. EBUSY when
/// others have it open for writing, or a thread is in a section.
bool openAlone(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_API_SHARING_H
