//===- References.cpp - References bound to a decoded copy ----------------===//
//
// A reference to a native pointer cannot bind a persistent one, which is
// another type: Clang loads the pointer, and binds the copy. In the same code
// without annotations the reference would bind the field itself. So it is
// refused wherever that would have been so; where plain C++ makes a temporary
// too (`const void *const &` of a `node *`) nothing has changed.
// Overload resolution refuses most call arguments by itself; Messages.cpp adds
// the way out there.
//
//===----------------------------------------------------------------------===//
#include "Uses.h"

#include "Messages.h"
#include "Qualifier.h"

#include "clang/AST/DeclCXX.h"

using namespace clang;

namespace perdure {

void checkReference(Sema &S, const MaterializeTemporaryExpr *E) {
  const Expr *Loaded = loadedPersistent(E->getSubExpr());
  if (!Loaded)
    return;
  QualType Bound = E->getType();
  if (!S.Context.hasSimilarType(
          strippedEverywhere(S.Context, Bound),
          strippedEverywhere(S.Context, Loaded->getType())))
    return;
  const ValueDecl *Extending = E->getExtendingDecl();
  if (Extending)
    report(S, E->getExprLoc(), Error,
           "reference %0 would be bound to a decoded copy of the persistent "
           "pointer, which goes stale; bind the pointer itself with 'const "
           "auto &' or 'auto &', or copy it: %1")
        << Extending << stripped(S.Context, Bound).getUnqualifiedType();
  else
    report(S, E->getExprLoc(), Error,
           "a reference to %0 would be bound to a decoded copy of the "
           "persistent pointer; pass the copy on purpose: write '+' before "
           "the pointer")
        << Bound.getUnqualifiedType();
}

} // namespace perdure
