//===- Zeroing.h - Over what zeroes may be left out -------------*- C++ -*-===//

#ifndef PERDURE_PASSES_ZEROING_H
#define PERDURE_PASSES_ZEROING_H

#include "llvm/IR/Instruction.h"

namespace perdure {

/// Whether \p I goes on to the next instruction in any case, and no other
/// thread can be waiting for it.
bool isStill(const llvm::Instruction &I);

} // namespace perdure

#endif
