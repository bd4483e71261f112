//===- TypeEncodings.cpp - Files of one program agree on encodings --------===//
//
// The Clang plugin lists the annotated types of a module with the encoding of
// their pointers: !perdure.types = !{!{!"mangled name", !"encoding"}, ...}. For
// each, every module defines a symbol that names the type, in a COMDAT group
// that names the encoding too. The linker keeps one group of each name: files
// that agree share it, files that do not define the symbol twice, which is an
// error whatever the linker and with either LTO.
//
//===----------------------------------------------------------------------===//

#include "Contract.h"
#include "GrayCalls.h"
#include "Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

bool addTypeEncodings(Module &M) {
  NamedMDNode *Types = M.getNamedMetadata("perdure.types");
  if (!Types || !(hasContractCalls(M) || hasGrayCalls(M)) ||
      !M.getTargetTriple().supportsCOMDAT())
    return false;
  Type *I8 = Type::getInt8Ty(M.getContext());
  for (MDNode *Entry : Types->operands()) {
    StringRef Name = cast<MDString>(Entry->getOperand(0))->getString();
    std::string Encoding =
        cast<MDString>(Entry->getOperand(1))->getString().str();
    // A symbol's name: a record may have "object,self-relative".
    for (char &C : Encoding)
      if (!isAlnum(C))
        C = '_';
    std::string Symbol = ("__perdure_one_encoding_for_" + Name).str();
    if (M.getNamedValue(Symbol))
      continue;
    auto *Fact = new GlobalVariable(M, I8, /*isConstant=*/true,
                                    GlobalValue::ExternalLinkage,
                                    ConstantInt::get(I8, 0), Symbol);
    Fact->setVisibility(GlobalValue::HiddenVisibility);
    Fact->setDSOLocal(true);
    Fact->setComdat(M.getOrInsertComdat(Symbol + "_" + Encoding));
  }
  // The metadata has done its work; link-time merging would only repeat it.
  Types->eraseFromParent();
  return true;
}

} // namespace perdure
