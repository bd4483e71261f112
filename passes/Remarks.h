//===- Remarks.h - -Rpass=perdure -------------------------------*- C++ -*-===//

#ifndef PERDURE_PASSES_REMARKS_H
#define PERDURE_PASSES_REMARKS_H

#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/IR/Instruction.h"

namespace perdure {

/// Say under -Rpass=perdure what happened at \p I; \p Fill writes the words.
template <typename Fill>
void remark(llvm::OptimizationRemarkEmitter &ORE, llvm::StringRef Name,
            const llvm::Instruction *I, Fill &&F) {
  ORE.emit([&]() {
    llvm::OptimizationRemark R("perdure", Name, I);
    F(R);
    return R;
  });
}

/// Say under -Rpass-missed=perdure what was not spared at \p I.
template <typename Fill>
void missed(llvm::OptimizationRemarkEmitter &ORE, llvm::StringRef Name,
            const llvm::Instruction *I, Fill &&F) {
  ORE.emit([&]() {
    llvm::OptimizationRemarkMissed R("perdure", Name, I);
    F(R);
    return R;
  });
}

} // namespace perdure

#endif
