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

#include "clang/AST/RecursiveASTVisitor.h"

using namespace clang;

namespace perdure {

namespace {

class Sequencer final : public RecursiveASTVisitor<Sequencer> {
public:
  explicit Sequencer(ASTContext &Context) : Context(Context) {}

  bool shouldVisitTemplateInstantiations() const { return true; }

  bool VisitFunctionDecl(FunctionDecl *F) {
    if (F->doesThisDeclarationHaveABody() && !F->isDependentContext())
      rewriteBelow(F->getBody());
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
    return PseudoObjectExpr::Create(Context, Assign, {Value, Later}, 1);
  }

  ASTContext &Context;
};

} // namespace

void assignRightFirst(Decl *D) {
  Sequencer(D->getASTContext()).TraverseDecl(D);
}

} // namespace perdure
