//===- BitPlaces.h - Bits where their encoding has them ---------*- C++ -*-===//

#ifndef PERDURE_MLIR_BITPLACES_H
#define PERDURE_MLIR_BITPLACES_H

#include "perdure-mlir/Dialect.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::perdure {

/// Operations that take bits which name no encoding.
using BitUses = llvm::SetVector<Operation *>;

/// Those in \p Top.
BitUses findBitUses(Operation *Top);

/// Has all \p Uses, whose bits have got other encodings, take them as they are where
/// they lie: `object` allows to store, decode and re-encode them anywhere in their
/// object, and MLIR's folds have made use of that. Fails, after a message at each,
/// where the place that bits come from is not known, or not in the same object.
LogicalResult placeBits(const BitUses &Uses);

} // namespace mlir::perdure

#endif
