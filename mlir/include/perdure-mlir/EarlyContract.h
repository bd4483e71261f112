//===- EarlyContract.h - The functions that all front ends call -*- C++ -*-===//

#ifndef PERDURE_MLIR_EARLYCONTRACT_H
#define PERDURE_MLIR_EARLYCONTRACT_H

#include "llvm/ADT/StringRef.h"

namespace mlir::perdure::abi {
#define PERDURE_ABI_EARLY(Name, Symbol, Doc)                                   \
  constexpr llvm::StringLiteral Name(Symbol);
#include "perdure/abi.def"
} // namespace mlir::perdure::abi

#endif
