//===- Fold.cpp - Algebra of the early contract ---------------------------===//
//
// Each rule says in a comment what it rests on; docs/passes/Fold.md argues
// them at length and names the test that breaks without each.
//
//===----------------------------------------------------------------------===//

#include "Contract.h"
#include "Encoding.h"
#include "Passes.h"
#include "Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace perdure {

namespace {

bool isNull(Value *V) {
  auto *C = dyn_cast<Constant>(V);
  return C && C->isNullValue();
}

class Folder {
  OptimizationRemarkEmitter &ORE;
  /// Unreachable values may be built on themselves: they are left alone.
  const DominatorTree &DT;
  bool Changed = false;

public:
  Folder(OptimizationRemarkEmitter &ORE, const DominatorTree &DT)
      : ORE(ORE), DT(DT) {}

  bool run(Function &F) {
    bool Again = true;
    // Each rule removes a translation or a use of one, so this ends.
    while (Again) {
      Again = false;
      SmallVector<WeakTrackingVH, 16> Work;
      for (ContractCall &C : findContractCalls(F))
        if (DT.isReachableFromEntry(C.call()->getParent()))
          Work.push_back(C.call());
      for (WeakTrackingVH &V : Work)
        if (ContractCall C{V})
          Again |= fold(C);
      Changed |= Again;
    }
    return Changed;
  }

private:
  void tell(Instruction *I, StringRef What) {
    remark(ORE, "Folded", I, [&](auto &R) { R << What; });
  }

  /// Put \p New in the place of the call, which goes.
  bool replace(ContractCall C, Value *New, StringRef What) {
    CallBase *CB = C.call();
    tell(CB, What);
    if (New->getType() != CB->getType()) {
      IRBuilder<> B(CB);
      New = B.CreateBitOrPointerCast(New, CB->getType());
    }
    CB->replaceAllUsesWith(New);
    return erase(C);
  }

  static bool erase(ContractCall C) {
    SmallVector<WeakTrackingVH, 4> Dead;
    for (Value *Op : C.call()->args())
      if (isa<Instruction>(Op))
        Dead.push_back(Op);
    C.call()->eraseFromParent();
    RecursivelyDeleteTriviallyDeadInstructionsPermissive(Dead);
    return true;
  }

  bool fold(ContractCall C) {
    // An invoke would need its normal edge kept; none is worth it.
    if (!isa<CallInst>(C.call()) || C.call()->isMustTailCall())
      return false;
    const Encoding *E = C.encoding();
    if (!E)
      return false;
    switch (C.verb()) {
    case Verb::Decode:
      return foldDecode(C, *E) || foldNullTests(C, *E) ||
             foldVolatileWeb(C, *E);
    case Verb::Encode:
      return foldEncode(C, *E) || foldNullTests(C, *E);
    case Verb::Reencode:
      return foldReencode(C, *E) || foldNullTests(C, *E);
    }
    llvm_unreachable("unknown verb");
  }

  /// The translation that made \p V, when of the same encoding.
  static ContractCall producer(Value *V, const Encoding &E) {
    ContractCall P(stripTransparent(V));
    return P && P.encoding() == &E ? P : ContractCall();
  }

  static SmallVector<OperandBundleDef, 1> bundles(ContractCall C) {
    SmallVector<OperandBundleDef, 1> B;
    C.call()->getOperandBundlesAsDefs(B);
    return B;
  }

  bool foldDecode(ContractCall C, const Encoding &E) {
    if (C.call()->use_empty())
      return erase(C);
    if (isNull(C.bits()) && E.T.ZeroIsNull)
      return replace(C, C.bits(), "decode of null");
    // decode(encode(p, c), c) = p: what an encoding is.
    ContractCall P = producer(C.bits(), E);
    if (!P)
      return false;
    if (P.verb() == Verb::Encode &&
        sameContainer(E, P.container(), C.container()))
      return replace(C, P.pointer(), "decode of encode");
    // The bits at c1 lead where the bits at c0 led.
    if (P.verb() == Verb::Reencode && sameContainer(E, P.to(), C.container())) {
      IRBuilder<> B(C.call());
      return replace(C, createDecode(B, P.bits(), P.container(), E, bundles(C)),
                     "decode of re-encode");
    }
    return false;
  }

  bool foldEncode(ContractCall C, const Encoding &E) {
    if (isNull(C.pointer()) && E.T.ZeroIsNull)
      return replace(C, C.pointer(), "encode of null");
    // Nothing is stored, and encoding for volatile memory changes no FOT.
    if (C.call()->use_empty() && isNull(C.container()) && E.T.MovableInVolatile)
      return erase(C);
    ContractCall P = producer(C.pointer(), E);
    if (!P || P.verb() != Verb::Decode)
      return false;
    // One target and container, one value.
    if (E.T.Canonical && sameContainer(E, P.container(), C.container()))
      return replace(C, P.bits(), "encode of decode");
    // A copy: of bits that keep their meaning in one object it is less work
    // than an encode, whoever else wants the decode; of others only where
    // nobody does.
    if (E.T.Movable || all_of(P.call()->users(), [&](User *U) {
          return U == C.call() || (isa<FreezeInst>(U) && U->hasOneUse() &&
                                   *U->user_begin() == C.call());
        })) {
      IRBuilder<> B(C.call());
      return replace(C,
                     createReencode(B, P.bits(), P.container(), C.container(),
                                    C.old(), E, bundles(C)),
                     "copy through a native pointer");
    }
    return false;
  }

  bool foldReencode(ContractCall C, const Encoding &E) {
    if (isNull(C.bits()) && E.T.ZeroIsNull)
      return replace(C, C.bits(), "re-encode of null");
    // Right for an encoding that looks at old bits, too; but to choose by them
    // is what it is for.
    if (sameContainer(E, C.container(), C.to()) &&
        (!E.T.NeedsOldBits || C.container() == C.to()))
      return replace(C, C.bits(), "re-encode inside one object");
    if (C.call()->use_empty() && isNull(C.to()) && E.T.MovableInVolatile)
      return erase(C);
    ContractCall P = producer(C.bits(), E);
    if (!P)
      return false;
    IRBuilder<> B(C.call());
    if (P.verb() == Verb::Encode &&
        sameContainer(E, P.container(), C.container()))
      return replace(
          C, createEncode(B, P.pointer(), C.to(), C.old(), E, bundles(C)),
          "re-encode of encode");
    if (P.verb() == Verb::Reencode && sameContainer(E, P.to(), C.container()))
      return replace(C,
                     createReencode(B, P.bits(), P.container(), C.to(), C.old(),
                                    E, bundles(C)),
                     "re-encode of re-encode");
    return false;
  }

  /// Null has one representation: test the operand instead of the result.
  bool foldNullTests(ContractCall C, const Encoding &E) {
    if (!E.T.ZeroIsNull &&
        !(E.T.MovableInVolatile &&
          all_of(C.containerOperands(),
                 [&](unsigned N) { return isNull(C.call()->getArgOperand(N)); })))
      return false;
    bool Any = false;
    Value *In = C.call()->getArgOperand(0);
    for (User *U : make_early_inc_range(C.call()->users())) {
      auto *Cmp = dyn_cast<ICmpInst>(U);
      if (!Cmp || !Cmp->isEquality() || Cmp->getOperand(0) != C.call() ||
          !isNull(Cmp->getOperand(1)))
        continue;
      // The translation is of some value, whatever its operand is, and the test
      // is of the same.
      if (!isGuaranteedNotToBeUndefOrPoison(In)) {
        In = IRBuilder<>(C.call()).CreateFreeze(In);
        C.call()->setArgOperand(0, In);
      }
      tell(Cmp, "null test on the untranslated value");
      Cmp->setOperand(1, Constant::getNullValue(In->getType()));
      Cmp->setOperand(0, In);
      Any = true;
    }
    return Any;
  }

  /// A local that SROA has spread over phis and selects: every value that
  /// enters the web was encoded for volatile memory, every one that leaves is
  /// decoded from there. The web may as well carry native pointers.
  bool foldVolatileWeb(ContractCall Start, const Encoding &E);
};

bool Folder::foldVolatileWeb(ContractCall Start, const Encoding &E) {
  constexpr unsigned MaxWeb = 256; // linear below, but keep it bounded
  if (!E.T.MovableInVolatile || !isNull(Start.container()))
    return false;
  auto IsNode = [](Value *V) {
    return isa<PHINode, SelectInst, FreezeInst>(V) ||
           (isa<IntToPtrInst, PtrToIntInst>(V) && stripTransparent(V) != V);
  };
  auto *First = dyn_cast<Instruction>(Start.bits());
  if (!First || !IsNode(First))
    return false;

  SetVector<Instruction *> Web;
  SmallVector<ContractCall, 8> Sinks;
  SmallVector<ICmpInst *, 4> Tests;
  SmallSetVector<CallBase *, 8> Roots;
  Web.insert(First);
  for (unsigned I = 0; I != Web.size(); ++I) {
    if (Web.size() > MaxWeb)
      return false;
    Instruction *N = Web[I];
    if (!DT.isReachableFromEntry(N->getParent()))
      return false;
    unsigned FirstOp = isa<SelectInst>(N) ? 1 : 0;
    for (unsigned Op = FirstOp; Op != N->getNumOperands(); ++Op) {
      Value *V = N->getOperand(Op);
      if (IsNode(V)) {
        Web.insert(cast<Instruction>(V));
        continue;
      }
      if (isNull(V) || isa<UndefValue>(V))
        continue;
      ContractCall R(V);
      if (!R || R.encoding() != &E || !isa<CallInst>(R.call()))
        return false;
      bool Fits = (R.verb() == Verb::Encode && isNull(R.container())) ||
                  (R.verb() == Verb::Reencode && isNull(R.to()));
      if (!Fits)
        return false;
      Roots.insert(R.call());
    }
    for (User *U : N->users()) {
      if (IsNode(U)) {
        // The condition of a select is no place for a pointer.
        if (auto *S = dyn_cast<SelectInst>(U); S && S->getCondition() == N)
          return false;
        Web.insert(cast<Instruction>(U));
        continue;
      }
      if (auto *Cmp = dyn_cast<ICmpInst>(U)) {
        if (!Cmp->isEquality() || Cmp->getOperand(0) != N ||
            !isNull(Cmp->getOperand(1)))
          return false;
        Tests.push_back(Cmp);
        continue;
      }
      ContractCall S(U);
      if (!S || S.encoding() != &E || S.verb() == Verb::Encode ||
          !isa<CallInst>(S.call()) || !isNull(S.container()) || S.bits() != N)
        return false;
      for (unsigned A = 1; A != S.call()->arg_size(); ++A)
        if (S.call()->getArgOperand(A) == N)
          return false;
      Sinks.push_back(S);
    }
  }

  tell(Start.call(), "volatile local carried as a native pointer");
  Type *Ptr = Start.call()->getType();
  // Handles: a root may be the encode of a sink, which is replaced below.
  DenseMap<Value *, WeakTrackingVH> Native;
  for (CallBase *CB : Roots) {
    ContractCall R(CB);
    IRBuilder<> B(CB);
    if (R.verb() == Verb::Encode) {
      Value *P = R.pointer();
      Native[CB] = isGuaranteedNotToBeUndefOrPoison(P) ? P : B.CreateFreeze(P);
      continue;
    }
    Native[CB] = createDecode(B, R.bits(), R.container(), E, bundles(R));
  }
  // First the new nodes, then their operands: phis make cycles.
  for (Instruction *N : Web) {
    if (auto *P = dyn_cast<PHINode>(N))
      Native[N] =
          PHINode::Create(Ptr, P->getNumIncomingValues(), "", N->getIterator());
    else if (auto *S = dyn_cast<SelectInst>(N)) {
      // A freeze behind it, which vanishes, covers the condition too.
      Value *Which = S->getCondition(), *P = PoisonValue::get(Ptr);
      if (!isGuaranteedNotToBeUndefOrPoison(Which))
        Which = new FreezeInst(Which, "", N->getIterator());
      Native[N] = SelectInst::Create(Which, P, P, "", N->getIterator());
    } else {
      continue;
    }
    cast<Instruction>((Value *)Native[N])->setDebugLoc(N->getDebugLoc());
  }
  // Casts vanish, and so do freezes: the roots are frozen instead, an undef
  // one as null, since a freeze in a loop hides the null tests from later
  // passes.
  auto Get = [&](Value *V) -> Value * {
    while (isa<FreezeInst, IntToPtrInst, PtrToIntInst>(V))
      V = cast<Instruction>(V)->getOperand(0);
    if (Value *N = Native.lookup(V))
      return N;
    return Constant::getNullValue(Ptr);
  };
  for (Instruction *N : Web) {
    auto *New = cast_or_null<Instruction>((Value *)Native.lookup(N));
    if (!New)
      continue;
    if (auto *P = dyn_cast<PHINode>(N)) {
      for (unsigned I = 0; I != P->getNumIncomingValues(); ++I)
        cast<PHINode>(New)->addIncoming(Get(P->getIncomingValue(I)),
                                        P->getIncomingBlock(I));
    } else {
      New->setOperand(1, Get(N->getOperand(1)));
      New->setOperand(2, Get(N->getOperand(2)));
    }
  }
  for (ICmpInst *Cmp : Tests) {
    Value *N = Get(Cmp->getOperand(0));
    Cmp->setOperand(1, Constant::getNullValue(Ptr));
    Cmp->setOperand(0, N);
  }
  for (ContractCall S : Sinks) {
    Value *P = Get(S.bits());
    if (S.verb() == Verb::Decode) {
      S.call()->replaceAllUsesWith(P);
    } else {
      IRBuilder<> B(S.call());
      S.call()->replaceAllUsesWith(
          createEncode(B, P, S.to(), S.old(), E, bundles(S)));
    }
    S.call()->eraseFromParent();
  }
  // The old web is used by itself alone now.
  for (Instruction *N : Web)
    N->replaceAllUsesWith(PoisonValue::get(N->getType()));
  for (Instruction *N : Web)
    N->eraseFromParent();
  return true;
}

} // namespace

PreservedAnalyses FoldPass::run(Function &F, FunctionAnalysisManager &AM) {
  if (F.hasOptNone())
    return PreservedAnalyses::all();
  auto &ORE = AM.getResult<OptimizationRemarkEmitterAnalysis>(F);
  if (!Folder(ORE, AM.getResult<DominatorTreeAnalysis>(F)).run(F))
    return PreservedAnalyses::all();
  PreservedAnalyses PA;
  PA.preserveSet<CFGAnalyses>();
  return PA;
}

} // namespace perdure
