//===- TypeDescriptors.cpp - The types of a module in its binary ----------===//
//
// The Clang plugin describes the types of a module:
//
//   !perdure.descriptors = !{!{!"text", i64 layout, !"symbol"}, ...}
//
// Each becomes a constant in a section that the runtime is told of, under a symbol
// made of the whole text: files that say the same share it. Where code refers to a
// type the plugin has put a symbol of its own, which is replaced by that.
//
//===----------------------------------------------------------------------===//

#include "Config.h"
#include "Contract.h"
#include "Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/xxhash.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace perdure {

static GlobalVariable *define(Module &M, StringRef Text, uint64_t Layout) {
  std::string Name = (abi::TypeNameSymbol +
                      utohexstr(xxh3_64bits(Text), /*LowerCase=*/true, 16))
                         .str();
  if (GlobalVariable *Had = M.getNamedGlobal(Name))
    return Had;
  LLVMContext &C = M.getContext();
  Type *Int64 = Type::getInt64Ty(C);
  Constant *Parts[] = {ConstantInt::get(Int64, Text.size()),
                       ConstantInt::get(Int64, Layout),
                       ConstantDataArray::getString(C, Text, /*AddNull=*/false)};
  Constant *Value = ConstantStruct::getAnon(Parts);
  auto *GV = new GlobalVariable(M, Value->getType(), /*isConstant=*/true,
                                GlobalValue::LinkOnceODRLinkage, Value, Name);
  GV->setVisibility(GlobalValue::HiddenVisibility);
  GV->setDSOLocal(true);
  GV->setAlignment(Align(8));
  GV->setSection(abi::TypesSection);
  GV->setComdat(M.getOrInsertComdat(Name));
  // By its section alone, of the linker, too.
  appendToUsed(M, {GV});
  return GV;
}

/// Symbols of types that nobody describes: what has been through another compiler has
/// lost the metadata. Roots are then taken for what they are.
static bool dropUnknown(Module &M) {
  bool Changed = false;
  for (GlobalVariable &GV : make_early_inc_range(M.globals())) {
    if (!GV.getName().starts_with(abi::TypeSymbol) || !GV.isDeclaration())
      continue;
    for (User *U : make_early_inc_range(GV.users())) {
      auto *Call = dyn_cast<CallBase>(U);
      const Function *To = Call ? Call->getCalledFunction() : nullptr;
      if (!To || To->getName() != abi::TypeRootSymbol || Call->arg_size() != 2 ||
          Call->getType() != Call->getArgOperand(0)->getType())
        continue;
      Call->replaceAllUsesWith(Call->getArgOperand(0));
      if (auto *Invoke = dyn_cast<InvokeInst>(Call))
        changeToCall(Invoke)->eraseFromParent();
      else
        Call->eraseFromParent();
      Changed = true;
    }
    if (GV.use_empty()) {
      GV.eraseFromParent();
      Changed = true;
    }
  }
  return Changed;
}

bool addTypeDescriptors(Module &M) {
  NamedMDNode *Types = M.getNamedMetadata("perdure.descriptors");
  if (!Types)
    return dropUnknown(M);
  auto Asked = [&](const MDNode *Entry) {
    StringRef Symbol = cast<MDString>(Entry->getOperand(2))->getString();
    return Symbol.empty() ? nullptr : M.getNamedGlobal(Symbol);
  };
  // A file that only includes a header has nothing to say.
  bool Uses = M.getTargetTriple().supportsCOMDAT() &&
              (hasContractCalls(M) || any_of(Types->operands(), Asked));
  for (MDNode *Entry : Types->operands()) {
    if (!Uses)
      break;
    uint64_t Layout =
        mdconst::extract<ConstantInt>(Entry->getOperand(1))->getZExtValue();
    GlobalVariable *GV =
        define(M, cast<MDString>(Entry->getOperand(0))->getString(), Layout);
    if (GlobalVariable *Symbol = Asked(Entry)) {
      Symbol->replaceAllUsesWith(GV);
      Symbol->eraseFromParent();
    }
  }
  Types->eraseFromParent();
  dropUnknown(M);
  return true;
}

} // namespace perdure
