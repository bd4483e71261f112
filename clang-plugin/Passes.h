//===- Passes.h - The way to the passes -------------------------*- C++ -*-===//
#ifndef PERDURE_CLANG_PASSES_H
#define PERDURE_CLANG_PASSES_H

namespace clang {
class CompilerInstance;
class RecordDecl;
} // namespace clang

namespace perdure {

/// Arranges that PerdurePasses.so, which lies beside the plugin, takes part in
/// this TU's pipeline, and that the module carries the options that it reads.
/// Says so when it cannot be loaded. -fplugin alone then suffices.
void addPasses(clang::CompilerInstance &CI);

/// Tells the passes that this TU takes the pointers of an annotated type in its
/// encoding: files that disagree on that must not link.
void tellTypeEncoding(const clang::RecordDecl *Record);

} // namespace perdure

#endif // PERDURE_CLANG_PASSES_H
