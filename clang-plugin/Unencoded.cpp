//===- Unencoded.cpp - What code generation would leave unencoded ---------===//
//
// Measured on clang 22: these accesses to a qualified pointer move its stored
// bits as if they were an address, without a word. Where Sema refuses one by
// itself, Messages.cpp says it in our words.
//
//===----------------------------------------------------------------------===//
#include "Uses.h"

#include "Annotations.h"
#include "Messages.h"
#include "Qualifier.h"

#include "clang/AST/StmtOpenMP.h"
#include "clang/AST/StmtVisitor.h"
#include "clang/Basic/Builtins.h"

using namespace clang;

namespace perdure {

namespace {

bool isPersistentElement(Sema &S, QualType T) {
  return isPersistent(elementType(S.Context, T));
}

/// Does it touch a Gray-coded field?
bool touchesGray(const Stmt *Statement) {
  if (!Statement)
    return false;
  if (const auto *M = dyn_cast<MemberExpr>(Statement))
    if (isGray(M->getMemberDecl()))
      return true;
  return llvm::any_of(Statement->children(), touchesGray);
}

/// Does evaluating the statement touch a persistent pointer?
bool touchesPersistent(const Stmt *Statement) {
  if (!Statement)
    return false;
  if (const auto *E = dyn_cast<Expr>(Statement))
    if (E->isGLValue() && isPersistent(E->getType()))
      return true;
  for (const Stmt *Child : Statement->children())
    if (touchesPersistent(Child))
      return true;
  return false;
}

} // namespace

void checkNewArray(Sema &S, const CXXNewExpr *E) {
  if (!E->isArray() || !E->hasInitializer() ||
      !isPersistentElement(S, E->getAllocatedType()))
    return;
  const Expr *Init = E->getInitializer();
  if (isa<ImplicitValueInitExpr>(Init))
    return; // all null
  if (const auto *List = dyn_cast<InitListExpr>(Init);
      List && List->getNumInits() == 0)
    return;
  if (const auto *List = dyn_cast<ParenListExpr>(Init);
      List && List->getNumExprs() == 0)
    return;
  report(S, Init->getBeginLoc(), Error,
         "the initialisers of a new array of persistent pointers are not "
         "encoded; write 'new perdure::ptr<%0>[n]()' and assign the elements")
      << elementType(S.Context, E->getAllocatedType())
             ->getPointeeType()
             .getAsString(S.getPrintingPolicy());
}

void checkCaught(Sema &S, const VarDecl *Exception) {
  QualType T = Exception->getType();
  if (isPersistentElement(S, T.getNonReferenceType()))
    report(S, Exception->getLocation(), Error,
           "an exception is caught as a persistent pointer, but is thrown as "
           "a native one; catch %0")
        << stripped(S.Context, T.getNonReferenceType());
}

void checkAsm(Sema &S, const AsmStmt *Asm) {
  auto Check = [&](const Expr *Operand) {
    // A register that receives a loaded value receives a native pointer.
    if (Operand->isGLValue() && isPersistent(Operand->getType()))
      report(S, Operand->getExprLoc(), Error,
             "an operand of inline assembly is a persistent pointer, whose "
             "stored bits are no address; give it a native variable of "
             "type %0")
          << stripped(S.Context, Operand->getType()).getUnqualifiedType();
  };
  for (unsigned I = 0; I != Asm->getNumOutputs(); ++I)
    Check(Asm->getOutputExpr(I));
  for (unsigned I = 0; I != Asm->getNumInputs(); ++I)
    Check(Asm->getInputExpr(I));
}

void checkOpenMPAtomic(Sema &S, const OMPAtomicDirective *D) {
  if (touchesPersistent(D->getAssociatedStmt()))
    report(S, D->getBeginLoc(), Error,
           "an OpenMP atomic construct would access the stored bits of a "
           "persistent pointer as an address; use perdure_atomic_load, "
           "_store, _exchange or _compare_exchange");
  if (touchesGray(D->getAssociatedStmt()))
    report(S, D->getBeginLoc(), Error,
           "an OpenMP atomic construct would access the stored code of a Gray "
           "field as its number; leave the annotation out, or use a lock");
}

void checkBuiltin(Sema &S, const CallExpr *Call) {
  unsigned Address;
  switch (Call->getBuiltinCallee()) {
  case Builtin::BI__builtin_nontemporal_load:
    Address = 0;
    break;
  case Builtin::BI__builtin_nontemporal_store:
    Address = 1;
    break;
  default:
    return;
  }
  QualType Pointee = Call->getArg(Address)->IgnoreImpCasts()->getType();
  if (const auto *P = Pointee->getAs<PointerType>();
      P && isPersistentElement(S, P->getPointeeType()))
    report(S, Call->getExprLoc(), Error,
           "a nontemporal access would move the stored bits of a persistent "
           "pointer as an address; use an ordinary load or store");
}

void checkVaArg(Sema &S, const VAArgExpr *E) {
  if (isPersistent(E->getWrittenTypeInfo()->getType()))
    report(S, E->getBeginLoc(), Error,
           "va_arg of a persistent pointer type: arguments are native "
           "pointers; name %0")
        << stripped(S.Context, E->getWrittenTypeInfo()->getType());
}

} // namespace perdure
