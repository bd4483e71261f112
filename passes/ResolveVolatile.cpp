//===- ResolveVolatile.cpp - Containers outside every object --------------===//

#include "Passes.h"
using namespace llvm;
namespace perdure {
PreservedAnalyses ResolveVolatilePass::run(Function &,
                                           FunctionAnalysisManager &) {
  return PreservedAnalyses::all();
}
} // namespace perdure
