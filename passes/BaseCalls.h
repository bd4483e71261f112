//===- BaseCalls.h - Slot bases that a front end asks for -------*- C++ -*-===//
//
//   ptr @perdure.base(ptr container)
//
// The fourth function of the early contract. A front end that knows more of loops
// than LLVM will asks for a base once and hands it to many translations, where
// the encoding means the same all over an object and all over volatile memory.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_BASECALLS_H
#define PERDURE_PASSES_BASECALLS_H

namespace llvm {
class Function;
class Module;
class Value;
} // namespace llvm

namespace perdure {

struct Config;

/// Whether \p V is a base for certain: a call, or phis and selects of calls.
bool isBase(const llvm::Value *V);

/// Containers that are bases become what the bases are of, phis and selects
/// included. Bases.h carries those better: with offsets, and through decodes.
bool leadBackBases(llvm::Function &F);

/// Every call that is left becomes a mask.
bool lowerBaseCalls(llvm::Function &F, const Config &C);

/// The declaration, with exactly the contract's attributes, or null.
llvm::Function *findBaseFunction(llvm::Module &M);

} // namespace perdure

#endif
