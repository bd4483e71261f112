//===- Gray.h - Numbers stored as their Gray code ---------------*- C++ -*-===//
//
// The binary reflected Gray code of N is N ^ N >> 1: two neighbours differ in
// one bit. Between raising and lowering its two directions are calls:
//
//     iW @perdure.gray.encode.iW(iW N)       iW @perdure.gray.decode.iW(iW G)
//
// of functions that touch no memory and may be speculated. They are one to one
// on the W bits, each the other's inverse, 0 is 0, and the highest bit stays.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_GRAY_H
#define PERDURE_PASSES_GRAY_H

#include "llvm/ADT/APInt.h"
#include "llvm/IR/PassManager.h"

namespace perdure {

llvm::APInt grayOf(const llvm::APInt &N);
llvm::APInt numberOfGray(const llvm::APInt &Gray);

/// Part of perdure-raise: accesses to marked fields (GrayMarks.h) encode and
/// decode, and so do the initialisers of variables.
bool raiseGrayFields(llvm::Module &M);

/// `perdure-gray-fold`: algebra of the two.
struct GrayFoldPass : llvm::PassInfoMixin<GrayFoldPass> {
  llvm::PreservedAnalyses run(llvm::Function &F,
                              llvm::FunctionAnalysisManager &AM);
};

/// `perdure-gray-lower`: expands both; a step by one flips its one bit.
struct GrayLowerPass : llvm::PassInfoMixin<GrayLowerPass> {
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &AM);
  static bool isRequired() { return true; }
};

} // namespace perdure

#endif
