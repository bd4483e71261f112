//===- Roots.cpp - What a program takes the root of an object for ---------===//
//
// perdure_open and perdure_create give `void *`. Where that becomes a pointer to a
// record, the runtime is told of which: it records an object's types, and gives null
// for an object that holds others.
//
//   struct list *l = perdure_open(s, "list", 0)
//   struct list *l = __perdure_type_root(perdure_open(s, "list", 0), &descriptor)
//
// The same for a local variable of type `void *` that holds nothing but roots and is
// converted to one record type only: then where it gets its values, so that what the
// program asks before it converts it (`if (!root)`) sees the null. A function of this
// file that returns nothing but roots, as `void *`, is one more way to get one; what
// is not seen to be a root is left alone, and its types are not recorded.
//
//===----------------------------------------------------------------------===//
#include "Descriptors.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/Attr.h"
#include "clang/AST/ExprCXX.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "llvm/ADT/MapVector.h"

#include <functional>

using namespace clang;

namespace perdure {

namespace {

#define PERDURE_ABI_RUNTIME(Name, Symbol, Doc)                                 \
  [[maybe_unused]] constexpr StringRef Abi##Name = Symbol;
#include "perdure/abi.def"

/// Functions of the TU that return roots.
llvm::DenseSet<const FunctionDecl *> &givers() {
  static llvm::DenseSet<const FunctionDecl *> Givers;
  return Givers;
}

bool isVoidPointer(QualType T) { return T->isVoidPointerType(); }

/// What the statements of one function do with roots.
class Body final : public RecursiveASTVisitor<Body> {
public:
  Body(ASTContext &Context, FunctionDecl *F) : Context(Context), F(F) {
    TraverseStmt(F->getBody());
    if (auto *Constructor = dyn_cast<CXXConstructorDecl>(F))
      for (CXXCtorInitializer *Init : Constructor->inits())
        TraverseStmt(Init->getInit());
  }

  void rewrite() {
    findRootVariables();
    for (auto &[V, Of] : Variables)
      if (const RecordDecl *T = Of.IsRoot ? onlyTarget(Of) : nullptr)
        for (auto &Source : Of.Sources)
          if (!isNull(Source.Value))
            Source.Replace(wrap(Source.Value, T));
    for (CastExpr *Cast : Casts)
      if (Expr *From = below(Cast); givesRoot(From))
        if (const RecordDecl *T = targetOf(Cast); T && !isVariable(From))
          Cast->setSubExpr(wrap(From, T));
    if (isVoidPointer(F->getReturnType()) && !Returned.empty() &&
        llvm::all_of(Returned,
                     [&](const Expr *E) { return isNull(E) || givesRoot(E); }) &&
        llvm::any_of(Returned, [&](const Expr *E) { return givesRoot(E); }))
      givers().insert(F->getCanonicalDecl());
  }

  bool VisitDeclStmt(DeclStmt *S) {
    for (Decl *D : S->decls())
      if (auto *V = dyn_cast<VarDecl>(D);
          V && V->hasLocalStorage() && isVoidPointer(V->getType()) &&
          !V->getType().isVolatileQualified() && !isa<ParmVarDecl>(V))
        if (Variable &Of = Variables[V]; Expr *Init = V->getInit())
          Of.Sources.push_back({Init, [V](Expr *E) { V->setInit(E); }});
    return true;
  }
  bool VisitBinaryOperator(BinaryOperator *Op) {
    if (const VarDecl *V = variable(Op->getLHS())) {
      if (Op->getOpcode() == BO_Assign)
        Variables[V].Sources.push_back(
            {Op->getRHS(), [Op](Expr *E) { Op->setRHS(E); }});
      else if (Op->isAssignmentOp())
        Variables[V].IsOther = true;
    }
    return true;
  }
  bool VisitUnaryOperator(UnaryOperator *Op) {
    if (Op->getOpcode() == UO_AddrOf || Op->isIncrementDecrementOp())
      if (const VarDecl *V = variable(Op->getSubExpr()))
        Variables[V].IsOther = true;
    return true;
  }
  /// Bound to a reference: an lvalue that nobody loads.
  bool VisitDeclRefExpr(DeclRefExpr *Ref) {
    if (const VarDecl *V = variable(Ref))
      ++Variables[V].Uses;
    return true;
  }
  bool VisitLambdaExpr(LambdaExpr *L) {
    for (const LambdaCapture &C : L->captures())
      if (C.capturesVariable() && C.getCaptureKind() == LCK_ByRef)
        if (const auto *V = dyn_cast<VarDecl>(C.getCapturedVar()))
          Variables[V].IsOther = true;
    return true;
  }
  bool VisitCastExpr(CastExpr *Cast) {
    if (Cast->getCastKind() == CK_LValueToRValue) {
      if (const VarDecl *V = variable(Cast->getSubExpr()))
        ++Variables[V].Loads;
      return true;
    }
    if (Cast->getCastKind() == CK_BitCast &&
        isVoidPointer(Cast->getSubExpr()->getType()) &&
        !isVoidPointer(Cast->getType())) {
      Casts.push_back(Cast);
      if (const VarDecl *V = variable(below(Cast)))
        Variables[V].Targets.push_back(Cast);
    }
    return true;
  }
  bool VisitReturnStmt(ReturnStmt *S) {
    if (const Expr *E = S->getRetValue())
      Returned.push_back(E);
    return true;
  }
  // A lambda returns for itself.
  bool TraverseLambdaExpr(LambdaExpr *L) {
    SmallVector<const Expr *, 4> Outer = Returned;
    bool Result = RecursiveASTVisitor::TraverseLambdaExpr(L);
    Returned = Outer;
    return Result;
  }

private:
  struct Source {
    Expr *Value;
    std::function<void(Expr *)> Replace;
  };
  struct Variable {
    SmallVector<Source, 2> Sources;
    SmallVector<CastExpr *, 2> Targets;
    unsigned Uses = 0, Loads = 0;
    bool IsOther = false, IsRoot = false;
  };

  /// A local variable is a root as long as all that it gets are. One may get another:
  /// begins with all that could be.
  void findRootVariables() {
    for (auto &[V, Of] : Variables) {
      size_t Assigned = 0;
      for (const Source &S : Of.Sources)
        Assigned += S.Value != V->getInit();
      // Whatever is not loaded is assigned to; or something else happens.
      Of.IsRoot = !Of.IsOther && !Of.Sources.empty() &&
                  Of.Uses == Of.Loads + Assigned;
    }
    for (bool Changed = true; Changed;) {
      Changed = false;
      for (auto &[V, Of] : Variables) {
        bool Holds = llvm::all_of(Of.Sources, [&](const Source &S) {
          return isNull(S.Value) || givesRoot(S.Value);
        });
        if (Of.IsRoot && !Holds) {
          Of.IsRoot = false;
          Changed = true;
        }
      }
    }
  }

  /// The one record type that it is converted to.
  static const RecordDecl *onlyTarget(const Variable &Of) {
    const RecordDecl *Only = nullptr;
    for (const CastExpr *Cast : Of.Targets) {
      const RecordDecl *T = targetOf(Cast);
      if (!T || (Only && Only != T))
        return nullptr;
      Only = T;
    }
    return Only;
  }

  static const RecordDecl *targetOf(const CastExpr *Cast) {
    QualType T = Cast->getType()->getPointeeType();
    const RecordDecl *R = T.isNull() ? nullptr : T->getAsRecordDecl();
    R = R ? R->getDefinition() : nullptr;
    return R && !R->isInvalidDecl() && !R->isDependentContext() ? R : nullptr;
  }

  /// What is converted, under parentheses and casts to `void *` and the like.
  static Expr *below(CastExpr *Cast) {
    Expr *E = Cast->getSubExpr();
    for (;;) {
      E = E->IgnoreParens();
      auto *Inner = dyn_cast<CastExpr>(E);
      if (!Inner || !isVoidPointer(Inner->getSubExpr()->getType()) ||
          Inner->getCastKind() == CK_LValueToRValue)
        return E;
      E = Inner->getSubExpr();
    }
  }

  /// The local `void *` that is meant, loaded or not.
  static const VarDecl *variable(const Expr *E) {
    E = E->IgnoreParens();
    if (const auto *Load = dyn_cast<CastExpr>(E);
        Load && Load->getCastKind() == CK_LValueToRValue)
      E = Load->getSubExpr()->IgnoreParens();
    const auto *Ref = dyn_cast<DeclRefExpr>(E);
    const auto *V = Ref ? dyn_cast<VarDecl>(Ref->getDecl()) : nullptr;
    return V && V->hasLocalStorage() && isVoidPointer(V->getType()) ? V
                                                                   : nullptr;
  }
  bool isVariable(const Expr *E) const { return variable(E) != nullptr; }

  bool isNull(const Expr *E) const {
    return !E->isValueDependent() &&
           E->isNullPointerConstant(Context, Expr::NPC_ValueDependentIsNotNull);
  }

  bool givesRoot(const Expr *E) const {
    E = E->IgnoreParens();
    if (const VarDecl *V = variable(E)) {
      auto It = Variables.find(V);
      return It != Variables.end() && It->second.IsRoot;
    }
    if (const auto *Cast = dyn_cast<CastExpr>(E))
      return isVoidPointer(Cast->getType()) &&
             isVoidPointer(Cast->getSubExpr()->getType()) &&
             Cast->getCastKind() != CK_LValueToRValue &&
             givesRoot(Cast->getSubExpr());
    if (const auto *Cleanups = dyn_cast<ExprWithCleanups>(E))
      return givesRoot(Cleanups->getSubExpr());
    if (const auto *Choice = dyn_cast<ConditionalOperator>(E)) {
      const Expr *Arms[] = {Choice->getTrueExpr(), Choice->getFalseExpr()};
      return llvm::any_of(Arms, [&](const Expr *A) { return givesRoot(A); }) &&
             llvm::all_of(Arms, [&](const Expr *A) {
               return isNull(A) || givesRoot(A);
             });
    }
    const auto *Call = dyn_cast<CallExpr>(E);
    const FunctionDecl *To = Call ? Call->getDirectCallee() : nullptr;
    if (!To || !To->getIdentifier())
      return false;
    return ((To->getName() == "perdure_open" ||
             To->getName() == "perdure_create") &&
            To->isExternC()) ||
           givers().contains(To->getCanonicalDecl());
  }

  Expr *wrap(Expr *Root, const RecordDecl *T) {
    SourceLocation Loc = Root->getExprLoc();
    VarDecl *D = descriptorOf(Context, T);
    FunctionDecl *To = typeRoot();
    auto Refer = [&](ValueDecl *V, ExprValueKind Kind) {
      return DeclRefExpr::Create(Context, NestedNameSpecifierLoc(),
                                 SourceLocation(), V, false, Loc, V->getType(),
                                 Kind);
    };
    Expr *Callee = ImplicitCastExpr::Create(
        Context, Context.getPointerType(To->getType()),
        CK_FunctionToPointerDecay,
        Refer(To, Context.getLangOpts().CPlusPlus ? VK_LValue : VK_PRValue),
        nullptr, VK_PRValue, FPOptionsOverride());
    Expr *Address = UnaryOperator::Create(
        Context, Refer(D, VK_LValue), UO_AddrOf,
        Context.getPointerType(D->getType()), VK_PRValue, OK_Ordinary, Loc, false,
        FPOptionsOverride());
    Address = ImplicitCastExpr::Create(
        Context, Context.getPointerType(Context.VoidTy.withConst()), CK_BitCast,
        Address, nullptr, VK_PRValue, FPOptionsOverride());
    return CallExpr::Create(Context, Callee, {Root, Address}, Context.VoidPtrTy,
                            VK_PRValue, Loc, FPOptionsOverride());
  }

  /// void *__perdure_type_root(void *, const void *)
  FunctionDecl *typeRoot() {
    QualType Params[] = {Context.VoidPtrTy,
                         Context.getPointerType(Context.VoidTy.withConst())};
    FunctionProtoType::ExtProtoInfo Info;
    if (Context.getLangOpts().CPlusPlus)
      Info.ExceptionSpec.Type = EST_BasicNoexcept;
    QualType T = Context.getFunctionType(Context.VoidPtrTy, Params, Info);
    auto *To = FunctionDecl::Create(
        Context, Context.getTranslationUnitDecl(), SourceLocation(),
        SourceLocation(), &Context.Idents.get(AbiTypeRoot), T,
        Context.getTrivialTypeSourceInfo(T), SC_Extern);
    SmallVector<ParmVarDecl *, 2> Decls;
    for (QualType P : Params)
      Decls.push_back(ParmVarDecl::Create(
          Context, To, SourceLocation(), SourceLocation(), nullptr, P,
          Context.getTrivialTypeSourceInfo(P), SC_None, nullptr));
    To->setParams(Decls);
    To->setImplicit();
    To->addAttr(AsmLabelAttr::CreateImplicit(Context, AbiTypeRoot));
    To->addAttr(NoThrowAttr::CreateImplicit(Context));
    return To;
  }

  ASTContext &Context;
  FunctionDecl *F;
  llvm::MapVector<const VarDecl *, Variable> Variables;
  SmallVector<CastExpr *, 8> Casts;
  SmallVector<const Expr *, 4> Returned;
};

class Functions final : public RecursiveASTVisitor<Functions> {
public:
  explicit Functions(ASTContext &Context) : Context(Context) {}
  bool shouldVisitTemplateInstantiations() const { return true; }
  bool VisitFunctionDecl(FunctionDecl *F) {
    if (F->doesThisDeclarationHaveABody() && !F->isDependentContext() &&
        !F->isInvalidDecl())
      Body(Context, F).rewrite();
    return true;
  }

private:
  ASTContext &Context;
};

} // namespace

void typeRoots(Decl *D) { Functions(D->getASTContext()).TraverseDecl(D); }

void forgetRoots() { givers().clear(); }

} // namespace perdure
