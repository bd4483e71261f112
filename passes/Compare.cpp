//===- Compare.cpp - Pointers that are only compared ----------------------===//
//
// Two pointers that were read from one object, and whose use is one comparison,
// are equal where their bits are: neither is decoded. Not the other way round
// for every encoding: a pointer that is bound by name and one by ID may lead to
// one object. Where the bits leave that open (Encoding::emitAmbiguous), a cold
// block decodes both, as the program says.
//
// Last before expansion, since it makes blocks. Right, because the decodes that
// go are willreturn and memory(none), and those in the cold block run where the
// comparison did, with the same operands.
//
//===----------------------------------------------------------------------===//

#include "Contract.h"
#include "Encoding.h"
#include "Passes.h"
#include "Remarks.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/EHPersonalities.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace perdure {

/// The two decodes that \p Cmp compares, when bits can tell.
static bool match(ICmpInst &Cmp, ContractCall &A, ContractCall &B) {
  if (!Cmp.isEquality())
    return false;
  A = ContractCall(Cmp.getOperand(0));
  B = ContractCall(Cmp.getOperand(1));
  const Encoding *E = A ? A.encoding() : nullptr;
  return E && E->T.Canonical && B && A.verb() == Verb::Decode &&
         B.verb() == Verb::Decode && B.encoding() == E &&
         isa<CallInst>(A.call()) && isa<CallInst>(B.call()) &&
         sameContainer(*E, A.container(), B.container());
}

/// Whether comparisons that match are all that \p Decode is for.
static bool isOnlyCompared(ContractCall Decode) {
  return all_of(Decode.call()->users(), [](User *U) {
    auto *Cmp = dyn_cast<ICmpInst>(U);
    ContractCall A, B;
    return Cmp && match(*Cmp, A, B);
  });
}

static void compareBits(ICmpInst &Cmp, ContractCall A, ContractCall B) {
  const Encoding &E = *A.encoding();
  IRBuilder<> Builder(&Cmp);
  auto Frozen = [&](Value *V) -> Value * {
    return isa<FreezeInst>(V) ? V : Builder.CreateFreeze(V);
  };
  Value *X = Frozen(A.bits()), *Y = Frozen(B.bits());
  Value *ByBits = Builder.CreateICmp(Cmp.getPredicate(), X, Y);
  Value *Ambiguous = E.emitAmbiguous(Builder, X, Y);
  if (!Ambiguous) {
    Cmp.replaceAllUsesWith(ByBits);
    Cmp.eraseFromParent();
    return;
  }
  // Equal bits lead to one target whatever they are.
  Value *Slow = Builder.CreateAnd(Ambiguous, Builder.CreateICmpNE(X, Y));
  BasicBlock *Head = Cmp.getParent();
  Instruction *End = SplitBlockAndInsertIfThen(
      Slow, &Cmp, /*Unreachable=*/false,
      MDBuilder(Cmp.getContext()).createUnlikelyBranchWeights());
  Builder.SetInsertPoint(End);
  Value *P = createDecode(Builder, X, A.container(), E);
  Value *Q = createDecode(Builder, Y, B.container(), E);
  Value *Decoded = Builder.CreateICmp(Cmp.getPredicate(), P, Q);
  Builder.SetInsertPoint(&Cmp);
  PHINode *Result = Builder.CreatePHI(Cmp.getType(), 2);
  Result->addIncoming(ByBits, Head);
  Result->addIncoming(Decoded, End->getParent());
  Cmp.replaceAllUsesWith(Result);
  Cmp.eraseFromParent();
}

bool compareByBits(Function &F, OptimizationRemarkEmitter &ORE) {
  // The cold block's calls would have to name the funclet that they stand in.
  if (F.hasPersonalityFn() &&
      isScopedEHPersonality(classifyEHPersonality(F.getPersonalityFn())))
    return false;
  SmallVector<ICmpInst *, 8> Work;
  for (Instruction &I : instructions(F))
    if (auto *Cmp = dyn_cast<ICmpInst>(&I)) {
      ContractCall A, B;
      if (match(*Cmp, A, B) && isOnlyCompared(A) && isOnlyCompared(B))
        Work.push_back(Cmp);
    }
  for (ICmpInst *Cmp : Work) {
    ContractCall A, B;
    match(*Cmp, A, B);
    remark(ORE, "Folded", Cmp,
           [](auto &R) { R << "comparison of the untranslated values"; });
    compareBits(*Cmp, A, B);
    SmallSetVector<CallBase *, 2> Decodes;
    Decodes.insert(A.call());
    Decodes.insert(B.call());
    for (CallBase *CB : Decodes)
      if (CB->use_empty())
        CB->eraseFromParent();
  }
  return !Work.empty();
}

} // namespace perdure
