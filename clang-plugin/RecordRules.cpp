//===- RecordRules.cpp - What an annotated record may not hold ------------===//
#include "Annotations.h"
#include "Messages.h"
#include "Qualifier.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/DeclTemplate.h"
#include "clang/AST/RecordLayout.h"
#include "clang/Basic/SourceManager.h"
#include "clang/Basic/TargetInfo.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace clang;

namespace perdure {

namespace {

/// A field, or what stands in for one, that makes a type hold native pointers.
struct NativeHolding {
  std::string Path; ///< how one gets there: "_M_p" or "base std::string"
  explicit operator bool() const { return !Path.empty(); }
};

NativeHolding nativePointerIn(const ASTContext &Context, QualType T);

NativeHolding nativePointerIn(const ASTContext &Context,
                              const RecordDecl *Record) {
  Record = Record->getDefinition();
  if (!Record || Record->isDependentContext())
    return {};
  if (const auto *Class = dyn_cast<CXXRecordDecl>(Record)) {
    if (Class->isDynamicClass())
      return {"its table of virtual functions"};
    for (const CXXBaseSpecifier &Base : Class->bases())
      if (const RecordDecl *R = Base.getType()->getAsRecordDecl())
        if (NativeHolding H = nativePointerIn(Context, R))
          return H;
  }
  // An annotated record has been checked itself; what it keeps native it keeps
  // so on purpose.
  if (isAnnotated(Record))
    return {};
  for (const FieldDecl *Field : Record->fields())
    if (NativeHolding H = nativePointerIn(Context, Field->getType())) {
      if (Field->getName().empty())
        return H;
      return {"'" + Field->getNameAsString() + "'"};
    }
  return {};
}

NativeHolding nativePointerIn(const ASTContext &Context, QualType T) {
  T = elementType(Context, T);
  if (isPersistent(T) || T->isDependentType())
    return {};
  if (const RecordDecl *R = T->getAsRecordDecl())
    return nativePointerIn(Context, R);
  if (T->isAnyPointerType() || T->isReferenceType() ||
      T->isMemberFunctionPointerType() || T->isBlockPointerType())
    return {"a native pointer"};
  if (const auto *A = T->getAs<AtomicType>())
    return nativePointerIn(Context, A->getValueType());
  return {};
}

} // namespace

bool checkField(Sema &S, FieldDecl *Field) {
  ASTContext &Context = S.Context;
  QualType T = elementType(Context, Field->getType());
  SourceLocation Loc = Field->getLocation();
  const RecordDecl *Record = Field->getParent();
  std::string Where = "field '" + Field->getNameAsString() + "'";
  if (Field->getName().empty())
    Where = "an unnamed field";
  Where += " of the annotated record '" + Record->getNameAsString() + "'";

  if (T->isReferenceType()) {
    report(S, Loc, Error,
           "%0 is a reference, which cannot be persistent; make it a pointer, "
           "or mark it [[perdure::transient]]")
        << Where;
    return false;
  }
  if (T->isFunctionPointerType() || T->isMemberFunctionPointerType() ||
      T->isBlockPointerType()) {
    report(S, Loc, Error,
           "%0 points to code, whose address changes from run to run; store "
           "an index into a table of functions, or mark the field transient")
        << Where;
    return false;
  }
  if (const auto *A = T->getAs<AtomicType>()) {
    if (A->getValueType()->isPointerType()) {
      report(S, Loc, Error,
             "%0 is an _Atomic pointer, which cannot be persistent; make it a "
             "plain pointer and use perdure_atomic_load, _store, _exchange and "
             "_compare_exchange, or perdure::atomic_ptr")
          << Where;
      return false;
    }
    T = A->getValueType();
  }
  if (T->isPointerType()) {
    if (Context.getTargetInfo().getPointerWidth(LangAS::Default) != 64) {
      report(S, Loc, Error,
             "%0 cannot be persistent on a target whose pointers are not 64 "
             "bits wide; compile for a 64-bit target")
          << Where;
      return false;
    }
    return true;
  }
  // Records that are annotated themselves, and unnamed ones, which inherit,
  // have their own checks.
  if (NativeHolding H = nativePointerIn(Context, T)) {
    report(S, Loc, Error,
           "%0 has type %1, which holds native pointers (%2); annotate that "
           "type too, use a persistent one in its place, or mark the field "
           "transient")
        << Where << Field->getType() << H.Path;
    return false;
  }
  return true;
}

void checkRecord(Sema &S, RecordDecl *Record) {
  if (const auto *Class = dyn_cast<CXXRecordDecl>(Record)) {
    if (Class->isLambda())
      return;
    for (const CXXMethodDecl *Method : Class->methods())
      if (Method->isVirtual()) {
        report(S, Method->getLocation(), Error,
               "%0 is virtual, but the annotated record %1 would then hold a "
               "pointer to code; use a tag and a switch, or a table of "
               "functions outside the object")
            << Method << Record;
        return;
      }
    for (const CXXBaseSpecifier &Base : Class->bases()) {
      if (Base.isVirtual()) {
        report(S, Base.getBeginLoc(), Error,
               "%0 is a virtual base of the annotated record %1, which would "
               "hold native pointers to find it; derive from it directly")
            << Base.getType() << Record;
        return;
      }
      const RecordDecl *BaseRecord = Base.getType()->getAsRecordDecl();
      if (!BaseRecord)
        continue;
      if (NativeHolding H = nativePointerIn(S.Context, BaseRecord)) {
        report(S, Base.getBeginLoc(), Error,
               "the annotated record %0 has base %1, which holds native "
               "pointers (%2); annotate the base too")
            << Record << Base.getType() << H.Path;
        return;
      }
    }
    // A field whose type was a template parameter has become a pointer.
    if (Class->getTemplateInstantiationPattern())
      for (FieldDecl *Field : Class->fields()) {
        QualType T = elementType(S.Context, Field->getType());
        const CXXRecordDecl *Pattern = Class->getTemplateInstantiationPattern();
        auto Original = Pattern->field_begin();
        std::advance(Original, Field->getFieldIndex());
        QualType Written = elementType(S.Context, Original->getType());
        if (!Written->isDependentType() || Written->isPointerType() ||
            isTransient(*Original))
          continue;
        if (T->isPointerType() && !isPersistent(T))
          report(S, Field->getLocation(), Error,
                 "field %0 of the annotated record %1 has become the pointer "
                 "%2 through a template argument and would stay native; "
                 "instantiate with perdure::ref")
              << Field << S.Context.getCanonicalTagType(Class) << T;
        else if (NativeHolding H = nativePointerIn(S.Context, T))
          report(S, Field->getLocation(), Error,
                 "field %0 of the annotated record %1 has type %2 through a "
                 "template argument, which holds native pointers (%3)")
              << Field << S.Context.getCanonicalTagType(Class) << T << H.Path;
      }
  }
}

bool holdsNativePointers(const ASTContext &Context, const RecordDecl *Record) {
  return bool(nativePointerIn(Context, Record));
}

bool holdsPersistentPointers(const ASTContext &Context, QualType T) {
  T = elementType(Context, T);
  if (isPersistent(T))
    return true;
  const RecordDecl *Record = T->getAsRecordDecl();
  Record = Record ? Record->getDefinition() : nullptr;
  if (!Record)
    return false;
  for (const FieldDecl *Field : Record->fields())
    if (holdsPersistentPointers(Context, Field->getType()))
      return true;
  if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
    for (const CXXBaseSpecifier &Base : Class->bases())
      if (holdsPersistentPointers(Context, Base.getType()))
        return true;
  return false;
}

namespace {

void checkUnion(Sema &S, const RecordDecl *Union) {
  if (Union->field_empty() ||
      std::next(Union->field_begin()) == Union->field_end())
    return;
  const FieldDecl *Record = nullptr, *Other = nullptr;
  for (const FieldDecl *Field : Union->fields()) {
    QualType T = elementType(S.Context, Field->getType());
    if (isPersistent(T)) {
      report(S, Field->getLocation(), Error,
             "%0 is a persistent pointer that shares its place with other "
             "members of a union, whose stored bits mean different things; "
             "give it a place of its own, or mark it transient")
          << Field;
      return;
    }
    if (!T->isRecordType())
      Other = Field;
    else if (holdsPersistentPointers(S.Context, T))
      Record = Field;
  }
  // Alternatives that are records each are a variant; bytes are a pun.
  if (Record && Other)
    report(S, Other->getLocation(), Warning,
           "union member %0 shares its place with the persistent pointers of "
           "%1 and would show their stored bits; make it a field of its own")
        << Other << Record;
}

/// A specialisation does not inherit its template's annotation.
void checkSpecialisation(Sema &S, const CXXRecordDecl *Class) {
  const CXXRecordDecl *Primary = nullptr;
  if (const auto *Spec = dyn_cast<ClassTemplateSpecializationDecl>(Class)) {
    if (!Spec->isExplicitSpecialization() &&
        !isa<ClassTemplatePartialSpecializationDecl>(Spec))
      return;
    Primary = Spec->getSpecializedTemplate()->getTemplatedDecl();
  }
  if (Primary && isAnnotated(Primary) && !isAnnotated(Class))
    report(S, Class->getLocation(), Warning,
           "this specialisation of the annotated template %0 does not inherit "
           "the annotation, so its pointers stay native; annotate it too")
        << Primary;
}

} // namespace

void checkLayout(Sema &S, RecordDecl *Record) {
  if (Record->isInvalidDecl())
    return;
  if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
    checkSpecialisation(S, Class);
  if (Record->isDependentContext() || !Record->isCompleteDefinition())
    return;
  if (!S.getSourceManager().isInSystemHeader(Record->getLocation()) &&
      Record->isUnion())
    checkUnion(S, Record);
  // Attributes and #pragma pack alike show in the layout.
  const ASTRecordLayout *Layout = nullptr;
  for (const FieldDecl *Field : Record->fields()) {
    if (Field->isInvalidDecl() ||
        !holdsPersistentPointers(S.Context, Field->getType()))
      continue;
    if (!Layout)
      Layout = &S.Context.getASTRecordLayout(Record);
    if (Layout->getFieldOffset(Field->getFieldIndex()) % 64 == 0 &&
        Layout->getAlignment().getQuantity() % 8 == 0)
      continue;
    report(S, Field->getLocation(), Error,
           "field %0 of record %1 is packed: a persistent pointer lies on a "
           "multiple of 8; remove the packing, or mark the field transient")
        << Field << Record;
    Record->setInvalidDecl();
    return;
  }
}

} // namespace perdure
