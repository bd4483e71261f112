//===- FieldRanges.cpp - Which bytes of a record are fields ---------------===//
//
// Clang copies records with persistent pointers by functions of its own, in
// which one memcpy does the fields between two pointers, and the padding among
// them. passes/PaddingCopies.cpp leaves that alone, by what it is told here of
// each record of the TU: where its fields begin and end, and, in C++, which
// functions copy it.
//
//===----------------------------------------------------------------------===//
#include "Passes.h"

#include "Annotations.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/DeclTemplate.h"
#include "clang/AST/Mangle.h"
#include "clang/AST/RecordLayout.h"
#include "llvm/ADT/SetVector.h"

using namespace clang;

namespace perdure {

namespace {

/// Elements of an array whose fields are told one by one.
constexpr uint64_t ElementLimit = 16;

class Fields {
public:
  Fields(const ASTContext &Context, FieldRanges &Out)
      : Context(Context), Out(Out) {}

  /// \p At in bits.
  void record(const RecordDecl *Record, uint64_t At) {
    const ASTRecordLayout &Layout = Context.getASTRecordLayout(Record);
    if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
      for (const CXXBaseSpecifier &Base : Class->bases())
        if (const CXXRecordDecl *B = Base.getType()->getAsCXXRecordDecl();
            B && !B->isEmpty())
          record(B, At + Context.toBits(Layout.getBaseClassOffset(B)));
    for (const FieldDecl *Field : Record->fields()) {
      uint64_t Begin = At + Layout.getFieldOffset(Field->getFieldIndex());
      if (!Field->isBitField())
        type(Field->getType(), Begin);
      else
        // Clang's copies begin and end at those without a name, too.
        add(Begin, Begin + Field->getBitWidthValue(),
            /*IsField=*/!Field->isUnnamedBitField());
    }
  }

private:
  void type(QualType T, uint64_t At) {
    if (T->isIncompleteArrayType())
      return;
    uint64_t Bits = Context.getTypeSize(T);
    if (const ConstantArrayType *A = Context.getAsConstantArrayType(T)) {
      QualType Element = A->getElementType();
      uint64_t N = A->getZExtSize();
      if (N > ElementLimit || !isTransparent(Element))
        return add(At, At + Bits, true);
      add(At, At + Bits, false);
      for (uint64_t I = 0; I != N; ++I)
        type(Element, At + I * Context.getTypeSize(Element));
      return;
    }
    bool Opens = isTransparent(T);
    add(At, At + Bits, !Opens);
    if (Opens)
      record(T->getAsRecordDecl(), At);
  }

  /// Whether only the parts of \p T count: those of a union may each be what it
  /// holds, and other things than fields are in a class with virtual functions.
  bool isTransparent(QualType T) const {
    const RecordDecl *R = Context.getBaseElementType(T)->getAsRecordDecl();
    if (!R || R->isUnion() || T->isAtomicType())
      return false;
    const auto *Class = dyn_cast<CXXRecordDecl>(R);
    return !Class || (!Class->isDynamicClass() && Class->getNumVBases() == 0);
  }

  void add(uint64_t Begin, uint64_t End, bool IsField) {
    if (Begin != End)
      Out.Fields.push_back({Begin / 8, (End + 7) / 8, IsField});
  }

  const ASTContext &Context;
  FieldRanges &Out;
};

/// Whether every MangleContext gives the functions of \p Class the same names.
/// Lambdas, records without a name, and those of one name in one function that
/// no other file sees, are numbered as a context meets them, and Clang's code
/// generator meets them in another order than we.
bool hasStableName(const CXXRecordDecl *Class) {
  if (Class->isExternallyVisible())
    return true;
  // In an unnamed namespace.
  for (const DeclContext *At = Class; !At->isTranslationUnit();
       At = At->getParent()) {
    if (const auto *R = dyn_cast<CXXRecordDecl>(At)) {
      if (!R->hasNameForLinkage() || isa<ClassTemplateSpecializationDecl>(R))
        return false;
    } else if (!isa<NamespaceDecl, LinkageSpecDecl>(At)) {
      return false;
    }
  }
  return true;
}

/// The functions by which Clang copies the fields of \p Class, as it chooses.
void addFunctions(MangleContext &Mangler, const CXXRecordDecl *Class,
                  FieldRanges &Out) {
  auto Add = [&](GlobalDecl D) {
    std::string Name;
    llvm::raw_string_ostream Stream(Name);
    Mangler.mangleName(D, Stream);
    Out.Functions.push_back(Name);
  };
  for (const CXXConstructorDecl *C : Class->ctors())
    if (C->isCopyOrMoveConstructor() && C->isDefaulted() && !C->isDeleted() &&
        !C->isUserProvided()) {
      Add(GlobalDecl(C, Ctor_Complete));
      Add(GlobalDecl(C, Ctor_Base));
    }
  for (const CXXMethodDecl *Method : Class->methods())
    if ((Method->isCopyAssignmentOperator() ||
         Method->isMoveAssignmentOperator()) &&
        Method->isDefaulted() && !Method->isDeleted() &&
        !Method->isUserProvided())
      Add(GlobalDecl(Method));
}

} // namespace

std::vector<FieldRanges> fieldRanges(ASTContext &Context) {
  std::vector<FieldRanges> Result;
  std::unique_ptr<MangleContext> Mangler(Context.createMangleContext());
  bool IsCxx = Context.getLangOpts().CPlusPlus;
  // Also those of PCHs and modules, as far as the TU uses them.
  llvm::SmallSetVector<const RecordDecl *, 32> Records;
  for (const Type *T : Context.getTypes())
    if (const auto *RT = dyn_cast<RecordType>(T))
      if (const RecordDecl *Record = RT->getDecl()->getDefinition())
        Records.insert(Record);
  for (const RecordDecl *Record : Records) {
    if (Record->isInvalidDecl() || Record->isDependentContext() ||
        Record->isUnion() ||
        !holdsPersistentPointers(Context, Context.getCanonicalTagType(Record)))
      continue;
    FieldRanges R;
    if (const auto *Class = dyn_cast<CXXRecordDecl>(Record)) {
      if (Class->isDynamicClass() || Class->getNumVBases() != 0 ||
          !hasStableName(Class))
        continue;
      addFunctions(*Mangler, Class, R);
    }
    if (IsCxx && R.Functions.empty())
      continue;
    Fields(Context, R).record(Record, 0);
    Result.push_back(std::move(R));
  }
  return Result;
}

} // namespace perdure
