//===- Annotations.cpp - Annotated code as tools read it ------------------===//
#include "Annotations.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/Attr.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/DeclTemplate.h"
#include "clang/AST/ExprCXX.h"
#include "clang/Sema/ParsedAttr.h"
#include "clang/Sema/Sema.h"

using namespace clang;

namespace perdure::migrate {

bool says(const Decl *D, StringRef Word) {
  for (const auto *A : D->specific_attrs<AnnotateAttr>()) {
    StringRef Text = A->getAnnotation();
    if (Text.consume_front("perdure.") && Text == Word)
      return true;
  }
  return false;
}

bool isAnnotated(const RecordDecl *Record) {
  for (const TagDecl *D : Record->redecls())
    if (says(D, "persistent"))
      return true;
  if (const auto *Special = dyn_cast<ClassTemplateSpecializationDecl>(Record))
    if (const ClassTemplateDecl *T = Special->getSpecializedTemplate();
        T && !Special->isExplicitSpecialization() &&
        isAnnotated(T->getTemplatedDecl()))
      return true;
  const auto *Outer = dyn_cast<RecordDecl>(Record->getLexicalDeclContext());
  return Outer && isAnnotated(Outer);
}

const RecordDecl *annotatedRecord(QualType T) {
  if (T.isNull())
    return nullptr;
  while (const ArrayType *A = T->getAsArrayTypeUnsafe())
    T = A->getElementType();
  const RecordDecl *R = T->getAsRecordDecl();
  return R && isAnnotated(R) ? R : nullptr;
}

bool isPersistentAlias(QualType T) {
  for (;;) {
    if (const auto *A = T->getAsArrayTypeUnsafe();
        A && isa<ArrayType>(T.getTypePtr())) {
      T = A->getElementType();
      continue;
    }
    if (const auto *Alias = dyn_cast<TypedefType>(T.getTypePtr()))
      if (says(Alias->getDecl(), "persistent"))
        return true;
    if (const auto *S = dyn_cast<TemplateSpecializationType>(T.getTypePtr()))
      if (const auto *Alias = dyn_cast_or_null<TypeAliasTemplateDecl>(
              S->getTemplateName().getAsTemplateDecl()))
        if (says(Alias->getTemplatedDecl(), "persistent") ||
            Alias->getQualifiedNameAsString() == "perdure::ptr")
          return true;
    QualType Next = T->getLocallyUnqualifiedSingleStepDesugaredType();
    if (Next.getTypePtr() == T.getTypePtr())
      return false;
    T = Next;
  }
}

bool isPersistentField(const FieldDecl *Field) {
  if (says(Field, "transient"))
    return false;
  QualType T = Field->getType();
  while (const ArrayType *A = T->getAsArrayTypeUnsafe())
    T = A->getElementType();
  if (!T->isPointerType() || T->isFunctionPointerType())
    return false;
  return says(Field, "persistent") || isPersistentAlias(Field->getType()) ||
         isAnnotated(Field->getParent());
}

bool holdsPersistent(QualType T) {
  if (T.isNull())
    return false;
  while (const ArrayType *A = T->getAsArrayTypeUnsafe()) {
    if (isPersistentAlias(T))
      return true;
    T = A->getElementType();
  }
  if (isPersistentAlias(T))
    return true;
  const RecordDecl *R = T->getAsRecordDecl();
  R = R ? R->getDefinition() : nullptr;
  if (!R)
    return false;
  for (const FieldDecl *F : R->fields())
    if (isPersistentField(F) ||
        (!says(F, "transient") && !F->getType()->isPointerType() &&
         holdsPersistent(F->getType())))
      return true;
  if (const auto *C = dyn_cast<CXXRecordDecl>(R))
    for (const CXXBaseSpecifier &B : C->bases())
      if (holdsPersistent(B.getType()))
        return true;
  return false;
}

bool leadsToPersistent(const Expr *E) {
  E = E->IgnoreParens();
  if (!E->getType()->isPointerType())
    return false;
  if (const auto *Cast = dyn_cast<ImplicitCastExpr>(E)) {
    if (Cast->getCastKind() == CK_ArrayToPointerDecay)
      return isPersistentPlace(Cast->getSubExpr());
    if (Cast->getCastKind() == CK_LValueToRValue ||
        Cast->getCastKind() == CK_NoOp) {
      const Expr *Sub = Cast->getSubExpr()->IgnoreParens();
      // All levels of an annotated record's field are persistent.
      if (Sub->getType()->getPointeeType()->isPointerType() &&
          isPersistentPlace(Sub))
        return true;
      return leadsToPersistent(Sub);
    }
  }
  if (const auto *U = dyn_cast<UnaryOperator>(E))
    if (U->getOpcode() == UO_AddrOf)
      return isPersistentPlace(U->getSubExpr());
  if (const auto *B = dyn_cast<BinaryOperator>(E); B && B->isAdditiveOp())
    return leadsToPersistent(B->getLHS()->getType()->isPointerType()
                                 ? B->getLHS()
                                 : B->getRHS());
  QualType T = E->getType();
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E))
    T = Ref->getDecl()->getType();
  QualType Pointee = T->getPointeeType();
  return !Pointee.isNull() && isPersistentAlias(Pointee);
}

bool isPersistentPlace(const Expr *E) {
  E = E->IgnoreParens();
  if (const auto *M = dyn_cast<MemberExpr>(E)) {
    const auto *F = dyn_cast<FieldDecl>(M->getMemberDecl());
    return F && isPersistentField(F);
  }
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) {
    const ValueDecl *D = Ref->getDecl();
    return says(D, "persistent") || isPersistentAlias(D->getType());
  }
  if (const auto *U = dyn_cast<UnaryOperator>(E))
    return U->getOpcode() == UO_Deref && leadsToPersistent(U->getSubExpr());
  if (const auto *A = dyn_cast<ArraySubscriptExpr>(E))
    return leadsToPersistent(A->getBase());
  return false;
}

namespace {

/// The plugin's attribute, as an `annotate` that says the word.
template <int Index> struct KnownAttr final : ParsedAttrInfo {
  static constexpr const char *Words[] = {
      "persistent",  "transient",      "gray",    "references",
      "transaction", "in_transaction", "tx_safe"};
  static constexpr const char *Scoped[] = {
      "perdure::persistent",  "perdure::transient",
      "perdure::gray",        "perdure::references",
      "perdure::transaction", "perdure::in_transaction",
      "perdure::tx_safe"};
  static constexpr const char *Plain[] = {
      "perdure_persistent",  "perdure_transient",
      "perdure_gray",        "perdure_references",
      "perdure_transaction", "perdure_in_transaction",
      "perdure_tx_safe"};
  static constexpr Spelling Names[] = {
      {ParsedAttr::AS_GNU, Plain[Index]},
      {ParsedAttr::AS_CXX11, Scoped[Index]},
      {ParsedAttr::AS_C23, Scoped[Index]}};

  KnownAttr() {
    Spellings = Names;
    OptArgs = 1;
    IsSupportedByPragmaAttribute = 1;
  }
  bool diagAppertainsToDecl(Sema &, const ParsedAttr &,
                            const Decl *) const override {
    return true;
  }
  void getPragmaAttributeMatchRules(
      SmallVectorImpl<std::pair<attr::SubjectMatchRule, bool>> &Rules,
      const LangOptions &) const override {
    for (auto Rule :
         {attr::SubjectMatchRule_record, attr::SubjectMatchRule_field,
          attr::SubjectMatchRule_variable, attr::SubjectMatchRule_function,
          attr::SubjectMatchRule_type_alias})
      Rules.push_back({Rule, true});
  }
  AttrHandling handleDeclAttribute(Sema &S, Decl *D,
                                   const ParsedAttr &A) const override {
    D->addAttr(AnnotateAttr::CreateImplicit(
        S.Context, (Twine("perdure.") + Words[Index]).str(), nullptr, 0,
        A.getRange()));
    return AttributeApplied;
  }
};

template <int Index>
ParsedAttrInfoRegistry::Add<KnownAttr<Index>> Registered("perdure", "");

} // namespace

void registerAttributes() {
  (void)&Registered<0>;
  (void)&Registered<1>;
  (void)&Registered<2>;
  (void)&Registered<3>;
  (void)&Registered<4>;
  (void)&Registered<5>;
  (void)&Registered<6>;
}

} // namespace perdure::migrate
