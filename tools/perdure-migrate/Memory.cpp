//===- Memory.cpp - Calls that allocate, free, copy, set, compare ---------===//
#include "Collector.h"

#include "Queries.h"

#include "clang/AST/ParentMapContext.h"

using namespace clang;

namespace perdure::migrate {

static bool isVariable(const Expr *E) {
  E = E->IgnoreParenImpCasts();
  if (const auto *U = dyn_cast<UnaryOperator>(E))
    return U->getOpcode() == UO_AddrOf &&
           isa<DeclRefExpr>(U->getSubExpr()->IgnoreParens());
  return isa<DeclRefExpr>(E) && E->getType()->isArrayType();
}

static const RecordDecl *pointedRecord(const Expr *E) {
  QualType T = written(E)->getType();
  T = T->isPointerType() ? T->getPointeeType() : T;
  return element(T)->getAsRecordDecl();
}

bool Collector::memoryCall(CallExpr *Call, const FunctionDecl *F) {
  bool Copies = isNamed(F, {"memcpy", "memmove", "mempcpy"});
  bool Sorts = isNamed(F, {"qsort"});
  bool Sets = isNamed(F, {"memset"});
  bool Compares = isNamed(F, {"memcmp"});
  bool Searches = isNamed(F, {"bsearch"});
  if (Searches && Call->getNumArgs() == 5) {
    Node *Cmp = target(Call->getArg(4));
    G.unify(G.next(G.param(Cmp, 0)), target(Call->getArg(0)));
    G.unify(G.next(G.param(Cmp, 1)), target(Call->getArg(1)));
    return true;
  }
  if (Sorts && Call->getNumArgs() == 4) {
    Node *Cmp = target(Call->getArg(3)), *Base = target(Call->getArg(0));
    G.unify(G.next(G.param(Cmp, 0)), Base);
    G.unify(G.next(G.param(Cmp, 1)), Base);
  }
  if (!(Copies || Sorts || Sets || Compares) || Call->getNumArgs() < 3)
    return false;
  MemoryCall Fact;
  Fact.Callee = plainName(F).str();
  SourceLocation NameLoc = Call->getCallee()->getBeginLoc();
  Fact.Where = S.spelled(NameLoc);
  Fact.End = S.tokenEnd(Call->getCallee()->getEndLoc());
  Fact.Editable = S.canEdit(NameLoc) &&
                  isa<DeclRefExpr>(Call->getCallee()->IgnoreImpCasts());
  unsigned Sides = Copies || Compares ? 2 : 1;
  QualType Types[2];
  for (unsigned I = 0; I != Sides; ++I) {
    const Expr *A = written(Call->getArg(I));
    QualType T = A->getType();
    if (!T->isPointerType())
      continue;
    Types[I] = element(T->getPointeeType());
    Node *N = target(A);
    if (Types[I]->isPointerType() || Types[I]->isVoidType())
      Fact.Pointees[I] = N;
    if (const RecordDecl *R = Types[I]->getAsRecordDecl())
      Fact.Records[I] = recordKey(R);
  }
  if (Copies)
    G.unify(target(written(Call->getArg(0))), target(written(Call->getArg(1))));
  auto Void = [](QualType T) { return T.isNull() || T->isVoidType(); };
  Fact.SameType =
      !Void(Types[0]) &&
      (Sides == 1 || (!Types[1].isNull() && (Types[1]->isVoidType() ||
                      Context.hasSameUnqualifiedType(Types[0], Types[1]))));
  if (Sorts)
    Fact.IsWhole = true;
  else if (!Void(Types[0]) && !Types[0]->isIncompleteType())
    Fact.IsWhole = isMultiple(Call->getArg(2), Types[0]);
  Expr::EvalResult Value;
  Fact.IsZero = Sets && Call->getArg(1)->EvaluateAsInt(Value, Context) &&
                Value.Val.getInt() == 0;
  Fact.Variables = Sides == 2 && isVariable(Call->getArg(0)) &&
                   isVariable(Call->getArg(1));
  if (P.Seen.insert("m:" + S.key(NameLoc)).second)
    P.Calls.push_back(std::move(Fact));
  return true;
}

bool Collector::isMultiple(const Expr *Size, QualType Element) {
  uint64_t Bytes = Context.getTypeSizeInChars(Element).getQuantity();
  if (!Bytes)
    return false;
  Size = Size->IgnoreParenCasts();
  Expr::EvalResult Value;
  if (Size->EvaluateAsInt(Value, Context))
    return Value.Val.getInt().getZExtValue() % Bytes == 0;
  if (const auto *B = dyn_cast<BinaryOperator>(Size)) {
    if (B->getOpcode() == BO_Mul)
      return isMultiple(B->getLHS(), Element) || isMultiple(B->getRHS(), Element);
    if (B->isAdditiveOp())
      return isMultiple(B->getLHS(), Element) && isMultiple(B->getRHS(), Element);
    if (B->getOpcode() == BO_Shl && B->getRHS()->EvaluateAsInt(Value, Context))
      return (1ull << Value.Val.getInt().getZExtValue()) % Bytes == 0;
  }
  return false;
}

std::string Collector::madeRecord(const CallExpr *Call) {
  auto Parents = Context.getParents(*Call);
  while (!Parents.empty()) {
    if (const auto *C = Parents[0].get<CastExpr>()) {
      if (const RecordDecl *R = C->getType()->isPointerType()
                                    ? C->getType()->getPointeeType()->getAsRecordDecl()
                                    : nullptr)
        return recordKey(R);
    } else if (!Parents[0].get<ParenExpr>()) {
      break;
    }
    Parents = Context.getParents(Parents[0]);
  }
  return "";
}

void Collector::allocation(const CallExpr *Call, const FunctionDecl *F) {
  if (!Call->getNumArgs() || S.isPerdure(Call->getBeginLoc()))
    return;
  Allocation A;
  A.Callee = plainName(F).str();
  bool Frees = isNamed(F, {"free"});
  bool Known = Frees || isNamed(F, {"malloc", "calloc", "strdup", "strndup",
                                    "realloc", "reallocarray"});
  // Somebody's own function: its body says what it does, if it is there.
  if (!Known)
    return;
  A.Block = Frees ? target(written(Call->getArg(0))) : target(Call);
  if (Frees) {
    if (const RecordDecl *R = pointedRecord(Call->getArg(0)))
      A.Record = recordKey(R);
  } else {
    A.Record = madeRecord(Call);
  }
  if (const Owners::Owner *O = Owned.of(Call)) {
    A.Owner = O->Text;
    A.Slot = place(O->To);
  }
  A.IsLocal = Owned.isLocal(Call);
  SourceLocation Loc = Call->getCallee()->getBeginLoc();
  A.Where = S.place(Loc);
  A.Editable = Loc.isFileID() && Call->getRParenLoc().isFileID() &&
               S.canEdit(Loc) && Call->getArg(0)->getBeginLoc().isValid();
  SourceLocation Arg = S.start(Call->getArg(0)->getBeginLoc());
  A.Editable &= Arg.isFileID();
  if (A.Editable)
    A.ArgsBegin = S.spelled(Arg).Offset;
  auto [It, New] = P.AllocationAt.try_emplace(S.key(Loc), P.Allocations.size());
  if (New) {
    P.Allocations.push_back(std::move(A));
    return;
  }
  // The same text in another file may show the owner.
  Allocation &First = P.Allocations[It->second];
  G.unify(First.Block, A.Block);
  if (First.Owner.empty()) {
    First.Owner = A.Owner;
    First.Slot = A.Slot;
  }
  First.IsLocal &= A.IsLocal;
}

/// C++'s own way to allocate has no place for an owner.
bool Collector::VisitCXXNewExpr(CXXNewExpr *New) {
  QualType T = New->getAllocatedType();
  if (T->isDependentType() || New->getNumPlacementArgs())
    return true;
  Allocation A;
  A.Callee = "new";
  A.Block = target(New);
  if (const RecordDecl *R = element(T)->getAsRecordDecl())
    A.Record = recordKey(R);
  A.Where = S.place(New->getBeginLoc());
  if (P.AllocationAt.try_emplace(S.key(New->getBeginLoc()), P.Allocations.size()).second)
    P.Allocations.push_back(std::move(A));
  return true;
}

bool Collector::VisitDeclRefExpr(DeclRefExpr *Ref) {
  const auto *F = dyn_cast<FunctionDecl>(Ref->getDecl());
  if (!F || Callees.contains(Ref) ||
      !(isSystemFree(F) || isNamed(F, {"realloc", "reallocarray"})))
    return true;
  SourceLocation Loc = Ref->getLocation();
  P.FreedSomewhere.push_back({G.next(G.param(nodeOf(F), 0)), S.spelled(Loc),
                              Loc.isFileID() && S.canEdit(Loc) && isNamed(F, {"free"})});
  return true;
}

bool Collector::isSystemFree(const FunctionDecl *F) {
  return isFree(F) && S.isSystemFunction(F);
}

} // namespace perdure::migrate
