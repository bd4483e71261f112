//===- Signatures.cpp - Functions that kept a persistent parameter --------===//
//
// Declarations.cpp takes the qualifier off parameters and results as they are
// declared, and Clang's error about it there is silenced (Plugin.cpp). What a
// template or a deduction brings in past that point must not stay.
//
//===----------------------------------------------------------------------===//
#include "Uses.h"

#include "Messages.h"
#include "Qualifier.h"

#include "clang/AST/Decl.h"

using namespace clang;

namespace perdure {

void checkSignature(Sema &S, const FunctionDecl *Function) {
  if (Function->isDependentContext() || Function->isImplicit())
    return;
  if (isPersistent(Function->getReturnType()))
    report(S, Function->getLocation(), Error,
           "the result of %0 is a persistent pointer, but a result is a "
           "native pointer; write it as %1")
        << Function << stripped(S.Context, Function->getReturnType());
  for (const ParmVarDecl *Param : Function->parameters())
    if (isPersistent(Param->getType()))
      report(S, Param->getLocation(), Error,
             "parameter %0 is a persistent pointer, but a parameter is a "
             "native pointer; write it as %1")
          << Param << stripped(S.Context, Param->getType());
}

} // namespace perdure
