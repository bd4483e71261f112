//===- Contract.cpp - The early contract ----------------------------------===//

#include "Contract.h"
#include "Config.h"
#include "Encoding.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

static StringRef getSymbol(Verb V) {
  switch (V) {
  case Verb::Decode:
    return abi::DecodeSymbol;
  case Verb::Encode:
    return abi::EncodeSymbol;
  case Verb::Reencode:
    return abi::ReencodeSymbol;
  }
  llvm_unreachable("unknown verb");
}

static void setContractAttributes(Function &F, Verb V) {
  // Whatever a C header's declaration brought along goes: the contract is what
  // the optimiser must see, whoever wrote the declaration.
  LLVMContext &Ctx = F.getContext();
  AttrBuilder B(Ctx);
  B.addAttribute(Attribute::NoUnwind);
  B.addAttribute(Attribute::NoCallback);
  B.addAttribute(Attribute::NoFree);
  if (V == Verb::Decode) {
    B.addAttribute(Attribute::NoSync);
    B.addAttribute(Attribute::WillReturn);
    B.addMemoryAttr(MemoryEffects::none());
  } else {
    B.addMemoryAttr(MemoryEffects::inaccessibleMemOnly());
  }
  F.setAttributes(AttributeList::get(Ctx, AttributeList::FunctionIndex, B));
  F.setCallingConv(CallingConv::C);
  F.setLinkage(GlobalValue::ExternalLinkage);
}

Function *findContractFunction(Module &M, Verb V) {
  if (Function *F = M.getFunction(getSymbol(V)))
    return F;
  // An asm label under a target with a user label prefix.
  return M.getFunction(("\01" + getSymbol(V)).str());
}

Function *getContractFunction(Module &M, Verb V) {
  Function *F = findContractFunction(M, V);
  if (!F) {
    LLVMContext &Ctx = M.getContext();
    Type *Ptr = PointerType::getUnqual(Ctx), *I64 = Type::getInt64Ty(Ctx),
         *I32 = Type::getInt32Ty(Ctx);
    FunctionType *FT = nullptr;
    switch (V) {
    case Verb::Decode:
      FT = FunctionType::get(Ptr, {I64, Ptr, I32}, false);
      break;
    case Verb::Encode:
      FT = FunctionType::get(I64, {Ptr, Ptr, I64, I32}, false);
      break;
    case Verb::Reencode:
      FT = FunctionType::get(I64, {I64, Ptr, Ptr, I64, I32}, false);
      break;
    }
    F = Function::Create(FT, GlobalValue::ExternalLinkage, getSymbol(V), M);
  }
  setContractAttributes(*F, V);
  return F;
}

std::optional<Verb> getVerb(const Value *Val) {
  const auto *CB = dyn_cast<CallBase>(Val);
  if (!CB)
    return std::nullopt;
  const Function *F = CB->getCalledFunction();
  if (!F || !F->isDeclaration())
    return std::nullopt;
  StringRef Name = F->getName();
  Name.consume_front("\01");
  if (!Name.starts_with("perdure."))
    return std::nullopt;
  for (Verb V : {Verb::Decode, Verb::Encode, Verb::Reencode}) {
    static const unsigned Args[] = {3, 4, 5};
    if (Name == getSymbol(V) && CB->arg_size() == Args[unsigned(V)])
      return V;
  }
  return std::nullopt;
}

ContractCall::ContractCall(Value *Val) {
  if (std::optional<Verb> Found = Val ? getVerb(Val) : std::nullopt) {
    CB = cast<CallBase>(Val);
    V = *Found;
  }
}

const Encoding *ContractCall::encoding() const {
  if (auto *N = dyn_cast<ConstantInt>(encodingOperand()))
    return Encoding::get(N->getZExtValue());
  return nullptr;
}

SmallVector<ContractCall, 8> findContractCalls(Function &F) {
  SmallVector<ContractCall, 8> Calls;
  for (Instruction &I : instructions(F))
    if (ContractCall C{&I})
      Calls.push_back(C);
  return Calls;
}

bool hasContractCalls(Module &M) {
  for (Verb V : {Verb::Decode, Verb::Encode, Verb::Reencode})
    if (Function *F = findContractFunction(M, V))
      if (!F->use_empty())
        return true;
  return false;
}

bool hasContractCalls(Function &F) {
  return any_of(instructions(F),
                [](Instruction &I) { return getVerb(&I).has_value(); });
}

static CallInst *createCall(IRBuilderBase &B, Verb V, ArrayRef<Value *> Args,
                            ArrayRef<OperandBundleDef> Bundles) {
  Module &M = *B.GetInsertBlock()->getModule();
  CallInst *CI = B.CreateCall(getContractFunction(M, V), Args, Bundles);
  CI->setDoesNotThrow();
  return CI;
}

CallInst *createDecode(IRBuilderBase &B, Value *Bits, Value *Container,
                       const Encoding &E, ArrayRef<OperandBundleDef> Bundles) {
  return createCall(B, Verb::Decode, {Bits, Container, B.getInt32(E.Number)},
                    Bundles);
}

CallInst *createEncode(IRBuilderBase &B, Value *Pointer, Value *Container,
                       Value *Old, const Encoding &E,
                       ArrayRef<OperandBundleDef> Bundles) {
  return createCall(B, Verb::Encode,
                    {Pointer, Container, Old, B.getInt32(E.Number)}, Bundles);
}

CallInst *createReencode(IRBuilderBase &B, Value *Bits, Value *From, Value *To,
                         Value *Old, const Encoding &E,
                         ArrayRef<OperandBundleDef> Bundles) {
  return createCall(B, Verb::Reencode,
                    {Bits, From, To, Old, B.getInt32(E.Number)}, Bundles);
}

bool sameContainer(const Encoding &E, Value *A, Value *B) {
  if (A == B)
    return true;
  return E.T.Movable && A->stripInBoundsOffsets() == B->stripInBoundsOffsets();
}

Value *stripTransparent(Value *V) {
  // In unreachable code a chain may end in itself; no other is this long.
  for (unsigned Steps = 0; Steps != 64; ++Steps) {
    if (auto *F = dyn_cast<FreezeInst>(V)) {
      V = F->getOperand(0);
    } else if (Operator::getOpcode(V) == Instruction::IntToPtr ||
               Operator::getOpcode(V) == Instruction::PtrToInt) {
      Value *Op = cast<Operator>(V)->getOperand(0);
      Type *T = Op->getType(), *To = V->getType();
      // A truncating or vector cast hides nothing: it changes the value.
      if (!(T->isPointerTy() && To->isIntegerTy(64)) &&
          !(T->isIntegerTy(64) && To->isPointerTy()))
        return V;
      V = Op;
    } else {
      return V;
    }
  }
  return V;
}

} // namespace perdure
