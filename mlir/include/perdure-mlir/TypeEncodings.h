//===- TypeEncodings.h - Kernels agree with C++ on encodings ----*- C++ -*-===//

#ifndef PERDURE_MLIR_TYPEENCODINGS_H
#define PERDURE_MLIR_TYPEENCODINGS_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::perdure {

/// Defines, for each record of the module that holds persistent pointers, the
/// symbols by which a link finds files that disagree on it. Not where the module has
/// been raised from Clang's output. Fails, after a message, where one name has two
/// encodings.
LogicalResult addTypeEncodings(ModuleOp Module);

} // namespace mlir::perdure

#endif
