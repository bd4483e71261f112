//===- RecordRules.cpp - What an annotated record may not hold ------------===//
#include "Annotations.h"
#include "Messages.h"
#include "Qualifier.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/DeclTemplate.h"
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
    if (Context.getTypeSize(T) != 64 &&
        !T->isDependentType()) {
      report(S, Loc, Error,
             "%0 cannot be persistent on a target whose pointers are not 64 "
             "bits wide")
          << Where;
      return false;
    }
    if (Record->hasAttr<PackedAttr>() || Field->hasAttr<PackedAttr>()) {
      report(S, Loc, Error,
             "%0 is a packed pointer; a persistent pointer lies on a multiple "
             "of 8: remove the packing, or mark the field transient")
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
  if (Record->isUnion() && !Record->field_empty() &&
      std::next(Record->field_begin()) != Record->field_end())
    for (const FieldDecl *Field : Record->fields())
      if (isPersistent(elementType(S.Context, Field->getType()))) {
        report(S, Field->getLocation(), Error,
               "%0 is a persistent pointer that shares its place with other "
               "members of a union, whose stored bits mean different things; "
               "give it a place of its own, or mark it transient")
            << Field;
        return;
      }
}

} // namespace perdure
