//===- Integers.cpp - Addresses taken for identities ----------------------===//
//
// An address is no identity: an object lies elsewhere in the next run. A
// pointer to an annotated record, one to a persistent pointer, or one that was
// just read from a persistent pointer, made into an integer, warns, unless the
// same expression shows that it does no more than
//   - test or change low bits (`p & 7`, `p % 8`, and back to a pointer, as
//     `(node *)((uintptr_t)p | 1)`);
//   - compare or subtract two addresses;
//   - print it: an argument for `...`;
//   - pass it to one of Perdure's own functions.
//
//===----------------------------------------------------------------------===//
#include "Uses.h"

#include "Annotations.h"
#include "Messages.h"
#include "Qualifier.h"

#include "clang/Basic/SourceManager.h"
#include "llvm/ADT/bit.h"

using namespace clang;

namespace perdure {

namespace {

/// Masks up to here look at the alignment of a block, not at where it lies.
constexpr uint64_t LowBits = 4096;

/// Excuses every conversion to an integer whose value flows into E through
/// arithmetic alone.
void excuseAll(const Expr *E, CastSet &Excused) {
  E = E->IgnoreParens();
  if (const auto *Cast = dyn_cast<CastExpr>(E)) {
    if (Cast->getCastKind() == CK_PointerToIntegral)
      Excused.insert(Cast);
    else if (Cast->getCastKind() == CK_IntegralCast)
      excuseAll(Cast->getSubExpr(), Excused);
  } else if (const auto *B = dyn_cast<BinaryOperator>(E)) {
    excuseAll(B->getLHS(), Excused);
    excuseAll(B->getRHS(), Excused);
  } else if (const auto *U = dyn_cast<UnaryOperator>(E)) {
    excuseAll(U->getSubExpr(), Excused);
  } else if (const auto *C = dyn_cast<ConditionalOperator>(E)) {
    excuseAll(C->getTrueExpr(), Excused);
    excuseAll(C->getFalseExpr(), Excused);
  }
}

/// A mask, or a divisor that is a power of two.
bool isLow(const Expr *E, const ASTContext &Context, bool Divides) {
  Expr::EvalResult R;
  if (E->isValueDependent() || !E->getType()->isIntegralOrEnumerationType() ||
      !E->EvaluateAsInt(R, Context) || R.Val.getInt().getActiveBits() > 64)
    return false;
  uint64_t Value = R.Val.getInt().getZExtValue();
  return Value <= LowBits && (!Divides || llvm::has_single_bit(Value));
}

} // namespace

void excuseInteger(const Expr *E, const ASTContext &Context, CastSet &Excused) {
  if (const auto *B = dyn_cast<BinaryOperator>(E)) {
    if (B->isComparisonOp() || B->getOpcode() == BO_Sub) {
      excuseAll(B->getLHS(), Excused);
      excuseAll(B->getRHS(), Excused);
    } else if (B->getOpcode() == BO_And || B->getOpcode() == BO_Rem) {
      bool Divides = B->getOpcode() == BO_Rem;
      if (isLow(B->getRHS(), Context, Divides))
        excuseAll(B->getLHS(), Excused);
      if (!Divides && isLow(B->getLHS(), Context, false))
        excuseAll(B->getRHS(), Excused);
    }
  } else if (const auto *Cast = dyn_cast<CastExpr>(E)) {
    if (Cast->getCastKind() == CK_IntegralToPointer ||
        Cast->getCastKind() == CK_IntegralToBoolean)
      excuseAll(Cast->getSubExpr(), Excused);
  } else if (const auto *Call = dyn_cast<CallExpr>(E)) {
    const FunctionDecl *Callee = Call->getDirectCallee();
    if (!Callee)
      return;
    bool Own =
        Callee->getIdentifier() && Callee->getName().starts_with("perdure_");
    for (unsigned I = 0; I < Call->getNumArgs(); ++I)
      if (Own || I >= Callee->getNumParams())
        excuseAll(Call->getArg(I), Excused);
  }
}

void checkInteger(Sema &S, const CastExpr *E, const CastSet &Excused) {
  if (E->getCastKind() != CK_PointerToIntegral || Excused.contains(E) ||
      E->getType()->isBooleanType() ||
      S.getSourceManager().isInSystemHeader(E->getExprLoc()))
    return;
  const Expr *Sub = E->getSubExpr()->IgnoreParenCasts();
  QualType T = Sub->getType();
  QualType Pointee = T->getPointeeType();
  bool Ours =
      isPersistent(T) ||
      (!Pointee.isNull() &&
       (isAnnotated(Pointee) || isPersistent(elementType(S.Context, Pointee))));
  if (Ours)
    report(S, E->getExprLoc(), Warning,
           "an integer is made from the address %0, which differs from run "
           "to run and is no identity; hash or store perdure_offset(p) "
           "instead (low-bit tests in one expression are fine)")
        << T;
}

} // namespace perdure
