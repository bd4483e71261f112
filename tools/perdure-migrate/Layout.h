//===- Layout.h - Where a file has its conditionals and includes -*- C++ -*-===//
#ifndef PERDURE_MIGRATE_LAYOUT_H
#define PERDURE_MIGRATE_LAYOUT_H

#include "Program.h"
#include "Sources.h"

#include "clang/AST/ASTContext.h"
#include "clang/Lex/PPCallbacks.h"

namespace perdure::migrate {

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
  llvm::StringRef Guard; ///< what the first conditional asks, if it is an #ifndef
  unsigned FirstDecl = ~0u;

  unsigned depthAt(unsigned Offset) const {
    unsigned Depth = 0;
    for (auto [Begin, End] : Conditionals)
      Depth += Begin < Offset && Offset < End;
    return Depth;
  }
};

/// By file.
using Layouts = std::map<std::string, Layout>;
/// Text that conditionals leave out, by file.
using SkippedText = std::map<std::string, std::set<std::pair<unsigned, unsigned>>>;

/// Callbacks that write down layouts, and what files include.
std::unique_ptr<clang::PPCallbacks> readLayouts(Sources &S, Program &P, Layouts &L,
                                                SkippedText &Skipped);

/// Finds where includes belong: behind the file's last one before its first
/// declaration that no other condition guards than this; else behind the guard.
void placeIncludes(clang::ASTContext &Context, Sources &S, Program &P, Layouts &L);

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_LAYOUT_H
