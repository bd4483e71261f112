//===- Passes.h - The way to the passes -------------------------*- C++ -*-===//
#ifndef PERDURE_CLANG_PASSES_H
#define PERDURE_CLANG_PASSES_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace clang {
class ASTContext;
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

/// A record with persistent pointers: its fields at each level, those that hold
/// others as well, and in C++ the functions that Clang copies it by.
struct FieldRanges {
  struct Field {
    uint64_t Begin, End; ///< bytes
    bool IsWhole;        ///< all of it is copied, or, false, only its parts
  };
  std::vector<Field> Fields;
  std::vector<std::string> Functions;
};
/// Of all records of the TU.
std::vector<FieldRanges> fieldRanges(clang::ASTContext &Context);

/// Tells the passes which bytes of the TU's records are fields.
void tellFieldRanges(clang::ASTContext &Context);

/// Tells the passes what the binary shall say of these records, and of what they lead
/// to.
void tellDescriptors(clang::ASTContext &Context,
                     llvm::ArrayRef<const clang::RecordDecl *> Records);

} // namespace perdure

#endif // PERDURE_CLANG_PASSES_H
