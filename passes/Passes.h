//===- Passes.h - The passes before lowering --------------------*- C++ -*-===//

#ifndef PERDURE_PASSES_PASSES_H
#define PERDURE_PASSES_PASSES_H

#include "llvm/IR/PassManager.h"

namespace llvm {
class OptimizationRemarkEmitter;
}

namespace perdure {

/// `perdure-raise`: Clang's pointer authentication with our discriminators to
/// the early contract; static initialisers to bits.
struct RaisePass : llvm::PassInfoMixin<RaisePass> {
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &AM);
  static bool isRequired() { return true; }
};

/// `perdure-transactions`: functions marked as transactions begin and end one,
/// and what runs in them logs what it overwrites.
struct TransactionsPass : llvm::PassInfoMixin<TransactionsPass> {
  /// Whether `perdure-tx-logs` comes later, and tells what was logged.
  bool Optimises;
  explicit TransactionsPass(bool Optimises = false) : Optimises(Optimises) {}
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &AM);
  static bool isRequired() { return true; }
};

/// `perdure-tx-logs`: calls of the log that say nothing new are left out, others
/// are made one or leave their loop; what is left passes by volatile memory.
struct TransactionLogsPass : llvm::PassInfoMixin<TransactionLogsPass> {
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &AM);
};

/// `perdure-resolve-volatile`: containers provably outside every object become
/// null, so that annotated locals need not stay in memory.
struct ResolveVolatilePass : llvm::PassInfoMixin<ResolveVolatilePass> {
  llvm::PreservedAnalyses run(llvm::Function &F,
                              llvm::FunctionAnalysisManager &AM);
  static bool isRequired() { return true; }
};

/// `perdure-fold`: algebra of the early contract.
struct FoldPass : llvm::PassInfoMixin<FoldPass> {
  llvm::PreservedAnalyses run(llvm::Function &F,
                              llvm::FunctionAnalysisManager &AM);
  static bool isRequired() { return true; }
};

/// `perdure-sites`: what the fault handler can say of each access, for the binary.
struct SitesPass : llvm::PassInfoMixin<SitesPass> {
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &AM);
  static bool isRequired() { return true; }
};

/// `perdure-flips`: counts the bits that stores flip, where the module flag
/// `perdure.flips` asks for it.
struct FlipsPass : llvm::PassInfoMixin<FlipsPass> {
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &AM);
  static bool isRequired() { return true; }
};

/// Compares bits where decoded pointers are only compared.
bool compareByBits(llvm::Function &F, llvm::OptimizationRemarkEmitter &ORE);

/// On functions that lowering expanded translations in.
inline constexpr llvm::StringLiteral LoweredAttribute("perdure-lowered");

// Parts of perdure-raise, one job each. They return whether they changed M.

/// Static initialisers (`ptrauth` constants) to bits, or to constructors.
bool raiseStaticInitialisers(llvm::Module &M);
/// Clang's merged C helper functions become internal.
bool internaliseCopyHelpers(llvm::Module &M);
/// DW_TAG_LLVM_ptrauth_type to a typedef.
bool rewriteDebugTypes(llvm::Module &M);
/// Tie the module to its slot size, and to the entry archive.
bool addAbiReference(llvm::Module &M);

/// Let files that disagree on the encoding of a type not link.
bool addTypeEncodings(llvm::Module &M);
/// Says in the binary how its types are laid out.
bool addTypeDescriptors(llvm::Module &M);

/// Whether key and discriminator are ours, and which encoding they choose.
class Encoding;
const Encoding *matchSchema(uint64_t Key, uint64_t Discriminator);

} // namespace perdure

#endif
