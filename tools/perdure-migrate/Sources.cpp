//===- Sources.cpp - Clang's locations as places on disk ------------------===//
#include "Sources.h"

#include "clang/Lex/Lexer.h"
#include "llvm/Support/Path.h"

using namespace clang;

namespace perdure::migrate {

Sources::Sources(SourceManager &SM, const LangOptions &Lang) : SM(SM), Lang(Lang) {
  MainFile = fileName(SM.getMainFileID());
}

const std::string &Sources::fileName(FileID ID) {
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

Place Sources::spelled(SourceLocation Loc) {
  return placeAt(SM.getSpellingLoc(Loc));
}

Place Sources::placeAt(SourceLocation Loc) {
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

bool Sources::isSystem(SourceLocation Loc) {
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

bool Sources::isPerdure(SourceLocation Loc) {
  Loc = SM.getSpellingLoc(Loc);
  return Loc.isValid() &&
         StringRef(fileName(SM.getFileID(Loc))).contains("/include/perdure/");
}

SourceLocation Sources::start(SourceLocation Loc) {
  SourceLocation Begin;
  if (Loc.isMacroID() &&
      Lexer::isAtStartOfMacroExpansion(Loc, SM, Lang, &Begin) && Begin.isFileID())
    return Begin;
  return Loc;
}

SourceRange Sources::asWritten(SourceRange Range) {
  SourceLocation Begin, End;
  if (Range.isValid() && Range.getBegin().isMacroID() && Range.getEnd().isMacroID() &&
      Lexer::isAtStartOfMacroExpansion(Range.getBegin(), SM, Lang, &Begin) &&
      Lexer::isAtEndOfMacroExpansion(Range.getEnd(), SM, Lang, &End) &&
      Begin.isFileID() && Begin == End)
    return Begin;
  return Range;
}

unsigned Sources::tokenEnd(SourceLocation Loc) {
  Loc = SM.getSpellingLoc(Loc);
  return SM.getFileOffset(Loc) + Lexer::MeasureTokenLength(Loc, SM, Lang);
}

StringRef Sources::buffer(SourceLocation Loc) {
  return SM.getBufferData(SM.getFileID(SM.getSpellingLoc(Loc)));
}

std::string Sources::key(SourceLocation Loc, StringRef Name) {
  Place S = spelled(Loc);
  std::string Key = S.File + ":" + std::to_string(S.Offset);
  if (Loc.isMacroID()) {
    Place E = placeAt(SM.getExpansionLoc(Loc));
    Key += "@" + E.File + ":" + std::to_string(E.Offset);
  }
  return Key + ":" + Name.str();
}

bool Sources::isSystemFunction(const FunctionDecl *F) {
  if (F->getBuiltinID() || F->isReplaceableGlobalAllocationFunction())
    return true;
  const FunctionDecl *Def = nullptr;
  if (F->isDefined(Def) && !isSystem(Def->getLocation()))
    return false;
  return isSystem(F->getCanonicalDecl()->getLocation());
}

} // namespace perdure::migrate
