//===- Placement.cpp - Blocks near to what their address overwrites -------===//
//
// Under -fperdure-reduce-flips=placement.
//
//   n = perdure_alloc(h, 24)               n = __perdure_alloc_for(h, 24,
//   ...                             ->             &h->first, encoding, 0)
//   h->first = n                           ...
//                                          h->first = n
//
// The runtime looks at the pointer that lies in h->first and takes, of some
// free blocks, the one whose address differs from it in the fewest bits. Which
// block it gives is the runtime's choice in any case, so this is right whatever
// lies there, whether or not the store is reached, and whoever stores there
// meanwhile. The address is only computed here, from what is known before the
// call, never followed: the runtime reads where it leads to in the object that
// it allocates in, and nowhere else.
//
//===----------------------------------------------------------------------===//

#include "Allocations.h"
#include "Config.h"
#include "Contract.h"
#include "Encoding.h"
#include "FlipPolicies.h"
#include "Remarks.h"
#include "Sites.h"
#include "StorePolicies.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Analysis/BlockFrequencyInfo.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace perdure {

namespace {

/// How many values an address may be computed by behind the call.
constexpr unsigned StepLimit = 4;

class Placement {
  DominatorTree &DT;
  BlockFrequencyInfo &BFI;
  OptimizationRemarkEmitter &ORE;
  DenseMap<const BasicBlock *, unsigned> Order;

public:
  Placement(Function &F, FunctionAnalysisManager &FAM)
      : DT(FAM.getResult<DominatorTreeAnalysis>(F)),
        BFI(FAM.getResult<BlockFrequencyAnalysis>(F)),
        ORE(FAM.getResult<OptimizationRemarkEmitterAnalysis>(F)) {
    for (BasicBlock &BB : F)
      Order.try_emplace(&BB, Order.size());
  }

  bool run(Function &F) {
    bool Changed = false;
    for (AllocationCall &Call : findAllocations(F)) {
      Changed |= !Call.slot() && place(Call);
      Changed |= keepInLines(Call);
    }
    return Changed;
  }

private:
  /// Only blocks of 33 to 48 bytes ever cross a line that they could do
  /// without.
  static bool keepInLines(AllocationCall &Call) {
    auto *Bytes = dyn_cast<ConstantInt>(Call.bytes());
    if (!Bytes || Bytes->getValue().ule(32) || Bytes->getValue().ugt(48) ||
        Call.how() & abi::AllocWholeLines)
      return false;
    Call.replace(Call.slot(), Call.how() | abi::AllocWholeLines,
                 Call.overwritten());
    return true;
  }

  bool place(AllocationCall &Call) {
    const StoreInst *Chosen = nullptr;
    unsigned Encoding = 0;
    for (auto [S, Number] : linksTo(Call))
      if (!Chosen || isBetter(*S, *Chosen)) {
        Chosen = S;
        Encoding = Number;
      }
    if (!Chosen)
      return false;
    remark(ORE, "Placed", Call.call(), [&](auto &R) {
      R << "allocated near to what its address overwrites";
    });
    Value *Slot = materialise(Chosen->getPointerOperand(), Call.call());
    Call.replace(Slot, (Call.how() & ~abi::AllocEncoding) | Encoding,
                 Call.overwritten());
    return true;
  }

  /// The one that is made more often, or first.
  bool isBetter(const StoreInst &A, const StoreInst &B) const {
    const BasicBlock *InA = A.getParent(), *InB = B.getParent();
    BlockFrequency OfA = BFI.getBlockFreq(InA), OfB = BFI.getBlockFreq(InB);
    if (OfA != OfB)
      return OfA > OfB;
    return InA == InB ? A.comesBefore(&B)
                      : Order.lookup(InA) < Order.lookup(InB);
  }

  /// The stores of the block's address to what may be known before it is
  /// allocated.
  SmallVector<std::pair<const StoreInst *, unsigned>, 4>
  linksTo(const AllocationCall &Call) {
    SmallVector<std::pair<const StoreInst *, unsigned>, 4> Found;
    const CallBase *CB = Call.call();
    SmallSetVector<const Value *, 4> Same;
    Same.insert(CB);
    for (unsigned I = 0; I != Same.size(); ++I)
      for (const User *U : Same[I]->users()) {
        if (isa<FreezeInst, BitCastInst>(U)) {
          Same.insert(U);
          continue;
        }
        ContractCall Encode{const_cast<User *>(U)};
        if (!Encode || Encode.verb() != Verb::Encode ||
            Encode.pointer() != Same[I] || !Encode.encoding())
          continue;
        unsigned Number = Encode.encoding()->Number;
        if (Number > abi::AllocEncoding)
          continue;
        for (const User *To : U->users()) {
          auto *S = dyn_cast<StoreInst>(To);
          if (S && S->getValueOperand() == U &&
              S->getPointerAddressSpace() == 0 &&
              mayBeInObject(S->getPointerOperand()) &&
              isKnownAt(S->getPointerOperand(), *CB, StepLimit))
            Found.push_back({S, Number});
        }
      }
    return Found;
  }

  /// Whether \p Address can be computed at \p At without reading memory.
  bool isKnownAt(const Value *Address, const CallBase &At,
                 unsigned Steps) const {
    auto *I = dyn_cast<Instruction>(Address);
    if (!I || DT.dominates(I, &At))
      return true;
    if (!Steps || !isa<GetElementPtrInst, CastInst, BinaryOperator>(I) ||
        I->isIntDivRem())
      return false;
    return all_of(I->operands(), [&](const Use &U) {
      return isKnownAt(U.get(), At, Steps - 1);
    });
  }

  Value *materialise(const Value *Address, CallBase *At) {
    auto *I = dyn_cast<Instruction>(Address);
    if (!I || DT.dominates(I, At))
      return const_cast<Value *>(Address);
    Instruction *Copy = I->clone();
    // What was right behind the call need not be in front of it.
    Copy->dropPoisonGeneratingFlags();
    Copy->dropUnknownNonDebugMetadata();
    for (Use &U : Copy->operands())
      U.set(materialise(U.get(), At));
    Copy->setDebugLoc(At->getDebugLoc());
    Copy->insertBefore(At->getIterator());
    return Copy;
  }
};

} // namespace

PreservedAnalyses PlacementPass::run(Function &F,
                                     FunctionAnalysisManager &FAM) {
  if (!reducesFlips(*F.getParent(), FlipPolicy::Placement) ||
      findAllocations(F).empty() || !Placement(F, FAM).run(F))
    return PreservedAnalyses::all();
  PreservedAnalyses PA;
  PA.preserveSet<CFGAnalyses>();
  return PA;
}

} // namespace perdure
