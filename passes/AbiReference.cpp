//===- AbiReference.cpp - Files of one program agree on the slot size -----===//
//
// Every module that translates refers to the symbol that only an entry archive
// of the same version and slot size defines: a mismatch does not link, and the
// symbol's name, which linkers print, says what to do.
//
//===----------------------------------------------------------------------===//

#include "Config.h"
#include "Contract.h"
#include "Passes.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace perdure {

bool addAbiReference(Module &M) {
  std::string Symbol =
      (abi::AbiSymbolSymbol + Twine(Config::get(M).SlotBits)).str();
  std::string Name = "__perdure_uses" + Symbol.substr(strlen("__perdure"));
  Symbol += abi::AbiAdviceSymbol;
  if (M.getNamedValue(Name))
    return false;

  Type *Ptr = PointerType::getUnqual(M.getContext());
  auto *Target =
      cast<GlobalVariable>(M.getOrInsertGlobal(Symbol, Type::getInt8Ty(M.getContext())));
  if (Target->isDeclaration()) {
    Target->setVisibility(GlobalValue::HiddenVisibility);
    Target->setDSOLocal(true);
  }
  auto *Use = new GlobalVariable(M, Ptr, /*isConstant=*/true,
                                 GlobalValue::LinkOnceODRLinkage, Target, Name);
  Use->setVisibility(GlobalValue::HiddenVisibility);
  Use->setDSOLocal(true);
  if (M.getTargetTriple().supportsCOMDAT())
    Use->setComdat(M.getOrInsertComdat(Name));
  appendToUsed(M, {Use});
  return true;
}

} // namespace perdure
