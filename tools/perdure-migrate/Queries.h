//===- Queries.h - What types and well-known functions are ------*- C++ -*-===//
#ifndef PERDURE_MIGRATE_QUERIES_H
#define PERDURE_MIGRATE_QUERIES_H

#include "clang/AST/Decl.h"
#include "clang/AST/Expr.h"

namespace perdure::migrate {

bool isDataPointer(clang::QualType T);
/// Of an array, however many dimensions it has; else the type itself.
clang::QualType element(clang::QualType T);
unsigned pointerDepth(clang::QualType T);
bool isBytes(clang::QualType T);

/// Does it give new memory, as far as its declaration tells?
bool isAllocator(const clang::FunctionDecl *F);
/// Does it give back, moved or copied, what it was given?
bool isNamedLikeRealloc(const clang::FunctionDecl *F);
/// The name, also of a builtin's and of what _FORTIFY_SOURCE makes of it; empty for
/// operators and the like.
llvm::StringRef plainName(const clang::FunctionDecl *F);
/// Also as a builtin, and as what _FORTIFY_SOURCE makes of it.
bool isNamed(const clang::FunctionDecl *F,
             std::initializer_list<llvm::StringRef> Names);
bool isFree(const clang::FunctionDecl *F);
/// May a function of the system keep or free what it is given as this argument? Not
/// what it takes as const, nor those of C that only read and write.
bool mayKeep(const clang::FunctionDecl *F, unsigned Argument);
/// Does it leave what the pointers lead to that it is given?
bool looksOnly(const clang::FunctionDecl *F);
/// The pointer that an argument was, before it became a `void *`.
const clang::Expr *written(const clang::Expr *E);

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_QUERIES_H
