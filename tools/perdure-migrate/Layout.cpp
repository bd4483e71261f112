//===- Layout.cpp - Where a file has its conditionals and includes --------===//
#include "Layout.h"

#include "clang/Lex/Preprocessor.h"
#include "llvm/Support/Path.h"

using namespace clang;

namespace perdure::migrate {

namespace {

class LayoutReader : public PPCallbacks {
public:
  LayoutReader(Sources &S, Program &P, Layouts &All, SkippedText &Skipped)
      : S(S), P(P), All(All), Skipped(Skipped) {}

  void InclusionDirective(SourceLocation Hash, const Token &, StringRef, bool,
                          CharSourceRange, OptionalFileEntryRef Included,
                          StringRef, StringRef, const Module *, bool,
                          SrcMgr::CharacteristicKind) override {
    Place At = S.place(Hash);
    if (At.File.empty())
      return;
    Layout &L = All[At.File];
    StringRef Text = S.buffer(Hash);
    size_t End = Text.find('\n', At.Offset);
    L.Includes.push_back(
        {unsigned(End == StringRef::npos ? Text.size() : End + 1),
         unsigned(L.Open.size())});
    if (Included) {
      llvm::SmallString<256> Path(Included->getFileEntry().tryGetRealPathName());
      if (Path.empty())
        Path = Included->getName();
      llvm::SmallString<256> Opened(Included->getName());
      S.SM.getFileManager().makeAbsolutePath(Opened);
      S.SM.getFileManager().makeAbsolutePath(Path);
      llvm::sys::path::remove_dots(Path, true);
      P.Files[std::string(Path)].Names.insert(std::string(Opened));
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
    Layout &L = All[S.place(Loc).File];
    if (L.Open.size() == 1 && L.Conditionals.empty() && L.Guard.empty())
      L.Guard = Name.getIdentifierInfo()->getName();
  }
  void MacroDefined(const Token &Name, const MacroDirective *) override {
    Place At = S.place(Name.getLocation());
    if (At.File.empty())
      return;
    Layout &L = All[At.File];
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
    Layout &L = All[At.File];
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
    All[At.File].Open.push_back(At.Offset);
  }

  Sources &S;
  Program &P;
  Layouts &All;
  SkippedText &Skipped;
};

} // namespace

std::unique_ptr<PPCallbacks> readLayouts(Sources &S, Program &P, Layouts &L,
                                         SkippedText &Skipped) {
  return std::make_unique<LayoutReader>(S, P, L, Skipped);
}

void placeIncludes(ASTContext &Context, Sources &S, Program &P, Layouts &All) {
  for (const Decl *D : Context.getTranslationUnitDecl()->decls()) {
    if (D->isImplicit() || D->getLocation().isInvalid())
      continue;
    Place At = S.place(D->getBeginLoc());
    if (At.File.empty())
      continue;
    Layout &L = All[At.File];
    L.FirstDecl = std::min(L.FirstDecl, At.Offset);
  }
  for (auto &[Name, L] : All) {
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

} // namespace perdure::migrate
