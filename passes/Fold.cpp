//===- Fold.cpp - Algebra of the early contract ---------------------------===//

#include "Passes.h"
using namespace llvm;
namespace perdure {
PreservedAnalyses FoldPass::run(Function &, FunctionAnalysisManager &) {
  return PreservedAnalyses::all();
}
} // namespace perdure
