//===- AssignmentOrder.cpp - The right side of an assignment first --------===//
//
// C++17 evaluates the right side of an assignment before the left, and Clang
// does so in C too; but to a qualified pointer Clang 22 assigns left side
// first, since it needs the address to encode for. `tail->next = tail = n`
// would then link the wrong node. Where the order can be seen, the right side
// is put into an opaque value that is evaluated ahead of the assignment.
// test/bugs/assignment-order.cpp tells when this is no longer needed.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"
#include "Qualifier.h"

#include "clang/AST/ExprCXX.h"
#include "clang/AST/RecursiveASTVisitor.h"

using namespace clang;

namespace perdure {

namespace {

class Sequencer final : public RecursiveASTVisitor<Sequencer> {
public:
  explicit Sequencer(ASTContext &Context) : Context(Context) {}

  bool shouldVisitTemplateInstantiations() const { return true; }

  bool VisitFunctionDecl(FunctionDecl *F) {
    if (!F->doesThisDeclarationHaveABody() || F->isDependentContext())
      return true;
    if (auto *Constructor = dyn_cast<CXXConstructorDecl>(F))
      for (CXXCtorInitializer *Init : Constructor->inits())
        rewriteBelow(Init->getInit());
    rewriteBelow(F->getBody());
    return true;
  }
  // What lies outside of functions.
  bool VisitVarDecl(VarDecl *V) {
    auto *Param = dyn_cast<ParmVarDecl>(V);
    if (!V->getDeclContext()->isDependentContext() &&
        (Param ? Param->hasDefaultArg() && !Param->hasUnparsedDefaultArg() &&
                     !Param->hasUninstantiatedDefaultArg()
               : V->isFileVarDecl()))
      rewriteBelow(V->getInit());
    return true;
  }
  bool VisitFieldDecl(FieldDecl *Field) {
    if (!Field->getDeclContext()->isDependentContext() &&
        Field->hasInClassInitializer())
      rewriteBelow(Field->getInClassInitializer());
    return true;
  }

private:
  /// Children first: what an opaque value holds must be final.
  void rewriteBelow(Stmt *S) {
    // One that is there has been dealt with.
    if (!S || isa<PseudoObjectExpr>(S))
      return;
    for (Stmt *&Child : S->children()) {
      rewriteBelow(Child);
      if (auto *Assign = dyn_cast_or_null<BinaryOperator>(Child))
        if (Expr *New = rightFirst(Assign))
          Child = New;
    }
  }

  Expr *rightFirst(BinaryOperator *Assign) {
    Expr *Left = Assign->getLHS(), *Right = Assign->getRHS();
    if (Assign->getOpcode() != BO_Assign || !isPersistent(Left->getType()) ||
        Assign->isTypeDependent() || Assign->isValueDependent())
      return nullptr;
    // The place of a variable does not depend on when one looks. Otherwise
    // either side may change what the other sees.
    if (isa<DeclRefExpr>(Left->IgnoreParens()) ||
        (!Right->HasSideEffects(Context) && !Left->HasSideEffects(Context)))
      return nullptr;
    auto *Value = new (Context) OpaqueValueExpr(
        Right->getExprLoc(), Right->getType(), VK_PRValue, OK_Ordinary, Right);
    auto *Later = BinaryOperator::Create(
        Context, Left, Value, BO_Assign, Assign->getType(),
        Assign->getValueKind(), Assign->getObjectKind(),
        Assign->getOperatorLoc(), Assign->getStoredFPFeaturesOrDefault());
    return PseudoObjectExpr::Create(Context, written(Assign), {Value, Later},
                                    1);
  }

  /// What templates are instantiated from, which share with their instances
  /// what depends on no parameter. Clang takes an assignment there for one to a
  /// property, but transforms a call as it stands: a call of `operator=`, which
  /// for pointers it makes the assignment again.
  Expr *written(BinaryOperator *Assign) {
    if (!Context.getLangOpts().CPlusPlus)
      return Assign;
    SourceLocation Loc = Assign->getOperatorLoc();
    DeclarationNameInfo Name(
        Context.DeclarationNames.getCXXOperatorName(OO_Equal), Loc);
    auto *Callee = UnresolvedLookupExpr::Create(
        Context, nullptr, NestedNameSpecifierLoc(), Name, /*RequiresADL=*/true,
        UnresolvedSetIterator(), UnresolvedSetIterator(),
        /*KnownDependent=*/false, /*KnownInstantiationDependent=*/false);
    return CXXOperatorCallExpr::Create(
        Context, OO_Equal, Callee, {Assign->getLHS(), Assign->getRHS()},
        Assign->getType(), Assign->getValueKind(), Loc, FPOptionsOverride());
  }

  ASTContext &Context;
};

} // namespace

void assignRightFirst(Decl *D) {
  Sequencer(D->getASTContext()).TraverseDecl(D);
}

} // namespace perdure
