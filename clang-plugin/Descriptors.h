//===- Descriptors.h - What the binary says of the TU's types ---*- C++ -*-===//
#ifndef PERDURE_CLANG_DESCRIPTORS_H
#define PERDURE_CLANG_DESCRIPTORS_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace clang {
class ASTContext;
class Decl;
class RecordDecl;
class VarDecl;
} // namespace clang

namespace perdure {

/// A type as runtime/types/descriptor.h has it.
struct Descriptor {
  std::string Text;
  uint64_t Layout;   ///< hash of the lines that say it
  std::string Asked; ///< the symbol by which code refers to it, or empty
};

/// The symbol that code refers to for the descriptor of \p Record, until the passes put
/// that in its place.
clang::VarDecl *descriptorOf(clang::ASTContext &Context,
                             const clang::RecordDecl *Record);

/// Forgets the TU before.
void forgetDescriptors();

/// Of those that were asked for, of \p Records, and of all that they lead to.
std::vector<Descriptor>
describeTypes(clang::ASTContext &Context,
              llvm::ArrayRef<const clang::RecordDecl *> Records);

/// Has the runtime told what the code of \p D takes the roots of objects for.
void typeRoots(clang::Decl *D);
/// Forgets the TU before.
void forgetRoots();

/// Remembers which records the code of \p D reckons with pointers to.
void noteArithmetic(clang::Decl *D);
bool hasArithmetic(const clang::RecordDecl *Record);
/// Forgets the TU before.
void forgetArithmetic();

} // namespace perdure

#endif // PERDURE_CLANG_DESCRIPTORS_H
