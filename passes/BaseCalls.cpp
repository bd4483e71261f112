//===- BaseCalls.cpp - Slot bases that a front end asks for ---------------===//

#include "BaseCalls.h"
#include "Contract.h"
#include "Emitter.h"
#include "Encoding.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace perdure {

static bool isNode(const Value *V) { return isa<PHINode, SelectInst>(V); }

/// Whether it is the contract's: somebody may have another function of that name.
static bool isBaseFunction(const Function *F) {
  if (!F || !F->isDeclaration() || F->getName() != abi::BaseSymbol)
    return false;
  Type *Ptr = PointerType::getUnqual(F->getContext());
  return F->getFunctionType() == FunctionType::get(Ptr, {Ptr}, false);
}

static CallInst *asBaseCall(const Value *V) {
  auto *Call = dyn_cast<CallInst>(V);
  return Call && isBaseFunction(Call->getCalledFunction())
             ? const_cast<CallInst *>(Call)
             : nullptr;
}

/// \p V and all from which phis and selects make it, where each is such a node or
/// a call for a base; else nothing.
static SmallSetVector<Value *, 8> findWeb(Value *V) {
  constexpr unsigned MaxWeb = 64;
  SmallSetVector<Value *, 8> Web;
  Web.insert(V);
  for (unsigned I = 0; I != Web.size(); ++I) {
    if (asBaseCall(Web[I]))
      continue;
    if (!isNode(Web[I]) || Web.size() > MaxWeb)
      return {};
    auto *N = cast<Instruction>(Web[I]);
    for (unsigned Op = isa<SelectInst>(N); Op != N->getNumOperands(); ++Op)
      Web.insert(N->getOperand(Op));
  }
  return Web;
}

bool isBase(const Value *V) { return !findWeb(const_cast<Value *>(V)).empty(); }

/// What \p Base is the base of: base(x) gives x, and a phi of bases the phi of
/// what they are of, since the base of a phi is the phi of the bases.
static Value *source(Value *Base, DenseMap<Value *, Value *> &Sources) {
  SmallSetVector<Value *, 8> Web = findWeb(Base);
  if (Web.empty())
    return nullptr;
  auto Of = [&](Value *V) -> Value * {
    CallInst *Call = asBaseCall(V);
    return Call ? Call->getArgOperand(0) : Sources.lookup(V);
  };
  SmallVector<Instruction *, 8> New;
  for (Value *V : Web) {
    if (!isNode(V) || Sources.count(V))
      continue;
    auto *N = cast<Instruction>(V);
    Instruction *Made = N->clone();
    Made->insertBefore(N->getIterator());
    Sources[N] = Made;
    New.push_back(Made);
  }
  // First all of them, then their operands: phis make cycles.
  for (Instruction *N : New)
    for (unsigned Op = isa<SelectInst>(N); Op != N->getNumOperands(); ++Op)
      N->setOperand(Op, Of(N->getOperand(Op)));
  return Of(Base);
}

bool leadBackBases(Function &F) {
  bool Changed = false;
  DenseMap<Value *, Value *> Sources;
  SmallVector<WeakTrackingVH, 8> Dead;
  for (ContractCall &Call : findContractCalls(F)) {
    const Encoding *E = Call.encoding();
    if (!E || !E->T.Movable || !E->T.MovableInVolatile)
      continue;
    for (unsigned N : Call.containerOperands()) {
      Value *Container = Call.call()->getArgOperand(N);
      Value *Of = source(Container, Sources);
      if (!Of)
        continue;
      Call.call()->setArgOperand(N, Of);
      Dead.push_back(Container);
      Changed = true;
    }
  }
  RecursivelyDeleteTriviallyDeadInstructionsPermissive(Dead);
  return Changed;
}

bool lowerBaseCalls(Function &F, const Config &C) {
  SmallVector<CallInst *, 4> Calls;
  // A C++ header's declaration may not be known not to throw.
  SmallVector<InvokeInst *, 2> Invokes;
  for (Instruction &I : instructions(F))
    if (auto *II = dyn_cast<InvokeInst>(&I);
        II && isBaseFunction(II->getCalledFunction()))
      Invokes.push_back(II);
  for (InvokeInst *II : Invokes)
    changeToCall(II);
  for (Instruction &I : instructions(F))
    if (CallInst *Call = asBaseCall(&I))
      Calls.push_back(Call);
  // The base of a base is that.
  for (CallInst *&Call : Calls)
    if (isBase(Call->getArgOperand(0))) {
      Value *Of = Call->getArgOperand(0);
      if (Of == Call) // where nothing comes
        Of = PoisonValue::get(Call->getType());
      Call->replaceAllUsesWith(Of);
      Call->eraseFromParent();
      Call = nullptr;
    }
  for (CallInst *Call : Calls) {
    if (!Call)
      continue;
    IRBuilder<> B(Call);
    Value *Address = B.CreatePtrToInt(Call->getArgOperand(0), B.getInt64Ty());
    Value *Base =
        B.CreateIntToPtr(emitSlotBase(B, C, Address), Call->getType());
    Call->replaceAllUsesWith(Base);
    Call->eraseFromParent();
  }
  return !Calls.empty();
}

Function *findBaseFunction(Module &M) {
  Function *F = M.getFunction(abi::BaseSymbol);
  if (!isBaseFunction(F))
    return nullptr;
  LLVMContext &Ctx = M.getContext();
  AttrBuilder B(Ctx);
  for (auto Kind : {Attribute::NoUnwind, Attribute::NoCallback,
                    Attribute::NoFree, Attribute::NoSync,
                    Attribute::WillReturn, Attribute::Speculatable})
    B.addAttribute(Kind);
  B.addMemoryAttr(MemoryEffects::none());
  F->setAttributes(AttributeList::get(Ctx, AttributeList::FunctionIndex, B));
  return F;
}

} // namespace perdure
