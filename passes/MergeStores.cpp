//===- MergeStores.cpp - A word that is written twice changes once --------===//
//
// Under -fperdure-reduce-flips=merge. Of two stores to one place with no read
// between them only the last counts; the same stores in both arms of a branch
// are one behind it. LLVM does both, at -O2 and above, but before inlined code
// and calls of the log have been simplified, and at -O1 neither: here they come
// once more, while translations are still single calls that touch no memory of
// the program. docs/BitFlips.md says what this gains, and why joining stores of
// neighbouring bytes gains nothing.
//
//===----------------------------------------------------------------------===//

#include "FlipPolicies.h"
#include "StorePolicies.h"
#include "llvm/Transforms/Scalar/DeadStoreElimination.h"
#include "llvm/Transforms/Scalar/MergedLoadStoreMotion.h"

using namespace llvm;

namespace perdure {

PreservedAnalyses MergeStoresPass::run(Function &F,
                                       FunctionAnalysisManager &FAM) {
  if (!reducesFlips(*F.getParent(), FlipPolicy::Merge))
    return PreservedAnalyses::all();
  FunctionPassManager Passes;
  Passes.addPass(MergedLoadStoreMotionPass());
  Passes.addPass(DSEPass());
  return Passes.run(F, FAM);
}

} // namespace perdure
