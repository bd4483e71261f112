//===- Transactions.h - What the passes of transactions share ---*- C++ -*-===//

#ifndef PERDURE_PASSES_TRANSACTIONS_H
#define PERDURE_PASSES_TRANSACTIONS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/InstrTypes.h"

namespace llvm {
class OptimizationRemarkEmitter;
} // namespace llvm

namespace perdure {

/// On a call of the log: which field is written, for remarks.
inline constexpr llvm::StringLiteral TxFieldNode("perdure.field");

/// What a function has to do with transactions: an attribute, which outlives
/// the annotations, in bitcode too. "transaction.throws", "transaction.jumps",
/// "in_transaction", "tx_safe"; ".done" at the end: instrumented.
inline constexpr llvm::StringLiteral TxRoleAttr("perdure-tx");
inline llvm::StringRef txRoleOf(const llvm::Function &F) {
  return F.getFnAttribute(TxRoleAttr).getValueAsString();
}
inline bool isTxSafe(const llvm::Function &F) {
  return txRoleOf(F) == "tx_safe";
}

/// A function of the runtime, which throws nothing.
llvm::FunctionCallee txRuntime(llvm::Module &M, llvm::StringRef Name,
                               llvm::Type *Result,
                               llvm::ArrayRef<llvm::Type *> Args);
/// The runtime's `__perdure_tx_log`.
llvm::FunctionCallee txLog(llvm::Module &M);
/// Its `__perdure_tx_log_ranges`.
llvm::FunctionCallee txLogRanges(llvm::Module &M);

/// Reports at \p Loc in \p F what a transaction cannot have.
void txError(const llvm::Function &F, const llvm::DebugLoc &Loc,
             const llvm::Twine &Message);

/// Says under -Rpass=perdure-tx what becomes of the call of the log at \p Log,
/// or why there is none at a store to \p Field.
void txRemark(llvm::OptimizationRemarkEmitter &ORE, llvm::StringRef Name,
              const llvm::Instruction &At, const llvm::Twine &What,
              llvm::StringRef Field = "");

/// Whether \p P is provably outside every object.
bool isOutsideObjects(const llvm::Value *P);

// TransactionClones.cpp

/// What runs instead of a function that is known by now is looked up here, not at
/// run time.
bool foldClones(llvm::Module &M);

// TransactionFrames.cpp

/// Moves the body of \p F to a function of its own, which it returns, and has
/// \p F call it in a transaction. Null, with an error, where that cannot be.
llvm::Function *wrapTransaction(llvm::Function &F);
/// A longjmp that leaves transactions behind lands here: they are aborted
/// before the function goes on.
bool tellLandings(llvm::Module &M);
/// <perdure/transaction.h> has functions for the wrappers alone.
bool dropThrowers(llvm::Module &M);

} // namespace perdure

#endif
