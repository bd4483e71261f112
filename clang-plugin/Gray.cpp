//===- Gray.cpp - Fields whose numbers are stored as their Gray code ------===//
//
// The mark on a field is Clang's attribute `annotate`, of which code generation
// makes a call of llvm.ptr.annotation around the field's address wherever it is
// accessed: passes/GrayRaise.cpp encodes and decodes there. Types stay what
// they are, so widths other than a pointer's work, and so do templates, casts
// and overloads on the value; GrayUses.cpp keeps the address from getting away.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"
#include "Messages.h"
#include "Qualifier.h"

#include "../passes/GrayMarks.h"
#include "clang/AST/Attr.h"
#include "clang/AST/DeclCXX.h"

using namespace clang;

namespace perdure {

namespace {

/// Why a field of this type cannot be stored as a Gray code; null if it can.
const char *whyNot(const ASTContext &Context, const FieldDecl *Field) {
  QualType T = elementType(Context, Field->getType());
  if (T->isDependentType())
    return nullptr; // told when it is instantiated
  if (Field->isBitField())
    return "it is a bit-field, which shares its bytes with others; give it a "
           "type of its width";
  if (T->isAtomicType() ||
      (T->isRecordType() && T->getAsRecordDecl()->getName() == "atomic"))
    return "it is atomic, and no instruction counts in Gray code; use a plain "
           "integer under a lock, or leave the annotation out";
  if (T->isBooleanType())
    return "a bool has one bit, which is its own Gray code; leave the "
           "annotation out";
  if (T->isBitIntType())
    return "it is a _BitInt; use an integer of 8, 16, 32, 64 or 128 bits";
  if (T->isPointerType() || T->isReferenceType())
    return "it is a pointer; [[perdure::persistent(\"xor\")]] is for those";
  if (!T->isIntegralOrEnumerationType())
    return "only integers and enumerations, and arrays of them, have a Gray "
           "code";
  if (Field->getParent()->isUnion())
    return "it shares its place with other members of a union, which would "
           "show its code; give it a place of its own";
  return nullptr;
}

bool AnyMarked = false;

bool check(Sema &S, FieldDecl *Field) {
  const char *Why = whyNot(S.Context, Field);
  if (!Why)
    return true;
  report(S, Field->getLocation(), Error,
         "field %0 of type %1 is annotated as Gray-coded, but %2")
      << Field << Field->getType() << Why;
  Field->setInvalidDecl();
  return false;
}

} // namespace

bool markGray(Sema &S, Decl *D, SourceLocation Loc) {
  auto *Field = dyn_cast<FieldDecl>(D);
  if (!Field) {
    report(S, Loc, Error,
           "'gray' has the number in a field of a record stored as its Gray "
           "code; it has no meaning here");
    return false;
  }
  if (!check(S, Field))
    return false;
  AnyMarked = true;
  if (!isGray(Field))
    Field->addAttr(AnnotateAttr::CreateImplicit(S.Context, GrayText, nullptr, 0,
                                                Field->getSourceRange()));
  return true;
}

bool mayHaveGray(const ASTContext &Context) {
  return AnyMarked || Context.getExternalSource();
}

bool isGray(const ValueDecl *Field) {
  if (!isa_and_nonnull<FieldDecl>(Field))
    return false;
  for (const auto *A : Field->specific_attrs<AnnotateAttr>())
    if (A->getAnnotation() == GrayText)
      return true;
  return false;
}

bool holdsGray(const ASTContext &Context, QualType T) {
  const RecordDecl *Record = elementType(Context, T.getNonReferenceType())
                                 .getAtomicUnqualifiedType()
                                 ->getAsRecordDecl();
  Record = Record && !T->isReferenceType() ? Record->getDefinition() : nullptr;
  if (!Record)
    return false;
  for (const FieldDecl *Field : Record->fields())
    if (isGray(Field) || holdsGray(Context, Field->getType()))
      return true;
  if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
    for (const CXXBaseSpecifier &Base : Class->bases())
      if (holdsGray(Context, Base.getType()))
        return true;
  return false;
}

void checkGrayFields(Sema &S, RecordDecl *Record) {
  if (Record->isDependentContext())
    return;
  for (FieldDecl *Field : Record->fields())
    if (isGray(Field) && !Field->isInvalidDecl())
      check(S, Field);
}

} // namespace perdure
