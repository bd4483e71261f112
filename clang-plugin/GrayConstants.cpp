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
//    Those of which Clang makes code at once, such as explicit instantiations,
//    change before that, and back after it.
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
#include "Uses.h"

#include "../passes/GrayMarks.h"
#include "clang/AST/Attr.h"
#include "clang/AST/DeclTemplate.h"
#include "clang/AST/RecordLayout.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/SaveAndRestore.h"

#include <functional>
#include <vector>

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
                   C->getCastKind() == CK_NonAtomicToAtomic ||
                   C->getCastKind() == CK_ConstructorConversion))
      E = C->getSubExpr();
    else if (auto *B = dyn_cast<CXXBindTemporaryExpr>(E))
      E = B->getSubExpr();
    else
      return E;
  }
}

/// Puts back what was there before functions whose code is made at once.
std::vector<std::function<void()>> &undo() {
  static std::vector<std::function<void()>> Undo;
  return Undo;
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
    llvm::SaveAndRestore<bool> Outer(InConstexpr), Outer2(IsUndone),
        Outer3(InStatic), Outer4(IsAtOnce);
    if (const auto *F = dyn_cast<FunctionDecl>(D)) {
      if (F->isDependentContext())
        return true;
      InStatic = false;
      IsAtOnce |=
          F->isThisDeclarationADefinition() && Context.DeclMustBeEmitted(F);
      if (F->isConstexpr()) {
        bool AtOnce = !Evaluable && F->isThisDeclarationADefinition() &&
                      Context.DeclMustBeEmitted(F);
        InConstexpr |= !AtOnce;
        IsUndone |= AtOnce;
      }
    } else if (const auto *V = dyn_cast<VarDecl>(D)) {
      InStatic |= V->isConstexpr() || isStatic(V);
      IsAtOnce |= !V->getDeclContext()->isDependentContext() &&
                  V->hasGlobalStorage() && Context.DeclMustBeEmitted(V);
    }
    return Base::TraverseDecl(D);
  }
  bool TraverseLambdaExpr(LambdaExpr *L) {
    llvm::SaveAndRestore<bool> Outer(InConstexpr), Outer2(InStatic, false);
    InConstexpr |= L->getCallOperator()->isConstexpr();
    return Base::TraverseLambdaExpr(L);
  }
  // Of what types contain, code is made of the sizes of variable-length arrays.
  bool TraverseTypeLoc(TypeLoc Type, bool = true) {
    for (; Type; Type = Type.getNextTypeLoc())
      if (auto Array = Type.getAs<VariableArrayTypeLoc>();
          Array && !TraverseStmt(Array.getTypePtr()->getSizeExpr()))
        return false;
    return true;
  }

  // Code is made of the semantic form, which is the only one where braces were
  // left out.
  bool TraverseInitListExpr(InitListExpr *List) {
    InitListExpr *Semantic =
        List->isSemanticForm() ? nullptr : List->getSemanticForm();
    return Base::TraverseSynOrSemInitListExpr(Semantic ? Semantic : List,
                                              nullptr);
  }

  bool TraverseImplicitCastExpr(ImplicitCastExpr *E) {
    llvm::SaveAndRestore<const Expr *> Outer(Load);
    if (E->getCastKind() == CK_LValueToRValue)
      Load = E->getSubExpr()->IgnoreParens();
    return Base::TraverseImplicitCastExpr(E);
  }

  bool VisitVarDecl(VarDecl *V) {
    // A static member may have its initialiser in the class, and its
    // definition, which is what code is made of, elsewhere.
    if (!V->hasInit() && V->isStaticDataMember() && V->isOutOfLine() &&
        !V->isInvalidDecl() && !V->getDeclContext()->isDependentContext() &&
        holdsGray(Context, V->getType()) && isMine()) {
      const VarDecl *First = nullptr;
      if (V->getAnyInitializer(First) && isStatic(First))
        annotate(V);
    }
    if (!V->hasInit() || V->isInvalidDecl() || isa<ParmVarDecl>(V) ||
        V->getType()->isDependentType() ||
        V->getDeclContext()->isDependentContext() ||
        V->getInit()->isValueDependent() || !holdsGray(Context, V->getType()))
      return true;
    Expr *Init = V->getInit();
    if (V->hasGlobalStorage()) {
      if (isStatic(V)) {
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
      undoLater([=] { V->setInit(Init); });
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
    // Also one of an anonymous record.
    if (const FieldDecl *Field = I->getAnyMember();
        Field && isMine() && isGray(Field) && Field->getType()->isArrayType())
      grayArray(I->getInit());
    return Base::TraverseConstructorInitializer(I);
  }

  bool VisitInitListExpr(InitListExpr *List) {
    if (isMine() && !Static.contains(List) && !List->isTypeDependent())
      elements(List->getType(), List->getInitializedFieldInUnion(),
               List->getNumInits(), [&](unsigned I) {
                 return std::pair(List->getInit(I),
                                  [=](Expr *E) { set(List, I, E); });
               });
    // For the elements that are not named; no child of the list.
    return !List->hasArrayFiller() || TraverseStmt(List->getArrayFiller());
  }
  bool VisitCXXParenListInitExpr(CXXParenListInitExpr *List) {
    MutableArrayRef<Expr *> Inits = List->getInitExprs();
    if (isMine() && !Static.contains(List) && !List->isTypeDependent())
      elements(List->getType(), List->getInitializedFieldInUnion(),
               Inits.size(), [&](unsigned I) {
                 return std::pair(Inits[I], [=](Expr *E) { set(Inits[I], E); });
               });
    return true;
  }

  // The address of a field's bytes: what is read there is not decoded.
  bool VisitExplicitCastExpr(ExplicitCastExpr *E) {
    Expr *Address = E->getSubExpr();
    if (isMine() && !InStatic && E->getType()->isVoidPointerType() &&
        isAddressOfGray(Address)) {
      E->setSubExpr(bytes(Address));
      undoLater([=] { E->setSubExpr(Address); });
    }
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
    refuseWithoutPlace(E, E->getDecl(), E->isNonOdrUse());
    return true;
  }
  bool VisitMemberExpr(MemberExpr *E) {
    refuseWithoutPlace(E, E->getMemberDecl(), E->isNonOdrUse());
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

  /// A static member whose initialiser is in its class, while its definition is
  /// elsewhere: Clang copies from a constant of its own, or shows the optimiser
  /// one, and tells nobody which variable that is of. Whether there is a
  /// definition is what counts when code is made: at once, or in the end.
  void refuseWithoutPlace(const Expr *E, const ValueDecl *D,
                          NonOdrUseReason Use) {
    const auto *V = dyn_cast<VarDecl>(D);
    if (!V || !V->isStaticDataMember() || IsAtOnce == Evaluable ||
        Use == NOUR_Unevaluated || Use == NOUR_Discarded ||
        V->getDeclContext()->isDependentContext() || !V->getAnyInitializer() ||
        !holdsGray(Context, V->getType()))
      return;
    const VarDecl *Definition = V->getDefinition(Context);
    // A copy of its own it makes of what need not be there when it links, too.
    if (Definition &&
        (Use != NOUR_Constant || Context.GetGVALinkageForVariable(Definition) !=
                                     GVA_AvailableExternally))
      return;
    // Of a number that is known nothing is left but itself.
    Expr::EvalResult R;
    if (isa_and_nonnull<MemberExpr>(Load) &&
        Load->getType()->isIntegralOrEnumerationType() &&
        Load->EvaluateAsInt(R, Context, Expr::SE_AllowSideEffects))
      return;
    if (Definition)
      error(E->getExprLoc(),
            "static member %0 has type %1, which holds Gray-coded fields, and "
            "is instantiated in another file; read it through a reference")
          << V << V->getType();
    else
      error(E->getExprLoc(),
            "static member %0 has type %1, which holds Gray-coded fields, and "
            "no definition in this file up to here; define it above, or "
            "compile as C++17")
          << V << V->getType();
  }

  /// Is its initialiser a constant that the variable starts with?
  bool isStatic(const VarDecl *V) const {
    return V->hasGlobalStorage() && V->hasInit() &&
           !V->getInit()->isValueDependent() &&
           (!Context.getLangOpts().CPlusPlus || V->hasConstantInitialization());
  }

  void undoLater(std::function<void()> Undo) {
    if (IsUndone)
      undo().push_back(std::move(Undo));
  }
  void set(Expr *&Place, Expr *E) {
    undoLater([&Place, Old = Place] { Place = Old; });
    Place = E;
  }
  void set(InitListExpr *List, unsigned I, Expr *E) {
    undoLater([=, Old = List->getInit(I)] { List->setInit(I, Old); });
    List->setInit(I, E);
  }

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
      if (Expr *Filler = List->getArrayFiller())
        markStatic(Filler);
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
    T = T.getAtomicUnqualifiedType();
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
  void elements(QualType T, const FieldDecl *InUnion, unsigned Count,
                Function At) {
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
    if (!Record)
      return;
    if (Record->isUnion()) {
      if (InUnion) // not Gray-coded itself
        Visit(0, InUnion, InUnion->getType());
      return;
    }
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
          set(List, I, opaque(E));
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
    if (!Opaque)
      Opaque = function("__perdure_gray_opaque", GrayOpaqueSymbol,
                        Context.VoidTy, {});
    return BinaryOperator::Create(
        Context, call(Opaque, {}, E->getExprLoc()), E, BO_Comma, E->getType(),
        E->getValueKind(), OK_Ordinary, E->getExprLoc(), FPOptionsOverride());
  }

  /// perdure.gray.bytes(Address)
  Expr *bytes(Expr *Address) {
    if (!Bytes)
      Bytes = function("__perdure_gray_bytes", GrayBytesSymbol,
                       Context.VoidPtrTy, {Context.VoidPtrTy});
    auto Cast = [&](Expr *E, QualType T) {
      return ImplicitCastExpr::Create(Context, T, CK_BitCast, E, nullptr,
                                      VK_PRValue, FPOptionsOverride());
    };
    return Cast(
        call(Bytes, Cast(Address, Context.VoidPtrTy), Address->getExprLoc()),
        Address->getType());
  }

  FunctionDecl *function(StringRef Name, StringRef Symbol, QualType Result,
                         ArrayRef<QualType> Parameters) {
    FunctionProtoType::ExtProtoInfo Info;
    if (Context.getLangOpts().CPlusPlus)
      Info.ExceptionSpec.Type = EST_BasicNoexcept;
    QualType T = Context.getFunctionType(Result, Parameters, Info);
    auto *F = FunctionDecl::Create(
        Context, Context.getTranslationUnitDecl(), SourceLocation(),
        SourceLocation(), DeclarationName(&Context.Idents.get(Name)), T,
        Context.getTrivialTypeSourceInfo(T), SC_Extern);
    SmallVector<ParmVarDecl *, 1> Declared;
    for (QualType P : Parameters)
      Declared.push_back(ParmVarDecl::Create(
          Context, F, SourceLocation(), SourceLocation(), nullptr, P,
          Context.getTrivialTypeSourceInfo(P), SC_None, nullptr));
    F->setParams(Declared);
    F->setImplicit();
    F->addAttr(AsmLabelAttr::CreateImplicit(Context, Symbol));
    F->addAttr(NoThrowAttr::CreateImplicit(Context));
    return F;
  }

  Expr *call(FunctionDecl *F, ArrayRef<Expr *> Arguments, SourceLocation Loc) {
    auto *Ref =
        DeclRefExpr::Create(Context, NestedNameSpecifierLoc(), SourceLocation(),
                            F, false, Loc, F->getType(), VK_LValue);
    auto *Callee =
        ImplicitCastExpr::Create(Context, Context.getPointerType(F->getType()),
                                 CK_FunctionToPointerDecay, Ref, nullptr,
                                 VK_PRValue, FPOptionsOverride());
    return CallExpr::Create(Context, Callee, Arguments, F->getReturnType(),
                            VK_PRValue, Loc, FPOptionsOverride());
  }

  ASTContext &Context;
  bool Evaluable;
  bool InConstexpr = false;   ///< in a function that may still be evaluated
  bool IsUndone = false;      ///< in one that may be, and of which code is made
  bool InStatic = false;      ///< in a constant
  bool IsAtOnce = false;      ///< in what code is made of when it has been read
  const Expr *Load = nullptr; ///< the place whose value is wanted
  FunctionDecl *Opaque = nullptr, *Bytes = nullptr;
  llvm::DenseSet<const Expr *> Static;
};

} // namespace

void encodeGrayConstants(Decl *D, bool Evaluable) {
  if (mayHaveGray(D->getASTContext()))
    Rewriter(D->getASTContext(), Evaluable).TraverseDecl(D);
}

void restoreGrayConstants() {
  for (const std::function<void()> &Undo : llvm::reverse(undo()))
    Undo();
  undo().clear();
}

} // namespace perdure
