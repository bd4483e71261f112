//===- Qualifier.h - The persistent qualifier on types ----------*- C++ -*-===//
//
// A persistent pointer type is a pointer type with Clang's address
// discriminated pointer authentication qualifier, under our key and
// discriminator: the one qualifier that tells Clang that the stored bits of a
// pointer depend on where they are stored.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_CLANG_QUALIFIER_H
#define PERDURE_CLANG_QUALIFIER_H

#include "clang/AST/ASTContext.h"
#include "clang/AST/Type.h"

namespace perdure {

/// Is this qualifier ours, and not that of real pointer authentication?
bool isPersistent(clang::PointerAuthQualifier Q);
inline bool isPersistent(clang::QualType T) {
  return isPersistent(T.getPointerAuth());
}

/// The number of the encoding of such a qualifier.
unsigned encodingOf(clang::PointerAuthQualifier Q);
inline unsigned encodingOf(clang::QualType T) {
  return encodingOf(T.getPointerAuth());
}

/// The type under all its array dimensions.
clang::QualType elementType(const clang::ASTContext &Context,
                            clang::QualType T);

/// Does any part of the type (array elements, pointees, results of functions)
/// name a persistent pointer?
bool mentionsPersistent(const clang::ASTContext &Context, clang::QualType T);

/// T itself, or the elements of the array T, as a persistent pointer. T must
/// be a pointer, or an array of pointers; anything else comes back as it was,
/// and so does what is one already, whatever its encoding.
clang::QualType persistentHere(clang::ASTContext &Context, clang::QualType T,
                               unsigned Encoding);

/// The same at every pointer level: `node **` becomes a persistent pointer to
/// persistent pointers. Pointers to functions are left alone.
clang::QualType persistentEverywhere(clang::ASTContext &Context,
                                     clang::QualType T, unsigned Encoding);

/// `T **`, T an annotated record, becomes `T *persistent *`, at any depth and
/// behind references.
clang::QualType persistentPointees(clang::ASTContext &Context,
                                   clang::QualType T);

/// T without the qualifier on its outermost level.
clang::QualType stripped(clang::ASTContext &Context, clang::QualType T);

/// The same at every pointer level and behind references.
clang::QualType strippedEverywhere(clang::ASTContext &Context,
                                   clang::QualType T);

/// T without the qualifier where it has no meaning: on results and parameters
/// of the functions that T is, or points to.
clang::QualType strippedInFunctions(clang::ASTContext &Context,
                                    clang::QualType T);

} // namespace perdure

#endif // PERDURE_CLANG_QUALIFIER_H
