//===- Records.cpp - Records and their fields -----------------------------===//
#include "Collector.h"

#include "Annotations.h"
#include "Queries.h"

#include "clang/AST/DeclTemplate.h"
#include "clang/Index/USRGeneration.h"

using namespace clang;

namespace perdure::migrate {

std::string Collector::recordKey(const RecordDecl *R) {
  const RecordDecl *Def = R->getDefinition();
  if (!Def)
    return "?" + usrOf(R);
  return S.key(Def->getLocation(), Def->getNameAsString());
}

std::string Collector::usrOf(const RecordDecl *R) {
  llvm::SmallString<64> Usr;
  index::generateUSRForDecl(R->getCanonicalDecl(), Usr);
  return std::string(Usr);
}

bool Collector::VisitRecordDecl(RecordDecl *R) {
  if (!R->isThisDeclarationADefinition() || R->isInvalidDecl() ||
      R->isDependentContext() || R->isImplicit())
    return true;
  std::string Key = recordKey(R);
  auto [It, New] = P.Records.try_emplace(Key);
  Record &Fact = It->second;
  if (!New) {
    // Another file may see other fields, under other conditions.
    for (const FieldDecl *F : R->fields()) {
      Place Where = S.place(F->getLocation());
      if (llvm::none_of(Fact.Fields,
                        [&](const Field &Known) { return Known.Where == Where; }))
        Fact.Fields.push_back(field(F));
    }
    return true;
  }
  Fact.Usr = usrOf(R);
  P.ByUsr.insert({Fact.Usr, Key});
  Fact.Name = R->getNameAsString();
  if (Fact.Name.empty() && R->getTypedefNameForAnonDecl())
    Fact.Name = R->getTypedefNameForAnonDecl()->getNameAsString();
  Fact.Kind = R->getKindName().str();
  Fact.Where = S.place(R->getLocation());
  Fact.IsUnion = R->isUnion();
  Fact.IsSystem = !isOurs(R);
  Fact.IsAnnotated = says(R, "persistent");
  for (const TagDecl *D : R->redecls())
    Fact.IsAnnotated |= says(D, "persistent");
  Fact.IsLocal = R->getParentFunctionOrMethod() != nullptr;
  Fact.IsPacked = R->hasAttr<PackedAttr>() || R->hasAttr<MaxFieldAlignmentAttr>();
  if (const auto *C = dyn_cast<CXXRecordDecl>(R))
    Fact.HasVirtual = C->isDynamicClass();
  if (const auto *Outer = dyn_cast<RecordDecl>(R->getLexicalDeclContext()))
    Fact.Parent = recordKey(Outer);
  SourceLocation Keyword = R->getInnerLocStart();
  if (Keyword.isFileID() && S.canEdit(Keyword)) {
    Fact.File = S.spelled(Keyword).File;
    Fact.Keyword = S.tokenEnd(Keyword);
  } else if (Keyword.isMacroID() && R->getIdentifier() && !Fact.IsLocal) {
    Fact.Forward = S.placeAt(S.SM.getExpansionLoc(Keyword));
    if (S.isSystem(S.SM.getExpansionLoc(Keyword)))
      Fact.Forward = {};
  }
  if (const auto *C = dyn_cast<CXXRecordDecl>(R))
    for (const CXXBaseSpecifier &B : C->bases())
      if (const RecordDecl *Base = B.getType()->getAsRecordDecl())
        Fact.Fields.push_back(base(B, Base));
  for (const FieldDecl *F : R->fields())
    Fact.Fields.push_back(field(F));
  return true;
}

/// A base is a field without a name.
Field Collector::base(const CXXBaseSpecifier &B, const RecordDecl *Base) {
  Field Fact;
  Fact.Name = Fact.Type = B.getType().getAsString();
  Fact.Where = S.place(B.getBeginLoc());
  Fact.Self = G.make();
  Fact.Embeds = true;
  reach(Fact, Base);
  return Fact;
}

void Collector::reach(Field &Fact, const RecordDecl *R) {
  const RecordDecl *Def = R->getDefinition();
  Fact.Reached = Def ? recordKey(Def) : "?" + usrOf(R);
  Fact.IsSystem = !isOurs(Def ? Def : R);
  Fact.IsTemplate = !Fact.IsSystem && isa<ClassTemplateSpecializationDecl>(R);
  Fact.ReachedHoldsPointers = !Def || holdsPointers(Def);
  Fact.IsTable = Def && isTable(Def);
}

Field Collector::field(const FieldDecl *F) {
  Field Fact;
  Fact.Name = F->getNameAsString();
  Fact.Where = S.place(F->getLocation());
  QualType T = F->getType(), E = element(T);
  Fact.Type = T.getAsString();
  Fact.Self = nodeOf(F);
  Fact.IsTransient = says(F, "transient");
  Fact.IsReference = T->isReferenceType();
  Fact.IsCode = E->isFunctionPointerType() || E->isMemberPointerType();
  if (const auto *A = E->getAs<AtomicType>())
    Fact.IsAtomic = A->getValueType()->isPointerType();
  Fact.Depth = pointerDepth(T);
  SourceLocation Begin = S.start(F->getBeginLoc());
  if (Begin.isFileID() && S.canEdit(Begin)) {
    Fact.File = S.spelled(Begin).File;
    Fact.Begin = S.spelled(Begin).Offset;
  }
  for (E = element(T); E->isPointerType(); E = element(E->getPointeeType()))
    ;
  Fact.LeadsAnywhere = Fact.Depth && E->isVoidType();
  if (E->isFunctionType())
    Fact.IsCode = true;
  if (const RecordDecl *R = E->getAsRecordDecl()) {
    Fact.Embeds = !element(T)->isPointerType();
    reach(Fact, R);
  }
  return Fact;
}

bool Collector::isTable(const RecordDecl *R) {
  bool Code = false;
  for (const FieldDecl *F : R->fields()) {
    QualType T = element(F->getType());
    if (const RecordDecl *Inner = T->getAsRecordDecl();
        Inner && Inner->getDefinition() && holdsPointers(Inner->getDefinition()))
      return false;
    if (!T->isPointerType())
      continue;
    if (!T->isFunctionPointerType() && !element(T->getPointeeType())->isCharType())
      return false;
    Code |= T->isFunctionPointerType();
  }
  return Code;
}

bool Collector::holdsPointers(const RecordDecl *R) {
  if (const auto *C = dyn_cast<CXXRecordDecl>(R))
    for (const CXXBaseSpecifier &B : C->bases())
      if (const RecordDecl *Base = B.getType()->getAsRecordDecl();
          Base && Base->getDefinition() && holdsPointers(Base->getDefinition()))
        return true;
  for (const FieldDecl *F : R->fields()) {
    QualType T = element(F->getType());
    if (T->isPointerType() || T->isReferenceType())
      return true;
    if (const RecordDecl *Inner = T->getAsRecordDecl();
        Inner && Inner->getDefinition() && holdsPointers(Inner->getDefinition()))
      return true;
  }
  return false;
}

bool Collector::startsWith(const RecordDecl *Outer, const RecordDecl *Inner) {
  for (Outer = Outer->getDefinition(); Outer && !Outer->isUnion();) {
    if (Outer->field_empty())
      return false;
    const RecordDecl *First = Outer->field_begin()->getType()->getAsRecordDecl();
    if (!First)
      return false;
    if (First->getCanonicalDecl() == Inner->getCanonicalDecl())
      return true;
    Outer = First->getDefinition();
  }
  return false;
}

} // namespace perdure::migrate
