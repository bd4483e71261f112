//===- Sources.h - Clang's locations as places on disk ----------*- C++ -*-===//
#ifndef PERDURE_MIGRATE_SOURCES_H
#define PERDURE_MIGRATE_SOURCES_H

#include "Graph.h"

#include "clang/AST/Decl.h"
#include "clang/Basic/SourceManager.h"
#include "llvm/ADT/DenseMap.h"

namespace perdure::migrate {

/// What turns Clang's locations into places on disk.
class Sources {
public:
  Sources(clang::SourceManager &SM, const clang::LangOptions &Lang);
  const std::string &fileName(clang::FileID ID);
  Place place(clang::SourceLocation Loc) { return placeAt(SM.getFileLoc(Loc)); }
  /// Where it is spelled: in a macro, in the macro.
  Place spelled(clang::SourceLocation Loc);
  Place placeAt(clang::SourceLocation Loc);
  bool isSystem(clang::SourceLocation Loc);
  /// Perdure's own headers know what they do.
  bool isPerdure(clang::SourceLocation Loc);
  /// Where it stands in a file, if it starts there: `bool` may be a macro.
  clang::SourceLocation start(clang::SourceLocation Loc);
  /// The range as a person wrote it: where a macro spells just this, its name.
  clang::SourceRange asWritten(clang::SourceRange Range);
  bool canEdit(clang::SourceLocation Loc) { return Loc.isValid() && !isSystem(Loc); }
  unsigned tokenEnd(clang::SourceLocation Loc);
  llvm::StringRef buffer(clang::SourceLocation Loc);
  /// Different for each thing that is declared, and the same in all files.
  std::string key(clang::SourceLocation Loc, llvm::StringRef Name = "");
  /// Is it the system's, and not defined by the program?
  bool isSystemFunction(const clang::FunctionDecl *F);

  clang::SourceManager &SM;
  const clang::LangOptions &Lang;

private:
  std::string MainFile;
  llvm::DenseMap<clang::FileID, std::string> Names;
};

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_SOURCES_H
