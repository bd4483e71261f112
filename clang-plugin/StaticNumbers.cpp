//===- StaticNumbers.cpp - Numbers as pointers in static initialisers -----===//
//
// Clang 22 emits a pointer that is a number, such as (T *)1, raw into a static
// initialiser, without looking at the qualifier of what it initialises. Its
// bits would then mean something else: an offset, say. An address plus a number
// is qualified, so the number becomes the address of `perdure.absolute` plus
// itself; the passes put 0 in that symbol's place. test/bugs/static-number.c
// tells when this is no longer needed.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"
#include "Qualifier.h"

#include "clang/AST/Attr.h"
#include "clang/AST/RecursiveASTVisitor.h"

#include <utility>

using namespace clang;

namespace perdure {

namespace {

class Rewriter final : public RecursiveASTVisitor<Rewriter> {
public:
  explicit Rewriter(ASTContext &Context) : Context(Context) {}

  bool shouldVisitTemplateInstantiations() const { return true; }

  bool VisitVarDecl(VarDecl *V) {
    if (!V->hasGlobalStorage() || !V->hasInit() || V->isInvalidDecl() ||
        V->getDeclContext()->isDependentContext() ||
        V->getType()->isDependentType() || V->getInit()->isValueDependent())
      return true;
    Expr *Init = V->getInit();
    bool Whole = initialise(Init, V->getType());
    // Also forgets what Clang has evaluated the old initialiser to.
    if (Whole || Changed)
      V->setInit(Init);
    Changed = false;
    return true;
  }

  /// What an initialiser takes the address of.
  bool VisitCompoundLiteralExpr(CompoundLiteralExpr *Literal) {
    if (Expr *Init = Literal->getInitializer();
        Literal->isFileScope() && !Init->isValueDependent() &&
        initialise(Init, Literal->getType()))
      Literal->setInitializer(Init);
    return true;
  }

private:
  /// Goes through the parts of an initialiser; true when Init itself changed.
  bool initialise(Expr *&Init, QualType T) {
    if (!Init)
      return false;
    // A default member initialiser is shared with code that runs, where the
    // number is encoded as it should be: it cannot be rewritten for one object.
    if (auto *Default = dyn_cast<CXXDefaultInitExpr>(Init->IgnoreParens())) {
      Expr *Shared = Default->getExpr();
      bool Outer = std::exchange(InDefault, true);
      initialise(Shared, T);
      InDefault = Outer;
      return false;
    }
    // An array has the qualifiers of its elements.
    if (isPersistent(T) && !T->isArrayType())
      return initialisePointer(Init, T);
    Expr *Bare = Init->IgnoreParens();
    if (auto *Literal = dyn_cast<CompoundLiteralExpr>(Bare)) {
      Expr *Inner = Literal->getInitializer();
      if (initialise(Inner, T))
        Literal->setInitializer(Inner);
      return false;
    }
    auto *List = dyn_cast<InitListExpr>(Bare);
    if (!List)
      return false;
    if (const ArrayType *A = Context.getAsArrayType(T)) {
      for (unsigned I = 0; I != List->getNumInits(); ++I)
        initialiseElement(*List, I, A->getElementType());
      if (Expr *Filler = List->getArrayFiller())
        if (initialise(Filler, A->getElementType()))
          List->setArrayFiller(Filler);
      return false;
    }
    const RecordDecl *Record = T->getAsRecordDecl();
    if (!Record)
      return false;
    if (Record->isUnion()) {
      if (const FieldDecl *Field = List->getInitializedFieldInUnion())
        initialiseElement(*List, 0, Field->getType());
      return false;
    }
    unsigned I = 0;
    if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
      for (const CXXBaseSpecifier &Base : Class->bases())
        initialiseElement(*List, I++, Base.getType());
    for (const FieldDecl *Field : Record->fields())
      if (!Field->isUnnamedBitField())
        initialiseElement(*List, I++, Field->getType());
    return false;
  }

  void initialiseElement(InitListExpr &List, unsigned I, QualType T) {
    if (I >= List.getNumInits())
      return;
    Expr *Init = List.getInit(I);
    if (initialise(Init, T))
      List.setInit(I, Init);
  }

  bool initialisePointer(Expr *&Init, QualType T) {
    Expr::EvalResult Value;
    if (!Init->EvaluateAsRValue(Value, Context) || !Value.Val.isLValue() ||
        Value.Val.getLValueBase())
      return false;
    int64_t Number = Value.Val.getLValueOffset().getQuantity();
    if (Number == 0)
      return false;
    if (InDefault) {
      DiagnosticsEngine &Diags = Context.getDiagnostics();
      Diags.Report(Init->getExprLoc(),
                   Diags.getCustomDiagID(
                       DiagnosticsEngine::Error,
                       "a number as the default of a persistent pointer cannot "
                       "initialise a static variable; give the member a "
                       "constructor, or name the number in the variable's own "
                       "initialiser"));
      return false;
    }
    Init = numberAsAddress(Number, stripped(Context, T.getUnqualifiedType()),
                           Init->getExprLoc());
    Changed = true;
    return true;
  }

  /// (T)((uintptr_t)&perdure_absolute + Number)
  Expr *numberAsAddress(int64_t Number, QualType T, SourceLocation Loc) {
    VarDecl *V = absolute();
    QualType Word = Context.getUIntPtrType();
    auto *Ref =
        DeclRefExpr::Create(Context, NestedNameSpecifierLoc(), SourceLocation(),
                            V, false, Loc, V->getType(), VK_LValue);
    auto *Address = UnaryOperator::Create(
        Context, Ref, UO_AddrOf, Context.getPointerType(V->getType()),
        VK_PRValue, OK_Ordinary, Loc, false, FPOptionsOverride());
    auto *Integer =
        ImplicitCastExpr::Create(Context, Word, CK_PointerToIntegral, Address,
                                 nullptr, VK_PRValue, FPOptionsOverride());
    auto *Literal = IntegerLiteral::Create(
        Context, llvm::APInt(64, static_cast<uint64_t>(Number)), Word, Loc);
    auto *Sum = BinaryOperator::Create(Context, Integer, Literal, BO_Add, Word,
                                       VK_PRValue, OK_Ordinary, Loc,
                                       FPOptionsOverride());
    return ImplicitCastExpr::Create(Context, T, CK_IntegralToPointer, Sum,
                                    nullptr, VK_PRValue, FPOptionsOverride());
  }

  VarDecl *absolute() {
#define PERDURE_ABI_EARLY(Name, Symbol, Doc)                                   \
  [[maybe_unused]] constexpr StringRef Abi##Name = Symbol;
#include "perdure/abi.def"
    (void)AbiDecode, (void)AbiEncode, (void)AbiReencode;
    if (!Absolute) {
      Absolute = VarDecl::Create(
          Context, Context.getTranslationUnitDecl(), SourceLocation(),
          SourceLocation(), &Context.Idents.get("__perdure_absolute"),
          Context.CharTy, Context.getTrivialTypeSourceInfo(Context.CharTy),
          SC_Extern);
      Absolute->setImplicit();
      Absolute->addAttr(AsmLabelAttr::CreateImplicit(Context, AbiAbsolute));
    }
    return Absolute;
  }

  ASTContext &Context;
  VarDecl *Absolute = nullptr;
  bool Changed = false;
  bool InDefault = false;
};

} // namespace

void qualifyStaticNumbers(Decl *D) {
  Rewriter(D->getASTContext()).TraverseDecl(D);
}

} // namespace perdure
