//===- Zeroing.cpp - What is stored next is not zeroed before -------------===//
//
// Under -fperdure-reduce-flips=zeroing. `*n = (struct node){0}; n->key = k;` is
// a memset and a store. LLVM shortens such a memset at its ends; a field in the
// middle it writes twice, and each bit of the field that is set before and
// after flips twice. Here the memset is left in pieces around what is stored
// behind it:
//
//   memset p, 0, 32                        memset p, 0, 8
//   store i64 %k, p + 8          ->        memset p + 16, 0, 16
//                                          store i64 %k, p + 8
//
// In one block, before translations are expanded, and only over instructions
// that neither read those bytes, nor leave the block elsewhere, nor let another
// thread in: nobody can tell when the bytes changed. A crash may:
// docs/BitFlips.md.
//
//===----------------------------------------------------------------------===//

#include "Zeroing.h"
#include "Contract.h"
#include "FlipPolicies.h"
#include "Remarks.h"
#include "Sites.h"
#include "StorePolicies.h"
#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

bool isStill(const Instruction &I) {
  if (I.isVolatile() || I.isAtomic())
    return false;
  if (auto *CB = dyn_cast<CallBase>(&I))
    return getVerb(CB) ||
           (isa<IntrinsicInst>(CB) && CB->hasFnAttr(Attribute::NoSync) &&
            isGuaranteedToTransferExecutionToSuccessor(CB));
  return isGuaranteedToTransferExecutionToSuccessor(&I);
}

namespace {

/// How many instructions behind a memset are looked at.
constexpr unsigned ScanLimit = 200;
/// How many pieces a memset may become.
constexpr unsigned PieceLimit = 4;
/// A hole in a memset costs time, and is worth it for so many bytes.
constexpr uint64_t HoleBytes = 4;

class Zeroing {
  Function &F;
  const DataLayout &DL;
  AAResults &AA;
  OptimizationRemarkEmitter &ORE;

  using Range = std::pair<uint64_t, uint64_t>; // [first, second)

public:
  Zeroing(Function &F, FunctionAnalysisManager &FAM)
      : F(F), DL(F.getDataLayout()), AA(FAM.getResult<AAManager>(F)),
        ORE(FAM.getResult<OptimizationRemarkEmitterAnalysis>(F)) {}

  bool run() {
    SmallVector<MemSetInst *, 8> Work;
    for (Instruction &I : instructions(F))
      if (auto *MS = dyn_cast<MemSetInst>(&I))
        Work.push_back(MS);
    bool Changed = false;
    for (MemSetInst *MS : Work)
      Changed |= pierce(*MS);
    return Changed;
  }

private:
  bool pierce(MemSetInst &MS) {
    auto *Length = dyn_cast<ConstantInt>(MS.getLength());
    auto *Value = dyn_cast<ConstantInt>(MS.getValue());
    if (!Length || Length->getValue().ugt(4096) || !Value || !Value->isZero() ||
        MS.isVolatile() || MS.getDestAddressSpace() != 0 ||
        !mayBeInObject(MS.getRawDest()))
      return false;
    uint64_t Bytes = Length->getZExtValue();
    SmallVector<Range, 4> Holes;
    findHoles(MS, Bytes, Holes);
    if (Holes.empty())
      return false;
    llvm::sort(Holes);
    SmallVector<Range, 4> Pieces;
    uint64_t At = 0;
    for (auto [From, To] : Holes) {
      if (From > At)
        Pieces.push_back({At, From});
      At = std::max(At, To);
    }
    if (At < Bytes)
      Pieces.push_back({At, Bytes});
    if (Pieces.size() > PieceLimit)
      return false;
    remark(ORE, "NotZeroed", &MS,
           [&](auto &R) { R << "not zeroed where the next stores go"; });
    IRBuilder<> B(&MS);
    for (auto [From, To] : Pieces) {
      llvm::Value *P = MS.getRawDest();
      if (From)
        P = B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), P, From);
      B.CreateMemSet(P, Value, To - From,
                     commonAlignment(MS.getDestAlign().valueOrOne(), From));
    }
    MS.eraseFromParent();
    return true;
  }

  /// What stores behind \p MS overwrite, before anything else could see it.
  void findHoles(MemSetInst &MS, uint64_t Bytes,
                 SmallVectorImpl<Range> &Holes) {
    APInt Start(64, 0);
    const Value *Base = MS.getRawDest()->stripAndAccumulateConstantOffsets(
        DL, Start, /*AllowNonInbounds=*/true);
    SmallVector<MemoryLocation, 8> Reads;
    unsigned Left = ScanLimit;
    for (Instruction *I = MS.getNextNode(); I && Left--; I = I->getNextNode()) {
      if (!isStill(*I))
        return;
      if (I->mayReadFromMemory() && !getVerb(I)) {
        auto Location = MemoryLocation::getOrNone(I);
        if (!Location)
          return;
        Reads.push_back(*Location);
        continue;
      }
      auto *S = dyn_cast<StoreInst>(I);
      if (!S)
        continue;
      TypeSize Size = DL.getTypeStoreSize(S->getValueOperand()->getType());
      APInt End(64, 0);
      const Value *To =
          S->getPointerOperand()->stripAndAccumulateConstantOffsets(
              DL, End, /*AllowNonInbounds=*/true);
      if (To != Base || Size.isScalable())
        continue;
      int64_t From = (End - Start).getSExtValue();
      if (From < 0 || uint64_t(From) + Size > Bytes ||
          uint64_t(Size) < HoleBytes ||
          any_of(Reads, [&](const MemoryLocation &R) {
            return !AA.isNoAlias(R, MemoryLocation::get(S));
          }))
        continue;
      Holes.push_back({uint64_t(From), uint64_t(From) + Size});
    }
  }
};

} // namespace

PreservedAnalyses ZeroingPass::run(Function &F, FunctionAnalysisManager &FAM) {
  if (!reducesFlips(*F.getParent(), FlipPolicy::Zeroing) ||
      !Zeroing(F, FAM).run())
    return PreservedAnalyses::all();
  return PreservedAnalyses::none();
}

} // namespace perdure
