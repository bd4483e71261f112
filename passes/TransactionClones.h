//===- TransactionClones.h - What runs in transactions instead --*- C++ -*-===//
//
// Which function a call in a transaction goes to, and the table by which the
// runtime tells it of an address.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_TRANSACTIONCLONES_H
#define PERDURE_PASSES_TRANSACTIONCLONES_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstrTypes.h"
#include <optional>

namespace perdure {

class TransactionClones {
public:
  explicit TransactionClones(llvm::Module &M);

  /// A function to be instrumented.
  struct Body {
    llvm::Function *F;
    /// A transaction of this file leads here. Otherwise it was made in case one
    /// of another file, or a pointer, does: what it cannot do is told when it
    /// is run.
    bool Certain;
  };
  void add(llvm::Function &F) { CertainBodies.push_back(&F); }
  /// The next one, in an order that never finds out too late that a body is
  /// certain.
  std::optional<Body> next();

  /// What \p Call, of \p To or of an address that may be anything, is to call
  /// instead. Null where nothing can be known. \p Begins: no transaction need
  /// be open at \p Call.
  llvm::Value *insteadOf(llvm::Function &To, llvm::Instruction &Call,
                         bool Certain);
  llvm::Value *insteadOf(llvm::Value *Address, llvm::Instruction &Call,
                         bool Begins = false);

  /// Calls of functions that are only declared here as transactions, or to run
  /// in one: where their definitions are not compiled so, nothing links.
  bool checkDeclarations();

  /// Exported names for what is defined here, and the table. True: there is
  /// any.
  bool finish();

private:
  llvm::Module &M;
  /// Clones of all functions: -fperdure-tx-clones.
  bool Everything;
  bool LooksUp = false, Speculated = false;
  llvm::DenseMap<llvm::Function *, llvm::Function *> Clones;
  llvm::SmallVector<llvm::Function *, 16> Cloned, CertainBodies,
      SpeculativeBodies;
  /// Functions whose address is a value somewhere, before there was a table.
  llvm::SmallSetVector<llvm::Function *, 16> AddressTaken;

  llvm::Function *cloneOf(llvm::Function &F, bool Certain);
  llvm::Function *declareClone(llvm::Function &F, bool Weak);
  void speculate();
  void exportAliases();
};

/// Whether a copy of \p F does what \p F does.
bool canClone(const llvm::Function &F);

} // namespace perdure

#endif
