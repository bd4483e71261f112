//===- Casts.cpp - Casts that change what stored bits mean ----------------===//
//
// Errors: a cast from `T *persistent *`, or of such an lvalue, to any other
// pointer than `void *`, also where a `void *` or an integer stands between
// the two in one expression, unless what comes out are plain bytes. A pointer
// to a record that is annotated or holds persistent pointers is right too: it
// is how sys/queue.h and container_of get from a field to its record, which
// sees the same persistent pointer.
//
// Warnings:
//  - `T **` (T annotated) made from bytes or `void *`: what lies there may be
//    persistent pointers. Not for the results of allocation functions, which
//    are new memory, except Perdure's own.
//  - `T *persistent *` made from `T **`: native bits, which read as themselves
//    in volatile memory only.
//  - a pointer to an annotated record cast to one to another record that is
//    not annotated, when that one holds pointers or is incomplete, and back.
//    Records without pointers read integers only, and annotated records have
//    the same view of their pointers.
//
//===----------------------------------------------------------------------===//
#include "Uses.h"

#include "Annotations.h"
#include "Messages.h"
#include "Qualifier.h"

#include "clang/AST/Attr.h"
#include "clang/Basic/SourceManager.h"

using namespace clang;

namespace perdure {

namespace {

/// Do the pointees differ in what is persistent? Void ends the comparison:
/// who casts from or to `void *` says that the bits are handled as bits.
bool changesPersistence(const ASTContext &Context, QualType From, QualType To) {
  From = elementType(Context, From);
  To = elementType(Context, To);
  if (isPersistent(From) != isPersistent(To))
    return !From->isVoidType() && !To->isVoidType();
  const auto *F = From->getAs<PointerType>();
  const auto *T = To->getAs<PointerType>();
  return F && T &&
         changesPersistence(Context, F->getPointeeType(), T->getPointeeType());
}

bool isBytes(const ASTContext &Context, QualType T) {
  T = Context.getCanonicalType(T).getUnqualifiedType();
  return T->isVoidType() || T->isCharType() || T->isStdByteType();
}

/// The pointer from which explicit casts, through `void *` and integers, lead
/// here in one expression.
const Expr *origin(const Expr *E) {
  for (;;) {
    E = E->IgnoreParens();
    const auto *Cast = dyn_cast<CastExpr>(E);
    if (!Cast)
      return E;
    switch (Cast->getCastKind()) {
    case CK_BitCast:
    case CK_NoOp:
    case CK_PointerToIntegral:
    case CK_IntegralToPointer:
    case CK_IntegralCast:
      E = Cast->getSubExpr();
      continue;
    default:
      return E;
    }
  }
}

/// Memory that is new holds no pointer yet.
bool isFreshMemory(const Expr *E) {
  const auto *Call = dyn_cast<CallExpr>(origin(E));
  const FunctionDecl *Callee = Call ? Call->getDirectCallee() : nullptr;
  if (!Callee || !Callee->getIdentifier())
    return Callee && Callee->isReplaceableGlobalAllocationFunction();
  StringRef Name = Callee->getName();
  if (Name.starts_with("perdure_"))
    return false;
  Name.consume_front("__builtin_");
  return Callee->hasAttr<RestrictAttr>() || Callee->hasAttr<AllocSizeAttr>() ||
         Name.contains("alloc"); // malloc, xrealloc, ...
}

void checkRecordCast(Sema &S, const CastExpr *E, QualType From, QualType To) {
  const RecordDecl *FromRecord = From->getAsRecordDecl();
  const RecordDecl *ToRecord = To->getAsRecordDecl();
  if (!FromRecord || isAnnotated(FromRecord) == isAnnotated(To))
    return;
  const RecordDecl *Other = isAnnotated(FromRecord) ? ToRecord : FromRecord;
  if (!Other) {
    // Its first field is a persistent pointer, or what it casts to is read as
    // one.
    if (To->isPointerType() && !isPersistent(To))
      report(S, E->getExprLoc(), Warning,
             "%0, which is annotated, is read as native pointers; use its "
             "fields")
          << From;
    return;
  }
  if (Other->getDefinition() && !holdsNativePointers(S.Context, Other))
    return;
  report(S, E->getExprLoc(), Warning,
         "cast from %0 to %1, of which only one is annotated: their pointers "
         "do not mean the same; annotate both, or cast to 'void *' first if "
         "no pointer is read")
      << From << To;
}

} // namespace

void checkCast(Sema &S, const CastExpr *E) {
  ASTContext &Context = S.Context;
  const Expr *Sub = E->getSubExpr();
  SourceLocation Loc = E->getExprLoc();
  if (E->getCastKind() == CK_LValueBitCast ||
      (E->getCastKind() == CK_NoOp && E->isGLValue() && Sub->isGLValue())) {
    if (changesPersistence(Context, Sub->getType(), E->getType()))
      report(S, Loc, Error,
             "cast of a persistent pointer of type %0 to a reference to %1 "
             "would read its stored bits as an address; use its value, or "
             "perdure::ptr<T> &")
          << Sub->getType() << E->getType();
    return;
  }
  if (E->getCastKind() != CK_BitCast && E->getCastKind() != CK_NoOp &&
      E->getCastKind() != CK_IntegralToPointer)
    return;
  const auto *To = E->getType()->getAs<PointerType>();
  if (!To || !isa<ExplicitCastExpr, ImplicitCastExpr>(E))
    return;
  QualType Pointee = To->getPointeeType();
  const Expr *Origin = origin(Sub);
  const auto *From = Origin->getType()->getAs<PointerType>();
  const auto *Direct = Sub->getType()->getAs<PointerType>();

  if (From && isa<ExplicitCastExpr>(E)) {
    QualType Source = From->getPointeeType();
    if (changesPersistence(Context, Source, Pointee)) {
      bool Drops = mentionsPersistent(Context, Source) &&
                   (isPersistent(elementType(Context, Source)) ||
                    !mentionsPersistent(Context, Pointee));
      // Bytes may be taken, by way of `void *`, which says that it is meant.
      bool Meant = From != Direct && isBytes(Context, Pointee);
      if (Drops &&
          (isAnnotated(Pointee) || holdsPersistentPointers(Context, Pointee)))
        return;
      if (Drops && !Meant) {
        report(S, Loc, Error,
               "cast from %0 to %1 would read the stored bits of persistent "
               "pointers as something else; keep the type, or cast to 'void "
               "*' to handle the bits as bytes")
            << Origin->getType() << E->getType();
        return;
      }
      if (!Drops) {
        report(S, Loc, Warning,
               "cast from %0 to %1 reads native pointers as persistent ones, "
               "which is right in volatile memory only; declare them "
               "persistent")
            << Origin->getType() << E->getType();
        return;
      }
    }
  }
  if (!Direct)
    return;
  QualType Source = Direct->getPointeeType();
  if (isa<ExplicitCastExpr>(E))
    checkRecordCast(S, E, Source, Pointee);
  const auto *Inner = Pointee->getAs<PointerType>();
  if (Inner && !isPersistent(Pointee) && isAnnotated(Inner->getPointeeType()) &&
      isBytes(Context, Source) && !isFreshMemory(Sub) &&
      !Sub->isNullPointerConstant(Context, Expr::NPC_ValueDependentIsNotNull))
    report(S, Loc, Warning,
           "%0 is made from %1, where persistent pointers may lie; declare it "
           "as %2, or allocate it with malloc if it is volatile")
        << E->getType() << Sub->getType()
        << Context.getPointerType(persistentHere(
               Context, Pointee, *annotatedEncoding(Inner->getPointeeType())));
}

} // namespace perdure
