//===- Annotations.h - Which declarations are annotated ---------*- C++ -*-===//
#ifndef PERDURE_CLANG_ANNOTATIONS_H
#define PERDURE_CLANG_ANNOTATIONS_H

#include "clang/AST/Decl.h"
#include "clang/AST/Type.h"

#include <optional>

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

/// The encoding that the annotation gives to the record's pointers.
std::optional<unsigned> annotatedEncoding(const clang::RecordDecl *Record);
std::optional<unsigned> annotatedEncoding(clang::QualType T);

/// Marks the record as annotated.
void markAnnotated(clang::RecordDecl *Record, clang::SourceRange Range,
                   unsigned Encoding);

/// Keeps a field native.
void markTransient(clang::FieldDecl *Field);
bool isTransient(const clang::FieldDecl *Field);

/// Has a field's number stored as its Gray code; false, and an error, where it
/// cannot be.
bool markGray(clang::Sema &S, clang::Decl *D, clang::SourceLocation Loc);
/// False when the TU has none, and no PCH or module that could bring one.
bool mayHaveGray(const clang::ASTContext &Context);
/// Is the field's number, or are those of its array, stored so?
bool isGray(const clang::ValueDecl *Field);
/// Does a value of the type hold such numbers?
bool holdsGray(const clang::ASTContext &Context, clang::QualType T);
/// Says which marked fields of an instantiation cannot be stored so; called
/// when a record is complete.
void checkGrayFields(clang::Sema &S, clang::RecordDecl *Record);

/// Applies the annotation `persistent` to a declaration; says so where it has
/// no business.
void annotate(clang::Sema &S, clang::Decl *D, const clang::ParsedAttr &Attr);

/// Called for every declaration as Clang makes it, after its own attributes
/// and before anything uses it.
void declared(clang::Sema &S, clang::Decl *D);

/// `[[perdure::references]]` on a variable, parameter, field or function.
void referToPersistent(clang::Sema &S, clang::Decl *D);

/// What a function has to do with transactions.
enum class TransactionRole { Transaction, InTransaction, Safe };
/// Gives the function that role; says so where it cannot have it, and returns
/// false then.
bool markTransaction(clang::Sema &S, clang::Decl *D,
                     const clang::ParsedAttr &Attr, TransactionRole Role);

/// Says what an annotated record may not have; called when it is complete.
void checkRecord(clang::Sema &S, clang::RecordDecl *Record);
/// Says why the field may not stand in an annotated record; true if it may.
bool checkField(clang::Sema &S, clang::FieldDecl *Field);

/// Says what no record with persistent pointers may be, annotated or not;
/// called when it is complete, with the attributes behind it.
void checkLayout(clang::Sema &S, clang::RecordDecl *Record);

/// Does the record hold pointers that are not persistent, other than those that
/// annotated records keep native on purpose?
bool holdsNativePointers(const clang::ASTContext &Context,
                         const clang::RecordDecl *Record);
/// Does a value of the type hold persistent pointers?
bool holdsPersistentPointers(const clang::ASTContext &Context,
                             clang::QualType T);

/// Reports the fields of annotated records that lead to records which hold
/// native pointers (-Wperdure-reach).
void checkReach(clang::Sema &S, const clang::RecordDecl *Record);

/// A class derives its triviality as members are added: adds them again, after
/// their types or their own triviality have changed.
void deriveTrivialityAgain(clang::CXXRecordDecl *Class);

/// Clang takes defaulted copies of classes with qualified fields for trivial;
/// called when a class is complete, and again for implicit members.
void repairTrivialCopies(clang::CXXRecordDecl *Record);

/// Keeps Clang from leaving string literals in static initialisers raw; called
/// before code is made of the declaration.
void parenthesiseStaticStrings(clang::Decl *D);

/// Clang assigns to a qualified pointer left side first.
void assignRightFirst(clang::Decl *D);

/// Clang writes a pointer that is a number raw into a static initialiser.
void qualifyStaticNumbers(clang::Decl *D);

/// Clang writes Gray-coded fields raw into constants. Called before code is made
/// of the declaration, with \p Evaluable false, and with true when nothing will
/// be evaluated at compile time any more.
void encodeGrayConstants(clang::Decl *D, bool Evaluable);
/// Called after code was made of a declaration: functions that can still be
/// evaluated at compile time get their bodies back.
void restoreGrayConstants();

} // namespace perdure

#endif // PERDURE_CLANG_ANNOTATIONS_H
