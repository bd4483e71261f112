//===- Annotations.h - Which declarations are annotated ---------*- C++ -*-===//
#ifndef PERDURE_CLANG_ANNOTATIONS_H
#define PERDURE_CLANG_ANNOTATIONS_H

#include "clang/AST/Decl.h"
#include "clang/AST/Type.h"

namespace clang {
class Sema;
class ParsedAttr;
} // namespace clang

namespace perdure {

/// Is the record annotated, itself or through the one that encloses it? Works
/// on declarations and definitions, templates and their specialisations, and
/// on what a PCH or a module brought.
bool isAnnotated(const clang::RecordDecl *Record);
/// The same of a type; false for anything but a record.
bool isAnnotated(clang::QualType T);

/// Marks the record as annotated.
void markAnnotated(clang::RecordDecl *Record, clang::SourceRange Range);

/// Keeps a field native. Holds for the TU that declares the field.
void markTransient(const clang::FieldDecl *Field);
bool isTransient(const clang::FieldDecl *Field);

/// Applies the annotation `persistent` to a declaration; says so where it has
/// no business.
void annotate(clang::Sema &S, clang::Decl *D, const clang::ParsedAttr &Attr);

/// Called for every declaration as Clang makes it, after its own attributes
/// and before anything uses it.
void declared(clang::Sema &S, clang::Decl *D);

/// `[[perdure::references]]` on a variable, parameter, field or function.
void referToPersistent(clang::Sema &S, clang::Decl *D);

/// Says what an annotated record may not have; called when it is complete.
void checkRecord(clang::Sema &S, clang::RecordDecl *Record);
/// Says why the field may not stand in an annotated record; true if it may.
bool checkField(clang::Sema &S, clang::FieldDecl *Field);

/// Clang takes defaulted copies of classes with qualified fields for trivial;
/// called when a class is complete, and again for implicit members.
void repairTrivialCopies(clang::CXXRecordDecl *Record);

} // namespace perdure

#endif // PERDURE_CLANG_ANNOTATIONS_H
