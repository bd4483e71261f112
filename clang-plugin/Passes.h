//===- Passes.h - The way to the passes -------------------------*- C++ -*-===//
#ifndef PERDURE_CLANG_PASSES_H
#define PERDURE_CLANG_PASSES_H

namespace clang {
class CompilerInstance;
}

namespace perdure {

/// Arranges that PerdurePasses.so, which lies beside the plugin, takes part in
/// this TU's pipeline, and that the module carries the options that it reads.
/// Says so when it cannot be loaded. -fplugin alone then suffices.
void addPasses(clang::CompilerInstance &CI);

} // namespace perdure

#endif // PERDURE_CLANG_PASSES_H
