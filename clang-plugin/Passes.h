//===- Passes.h - The way to the passes -------------------------*- C++ -*-===//
#ifndef PERDURE_CLANG_PASSES_H
#define PERDURE_CLANG_PASSES_H

namespace clang {
class CompilerInstance;
class RecordDecl;
} // namespace clang

namespace perdure {

/// Loads PerdurePasses.so, which lies beside the plugin, and the plugins with
/// further encodings; says so when one cannot be loaded.
bool loadPasses(const clang::CompilerInstance &CI);

/// Arranges that the passes take part in this TU's pipeline, and that the
/// module carries the options that they read. -fplugin alone then suffices.
void addPasses(clang::CompilerInstance &CI);

/// Tells the passes in which encodings this TU takes the pointers of a type:
/// files that disagree on that must not link.
void tellTypeEncoding(const clang::RecordDecl *Record);

} // namespace perdure

#endif // PERDURE_CLANG_PASSES_H
