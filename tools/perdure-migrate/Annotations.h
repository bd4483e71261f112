//===- Annotations.h - Annotated code as tools read it ----------*- C++ -*-===//
//
// Tools read annotated code without the compiler plugin, as ordinary C and C++
// (PERDURE_EDITOR): types are as they were, and the annotations are `annotate`
// attributes, which <perdure/attributes.h> leaves. Linking this file also makes
// [[perdure::persistent]] and its like known.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_MIGRATE_ANNOTATIONS_H
#define PERDURE_MIGRATE_ANNOTATIONS_H

#include "clang/AST/Decl.h"
#include "clang/AST/Expr.h"

namespace perdure::migrate {

/// "persistent", "transient", "transaction", ...: does the declaration say so?
bool says(const clang::Decl *D, llvm::StringRef Word);

/// Is the record annotated: itself, a declaration before it, or the record that
/// it is defined in?
bool isAnnotated(const clang::RecordDecl *Record);
/// The annotated record that a value of this type is (also of its elements).
const clang::RecordDecl *annotatedRecord(clang::QualType T);
/// Does a value of this type hold persistent pointers?
bool holdsPersistent(clang::QualType T);
/// Is what such a field, variable or typedef holds a persistent pointer?
bool isPersistentField(const clang::FieldDecl *Field);
/// Does the type, as it is written, name a persistent pointer (node_ref,
/// perdure::ptr<node>)?
bool isPersistentAlias(clang::QualType T);
/// Is the place that the expression names one of a persistent pointer?
bool isPersistentPlace(const clang::Expr *E);
/// Does the pointer, as a value, lead to persistent pointers?
bool leadsToPersistent(const clang::Expr *E);

/// Makes the plugin's attributes known, once.
void registerAttributes();

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_ANNOTATIONS_H
