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

#include "../passes/GrayMarks.h"
#include "clang/AST/APValue.h"
#include "clang/AST/Attr.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/DeclTemplate.h"
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
  } else if (const auto *C = dyn_cast<BinaryConditionalOperator>(E)) {
    return {C->getCommon(), C->getFalseExpr()};
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

/// Has GrayConstants.cpp put a call there?
bool isBytes(const Expr *E) {
  const auto *Call = dyn_cast<CallExpr>(E);
  const FunctionDecl *Callee = Call ? Call->getDirectCallee() : nullptr;
  const auto *Label = Callee ? Callee->getAttr<AsmLabelAttr>() : nullptr;
  return Label && Label->getLabel() == GrayBytesSymbol;
}

/// The lvalue whose address \p E is, under casts, or null.
const Expr *addressed(const Expr *E) {
  E = E->IgnoreParens();
  while (isa<CastExpr, CallExpr>(E)) {
    if (isBytes(E)) {
      E = cast<CallExpr>(E)->getArg(0)->IgnoreParens();
      continue;
    }
    const auto *Cast = dyn_cast<CastExpr>(E);
    if (!Cast)
      return nullptr;
    if (Cast->getCastKind() == CK_ArrayToPointerDecay)
      return Cast->getSubExpr();
    if (Cast->getCastKind() != CK_BitCast && Cast->getCastKind() != CK_NoOp)
      return nullptr;
    E = Cast->getSubExpr()->IgnoreParens();
  }
  const auto *U = dyn_cast<UnaryOperator>(E);
  return U && U->getOpcode() == UO_AddrOf ? U->getSubExpr() : nullptr;
}

/// The field whose address is handled as one of bytes.
void excuseBytes(const Expr *E, ExprSet &Excused) {
  excuse(addressed(E), Excused);
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
const ValueDecl *mixed(const AbstractConditionalOperator *C) {
  const ValueDecl *True = fieldOf(C->getTrueExpr());
  const ValueDecl *False = fieldOf(C->getFalseExpr());
  return !True == !False ? nullptr : True ? True : False;
}

/// Bits that are moved at run time are codes, numbers at compile time.
void checkBitCast(Sema &S, const BuiltinBitCastExpr *E) {
  QualType From = E->getSubExpr()->getType(), To = E->getType();
  if (S.Context.hasSameUnqualifiedType(From, To))
    return;
  for (QualType T : {From, To})
    if (holdsGray(S.Context, T)) {
      report(S, E->getExprLoc(), Error,
             "a bit cast from %0 to %1 would take the stored code of Gray "
             "fields for their numbers; copy field by field, or their bytes "
             "with memcpy")
          << From << To;
      return;
    }
}

/// The Gray-coded field on the way to what a constant refers to, or null.
const ValueDecl *fieldIn(const ASTContext &Context, const APValue &Value) {
  if (!Value.isLValue() || !Value.hasLValuePath() || !Value.getLValueBase())
    return nullptr;
  QualType T = Value.getLValueBase().getType();
  for (APValue::LValuePathEntry Entry : Value.getLValuePath()) {
    if (const ArrayType *A = Context.getAsArrayType(T)) {
      T = A->getElementType();
      continue;
    }
    const auto *D =
        dyn_cast_or_null<ValueDecl>(Entry.getAsBaseOrMember().getPointer());
    if (isGray(D))
      return D;
    T = D ? D->getType()
          : Context.getCanonicalTagType(
                cast<TagDecl>(Entry.getAsBaseOrMember().getPointer()));
  }
  return nullptr;
}

} // namespace

bool isAddressOfGray(const Expr *E) {
  const Expr *Lvalue = addressed(E);
  return Lvalue && fieldOf(Lvalue) && !isBytes(E->IgnoreParenCasts());
}

void checkGrayArguments(Sema &S, SourceLocation Loc,
                        const TemplateArgumentList &Arguments) {
  for (const TemplateArgument &A : Arguments.asArray())
    if (A.getKind() == TemplateArgument::StructuralValue)
      if (const ValueDecl *Field =
              fieldIn(S.Context, A.getAsStructuralValue())) {
        report(S, Loc, Error,
               "a template argument is the place of Gray field %0, which would "
               "show the code that is stored in it, and not its number; pass "
               "the record")
            << Field;
      }
}

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

void checkGray(Sema &S, const Expr *E, ExprSet &Excused) {
  if (const auto *C = dyn_cast<AbstractConditionalOperator>(E);
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
  if (const auto *Cast = dyn_cast<BuiltinBitCastExpr>(E);
      Cast && !E->isInstantiationDependent())
    checkBitCast(S, Cast);
  // What only stands around an lvalue is judged with it.
  if (E != E->IgnoreParens() || Excused.contains(E) ||
      E->isInstantiationDependent())
    return;
  const ValueDecl *Field = fieldOf(E);
  if (!Field)
    return;
  Excused.insert(E); // a default is seen wherever it is used
  report(S, E->getExprLoc(), Error,
         "a pointer or a reference to Gray field %0 would show the code "
         "that is stored in it, and not its number; use the field itself, or "
         "a copy ('+' before it passes its value); its address as 'void *' is "
         "that of bytes")
      << Field;
}

} // namespace perdure
