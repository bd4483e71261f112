//===- Qualifier.cpp - The persistent qualifier on types ------------------===//
#include "Qualifier.h"

#include "Annotations.h"
#include "clang/AST/Decl.h"

using namespace clang;

namespace perdure {

namespace {
#define PERDURE_ABI_NUMBER(Name, Value, Doc)                                   \
  constexpr uint64_t Abi##Name = Value;
#include "perdure/abi.def"

PointerAuthQualifier qualifier(unsigned Encoding) {
  return PointerAuthQualifier::Create(
      AbiKey, /*IsAddressDiscriminated=*/true, AbiDiscriminator + Encoding,
      PointerAuthenticationMode::SignAndAuth, /*IsIsaPointer=*/false,
      /*AuthenticatesNullValues=*/true);
}

/// Applies Change to the element type of T, which may be an array of any kind
/// and any number of dimensions.
template <typename Function>
QualType changeElements(ASTContext &Context, QualType T, Function Change) {
  const ArrayType *A = Context.getAsArrayType(T);
  if (!A)
    return Change(T);
  QualType Old = A->getElementType();
  QualType New = changeElements(Context, Old, Change);
  if (New == Old)
    return T;
  unsigned Quals = A->getIndexTypeCVRQualifiers();
  if (const auto *C = dyn_cast<ConstantArrayType>(A))
    return Context.getConstantArrayType(New, C->getSize(), C->getSizeExpr(),
                                        C->getSizeModifier(), Quals);
  if (const auto *I = dyn_cast<IncompleteArrayType>(A))
    return Context.getIncompleteArrayType(New, I->getSizeModifier(), Quals);
  if (const auto *V = dyn_cast<VariableArrayType>(A))
    return Context.getVariableArrayType(New, V->getSizeExpr(),
                                        V->getSizeModifier(), Quals);
  const auto *D = cast<DependentSizedArrayType>(A);
  return Context.getDependentSizedArrayType(New, D->getSizeExpr(),
                                            D->getSizeModifier(), Quals);
}

/// A pointer to Pointee with T's own qualifiers.
QualType repointed(ASTContext &Context, QualType T, QualType Pointee) {
  return Context.getQualifiedType(Context.getPointerType(Pointee),
                                  T.getQualifiers());
}
} // namespace

bool isPersistent(PointerAuthQualifier Q) {
  if (!Q || !Q.isAddressDiscriminated() || Q.getKey() != AbiKey)
    return false;
  unsigned D = Q.getExtraDiscriminator();
  return D >= AbiDiscriminator && D < AbiDiscriminator + 256;
}

unsigned encodingOf(PointerAuthQualifier Q) {
  return Q.getExtraDiscriminator() - AbiDiscriminator;
}

QualType elementType(const ASTContext &Context, QualType T) {
  return Context.getBaseElementType(T);
}

bool mentionsPersistent(const ASTContext &Context, QualType T) {
  T = Context.getBaseElementType(T);
  if (isPersistent(T))
    return true;
  if (const auto *F = T->getAs<FunctionType>()) {
    if (mentionsPersistent(Context, F->getReturnType()))
      return true;
    if (const auto *P = dyn_cast<FunctionProtoType>(F))
      for (QualType Param : P->param_types())
        if (mentionsPersistent(Context, Param))
          return true;
    return false;
  }
  QualType Pointee = T->getPointeeType();
  return !Pointee.isNull() && mentionsPersistent(Context, Pointee);
}

QualType persistentHere(ASTContext &Context, QualType T, unsigned Encoding) {
  return changeElements(Context, T, [&](QualType E) {
    if (!E->isPointerType() || E->isFunctionPointerType() || isPersistent(E))
      return E;
    return Context.getPointerAuthType(E, qualifier(Encoding));
  });
}

QualType persistentEverywhere(ASTContext &Context, QualType T,
                              unsigned Encoding) {
  return changeElements(Context, T, [&](QualType E) {
    const auto *P = E->getAs<PointerType>();
    if (!P || P->getPointeeType()->isFunctionType())
      return E;
    QualType Pointee =
        persistentEverywhere(Context, P->getPointeeType(), Encoding);
    if (Pointee != P->getPointeeType())
      E = repointed(Context, E, Pointee);
    return persistentHere(Context, E, Encoding);
  });
}

QualType persistentPointees(ASTContext &Context, QualType T) {
  return changeElements(Context, T, [&](QualType E) {
    if (const auto *R = E->getAs<LValueReferenceType>()) {
      QualType Referee = R->getPointeeType();
      QualType New = persistentPointees(Context, Referee);
      // `T *&` binds a pointer in memory, as `T **` points to one.
      if (const auto *P = New->getAs<PointerType>())
        if (auto Encoding = annotatedEncoding(P->getPointeeType());
            Encoding && !New.isConstQualified())
          New = persistentHere(Context, New, *Encoding);
      return New == Referee ? E : Context.getLValueReferenceType(New);
    }
    const auto *P = E->getAs<PointerType>();
    if (!P)
      return E;
    QualType Old = P->getPointeeType();
    QualType New = persistentPointees(Context, Old);
    const auto *Inner = New->getAs<PointerType>();
    if (Inner) {
      QualType Target = elementType(Context, Inner->getPointeeType());
      if (isPersistent(Target))
        New = persistentHere(Context, New, encodingOf(Target));
      else if (auto Encoding = annotatedEncoding(Inner->getPointeeType()))
        New = persistentHere(Context, New, *Encoding);
    }
    return New == Old ? E : repointed(Context, E, New);
  });
}

QualType stripped(ASTContext &Context, QualType T) {
  if (!isPersistent(T))
    return T;
  SplitQualType Split = T.getSplitUnqualifiedType();
  Qualifiers Quals = T.getQualifiers();
  Quals.removePointerAuth();
  return Context.getQualifiedType(Split.Ty, Quals);
}

QualType strippedEverywhere(ASTContext &Context, QualType T) {
  return changeElements(Context, T, [&](QualType E) {
    E = stripped(Context, E);
    if (const auto *R = E->getAs<LValueReferenceType>())
      return Context.getLValueReferenceType(
          strippedEverywhere(Context, R->getPointeeType()));
    const auto *P = E->getAs<PointerType>();
    if (!P)
      return E;
    QualType New = strippedEverywhere(Context, P->getPointeeType());
    return New == P->getPointeeType() ? E : repointed(Context, E, New);
  });
}

QualType strippedInFunctions(ASTContext &Context, QualType T) {
  return changeElements(Context, T, [&](QualType E) {
    if (const auto *P = E->getAs<PointerType>()) {
      QualType Old = P->getPointeeType();
      QualType New = strippedInFunctions(Context, Old);
      return New == Old ? E : repointed(Context, E, New);
    }
    const auto *F = E->getAs<FunctionType>();
    if (!F)
      return E;
    QualType Result =
        stripped(Context, strippedInFunctions(Context, F->getReturnType()));
    bool Changed = Result != F->getReturnType();
    const auto *Proto = dyn_cast<FunctionProtoType>(F);
    if (!Proto)
      return Changed ? Context.getFunctionNoProtoType(Result, F->getExtInfo())
                     : E;
    SmallVector<QualType, 8> Params;
    for (QualType Old : Proto->param_types()) {
      Params.push_back(stripped(Context, strippedInFunctions(Context, Old)));
      Changed |= Params.back() != Old;
    }
    return Changed ? Context.getFunctionType(Result, Params,
                                             Proto->getExtProtoInfo())
                   : E;
  });
}

} // namespace perdure
