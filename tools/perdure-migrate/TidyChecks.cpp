//===- TidyChecks.cpp - clang-tidy's checks for annotated code ------------===//
//
// What the compiler plugin refuses or warns of, told in editors and in reviews,
// where code is read without it, and what it cannot know: whether a store belongs
// into a transaction. Headers of Perdure and of the system are not looked at.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"

#include "clang-tidy/ClangTidyCheck.h"
#include "clang-tidy/ClangTidyModule.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/ParentMapContext.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/ASTMatchers/ASTMatchFinder.h"

using namespace clang;
using namespace clang::ast_matchers;
using namespace clang::tidy;

namespace perdure::migrate {

namespace {

class Check : public ClangTidyCheck {
public:
  using ClangTidyCheck::ClangTidyCheck;

protected:
  static bool isOurs(SourceLocation Loc, const SourceManager &SM) {
    Loc = SM.getSpellingLoc(Loc);
    return Loc.isValid() && !SM.isInSystemHeader(Loc) &&
           !SM.getFilename(Loc).contains("/include/perdure/");
  }
};

QualType pointee(QualType T) {
  QualType P = T->getPointeeType();
  while (!P.isNull())
    if (const ArrayType *A = P->getAsArrayTypeUnsafe())
      P = A->getElementType();
    else
      break;
  return P;
}

/// Pointers to native pointers: `struct node **`, whose type does not say that
/// what they lead to is persistent.
bool isNativeTarget(QualType T) {
  QualType P = pointee(T);
  return !P.isNull() && P->isPointerType() && !P->isFunctionPointerType() &&
         !isPersistentAlias(T->getPointeeType());
}

/// perdure-escapes: the address of a persistent pointer becomes a pointer whose type
/// does not say so, by a cast or without one.
class Escapes : public Check {
public:
  using Check::Check;
  void registerMatchers(MatchFinder *Finder) override {
    Finder->addMatcher(explicitCastExpr().bind("cast"), this);
    Finder->addMatcher(varDecl(hasInitializer(expr().bind("value"))).bind("variable"),
                       this);
    Finder->addMatcher(
        binaryOperator(hasOperatorName("="), hasRHS(expr().bind("value"))).bind("store"),
        this);
    Finder->addMatcher(callExpr().bind("call"), this);
    Finder->addMatcher(returnStmt(hasReturnValue(expr().bind("value")),
                                  hasAncestor(functionDecl().bind("function"))),
                       this);
  }
  void check(const MatchFinder::MatchResult &Result) override {
    SM = Result.SourceManager;
    const auto *Value = Result.Nodes.getNodeAs<Expr>("value");
    if (const auto *Cast = Result.Nodes.getNodeAs<ExplicitCastExpr>("cast")) {
      QualType To = Cast->getTypeAsWritten();
      if (!To->isPointerType() || To->isVoidPointerType() ||
          isPersistentAlias(To->getPointeeType()))
        return;
      const Expr *Sub = Cast->getSubExpr();
      if (leadsToPersistent(Sub) && isOurs(Cast->getBeginLoc(), *SM))
        diag(Cast->getBeginLoc(),
             "the cast hides that persistent pointers lie there, whose bits are no "
             "addresses; cast to an alias of the type 'persistent pointer', or to "
             "'void *' if the bits are meant");
    } else if (const auto *V = Result.Nodes.getNodeAs<VarDecl>("variable")) {
      become(V->getType(), Value);
    } else if (const auto *B = Result.Nodes.getNodeAs<BinaryOperator>("store")) {
      QualType T = B->getLHS()->getType();
      const Expr *L = B->getLHS()->IgnoreParens();
      if (const auto *Ref = dyn_cast<DeclRefExpr>(L))
        T = Ref->getDecl()->getType();
      else if (const auto *M = dyn_cast<MemberExpr>(L))
        T = M->getMemberDecl()->getType();
      const auto *M = dyn_cast<MemberExpr>(L);
      const auto *F = M ? dyn_cast<FieldDecl>(M->getMemberDecl()) : nullptr;
      if (!F || !isPersistentField(F)) // all its levels are persistent
        become(T, Value);
    } else if (const auto *Call = Result.Nodes.getNodeAs<CallExpr>("call")) {
      const FunctionDecl *F = Call->getDirectCallee();
      for (unsigned I = 0; F && I < std::min(Call->getNumArgs(), F->getNumParams()); ++I)
        become(F->getParamDecl(I)->getOriginalType(), Call->getArg(I));
    } else if (const auto *F = Result.Nodes.getNodeAs<FunctionDecl>("function")) {
      become(F->getReturnType(), Value);
    }
  }

private:
  void become(QualType To, const Expr *Value) {
    if (!To->isPointerType() || !isNativeTarget(To) || !leadsToPersistent(Value) ||
        isa<ExplicitCastExpr>(Value->IgnoreParens()) ||
        !isOurs(Value->getBeginLoc(), *SM))
      return;
    diag(Value->getBeginLoc(),
         "%0 leads to native pointers, but here lie persistent ones; declare it by an "
         "alias ('typedef T *T_ref PERDURE;', 'T_ref *')")
        << To;
  }
  const SourceManager *SM = nullptr;
};

/// The annotated record whose address the pointer is, or a persistent pointer's.
bool leadsToAnnotated(const Expr *E) {
  QualType T = E->IgnoreParenImpCasts()->getType();
  return T->isPointerType() &&
         (annotatedRecord(T->getPointeeType()) || leadsToPersistent(E));
}

/// perdure-pointer-in-integer
class PointerInInteger : public Check {
public:
  using Check::Check;
  void registerMatchers(MatchFinder *Finder) override {
    Finder->addMatcher(castExpr(anyOf(hasCastKind(CK_PointerToIntegral),
                                      hasCastKind(CK_IntegralToPointer)))
                           .bind("cast"),
                       this);
  }
  void check(const MatchFinder::MatchResult &Result) override {
    const auto *Cast = Result.Nodes.getNodeAs<CastExpr>("cast");
    if (!isOurs(Cast->getBeginLoc(), *Result.SourceManager))
      return;
    const Expr *Sub = Cast->getSubExpr();
    if (Cast->getCastKind() == CK_IntegralToPointer) {
      Expr::EvalResult Value;
      if (annotatedRecord(Cast->getType()->getPointeeType()) &&
          !Sub->EvaluateAsInt(Value, *Result.Context) && !isTag(Cast, *Result.Context))
        diag(Cast->getBeginLoc(),
             "a pointer to %0 is made from an integer; stored in an object it holds "
             "no longer than this process: keep a pointer")
            << Cast->getType()->getPointeeType();
      return;
    }
    if (leadsToAnnotated(Sub) && !isTag(Cast, *Result.Context))
      diag(Cast->getBeginLoc(),
           "an integer is made from a pointer to what may lie in an object, whose "
           "address differs from run to run; use perdure_offset if it is stored or "
           "hashed");
  }

private:
  /// Low bits mean the same at every address.
  static bool isTag(const CastExpr *Cast, ASTContext &Context) {
    // In either direction: `(uintptr_t)p & 7`, and `(T *)(bits & ~7)`.
    const Expr *Sub = Cast->getSubExpr()->IgnoreParenCasts();
    if (const auto *B = dyn_cast<BinaryOperator>(Sub))
      if (B->isBitwiseOp())
        return true;
    auto Parents = Context.getParents(*Cast);
    for (int Steps = 0; Steps < 6 && !Parents.empty(); ++Steps) {
      if (const auto *B = Parents[0].get<BinaryOperator>())
        return B->isBitwiseOp() || B->isComparisonOp() || B->getOpcode() == BO_Rem ||
               B->getOpcode() == BO_Sub;
      if (!Parents[0].get<ParenExpr>() && !Parents[0].get<CastExpr>())
        return false;
      Parents = Context.getParents(Parents[0]);
    }
    return false;
  }
};

/// perdure-unions
class Unions : public Check {
public:
  using Check::Check;
  void registerMatchers(MatchFinder *Finder) override {
    Finder->addMatcher(recordDecl(isUnion(), isDefinition()).bind("union"), this);
  }
  void check(const MatchFinder::MatchResult &Result) override {
    const auto *U = Result.Nodes.getNodeAs<RecordDecl>("union");
    if (!isOurs(U->getLocation(), *Result.SourceManager))
      return;
    unsigned Fields = std::distance(U->field_begin(), U->field_end());
    if (Fields < 2)
      return;
    for (const FieldDecl *F : U->fields())
      if (isPersistentField(F) ||
          (!says(F, "transient") && !F->getType()->isPointerType() &&
           holdsPersistent(F->getType())))
        diag(F->getLocation(),
             "persistent pointers of %0 share their place with other members, through "
             "which their bits are read and written untranslated; give them a place of "
             "their own")
            << F;
  }
};

/// perdure-raw-copies
class RawCopies : public Check {
public:
  using Check::Check;
  void registerMatchers(MatchFinder *Finder) override {
    Finder->addMatcher(
        callExpr(callee(functionDecl(hasAnyName(
                     "memcpy", "memmove", "mempcpy", "memset", "memcmp", "qsort", "bcopy",
                     "fwrite", "fread", "write", "read", "send", "recv",
                     "__builtin_memcpy", "__builtin_memmove", "__builtin_memset"))))
            .bind("call"),
        this);
  }
  void check(const MatchFinder::MatchResult &Result) override {
    const auto *Call = Result.Nodes.getNodeAs<CallExpr>("call");
    if (!isOurs(Call->getBeginLoc(), *Result.SourceManager))
      return;
    StringRef Name = Call->getDirectCallee()->getName();
    Name.consume_front("__builtin_");
    bool Holds = false, AllVariables = true;
    for (const Expr *A : Call->arguments()) {
      const Expr *E = A->IgnoreParenImpCasts();
      QualType T = E->getType();
      if (!T->isPointerType() && !T->isArrayType())
        continue;
      QualType Of = T->isPointerType() ? T->getPointeeType() : T;
      if (T->isFunctionPointerType() || E->getType()->isFunctionType())
        continue;
      bool This = holdsPersistent(Of) || leadsToPersistent(E) || leadsToPersistent(A);
      Holds |= This;
      AllVariables &= isVariable(E);
    }
    if (!Holds)
      return;
    if (Name == "memset") {
      Expr::EvalResult Value;
      if (Call->getNumArgs() > 1 &&
          Call->getArg(1)->EvaluateAsInt(Value, *Result.Context) &&
          Value.Val.getInt() == 0)
        return;
      diag(Call->getBeginLoc(), "memset to other than zero makes persistent pointers of "
                                "bytes; set the fields");
    } else if (Name == "memcmp") {
      diag(Call->getBeginLoc(),
           "memcmp compares stored bits, and equal persistent pointers need not have "
           "equal bits; compare the fields");
    } else if (Name == "qsort") {
      diag(Call->getBeginLoc(),
           "qsort moves persistent pointers as bytes; use perdure_qsort");
    } else if (Name.ends_with("cpy") || Name.ends_with("move") || Name == "bcopy") {
      if (!AllVariables)
        diag(Call->getBeginLoc(), "%0 copies persistent pointers as bytes, which mean "
                                  "something else in another object; assign, or use "
                                  "perdure_memmove")
            << Name;
    } else {
      diag(Call->getBeginLoc(),
           "%0 reads or writes the bits of persistent pointers, which mean nothing "
           "outside their object; write what they lead to")
          << Name;
    }
  }

private:
  /// Neither lies in an object.
  static bool isVariable(const Expr *E) {
    if (const auto *U = dyn_cast<UnaryOperator>(E))
      return U->getOpcode() == UO_AddrOf &&
             isa<DeclRefExpr>(U->getSubExpr()->IgnoreParens());
    return isa<DeclRefExpr>(E) && E->getType()->isArrayType();
  }
};

/// perdure-store-outside-transaction
class StoreOutsideTransaction : public Check {
public:
  using Check::Check;
  void registerMatchers(MatchFinder *Finder) override {
    Finder->addMatcher(functionDecl(isDefinition()).bind("function"), this);
  }
  void check(const MatchFinder::MatchResult &Result) override {
    const auto *F = Result.Nodes.getNodeAs<FunctionDecl>("function");
    if (!isOurs(F->getLocation(), *Result.SourceManager) || isInTransaction(F) ||
        !F->getBody())
      return;
    struct Finder : RecursiveASTVisitor<Finder> {
      bool Begins = false;
      std::vector<std::pair<const Expr *, const FieldDecl *>> Stores;

      bool VisitCallExpr(CallExpr *Call) {
        if (const FunctionDecl *Callee = Call->getDirectCallee())
          Begins |= Callee->getIdentifier() && Callee->getName() == "perdure_tx_begin";
        return true;
      }
      // A lambda is a function of its own, and mostly one of a transaction.
      bool TraverseLambdaExpr(LambdaExpr *) { return true; }
      bool VisitBinaryOperator(BinaryOperator *B) {
        if (B->isAssignmentOp())
          store(B->getLHS());
        return true;
      }
      bool VisitUnaryOperator(UnaryOperator *U) {
        if (U->isIncrementDecrementOp())
          store(U->getSubExpr());
        return true;
      }
      void store(const Expr *To) {
        // The field of a record that may lie in an object; what lies in a variable
        // does not.
        const FieldDecl *Field = nullptr;
        for (const Expr *E = To->IgnoreParenImpCasts();;) {
          if (const auto *M = dyn_cast<MemberExpr>(E)) {
            if (!Field && isa<FieldDecl>(M->getMemberDecl()))
              Field = cast<FieldDecl>(M->getMemberDecl());
            if (M->isArrow()) {
              QualType T = M->getBase()->getType();
              if (annotatedRecord(T->getPointeeType()) && Field)
                Stores.push_back({To, Field});
              return;
            }
            E = M->getBase()->IgnoreParenImpCasts();
          } else if (const auto *A = dyn_cast<ArraySubscriptExpr>(E)) {
            if (!A->getBase()->IgnoreParenImpCasts()->getType()->isArrayType()) {
              if (isPersistentPlace(A->getBase()->IgnoreParenImpCasts()) ||
                  leadsToPersistent(A->getBase()))
                Stores.push_back({To, Field});
              return;
            }
            E = A->getBase()->IgnoreParenImpCasts();
          } else if (const auto *U = dyn_cast<UnaryOperator>(E)) {
            if (U->getOpcode() == UO_Deref &&
                (leadsToPersistent(U->getSubExpr()) ||
                 annotatedRecord(U->getSubExpr()->getType()->getPointeeType())))
              Stores.push_back({To, Field});
            return;
          } else {
            return;
          }
        }
      }
    } Found;
    Found.TraverseStmt(F->getBody());
    if (Found.Begins)
      return;
    for (auto [To, Field] : Found.Stores) {
      if (Field)
        diag(To->getBeginLoc(),
             "%0 is stored outside a transaction; if it may lie in an object, mark %1 "
             "PERDURE_TRANSACTION or PERDURE_IN_TRANSACTION")
            << Field << F;
      else
        diag(To->getBeginLoc(),
             "a persistent pointer is stored outside a transaction; if it may lie in "
             "an object, mark %0 PERDURE_TRANSACTION or PERDURE_IN_TRANSACTION")
            << F;
    }
  }

private:
  static bool isInTransaction(const FunctionDecl *F) {
    for (const FunctionDecl *D : F->redecls())
      if (says(D, "transaction") || says(D, "in_transaction") || says(D, "tx_safe"))
        return true;
    const auto *M = dyn_cast<CXXMethodDecl>(F);
    return M && M->getParent()->isLambda();
  }
};

class Module : public ClangTidyModule {
public:
  void addCheckFactories(ClangTidyCheckFactories &Factories) override {
    registerAttributes();
    Factories.registerCheck<Escapes>("perdure-escapes");
    Factories.registerCheck<PointerInInteger>("perdure-pointer-in-integer");
    Factories.registerCheck<Unions>("perdure-unions");
    Factories.registerCheck<RawCopies>("perdure-raw-copies");
    Factories.registerCheck<StoreOutsideTransaction>(
        "perdure-store-outside-transaction");
  }
};

ClangTidyModuleRegistry::Add<Module> Registered("perdure", "For code annotated with "
                                                          "PERDURE.");

} // namespace

} // namespace perdure::migrate
