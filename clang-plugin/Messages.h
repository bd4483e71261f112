//===- Messages.h - What users read -----------------------------*- C++ -*-===//
//
// Messages of our own, and Clang's in our words: no user ever sees the name of
// the qualifier that stands behind a persistent pointer.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_CLANG_MESSAGES_H
#define PERDURE_CLANG_MESSAGES_H

#include "clang/Basic/Diagnostic.h"
#include "clang/Sema/Sema.h"

namespace perdure {

constexpr auto Error = clang::DiagnosticsEngine::Error;
constexpr auto Warning = clang::DiagnosticsEngine::Warning;
constexpr auto Note = clang::DiagnosticsEngine::Note;

/// Reports at Loc. Message has %0, %1 ... for what follows in <<. Warnings
/// belong to Clang's group -Wnontrivial-memaccess, so that its flags and
/// pragmas reach them, and are silent in system headers.
clang::DiagnosticBuilder report(clang::Sema &S, clang::SourceLocation Loc,
                                clang::DiagnosticsEngine::Level Level,
                                const char *Message);

/// Puts our words between Clang and whatever shows its messages.
void rewriteMessages(clang::DiagnosticsEngine &Diags,
                     const clang::LangOptions &Lang);

} // namespace perdure

#endif // PERDURE_CLANG_MESSAGES_H
