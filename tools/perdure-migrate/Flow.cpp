//===- Flow.cpp - Which places hold the same pointers ---------------------===//
#include "Collector.h"

#include "Queries.h"

using namespace clang;

namespace perdure::migrate {

// Expressions.
Node *Collector::place(const Expr *E) {
  E = E->IgnoreParens();
  auto It = Places.find(E);
  if (It != Places.end())
    return It->second;
  Node *N = findPlace(E);
  Places[E] = N;
  return N;
}

Node *Collector::target(const Expr *E) {
  E = E->IgnoreParens();
  auto It = Targets.find(E);
  if (It != Targets.end())
    return It->second;
  // A cycle through a statement expression would not end.
  Targets[E] = G.make();
  Node *N = findTarget(E);
  G.unify(N, Targets[E]);
  Targets[E] = N;
  return N;
}

Node *Collector::findPlace(const Expr *E) {
  if (const auto *Ref = dyn_cast<DeclRefExpr>(E)) {
    if (const auto *V = dyn_cast<ValueDecl>(Ref->getDecl()))
      return nodeOf(V);
  }
  if (const auto *M = dyn_cast<MemberExpr>(E))
    return nodeOf(M->getMemberDecl());
  if (const auto *U = dyn_cast<UnaryOperator>(E)) {
    if (U->getOpcode() == UO_Deref)
      return target(U->getSubExpr());
    if (U->getOpcode() == UO_Extension || U->isIncrementDecrementOp())
      return place(U->getSubExpr());
  }
  if (const auto *A = dyn_cast<ArraySubscriptExpr>(E))
    return target(A->getBase());
  if (const auto *C = dyn_cast<CastExpr>(E)) {
    if (C->getSubExpr()->isGLValue())
      return place(C->getSubExpr());
  }
  if (const auto *B = dyn_cast<BinaryOperator>(E)) {
    if (B->isAssignmentOp())
      return place(B->getLHS());
    if (B->getOpcode() == BO_Comma)
      return place(B->getRHS());
  }
  if (const auto *C = dyn_cast<ConditionalOperator>(E);
      C && C->getTrueExpr()->isGLValue() && C->getFalseExpr()->isGLValue()) {
    Node *N = place(C->getTrueExpr());
    G.unify(N, place(C->getFalseExpr()));
    return N;
  }
  if (const auto *L = dyn_cast<CompoundLiteralExpr>(E)) {
    Node *N = G.named("c:" + S.key(L->getBeginLoc()));
    Spelled W = walk(L->getTypeSourceInfo()->getTypeLoc(), N);
    addSpelling(W, false, L->getBeginLoc(), "compound literal");
    initialise(N, L->getType(), L->getInitializer());
    return N;
  }
  if (const auto *Call = dyn_cast<CallExpr>(E))
    return resultOf(Call);
  if (const auto *Selected = dyn_cast<GenericSelectionExpr>(E))
    return place(Selected->getResultExpr());
  if (const auto *M = dyn_cast<MaterializeTemporaryExpr>(E)) {
    Node *N = G.make();
    if (M->getSubExpr()->getType()->isPointerType())
      G.unify(G.next(N), target(M->getSubExpr()));
    return N;
  }
  return G.make();
}

Node *Collector::resultOf(const CallExpr *Call) {
  return G.result(calleeOf(Call));
}

Node *Collector::calleeOf(const CallExpr *Call) {
  if (const FunctionDecl *F = Call->getDirectCallee())
    return nodeOf(F);
  const Expr *Callee = Call->getCallee();
  if (Callee->getType()->isPointerType())
    return target(Callee);
  return G.make();
}

Node *Collector::findTarget(const Expr *E) {
  if (const auto *C = dyn_cast<CastExpr>(E)) {
    const Expr *Sub = C->getSubExpr();
    switch (C->getCastKind()) {
    case CK_LValueToRValue:
      return castType(C, G.next(place(Sub)));
    case CK_ArrayToPointerDecay:
      return castType(C, place(Sub));
    case CK_FunctionToPointerDecay:
      return castType(C, place(Sub));
    case CK_BitCast:
    case CK_NoOp:
    case CK_LValueBitCast:
      if (Sub->getType()->isPointerType())
        return castType(C, target(Sub));
      return castType(C, nullptr);
    default:
      return castType(C, nullptr);
    }
  }
  if (const auto *U = dyn_cast<UnaryOperator>(E)) {
    if (U->getOpcode() == UO_AddrOf)
      return place(U->getSubExpr());
    if (U->isIncrementDecrementOp())
      return G.next(place(U->getSubExpr()));
    if (U->getOpcode() == UO_Extension || U->getOpcode() == UO_Plus)
      return target(U->getSubExpr());
  }
  if (const auto *B = dyn_cast<BinaryOperator>(E)) {
    if (B->isAssignmentOp())
      return G.next(place(B->getLHS()));
    if (B->getOpcode() == BO_Comma)
      return target(B->getRHS());
    if (B->isAdditiveOp())
      return target(B->getLHS()->getType()->isPointerType() ? B->getLHS()
                                                            : B->getRHS());
  }
  if (const auto *C = dyn_cast<AbstractConditionalOperator>(E)) {
    Node *N = target(C->getTrueExpr());
    G.unify(N, target(C->getFalseExpr()));
    return N;
  }
  if (const auto *O = dyn_cast<OpaqueValueExpr>(E))
    return O->getSourceExpr() ? target(O->getSourceExpr()) : G.make();
  if (const auto *Call = dyn_cast<CallExpr>(E))
    return callTarget(Call);
  if (const auto *Stmts = dyn_cast<StmtExpr>(E)) {
    const CompoundStmt *Body = Stmts->getSubStmt();
    if (!Body->body_empty())
      if (const auto *Last = dyn_cast<Expr>(Body->body_back());
          Last && Last->getType()->isPointerType())
        return Last->isGLValue() ? G.next(place(Last)) : target(Last);
    return G.make();
  }
  if (const auto *Selected = dyn_cast<GenericSelectionExpr>(E))
    return target(Selected->getResultExpr());
  if (const auto *Chosen = dyn_cast<ChooseExpr>(E))
    return target(Chosen->getChosenSubExpr());
  if (const auto *List = dyn_cast<InitListExpr>(E);
      List && List->getNumInits() == 1)
    return target(List->getInit(0));
  if (const auto *Clean = dyn_cast<ExprWithCleanups>(E))
    return target(Clean->getSubExpr());
  if (const auto *Arg = dyn_cast<CXXDefaultArgExpr>(E))
    return target(Arg->getExpr());
  if (isa<VAArgExpr>(E)) {
    Node *N = G.make();
    if (pointerDepth(E->getType()) > 1)
      G.setNative(N, S.place(E->getExprLoc()),
                  "an argument for '...' has the type that its caller gave");
    return N;
  }
  return G.make();
}

Node *Collector::castType(const CastExpr *C, Node *From) {
  const auto *Explicit = dyn_cast<ExplicitCastExpr>(C);
  QualType To = C->getType();
  QualType FromType = C->getSubExpr()->getType();
  bool Kept = From && related(FromType, To, C->getCastKind());
  if (From && !Kept)
    G.setEscaping(From, S.place(C->getBeginLoc()), "a cast");
  if (!Explicit)
    return Kept ? From : G.make();
  Node *N = G.named("e:" + S.key(Explicit->getBeginLoc()) +
                    S.key(Explicit->getEndLoc()));
  if (TypeSourceInfo *Info = Explicit->getTypeInfoAsWritten()) {
    Spelled W = walk(Info->getTypeLoc(), N);
    if (pointerDepth(To) > 1 || !W.Outer.empty())
      addSpelling(W, true, Info->getTypeLoc().getBeginLoc(), "cast");
  }
  if (Kept)
    G.unify(G.next(N), From);
  return G.next(N);
}

bool Collector::related(QualType From, QualType To, CastKind Kind) {
  if (Kind == CK_LValueToRValue || Kind == CK_ArrayToPointerDecay ||
      Kind == CK_FunctionToPointerDecay)
    return true;
  QualType F = element(From->getPointeeType()), T = element(To->getPointeeType());
  if (F.isNull() || T.isNull())
    return false;
  if (F->isFunctionType() || T->isFunctionType())
    return F->isFunctionType() && T->isFunctionType();
  if (isBytes(F) || isBytes(T))
    return (isBytes(F) || F->isVoidType()) && (isBytes(T) || T->isVoidType());
  if (F->isRecordType() && T->isPointerType())
    return false;
  if (T->isRecordType() && F->isPointerType())
    return false;
  return true;
}

Node *Collector::callTarget(const CallExpr *Call) {
  const FunctionDecl *F = Call->getDirectCallee();
  if (isNamed(F, {"memcpy", "memmove", "mempcpy", "memset", "realloc",
                  "reallocarray"}) &&
      Call->getNumArgs())
    return target(Call->getArg(0));
  if (isNamed(F, {"perdure_near_realloc"}) && Call->getNumArgs() > 1)
    return target(Call->getArg(1)); // behind the owner
  if (isNamed(F, {"bsearch", "lfind", "lsearch"}) && Call->getNumArgs() > 1)
    return target(Call->getArg(1));
  if (isNamed(F, {"assume_aligned"}) && Call->getNumArgs())
    return target(Call->getArg(0));
  if (isAllocator(F)) {
    // realloc and its like give back what they were given.
    Node *N = G.make();
    if (isNamedLikeRealloc(F))
      for (const Expr *A : Call->arguments())
        if (A->getType()->isVoidPointerType()) {
          G.unify(N, target(A));
          break;
        }
    return N;
  }
  if (F && S.isSystemFunction(F)) {
    Node *N = G.make();
    if (pointerDepth(F->getReturnType()) > 1)
      G.setNative(N, S.place(Call->getExprLoc()),
                  "'" + F->getNameAsString() + "' gives native pointers");
    return N;
  }
  return G.next(resultOf(Call));
}

void Collector::initialise(Node *N, QualType T, const Expr *Init) {
  Init = Init->IgnoreParens();
  if (const auto *Clean = dyn_cast<ExprWithCleanups>(Init))
    Init = Clean->getSubExpr()->IgnoreParens();
  if (const auto *List = dyn_cast<InitListExpr>(Init)) {
    if (const InitListExpr *Semantic = List->getSemanticForm())
      List = Semantic;
    if (const RecordDecl *R = T->getAsRecordDecl()) {
      if (R->isUnion()) {
        if (const FieldDecl *F = List->getInitializedFieldInUnion();
            F && List->getNumInits())
          initialise(nodeOf(F), F->getType(), List->getInit(0));
        return;
      }
      unsigned I = 0;
      if (const auto *C = dyn_cast<CXXRecordDecl>(R))
        I = C->getNumBases();
      for (const FieldDecl *F : R->fields()) {
        if (F->isUnnamedBitField())
          continue;
        if (I >= List->getNumInits())
          break;
        initialise(nodeOf(F), F->getType(), List->getInit(I++));
      }
      return;
    }
    QualType E = T;
    if (const ArrayType *A = T->getAsArrayTypeUnsafe())
      E = A->getElementType();
    for (const Expr *Each : List->inits())
      initialise(N, E, Each);
    return;
  }
  if (T->isReferenceType()) {
    if (Init->isGLValue() && pointerDepth(T->getPointeeType()))
      G.unify(N, place(Init));
    return;
  }
  if (T->isPointerType() && Init->getType()->isPointerType() && Init->isPRValue())
    G.unify(G.next(N), target(Init));
  else if (T->isArrayType() && pointerDepth(T) && Init->isGLValue())
    G.unify(N, place(Init));
}

bool Collector::VisitBinaryOperator(BinaryOperator *B) {
  if (B->isTypeDependent())
    return true;
  QualType L = B->getLHS()->getType(), R = B->getRHS()->getType();
  if (B->getOpcode() == BO_Assign && L->isPointerType()) {
    if (R->isPointerType())
      G.unify(G.next(place(B->getLHS())), target(B->getRHS()));
  } else if (B->isComparisonOp() && L->isPointerType() && R->isPointerType() &&
             B->getLHS()->isPRValue() && B->getRHS()->isPRValue() &&
             related(L, R, CK_BitCast)) {
    G.unify(target(B->getLHS()), target(B->getRHS()));
  }
  return true;
}

bool Collector::VisitReturnStmt(ReturnStmt *Return) {
  const Expr *E = Return->getRetValue();
  if (!Function || !E || E->isTypeDependent())
    return true;
  Node *Result = G.result(nodeOf(Function));
  if (Function->getReturnType()->isReferenceType() && E->isGLValue()) {
    if (pointerDepth(Function->getReturnType()->getPointeeType()))
      G.unify(Result, place(E));
  } else if (E->getType()->isPointerType() && E->isPRValue()) {
    G.unify(G.next(Result), target(E));
  }
  return true;
}

bool Collector::VisitCallExpr(CallExpr *Call) {
  if (Call->isTypeDependent() || isa<CXXOperatorCallExpr>(Call))
    return true;
  const FunctionDecl *F = Call->getDirectCallee();
  std::string Name = F ? F->getNameAsString() : "a function pointer";
  for (const Expr *A : Call->arguments())
    for (const Expr *E = A;;) {
      E = E->IgnoreParens();
      Argument[E] = F;
      if (F)
        Calls[E] = S.spelled(Call->getCallee()->getBeginLoc());
      const auto *I = dyn_cast<ImplicitCastExpr>(E);
      if (!I)
        break;
      E = I->getSubExpr();
    }
  Callees.insert(Call->getCallee()->IgnoreParenImpCasts());
  if (memoryCall(Call, F))
    return true;
  if (F && F->getIdentifier() && S.isSystemFunction(F))
    allocation(Call, F);
  bool System = F && S.isSystemFunction(F);
  // What the program's own allocators are given flows; what such as realloc and
  // memdup are given would flow from all of their calls to all others.
  if (isNamed(F, {"free", "perdure_near_free"}) ||
      (isAllocator(F) && (System || isNamedLikeRealloc(F))))
    return true;
  if (System) {
    for (unsigned I = 0; I < Call->getNumArgs(); ++I) {
      const Expr *A = written(Call->getArg(I));
      if (A->getType()->isPointerType() && A->isPRValue() && mayKeep(F, I))
        G.setEscaping(target(A), S.place(A->getExprLoc()), "'" + Name + "'");
    }
    for (unsigned I = 0; I < std::min(Call->getNumArgs(), F->getNumParams()); ++I)
      if (pointerDepth(F->getParamDecl(I)->getType()) > 1 &&
          Call->getArg(I)->getType()->isPointerType() &&
          Call->getArg(I)->isPRValue())
        G.setNative(target(Call->getArg(I)),
                    S.place(Call->getArg(I)->getExprLoc()),
                    "'" + Name + "' reads and writes native pointers");
    return true;
  }
  Node *Callee = calleeOf(Call);
  unsigned NumParams = 0;
  QualType T = Call->getCallee()->getType();
  if (T->isPointerType())
    T = T->getPointeeType();
  if (F)
    NumParams = F->getNumParams();
  else if (const auto *Proto = T->getAs<FunctionProtoType>())
    NumParams = Proto->getNumParams();
  for (unsigned I = 0; I < Call->getNumArgs(); ++I) {
    const Expr *A = Call->getArg(I);
    if (I >= NumParams && (F ? F->hasPrototype() : T->isFunctionProtoType())) {
      if (A->getType()->isPointerType() && A->isPRValue() &&
          pointerDepth(A->getType()) > 1)
        G.setNative(target(A), S.place(A->getExprLoc()),
                    "an argument for '...' is taken as the type that '" + Name +
                        "' asks for");
      continue;
    }
    if (A->isGLValue()) {
      if (pointerDepth(A->getType()))
        G.unify(G.param(Callee, I), place(A));
    } else if (A->getType()->isPointerType()) {
      G.unify(G.next(G.param(Callee, I)), target(A));
      if (F)
        P.Passed.push_back({keyOf(F), target(A)});
    }
  }
  return true;
}

} // namespace perdure::migrate
