//===- GrayConstants.cpp - Gray-coded fields in constants -----------------===//
//
// Clang's code generation writes a number raw into a constant, whatever the
// mark on the field it is for. Three kinds of constants are told apart:
//
//  - the initialiser of a variable that lives as long as the program, when it
//    is known at compile time. The variable gets an annotation that says where
//    its Gray-coded fields lie, and passes/GrayRaise.cpp encodes them there.
//    The AST keeps the numbers, so what is evaluated at compile time stays
//    right.
//  - parts of initialisers of anything else, for which Clang may make a
//  constant
//    to copy from. A call that nothing can evaluate goes before each number
//    that is not 0, so that Clang stores the field; the passes delete the call.
//    Bodies of constexpr functions change last, when the TU has been read.
//  - what has no variable and no code: constexpr locals, results of consteval
//    functions, temporaries and compound literals that live as long as the
//    program, objects as template arguments. These are errors.
//
// 0 is its own Gray code.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"
#include "Messages.h"
#include "Qualifier.h"

#include "../passes/GrayMarks.h"
#include "clang/AST/Attr.h"
#include "clang/AST/DeclTemplate.h"
#include "clang/AST/RecordLayout.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace clang;

namespace perdure {

namespace {

/// What an initialiser is, under what does not change it.
Expr *bareInit(Expr *E) {
  for (;;) {
    E = E->IgnoreParens();
    if (auto *C = dyn_cast<ExprWithCleanups>(E))
      E = C->getSubExpr();
    else if (auto *C = dyn_cast<CastExpr>(E);
             C && (C->getCastKind() == CK_NoOp ||
                   C->getCastKind() == CK_LValueToRValue ||
                   C->getCastKind() == CK_ConstructorConversion))
      E = C->getSubExpr();
    else if (auto *B = dyn_cast<CXXBindTemporaryExpr>(E))
      E = B->getSubExpr();
    else
      return E;
  }
}

class Rewriter final : public RecursiveASTVisitor<Rewriter> {
  using Base = RecursiveASTVisitor<Rewriter>;

public:
  Rewriter(ASTContext &Context, bool Evaluable)
      : Context(Context), Evaluable(Evaluable) {}

  bool shouldVisitTemplateInstantiations() const { return true; }

  bool TraverseDecl(Decl *D) {
    if (!D || D->isInvalidDecl())
      return true;
    llvm::SaveAndRestore<bool> Outer(InConstexpr);
    if (const auto *F = dyn_cast<FunctionDecl>(D)) {
      if (F->isDependentContext())
        return true;
      InConstexpr |= F->isConstexpr();
    }
    return Base::TraverseDecl(D);
  }
  bool TraverseLambdaExpr(LambdaExpr *L) {
    llvm::SaveAndRestore<bool> Outer(InConstexpr);
    InConstexpr |= L->getCallOperator()->isConstexpr();
    return Base::TraverseLambdaExpr(L);
  }
  bool TraverseTypeLoc(TypeLoc, bool = true) { return true; }

  // Code is made of the semantic form, which is the only one where braces were
  // left out.
  bool TraverseInitListExpr(InitListExpr *List) {
    InitListExpr *Semantic =
        List->isSemanticForm() ? nullptr : List->getSemanticForm();
    return Base::TraverseSynOrSemInitListExpr(Semantic ? Semantic : List,
                                              nullptr);
  }

  bool VisitVarDecl(VarDecl *V) {
    if (!V->hasInit() || V->isInvalidDecl() || isa<ParmVarDecl>(V) ||
        V->getType()->isDependentType() ||
        V->getDeclContext()->isDependentContext() ||
        V->getInit()->isValueDependent() || !holdsGray(Context, V->getType()))
      return true;
    Expr *Init = V->getInit();
    if (V->hasGlobalStorage()) {
      if (!Context.getLangOpts().CPlusPlus || V->hasConstantInitialization()) {
        markStatic(Init);
        if (isMine())
          annotate(V);
      }
    } else if (isMine() && V->isConstexpr()) {
      error(V->getLocation(),
            "constexpr variable %0 holds Gray-coded fields, and there is no "
            "place to encode them; make it 'static constexpr', or 'const'")
          << V;
    } else if (isMine() && !isa<InitListExpr>(bareInit(Init)) &&
               !isOpaque(Init) && Init->isConstantInitializer(Context, false)) {
      V->setInit(opaque(Init));
    }
    return true;
  }

  bool VisitFunctionDecl(FunctionDecl *F) {
    for (ParmVarDecl *P : F->parameters())
      if (isMine() && P->hasInit() && !P->hasUninstantiatedDefaultArg() &&
          !P->hasUnparsedDefaultArg())
        refuseArrays(P->getInit(), P, false);
    return true;
  }
  bool VisitFieldDecl(FieldDecl *F) {
    if (isMine() && F->hasInClassInitializer() && F->getInClassInitializer())
      refuseArrays(F->getInClassInitializer(), F, isGray(F));
    return true;
  }
  bool TraverseConstructorInitializer(CXXCtorInitializer *I) {
    if (isMine() && I->isMemberInitializer() && isGray(I->getMember()) &&
        I->getMember()->getType()->isArrayType())
      grayArray(I->getInit());
    return Base::TraverseConstructorInitializer(I);
  }

  bool VisitInitListExpr(InitListExpr *List) {
    if (isMine() && !Static.contains(List) && !List->isTypeDependent())
      elements(List->getType(), List->getNumInits(), [&](unsigned I) {
        return std::pair(List->getInit(I),
                         [=](Expr *E) { List->setInit(I, E); });
      });
    return true;
  }
  bool VisitCXXParenListInitExpr(CXXParenListInitExpr *List) {
    MutableArrayRef<Expr *> Inits = List->getInitExprs();
    if (isMine() && !Static.contains(List) && !List->isTypeDependent())
      elements(List->getType(), Inits.size(), [&](unsigned I) {
        return std::pair(Inits[I], [=](Expr *E) { Inits[I] = E; });
      });
    return true;
  }

  bool VisitMaterializeTemporaryExpr(MaterializeTemporaryExpr *E) {
    if (isMine() && holdsGray(Context, E->getType()) &&
        (E->getStorageDuration() == SD_Static ||
         E->getStorageDuration() == SD_Thread))
      error(E->getExprLoc(),
            "a temporary of type %0, which holds Gray-coded fields, would live "
            "as long as the program; make it a variable")
          << E->getType();
    return true;
  }
  bool VisitCompoundLiteralExpr(CompoundLiteralExpr *E) {
    if (isMine() && E->isFileScope() && E->isGLValue() && !Static.contains(E) &&
        holdsGray(Context, E->getType()))
      error(E->getExprLoc(),
            "a literal of type %0, which holds Gray-coded fields, would live "
            "as long as the program; make it a variable")
          << E->getType();
    return true;
  }
  bool VisitConstantExpr(ConstantExpr *E) {
    if (isMine() && E->isImmediateInvocation() && !Static.contains(E) &&
        holdsGray(Context, E->getType()))
      error(E->getExprLoc(),
            "the result of a consteval function has type %0, which holds "
            "Gray-coded fields, and there is no place to encode them; make the "
            "function constexpr, or the result a static constexpr variable")
          << E->getType();
    return true;
  }
  bool VisitDeclRefExpr(DeclRefExpr *E) {
    if (isMine() && isa<TemplateParamObjectDecl>(E->getDecl()) &&
        holdsGray(Context, E->getType()))
      error(E->getExprLoc(),
            "an object as a template argument has type %0, which holds "
            "Gray-coded fields, and there is no place to encode them; pass "
            "their numbers")
          << E->getType();
    return true;
  }

private:
  DiagnosticBuilder error(SourceLocation Loc, const char *Message) {
    DiagnosticsEngine &Diags = Context.getDiagnostics();
    return Diags.Report(Loc, Diags.getDiagnosticIDs()->getCustomDiagID(
                                 DiagnosticIDs::Error, Message));
  }

  /// Each place is dealt with in one of the two visits.
  bool isMine() const { return InConstexpr == Evaluable; }

  /// What becomes the initialiser of a variable, part by part.
  void markStatic(Expr *E) {
    E = bareInit(E);
    Static.insert(E);
    if (auto *Result = dyn_cast<ConstantExpr>(E)) {
      markStatic(Result->getSubExpr());
    } else if (auto *Literal = dyn_cast<CompoundLiteralExpr>(E)) {
      markStatic(Literal->getInitializer());
    } else if (auto *List = dyn_cast<InitListExpr>(E)) {
      for (Expr *Init : List->inits())
        if (Init)
          markStatic(Init);
    } else if (auto *Parens = dyn_cast<CXXParenListInitExpr>(E)) {
      for (Expr *Init : Parens->getInitExprs())
        markStatic(Init);
    } else if (auto *Construct = dyn_cast<CXXConstructExpr>(E)) {
      for (Expr *Argument : Construct->arguments())
        if (auto *M = dyn_cast<MaterializeTemporaryExpr>(Argument))
          markStatic(M->getSubExpr());
    }
  }

  // Where in a variable the fields lie: passes/GrayMarks.h.

  void annotate(VarDecl *V) {
    for (const auto *A : V->specific_attrs<AnnotateAttr>())
      if (A->getAnnotation().starts_with(GrayStaticText))
        return;
    std::string Text = GrayStaticText;
    if (!describe(V->getType(), 0, Text)) {
      error(V->getLocation(),
            "variable %0 is initialised, but has a union of which one member "
            "holds Gray-coded fields; assign to it in a function")
          << V;
      return;
    }
    V->addAttr(AnnotateAttr::CreateImplicit(Context, Text, nullptr, 0,
                                            V->getSourceRange()));
  }

  bool describe(QualType T, uint64_t At, std::string &Text) {
    if (const ArrayType *A = Context.getAsArrayType(T))
      return describeArray(*A, At, Text, [&](std::string &Inside) {
        return describe(A->getElementType(), 0, Inside);
      });
    const RecordDecl *Record = T->getAsRecordDecl();
    if (!Record || !holdsGray(Context, T))
      return true;
    if (Record->isUnion())
      return false;
    const ASTRecordLayout &Layout = Context.getASTRecordLayout(Record);
    if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
      for (const CXXBaseSpecifier &B : Class->bases())
        if (const CXXRecordDecl *R = B.getType()->getAsCXXRecordDecl();
            !B.isVirtual() &&
            !describe(B.getType(),
                      At + Layout.getBaseClassOffset(R).getQuantity(), Text))
          return false;
    for (const FieldDecl *Field : Record->fields()) {
      uint64_t Offset = At + Layout.getFieldOffset(Field->getFieldIndex()) / 8;
      if (isGray(Field))
        describeField(Field->getType(), Offset, Text);
      else if (!describe(Field->getType(), Offset, Text))
        return false;
    }
    return true;
  }

  void describeField(QualType T, uint64_t At, std::string &Text) {
    if (const ArrayType *A = Context.getAsArrayType(T)) {
      describeArray(*A, At, Text, [&](std::string &Inside) {
        describeField(A->getElementType(), 0, Inside);
        return true;
      });
      return;
    }
    Text += "g" + std::to_string(At) + ":" +
            std::to_string(Context.getTypeSizeInChars(T).getQuantity()) + ";";
  }

  template <typename Function>
  bool describeArray(const ArrayType &A, uint64_t At, std::string &Text,
                     Function Element) {
    std::string Inside;
    if (!Element(Inside))
      return false;
    uint64_t Count = 0; // a flexible one
    if (const auto *C = dyn_cast<ConstantArrayType>(&A)) {
      Count = C->getZExtSize();
      if (!Count)
        return true;
    }
    if (!Inside.empty())
      Text +=
          "a" + std::to_string(At) + ":" + std::to_string(Count) + ":" +
          std::to_string(
              Context.getTypeSizeInChars(A.getElementType()).getQuantity()) +
          "[" + Inside + "]";
    return true;
  }

  // Numbers that must not become part of a constant.

  template <typename Function>
  void elements(QualType T, unsigned Count, Function At) {
    auto Visit = [&](unsigned I, const FieldDecl *Field, QualType FT) {
      if (I >= Count)
        return;
      auto [Init, Set] = At(I);
      if (!Init)
        return;
      if (Field && isGray(Field)) {
        if (FT->isArrayType())
          grayArray(Init);
        else if (isNumber(Init))
          Set(opaque(Init));
      } else if (holdsGray(Context, FT) && !FT->isArrayType() &&
                 isWhole(Init)) {
        Set(opaque(Init));
      }
    };
    if (const ArrayType *A = Context.getAsArrayType(T)) {
      for (unsigned I = 0; I != Count; ++I)
        Visit(I, nullptr, A->getElementType());
      return;
    }
    const RecordDecl *Record = T->getAsRecordDecl();
    if (!Record || Record->isUnion())
      return; // no field of a union is Gray-coded itself
    unsigned I = 0;
    if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
      for (const CXXBaseSpecifier &B : Class->bases())
        Visit(I++, nullptr, B.getType());
    for (const FieldDecl *Field : Record->fields())
      if (!Field->isUnnamedBitField())
        Visit(I++, Field, Field->getType());
  }

  /// The initialiser of a field that is an array.
  void grayArray(Expr *Init) {
    Expr *Bare = bareInit(Init);
    if (auto *List = dyn_cast<InitListExpr>(Bare)) {
      for (unsigned I = 0; I != List->getNumInits(); ++I) {
        Expr *E = List->getInit(I);
        if (E && E->getType()->isArrayType())
          grayArray(E);
        else if (E && isa<EmbedExpr>(E->IgnoreParens()))
          refuseBytes(E);
        else if (E && isNumber(E))
          List->setInit(I, opaque(E));
      }
    } else if (isa<StringLiteral, EmbedExpr, PredefinedExpr,
                   CompoundLiteralExpr, CXXParenListInitExpr>(Bare)) {
      refuseBytes(Init);
    }
  }

  void refuseBytes(Expr *E) {
    error(E->getExprLoc(),
          "an array of Gray-coded fields is initialised as a whole; give it a "
          "list of numbers in braces, or assign its elements");
  }

  /// Default initialisers are shared by constants and code.
  void refuseArrays(Expr *Init, const ValueDecl *Of, bool Gray) {
    Expr *Bare = bareInit(Init);
    if (Bare->isTypeDependent())
      return;
    bool Ours = Gray || holdsGray(Context, Bare->getType());
    auto *List = dyn_cast<InitListExpr>(Bare);
    if (Ours && Bare->getType()->isArrayType() &&
        (!List || List->getNumInits())) {
      error(Init->getExprLoc(),
            "the default of %0 initialises an array of Gray-coded fields; do "
            "so in a constructor or a function")
          << Of;
      return;
    }
    if (List && Ours)
      for (Expr *E : List->inits())
        if (E && !isa<CXXDefaultInitExpr>(E) &&
            (E->getType()->isArrayType() || E->getType()->isRecordType()))
          refuseArrays(E, Of, isInitOfGray(List, E));
  }

  /// Whether \p E in \p List is for a Gray-coded field.
  static bool isInitOfGray(InitListExpr *List, const Expr *E) {
    const RecordDecl *Record = List->getType()->getAsRecordDecl();
    if (!Record)
      return false;
    unsigned I = 0;
    if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
      I += Class->getNumBases();
    for (const FieldDecl *Field : Record->fields()) {
      if (Field->isUnnamedBitField())
        continue;
      if (I < List->getNumInits() && List->getInit(I) == E)
        return isGray(Field);
      ++I;
    }
    return false;
  }

  static bool isOpaque(const Expr *E) {
    const auto *B = dyn_cast<BinaryOperator>(E);
    const auto *Call = B && B->getOpcode() == BO_Comma
                           ? dyn_cast<CallExpr>(B->getLHS())
                           : nullptr;
    const FunctionDecl *Callee = Call ? Call->getDirectCallee() : nullptr;
    const auto *Label = Callee ? Callee->getAttr<AsmLabelAttr>() : nullptr;
    return Label && Label->getLabel() == GrayOpaqueSymbol;
  }

  /// A number other than 0.
  bool isNumber(const Expr *E) const {
    Expr::EvalResult R;
    if (isa<ImplicitValueInitExpr, NoInitExpr>(E) || isOpaque(E) ||
        E->isValueDependent())
      return false;
    return !E->EvaluateAsInt(R, Context) || R.Val.getInt() != 0;
  }

  /// A record that is no list, and not known to be all 0.
  static bool isWhole(Expr *E) {
    return !isOpaque(E) &&
           !isa<InitListExpr, CXXParenListInitExpr, ImplicitValueInitExpr,
                NoInitExpr, DesignatedInitUpdateExpr>(E->IgnoreParens());
  }

  /// (perdure.gray.opaque(), E)
  Expr *opaque(Expr *E) {
    SourceLocation Loc = E->getExprLoc();
    if (!Opaque) {
      FunctionProtoType::ExtProtoInfo Info;
      if (Context.getLangOpts().CPlusPlus)
        Info.ExceptionSpec.Type = EST_BasicNoexcept;
      QualType T = Context.getFunctionType(Context.VoidTy, {}, Info);
      Opaque = FunctionDecl::Create(
          Context, Context.getTranslationUnitDecl(), SourceLocation(),
          SourceLocation(),
          DeclarationName(&Context.Idents.get("__perdure_gray_opaque")), T,
          Context.getTrivialTypeSourceInfo(T), SC_Extern);
      Opaque->setImplicit();
      Opaque->addAttr(AsmLabelAttr::CreateImplicit(Context, GrayOpaqueSymbol));
      Opaque->addAttr(NoThrowAttr::CreateImplicit(Context));
    }
    auto *Ref =
        DeclRefExpr::Create(Context, NestedNameSpecifierLoc(), SourceLocation(),
                            Opaque, false, Loc, Opaque->getType(), VK_LValue);
    auto *Callee = ImplicitCastExpr::Create(
        Context, Context.getPointerType(Opaque->getType()),
        CK_FunctionToPointerDecay, Ref, nullptr, VK_PRValue,
        FPOptionsOverride());
    auto *Call = CallExpr::Create(Context, Callee, {}, Context.VoidTy,
                                  VK_PRValue, Loc, FPOptionsOverride());
    return BinaryOperator::Create(Context, Call, E, BO_Comma, E->getType(),
                                  E->getValueKind(), OK_Ordinary, Loc,
                                  FPOptionsOverride());
  }

  ASTContext &Context;
  bool Evaluable;
  bool InConstexpr = false;
  FunctionDecl *Opaque = nullptr;
  llvm::DenseSet<const Expr *> Static;
};

} // namespace

void encodeGrayConstants(Decl *D, bool Evaluable) {
  if (mayHaveGray(D->getASTContext()))
    Rewriter(D->getASTContext(), Evaluable).TraverseDecl(D);
}

} // namespace perdure
