//===- Uses.cpp - Walks over everything that the TU does ------------------===//
#include "Uses.h"

#include "Annotations.h"
#include "Qualifier.h"

#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/AST/StmtOpenMP.h"
#include "clang/Basic/SourceManager.h"
#include "clang/Sema/Sema.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace clang;

namespace perdure {

namespace {

/// Dependent code is checked when it is instantiated. Parents come before
/// their children, so an expression can excuse what lies below it.
class Walker final : public RecursiveASTVisitor<Walker> {
  using Base = RecursiveASTVisitor<Walker>;

public:
  explicit Walker(Sema &S) : S(S), HasGray(mayHaveGray(S.Context)) {}

  bool shouldVisitTemplateInstantiations() const { return true; }
  bool shouldVisitImplicitCode() const { return true; }
  bool shouldTraversePostOrder() const { return false; }

  bool TraverseDecl(Decl *D) {
    if (!D || D->isInvalidDecl() || isForeign(D))
      return true;
    if (isa<FunctionDecl, VarDecl>(D) && !Seen.insert(D).second)
      return true;
    // A dependent body is walked for nothing but the templates in it.
    if (const auto *F = dyn_cast<FunctionDecl>(D))
      if (F->isDependentContext())
        return true;
    // What Clang copies by itself is moved as stored, or decoded and encoded.
    llvm::SaveAndRestore<bool> Outer(InDefaulted);
    if (const auto *F = dyn_cast<FunctionDecl>(D))
      InDefaulted = F->isDefaulted();
    return Base::TraverseDecl(D);
  }
  // The types that are written contain expressions that are never evaluated,
  // but for the sizes of variable-length arrays. Parameters, with their default
  // arguments, lie in the type of their function.
  bool TraverseTypeLoc(TypeLoc Type, bool = true) {
    for (; Type; Type = Type.getNextTypeLoc()) {
      if (auto Array = Type.getAs<VariableArrayTypeLoc>()) {
        if (!TraverseStmt(Array.getTypePtr()->getSizeExpr()))
          return false;
      } else if (auto Function = Type.getAs<FunctionTypeLoc>()) {
        for (ParmVarDecl *P : Function.getParams())
          if (!TraverseDecl(P))
            return false;
      }
    }
    return true;
  }
  bool TraverseUnaryExprOrTypeTraitExpr(UnaryExprOrTypeTraitExpr *E) {
    if (!E->getTypeOfArgument()->isVariablyModifiedType())
      return true;
    return E->isArgumentType()
               ? TraverseTypeLoc(E->getArgumentTypeInfo()->getTypeLoc())
               : TraverseStmt(E->getArgumentExpr());
  }
  // What is not chosen is not evaluated.
  bool TraverseGenericSelectionExpr(GenericSelectionExpr *E) {
    return E->isResultDependent() || TraverseStmt(E->getResultExpr());
  }
  bool TraverseChooseExpr(ChooseExpr *E) {
    return E->isConditionDependent() || TraverseStmt(E->getChosenSubExpr());
  }
  bool TraverseCXXTypeidExpr(CXXTypeidExpr *E) {
    return !E->isPotentiallyEvaluated() || Base::TraverseCXXTypeidExpr(E);
  }
  bool TraverseCXXNoexceptExpr(CXXNoexceptExpr *) { return true; }
  bool TraverseRequiresExpr(RequiresExpr *) { return true; }
  bool TraverseConceptSpecializationExpr(ConceptSpecializationExpr *) {
    return true;
  }
  // Only the semantic form is evaluated.
  bool TraverseInitListExpr(InitListExpr *List) {
    // One whose braces were left out has no other form.
    InitListExpr *Semantic =
        List->isSemanticForm() ? nullptr : List->getSemanticForm();
    return Base::TraverseSynOrSemInitListExpr(Semantic ? Semantic : List,
                                              nullptr);
  }

  bool VisitFunctionDecl(FunctionDecl *F) {
    checkSignature(S, F);
    return true;
  }
  bool VisitVarDecl(VarDecl *V) {
    if (V->isExceptionVariable())
      checkCaught(S, V);
    return true;
  }
  bool
  VisitClassTemplateSpecializationDecl(ClassTemplateSpecializationDecl *D) {
    if (HasGray && D->getPointOfInstantiation().isValid())
      checkGrayArguments(S, D->getPointOfInstantiation(), D->getTemplateArgs());
    return true;
  }
  bool VisitVarTemplateSpecializationDecl(VarTemplateSpecializationDecl *D) {
    if (HasGray && D->getPointOfInstantiation().isValid())
      checkGrayArguments(S, D->getPointOfInstantiation(), D->getTemplateArgs());
    return true;
  }
  bool VisitMaterializeTemporaryExpr(MaterializeTemporaryExpr *E) {
    checkReference(S, E);
    return true;
  }
  bool VisitStmt(Stmt *Node) {
    if (HasGray)
      excuseGray(Node, ExcusedGray);
    return true;
  }
  bool VisitBindingDecl(BindingDecl *B) {
    // What the name stands for; its uses are checked.
    if (const Expr *E = B->getBinding())
      ExcusedGray.insert(E->IgnoreParens());
    return true;
  }
  bool VisitExpr(Expr *E) {
    excuseInteger(E, S.Context, Excused);
    if (HasGray && !InDefaulted)
      checkGray(S, E, ExcusedGray);
    return true;
  }
  bool VisitCastExpr(CastExpr *E) {
    if (E->isInstantiationDependent())
      return true;
    checkCast(S, E);
    checkInteger(S, E, Excused);
    return true;
  }
  bool VisitCallExpr(CallExpr *E) {
    if (E->isInstantiationDependent())
      return true;
    checkCall(S, E);
    checkBuiltin(S, E);
    return true;
  }
  bool VisitCXXNewExpr(CXXNewExpr *E) {
    checkNewArray(S, E);
    return true;
  }
  bool VisitAsmStmt(AsmStmt *A) {
    checkAsm(S, A);
    return true;
  }
  bool VisitOMPAtomicDirective(OMPAtomicDirective *D) {
    checkOpenMPAtomic(S, D);
    return true;
  }
  bool VisitVAArgExpr(VAArgExpr *E) {
    checkVaArg(S, E);
    return true;
  }

private:
  /// Code of the system's headers cannot name what a program annotates, but
  /// for its templates.
  bool isForeign(const Decl *D) const {
    if (isa<TranslationUnitDecl, NamespaceDecl, LinkageSpecDecl,
            ClassTemplateDecl, FunctionTemplateDecl, VarTemplateDecl>(D))
      return false;
    if (!S.getSourceManager().isInSystemHeader(D->getLocation()))
      return false;
    if (const auto *R = dyn_cast<CXXRecordDecl>(D))
      return R->isDependentContext() || !R->getTemplateInstantiationPattern();
    if (const auto *F = dyn_cast<FunctionDecl>(D))
      return F->isDependentContext() || !F->isTemplateInstantiation();
    return false;
  }

  Sema &S;
  bool HasGray;
  llvm::DenseSet<const Decl *> Seen;
  CastSet Excused;
  ExprSet ExcusedGray;
  bool InDefaulted = false;
};

} // namespace

void checkUses(Sema &S, llvm::ArrayRef<Decl *> Declarations) {
  Walker W(S);
  for (Decl *D : Declarations)
    W.TraverseDecl(D);
}

const Expr *bare(const Expr *E) { return E->IgnoreParenImpCasts(); }

const Expr *loadedPersistent(const Expr *E) {
  E = E->IgnoreParens();
  if (const auto *C = dyn_cast<ExprWithCleanups>(E))
    return loadedPersistent(C->getSubExpr());
  if (const auto *C = dyn_cast<AbstractConditionalOperator>(E)) {
    const Expr *True = loadedPersistent(C->getTrueExpr());
    return True ? True : loadedPersistent(C->getFalseExpr());
  }
  const auto *Cast = dyn_cast<ImplicitCastExpr>(E);
  if (!Cast)
    return nullptr;
  const Expr *Sub = Cast->getSubExpr();
  if (Cast->getCastKind() == CK_LValueToRValue)
    return Sub->isGLValue() && isPersistent(Sub->getType()) ? Sub : nullptr;
  return loadedPersistent(Sub);
}

} // namespace perdure
