//===- StaticStrings.cpp - String literals in static initialisers ---------===//
//
// In C, Clang 22 emits the address of a string literal in a static initialiser
// without looking at the qualifier of what it initialises, so it stays a plain
// address. For the encoding `object` that is what volatile memory holds anyway,
// but not where code lies below SLOT (-no-pie), and for an encoding that
// depends on the position it is wrong everywhere. Parentheses around the
// literal keep Clang off that path. test/bugs/static-string.c tells when it is
// no longer needed.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"

#include "clang/AST/RecursiveASTVisitor.h"

using namespace clang;

namespace perdure {

namespace {

class Parenthesiser final : public RecursiveASTVisitor<Parenthesiser> {
public:
  explicit Parenthesiser(ASTContext &Context) : Context(Context) {}

  bool TraverseVarDecl(VarDecl *V) {
    bool Outer = InStatic, OuterChanged = Changed;
    InStatic |= V->hasGlobalStorage();
    Changed = false;
    bool Result = RecursiveASTVisitor::TraverseVarDecl(V);
    // C++ has evaluated the initialiser already: forget the value.
    if (Changed && V->hasGlobalStorage())
      V->setInit(V->getInit());
    InStatic = Outer;
    Changed = OuterChanged;
    return Result;
  }
  // Code is made of the semantic form.
  bool TraverseInitListExpr(InitListExpr *List) {
    if (!List->isSemanticForm())
      List = List->getSemanticForm();
    for (Stmt *Child : List->children())
      TraverseStmt(Child);
    return true;
  }
  bool VisitImplicitCastExpr(ImplicitCastExpr *Cast) {
    Expr *Literal = Cast->getSubExpr();
    if (InStatic && Cast->getCastKind() == CK_ArrayToPointerDecay &&
        isa<StringLiteral>(Literal)) {
      Cast->setSubExpr(new (Context) ParenExpr(Literal->getBeginLoc(),
                                               Literal->getEndLoc(), Literal));
      Changed = true;
    }
    return true;
  }

private:
  ASTContext &Context;
  bool InStatic = false;
  bool Changed = false;
};

} // namespace

void parenthesiseStaticStrings(Decl *D) {
  Parenthesiser(D->getASTContext()).TraverseDecl(D);
}

} // namespace perdure
