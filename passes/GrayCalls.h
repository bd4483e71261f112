//===- GrayCalls.h - The calls between raising and lowering -----*- C++ -*-===//

#ifndef PERDURE_PASSES_GRAYCALLS_H
#define PERDURE_PASSES_GRAYCALLS_H

#include "llvm/IR/IRBuilder.h"

namespace perdure {

enum class GrayVerb { Encode, Decode };

/// The call's verb, if it is one of ours.
std::optional<GrayVerb> grayVerb(const llvm::Value *V);

llvm::CallInst *createGray(llvm::IRBuilderBase &B, GrayVerb Verb,
                           llvm::Value *V);

/// All such calls of the function.
llvm::SmallVector<llvm::CallInst *, 8> findGrayCalls(llvm::Function &F);

bool hasGrayCalls(const llvm::Module &M);

} // namespace perdure

#endif
