//===- stayed.h - The check of an object that is closed ---------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_API_STAYED_H
#define PERDURE_RUNTIME_API_STAYED_H

#include "object/object.h"

namespace perdure {

/// Reports the native addresses that were stored into O's allocated blocks
/// under a lenient policy, since the last call, and are there still. errno
/// stays. O's store is locked, or nobody else has it.
void reportWhatStayed(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_API_STAYED_H
