//===- CopyHelpers.cpp - Clang's merged C helpers become internal ---------===//
//
// For non-trivial C structures Clang emits linkonce_odr functions such as
// __copy_constructor_8_8_pa2_23808_anv_0. Their names say neither slot size nor
// mode, so the linker would merge those of files built differently.
//
//===----------------------------------------------------------------------===//

#include "Contract.h"
#include "Passes.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

static bool isHelperName(StringRef Name) {
  for (StringRef Prefix :
       {"__copy_constructor_", "__move_constructor_", "__copy_assignment_",
        "__move_assignment_", "__default_constructor_", "__destructor_"})
    if (Name.starts_with(Prefix))
      return true;
  return false;
}

bool internaliseCopyHelpers(Module &M) {
  bool Changed = false;
  // A helper that calls an internal one is itself specific to this file.
  for (bool Again = true; Again;) {
    Again = false;
    for (Function &F : M) {
      if (!F.hasLinkOnceODRLinkage() || !isHelperName(F.getName()))
        continue;
      bool Specific = any_of(instructions(F), [](Instruction &I) {
        if (getVerb(&I))
          return true;
        auto *CB = dyn_cast<CallBase>(&I);
        const Function *Callee = CB ? CB->getCalledFunction() : nullptr;
        return Callee && Callee->hasInternalLinkage() &&
               isHelperName(Callee->getName());
      });
      if (!Specific)
        continue;
      F.setLinkage(GlobalValue::InternalLinkage);
      F.setVisibility(GlobalValue::DefaultVisibility);
      F.setDSOLocal(true);
      F.setComdat(nullptr);
      Again = Changed = true;
    }
  }
  return Changed;
}

} // namespace perdure
