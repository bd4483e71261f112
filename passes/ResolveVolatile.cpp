//===- ResolveVolatile.cpp - Containers outside every object --------------===//
//
// A container inside an alloca, a global (thread-local ones too) or a byval
// argument lies in volatile memory. It becomes the constant null, which is
// outside every object as well: the bits keep their volatile format, so code
// that reaches the same memory by another way still agrees, but the contract
// no longer holds the local's address, so SROA can make it a register, and two
// translations cancel whichever locals they name.
//
// Nothing is resolved in a presplit coroutine: what is an alloca there may
// become part of a frame, and the frame may lie in an object. Where a function
// has been resolved, its locals are kept out of frames: it may yet be inlined
// into a coroutine, and a call that throws leaves no end of their lifetime there.
//
// Other containers are led back to the pointer that their inbounds GEPs start
// from. An inbounds GEP stays inside one allocated object in LLVM's sense, and
// that never spans slots; so the fields of a structure share one container,
// and one mask. So are they from slot bases, which say no more.
//
//===----------------------------------------------------------------------===//

#include "BaseCalls.h"
#include "Contract.h"
#include "Encoding.h"
#include "Passes.h"
#include "Remarks.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace perdure {

static bool isVolatile(Value *Container) {
  SmallVector<const Value *, 4> Objects;
  // Unlimited look-up: a cut-off here costs a register later.
  getUnderlyingObjects(Container, Objects, nullptr, /*MaxLookup=*/0);
  return all_of(Objects, [](const Value *O) {
    if (isa<AllocaInst, GlobalVariable>(O))
      return true;
    auto *A = dyn_cast<Argument>(O);
    return A && A->hasByValAttr();
  });
}

/// The locals of a function are gone before any coroutine that it is inlined
/// into suspends, whatever their lifetime markers say.
static bool keepOutOfFrames(Function &F) {
  bool Changed = false;
  for (Instruction &I : instructions(F)) {
    if (!isa<AllocaInst>(I) ||
        I.hasMetadata(LLVMContext::MD_coro_outside_frame))
      continue;
    I.setMetadata(LLVMContext::MD_coro_outside_frame,
                  MDNode::get(F.getContext(), {}));
    Changed = true;
  }
  return Changed;
}

/// In volatile memory nothing depends on what the container held.
static bool dropOld(ContractCall Call, const Encoding &E) {
  if (Call.verb() == Verb::Decode || !E.T.MovableInVolatile ||
      isa<ConstantInt>(Call.old()) ||
      !isa<ConstantPointerNull>(Call.target()))
    return false;
  Call.call()->setArgOperand(Call.call()->arg_size() - 2,
                             ConstantInt::get(Call.old()->getType(), 0));
  return true;
}

PreservedAnalyses ResolveVolatilePass::run(Function &F,
                                           FunctionAnalysisManager &AM) {
  if (F.isPresplitCoroutine())
    return PreservedAnalyses::all();
  auto &ORE = AM.getResult<OptimizationRemarkEmitterAnalysis>(F);
  auto &DT = AM.getResult<DominatorTreeAnalysis>(F);
  bool Resolved = false;
  bool Carries = Config::get(*F.getParent()).CarriesBases;
  bool Changed = Carries && leadBackBases(F);
  for (ContractCall &Call : findContractCalls(F)) {
    const Encoding *E = Call.encoding();
    // Unreachable containers may be built on themselves.
    if (!E || !DT.isReachableFromEntry(Call.call()->getParent()))
      continue;
    for (unsigned N : Call.containerOperands()) {
      Value *C = Call.call()->getArgOperand(N);
      if (isa<ConstantPointerNull>(C)) {
        Resolved = true;
        continue;
      }
      Value *New = C;
      if (E->T.MovableInVolatile && isVolatile(C)) {
        Resolved = true;
        New = ConstantPointerNull::get(cast<PointerType>(C->getType()));
        remark(ORE, "ResolvedVolatile", Call.call(), [](auto &R) {
          R << "container is volatile memory";
        });
      } else if (E->T.Movable && Carries) {
        New = C->stripInBoundsOffsets();
      }
      // What lies behind a cast between address spaces is no container.
      if (New == C || New->getType() != C->getType())
        continue;
      Call.call()->setArgOperand(N, New);
      Changed = true;
    }
    Changed |= dropOld(Call, *E);
  }
  // Each time: what SROA splits are new allocas.
  if (Resolved)
    Changed |= keepOutOfFrames(F);
  if (!Changed)
    return PreservedAnalyses::all();
  PreservedAnalyses PA;
  PA.preserveSet<CFGAnalyses>();
  return PA;
}

} // namespace perdure
