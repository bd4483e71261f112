//===- Collect.cpp - Reads a parsed file into the program -----------------===//
//
// Two mappings carry it: `place`, from an expression that names memory to that
// memory's node, and `target`, from one whose value is a pointer to the node of
// what it leads to. Assignments, arguments, results and initialisers unify the
// targets of both sides. `void *` keeps what it leads to; a pointer to bytes or to a
// record does not lead to pointers. Allocation functions give new memory at each
// call; the functions of C that copy, sort or search say what they connect.
//
//===----------------------------------------------------------------------===//
#include "Collect.h"

#include "Annotations.h"

#include "clang/AST/ASTConsumer.h"
#include "clang/AST/ASTContext.h"
#include "clang/AST/Attr.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/ExprCXX.h"
#include "clang/AST/ParentMapContext.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Frontend/FrontendAction.h"
#include "clang/Index/USRGeneration.h"
#include "clang/Lex/Lexer.h"
#include "clang/Lex/PPCallbacks.h"
#include "clang/Lex/Preprocessor.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace clang;

namespace perdure::migrate {

namespace {

/// Where conditionals and includes stand in each file.
struct Layout {
  struct Include {
    unsigned Offset;
    unsigned Depth;
  };
  std::vector<Include> Includes;
  std::vector<std::pair<unsigned, unsigned>> Conditionals;
  std::vector<unsigned> Open;
  unsigned GuardEnd = 0;
  StringRef Guard; ///< what the first conditional asks, if it is an #ifndef
  unsigned FirstDecl = ~0u;

  unsigned depthAt(unsigned Offset) const {
    unsigned Depth = 0;
    for (auto [Begin, End] : Conditionals)
      Depth += Begin < Offset && Offset < End;
    return Depth;
  }
};

/// What turns Clang's locations into places on disk.
class Sources {
public:
  Sources(SourceManager &SM, const LangOptions &Lang) : SM(SM), Lang(Lang) {
    MainFile = fileName(SM.getMainFileID());
  }

  const std::string &fileName(FileID ID) {
    auto [It, New] = Names.try_emplace(ID);
    if (New)
      if (OptionalFileEntryRef F = SM.getFileEntryRefForID(ID)) {
        llvm::SmallString<256> Path(F->getFileEntry().tryGetRealPathName());
        if (Path.empty())
          Path = F->getName();
        SM.getFileManager().makeAbsolutePath(Path);
        llvm::sys::path::remove_dots(Path, true);
        It->second = std::string(Path);
      }
    return It->second;
  }
  Place place(SourceLocation Loc) { return placeAt(SM.getFileLoc(Loc)); }
  /// Where it is spelled: in a macro, in the macro.
  Place spelled(SourceLocation Loc) {
    return placeAt(SM.getSpellingLoc(Loc));
  }
  Place placeAt(SourceLocation Loc) {
    Place P;
    if (Loc.isInvalid())
      return P;
    auto [ID, Offset] = SM.getDecomposedLoc(Loc);
    P.File = fileName(ID);
    P.Offset = Offset;
    P.Line = SM.getLineNumber(ID, Offset);
    P.Column = SM.getColumnNumber(ID, Offset);
    return P;
  }
  bool isSystem(SourceLocation Loc) {
    Loc = SM.getSpellingLoc(Loc);
    if (Loc.isInvalid() || SM.isWrittenInScratchSpace(Loc) ||
        SM.isWrittenInBuiltinFile(Loc) || SM.isWrittenInCommandLineFile(Loc))
      return true;
    if (SM.isInSystemHeader(Loc))
      return true;
    StringRef Name = fileName(SM.getFileID(Loc));
    return Name.empty() ||
           (Name.starts_with("/usr/") && !StringRef(MainFile).starts_with("/usr/"));
  }
  /// Perdure's own headers know what they do.
  bool isPerdure(SourceLocation Loc) {
    Loc = SM.getSpellingLoc(Loc);
    return Loc.isValid() &&
           StringRef(fileName(SM.getFileID(Loc))).contains("/include/perdure/");
  }
  /// Where it stands in a file, if it starts there: `bool` may be a macro.
  SourceLocation start(SourceLocation Loc) {
    SourceLocation Begin;
    if (Loc.isMacroID() &&
        Lexer::isAtStartOfMacroExpansion(Loc, SM, Lang, &Begin) && Begin.isFileID())
      return Begin;
    return Loc;
  }
  bool canEdit(SourceLocation Loc) { return Loc.isValid() && !isSystem(Loc); }
  unsigned tokenEnd(SourceLocation Loc) {
    Loc = SM.getSpellingLoc(Loc);
    return SM.getFileOffset(Loc) + Lexer::MeasureTokenLength(Loc, SM, Lang);
  }
  StringRef buffer(SourceLocation Loc) {
    return SM.getBufferData(SM.getFileID(SM.getSpellingLoc(Loc)));
  }
  /// Different for each thing that is declared, and the same in all files.
  std::string key(SourceLocation Loc, StringRef Name = "") {
    Place S = spelled(Loc);
    std::string Key = S.File + ":" + std::to_string(S.Offset);
    if (Loc.isMacroID()) {
      Place E = placeAt(SM.getExpansionLoc(Loc));
      Key += "@" + E.File + ":" + std::to_string(E.Offset);
    }
    return Key + ":" + Name.str();
  }

  SourceManager &SM;
  const LangOptions &Lang;
  std::string MainFile;

private:
  llvm::DenseMap<FileID, std::string> Names;
};

class LayoutReader : public PPCallbacks {
public:
  LayoutReader(Sources &S, Program &P, std::map<std::string, Layout> &Layouts,
               std::map<std::string, std::set<std::pair<unsigned, unsigned>>> &Skipped)
      : S(S), P(P), Layouts(Layouts), Skipped(Skipped) {}

  void InclusionDirective(SourceLocation Hash, const Token &, StringRef, bool,
                          CharSourceRange, OptionalFileEntryRef Included,
                          StringRef, StringRef, const Module *, bool,
                          SrcMgr::CharacteristicKind) override {
    Place At = S.place(Hash);
    if (At.File.empty())
      return;
    Layout &L = Layouts[At.File];
    StringRef Text = S.buffer(Hash);
    size_t End = Text.find('\n', At.Offset);
    L.Includes.push_back(
        {unsigned(End == StringRef::npos ? Text.size() : End + 1),
         unsigned(L.Open.size())});
    if (Included) {
      llvm::SmallString<256> Path(Included->getFileEntry().tryGetRealPathName());
      if (Path.empty())
        Path = Included->getName();
      S.SM.getFileManager().makeAbsolutePath(Path);
      llvm::sys::path::remove_dots(Path, true);
      P.Files[At.File].Includes.insert(std::string(Path));
      if (StringRef(Path).ends_with("/perdure/perdure.h"))
        P.Files[At.File].IncludesPerdure = true;
    }
  }
  void If(SourceLocation Loc, SourceRange, ConditionValueKind) override {
    open(Loc);
  }
  void Ifdef(SourceLocation Loc, const Token &, const MacroDefinition &) override {
    open(Loc);
  }
  void Ifndef(SourceLocation Loc, const Token &Name, const MacroDefinition &) override {
    open(Loc);
    Layout &L = Layouts[S.place(Loc).File];
    if (L.Open.size() == 1 && L.Conditionals.empty() && L.Guard.empty())
      L.Guard = Name.getIdentifierInfo()->getName();
  }
  void MacroDefined(const Token &Name, const MacroDirective *) override {
    Place At = S.place(Name.getLocation());
    if (At.File.empty())
      return;
    Layout &L = Layouts[At.File];
    // The guard is the first define, in the first conditional, of what that asks.
    if (L.GuardEnd || L.Open.size() != 1 || !L.Conditionals.empty() ||
        !L.Includes.empty() || L.Guard != Name.getIdentifierInfo()->getName())
      return;
    StringRef Text = S.buffer(Name.getLocation());
    size_t End = Text.find('\n', At.Offset);
    if (End != StringRef::npos)
      L.GuardEnd = End + 1;
  }
  void Endif(SourceLocation Loc, SourceLocation) override {
    Place At = S.place(Loc);
    Layout &L = Layouts[At.File];
    if (L.Open.empty())
      return;
    L.Conditionals.push_back({L.Open.back(), At.Offset});
    L.Open.pop_back();
  }
  void SourceRangeSkipped(SourceRange Range, SourceLocation) override {
    Place Begin = S.place(Range.getBegin()), End = S.place(Range.getEnd());
    if (!S.isSystem(Range.getBegin()))
      Skipped[Begin.File].insert({Begin.Offset, End.Offset});
  }

private:
  void open(SourceLocation Loc) {
    Place At = S.place(Loc);
    Layouts[At.File].Open.push_back(At.Offset);
  }

  Sources &S;
  Program &P;
  std::map<std::string, Layout> &Layouts;
  std::map<std::string, std::set<std::pair<unsigned, unsigned>>> &Skipped;
};

bool isDataPointer(QualType T) {
  return !T.isNull() && T->isPointerType() && !T->isFunctionPointerType();
}

QualType element(QualType T) {
  while (!T.isNull())
    if (const ArrayType *A = T->getAsArrayTypeUnsafe())
      T = A->getElementType();
    else
      break;
  return T;
}

unsigned pointerDepth(QualType T) {
  unsigned Depth = 0;
  for (T = element(T); isDataPointer(T); T = element(T->getPointeeType()))
    ++Depth;
  return Depth;
}

bool isBytes(QualType T) {
  return T->isCharType() || T->isStdByteType() ||
         (T->isIntegerType() && !T->isEnumeralType());
}

class Collector : public RecursiveASTVisitor<Collector> {
public:
  Collector(ASTContext &Context, Program &P, Sources &S)
      : Context(Context), P(P), G(P.G), S(S),
        IsCxx(Context.getLangOpts().CPlusPlus), AllocationAt(P.AllocationAt) {}

  bool shouldVisitTemplateInstantiations() const { return false; }
  bool shouldVisitImplicitCode() const { return false; }

  // Keys and nodes.
  std::string keyOf(const NamedDecl *D) {
    D = cast<NamedDecl>(D->getCanonicalDecl());
    if (D->hasExternalFormalLinkage() && !isa<TypedefNameDecl>(D) &&
        !isa<RecordDecl>(D)) {
      llvm::SmallString<64> Usr;
      if (!index::generateUSRForDecl(D, Usr))
        return ("x:" + Usr).str();
    }
    return S.key(D->getLocation(), D->getNameAsString());
  }
  std::string recordKey(const RecordDecl *R) {
    const RecordDecl *Def = R->getDefinition();
    if (!Def)
      return "?" + usrOf(R);
    return S.key(Def->getLocation(), Def->getNameAsString());
  }
  std::string usrOf(const RecordDecl *R) {
    llvm::SmallString<64> Usr;
    index::generateUSRForDecl(R->getCanonicalDecl(), Usr);
    return std::string(Usr);
  }
  Node *nodeOf(const ValueDecl *D) {
    if (const auto *F = dyn_cast<FunctionDecl>(D))
      return G.named("fn:" + keyOf(F));
    if (const auto *Param = dyn_cast<ParmVarDecl>(D))
      if (const auto *F = dyn_cast<FunctionDecl>(Param->getDeclContext()))
        return G.named("p:" + keyOf(F) + "#" +
                       std::to_string(Param->getFunctionScopeIndex()));
    return G.named("v:" + keyOf(D));
  }


  // Types as they are spelled.
  struct Spelled {
    SmallVector<std::pair<PointerTypeLoc, Node *>, 4> Stars; ///< outermost first
    std::vector<Node *> Outer;
    TypeLoc Base;
    Node *BaseNode = nullptr;
    bool IsQualified = false;
  };

  Spelled walk(TypeLoc TL, Node *N) {
    Spelled W;
    bool Qualified = false;
    auto MoveOut = [&] {
      for (auto &[Star, Holder] : W.Stars)
        W.Outer.push_back(Holder);
      W.Stars.clear();
    };
    for (;;) {
      if (auto Q = TL.getAs<QualifiedTypeLoc>()) {
        Qualified = true;
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
        Qualified = false;
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
    W.IsQualified = Qualified;
    if (!TL.isNull())
      link(TL.getType(), N);
    return W;
  }

  /// What the typedef of a pointer, an array or a function says holds for all
  /// that have the type.
  void link(QualType T, Node *N) {
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
  void likeExpr(const Expr *E, Node *N) {
    if (!pointerDepth(E->getType()))
      return;
    if (E->isGLValue())
      G.unify(N, place(E));
    else
      G.flow(N, G.next(valueNode(E)));
  }
  /// A place that would hold the value.
  Node *valueNode(const Expr *E) {
    Node *N = G.make();
    G.unify(G.next(N), target(E));
    return N;
  }

  std::string baseText(QualType T, std::string &Stem, Place &Declared,
                       std::string &Home) {
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
      Stem = R->getName().str();
      Text = (R->getKindName() + " " + R->getName()).str();
      if (const RecordDecl *Def = R->getDefinition(); Def && isOurs(Def))
        Home = S.place(Def->getLocation()).File;
    } else if (const auto *Typedef = dyn_cast<TypedefType>(T.getTypePtr())) {
      const TypedefNameDecl *D = Typedef->getDecl();
      Text = IsCxx ? D->getQualifiedNameAsString() : D->getName().str();
      Stem = D->getName().str();
      SourceLocation End = D->getEndLoc();
      if (!S.isSystem(D->getLocation()) && End.isFileID() &&
          D->getDeclContext()->isTranslationUnit()) {
        Place At = S.spelled(End);
        Home = At.File;
        size_t Semi = S.buffer(End).find(';', At.Offset);
        if (Semi != StringRef::npos) {
          At.Offset = Semi + 1;
          Declared = At;
        }
      }
    } else {
      PrintingPolicy Policy(Context.getLangOpts());
      Policy.SuppressTagKeyword = IsCxx;
      Text = T.getAsString(Policy);
      Stem = Text;
    }
    std::string Name;
    for (char C : Quals + Stem)
      Name += isalnum((unsigned char)C) ? C : '_';
    StringRef Short = Name;
    if (Short.size() > 2)
      Short.consume_back("_t");
    Stem = Short.str();
    return Quals + Text;
  }

  /// The shape of a type whose spelling does not matter.
  Shape shapeOf(QualType T, Node *Self) {
    Shape Result;
    std::vector<Node *> Holders;
    QualType Q = T;
    Node *N = Self;
    while (Q->isPointerType() && !isa<TypedefType>(Q.getLocalUnqualifiedType().getTypePtr())) {
      Holders.push_back(N);
      N = N ? G.next(N) : nullptr;
      Q = Q->getPointeeType();
    }
    Result.IsHidden = Q->isPointerType() && !isPersistentAlias(Q);
    if (Result.IsHidden)
      Holders.push_back(N);
    Result.Base = baseText(Q, Result.Stem, Result.Declared, Result.Home);
    Result.Levels.assign(Holders.rbegin(), Holders.rend());
    return Result;
  }

  /// Writes a spelled type down. IsValue: the outermost star is no place.
  Spelling *addSpelling(const Spelled &W, bool IsValue, SourceLocation Loc,
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
    Sp.Type.Base =
        baseText(BaseType, Sp.Type.Stem, Sp.Type.Declared, Sp.Type.Home);
    SourceLocation Begin = W.Base.getBeginLoc(), End = W.Base.getEndLoc();
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
    auto Refuse = [&](std::string Why) {
      Sp.File.clear();
      Sp.WhyNot = std::move(Why);
    };
    if (!S.canEdit(Begin))
      Refuse(Begin.isMacroID()
                 ? "it comes from the macro '" +
                       Lexer::getImmediateMacroName(Begin, S.SM, S.Lang).str() +
                       "' of a system header"
                 : "it is spelled in a system header");
    else {
      FileID ID = S.SM.getFileID(S.SM.getSpellingLoc(Begin));
      bool IsArg = Begin.isMacroID() && S.SM.isMacroArgExpansion(Begin);
      auto Same = [&](SourceLocation L) {
        return L.isValid() && S.SM.getFileID(S.SM.getSpellingLoc(L)) == ID &&
               L.isMacroID() == Begin.isMacroID() &&
               (!L.isMacroID() || S.SM.isMacroArgExpansion(L) == IsArg);
      };
      bool Ok = Same(End);
      for (SourceLocation Star : Stars)
        Ok &= Same(Star);
      Sp.File = S.fileName(ID);
      Sp.Begin = S.SM.getFileOffset(S.SM.getSpellingLoc(Begin));
      Sp.BaseEnd = S.tokenEnd(End);
      unsigned Last = Sp.BaseEnd;
      if (Hidden)
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
      // Qualifiers before the base belong to it; those behind lie on the way to
      // the star.
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
      StringRef Behind =
          Stars.empty() || !Ok
              ? StringRef()
              : Buffer.slice(Sp.BaseEnd, Sp.StarEnds[Hidden] - 1);
      if (Const && !Behind.contains("const"))
        Ok = false;
      if (auto Tag = W.Base.getAs<TagTypeLoc>(); Tag && Tag.isDefinition())
        Refuse("its declaration also defines the record");
      else if (!Ok)
        Refuse(Begin.isMacroID()
                   ? "it is put together by the macro '" +
                         Lexer::getImmediateMacroName(Begin, S.SM, S.Lang).str() +
                         "'"
                   : "its parts do not stand beside each other");
    }
    std::string Id = "s:" + S.key(Begin) + "/" + S.key(Loc);
    if (!P.Seen.insert(Id).second)
      return nullptr;
    P.Spellings.push_back(std::move(Sp));
    return &P.Spellings.back();
  }

  void declareParam(ParmVarDecl *Param, Node *Slot) {
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

  void finishDeclarator(Spelling &Sp, DeclaratorDecl *D, const Spelled &W) {
    if (Sp.File.empty())
      return;
    SourceLocation Start = D->getBeginLoc();
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

  bool isOurs(const Decl *D) { return !S.isSystem(D->getLocation()); }

  // Declarations.
  bool VisitFunctionDecl(FunctionDecl *F) {
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
    if (isSystemFunction(F))
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
    findOwners(F);
    return true;
  }

  void addParameter(FunctionDecl *F, ParmVarDecl *Param) {
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

  bool VisitVarDecl(VarDecl *V) {
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

  void declare(DeclaratorDecl *D, Node *N, std::string What) {
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

  bool VisitForStmt(ForStmt *F) {
    if (const auto *D = dyn_cast_or_null<DeclStmt>(F->getInit()))
      for (Decl *V : D->decls())
        InForHead.insert(V);
    return true;
  }

  bool VisitTypedefNameDecl(TypedefNameDecl *T) {
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

  void addAlias(TypedefNameDecl *T, const Spelled &W) {
    std::string Stem, Home, Pattern(W.Stars.size(), 'N');
    Place Declared;
    QualType Base = W.Stars.empty() ? W.Base.getType()
                                    : W.Stars.back().first.getPointeeLoc().getType();
    std::string Text = baseText(Base, Stem, Declared, Home);
    if (Base->isPointerType() && !isPersistentAlias(Base))
      Pattern += 'N';
    if (Pattern.empty())
      return;
    Pattern.back() = 'P';
    Alias A;
    A.Name = T->getNameAsString();
    A.Pattern = Text + "|" + Pattern;
    A.File = S.spelled(T->getLocation()).File;
    P.Aliases.insert({A.Pattern + "|" + A.File, A});
  }

  bool VisitFieldDecl(FieldDecl *F) {
    if (F->getType()->isDependentType())
      return true;
    declare(F, nodeOf(F), "field '" + F->getNameAsString() + "'");
    return true;
  }

  bool VisitTagDecl(TagDecl *T) {
    P.Identifiers.insert(T->getNameAsString());
    return true;
  }

  bool VisitRecordDecl(RecordDecl *R) {
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
    for (const FieldDecl *F : R->fields())
      Fact.Fields.push_back(field(F));
    return true;
  }

  Field field(const FieldDecl *F) {
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
      const RecordDecl *Def = R->getDefinition();
      Fact.Reached = Def ? recordKey(Def) : "?" + usrOf(R);
      Fact.IsSystem = !isOurs(Def ? Def : R);
      Fact.ReachedHoldsPointers = !Def || holdsPointers(Def);
      Fact.IsTable = Def && isTable(Def);
    }
    return Fact;
  }

  /// A table of functions: it points to code, and to nothing else.
  bool isTable(const RecordDecl *R) {
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

  bool holdsPointers(const RecordDecl *R) {
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

  // Expressions.
  Node *place(const Expr *E) {
    E = E->IgnoreParens();
    auto It = Places.find(E);
    if (It != Places.end())
      return It->second;
    Node *N = findPlace(E);
    Places[E] = N;
    return N;
  }
  Node *target(const Expr *E) {
    E = E->IgnoreParens();
    auto It = Targets.find(E);
    if (It != Targets.end())
      return It->second;
    // A cycle through a statement expression would not end.
    Targets[E] = G.make();
    Node *N = findTarget(E);
    G.unify(N, Targets[E]);
    Targets[E] = N;
    return N;
  }

  Node *findPlace(const Expr *E) {
    if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) {
      if (const auto *V = dyn_cast<ValueDecl>(Ref->getDecl()))
        return nodeOf(V);
    }
    if (const auto *M = dyn_cast<MemberExpr>(E))
      return nodeOf(M->getMemberDecl());
    if (const auto *U = dyn_cast<UnaryOperator>(E)) {
      if (U->getOpcode() == UO_Deref)
        return target(U->getSubExpr());
      if (U->getOpcode() == UO_Extension || U->isIncrementDecrementOp())
        return place(U->getSubExpr());
    }
    if (const auto *A = dyn_cast<ArraySubscriptExpr>(E))
      return target(A->getBase());
    if (const auto *C = dyn_cast<CastExpr>(E)) {
      if (C->getSubExpr()->isGLValue())
        return place(C->getSubExpr());
    }
    if (const auto *B = dyn_cast<BinaryOperator>(E)) {
      if (B->isAssignmentOp())
        return place(B->getLHS());
      if (B->getOpcode() == BO_Comma)
        return place(B->getRHS());
    }
    if (const auto *C = dyn_cast<ConditionalOperator>(E);
        C && C->getTrueExpr()->isGLValue() && C->getFalseExpr()->isGLValue()) {
      Node *N = place(C->getTrueExpr());
      G.unify(N, place(C->getFalseExpr()));
      return N;
    }
    if (const auto *L = dyn_cast<CompoundLiteralExpr>(E)) {
      Node *N = G.named("c:" + S.key(L->getBeginLoc()));
      Spelled W = walk(L->getTypeSourceInfo()->getTypeLoc(), N);
      addSpelling(W, false, L->getBeginLoc(), "compound literal");
      initialise(N, L->getType(), L->getInitializer());
      return N;
    }
    if (const auto *Call = dyn_cast<CallExpr>(E))
      return resultOf(Call);
    if (const auto *Selected = dyn_cast<GenericSelectionExpr>(E))
      return place(Selected->getResultExpr());
    if (const auto *M = dyn_cast<MaterializeTemporaryExpr>(E)) {
      Node *N = G.make();
      if (M->getSubExpr()->getType()->isPointerType())
        G.unify(G.next(N), target(M->getSubExpr()));
      return N;
    }
    return G.make();
  }

  /// The place that would hold a call's result.
  Node *resultOf(const CallExpr *Call) {
    return G.result(calleeOf(Call));
  }
  Node *calleeOf(const CallExpr *Call) {
    if (const FunctionDecl *F = Call->getDirectCallee())
      return nodeOf(F);
    const Expr *Callee = Call->getCallee();
    if (Callee->getType()->isPointerType())
      return target(Callee);
    return G.make();
  }

  Node *findTarget(const Expr *E) {
    if (const auto *C = dyn_cast<CastExpr>(E)) {
      const Expr *Sub = C->getSubExpr();
      switch (C->getCastKind()) {
      case CK_LValueToRValue:
        return castType(C, G.next(place(Sub)));
      case CK_ArrayToPointerDecay:
        return castType(C, place(Sub));
      case CK_FunctionToPointerDecay:
        return castType(C, place(Sub));
      case CK_BitCast:
      case CK_NoOp:
      case CK_LValueBitCast:
        if (Sub->getType()->isPointerType())
          return castType(C, target(Sub));
        return castType(C, nullptr);
      default:
        return castType(C, nullptr);
      }
    }
    if (const auto *U = dyn_cast<UnaryOperator>(E)) {
      if (U->getOpcode() == UO_AddrOf)
        return place(U->getSubExpr());
      if (U->isIncrementDecrementOp())
        return G.next(place(U->getSubExpr()));
      if (U->getOpcode() == UO_Extension || U->getOpcode() == UO_Plus)
        return target(U->getSubExpr());
    }
    if (const auto *B = dyn_cast<BinaryOperator>(E)) {
      if (B->isAssignmentOp())
        return G.next(place(B->getLHS()));
      if (B->getOpcode() == BO_Comma)
        return target(B->getRHS());
      if (B->isAdditiveOp())
        return target(B->getLHS()->getType()->isPointerType() ? B->getLHS()
                                                              : B->getRHS());
    }
    if (const auto *C = dyn_cast<AbstractConditionalOperator>(E)) {
      Node *N = target(C->getTrueExpr());
      G.unify(N, target(C->getFalseExpr()));
      return N;
    }
    if (const auto *O = dyn_cast<OpaqueValueExpr>(E))
      return O->getSourceExpr() ? target(O->getSourceExpr()) : G.make();
    if (const auto *Call = dyn_cast<CallExpr>(E))
      return callTarget(Call);
    if (const auto *Stmts = dyn_cast<StmtExpr>(E)) {
      const CompoundStmt *Body = Stmts->getSubStmt();
      if (!Body->body_empty())
        if (const auto *Last = dyn_cast<Expr>(Body->body_back());
            Last && Last->getType()->isPointerType())
          return Last->isGLValue() ? G.next(place(Last)) : target(Last);
      return G.make();
    }
    if (const auto *Selected = dyn_cast<GenericSelectionExpr>(E))
      return target(Selected->getResultExpr());
    if (const auto *Chosen = dyn_cast<ChooseExpr>(E))
      return target(Chosen->getChosenSubExpr());
    if (const auto *List = dyn_cast<InitListExpr>(E);
        List && List->getNumInits() == 1)
      return target(List->getInit(0));
    if (const auto *Clean = dyn_cast<ExprWithCleanups>(E))
      return target(Clean->getSubExpr());
    if (const auto *Arg = dyn_cast<CXXDefaultArgExpr>(E))
      return target(Arg->getExpr());
    if (isa<VAArgExpr>(E)) {
      Node *N = G.make();
      if (pointerDepth(E->getType()) > 1)
        G.setNative(N, S.place(E->getExprLoc()),
                    "an argument for '...' has the type that its caller gave");
      return N;
    }
    return G.make();
  }

  /// An explicit cast has a spelled type; what kinds of pointers have to do with
  /// each other is decided here.
  Node *castType(const CastExpr *C, Node *From) {
    const auto *Explicit = dyn_cast<ExplicitCastExpr>(C);
    QualType To = C->getType();
    QualType FromType = C->getSubExpr()->getType();
    bool Kept = From && related(FromType, To, C->getCastKind());
    if (From && !Kept)
      G.setEscaping(From, S.place(C->getBeginLoc()), "a cast");
    if (!Explicit)
      return Kept ? From : G.make();
    Node *N = G.named("e:" + S.key(Explicit->getBeginLoc()) +
                      S.key(Explicit->getEndLoc()));
    if (TypeSourceInfo *Info = Explicit->getTypeInfoAsWritten()) {
      Spelled W = walk(Info->getTypeLoc(), N);
      if (pointerDepth(To) > 1 || !W.Outer.empty())
        addSpelling(W, true, Info->getTypeLoc().getBeginLoc(), "cast");
    }
    if (Kept)
      G.unify(G.next(N), From);
    return G.next(N);
  }

  /// Do pointers of the two types lead to the same pointers?
  bool related(QualType From, QualType To, CastKind Kind) {
    if (Kind == CK_LValueToRValue || Kind == CK_ArrayToPointerDecay ||
        Kind == CK_FunctionToPointerDecay)
      return true;
    QualType F = element(From->getPointeeType()), T = element(To->getPointeeType());
    if (F.isNull() || T.isNull())
      return false;
    if (F->isFunctionType() || T->isFunctionType())
      return F->isFunctionType() && T->isFunctionType();
    if (isBytes(F) || isBytes(T))
      return (isBytes(F) || F->isVoidType()) && (isBytes(T) || T->isVoidType());
    if (F->isRecordType() && T->isPointerType())
      return false;
    if (T->isRecordType() && F->isPointerType())
      return false;
    return true;
  }

  bool isSystemFunction(const FunctionDecl *F) {
    if (F->getBuiltinID() || F->isReplaceableGlobalAllocationFunction())
      return true;
    const FunctionDecl *Def = nullptr;
    if (F->isDefined(Def) && !S.isSystem(Def->getLocation()))
      return false;
    return S.isSystem(F->getCanonicalDecl()->getLocation());
  }
  bool isAllocator(const FunctionDecl *F) {
    if (!F || !F->getReturnType()->isVoidPointerType())
      return false;
    if (F->hasAttr<RestrictAttr>() || F->hasAttr<AllocSizeAttr>())
      return true;
    std::string Name = llvm::StringRef(F->getNameAsString()).lower();
    StringRef N = Name;
    return N.contains("alloc") || N.ends_with("dup") || N.contains("new");
  }
  static bool isNamed(const FunctionDecl *F, std::initializer_list<StringRef> Names) {
    if (!F || !F->getIdentifier())
      return false;
    StringRef Name = F->getName();
    Name.consume_front("__builtin_");
    Name.consume_front("__builtin___");
    Name.consume_back("_chk");
    return llvm::is_contained(Names, Name);
  }
  static bool isFree(const FunctionDecl *F) {
    if (!F || !F->getIdentifier() || F->getNumParams() != 1 ||
        !F->getParamDecl(0)->getType()->isVoidPointerType())
      return false;
    return F->getName().contains("free") || F->getName() == "perdure_near_free";
  }

  bool isSystemFree(const FunctionDecl *F) {
    return isFree(F) && isSystemFunction(F);
  }

  /// The pointer that an argument was, before it became a `void *`.
  static const Expr *written(const Expr *E) {
    while (const auto *I = dyn_cast<ImplicitCastExpr>(E->IgnoreParens())) {
      if (I->getCastKind() != CK_BitCast && I->getCastKind() != CK_NoOp)
        break;
      E = I->getSubExpr();
    }
    return E->IgnoreParens();
  }

  Node *callTarget(const CallExpr *Call) {
    const FunctionDecl *F = Call->getDirectCallee();
    if (isNamed(F, {"memcpy", "memmove", "mempcpy", "memset", "realloc",
                    "reallocarray", "perdure_near_realloc"}) &&
        Call->getNumArgs())
      return target(Call->getArg(0));
    if (isNamed(F, {"bsearch", "lfind", "lsearch"}) && Call->getNumArgs() > 1)
      return target(Call->getArg(1));
    if (isNamed(F, {"assume_aligned"}) && Call->getNumArgs())
      return target(Call->getArg(0));
    if (isAllocator(F)) {
      // realloc and its like give back what they were given.
      Node *N = G.make();
      StringRef Name = F->getIdentifier() ? F->getName() : StringRef();
      if (Name.lower().find("realloc") != std::string::npos)
        for (const Expr *A : Call->arguments())
          if (A->getType()->isVoidPointerType()) {
            G.unify(N, target(A));
            break;
          }
      return N;
    }
    if (F && isSystemFunction(F)) {
      Node *N = G.make();
      if (pointerDepth(F->getReturnType()) > 1)
        G.setNative(N, S.place(Call->getExprLoc()),
                    "'" + F->getNameAsString() + "' gives native pointers");
      return N;
    }
    return G.next(resultOf(Call));
  }

  void initialise(Node *N, QualType T, const Expr *Init) {
    Init = Init->IgnoreParens();
    if (const auto *Clean = dyn_cast<ExprWithCleanups>(Init))
      Init = Clean->getSubExpr()->IgnoreParens();
    if (const auto *List = dyn_cast<InitListExpr>(Init)) {
      if (const InitListExpr *Semantic = List->getSemanticForm())
        List = Semantic;
      if (const RecordDecl *R = T->getAsRecordDecl()) {
        if (R->isUnion()) {
          if (const FieldDecl *F = List->getInitializedFieldInUnion();
              F && List->getNumInits())
            initialise(nodeOf(F), F->getType(), List->getInit(0));
          return;
        }
        unsigned I = 0;
        if (const auto *C = dyn_cast<CXXRecordDecl>(R))
          I = C->getNumBases();
        for (const FieldDecl *F : R->fields()) {
          if (F->isUnnamedBitField())
            continue;
          if (I >= List->getNumInits())
            break;
          initialise(nodeOf(F), F->getType(), List->getInit(I++));
        }
        return;
      }
      QualType E = T;
      if (const ArrayType *A = T->getAsArrayTypeUnsafe())
        E = A->getElementType();
      for (const Expr *Each : List->inits())
        initialise(N, E, Each);
      return;
    }
    if (T->isReferenceType()) {
      if (Init->isGLValue() && pointerDepth(T->getPointeeType()))
        G.unify(N, place(Init));
      return;
    }
    if (T->isPointerType() && Init->getType()->isPointerType() && Init->isPRValue())
      G.unify(G.next(N), target(Init));
    else if (T->isArrayType() && pointerDepth(T) && Init->isGLValue())
      G.unify(N, place(Init));
  }

  bool VisitBinaryOperator(BinaryOperator *B) {
    if (B->isTypeDependent())
      return true;
    QualType L = B->getLHS()->getType(), R = B->getRHS()->getType();
    if (B->getOpcode() == BO_Assign && L->isPointerType()) {
      if (R->isPointerType())
        G.unify(G.next(place(B->getLHS())), target(B->getRHS()));
    } else if (B->isComparisonOp() && L->isPointerType() && R->isPointerType() &&
               B->getLHS()->isPRValue() && B->getRHS()->isPRValue() &&
               related(L, R, CK_BitCast)) {
      G.unify(target(B->getLHS()), target(B->getRHS()));
    }
    return true;
  }

  bool VisitReturnStmt(ReturnStmt *Return) {
    const Expr *E = Return->getRetValue();
    if (!Function || !E || E->isTypeDependent())
      return true;
    Node *Result = G.result(nodeOf(Function));
    if (Function->getReturnType()->isReferenceType() && E->isGLValue()) {
      if (pointerDepth(Function->getReturnType()->getPointeeType()))
        G.unify(Result, place(E));
    } else if (E->getType()->isPointerType() && E->isPRValue()) {
      G.unify(G.next(Result), target(E));
    }
    return true;
  }

  bool TraverseFunctionDecl(FunctionDecl *F) {
    FunctionDecl *Outer = Function;
    Function = F;
    bool Ok = RecursiveASTVisitor::TraverseFunctionDecl(F);
    Function = Outer;
    return Ok;
  }
  bool TraverseCXXMethodDecl(CXXMethodDecl *F) {
    FunctionDecl *Outer = Function;
    Function = F;
    bool Ok = RecursiveASTVisitor::TraverseCXXMethodDecl(F);
    Function = Outer;
    return Ok;
  }

  bool VisitCallExpr(CallExpr *Call) {
    if (Call->isTypeDependent() || isa<CXXOperatorCallExpr>(Call))
      return true;
    const FunctionDecl *F = Call->getDirectCallee();
    std::string Name = F ? F->getNameAsString() : "a function pointer";
    for (const Expr *A : Call->arguments())
      for (const Expr *E = A;;) {
        E = E->IgnoreParens();
        Argument[E] = F;
        if (F)
          Calls[E] = S.spelled(Call->getCallee()->getBeginLoc());
        const auto *I = dyn_cast<ImplicitCastExpr>(E);
        if (!I)
          break;
        E = I->getSubExpr();
      }
    Callees.insert(Call->getCallee()->IgnoreParenImpCasts());
    if (memoryCall(Call, F))
      return true;
    if (F && F->getIdentifier() && isSystemFunction(F))
      allocation(Call, F);
    if (isSystemFree(F) || isAllocator(F)) {
      return true;
    }
    bool System = F && isSystemFunction(F);
    if (System) {
      for (unsigned I = 0; I < std::min(Call->getNumArgs(), F->getNumParams()); ++I)
        if (pointerDepth(F->getParamDecl(I)->getType()) > 1 &&
            Call->getArg(I)->getType()->isPointerType() &&
            Call->getArg(I)->isPRValue())
          G.setNative(target(Call->getArg(I)),
                      S.place(Call->getArg(I)->getExprLoc()),
                      "'" + Name + "' reads and writes native pointers");
      return true;
    }
    Node *Callee = calleeOf(Call);
    unsigned NumParams = 0;
    QualType T = Call->getCallee()->getType();
    if (T->isPointerType())
      T = T->getPointeeType();
    if (F)
      NumParams = F->getNumParams();
    else if (const auto *Proto = T->getAs<FunctionProtoType>())
      NumParams = Proto->getNumParams();
    for (unsigned I = 0; I < Call->getNumArgs(); ++I) {
      const Expr *A = Call->getArg(I);
      if (I >= NumParams && (F ? F->hasPrototype() : T->isFunctionProtoType())) {
        if (A->getType()->isPointerType() && A->isPRValue() &&
            pointerDepth(A->getType()) > 1)
          G.setNative(target(A), S.place(A->getExprLoc()),
                      "an argument for '...' is taken as the type that '" + Name +
                          "' asks for");
        continue;
      }
      if (A->isGLValue()) {
        if (pointerDepth(A->getType()))
          G.unify(G.param(Callee, I), place(A));
      } else if (A->getType()->isPointerType()) {
        G.unify(G.next(G.param(Callee, I)), target(A));
        if (F)
          P.Passed.push_back({keyOf(F), target(A)});
      }
    }
    return true;
  }

  const RecordDecl *pointedRecord(const Expr *E) {
    QualType T = written(E)->getType();
    T = T->isPointerType() ? T->getPointeeType() : T;
    return element(T)->getAsRecordDecl();
  }

  bool memoryCall(CallExpr *Call, const FunctionDecl *F) {
    bool Copies = isNamed(F, {"memcpy", "memmove", "mempcpy"});
    bool Sorts = isNamed(F, {"qsort"});
    bool Sets = isNamed(F, {"memset"});
    bool Compares = isNamed(F, {"memcmp"});
    bool Searches = isNamed(F, {"bsearch"});
    if (Searches && Call->getNumArgs() == 5) {
      Node *Cmp = target(Call->getArg(4));
      G.unify(G.next(G.param(Cmp, 0)), target(Call->getArg(0)));
      G.unify(G.next(G.param(Cmp, 1)), target(Call->getArg(1)));
      return true;
    }
    if (Sorts && Call->getNumArgs() == 4) {
      Node *Cmp = target(Call->getArg(3)), *Base = target(Call->getArg(0));
      G.unify(G.next(G.param(Cmp, 0)), Base);
      G.unify(G.next(G.param(Cmp, 1)), Base);
    }
    if (!(Copies || Sorts || Sets || Compares) || Call->getNumArgs() < 3)
      return false;
    MemoryCall Fact;
    Fact.Callee = F->getName().str();
    SourceLocation NameLoc = Call->getCallee()->getBeginLoc();
    Fact.Where = S.spelled(NameLoc);
    Fact.Editable = S.canEdit(NameLoc) &&
                    isa<DeclRefExpr>(Call->getCallee()->IgnoreImpCasts());
    unsigned Sides = Copies || Compares ? 2 : 1;
    QualType Types[2];
    for (unsigned I = 0; I != Sides; ++I) {
      const Expr *A = written(Call->getArg(I));
      QualType T = A->getType();
      if (!T->isPointerType())
        continue;
      Types[I] = element(T->getPointeeType());
      Node *N = target(A);
      if (Types[I]->isPointerType() || Types[I]->isVoidType())
        Fact.Pointees[I] = N;
      if (const RecordDecl *R = Types[I]->getAsRecordDecl())
        Fact.Records[I] = recordKey(R);
    }
    if (Copies)
      G.unify(target(written(Call->getArg(0))), target(written(Call->getArg(1))));
    auto Void = [](QualType T) { return T.isNull() || T->isVoidType(); };
    Fact.SameType =
        !Void(Types[0]) &&
        (Sides == 1 || (!Types[1].isNull() && (Types[1]->isVoidType() ||
                        Context.hasSameUnqualifiedType(Types[0], Types[1]))));
    if (Sorts)
      Fact.IsWhole = true;
    else if (!Void(Types[0]) && !Types[0]->isIncompleteType())
      Fact.IsWhole = isMultiple(Call->getArg(2), Types[0]);
    Expr::EvalResult Value;
    Fact.IsZero = Sets && Call->getArg(1)->EvaluateAsInt(Value, Context) &&
                  Value.Val.getInt() == 0;
    Fact.Variables = Sides == 2 && isVariable(Call->getArg(0)) &&
                     isVariable(Call->getArg(1));
    if (P.Seen.insert("m:" + S.key(NameLoc)).second)
      P.Calls.push_back(std::move(Fact));
    return true;
  }

  static bool isVariable(const Expr *E) {
    E = E->IgnoreParenImpCasts();
    if (const auto *U = dyn_cast<UnaryOperator>(E))
      return U->getOpcode() == UO_AddrOf &&
             isa<DeclRefExpr>(U->getSubExpr()->IgnoreParens());
    return isa<DeclRefExpr>(E) && E->getType()->isArrayType();
  }

  /// Is the size that of a number of elements, as far as it tells?
  bool isMultiple(const Expr *Size, QualType Element) {
    uint64_t Bytes = Context.getTypeSizeInChars(Element).getQuantity();
    if (!Bytes)
      return false;
    Size = Size->IgnoreParenCasts();
    Expr::EvalResult Value;
    if (Size->EvaluateAsInt(Value, Context))
      return Value.Val.getInt().getZExtValue() % Bytes == 0;
    if (const auto *B = dyn_cast<BinaryOperator>(Size)) {
      if (B->getOpcode() == BO_Mul)
        return isMultiple(B->getLHS(), Element) || isMultiple(B->getRHS(), Element);
      if (B->isAdditiveOp())
        return isMultiple(B->getLHS(), Element) && isMultiple(B->getRHS(), Element);
      if (B->getOpcode() == BO_Shl && B->getRHS()->EvaluateAsInt(Value, Context))
        return (1ull << Value.Val.getInt().getZExtValue()) % Bytes == 0;
    }
    return false;
  }

  /// The record that the result is a pointer to, by the casts around it.
  std::string madeRecord(const CallExpr *Call) {
    auto Parents = Context.getParents(*Call);
    while (!Parents.empty()) {
      if (const auto *C = Parents[0].get<CastExpr>()) {
        if (const RecordDecl *R = C->getType()->isPointerType()
                                      ? C->getType()->getPointeeType()->getAsRecordDecl()
                                      : nullptr)
          return recordKey(R);
      } else if (!Parents[0].get<ParenExpr>()) {
        break;
      }
      Parents = Context.getParents(Parents[0]);
    }
    return "";
  }

  void allocation(const CallExpr *Call, const FunctionDecl *F) {
    if (!Call->getNumArgs() || S.isPerdure(Call->getBeginLoc()))
      return;
    Allocation A;
    A.Callee = F->getName().str();
    bool Frees = isNamed(F, {"free"});
    bool Known = Frees || isNamed(F, {"malloc", "calloc", "strdup", "strndup",
                                      "realloc", "reallocarray"});
    // Somebody's own function: its body says what it does, if it is there.
    if (!Known)
      return;
    A.Block = Frees ? target(written(Call->getArg(0))) : target(Call);
    if (Frees) {
      if (const RecordDecl *R = pointedRecord(Call->getArg(0)))
        A.Record = recordKey(R);
    } else {
      A.Record = madeRecord(Call);
    }
    if (auto It = Owners.find(Call); It != Owners.end()) {
      A.Owner = It->second.first;
      A.Slot = It->second.second;
    }
    A.IsLocal = LocalBlocks.contains(Call);
    SourceLocation Loc = Call->getCallee()->getBeginLoc();
    A.Where = S.place(Loc);
    A.Editable = Loc.isFileID() && Call->getRParenLoc().isFileID() &&
                 S.canEdit(Loc) && Call->getArg(0)->getBeginLoc().isValid();
    SourceLocation Arg = S.start(Call->getArg(0)->getBeginLoc());
    A.Editable &= Arg.isFileID();
    if (A.Editable)
      A.ArgsBegin = S.spelled(Arg).Offset;
    auto [It, New] = AllocationAt.try_emplace(S.key(Loc), P.Allocations.size());
    if (New) {
      P.Allocations.push_back(std::move(A));
      return;
    }
    // The same text in another file may show the owner.
    Allocation &First = P.Allocations[It->second];
    G.unify(First.Block, A.Block);
    if (First.Owner.empty()) {
      First.Owner = A.Owner;
      First.Slot = A.Slot;
    }
    First.IsLocal &= A.IsLocal;
  }

  bool VisitDeclRefExpr(DeclRefExpr *Ref) {
    const auto *F = dyn_cast<FunctionDecl>(Ref->getDecl());
    if (!F || Callees.contains(Ref) ||
        !(isSystemFree(F) || isNamed(F, {"realloc", "reallocarray"})))
      return true;
    SourceLocation Loc = Ref->getLocation();
    P.FreedSomewhere.push_back({G.next(G.param(nodeOf(F), 0)), S.spelled(Loc),
                                Loc.isFileID() && S.canEdit(Loc) && isNamed(F, {"free"})});
    return true;
  }

  /// An expression that has the same value twice in one statement.
  static bool isPlain(const Expr *E) {
    E = E->IgnoreParenImpCasts();
    if (isa<DeclRefExpr>(E))
      return true;
    if (const auto *M = dyn_cast<MemberExpr>(E))
      return isPlain(M->getBase());
    if (const auto *U = dyn_cast<UnaryOperator>(E))
      return (U->getOpcode() == UO_Deref || U->getOpcode() == UO_AddrOf) &&
             isPlain(U->getSubExpr());
    if (const auto *A = dyn_cast<ArraySubscriptExpr>(E))
      return isPlain(A->getBase()) &&
             (isPlain(A->getIdx()) || isa<IntegerLiteral>(A->getIdx()->IgnoreParenImpCasts()));
    return false;
  }
  /// The pointer through which a place is reached: `n` of `n->a.b`, `at` of `*at`.
  static const Expr *reachedThrough(const Expr *Place) {
    for (;;) {
      Place = Place->IgnoreParens();
      if (const auto *M = dyn_cast<MemberExpr>(Place)) {
        if (M->isArrow())
          return M->getBase();
        Place = M->getBase();
      } else if (const auto *A = dyn_cast<ArraySubscriptExpr>(Place)) {
        const Expr *Base = A->getBase()->IgnoreParens();
        const auto *Decay = dyn_cast<ImplicitCastExpr>(Base);
        if (!Decay || Decay->getCastKind() != CK_ArrayToPointerDecay)
          return A->getBase();
        Place = Decay->getSubExpr();
      } else if (const auto *U = dyn_cast<UnaryOperator>(Place)) {
        return U->getOpcode() == UO_Deref ? U->getSubExpr() : nullptr;
      } else {
        return nullptr;
      }
    }
  }

  /// What a function stores where.
  struct Finder : RecursiveASTVisitor<Finder> {
    /// Writes counts those that may make the variable lead elsewhere than on from
    /// where it led; Steps those that do.
    llvm::DenseMap<const ValueDecl *, unsigned> Writes, Steps;
    llvm::DenseMap<const ValueDecl *, SmallVector<const Expr *, 2>> StoredTo;
    std::vector<std::pair<const ValueDecl *, const CallExpr *>> Made;
    llvm::DenseMap<const ValueDecl *, SmallVector<std::pair<const CallExpr *, unsigned>, 2>>
        PassedTo;
    llvm::DenseSet<const ValueDecl *> Returned;
    std::vector<std::pair<const Expr *, const CallExpr *>> MadeThere;
    static const ValueDecl *variable(const Expr *E) {
      const auto *Ref = dyn_cast<DeclRefExpr>(E->IgnoreParenCasts());
      return Ref ? Ref->getDecl() : nullptr;
    }
    static const CallExpr *allocation(const Expr *E) {
      E = E->IgnoreParenCasts();
      // `a = b = malloc(...)` gives the one what the other has.
      if (const auto *B = dyn_cast<BinaryOperator>(E);
          B && B->getOpcode() == BO_Assign)
        return allocation(B->getRHS());
      const auto *Call = dyn_cast<CallExpr>(E);
      const FunctionDecl *F = Call ? Call->getDirectCallee() : nullptr;
      return isNamed(F, {"malloc", "calloc", "realloc", "strdup", "strndup"}) ? Call
                                                                             : nullptr;
    }
    /// Also a part of what the variable leads to: `&node->entry`.
    static const ValueDecl *stored(const Expr *What) {
      const auto *U = dyn_cast<UnaryOperator>(What->IgnoreParenCasts());
      if (!U || U->getOpcode() != UO_AddrOf)
        return variable(What);
      const Expr *E = U->getSubExpr()->IgnoreParens();
      while (const auto *M = dyn_cast<MemberExpr>(E)) {
        if (M->isArrow())
          return variable(M->getBase());
        E = M->getBase()->IgnoreParens();
      }
      return nullptr;
    }
    static const ValueDecl *chainFrom(const Expr *E) {
      E = E->IgnoreParenCasts();
      while (const auto *M = dyn_cast<MemberExpr>(E))
        E = M->getBase()->IgnoreParenCasts();
      return variable(E);
    }
    void store(const Expr *To, const Expr *What) {
      if (const ValueDecl *V = variable(To)) {
        ++(chainFrom(What) == V ? Steps : Writes)[V];
        if (const CallExpr *Call = allocation(What))
          Made.push_back({V, Call});
        return;
      }
      if (const CallExpr *Call = allocation(What))
        MadeThere.push_back({To, Call});
      else if (const ValueDecl *V = stored(What))
        StoredTo[V].push_back(To);
    }
    bool VisitBinaryOperator(BinaryOperator *B) {
      if (B->getOpcode() == BO_Assign)
        store(B->getLHS(), B->getRHS());
      else if (B->isAssignmentOp())
        if (const ValueDecl *V = variable(B->getLHS()))
          ++Writes[V];
      return true;
    }
    bool VisitUnaryOperator(UnaryOperator *U) {
      if (U->isIncrementDecrementOp() || U->getOpcode() == UO_AddrOf)
        if (const ValueDecl *V = variable(U->getSubExpr()))
          ++Writes[V];
      return true;
    }
    bool VisitCallExpr(CallExpr *Call) {
      for (unsigned I = 0; I != Call->getNumArgs(); ++I)
        if (const ValueDecl *V = variable(Call->getArg(I)))
          PassedTo[V].push_back({Call, I});
      return true;
    }
    bool VisitReturnStmt(ReturnStmt *R) {
      if (R->getRetValue())
        if (const ValueDecl *V = variable(R->getRetValue()))
          Returned.insert(V);
      return true;
    }
    bool VisitVarDecl(VarDecl *V) {
      if (V->hasInit())
        if (const CallExpr *Call = allocation(V->getInit())) {
          ++Writes[V];
          Made.push_back({V, Call});
        }
      return true;
    }
  };

  /// The variable from which the place is reached, through one pointer or more.
  static const Expr *rootOf(const Expr *To) {
    const Expr *Owner = reachedThrough(To);
    while (Owner && !isa<DeclRefExpr>(Owner->IgnoreParenImpCasts()))
      Owner = reachedThrough(Owner->IgnoreParenImpCasts());
    return Owner;
  }
  static const ValueDecl *ownerOf(const Expr *To) {
    const Expr *Owner = rootOf(To);
    return Owner ? Finder::variable(Owner) : nullptr;
  }

  /// Of a function that stores what it is given through another pointer that it is
  /// given: which parameter that is, and the place.
  struct Keeper {
    unsigned Owner = ~0u;
    const Expr *To = nullptr;
  };
  Keeper keeperOf(const FunctionDecl *F, unsigned Param) {
    const FunctionDecl *Def = nullptr;
    if (!F || !F->isDefined(Def) || !Def->getBody() || Param >= Def->getNumParams())
      return {};
    auto [It, New] = Keepers.try_emplace(Def->getParamDecl(Param));
    if (!New)
      return It->second;
    Finder Found;
    Found.TraverseStmt(Def->getBody());
    const ValueDecl *V = Def->getParamDecl(Param);
    auto Stores = Found.StoredTo.lookup(V);
    bool All = llvm::all_of(
        Stores, [&](const Expr *To) { return ownerOf(To) == ownerOf(Stores.front()); });
    Keeper Result;
    for (const Expr *To : Stores) {
      const auto *O = dyn_cast_or_null<ParmVarDecl>(ownerOf(To));
      if (!O || O == V || Found.Writes.lookup(V) || Found.Writes.lookup(O) ||
          (!All && Found.Steps.lookup(O)))
        continue;
      Result = {O->getFunctionScopeIndex(), To};
      break;
    }
    return Keepers[V] = Result;
  }

  /// `owner->field = malloc(...)`, or a local that is stored so later, perhaps by a
  /// function that gets both, where the owner is a variable that keeps its value.
  void findOwners(FunctionDecl *F) {
    Finder Found;
    Found.TraverseStmt(F->getBody());

    auto Before = [&](SourceLocation A, SourceLocation B) {
      return S.SM.isBeforeInTranslationUnit(A, B);
    };
    // A local has its value from where it is declared; it must be there.
    auto IsStable = [&](const ValueDecl *O, const CallExpr *Call, SourceLocation Use) {
      if (!O || Found.Writes.lookup(O))
        return false;
      const auto *Local = dyn_cast<VarDecl>(O);
      return isa<ParmVarDecl>(O) ||
             (Local && Local->isLocalVarDecl() && Local->hasInit() &&
              !Local->isStaticLocal() &&
              Before(Local->getLocation(), Call->getBeginLoc()) &&
              Before(Call->getBeginLoc(), Use));
    };
    for (auto [To, Call] : Found.MadeThere) {
      const Expr *Owner = reachedThrough(To);
      if (Owner && isPlain(Owner))
        addOwner(Call, Owner, To);
    }
    for (auto [V, Call] : Found.Made) {
      auto Stores = Found.StoredTo.lookup(V);
      // One that steps on may be null where the result is stored elsewhere.
      bool All = true;
      for (const Expr *To : Stores)
        All &= ownerOf(To) == ownerOf(Stores.front());
      for (const Expr *To : Stores) {
        const ValueDecl *O = ownerOf(To);
        if (O == V || !IsStable(O, Call, To->getBeginLoc()) ||
            (!All && Found.Steps.lookup(O)))
          continue;
        addOwner(Call, rootOf(To), To);
        break;
      }
      if (Owners.count(Call))
        continue;
      for (auto [Taker, Index] : Found.PassedTo.lookup(V)) {
        Keeper K = keeperOf(Taker->getDirectCallee(), Index);
        if (K.Owner >= Taker->getNumArgs())
          continue;
        const Expr *Owner = Taker->getArg(K.Owner);
        const ValueDecl *O = Finder::variable(Owner);
        if (O == V || !IsStable(O, Call, Taker->getBeginLoc()) || Found.Steps.lookup(O))
          continue;
        addOwner(Call, Owner, K.To);
        break;
      }
      // What no place and no caller gets stays where it is.
      const auto *Local = dyn_cast<VarDecl>(V);
      if (!Owners.count(Call) && Local && Local->hasLocalStorage() &&
          !isa<ParmVarDecl>(V) && Stores.empty() && !Found.Returned.contains(V))
        LocalBlocks.insert(Call);
    }
  }
  void addOwner(const CallExpr *Call, const Expr *Owner, const Expr *To) {
    CharSourceRange Range = Lexer::makeFileCharRange(
        CharSourceRange::getTokenRange(Owner->IgnoreImpCasts()->getSourceRange()),
        S.SM, S.Lang);
    if (!Range.isValid() || !Owner->getBeginLoc().isFileID())
      return;
    std::string Text = Lexer::getSourceText(Range, S.SM, S.Lang).str();
    if (isDataPointer(element(Owner->getType()->getPointeeType())))
      Text = "(void *)" + Text;
    Owners.try_emplace(Call, Text, place(To));
  }

  /// What may be written before and behind the expression.
  bool rangeOf(const Expr *E, std::string &File, unsigned &Begin, unsigned &End) {
    CharSourceRange Range = Lexer::makeFileCharRange(
        CharSourceRange::getTokenRange(E->getSourceRange()), S.SM, S.Lang);
    SourceLocation B, Last;
    if (Range.isValid()) {
      B = Range.getBegin();
      if (!S.canEdit(B))
        return false;
      File = S.fileName(S.SM.getFileID(B));
      Begin = S.SM.getFileOffset(B);
      End = S.SM.getFileOffset(Range.getEnd());
      return true;
    }
    B = E->getBeginLoc();
    Last = E->getEndLoc();
    if (!B.isMacroID() || !Last.isMacroID() || !S.canEdit(B) || !S.canEdit(Last))
      return false;
    if (S.SM.isMacroArgExpansion(B) || S.SM.isMacroArgExpansion(Last) ||
        S.SM.getFileID(S.SM.getSpellingLoc(B)) !=
            S.SM.getFileID(S.SM.getSpellingLoc(Last)))
      return false;
    File = S.fileName(S.SM.getFileID(S.SM.getSpellingLoc(B)));
    Begin = S.spelled(B).Offset;
    End = S.tokenEnd(Last);
    return Begin < End;
  }

  bool VisitCastExpr(CastExpr *C) {
    if (C->isTypeDependent() || C->getSubExpr()->isTypeDependent())
      return true;
    const Expr *Sub = C->getSubExpr();
    QualType To = C->getType(), From = Sub->getType();
    bool Perdure = S.isPerdure(C->getBeginLoc());
    if (Perdure || (C->getBeginLoc().isMacroID() &&
                    S.isPerdure(S.SM.getSpellingLoc(
                        S.SM.getImmediateMacroCallerLoc(C->getBeginLoc())))))
      return true;
    if (C->getCastKind() == CK_PointerToIntegral) {
      if (From->isPointerType() && !isLowBits(C))
        G.find(target(Sub))->ToInteger = true;
      addNumber(C);
      return true;
    }
    if (!To->isPointerType())
      return true;
    if (isa<ExplicitCastExpr>(C))
      target(C);
    if (C->getCastKind() == CK_IntegralToPointer)
      G.find(target(C))->FromInteger = true;
    if (!From->isPointerType() ||
        (C->getCastKind() != CK_BitCast && C->getCastKind() != CK_NoOp))
      return true;
    QualType F = element(From->getPointeeType()), T = element(To->getPointeeType());
    const FunctionDecl *Callee = Argument.lookup(C->IgnoreParens());
    if (F->isRecordType() && T->isRecordType() &&
        !Context.hasSameUnqualifiedType(F, T) && !IsCxx)
      addPun(C, F->getAsRecordDecl(), T->getAsRecordDecl());
    bool Implicit = isa<ImplicitCastExpr>(C);
    auto IsPointer = [](QualType X) { return isDataPointer(X); };
    if (F->isRecordType() && IsPointer(T) && !Implicit)
      addPun(C, F->getAsRecordDecl(), nullptr);
    if (IsCxx)
      return true;
    Conversion Fact;
    if (Implicit && IsPointer(F) && T->isVoidType())
      Fact.What = Conversion::ToVoid;
    else if (Implicit && F->isVoidType() && IsPointer(T))
      Fact.What = Conversion::FromVoid;
    else if (!Implicit && IsPointer(F) && isBytes(T))
      Fact.What = Conversion::ToBytes;
    else
      return true;
    if (Sub->isNullPointerConstant(Context, Expr::NPC_ValueDependentIsNotNull))
      return true;
    Fact.Pointees = Fact.What == Conversion::FromVoid ? target(C) : target(Sub);
    if (Fact.What == Conversion::FromVoid) {
      Node *Holder = G.make();
      G.unify(G.next(Holder), Fact.Pointees);
      Fact.Type = shapeOf(To, Holder);
      if (!Fact.Type.Levels.empty())
        Fact.Type.Levels.back() = nullptr;
    }
    Fact.Where = S.place(Sub->getBeginLoc());
    if (!rangeOf(Sub, Fact.File, Fact.Begin, Fact.End))
      Fact.File.clear();
    const Expr *Bare = Sub->IgnoreImpCasts();
    Fact.NeedsParens = isa<BinaryOperator, AbstractConditionalOperator>(Bare);
    if (Callee) {
      Fact.Callee = Callee->getNameAsString();
      Fact.Call = Calls.lookup(C->IgnoreParens());
      Fact.LooksOnly = looksOnly(Callee) || !isSystemFunction(Callee);
    } else {
      Fact.LooksOnly = true;
    }
    if (P.Seen.insert("k:" + std::to_string(Fact.What) + S.key(Sub->getBeginLoc()) +
                      S.key(Sub->getEndLoc()))
            .second)
      P.Conversions.push_back(std::move(Fact));
    return true;
  }

  static bool looksOnly(const FunctionDecl *F) {
    return isFree(F) || isNamed(F, {"realloc", "reallocarray", "memset", "bsearch",
                                    "printf", "fprintf", "madvise", "prefetch"}) ||
           (F->getIdentifier() && F->getName().starts_with("perdure_"));
  }

  /// Is the first member of Outer an Inner, or starts with one?
  bool startsWith(const RecordDecl *Outer, const RecordDecl *Inner) {
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

  void addPun(const CastExpr *C, const RecordDecl *F, const RecordDecl *T) {
    if (T && (startsWith(F, T) || startsWith(T, F))) {
      P.Derived.insert({recordKey(F), recordKey(T)});
      return;
    }
    for (const RecordDecl *R : {F, T}) {
      if (!R)
        continue;
      const RecordDecl *O = R == F ? T : F;
      std::string Text =
          O ? "'" + R->getNameAsString() + "' is read as '" + O->getNameAsString() +
                  "', whose pointers stay native unless --root names it as well"
            : "'" + R->getNameAsString() + "' is read as pointers";
      P.Puns.push_back({recordKey(R), O ? recordKey(O) : "",
                        S.place(C->getBeginLoc()), Text});
    }
  }

  void addNumber(const CastExpr *C) {
    const Expr *Sub = C->getSubExpr();
    if (!Sub->getType()->isPointerType())
      return;
    QualType Pointee = element(Sub->getType()->getPointeeType());
    Program::Number Fact;
    Fact.Pointees = isDataPointer(Pointee) ? target(Sub) : nullptr;
    if (const RecordDecl *R = Pointee->getAsRecordDecl())
      Fact.Record = recordKey(R);
    if (!Fact.Pointees && Fact.Record.empty())
      return;
    if (isLowBits(C))
      return;
    Fact.Where = S.place(C->getBeginLoc());
    P.Numbers.push_back(std::move(Fact));
  }
  /// A test of low bits and a tag mean the same everywhere.
  bool isLowBits(const CastExpr *C) {
    auto Parents = Context.getParents(*C);
    for (int Steps = 0; Steps < 6 && !Parents.empty(); ++Steps) {
      if (const auto *B = Parents[0].get<BinaryOperator>())
        if (B->isBitwiseOp() || B->isComparisonOp() || B->getOpcode() == BO_Sub ||
            B->getOpcode() == BO_Rem)
          return true;
      if (!Parents[0].get<ParenExpr>() && !Parents[0].get<CastExpr>())
        break;
      Parents = Context.getParents(Parents[0]);
    }
    return false;
  }

private:
  ASTContext &Context;
  Program &P;
  Graph &G;
  Sources &S;
  bool IsCxx;
  FunctionDecl *Function = nullptr;
  llvm::DenseMap<const Expr *, Node *> Places, Targets;
  llvm::DenseMap<const Expr *, const FunctionDecl *> Argument;
  llvm::DenseMap<const Expr *, Place> Calls;
  llvm::DenseSet<const Decl *> InForHead;
  llvm::DenseSet<const Expr *> Callees;
  llvm::DenseSet<const CallExpr *> LocalBlocks;
  std::map<std::string, size_t> &AllocationAt;
  llvm::DenseMap<const ValueDecl *, Keeper> Keepers;
  llvm::DenseMap<const CallExpr *, std::pair<std::string, Node *>> Owners;
};

/// Finds where includes belong: behind the file's last one before its first
/// declaration that no other condition guards than this; else behind the guard.
void placeIncludes(ASTContext &Context, Sources &S, Program &P,
                   std::map<std::string, Layout> &Layouts) {
  for (const Decl *D : Context.getTranslationUnitDecl()->decls()) {
    if (D->isImplicit() || D->getLocation().isInvalid())
      continue;
    Place At = S.place(D->getBeginLoc());
    if (At.File.empty())
      continue;
    Layout &L = Layouts[At.File];
    L.FirstDecl = std::min(L.FirstDecl, At.Offset);
  }
  for (auto &[Name, L] : Layouts) {
    File &F = P.Files[Name];
    if (F.HasPlace || Name.empty())
      continue;
    F.HasPlace = true;
    F.InsertAt = L.GuardEnd;
    F.IsBare = !L.GuardEnd;
    unsigned Depth = L.FirstDecl == ~0u ? 0 : L.depthAt(L.FirstDecl);
    for (const Layout::Include &I : L.Includes)
      if (I.Offset <= L.FirstDecl && I.Depth <= Depth)
        F.InsertAt = std::max(F.InsertAt, I.Offset), F.IsBare = false;
  }
}

class Action : public ASTFrontendAction {
public:
  explicit Action(Program &P) : P(P) {}

  std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &CI,
                                                 StringRef) override {
    S = std::make_unique<Sources>(CI.getSourceManager(), CI.getLangOpts());
    CI.getPreprocessor().addPPCallbacks(
        std::make_unique<LayoutReader>(*S, P, Layouts, Skipped));
    struct Consumer : ASTConsumer {
      Action &A;
      explicit Consumer(Action &A) : A(A) {}
      void HandleTranslationUnit(ASTContext &Context) override {
        A.read(Context);
      }
    };
    return std::make_unique<Consumer>(*this);
  }

private:
  void read(ASTContext &Context) {
    if (Context.getDiagnostics().hasErrorOccurred())
      return;
    Preprocessor &PP = getCompilerInstance().getPreprocessor();
    for (const auto &Macro : PP.macros())
      P.Identifiers.insert(Macro.first->getName().str());
    placeIncludes(Context, *S, P, Layouts);
    for (auto &[Name, L] : Layouts) {
      File &F = P.Files[Name];
      F.IsC |= !Context.getLangOpts().CPlusPlus;
    }
    for (auto &[Name, Ranges] : Skipped)
      for (auto [Begin, End] : Ranges)
        P.Skipped[Name][{Begin, End}]++;
    for (auto &[Name, L] : Layouts)
      P.Units[Name]++;
    Collector(Context, P, *S).TraverseDecl(Context.getTranslationUnitDecl());
  }

  Program &P;
  std::unique_ptr<Sources> S;
  std::map<std::string, Layout> Layouts;
  std::map<std::string, std::set<std::pair<unsigned, unsigned>>> Skipped;
};

} // namespace

std::unique_ptr<tooling::FrontendActionFactory> collector(Program &P) {
  struct Factory : tooling::FrontendActionFactory {
    Program &P;
    explicit Factory(Program &P) : P(P) {}
    std::unique_ptr<FrontendAction> create() override {
      return std::make_unique<Action>(P);
    }
  };
  return std::make_unique<Factory>(P);
}

} // namespace perdure::migrate
