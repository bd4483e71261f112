//===- Allocations.h - Calls that allocate in an object ---------*- C++ -*-===//
//
// perdure_alloc, as the program calls it, and __perdure_alloc_for, by which the
// compiler tells the runtime more of the block (abi.def).
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_ALLOCATIONS_H
#define PERDURE_PASSES_ALLOCATIONS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/InstrTypes.h"

namespace perdure {

/// Whether a function of that name gives a block that nothing leads to yet.
bool givesBlock(llvm::StringRef Name);

/// A call of one of the two, with names for its operands.
class AllocationCall {
  llvm::CallBase *CB = nullptr;
  bool IsFor = false;

public:
  AllocationCall() = default;
  /// Tests false when \p V is no such call, or one that has to stay as it is.
  explicit AllocationCall(llvm::Value *V);
  explicit operator bool() const { return CB != nullptr; }

  llvm::CallBase *call() const { return CB; }
  llvm::Value *bytes() const { return CB->getArgOperand(1); }
  /// Null: it is not known where the block's address is stored.
  llvm::Value *slot() const;
  uint64_t how() const;
  /// A bit for each unit (abi.def) that is overwritten before it is read.
  uint64_t overwritten() const;

  /// Makes it one of __perdure_alloc_for. The old call is gone afterwards.
  void replace(llvm::Value *Slot, uint64_t How, uint64_t Overwritten);
};

/// All of \p F, in layout order.
llvm::SmallVector<AllocationCall, 8> findAllocations(llvm::Function &F);

/// The block's address and what is made of it by constant and variable
/// distances.
llvm::SmallPtrSet<const llvm::Value *, 16>
addressesIn(const llvm::CallBase &Block);

} // namespace perdure

#endif
