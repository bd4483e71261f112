//===- GrayUses.cpp - What may not be done with a Gray-coded field --------===//
//
// A Gray-coded field has the type of its number, so nothing but this file keeps
// a pointer or a reference to it from reading its code as the number. The rule
// names what may be done with such an lvalue, and refuses all else: its value
// is loaded, it is assigned to, changed in place (op=, ++, --), an element of
// it is chosen, or the result is thrown away; both arms of a conditional may be
// such. Its address may be taken as one of bytes: with an explicit cast to
// `void *`, or as an argument of a function of Perdure's own.
//
//===----------------------------------------------------------------------===//
#include "Uses.h"

#include "Annotations.h"
#include "Messages.h"

#include "clang/AST/DeclCXX.h"
#include "clang/AST/StmtCXX.h"

using namespace clang;

namespace perdure {

namespace {

const ValueDecl *fieldOf(const Expr *E);

/// The array from which an element is chosen.
const Expr *arrayOf(const Expr *Base) {
  const auto *Decay = dyn_cast<ImplicitCastExpr>(Base->IgnoreParens());
  return Decay && Decay->getCastKind() == CK_ArrayToPointerDecay
             ? Decay->getSubExpr()
             : nullptr;
}

/// The lvalues whose field \p E is too, if they are Gray-coded.
SmallVector<const Expr *, 2> passedOn(const Expr *E) {
  if (const auto *A = dyn_cast<ArraySubscriptExpr>(E)) {
    if (const Expr *Array = arrayOf(A->getBase()))
      return {Array};
  } else if (const auto *B = dyn_cast<BinaryOperator>(E)) {
    if (B->isAssignmentOp())
      return {B->getLHS()};
    if (B->getOpcode() == BO_Comma)
      return {B->getRHS()};
  } else if (const auto *U = dyn_cast<UnaryOperator>(E)) {
    if (U->isPrefix() && U->isIncrementDecrementOp())
      return {U->getSubExpr()};
    if (U->getOpcode() == UO_Extension)
      return {U->getSubExpr()};
    // *array
    if (U->getOpcode() == UO_Deref)
      if (const Expr *Array = arrayOf(U->getSubExpr()))
        return {Array};
  } else if (const auto *C = dyn_cast<ConditionalOperator>(E)) {
    return {C->getTrueExpr(), C->getFalseExpr()};
  } else if (const auto *C = dyn_cast<CastExpr>(E)) {
    if (C->getCastKind() == CK_NoOp && C->getSubExpr()->isGLValue() &&
        isa<ImplicitCastExpr>(C))
      return {C->getSubExpr()};
  } else if (const auto *O = dyn_cast<OpaqueValueExpr>(E)) {
    if (O->getSourceExpr())
      return {O->getSourceExpr()};
  } else if (const auto *S = dyn_cast<SubstNonTypeTemplateParmExpr>(E)) {
    return {S->getReplacement()};
  }
  return {};
}

/// The Gray-coded field that the lvalue denotes, or null.
const ValueDecl *fieldOf(const Expr *E) {
  E = E->IgnoreParens();
  if (!E->isGLValue())
    return nullptr;
  if (const auto *M = dyn_cast<MemberExpr>(E))
    return isGray(M->getMemberDecl()) ? M->getMemberDecl() : nullptr;
  if (const auto *D = dyn_cast<DeclRefExpr>(E)) {
    const auto *B = dyn_cast<BindingDecl>(D->getDecl());
    return B && B->getBinding() ? fieldOf(B->getBinding()) : nullptr;
  }
  for (const Expr *Inner : passedOn(E))
    if (const ValueDecl *Field = fieldOf(Inner))
      return Field;
  return nullptr;
}

void excuse(const Expr *E, ExprSet &Excused) {
  if (E && fieldOf(E))
    Excused.insert(E->IgnoreParens());
}

/// The field whose address is handled as one of bytes.
void excuseBytes(const Expr *E, ExprSet &Excused) {
  E = E->IgnoreParens();
  while (const auto *Cast = dyn_cast<CastExpr>(E)) {
    if (Cast->getCastKind() == CK_ArrayToPointerDecay)
      return excuse(Cast->getSubExpr(), Excused);
    if (Cast->getCastKind() != CK_BitCast && Cast->getCastKind() != CK_NoOp)
      return;
    E = Cast->getSubExpr()->IgnoreParens();
  }
  if (const auto *U = dyn_cast<UnaryOperator>(E);
      U && U->getOpcode() == UO_AddrOf)
    excuse(U->getSubExpr(), Excused);
}

bool looksAtBytes(const FunctionDecl *Callee) {
  if (!Callee || !Callee->getIdentifier())
    return false;
  StringRef Name = Callee->getName();
  return (Name.starts_with("perdure_") && !Name.contains("memmove") &&
          !Name.contains("qsort") && !Name.contains("atomic")) ||
         Name == "__builtin_prefetch";
}

/// Gray-coded and not; null where both arms are the one or the other.
const ValueDecl *mixed(const ConditionalOperator *C) {
  const ValueDecl *True = fieldOf(C->getTrueExpr());
  const ValueDecl *False = fieldOf(C->getFalseExpr());
  return !True == !False ? nullptr : True ? True : False;
}

} // namespace

void excuseGray(const Stmt *Parent, ExprSet &Excused) {
  const auto *E = dyn_cast<Expr>(Parent);
  if (!E) {
    // What stands as a statement.
    if (isa<CompoundStmt, IfStmt, ForStmt, WhileStmt, DoStmt, SwitchStmt,
            LabelStmt, SwitchCase, AttributedStmt, CXXForRangeStmt,
            CapturedStmt>(Parent))
      for (const Stmt *Child : Parent->children())
        if (const auto *C = dyn_cast_or_null<Expr>(Child)) {
          if (const auto *Cleanups = dyn_cast<ExprWithCleanups>(C))
            C = Cleanups->getSubExpr();
          excuse(C, Excused);
        }
    return;
  }
  if (E->isGLValue())
    for (const Expr *Inner : passedOn(E))
      excuse(Inner, Excused);
  if (const auto *Cast = dyn_cast<CastExpr>(E)) {
    if (Cast->getCastKind() == CK_LValueToRValue ||
        Cast->getCastKind() == CK_ToVoid)
      excuse(Cast->getSubExpr(), Excused);
    if (isa<ExplicitCastExpr>(E) && E->getType()->isVoidPointerType())
      excuseBytes(Cast->getSubExpr(), Excused);
  } else if (const auto *B = dyn_cast<BinaryOperator>(E)) {
    if (B->isAssignmentOp() || B->getOpcode() == BO_Comma)
      excuse(B->getLHS(), Excused);
  } else if (const auto *U = dyn_cast<UnaryOperator>(E)) {
    if (U->isIncrementDecrementOp())
      excuse(U->getSubExpr(), Excused);
  } else if (const auto *A = dyn_cast<ArraySubscriptExpr>(E)) {
    if (const Expr *Array = arrayOf(A->getBase()))
      excuse(Array, Excused);
  } else if (const auto *L = dyn_cast<ArrayInitLoopExpr>(E)) {
    excuse(L->getCommonExpr()->getSourceExpr(), Excused);
    Excused.insert(L->getCommonExpr());
  } else if (const auto *Call = dyn_cast<CallExpr>(E)) {
    if (looksAtBytes(Call->getDirectCallee()))
      for (const Expr *Argument : Call->arguments())
        excuseBytes(Argument, Excused);
  }
}

void checkGray(Sema &S, const Expr *E, const ExprSet &Excused) {
  if (const auto *C = dyn_cast<ConditionalOperator>(E);
      C && C->isGLValue() && !C->isInstantiationDependent())
    if (const ValueDecl *Field = mixed(C)) {
      report(S, E->getExprLoc(), Error,
             "one of the two is Gray field %0, the other is stored otherwise; "
             "write '+' before both to choose between their values")
          << Field;
      return;
    }
  if (const auto *Of = dyn_cast<UnaryOperator>(E);
      Of && Of->getOpcode() == UO_AddrOf)
    if (const auto *Member =
            dyn_cast<DeclRefExpr>(Of->getSubExpr()->IgnoreParens());
        Member && isGray(Member->getDecl()))
      report(S, E->getExprLoc(), Error,
             "a pointer to member %0 would show the Gray code that is stored "
             "in it, and not its number; use a function")
          << Member->getDecl();
  if (isa<ParenExpr>(E) || Excused.contains(E) || E->isInstantiationDependent())
    return;
  if (const ValueDecl *Field = fieldOf(E))
    report(
        S, E->getExprLoc(), Error,
        "a pointer or a reference to Gray field %0 would show the code "
        "that is stored in it, and not its number; use the field itself, or "
        "a copy ('+' before it passes its value); its address as 'void *' is "
        "that of bytes")
        << Field;
}

} // namespace perdure
