//===- Transactions.cpp - Which functions have to do with transactions ----===//
//
// The attributes become annotations, which the passes read: Clang copies those
// to redeclarations and to what it instantiates of a template, and tells the
// module of them on declarations too.
//
// Aborting leaves the function that began the transaction. With C++ exceptions
// one is thrown; without, control comes back by longjmp, and there is no value
// to return.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"

#include "clang/AST/Attr.h"
#include "clang/AST/DeclCXX.h"
#include "clang/Sema/ParsedAttr.h"
#include "clang/Sema/Sema.h"

using namespace clang;

namespace perdure {

static StringRef nameOf(TransactionRole Role) {
  switch (Role) {
  case TransactionRole::Transaction:
    return "transaction";
  case TransactionRole::InTransaction:
    return "in_transaction";
  case TransactionRole::Safe:
    return "tx_safe";
  }
  llvm_unreachable("all roles have names");
}

bool markTransaction(Sema &S, Decl *D, const ParsedAttr &Attr,
                     TransactionRole Role) {
  auto Refuse = [&](StringRef Why) {
    S.Diag(Attr.getLoc(), S.Diags.getCustomDiagID(DiagnosticsEngine::Error,
                                                  "'%0' %1"))
        << nameOf(Role) << Why;
    return false;
  };
  auto *F = D->getAsFunction();
  if (!F)
    return Refuse("is for functions and lambdas");
  bool Throws = S.getLangOpts().CXXExceptions;
  std::string Text = ("perdure." + nameOf(Role)).str();
  if (Role == TransactionRole::Transaction) {
    if (F->isMain())
      return Refuse("cannot be on 'main'; call a function that has it");
    if (F->isVariadic())
      return Refuse("cannot be on a function with '...': its arguments cannot "
                    "be handed on; take a va_list");
    // What a lambda returns is known later: the passes say it then.
    QualType Result = F->getReturnType();
    if (!Throws && !Result->isVoidType() && !Result->isUndeducedType() &&
        !Result->isDependentType())
      return Refuse("needs a function that returns void where there are no C++ "
                    "exceptions: an abort has no value to return; call "
                    "perdure_transact(object, body, arg), which tells");
    Text += Throws ? ".throws" : ".jumps";
  }
  if (Role != TransactionRole::Safe && F->isConstexprSpecified())
    return Refuse("cannot be on a constexpr function: it logs what it "
                  "overwrites when it runs");
  for (auto *Other : F->specific_attrs<AnnotateAttr>())
    if (Other->getAnnotation() == Text)
      return true;
    else if (Other->getAnnotation().starts_with("perdure.transaction") ||
             Other->getAnnotation() == "perdure.in_transaction" ||
             Other->getAnnotation() == "perdure.tx_safe")
      return Refuse("contradicts another attribute of transactions on the same "
                    "function");
  F->addAttr(AnnotateAttr::CreateImplicit(S.Context, Text, nullptr, 0,
                                          Attr.getRange()));
  return true;
}

} // namespace perdure
