//===- Owners.h - Which pointer owns the block a call allocates -*- C++ -*-===//
//
// A block belongs to the object of the pointer through which it is stored. That is
// known where the pointer has, when the block is allocated, the value that it has
// when the block is stored; then the one can be allocated near the other.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_MIGRATE_OWNERS_H
#define PERDURE_MIGRATE_OWNERS_H

#include "Sources.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/Expr.h"
#include "llvm/ADT/DenseSet.h"

namespace perdure::migrate {

class Owners {
public:
  Owners(clang::ASTContext &Context, Sources &S) : Context(Context), S(S) {}

  /// Looks at the calls of malloc and its like in the function's body.
  void read(const clang::FunctionDecl *F);

  struct Owner {
    std::string Text;                 ///< as an argument: `list`, `(void *)at`
    const clang::Expr *To = nullptr;  ///< the place that gets the block
  };
  /// Null where none is proven.
  const Owner *of(const clang::CallExpr *Call) const {
    auto It = Known.find(Call);
    return It == Known.end() ? nullptr : &It->second;
  }
  /// Does no place but a local variable get the result, and no caller?
  bool isLocal(const clang::CallExpr *Call) const { return Local.contains(Call); }

private:
  class Reader;

  clang::ASTContext &Context;
  Sources &S;
  llvm::DenseMap<const clang::CallExpr *, Owner> Known;
  llvm::DenseSet<const clang::CallExpr *> Local;

  /// Of a function that stores what it is given through another pointer that it is
  /// given: which parameter that is, and the place.
  struct Keeper {
    unsigned Owner = ~0u;
    const clang::Expr *To = nullptr;
  };
  llvm::DenseMap<const clang::ValueDecl *, Keeper> Keepers;
  Keeper keeperOf(const clang::FunctionDecl *F, unsigned Param);
};

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_OWNERS_H
