//===- Spellings.cpp - Types as they are spelled --------------------------===//
#include "Collector.h"

#include "Annotations.h"
#include "Queries.h"

#include "clang/Lex/Lexer.h"

using namespace clang;

namespace perdure::migrate {

Collector::Spelled Collector::walk(TypeLoc TL, Node *N) {
  Spelled W;
  auto MoveOut = [&] {
    for (auto &[Star, Holder] : W.Stars)
      W.Outer.push_back(Holder);
    W.Stars.clear();
  };
  for (;;) {
    if (auto Q = TL.getAs<QualifiedTypeLoc>()) {
      TL = Q.getUnqualifiedLoc();
      continue;
    }
    if (auto A = TL.getAs<AttributedTypeLoc>()) {
      TL = A.getModifiedLoc();
      continue;
    }
    if (auto M = TL.getAs<MacroQualifiedTypeLoc>()) {
      TL = M.getInnerLoc();
      continue;
    }
    if (auto Paren = TL.getAs<ParenTypeLoc>()) {
      MoveOut();
      TL = Paren.getInnerLoc();
      continue;
    }
    if (auto Adjusted = TL.getAs<AdjustedTypeLoc>()) {
      // A parameter that is written as an array.
      QualType T = Adjusted.getType();
      TypeLoc Original = Adjusted.getOriginalLoc();
      if (T->isPointerType() && Original.getType()->isArrayType())
        N = G.next(N);
      TL = Original;
      continue;
    }
    if (auto Pointer = TL.getAs<PointerTypeLoc>()) {
      W.Stars.push_back({Pointer, N});
      N = G.next(N);
      TL = Pointer.getPointeeLoc();
      continue;
    }
    if (auto Array = TL.getAs<ArrayTypeLoc>()) {
      MoveOut();
      TL = Array.getElementLoc();
      continue;
    }
    if (auto Function = TL.getAs<FunctionTypeLoc>()) {
      MoveOut();
      for (unsigned I = 0; I != Function.getNumParams(); ++I)
        if (ParmVarDecl *Param = Function.getParam(I))
          declareParam(Param, G.param(N, I));
      N = G.result(N);
      TL = Function.getReturnLoc();
      continue;
    }
    if (auto Reference = TL.getAs<ReferenceTypeLoc>()) {
      MoveOut();
      TL = Reference.getPointeeLoc();
      continue;
    }
    break;
  }
  W.Base = TL;
  W.BaseNode = N;
  if (!TL.isNull())
    link(TL.getType(), N);
  return W;
}

void Collector::link(QualType T, Node *N) {
  if (isPersistentAlias(T))
    G.setPersistent(N, {}, "its type says so");
  if (const auto *Typedef = T->getAs<TypedefType>()) {
    TypedefNameDecl *D = Typedef->getDecl();
    QualType Under = D->getUnderlyingType();
    Node *TN = G.named("td:" + keyOf(D));
    if (Under->isPointerType())
      G.flow(N, TN);
    else if (Under->isFunctionType() ||
             (Under->isArrayType() && pointerDepth(Under)))
      G.unify(N, TN);
    return;
  }
  if (const auto *Of = dyn_cast<TypeOfExprType>(T.getTypePtr()))
    likeExpr(Of->getUnderlyingExpr(), N);
  else if (const auto *Decl = dyn_cast<DecltypeType>(T.getTypePtr()))
    likeExpr(Decl->getUnderlyingExpr(), N);
}

void Collector::likeExpr(const Expr *E, Node *N) {
  if (!pointerDepth(E->getType()))
    return;
  if (E->isGLValue())
    G.unify(N, place(E));
  else
    G.flow(N, G.next(valueNode(E)));
}

Node *Collector::valueNode(const Expr *E) {
  Node *N = G.make();
  G.unify(G.next(N), target(E));
  return N;
}

StringRef Collector::tokenAt(SourceLocation Loc) {
  return S.buffer(Loc).substr(S.SM.getFileOffset(Loc),
                              Lexer::MeasureTokenLength(Loc, S.SM, S.Lang));
}

void Collector::setBase(Shape &Into, QualType T, SourceLocation Macro) {
  std::string Quals;
  if (T.isLocalConstQualified())
    Quals += "const ";
  if (T.isLocalVolatileQualified())
    Quals += "volatile ";
  T = T.getLocalUnqualifiedType();
  std::string Text;
  const RecordDecl *R = T->getAsRecordDecl();
  bool IsAlias = isa<TypedefType>(T.getTypePtr()) &&
                 (T->isPointerType() || isPersistentAlias(T));
  if (R && !IsAlias && !IsCxx && R->getIdentifier()) {
    Into.Stem = R->getName().str();
    Text = (R->getKindName() + " " + R->getName()).str();
    if (const RecordDecl *Def = R->getDefinition(); Def && isOurs(Def))
      Into.Home = S.place(Def->getLocation()).File;
  } else if (const auto *Typedef = dyn_cast<TypedefType>(T.getTypePtr())) {
    const TypedefNameDecl *D = Typedef->getDecl();
    Text = IsCxx ? D->getQualifiedNameAsString() : D->getName().str();
    Into.Stem = D->getName().str();
    SourceLocation End = D->getEndLoc();
    // Its name may be a macro, and mean another type in the next file that includes
    // this one.
    if (SourceLocation Name = S.asWritten(D->getLocation()).getBegin();
        Macro.isValid() && Name != D->getLocation() &&
        tokenAt(Name) == tokenAt(Macro)) {
      Text = Into.Stem = tokenAt(Macro).str();
      End = Name;
    }
    if (!S.isSystem(D->getLocation()) && End.isFileID() &&
        D->getDeclContext()->isTranslationUnit()) {
      Place At = S.spelled(End);
      Into.Home = At.File;
      size_t Semi = S.buffer(End).find(';', At.Offset);
      if (Semi != StringRef::npos) {
        At.Offset = Semi + 1;
        Into.Declared = At;
      }
    }
  } else {
    PrintingPolicy Policy(Context.getLangOpts());
    Policy.SuppressTagKeyword = IsCxx;
    Text = T.getAsString(Policy);
    Into.Stem = Text;
  }
  std::string Name;
  for (char C : Quals + Into.Stem)
    Name += isalnum((unsigned char)C) ? C : '_';
  StringRef Short = Name;
  if (Short.size() > 2)
    Short.consume_back("_t");
  Into.Stem = Short.str();
  Into.Base = Quals + Text;
}

Shape Collector::shapeOf(QualType T, Node *Self) {
  Shape Result;
  std::vector<Node *> Holders;
  QualType Q = T;
  Node *N = Self;
  while (Q->isPointerType() &&
         !isa<TypedefType>(Q.getLocalUnqualifiedType().getTypePtr())) {
    Holders.push_back(N);
    N = N ? G.next(N) : nullptr;
    Q = Q->getPointeeType();
  }
  Result.IsHidden = Q->isPointerType() && !isPersistentAlias(Q);
  if (Result.IsHidden)
    Holders.push_back(N);
  setBase(Result, Q);
  Result.Levels.assign(Holders.rbegin(), Holders.rend());
  return Result;
}

Spelling *Collector::addSpelling(const Spelled &W, bool IsValue, SourceLocation Loc,
                                 std::string What) {
  Spelling Sp;
  Sp.Where = S.place(Loc);
  Sp.What = std::move(What);
  Sp.OuterLevels = W.Outer;
  if (IsValue && !Sp.OuterLevels.empty())
    Sp.OuterLevels.erase(Sp.OuterLevels.begin());
  if (W.Base.isNull())
    return nullptr;
  QualType BaseType = W.Base.getType();
  if (!W.Stars.empty())
    BaseType = W.Stars.back().first.getPointeeLoc().getType();
  bool Alias = isPersistentAlias(BaseType);
  bool Hidden = BaseType->isPointerType() && !Alias;
  SourceRange Written = S.asWritten(W.Base.getSourceRange());
  bool IsMacro = Written != W.Base.getSourceRange();
  setBase(Sp.Type, BaseType, IsMacro ? Written.getBegin() : SourceLocation());
  if (S.isPerdure(Loc))
    return nullptr;
  SmallVector<SourceLocation, 4> Stars;
  Sp.Type.IsHidden = Hidden;
  if (Hidden) {
    bool None = W.Stars.empty() && W.Outer.empty() && IsValue;
    Sp.Type.Levels.push_back(None ? nullptr : W.BaseNode);
  }
  for (auto &[Star, Holder] : llvm::reverse(W.Stars)) {
    bool Outermost = Star == W.Stars.front().first && W.Outer.empty();
    Sp.Type.Levels.push_back(IsValue && Outermost ? nullptr : Holder);
    Stars.push_back(Star.getStarLoc());
  }
  locate(Sp, W, Written, BaseType, Stars);
  std::string Id = "s:" + S.key(W.Base.getBeginLoc()) + "/" + S.key(Loc);
  if (!P.Seen.insert(Id).second)
    return nullptr;
  P.Spellings.push_back(std::move(Sp));
  return &P.Spellings.back();
}

void Collector::locate(Spelling &Sp, const Spelled &W, SourceRange Written,
                       QualType BaseType, ArrayRef<SourceLocation> Stars) {
  SourceLocation Begin = Written.getBegin(), End = Written.getEnd();
  auto Refuse = [&](std::string Why) {
    Sp.File.clear();
    Sp.WhyNot = std::move(Why);
  };
  auto MacroName = [&] {
    return "'" + Lexer::getImmediateMacroName(Begin, S.SM, S.Lang).str() + "'";
  };
  if (!S.canEdit(Begin))
    return Refuse(Begin.isMacroID()
                      ? "it comes from the macro " + MacroName() + " of a system header"
                      : "it is spelled in a system header");
  if (auto Tag = W.Base.getAs<TagTypeLoc>(); Tag && Tag.isDefinition())
    return Refuse("its declaration also defines the record");
  FileID ID = S.SM.getFileID(S.SM.getSpellingLoc(Begin));
  bool IsArg = Begin.isMacroID() && S.SM.isMacroArgExpansion(Begin);
  auto Same = [&](SourceLocation L) {
    return L.isValid() && S.SM.getFileID(S.SM.getSpellingLoc(L)) == ID &&
           L.isMacroID() == Begin.isMacroID() &&
           (!L.isMacroID() || S.SM.isMacroArgExpansion(L) == IsArg);
  };
  bool Ok = Same(End) && llvm::all_of(Stars, Same);
  Sp.File = S.fileName(ID);
  Sp.Begin = S.SM.getFileOffset(S.SM.getSpellingLoc(Begin));
  Sp.BaseEnd = S.tokenEnd(End);
  unsigned Last = Sp.BaseEnd;
  if (Sp.Type.IsHidden)
    Sp.StarEnds.push_back(Sp.BaseEnd);
  for (SourceLocation Star : Stars) {
    unsigned StarEnd = S.SM.getFileOffset(S.SM.getSpellingLoc(Star)) + 1;
    Ok &= StarEnd > Last;
    Sp.StarEnds.push_back(Last = StarEnd);
  }
  Ok &= Sp.Begin < Sp.BaseEnd;
  StringRef Buffer = S.SM.getBufferData(ID);
  bool Const = BaseType.isLocalConstQualified(),
       Volatile = BaseType.isLocalVolatileQualified();
  // Qualifiers before the base belong to it; those behind lie on the way to the star.
  for (bool Again = true; Again && Ok;) {
    Again = false;
    StringRef Before = Buffer.take_front(Sp.Begin).rtrim();
    for (StringRef Word : {"const", "volatile"})
      if (Before.ends_with(Word) &&
          (Before.size() == Word.size() ||
           !(isalnum((unsigned char)Before[Before.size() - Word.size() - 1]) ||
             Before[Before.size() - Word.size() - 1] == '_')) &&
          (Word == "const" ? Const : Volatile)) {
        Sp.Begin = Before.size() - Word.size();
        (Word == "const" ? Const : Volatile) = false;
        Again = true;
      }
  }
  if (Const && Ok && !Stars.empty())
    Ok = Buffer.slice(Sp.BaseEnd, Sp.StarEnds[Sp.Type.IsHidden] - 1).contains("const");
  else if (Const)
    Ok = false;
  if (!Ok)
    Refuse(Begin.isMacroID() ? "it is put together by the macro " + MacroName()
                             : "its parts do not stand beside each other");
}

void Collector::declareParam(ParmVarDecl *Param, Node *Slot) {
  Node *N = nodeOf(Param);
  G.flow(N, Slot);
  TypeSourceInfo *Info = Param->getTypeSourceInfo();
  if (!Info)
    return;
  Spelled W = walk(Info->getTypeLoc(), N);
  bool IsReference = Param->getType()->isReferenceType();
  Spelling *Sp = addSpelling(W, !IsReference, Param->getLocation(),
                             "parameter '" + Param->getNameAsString() + "'");
  if (Sp && Param->getLocation().isValid())
    finishDeclarator(*Sp, Param, W);
}

void Collector::finishDeclarator(Spelling &Sp, DeclaratorDecl *D, const Spelled &W) {
  if (Sp.File.empty())
    return;
  SourceLocation Start = D->getBeginLoc();
  if (Start == W.Base.getBeginLoc())
    Start = S.asWritten(W.Base.getSourceRange()).getBegin();
  Sp.GroupBegin = S.SM.getFileOffset(S.SM.getSpellingLoc(Start));
  if (!isa<ParmVarDecl, FunctionDecl>(D))
    Sp.Group = S.key(Start);
  // Old-style parameters are declared as variables are.
  if (const auto *Param = dyn_cast<ParmVarDecl>(D))
    if (const auto *F = dyn_cast<FunctionDecl>(Param->getDeclContext());
        F && F->getType()->isFunctionNoProtoType())
      Sp.Group = S.key(Start);
  SourceLocation First = W.Stars.empty() ? D->getLocation()
                                         : W.Stars.back().first.getStarLoc();
  Sp.NameBegin = S.SM.getFileOffset(S.SM.getSpellingLoc(First));
}

void Collector::addAlias(TypedefNameDecl *T, const Spelled &W) {
  Shape Of;
  std::string Pattern(W.Stars.size(), 'N');
  QualType Base = W.Stars.empty() ? W.Base.getType()
                                  : W.Stars.back().first.getPointeeLoc().getType();
  setBase(Of, Base);
  if (Base->isPointerType() && !isPersistentAlias(Base))
    Pattern += 'N';
  if (Pattern.empty())
    return;
  Pattern.back() = 'P';
  Alias A;
  A.Name = T->getNameAsString();
  A.Pattern = Of.Base + "|" + Pattern;
  A.File = S.spelled(T->getLocation()).File;
  P.Aliases.insert({A.Pattern + "|" + A.File, A});
}

} // namespace perdure::migrate
