//===- Declarations.cpp - Functions, variables and typedefs ---------------===//
#include "Collector.h"

#include "Annotations.h"
#include "Queries.h"

#include "clang/Index/USRGeneration.h"

using namespace clang;

namespace perdure::migrate {

// Keys and nodes.
std::string Collector::keyOf(const NamedDecl *D) {
  D = cast<NamedDecl>(D->getCanonicalDecl());
  if (D->hasExternalFormalLinkage() && !isa<TypedefNameDecl>(D) &&
      !isa<RecordDecl>(D)) {
    llvm::SmallString<64> Usr;
    if (!index::generateUSRForDecl(D, Usr))
      return ("x:" + Usr).str();
  }
  return S.key(D->getLocation(), D->getNameAsString());
}

Node *Collector::nodeOf(const ValueDecl *D) {
  if (const auto *F = dyn_cast<FunctionDecl>(D))
    return G.named("fn:" + keyOf(F));
  if (const auto *Param = dyn_cast<ParmVarDecl>(D))
    if (const auto *F = dyn_cast<FunctionDecl>(Param->getDeclContext()))
      return G.named("p:" + keyOf(F) + "#" +
                     std::to_string(Param->getFunctionScopeIndex()));
  return G.named("v:" + keyOf(D));
}

// Declarations.
bool Collector::VisitFunctionDecl(FunctionDecl *F) {
  if (F->isDependentContext())
    return true;
  P.Identifiers.insert(F->getNameAsString());
  Node *N = nodeOf(F);
  std::vector<Node *> Places;
  TypeSourceInfo *Info = F->getTypeSourceInfo();
  for (unsigned I = 0; I != F->getNumParams(); ++I) {
    G.flow(nodeOf(F->getParamDecl(I)), G.param(N, I));
    for (unsigned D = pointerDepth(F->getParamDecl(I)->getType()); D > 1; --D) {
      Node *At = G.param(N, I);
      for (unsigned J = 1; J < D; ++J)
        At = G.next(At);
      Places.push_back(At);
    }
  }
  if (Info && isOurs(F)) {
    TypeLoc TL = Info->getTypeLoc();
    Spelled W = walk(TL, N);
    if (Spelling *Sp =
            addSpelling(W, !F->getReturnType()->isReferenceType(),
                        F->getLocation(),
                        "result of '" + F->getNameAsString() + "'"))
      finishDeclarator(*Sp, F, W);
  }
  if (isOurs(F) && F->getType()->isFunctionNoProtoType())
    for (ParmVarDecl *Param : F->parameters())
      declareParam(Param, G.param(N, Param->getFunctionScopeIndex()));
  if (isOurs(F))
    for (const FunctionDecl *Other : F->redecls())
      if (!isOurs(Other) && F->getIdentifier() && !S.isPerdure(Other->getLocation()))
        for (Node *Place : Places)
          G.setNative(Place, S.place(F->getLocation()),
                      "a system header declares '" + F->getNameAsString() +
                          "' with native pointers");
  if (S.isSystemFunction(F))
    return true;
  Program::Function &Fact = P.Functions[keyOf(F)];
  if (!Fact.Where.isValid()) {
    Fact.Where = S.place(F->getLocation());
    Fact.Name = F->getNameAsString();
    Fact.Places = Places;
  }
  Fact.HasBody |= F->isThisDeclarationADefinition();
  if (F->isMain())
    for (unsigned I = 1; I < F->getNumParams(); ++I)
      G.setNative(G.next(nodeOf(F->getParamDecl(I))),
                  S.place(F->getParamDecl(I)->getLocation()),
                  "the arguments of main are native pointers");
  if (!F->isThisDeclarationADefinition() || !F->getBody())
    return true;
  for (ParmVarDecl *Param : F->parameters())
    addParameter(F, Param);
  Owned.read(F);
  return true;
}

void Collector::addParameter(FunctionDecl *F, ParmVarDecl *Param) {
  if (!isDataPointer(Param->getType()) || !Param->getIdentifier())
    return;
  std::string Id = "p:" + S.key(Param->getLocation());
  if (!P.Seen.insert(Id).second)
    return;
  Parameter Fact;
  Fact.Self = nodeOf(Param);
  Fact.Type = shapeOf(Param->getType(), Fact.Self);
  Fact.Name = S.spelled(Param->getLocation());
  Fact.Text = Param->getNameAsString();
  const auto *Body = dyn_cast<CompoundStmt>(F->getBody());
  Fact.Editable = Body && Param->getLocation().isFileID() &&
                  Body->getLBracLoc().isFileID() &&
                  S.canEdit(Param->getLocation()) &&
                  Param->getOriginalType()->isPointerType();
  Fact.BodyBegin =
      Body ? S.SM.getFileOffset(S.SM.getSpellingLoc(Body->getLBracLoc())) + 1
           : 0;
  P.Parameters.push_back(std::move(Fact));
}

bool Collector::VisitVarDecl(VarDecl *V) {
  P.Identifiers.insert(V->getNameAsString());
  if (isa<ParmVarDecl>(V) || V->getType()->isDependentType())
    return true;
  Node *N = nodeOf(V);
  if (says(V, "persistent"))
    G.setPersistent(N, S.place(V->getLocation()), "it is annotated");
  declare(V, N, "variable '" + V->getNameAsString() + "'");
  if (const Expr *Init = V->getInit())
    initialise(N, V->getType(), Init);
  return true;
}

void Collector::declare(DeclaratorDecl *D, Node *N, std::string What) {
  if (!isOurs(D) && !D->getLocation().isMacroID())
    return;
  TypeSourceInfo *Info = D->getTypeSourceInfo();
  if (!Info)
    return;
  Spelled W = walk(Info->getTypeLoc(), N);
  if (Spelling *Sp = addSpelling(W, false, D->getLocation(), std::move(What))) {
    if (const auto *F = dyn_cast<FieldDecl>(D); F && !says(F, "transient"))
      Sp->Record = recordKey(F->getParent());
    finishDeclarator(*Sp, D, W);
    Sp->CanSplit = !InForHead.contains(D);
  }
}

bool Collector::VisitForStmt(ForStmt *F) {
  if (const auto *D = dyn_cast_or_null<DeclStmt>(F->getInit()))
    for (Decl *V : D->decls())
      InForHead.insert(V);
  return true;
}

bool Collector::VisitTypedefNameDecl(TypedefNameDecl *T) {
  P.Identifiers.insert(T->getNameAsString());
  if (!isOurs(T) || T->getUnderlyingType()->isDependentType())
    return true;
  if (const RecordDecl *R = T->getUnderlyingType()->getAsRecordDecl())
    P.ByTypedef.insert({T->getNameAsString(), recordKey(R)});
  Node *N = G.named("td:" + keyOf(T));
  Spelled W = walk(T->getTypeSourceInfo()->getTypeLoc(), N);
  if (says(T, "persistent") && W.Outer.empty()) {
    addAlias(T, W);
    return true;
  }
  // What a typedef names is no place.
  if (T->getUnderlyingType()->isPointerType() ||
      T->getUnderlyingType()->isFunctionType() || pointerDepth(T->getUnderlyingType()))
    addSpelling(W, T->getUnderlyingType()->isPointerType(), T->getLocation(),
                "typedef '" + T->getNameAsString() + "'");
  return true;
}

bool Collector::VisitFieldDecl(FieldDecl *F) {
  if (F->getType()->isDependentType())
    return true;
  declare(F, nodeOf(F), "field '" + F->getNameAsString() + "'");
  return true;
}

bool Collector::VisitTagDecl(TagDecl *T) {
  P.Identifiers.insert(T->getNameAsString());
  if (const auto *E = dyn_cast<EnumDecl>(T))
    for (const EnumConstantDecl *Each : E->enumerators())
      P.Identifiers.insert(Each->getNameAsString());
  return true;
}

} // namespace perdure::migrate
