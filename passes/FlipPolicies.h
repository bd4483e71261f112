//===- FlipPolicies.h - What -fperdure-reduce-flips names -------*- C++ -*-===//
//
// Ways to lower a program so that its stores flip fewer bits
// (docs/BitFlips.md). The module flag `perdure.reduce.NAME` asks for one. The
// flags merge by Max: files with and without one link, since a policy never
// changes what a program does, nor what its objects hold in fields. A policy
// that is applied to each file before its bitcode is written reaches the files
// that ask for it; one that works on machine code reaches all that a full LTO
// link makes of them.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_FLIPPOLICIES_H
#define PERDURE_PASSES_FLIPPOLICIES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"

namespace perdure {

enum class FlipPolicy : unsigned {
  Silent,    ///< stores of what memory holds already are not made
  Padding,   ///< copies of records leave the padding alone
  Merge,     ///< two stores to one place become one
  Zeroing,   ///< what is overwritten before it is read is not zeroed
  Frames,    ///< saved registers at fixed offsets, only where needed
  Placement, ///< blocks lie where their addresses flip few bits
};

/// As the option names them, in the order of FlipPolicy.
inline llvm::ArrayRef<llvm::StringRef> flipPolicyNames() {
  static const llvm::StringRef Names[] = {"silent",  "padding", "merge",
                                          "zeroing", "frames",  "placement"};
  return Names;
}

inline std::string flipPolicyFlag(FlipPolicy Policy) {
  return ("perdure.reduce." + flipPolicyNames()[unsigned(Policy)]).str();
}

/// Whether \p M is to be lowered by \p Policy.
inline bool reducesFlips(const llvm::Module &M, FlipPolicy Policy) {
  auto *Flag = llvm::mdconst::extract_or_null<llvm::ConstantInt>(
      M.getModuleFlag(flipPolicyFlag(Policy)));
  return Flag && !Flag->isZero();
}

} // namespace perdure

#endif
