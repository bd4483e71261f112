//===- Lower.cpp - Early contract to machine-ready IR ---------------------===//
//
// Each call of the contract is replaced by what its encoding emits. Blocks are
// split at the call; everything after it, terminators and musttail calls
// included, moves to the second half unchanged.
//
//===----------------------------------------------------------------------===//

#include "Lower.h"
#include "BaseCalls.h"
#include "Bases.h"
#include "Contract.h"
#include "Emitter.h"
#include "Encoding.h"
#include "Passes.h"
#include "Remarks.h"
#include "Sites.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/CorrelatedValuePropagation.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/GVN.h"
#include "llvm/Transforms/Scalar/JumpThreading.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/SimpleLoopUnswitch.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/PromoteMemToReg.h"

using namespace llvm;

namespace perdure {

Config Config::get(const Module &M) {
  Config C;
  auto Flag = [&](StringRef Name) {
    return mdconst::extract_or_null<ConstantInt>(M.getModuleFlag(Name));
  };
  if (auto *Bits = Flag("perdure.slot.bits"))
    C.SlotBits = Bits->getZExtValue();
  if (auto *On = Flag("perdure.callbacks"))
    C.Callbacks = !On->isZero();
  if (auto *Off = Flag("perdure.no.bases"))
    C.CarriesBases = Off->isZero();
  C.LowAddresses = M.getPICLevel() == PICLevel::NotPIC &&
                   M.getPIELevel() == PIELevel::Default;
  return C;
}

namespace {

class Lowerer {
  const Config &C;
  WhereTable &Wheres;
  Bases &Carried;
  const Notes &Fields;
  OptimizationRemarkEmitter &ORE;
  Emitter::Shape Inline = Emitter::Shape::Compact;
  KeptWords Kept;

public:
  Lowerer(const Config &C, WhereTable &Wheres, Bases &Carried,
          const Notes &Fields, OptimizationRemarkEmitter &ORE)
      : C(C), Wheres(Wheres), Carried(Carried), Fields(Fields), ORE(ORE) {}

  /// \p Looped: the blocks in loops, where inline code pays.
  void run(Function &F, const SmallPtrSetImpl<BasicBlock *> &Looped) {
    SmallVector<std::pair<ContractCall, Emitter::Shape>, 8> Work;
    for (ContractCall &Call : findContractCalls(F)) {
      auto Inline = Emitter::Shape::Compact;
      if (!F.hasMinSize() && !F.hasOptNone())
        Inline = Looped.count(Call.call()->getParent()) ? Emitter::Shape::Full
                                                        : Emitter::Shape::Short;
      Work.push_back({Call, Inline});
    }
    for (auto &[Call, Shape] : Work) {
      Inline = Shape;
      lower(Call);
    }
    if (Kept.empty())
      return;
    DominatorTree DT(F);
    PromoteMemToReg(Kept, DT);
  }

private:
  static void error(Instruction &I, const Twine &Message) {
    I.getContext().diagnose(
        DiagnosticInfoUnsupported(*I.getFunction(), Message, I.getDebugLoc()));
  }

  /// The numbers that \p V may be, when all are constants.
  static bool findNumbers(Value *V, SmallSetVector<ConstantInt *, 4> &Numbers) {
    SmallSetVector<Value *, 8> Work;
    Work.insert(V);
    for (unsigned I = 0; I != Work.size(); ++I) {
      if (auto *N = dyn_cast<ConstantInt>(Work[I])) {
        Numbers.insert(N);
      } else if (auto *P = dyn_cast<PHINode>(Work[I])) {
        for (Value *In : P->incoming_values())
          Work.insert(In);
      } else if (auto *S = dyn_cast<SelectInst>(Work[I])) {
        Work.insert(S->getTrueValue());
        Work.insert(S->getFalseValue());
      } else {
        return false;
      }
    }
    return true;
  }

  /// SimplifyCFG merges the calls of two branches, whose encodings may differ:
  /// one call for each again, in place of \p Call.
  bool split(ContractCall Call) {
    SmallSetVector<ConstantInt *, 4> Numbers;
    CallBase *CB = Call.call();
    Value *Which = Call.encodingOperand();
    if (isa<ConstantInt>(Which) || !isa<CallInst>(CB) ||
        !findNumbers(Which, Numbers) || Numbers.empty())
      return false;
    BasicBlock *Head = CB->getParent(),
               *Tail = Head->splitBasicBlock(CB, "perdure.merged");
    Instruction *Br = Head->getTerminator();
    IRBuilder<> B(Br);
    auto *Result =
        PHINode::Create(CB->getType(), Numbers.size(), "", Tail->begin());
    SwitchInst *Switch = nullptr;
    for (ConstantInt *N : Numbers) {
      auto *BB = BasicBlock::Create(CB->getContext(), "perdure.encoding",
                                    Head->getParent(), Tail);
      if (Switch)
        Switch->addCase(N, BB);
      else
        Switch = B.CreateSwitch(Which, BB, Numbers.size() - 1);
      auto *Clone = cast<CallBase>(CB->clone());
      Clone->setArgOperand(Clone->arg_size() - 1, N);
      Clone->insertInto(BB, BB->end());
      BranchInst::Create(Tail, BB);
      Result->addIncoming(Clone, BB);
      lower(ContractCall(Clone));
    }
    Br->eraseFromParent();
    CB->replaceAllUsesWith(Result);
    CB->eraseFromParent();
    return true;
  }

  void lower(ContractCall Call) {
    CallBase *CB = Call.call();
    const Encoding *Enc = Call.encoding();
    if (!Enc && split(Call))
      return;
    if (!Enc) {
      error(*CB, isa<ConstantInt>(Call.encodingOperand())
                     ? "perdure: this build knows no such encoding"
                     : "perdure: the encoding must be a constant");
      CB->replaceAllUsesWith(PoisonValue::get(CB->getType()));
      if (auto *II = dyn_cast<InvokeInst>(CB))
        CB = changeToCall(II);
      CB->eraseFromParent();
      return;
    }
    // A C++ header's declaration may not be known not to throw.
    if (auto *II = dyn_cast<InvokeInst>(CB)) {
      CB = changeToCall(II);
      Call = ContractCall(CB);
    }
    tell(Call);
    Emitter E(*CB, C, Wheres, Carried, Kept, Inline);
    Value *R = nullptr;
    switch (Call.verb()) {
    case Verb::Decode: {
      Value *Bits = freeze(E, Call.bits());
      DecodeParts Wanted = Carried.wanted(*CB);
      // Fold has put the bits in the place of the pointer where 0 is null.
      SmallVector<ICmpInst *, 2> Tests = findNullTests(*CB);
      Wanted.IsNull = !Enc->T.ZeroIsNull && !Tests.empty();
      if (!Wanted.Base && !Wanted.IsNull) {
        R = Enc->emitDecode(E, Bits, Call.container());
        break;
      }
      Decoded D = Enc->emitDecodeParts(E, Bits, Call.container(), Wanted);
      if (Wanted.Base)
        Carried.give(*CB, D);
      if (D.IsNull)
        answer(E, Tests, D.IsNull);
      R = D.Pointer;
      break;
    }
    case Verb::Encode:
      R = Enc->emitEncode(E, freeze(E, Call.pointer()), Call.container(),
                          Call.old());
      break;
    case Verb::Reencode:
      R = Enc->emitReencode(E, freeze(E, Call.bits()), Call.container(),
                            Call.to(), Call.old());
      break;
    }
    if (isa<Instruction>(R) && !R->hasName())
      R->takeName(CB);
    CB->replaceAllUsesWith(R);
    E.finish();
    WeakTrackingVH Old = Call.verb() == Verb::Decode ? nullptr : Call.old();
    CB->eraseFromParent();
    // The expansion may have asked again where it needs the answer.
    if (Old)
      RecursivelyDeleteTriviallyDeadInstructions(Old);
  }

  static SmallVector<ICmpInst *, 2> findNullTests(CallBase &Decode) {
    SmallVector<ICmpInst *, 2> Tests;
    for (User *U : Decode.users())
      if (auto *Test = dyn_cast<ICmpInst>(U);
          Test && Test->isEquality() && Test->getOperand(0) == &Decode &&
          isa<ConstantPointerNull>(Test->getOperand(1)))
        Tests.push_back(Test);
    return Tests;
  }

  /// What is known of null by the way that a decode has taken, in the place of
  /// tests of the pointer: of a sum of base and offset LLVM does not know that
  /// it is not null.
  static void answer(Emitter &E, ArrayRef<ICmpInst *> Tests, Value *IsNull) {
    for (ICmpInst *Test : Tests) {
      bool Is = Test->getPredicate() == ICmpInst::ICMP_EQ;
      Test->replaceAllUsesWith(Is ? IsNull : E.B.CreateNot(IsNull));
      Test->eraseFromParent();
    }
  }

  /// Remarks: what becomes of this translation, and of which field where debug
  /// info tells.
  void tell(ContractCall Call) {
    static constexpr StringLiteral Verbs[] = {"decode", "encode", "re-encode"};
    CallBase *CB = Call.call();
    std::string What = Verbs[unsigned(Call.verb())].str();
    const DILocation *Loc = placeOf(*CB);
    if (StringRef Field =
            Loc ? Fields.lookup(*Loc, 8, Call.verb() != Verb::Decode) : "";
        !Field.empty())
      What += (" of " + Field).str();
    auto Done = [&](StringRef How) {
      remark(ORE, "Lowered", CB, [&](auto &R) { R << What << ": " << How; });
    };
    auto Left = [&](StringRef How) {
      missed(ORE, "Lowered", CB, [&](auto &R) { R << What << ": " << How; });
    };
    if (!Call.encoding()->tracksBases())
      return Done(("encoding " + Call.encoding()->Name).str());
    if (any_of(Call.containerOperands(), [&](unsigned N) {
          return isa<ConstantPointerNull>(CB->getArgOperand(N));
        }))
      return Done("volatile memory");
    bool LooksAtOld = Call.encoding()->T.NeedsOldBits;
    if (Call.verb() == Verb::Reencode && !LooksAtOld)
      return Done("a copy of bits behind one test");
    if (Call.verb() != Verb::Decode)
      return Left(LooksAtOld
                      ? "window, slot and what the container held are tested"
                      : "window and slot are tested");
    if (Carried.wanted(*CB).Offset)
      return Done("goes on as base and offset");
    if (Carried.find(Call.container()))
      return Done("takes the base of the one before");
    Left("the base is masked out of the container");
  }

  /// The expansion branches on it.
  static Value *freeze(Emitter &E, Value *V) {
    return isGuaranteedNotToBeUndefOrPoison(V) ? V : E.B.CreateFreeze(V);
  }
};

/// The optimisers that have already run saw calls; what they would do with the
/// branches and masks of the expansion is worth a second look, in the functions
/// that have any.
FunctionPassManager buildCleanup(OptimizationLevel Level, bool Unswitch) {
  FunctionPassManager FPM;
  if (Level == OptimizationLevel::O0)
    return FPM;
  FPM.addPass(EarlyCSEPass(/*UseMemorySSA=*/true));
  FPM.addPass(JumpThreadingPass());
  FPM.addPass(CorrelatedValuePropagationPass());
  FPM.addPass(SimplifyCFGPass());
  FPM.addPass(InstCombinePass());
  if (Level == OptimizationLevel::O1)
    return FPM;
  FPM.addPass(GVNPass());
  LoopPassManager LPM;
  LPM.addPass(LICMPass(LICMOptions()));
  if (Unswitch)
    LPM.addPass(SimpleLoopUnswitchPass(/*NonTrivial=*/true));
  FPM.addPass(createFunctionToLoopPassAdaptor(std::move(LPM),
                                              /*UseMemorySSA=*/true));
  FPM.addPass(JumpThreadingPass());
  FPM.addPass(SimplifyCFGPass());
  return FPM;
}

/// Whether a loop stores pointers and follows none. Which slot its arrays lie
/// in does not change in it: with one test before it, and a loop for each
/// answer, copying and filling vectorise. A loop that decodes would only be
/// longer (measured: graph search 18.0 to 19.3 instructions an edge).
bool hasLoopOfStores(LoopInfo &LI) {
  return any_of(LI.getLoopsInPreorder(), [](Loop *L) {
    bool Stores = false, Follows = false;
    for (BasicBlock *BB : L->blocks())
      for (Instruction &I : *BB)
        if (std::optional<Verb> V = getVerb(&I))
          (*V == Verb::Decode ? Follows : Stores) = true;
    return Stores && !Follows;
  });
}

} // namespace

PreservedAnalyses LowerPass::run(Module &M, ModuleAnalysisManager &AM) {
  Config C = Config::get(M);
  WhereTable Wheres;
  Notes Fields(M);
  bool Changed = false;
  auto &FAM = AM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
  FunctionPassManager Cleanup = buildCleanup(Level, false);
  FunctionPassManager CleanupLoops = buildCleanup(Level, true);
  for (Function &F : M) {
    if (F.isDeclaration())
      continue;
    if (!hasContractCalls(F)) {
      Changed |= lowerBaseCalls(F, C);
      continue;
    }
    if (C.CarriesBases && leadBackBases(F))
      FAM.invalidate(F, PreservedAnalyses::none());
    Bases Carried(C);
    SmallPtrSet<BasicBlock *, 16> Looped;
    bool Unswitch = false;
    if (!F.hasOptNone() &&
        compareByBits(F, FAM.getResult<OptimizationRemarkEmitterAnalysis>(F)))
      FAM.invalidate(F, PreservedAnalyses::none());
    if (!F.hasMinSize() && !F.hasOptNone()) {
      auto &LI = FAM.getResult<LoopAnalysis>(F);
      for (BasicBlock &BB : F)
        if (LI.getLoopFor(&BB))
          Looped.insert(&BB);
      Unswitch = !F.hasOptSize() && hasLoopOfStores(LI);
      // What looks like a local of a presplit coroutine may be in its frame.
      if (!C.Callbacks && C.CarriesBases && !F.isPresplitCoroutine())
        Carried.carry(F, FAM.getResult<DominatorTreeAnalysis>(F), LI);
    }
    Lowerer(C, Wheres, Carried, Fields,
            FAM.getResult<OptimizationRemarkEmitterAnalysis>(F))
        .run(F, Looped);
    lowerBaseCalls(F, C);
    F.addFnAttr(LoweredAttribute);
    Changed = true;
    FAM.invalidate(F, PreservedAnalyses::none());
    if (!F.hasOptNone() && !F.isPresplitCoroutine())
      (Unswitch ? CleanupLoops : Cleanup).run(F, FAM);
  }
  for (Function *F : {findContractFunction(M, Verb::Decode),
                      findContractFunction(M, Verb::Encode),
                      findContractFunction(M, Verb::Reencode),
                      findBaseFunction(M)})
    if (F) {
      if (F->use_empty()) {
        F->eraseFromParent();
        Changed = true;
      } else {
        M.getContext().diagnose(DiagnosticInfoGeneric(
            "perdure: '" + F->getName() + "' may only be called", DS_Error));
      }
    }
  return Changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace perdure
