//===- FreshBlocks.cpp - Blocks are not zeroed where they are filled ------===//
//
// Under -fperdure-reduce-flips=zeroing. perdure_alloc zeroes its block, and
// what the program then stores writes most of it again. Here the runtime is
// told which words of it to leave as they are:
//
//   n = perdure_alloc(h, 24)               n = __perdure_alloc_for(h, 24, null,
//   0, if (!n)                                        0b001111)
//     return                               if (!n)
//   n->key = k                      ->       return
//   n->value = v                           n->key = k
//   ...                                    n->value = v
//   h->first = n                           fence, for this thread
//                                          ...
//
// A block is new: nothing but what is made of the call's result leads to it. So
// who may see what it held is known: the stores are made in any case once the
// call has given a block, and up to the last one of them nothing reads the
// block, takes its address elsewhere, leaves, logs, waits or lets another
// thread in. The fence costs no instruction. It keeps LLVM from moving stores
// over it, so that a process which dies at any moment leaves a block that
// nothing leads to, or one without old bits. docs/BitFlips.md has power
// failures.
//
//===----------------------------------------------------------------------===//

#include "Allocations.h"
#include "Config.h"
#include "Contract.h"
#include "FlipPolicies.h"
#include "Remarks.h"
#include "StorePolicies.h"
#include "Zeroing.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;

namespace perdure {

namespace {

/// How many instructions behind a call are looked at.
constexpr unsigned ScanLimit = 200;
/// How many units have to be overwritten.
constexpr int FewestUnits = 2;

/// What is stored to the block that a call gives, before anybody could see it.
class FreshBlock {
  const DataLayout &DL;
  const CallBase &Call;
  uint64_t Bytes;
  SmallPtrSet<const Value *, 16> Addresses;
  BitVector Written; // bytes

public:
  Instruction *Last = nullptr; // the last store

  FreshBlock(const DataLayout &DL, const CallBase &Call, uint64_t Bytes)
      : DL(DL), Call(Call), Bytes(Bytes), Addresses(addressesIn(Call)),
        Written(64 * abi::AllocUnit) {}

  void scan() {
    BasicBlock::const_iterator I = std::next(Call.getIterator());
    if (auto *Invoke = dyn_cast<InvokeInst>(&Call)) {
      const BasicBlock *Next = enterFrom(Invoke->getNormalDest());
      if (!Next)
        return;
      I = Next->getFirstNonPHIIt();
    }
    for (unsigned Left = ScanLimit; Left; --Left) {
      if (I->isTerminator()) {
        const BasicBlock *Next = goesOnIn(*I);
        if (!Next)
          return;
        I = Next->getFirstNonPHIIt();
      } else {
        if (!look(const_cast<Instruction &>(*I)))
          return;
        ++I;
      }
    }
  }

  /// By units.
  uint64_t overwritten() const {
    uint64_t Mask = 0;
    for (unsigned I = 0; I != 64; ++I)
      if (Written.find_first_unset_in(I * abi::AllocUnit,
                                      (I + 1) * abi::AllocUnit) == -1)
        Mask |= uint64_t(1) << I;
    return Mask;
  }

private:
  /// \p Next, where only what has just been looked at leads to it, and nothing
  /// in it is another name for the block.
  const BasicBlock *enterFrom(const BasicBlock *Next) const {
    if (!Next->getSinglePredecessor() ||
        any_of(Next->phis(), [&](const PHINode &Phi) {
          return Addresses.contains(Phi.getIncomingValue(0));
        }))
      return nullptr;
    return Next;
  }

  /// Where it goes on when the call has given a block; null: in more than one
  /// place.
  const BasicBlock *goesOnIn(const Instruction &Terminator) const {
    auto *Br = dyn_cast<BranchInst>(&Terminator);
    if (!Br)
      return nullptr;
    if (Br->isUnconditional())
      return enterFrom(Br->getSuccessor(0));
    using namespace PatternMatch;
    CmpPredicate Predicate;
    const Value *Tested;
    if (!match(Br->getCondition(),
               m_ICmp(Predicate, m_Value(Tested), m_Zero())) ||
        !ICmpInst::isEquality(Predicate) || distance(Tested) != 0)
      return nullptr;
    return enterFrom(Br->getSuccessor(Predicate == ICmpInst::ICMP_EQ));
  }

  /// The distance from the block's start; none where it is not constant.
  std::optional<uint64_t> distance(const Value *P) const {
    APInt At(64, 0);
    for (;;) {
      if (!P->getType()->isPointerTy())
        return std::nullopt;
      P = P->stripAndAccumulateConstantOffsets(DL, At,
                                               /*AllowNonInbounds=*/true);
      auto *Frozen = dyn_cast<FreezeInst>(P);
      if (!Frozen)
        break;
      P = Frozen->getOperand(0);
    }
    if (P != &Call)
      return std::nullopt;
    return At.getZExtValue();
  }

  /// False: from \p I on somebody may see the block.
  bool look(Instruction &I) {
    if (I.isLifetimeStartOrEnd())
      return true;
    // Copies are not marked as what waits for nobody, but those that are not
    // volatile do not.
    auto *MI = dyn_cast<MemIntrinsic>(&I);
    if (MI ? MI->isVolatile() : !isStill(I))
      return false;
    // Who has not got the address cannot reach the block.
    if (none_of(I.operands(),
                [&](const Use &U) { return Addresses.contains(U.get()); }))
      return true;
    if (isa<ICmpInst>(I) || Addresses.contains(&I))
      return true;
    if (auto *S = dyn_cast<StoreInst>(&I))
      return !Addresses.contains(S->getValueOperand()) &&
             write(I, S->getPointerOperand(),
                   DL.getTypeStoreSize(S->getValueOperand()->getType()));
    if (MI) {
      auto *Length = dyn_cast<ConstantInt>(MI->getLength());
      auto *Copy = dyn_cast<MemTransferInst>(MI);
      return Length && !(Copy && Addresses.contains(Copy->getRawSource())) &&
             write(I, MI->getRawDest(),
                   TypeSize::getFixed(Length->getLimitedValue()));
    }
    // A translation for a place in the block gives its address to nobody.
    ContractCall Verb{&I};
    return Verb && Verb.verb() != Verb::Decode &&
           !Addresses.contains(I.getOperand(0)) &&
           (Verb.verb() == Verb::Encode ||
            !Addresses.contains(Verb.container()));
  }

  /// False where \p I does not stay in the block.
  bool write(Instruction &I, const Value *To, TypeSize Size) {
    auto At = distance(To);
    if (Size.isScalable())
      return false;
    if (!At) // somewhere: what was zeroed before it stays so
      return true;
    uint64_t Count = Size.getFixedValue();
    if (*At > Bytes || Count > Bytes - *At)
      return false;
    if (*At >= Written.size())
      return true;
    Written.set(*At, std::min<uint64_t>(*At + Count, Written.size()));
    Last = &I;
    return true;
  }
};

bool fill(AllocationCall &Call, const DataLayout &DL,
          OptimizationRemarkEmitter &ORE) {
  auto *Length = dyn_cast<ConstantInt>(Call.bytes());
  if (!Length || Call.overwritten())
    return false;
  FreshBlock Block(DL, *Call.call(), Length->getLimitedValue());
  Block.scan();
  uint64_t Overwritten = Block.overwritten();
  if (popcount(Overwritten) < FewestUnits)
    return false;
  remark(ORE, "NotZeroed", Call.call(),
         [&](auto &R) { R << "not zeroed where the next stores go"; });
  IRBuilder<> B(Block.Last->getNextNode());
  B.SetCurrentDebugLocation(Block.Last->getDebugLoc());
  B.CreateFence(AtomicOrdering::Release, SyncScope::SingleThread);
  Call.replace(Call.slot(), Call.how(), Overwritten);
  return true;
}

} // namespace

PreservedAnalyses FreshBlocksPass::run(Function &F,
                                       FunctionAnalysisManager &FAM) {
  if (!reducesFlips(*F.getParent(), FlipPolicy::Zeroing))
    return PreservedAnalyses::all();
  auto &ORE = FAM.getResult<OptimizationRemarkEmitterAnalysis>(F);
  bool Changed = false;
  for (AllocationCall &Call : findAllocations(F))
    Changed |= fill(Call, F.getDataLayout(), ORE);
  if (!Changed)
    return PreservedAnalyses::all();
  PreservedAnalyses PA;
  PA.preserveSet<CFGAnalyses>();
  return PA;
}

} // namespace perdure
