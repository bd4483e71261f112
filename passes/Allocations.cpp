//===- Allocations.cpp - Calls that allocate in an object -----------------===//

#include "Allocations.h"
#include "Config.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

constexpr StringLiteral PlainSymbol("perdure_alloc");

bool givesBlock(StringRef Name) {
  return Name == PlainSymbol || Name == "perdure_alloc_for" ||
         Name == abi::AllocForSymbol;
}

static FunctionType *typeOf(LLVMContext &C, bool IsFor) {
  Type *Ptr = PointerType::getUnqual(C), *Int64 = Type::getInt64Ty(C);
  if (IsFor)
    return FunctionType::get(Ptr, {Ptr, Int64, Ptr, Type::getInt32Ty(C), Int64},
                             false);
  return FunctionType::get(Ptr, {Ptr, Int64}, false);
}

AllocationCall::AllocationCall(Value *V) {
  auto *Call = dyn_cast<CallBase>(V);
  const Function *To = Call ? Call->getCalledFunction() : nullptr;
  if (!To || !To->isDeclaration() || !givesBlock(To->getName()) ||
      Call->isMustTailCall() || isa<CallBrInst>(Call))
    return;
  IsFor = To->getName() != PlainSymbol;
  if (Call->getFunctionType() != typeOf(Call->getContext(), IsFor) ||
      (IsFor && !(isa<ConstantInt>(Call->getArgOperand(3)) &&
                  isa<ConstantInt>(Call->getArgOperand(4)))))
    return;
  CB = Call;
}

Value *AllocationCall::slot() const {
  return IsFor && !isa<ConstantPointerNull>(CB->getArgOperand(2))
             ? CB->getArgOperand(2)
             : nullptr;
}

uint64_t AllocationCall::how() const {
  return IsFor ? cast<ConstantInt>(CB->getArgOperand(3))->getZExtValue() : 0;
}

uint64_t AllocationCall::overwritten() const {
  return IsFor ? cast<ConstantInt>(CB->getArgOperand(4))->getZExtValue() : 0;
}

void AllocationCall::replace(Value *Slot, uint64_t How, uint64_t Overwritten) {
  Module &M = *CB->getModule();
  LLVMContext &C = M.getContext();
  FunctionType *Type = typeOf(C, true);
  // What is known of the other function holds for this one, too.
  const AttributeList Of = CB->getCalledFunction()->getAttributes();
  FunctionCallee To = M.getOrInsertFunction(
      abi::AllocForSymbol, Type,
      AttributeList::get(C, Of.getFnAttrs(), Of.getRetAttrs(), {}));
  if (!Slot)
    Slot = ConstantPointerNull::get(PointerType::getUnqual(C));
  IRBuilder<> B(CB);
  Value *Args[] = {CB->getArgOperand(0), bytes(), Slot,
                   B.getInt32(uint32_t(How)), B.getInt64(Overwritten)};
  SmallVector<OperandBundleDef, 1> Bundles;
  CB->getOperandBundlesAsDefs(Bundles);
  CallBase *New;
  if (auto *I = dyn_cast<InvokeInst>(CB)) {
    New = B.CreateInvoke(To, I->getNormalDest(), I->getUnwindDest(), Args,
                         Bundles);
  } else {
    auto *Call = B.CreateCall(To, Args, Bundles);
    Call->setTailCallKind(cast<CallInst>(CB)->getTailCallKind());
    New = Call;
  }
  const AttributeList At = CB->getAttributes();
  New->setAttributes(
      AttributeList::get(C, At.getFnAttrs(), At.getRetAttrs(),
                         {At.getParamAttrs(0), At.getParamAttrs(1)}));
  New->setCallingConv(CB->getCallingConv());
  New->copyMetadata(*CB);
  New->takeName(CB);
  CB->replaceAllUsesWith(New);
  CB->eraseFromParent();
  CB = New;
  IsFor = true;
}

SmallVector<AllocationCall, 8> findAllocations(Function &F) {
  SmallVector<AllocationCall, 8> Found;
  for (Instruction &I : instructions(F))
    if (AllocationCall Call{&I})
      Found.push_back(Call);
  return Found;
}

SmallPtrSet<const Value *, 16> addressesIn(const CallBase &Block) {
  SmallPtrSet<const Value *, 16> Found;
  SmallVector<const Value *, 16> Work{&Block};
  while (!Work.empty()) {
    const Value *V = Work.pop_back_val();
    if (!Found.insert(V).second)
      continue;
    for (const User *U : V->users())
      if (isa<FreezeInst, BitCastInst>(U) ||
          (isa<GetElementPtrInst>(U) && U->getOperand(0) == V))
        Work.push_back(U);
  }
  return Found;
}

} // namespace perdure
