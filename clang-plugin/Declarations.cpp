//===- Declarations.cpp - What an annotation does to each declaration -----===//
//
// Clang gives every declaration its attributes right after it has made it and
// before anything uses it. An attribute of ours lies over the whole TU
// (Hook.h), so `declared` sees every record, field, variable, parameter,
// function and alias at that moment. Fields of annotated records
// thus have their persistent type before the record itself is complete, and
// Clang derives from it all that it derives from a field's type: triviality,
// argument passing, conversions inside the class. docs/Design.md compares this
// with changing the types when the record is complete.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"
#include "Encodings.h"
#include "Messages.h"
#include "Options.h"
#include "Qualifier.h"

#include "clang/AST/Attr.h"
#include "clang/AST/DeclTemplate.h"
#include "clang/Basic/SourceManager.h"
#include "clang/Basic/TargetInfo.h"
#include "clang/Sema/ParsedAttr.h"
#include "clang/Sema/Sema.h"

using namespace clang;

namespace perdure {

namespace {
/// Alone for the encoding object, else with "=" and the encoding's number, so
/// that a PCH or a module keeps what it was compiled with.
constexpr StringRef Mark = "perdure::persistent";

std::optional<unsigned> markOf(const Decl *D) {
  for (const auto *A : D->specific_attrs<AnnotateAttr>()) {
    StringRef Rest = A->getAnnotation();
    unsigned Encoding = 0;
    if (Rest.consume_front(Mark) &&
        (Rest.empty() ||
         (Rest.consume_front("=") && !Rest.getAsInteger(10, Encoding))))
      return Encoding;
  }
  return std::nullopt;
}

/// What the record's own declarations say.
std::optional<unsigned> ownEncoding(const RecordDecl *Record) {
  for (const TagDecl *D : Record->redecls())
    if (std::optional<unsigned> Encoding = markOf(D))
      return Encoding;
  return std::nullopt;
}

// On fields an attribute `annotate` would make code; this one makes none, and
// like the other it reaches PCHs and modules.
constexpr StringRef TransientMark = "perdure::transient";

void setFieldType(Sema &S, FieldDecl *Field, QualType T) {
  Field->setType(T);
  // Templates instantiate from what was written: write the new type there.
  if (Field->getDeclContext()->isDependentContext())
    Field->setTypeSourceInfo(
        S.Context.getTrivialTypeSourceInfo(T, Field->getLocation()));
}

/// Templates are instantiated from the type as it was written, and
/// redeclarations are compared by it: writes the type as it is now.
void writeSignature(Sema &S, FunctionDecl *Function) {
  TypeSourceInfo *Written = S.Context.getTrivialTypeSourceInfo(
      Function->getType(), Function->getLocation());
  auto Loc = Written->getTypeLoc().getAs<FunctionProtoTypeLoc>();
  if (!Loc)
    return;
  for (unsigned I = 0; I != Loc.getNumParams(); ++I)
    Loc.setParam(I, Function->getParamDecl(I));
  Function->setTypeSourceInfo(Written);
}

/// Every field of an annotated record passes here once.
void persistField(Sema &S, FieldDecl *Field) {
  if (isTransient(Field) || Field->isInvalidDecl())
    return;
  if (!checkField(S, Field)) {
    Field->setInvalidDecl();
    return;
  }
  QualType New = persistentEverywhere(S.Context, Field->getType(),
                                      *annotatedEncoding(Field->getParent()));
  if (New != Field->getType())
    setFieldType(S, Field, New);
}

/// A trailing attribute arrives when the record is complete: its fields change
/// now, and what Clang has derived from them is derived again.
void persistCompleteRecord(Sema &S, RecordDecl *Record) {
  for (FieldDecl *Field : Record->fields()) {
    QualType Old = Field->getType();
    persistField(S, Field);
    // Only C++ has code inside a record.
    if (Field->getType() != Old && Field->isReferenced())
      report(S, Field->getLocation(), Error,
             "field %0 is used before the annotation of its record, which "
             "stands behind it; write it behind the keyword: struct PERDURE %1 "
             "{ ... }")
          << Field << Record->getName();
  }
  for (Decl *D : Record->decls())
    if (auto *Nested = dyn_cast<RecordDecl>(D))
      if (!Nested->isImplicit() && Nested->isCompleteDefinition())
        persistCompleteRecord(S, Nested);
  if (auto *Class = dyn_cast<CXXRecordDecl>(Record)) {
    deriveTrivialityAgain(Class);
    repairTrivialCopies(Class);
  } else {
    bool Holds = false;
    for (FieldDecl *Field : Record->fields())
      Holds |= Field->getType().isNonTrivialToPrimitiveCopy() !=
               QualType::PCK_Trivial;
    if (Holds) {
      Record->setNonTrivialToPrimitiveCopy(true);
      Record->setArgPassingRestrictions(
          RecordArgPassingKind::CanNeverPassInRegs);
    }
  }
  checkRecord(S, Record);
}

/// A region annotates the records that it defines and the pointers that it
/// declares; what a system header has in it is never meant, nor is the mere
/// mention of a record that is defined elsewhere.
bool isRegionSubject(Sema &S, Decl *D) {
  if (S.getSourceManager().isInSystemHeader(D->getLocation()))
    return false;
  if (const auto *Record = dyn_cast<RecordDecl>(D))
    return Record->isThisDeclarationADefinition() || Record->isBeingDefined();
  if (isa<ParmVarDecl>(D))
    return false;
  QualType T;
  if (const auto *Value = dyn_cast<ValueDecl>(D))
    T = Value->getType();
  else if (const auto *Alias = dyn_cast<TypedefNameDecl>(D))
    T = Alias->getUnderlyingType();
  if (T.isNull())
    return false;
  T = elementType(S.Context, T);
  return T->isPointerType() && !T->isFunctionPointerType();
}

/// The encoding that an annotation asks for; none, and an error, when there is
/// no such. Explicit: it has been named.
std::optional<unsigned> wantedEncoding(Sema &S, const ParsedAttr &Attr,
                                       bool &Explicit) {
  Explicit = Attr.getNumArgs() != 0;
  if (!Explicit)
    return options().EncodingNumber;
  const StringLiteral *Name = nullptr;
  if (Attr.isArgExpr(0))
    Name = dyn_cast<StringLiteral>(Attr.getArgAsExpr(0)->IgnoreParenCasts());
  if (!Name || !Name->isOrdinary()) {
    report(S, Attr.getLoc(), Error,
           "'persistent' takes the name of an encoding in quotes");
    return std::nullopt;
  }
  std::optional<EncodingFacts> Found = findEncoding(Name->getString());
  if (!Found) {
    report(S, Attr.getLoc(), Error, "%0") << noSuchEncoding(Name->getString());
    return std::nullopt;
  }
  return Found->Number;
}

void refuseSecond(Sema &S, SourceLocation Loc, StringRef What,
                  unsigned Encoding, unsigned Before) {
  report(
      S, Loc, Error,
      "%0 is annotated with the encoding '%1', but has '%2' already; name one "
      "encoding, behind the keyword of the first declaration")
      << What << encodingName(Encoding) << encodingName(Before);
}

void annotateRecord(Sema &S, RecordDecl *Record, SourceLocation Loc,
                    unsigned Encoding, bool IsRegion) {
  RecordDecl *Definition = Record->getDefinition();
  if (Definition && Definition != Record) {
    if (!isAnnotated(Definition)) {
      report(S, Loc, Error,
             "%0 is annotated after its definition, where it has no effect; "
             "write the annotation on the definition, or before it")
          << Record;
      S.Diag(Definition->getLocation(), diag::note_previous_definition);
    } else if (unsigned Before = *annotatedEncoding(Definition);
               Before != Encoding && !IsRegion) {
      refuseSecond(S, Loc, Record->getNameAsString(), Encoding, Before);
    }
    return;
  }
  bool Was = isAnnotated(Record);
  // Its own word goes before that of a region; a nested record's before that of
  // the one around it, unless its fields have been made by then.
  std::optional<unsigned> Before = ownEncoding(Record);
  if (Before && IsRegion)
    return;
  if (!Before && Was && Record->isCompleteDefinition())
    Before = annotatedEncoding(Record);
  if (Before && *Before != Encoding)
    return refuseSecond(S, Loc, Record->getNameAsString(), Encoding, *Before);
  markAnnotated(Record, Loc, Encoding);
  if (Record->isCompleteDefinition() && !Was)
    persistCompleteRecord(S, Record);
}

/// The type of a variable, a field outside annotated records or an alias as a
/// persistent pointer; null, and an error, where it cannot be one.
QualType annotatedType(Sema &S, QualType T, SourceLocation Loc, StringRef What,
                       unsigned Encoding, bool Explicit) {
  QualType Element = elementType(S.Context, T);
  if (isPersistent(Element) && Explicit && encodingOf(Element) != Encoding)
    refuseSecond(S, Loc, What, Encoding, encodingOf(Element));
  else if (Element->isPointerType() &&
           S.Context.getTargetInfo().getPointerWidth(LangAS::Default) != 64)
    report(S, Loc, Error,
           "%0 cannot be persistent on a target whose pointers are not 64 bits "
           "wide; compile for a 64-bit target")
        << What;
  else if (Element->isFunctionPointerType() || Element->isMemberPointerType())
    report(S, Loc, Error,
           "%0 is annotated as persistent, but %1 points to code, which no "
           "object holds; remove the annotation")
        << What << T;
  else if (Element->isReferenceType())
    report(
        S, Loc, Error,
        "%0 is annotated as persistent, but it is a reference; use a pointer")
        << What;
  else if (Element->isAtomicType())
    report(S, Loc, Error,
           "%0 is an _Atomic pointer, which cannot be persistent; use "
           "perdure_atomic_load and its kin on a plain one, or "
           "perdure::atomic_ptr")
        << What;
  else if (Element->isDependentType() && !Element->isPointerType())
    report(S, Loc, Error,
           "%0 is annotated as persistent, but %1 need not be a pointer; "
           "annotate a pointer to the template parameter")
        << What << T;
  else if (!Element->isPointerType())
    report(S, Loc, Error,
           Element->isRecordType()
               ? "%0 is annotated as persistent, but %1 is no pointer; "
                 "annotate the record itself: struct PERDURE name { ... }"
               : "%0 is annotated as persistent, but %1 is no pointer")
        << What << T;
  else
    return persistentHere(S.Context, T, Encoding);
  return QualType();
}

} // namespace

std::optional<unsigned> annotatedEncoding(const RecordDecl *Record) {
  if (std::optional<unsigned> Encoding = ownEncoding(Record))
    return Encoding;
  const RecordDecl *Definition = Record->getDefinition();
  if (!Definition)
    Definition = Record;
  if (const auto *Class = dyn_cast<CXXRecordDecl>(Definition)) {
    if (const CXXRecordDecl *Pattern = Class->getTemplateInstantiationPattern())
      if (Pattern != Class)
        if (std::optional<unsigned> Encoding = annotatedEncoding(Pattern))
          return Encoding;
    if (Class->isLambda())
      return std::nullopt;
  }
  const auto *Outer =
      dyn_cast_or_null<RecordDecl>(Definition->getLexicalDeclContext());
  return Outer ? annotatedEncoding(Outer) : std::nullopt;
}

std::optional<unsigned> annotatedEncoding(QualType T) {
  if (const RecordDecl *R = T->getAsRecordDecl())
    return annotatedEncoding(R);
  if (const auto *TST = T->getAs<TemplateSpecializationType>())
    if (const TemplateDecl *TD = TST->getTemplateName().getAsTemplateDecl())
      if (const auto *R = dyn_cast_or_null<RecordDecl>(TD->getTemplatedDecl()))
        return annotatedEncoding(R);
  return std::nullopt;
}

bool isAnnotated(const RecordDecl *Record) {
  return annotatedEncoding(Record).has_value();
}

bool isAnnotated(QualType T) { return annotatedEncoding(T).has_value(); }

void markAnnotated(RecordDecl *Record, SourceRange Range, unsigned Encoding) {
  if (markOf(Record))
    return;
  std::string Text = Mark.str();
  if (Encoding)
    Text += "=" + std::to_string(Encoding);
  Record->addAttr(AnnotateAttr::CreateImplicit(Record->getASTContext(), Text,
                                               nullptr, 0, Range));
}

void markTransient(FieldDecl *Field) {
  StringRef Rule = TransientMark;
  Field->addAttr(SuppressAttr::CreateImplicit(Field->getASTContext(), &Rule, 1,
                                              Field->getSourceRange()));
}

bool isTransient(const FieldDecl *Field) {
  for (const auto *A : Field->specific_attrs<SuppressAttr>())
    if (llvm::is_contained(A->diagnosticIdentifiers(), TransientMark))
      return true;
  return false;
}

void annotate(Sema &S, Decl *D, const ParsedAttr &Attr) {
  SourceLocation Loc = Attr.getLoc();
  bool IsRegion = Attr.isPragmaClangAttribute();
  if (IsRegion && !isRegionSubject(S, D))
    return;
  bool Explicit = false;
  std::optional<unsigned> Encoding = wantedEncoding(S, Attr, Explicit);
  if (!Encoding)
    return;
  Explicit &= !IsRegion;
  if (auto *Record = dyn_cast<RecordDecl>(D))
    return annotateRecord(S, Record, Loc, *Encoding, IsRegion);
  if (auto *Field = dyn_cast<FieldDecl>(D)) {
    if (!Explicit && isPersistent(elementType(S.Context, Field->getType())))
      return;
    QualType T = annotatedType(S, Field->getType(), Field->getLocation(),
                               Field->getNameAsString(), *Encoding, Explicit);
    if (!T.isNull())
      setFieldType(S, Field, T);
    return;
  }
  if (auto *Alias = dyn_cast<TypedefNameDecl>(D)) {
    QualType Old = Alias->getUnderlyingType();
    if (const auto *R = Old->getAsRecordDecl(); R && !R->getIdentifier()) {
      report(S, Alias->getLocation(), Error,
             "the annotation on %0 comes after its record, where it has no "
             "effect; write it behind the keyword: typedef struct PERDURE "
             "{ ... } %1")
          << Alias << Alias->getName();
      return;
    }
    QualType T = annotatedType(S, Old, Alias->getLocation(),
                               Alias->getNameAsString(), *Encoding, Explicit);
    if (!T.isNull())
      Alias->setModedTypeSourceInfo(Alias->getTypeSourceInfo(), T);
    return;
  }
  if (auto *Param = dyn_cast<ParmVarDecl>(D)) {
    report(S, Param->getLocation(), Error,
           "parameter %0 is annotated as persistent, but a parameter is a "
           "native pointer; remove the annotation")
        << Param;
    return;
  }
  if (auto *Var = dyn_cast<VarDecl>(D)) {
    QualType T = annotatedType(S, Var->getType(), Var->getLocation(),
                               Var->getNameAsString(), *Encoding, Explicit);
    if (!T.isNull())
      Var->setType(T);
    return;
  }
  report(S, Loc, Error,
         "'persistent' belongs on a record, a field, a variable or an alias; "
         "it has no meaning here");
}

void declared(Sema &S, Decl *D) {
  // `_Atomic node_ref`: Clang refuses only `_Atomic(node_ref)`.
  if (auto *Value = dyn_cast<ValueDecl>(D); Value && !isa<FunctionDecl>(D)) {
    QualType T = elementType(S.Context, Value->getType());
    if (T->isAtomicType() && isPersistent(T) && !Value->isInvalidDecl()) {
      annotatedType(S, T, Value->getLocation(), Value->getNameAsString(),
                    encodingOf(T), /*Explicit=*/false);
      Value->setInvalidDecl();
      return;
    }
  }
  if (auto *Field = dyn_cast<FieldDecl>(D)) {
    if (isAnnotated(Field->getParent()))
      persistField(S, Field);
    QualType T = strippedInFunctions(S.Context, Field->getType());
    if (T != Field->getType())
      Field->setType(T);
    return;
  }
  if (auto *Param = dyn_cast<ParmVarDecl>(D)) {
    QualType Old = Param->getType();
    QualType T = stripped(S.Context, strippedInFunctions(S.Context, Old));
    if (T == Old)
      return;
    Param->setType(T);
    if (isPersistent(Old)) {
      // Sema has refused the qualifier on a parameter; we give it a meaning.
      Param->setInvalidDecl(false);
      Param->setTypeSourceInfo(
          S.Context.getTrivialTypeSourceInfo(T, Param->getLocation()));
    }
    return;
  }
  if (auto *Function = dyn_cast<FunctionDecl>(D)) {
    QualType Old = Function->getType();
    QualType T = strippedInFunctions(S.Context, Old);
    if (T == Old)
      return;
    Function->setType(T);
    writeSignature(S, Function);
    Function->setInvalidDecl(false);
    if (FunctionTemplateDecl *Template =
            Function->getDescribedFunctionTemplate())
      Template->setInvalidDecl(false);
    return;
  }
  if (auto *Var = dyn_cast<VarDecl>(D)) {
    QualType T = strippedInFunctions(S.Context, Var->getType());
    if (T != Var->getType())
      Var->setType(T);
    return;
  }
  if (auto *Alias = dyn_cast<TypedefNameDecl>(D)) {
    QualType Old = Alias->getUnderlyingType();
    QualType T = strippedInFunctions(S.Context, Old);
    if (T != Old)
      Alias->setModedTypeSourceInfo(Alias->getTypeSourceInfo(), T);
  }
}

void referToPersistent(Sema &S, Decl *D) {
  if (S.getSourceManager().isInSystemHeader(D->getLocation()))
    return;
  if (auto *Function = dyn_cast<FunctionDecl>(D)) {
    const auto *F = Function->getType()->getAs<FunctionType>();
    QualType Result = persistentPointees(S.Context, F->getReturnType());
    const auto *Proto = dyn_cast<FunctionProtoType>(F);
    // The parameters have been changed one by one, before this type was made
    // of them.
    if (Result != F->getReturnType() && Proto)
      Function->setType(S.Context.getFunctionType(
          Result, Proto->getParamTypes(), Proto->getExtProtoInfo()));
    return;
  }
  if (auto *Value = dyn_cast<ValueDecl>(D))
    Value->setType(persistentPointees(S.Context, Value->getType()));
}

} // namespace perdure
