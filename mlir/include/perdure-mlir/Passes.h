//===- Passes.h - Passes over `perdure` -------------------------*- C++ -*-===//

#ifndef PERDURE_MLIR_PASSES_H
#define PERDURE_MLIR_PASSES_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace mlir {
class DialectRegistry;
class ModuleOp;
} // namespace mlir

namespace mlir::perdure {

#define GEN_PASS_DECL
#include "perdure-mlir/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "perdure-mlir/Passes.h.inc"

/// The dialect, and its conversion to LLVM for upstream's convert-to-llvm.
void registerDialect(DialectRegistry &Registry);

/// `perdure-to-llvm`: all that leads from the dialect, beside scf, func, arith,
/// memref and cf, to the LLVM dialect, optimised.
void registerPipelines();

/// perdure-translate's `perdure-to-layout-checks`.
void registerLayoutChecks();

} // namespace mlir::perdure

#endif
