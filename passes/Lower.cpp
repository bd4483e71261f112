//===- Lower.cpp - Early contract to machine-ready IR ---------------------===//
//
// Each call of the contract is replaced by what its encoding emits. Blocks are
// split at the call; everything after it, terminators and musttail calls
// included, moves to the second half unchanged.
//
//===----------------------------------------------------------------------===//

#include "Lower.h"
#include "Contract.h"
#include "Emitter.h"
#include "Encoding.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Local.h"

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
  return C;
}

namespace {

class Lowerer {
  const Config &C;
  WhereTable &Wheres;

public:
  Lowerer(const Config &C, WhereTable &Wheres) : C(C), Wheres(Wheres) {}

  bool run(Function &F) {
    SmallVector<ContractCall, 8> Calls = findContractCalls(F);
    for (ContractCall &Call : Calls)
      lower(Call);
    return !Calls.empty();
  }

private:
  static void error(Instruction &I, const Twine &Message) {
    I.getContext().diagnose(DiagnosticInfoUnsupported(
        *I.getFunction(), Message, I.getDebugLoc()));
  }

  void lower(ContractCall Call) {
    CallBase *CB = Call.call();
    const Encoding *Enc = Call.encoding();
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
    Function &F = *CB->getFunction();
    Emitter E(*CB, C, Wheres, F.hasMinSize() || F.hasOptNone());
    Value *R = nullptr;
    switch (Call.verb()) {
    case Verb::Decode:
      R = Enc->emitDecode(E, freeze(E, Call.bits()), Call.container());
      break;
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
    CB->eraseFromParent();
  }

  /// The expansion branches on it.
  static Value *freeze(Emitter &E, Value *V) {
    return isGuaranteedNotToBeUndefOrPoison(V) ? V : E.B.CreateFreeze(V);
  }
};

} // namespace

PreservedAnalyses LowerPass::run(Module &M, ModuleAnalysisManager &) {
  Config C = Config::get(M);
  WhereTable Wheres;
  bool Changed = false;
  for (Function &F : M)
    if (!F.isDeclaration())
      Changed |= Lowerer(C, Wheres).run(F);
  for (Verb V : {Verb::Decode, Verb::Encode, Verb::Reencode})
    if (Function *F = findContractFunction(M, V)) {
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
