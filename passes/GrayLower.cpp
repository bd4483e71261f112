//===- GrayLower.cpp - Gray code to shifts and exclusive ors --------------===//
//
// encode:  N ^ N >> 1                                        3 instructions
// decode:  G ^= G >> 1, 2, 4 ... W/2        3 * log2(W) instructions, a chain
//
// A number that is loaded, changed by one and stored needs neither: its code
// flips one bit, which the code itself tells. Bit I of the codes flips between
// N and N + 1 where N ends in 0 and I ones, and so N + 1 in 1 and I zeroes. For
// I = 0, from an even N up or an odd N down, that is bit 0. For I > 0 the codes
// of both have their lowest set bit at I - 1, so it is the bit above the lowest
// one set. N is odd where its code has an odd number of bits set. All ones is
// next to 0 modulo 2^W: between them the highest bit flips, which is what no
// bit above stands for, in the code of all ones (the highest bit alone) and in
// that of 0.
//
//===----------------------------------------------------------------------===//

#include "Gray.h"
#include "GrayCalls.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace perdure {

/// The code after a step by one from \p Code.
static Value *step(IRBuilderBase &B, Value *Code, bool Up) {
  Type *T = Code->getType();
  Constant *Zero = ConstantInt::get(T, 0), *One = ConstantInt::get(T, 1);
  // Several uses, which must agree.
  Code = B.CreateFreeze(Code);
  Value *Count = B.CreateUnaryIntrinsic(Intrinsic::ctpop, Code);
  Value *Odd = B.CreateTrunc(Count, B.getInt1Ty());
  Value *Lowest = B.CreateAnd(Code, B.CreateNeg(Code));
  Value *Above = B.CreateShl(Lowest, 1);
  Above = B.CreateSelect(
      B.CreateICmpEQ(Above, Zero),
      ConstantInt::get(T, APInt::getSignMask(T->getIntegerBitWidth())), Above);
  Value *Bit =
      Up ? B.CreateSelect(Odd, Above, One) : B.CreateSelect(Odd, One, Above);
  return B.CreateXor(Code, Bit);
}

static Value *expand(CallInst &Call) {
  IRBuilder<> B(&Call);
  Value *V = Call.getArgOperand(0);
  if (grayVerb(&Call) == GrayVerb::Decode) {
    for (unsigned Shift = 1; Shift < V->getType()->getIntegerBitWidth();
         Shift *= 2)
      V = B.CreateXor(V, B.CreateLShr(V, Shift));
    return V;
  }
  Value *Number;
  const APInt *N;
  if (match(V, m_OneUse(m_Add(m_OneUse(m_Value(Number)), m_APInt(N)))) &&
      grayVerb(Number) == GrayVerb::Decode && (N->isOne() || N->isAllOnes()) &&
      N->getBitWidth() > 1)
    return step(B, cast<CallInst>(Number)->getArgOperand(0), N->isOne());
  return B.CreateXor(V, B.CreateLShr(V, 1));
}

PreservedAnalyses GrayLowerPass::run(Module &M, ModuleAnalysisManager &AM) {
  bool Changed = false;
  auto &FAM = AM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
  for (Function &F : M) {
    SmallVector<WeakTrackingVH, 8> Work;
    // The steps first, while the decodes that they make needless are there.
    SmallVector<CallInst *, 8> Calls = findGrayCalls(F);
    for (GrayVerb Verb : {GrayVerb::Encode, GrayVerb::Decode})
      for (CallInst *Call : Calls)
        if (grayVerb(Call) == Verb)
          Work.push_back(Call);
    for (WeakTrackingVH &V : Work) {
      if (!V)
        continue; // a decode that nobody needs any more
      auto *Call = cast<CallInst>(V);
      Value *Operand = Call->getArgOperand(0);
      Call->replaceAllUsesWith(expand(*Call));
      Call->eraseFromParent();
      // A step leaves a sum that nobody needs, and the number in it.
      auto *Sum = dyn_cast<BinaryOperator>(Operand);
      if (!Sum || !Sum->use_empty())
        continue;
      Value *Number = Sum->getOperand(0);
      Sum->eraseFromParent();
      if (grayVerb(Number) && Number->use_empty())
        cast<CallInst>(Number)->eraseFromParent();
    }
    if (!Work.empty()) {
      Changed = true;
      FAM.invalidate(F, PreservedAnalyses::none());
    }
  }
  for (Function &F : make_early_inc_range(M))
    if (F.isDeclaration() && F.use_empty() &&
        F.getName().starts_with("perdure.gray.")) {
      F.eraseFromParent();
      Changed = true;
    }
  return Changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace perdure
