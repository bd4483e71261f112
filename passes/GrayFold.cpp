//===- GrayFold.cpp - Algebra of the Gray code ----------------------------===//
//
// Each rule rests on what Gray.h says of the two functions, and has a case in
// test/Passes/gray.ll.
//
//===----------------------------------------------------------------------===//

#include "Gray.h"
#include "GrayCalls.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace perdure {

/// Compares codes in the place of the numbers they stand for.
static bool foldComparison(ICmpInst &Cmp, CallInst &Decode) {
  unsigned Side = Cmp.getOperand(0) == &Decode ? 0 : 1;
  Value *Other = Cmp.getOperand(1 - Side), *New = nullptr;
  const APInt *N;
  if (Cmp.isEquality()) {
    // One to one: equal numbers, equal codes.
    if (match(Other, m_APInt(N)))
      New = ConstantInt::get(Other->getType(), grayOf(*N));
    else if (grayVerb(Other) == GrayVerb::Decode)
      New = cast<CallInst>(Other)->getArgOperand(0);
  } else if (Side == 0 && ((Cmp.getPredicate() == ICmpInst::ICMP_SLT &&
                            match(Other, m_Zero())) ||
                           (Cmp.getPredicate() == ICmpInst::ICMP_SGT &&
                            match(Other, m_AllOnes())))) {
    // The highest bit, which is the sign, stays.
    New = Other;
  }
  if (!New)
    return false;
  Cmp.setOperand(Side, Decode.getArgOperand(0));
  Cmp.setOperand(1 - Side, New);
  return true;
}

static bool fold(CallInst &Call) {
  GrayVerb Verb = *grayVerb(&Call);
  Value *V = Call.getArgOperand(0), *New = nullptr;
  const APInt *N;
  if (match(V, m_APInt(N)))
    New = ConstantInt::get(
        V->getType(), Verb == GrayVerb::Encode ? grayOf(*N) : numberOfGray(*N));
  else if (isa<UndefValue>(V))
    New = V; // onto: an arbitrary code is that of an arbitrary number
  else if (std::optional<GrayVerb> Inner = grayVerb(V); Inner && Inner != Verb)
    New = cast<CallInst>(V)->getArgOperand(0); // inverses
  if (New) {
    Call.replaceAllUsesWith(New);
    Call.eraseFromParent();
    if (grayVerb(V) && V->use_empty())
      cast<CallInst>(V)->eraseFromParent();
    return true;
  }
  bool Changed = false;
  if (Verb == GrayVerb::Decode)
    for (User *U : make_early_inc_range(Call.users()))
      if (auto *Cmp = dyn_cast<ICmpInst>(U))
        Changed |= foldComparison(*Cmp, Call);
  if (Changed && Call.use_empty())
    Call.eraseFromParent();
  return Changed;
}

PreservedAnalyses GrayFoldPass::run(Function &F, FunctionAnalysisManager &) {
  if (F.hasOptNone())
    return PreservedAnalyses::all();
  bool Changed = false;
  SmallVector<WeakTrackingVH, 8> Work;
  for (CallInst *Call : findGrayCalls(F))
    Work.push_back(Call);
  for (WeakTrackingVH &V : Work)
    if (V && grayVerb(V))
      Changed |= fold(*cast<CallInst>(V));
  if (!Changed)
    return PreservedAnalyses::all();
  PreservedAnalyses PA;
  PA.preserveSet<CFGAnalyses>();
  return PA;
}

} // namespace perdure
