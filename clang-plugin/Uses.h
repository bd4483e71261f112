//===- Uses.h - What a program may not do with persistent pointers -*- C++
//-*-===//
//
// Clang checks most of what is done with a qualified pointer. What its code
// generation would leave unencoded, and what a cast takes the qualifier from,
// is refused here: one function per kind of node, one file per family.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_CLANG_USES_H
#define PERDURE_CLANG_USES_H

#include "clang/AST/Expr.h"
#include "clang/AST/ExprCXX.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace clang {
class AsmStmt;
class OMPAtomicDirective;
class Sema;
class TemplateArgumentList;
} // namespace clang

namespace perdure {

/// Checks everything that the declarations contain: bodies, initialisers,
/// instantiations, lambdas and implicit code. Each body is seen once.
void checkUses(clang::Sema &S, llvm::ArrayRef<clang::Decl *> Declarations);

// References.cpp: bound to a decoded copy.
void checkReference(clang::Sema &S, const clang::MaterializeTemporaryExpr *E);

// Casts.cpp: casts that change what stored bits mean.
void checkCast(clang::Sema &S, const clang::CastExpr *E);

// Unencoded.cpp: what code generation leaves unencoded.
void checkNewArray(clang::Sema &S, const clang::CXXNewExpr *E);
void checkCaught(clang::Sema &S, const clang::VarDecl *Exception);
void checkAsm(clang::Sema &S, const clang::AsmStmt *Asm);
void checkOpenMPAtomic(clang::Sema &S, const clang::OMPAtomicDirective *D);
void checkBuiltin(clang::Sema &S, const clang::CallExpr *Call);
void checkVaArg(clang::Sema &S, const clang::VAArgExpr *E);

// RawCopies.cpp: bytes that functions copy, compare or keep.
void checkCall(clang::Sema &S, const clang::CallExpr *Call);

// Integers.cpp: addresses taken for identities. Excused collects the casts
// that an enclosing expression has found to be harmless, outermost first.
using CastSet = llvm::SmallPtrSet<const clang::CastExpr *, 16>;
void excuseInteger(const clang::Expr *User, const clang::ASTContext &Context,
                   CastSet &Excused);
void checkInteger(clang::Sema &S, const clang::CastExpr *E,
                  const CastSet &Excused);

// GrayUses.cpp: addresses of Gray-coded fields. Excused collects the lvalues
// that an enclosing node has found to be harmless, outermost first.
using ExprSet = llvm::SmallPtrSet<const clang::Expr *, 16>;
void excuseGray(const clang::Stmt *Parent, ExprSet &Excused);
void checkGray(clang::Sema &S, const clang::Expr *E, ExprSet &Excused);
/// Is \p E, under casts, the address of such a field or of an element of one?
bool isAddressOfGray(const clang::Expr *E);
/// Of the specialisation of a template that was first used at \p Loc.
void checkGrayArguments(clang::Sema &S, clang::SourceLocation Loc,
                        const clang::TemplateArgumentList &Arguments);

// Signatures.cpp: no function may keep a persistent parameter or result.
void checkSignature(clang::Sema &S, const clang::FunctionDecl *Function);

/// The expression under parentheses, implicit nodes and cleanups.
const clang::Expr *bare(const clang::Expr *E);

/// Is this a load, by itself or in an arm of a conditional, of a persistent
/// pointer? Returns the pointer that is loaded, or null.
const clang::Expr *loadedPersistent(const clang::Expr *E);

} // namespace perdure

#endif // PERDURE_CLANG_USES_H
