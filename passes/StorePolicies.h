//===- StorePolicies.h - Stores that flip fewer bits ------------*- C++ -*-===//
//
// A pass for each policy of -fperdure-reduce-flips that is about stores. Each
// does nothing without its module flag (FlipPolicies.h).
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_STOREPOLICIES_H
#define PERDURE_PASSES_STOREPOLICIES_H

#include "llvm/IR/PassManager.h"

namespace perdure {

/// `perdure-silent-stores`: stores of what memory may hold already are made
/// only where it does not.
struct SilentStoresPass : llvm::PassInfoMixin<SilentStoresPass> {
  /// Calls of the log, too: only before `perdure-tx-logs` relies on them.
  bool WithLogs;
  explicit SilentStoresPass(bool WithLogs) : WithLogs(WithLogs) {}
  llvm::PreservedAnalyses run(llvm::Function &F,
                              llvm::FunctionAnalysisManager &AM);
};

/// `perdure-padding`: copies of records that Clang made leave padding alone.
struct PaddingCopiesPass : llvm::PassInfoMixin<PaddingCopiesPass> {
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &AM);
  static bool isRequired() { return true; }
};

/// `perdure-zeroing`: fields that are stored next are not zeroed before.
struct ZeroingPass : llvm::PassInfoMixin<ZeroingPass> {
  llvm::PreservedAnalyses run(llvm::Function &F,
                              llvm::FunctionAnalysisManager &AM);
};

/// `perdure-fresh-blocks`: of blocks that are allocated, fields that are stored
/// next are not zeroed. Behind `perdure-tx-logs`, which finds that they need no
/// log.
struct FreshBlocksPass : llvm::PassInfoMixin<FreshBlocksPass> {
  llvm::PreservedAnalyses run(llvm::Function &F,
                              llvm::FunctionAnalysisManager &AM);
};

/// `perdure-placement`: blocks are allocated near to what their address
/// overwrites.
struct PlacementPass : llvm::PassInfoMixin<PlacementPass> {
  llvm::PreservedAnalyses run(llvm::Function &F,
                              llvm::FunctionAnalysisManager &AM);
};

/// `perdure-merge-stores`: of two stores to one place, the one that is read.
struct MergeStoresPass : llvm::PassInfoMixin<MergeStoresPass> {
  llvm::PreservedAnalyses run(llvm::Function &F,
                              llvm::FunctionAnalysisManager &AM);
};

} // namespace perdure

#endif
