//===- Lower.h - Early contract to machine-ready IR -------------*- C++ -*-===//

#ifndef PERDURE_PASSES_LOWER_H
#define PERDURE_PASSES_LOWER_H

#include "llvm/IR/PassManager.h"
#include "llvm/Passes/OptimizationLevel.h"

namespace perdure {

/// `perdure-lower`: expand every call of the early contract.
struct LowerPass : llvm::PassInfoMixin<LowerPass> {
  /// Clean up behind the expansion as this level does.
  llvm::OptimizationLevel Level;

  explicit LowerPass(
      llvm::OptimizationLevel Level = llvm::OptimizationLevel::O0)
      : Level(Level) {}
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &AM);
  static bool isRequired() { return true; }
};

} // namespace perdure

#endif
