//===- TypeEncodings.cpp - Files of one program agree on encodings --------===//
//
// The Clang plugin lists the annotated types of a module with the encoding of
// their pointers: !perdure.types = !{!{!"mangled name", !"encoding"}, ...}. For
// each, every module defines a symbol that names the type, in a COMDAT group
// that names the encoding too. The linker keeps one group of each name: files
// that agree share it, files that do not define the symbol twice, which is an
// error whatever the linker and with either LTO. A second such symbol says
// which fields are stored as Gray codes.
//
//===----------------------------------------------------------------------===//

#include "Contract.h"
#include "Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

/// Defines \p Symbol in a group that names \p Fact too.
static void addFact(Module &M, const Twine &Symbol, std::string Fact) {
  // A symbol's name: a record may have "object,self-relative".
  for (char &C : Fact)
    if (!isAlnum(C))
      C = '_';
  std::string Name = Symbol.str();
  if (M.getNamedValue(Name))
    return;
  Type *I8 = Type::getInt8Ty(M.getContext());
  auto *GV = new GlobalVariable(M, I8, /*isConstant=*/true,
                                GlobalValue::ExternalLinkage,
                                ConstantInt::get(I8, 0), Name);
  GV->setVisibility(GlobalValue::HiddenVisibility);
  GV->setDSOLocal(true);
  GV->setComdat(M.getOrInsertComdat(Name + "_" + Fact));
}

bool addTypeEncodings(Module &M) {
  NamedMDNode *Types = M.getNamedMetadata("perdure.types");
  if (!Types || !M.getTargetTriple().supportsCOMDAT())
    return false;
  for (MDNode *Entry : Types->operands()) {
    StringRef Name = cast<MDString>(Entry->getOperand(0))->getString();
    SmallVector<StringRef, 8> Parts;
    cast<MDString>(Entry->getOperand(1))->getString().split(Parts, ',');
    std::string Encodings, Gray;
    for (StringRef Part : Parts)
      if (Part.consume_front("gray "))
        Gray += ("_" + Part).str();
      else
        Encodings += ("_" + Part).str();
    if (!Encodings.empty() && hasContractCalls(M))
      addFact(M, "__perdure_one_encoding_for_" + Name, Encodings);
    // A file that reads such a field as a plain number has no call that shows
    // it.
    addFact(M, "__perdure_one_gray_for_" + Name, Gray);
  }
  // The metadata has done its work; link-time merging would only repeat it.
  Types->eraseFromParent();
  return true;
}

} // namespace perdure
