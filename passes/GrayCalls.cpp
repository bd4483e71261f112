//===- GrayCalls.cpp - The calls between raising and lowering -------------===//

#include "GrayCalls.h"
#include "Gray.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

static constexpr StringLiteral EncodePrefix = "perdure.gray.encode.i";
static constexpr StringLiteral DecodePrefix = "perdure.gray.decode.i";

APInt grayOf(const APInt &N) { return N ^ N.lshr(1); }

APInt numberOfGray(const APInt &Gray) {
  APInt N = Gray;
  for (unsigned Shift = 1; Shift < N.getBitWidth(); Shift *= 2)
    N ^= N.lshr(Shift);
  return N;
}

static std::optional<GrayVerb> verbOf(const Function &F) {
  if (!F.isDeclaration())
    return std::nullopt;
  if (F.getName().starts_with(EncodePrefix))
    return GrayVerb::Encode;
  if (F.getName().starts_with(DecodePrefix))
    return GrayVerb::Decode;
  return std::nullopt;
}

std::optional<GrayVerb> grayVerb(const Value *V) {
  const auto *CI = dyn_cast<CallInst>(V);
  const Function *F = CI ? CI->getCalledFunction() : nullptr;
  return F ? verbOf(*F) : std::nullopt;
}

CallInst *createGray(IRBuilderBase &B, GrayVerb Verb, Value *V) {
  Module &M = *B.GetInsertBlock()->getModule();
  auto *Int = cast<IntegerType>(V->getType());
  StringRef Prefix = Verb == GrayVerb::Encode ? EncodePrefix : DecodePrefix;
  FunctionCallee Callee = M.getOrInsertFunction(
      (Prefix + Twine(Int->getBitWidth())).str(), Int, Int);
  auto *F = cast<Function>(Callee.getCallee());
  F->setDoesNotThrow();
  F->setWillReturn();
  F->setNoSync();
  F->setDoesNotFreeMemory();
  F->addFnAttr(Attribute::NoCallback);
  F->addFnAttr(Attribute::Speculatable);
  F->setMemoryEffects(MemoryEffects::none());
  return B.CreateCall(Callee, {V});
}

SmallVector<CallInst *, 8> findGrayCalls(Function &F) {
  SmallVector<CallInst *, 8> Calls;
  for (Instruction &I : instructions(F))
    if (grayVerb(&I))
      Calls.push_back(cast<CallInst>(&I));
  return Calls;
}

bool hasGrayCalls(const Module &M) {
  return any_of(M, [](const Function &F) { return verbOf(F).has_value(); });
}

} // namespace perdure
