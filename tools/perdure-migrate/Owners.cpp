//===- Owners.cpp - Which pointer owns the block a call allocates ---------===//
#include "Owners.h"

#include "Queries.h"

#include "clang/AST/ParentMapContext.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Analysis/CFG.h"
#include "clang/Lex/Lexer.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <set>

using namespace clang;

namespace perdure::migrate {

namespace {

/// An expression that has the same value twice in one statement.
bool isPlain(const Expr *E) {
  E = E->IgnoreParenImpCasts();
  if (isa<DeclRefExpr>(E))
    return true;
  if (const auto *M = dyn_cast<MemberExpr>(E))
    return isPlain(M->getBase());
  if (const auto *U = dyn_cast<UnaryOperator>(E))
    return (U->getOpcode() == UO_Deref || U->getOpcode() == UO_AddrOf) &&
           isPlain(U->getSubExpr());
  if (const auto *A = dyn_cast<ArraySubscriptExpr>(E))
    return isPlain(A->getBase()) &&
           (isPlain(A->getIdx()) ||
            isa<IntegerLiteral>(A->getIdx()->IgnoreParenImpCasts()));
  return false;
}

/// The pointer through which a place is reached: `n` of `n->a.b`, `at` of `*at`.
const Expr *reachedThrough(const Expr *Place) {
  for (;;) {
    Place = Place->IgnoreParens();
    if (const auto *M = dyn_cast<MemberExpr>(Place)) {
      if (M->isArrow())
        return M->getBase();
      Place = M->getBase();
    } else if (const auto *A = dyn_cast<ArraySubscriptExpr>(Place)) {
      const Expr *Base = A->getBase()->IgnoreParens();
      const auto *Decay = dyn_cast<ImplicitCastExpr>(Base);
      if (!Decay || Decay->getCastKind() != CK_ArrayToPointerDecay)
        return A->getBase();
      Place = Decay->getSubExpr();
    } else if (const auto *U = dyn_cast<UnaryOperator>(Place)) {
      return U->getOpcode() == UO_Deref ? U->getSubExpr() : nullptr;
    } else {
      return nullptr;
    }
  }
}

const ValueDecl *variable(const Expr *E) {
  const auto *Ref = dyn_cast<DeclRefExpr>(E->IgnoreParenCasts());
  return Ref ? Ref->getDecl() : nullptr;
}

/// The variable from which the place is reached, through one pointer or more.
const Expr *rootOf(const Expr *To) {
  const Expr *Owner = reachedThrough(To);
  while (Owner && !isa<DeclRefExpr>(Owner->IgnoreParenImpCasts()))
    Owner = reachedThrough(Owner->IgnoreParenImpCasts());
  return Owner;
}
const ValueDecl *ownerOf(const Expr *To) {
  const Expr *Owner = rootOf(To);
  return Owner ? variable(Owner) : nullptr;
}

const CallExpr *allocation(const Expr *E) {
  E = E->IgnoreParenCasts();
  // `a = b = malloc(...)` gives the one what the other has.
  if (const auto *B = dyn_cast<BinaryOperator>(E); B && B->getOpcode() == BO_Assign)
    return allocation(B->getRHS());
  const auto *Call = dyn_cast<CallExpr>(E);
  const FunctionDecl *F = Call ? Call->getDirectCallee() : nullptr;
  return isNamed(F, {"malloc", "calloc", "realloc", "strdup", "strndup"}) ? Call
                                                                         : nullptr;
}

/// Also a part of what the variable leads to: `&node->entry`.
const ValueDecl *stored(const Expr *What) {
  const auto *U = dyn_cast<UnaryOperator>(What->IgnoreParenCasts());
  if (!U || U->getOpcode() != UO_AddrOf)
    return variable(What);
  const Expr *E = U->getSubExpr()->IgnoreParens();
  while (const auto *M = dyn_cast<MemberExpr>(E)) {
    if (M->isArrow())
      return variable(M->getBase());
    E = M->getBase()->IgnoreParens();
  }
  return nullptr;
}

/// Does the value lead on from where the variable leads: `v->next` of `v`?
bool leadsOn(const Expr *E, const ValueDecl *V) {
  E = E->IgnoreParenCasts();
  while (const auto *M = dyn_cast<MemberExpr>(E))
    E = M->getBase()->IgnoreParenCasts();
  return variable(E) == V;
}

/// What a function stores where.
struct Finder : RecursiveASTVisitor<Finder> {
  /// Writes are statements that may make the variable lead elsewhere than on from
  /// where it led; Steps those that make it lead on.
  llvm::DenseMap<const ValueDecl *, llvm::SmallPtrSet<const Stmt *, 4>> Writes;
  llvm::DenseMap<const ValueDecl *, llvm::SmallPtrSet<const Stmt *, 4>> Steps;
  /// Variables whose address is taken: anything may write to them.
  llvm::DenseSet<const ValueDecl *> Exposed;
  llvm::DenseMap<const ValueDecl *, SmallVector<const Expr *, 4>> Values;
  llvm::DenseMap<const ValueDecl *, SmallVector<const Expr *, 2>> StoredTo;
  std::vector<std::pair<const ValueDecl *, const CallExpr *>> Made;
  llvm::DenseMap<const ValueDecl *,
                 SmallVector<std::pair<const CallExpr *, unsigned>, 2>>
      PassedTo;
  llvm::DenseSet<const ValueDecl *> Returned;
  std::vector<std::pair<const Expr *, const CallExpr *>> MadeThere;
  std::vector<const VarDecl *> Variables;

  explicit Finder(ASTContext &Context) : Context(Context) {}
  ASTContext &Context;

  bool isNull(const Expr *E) const {
    return E->isNullPointerConstant(Context, Expr::NPC_ValueDependentIsNotNull);
  }
  bool writes(const Stmt *E, const ValueDecl *V) const {
    auto It = Writes.find(V);
    return It != Writes.end() && It->second.contains(E);
  }
  bool steps(const Stmt *E, const ValueDecl *V) const {
    auto It = Steps.find(V);
    return It != Steps.end() && It->second.contains(E);
  }
  bool isWritten(const ValueDecl *V) const {
    return Exposed.contains(V) || Writes.contains(V);
  }

  void give(const ValueDecl *V, const Expr *What, const Stmt *Where) {
    Values[V].push_back(What);
    if (const CallExpr *Call = allocation(What))
      Made.push_back({V, Call});
    if (leadsOn(What, V))
      Steps[V].insert(Where);
    else if (Where)
      Writes[V].insert(Where);
  }
  bool VisitBinaryOperator(BinaryOperator *B) {
    const ValueDecl *V = variable(B->getLHS());
    if (!B->isAssignmentOp())
      return true;
    if (B->getOpcode() != BO_Assign) {
      if (V)
        Writes[V].insert(B);
    } else if (V) {
      give(V, B->getRHS(), B);
    } else if (const CallExpr *Call = allocation(B->getRHS())) {
      MadeThere.push_back({B->getLHS(), Call});
    } else if (const ValueDecl *What = stored(B->getRHS())) {
      StoredTo[What].push_back(B->getLHS());
    }
    return true;
  }
  bool VisitUnaryOperator(UnaryOperator *U) {
    if (const ValueDecl *V = variable(U->getSubExpr())) {
      if (U->isIncrementDecrementOp())
        Writes[V].insert(U);
      else if (U->getOpcode() == UO_AddrOf)
        Exposed.insert(V);
    }
    return true;
  }
  bool VisitLambdaExpr(LambdaExpr *L) {
    for (const LambdaCapture &C : L->captures())
      if (C.capturesVariable() && C.getCaptureKind() == LCK_ByRef)
        Exposed.insert(C.getCapturedVar());
    return true;
  }
  bool VisitCallExpr(CallExpr *Call) {
    for (unsigned I = 0; I != Call->getNumArgs(); ++I) {
      const Expr *A = Call->getArg(I);
      if (const ValueDecl *V = variable(A)) {
        PassedTo[V].push_back({Call, I});
        if (A->isGLValue()) // by reference
          Exposed.insert(V);
      }
    }
    return true;
  }
  bool VisitReturnStmt(ReturnStmt *R) {
    if (R->getRetValue())
      if (const ValueDecl *V = variable(R->getRetValue()))
        Returned.insert(V);
    return true;
  }
  bool VisitVarDecl(VarDecl *V) {
    Variables.push_back(V);
    if (!V->hasInit())
      return true;
    if (V->getType()->isReferenceType()) {
      if (const ValueDecl *Of = variable(V->getInit()))
        Exposed.insert(Of);
      return true;
    }
    // Its declaration is where the variable begins, and no write.
    give(V, V->getInit(), nullptr);
    return true;
  }
};

/// `&variable`, or a part of one: what lies there lies in no object.
bool isVariableAddress(const Expr *E) {
  E = E->IgnoreParenCasts();
  if (const auto *C = dyn_cast<AbstractConditionalOperator>(E))
    return isVariableAddress(C->getTrueExpr()) || isVariableAddress(C->getFalseExpr());
  const auto *U = dyn_cast<UnaryOperator>(E);
  bool IsAddress = U && U->getOpcode() == UO_AddrOf;
  if (IsAddress)
    E = U->getSubExpr()->IgnoreParens();
  for (;;) {
    if (const auto *M = dyn_cast<MemberExpr>(E); M && !M->isArrow())
      E = M->getBase()->IgnoreParens();
    else if (const auto *A = dyn_cast<ArraySubscriptExpr>(E);
             A && A->getBase()->IgnoreParenImpCasts()->getType()->isArrayType())
      E = A->getBase()->IgnoreParenImpCasts();
    else
      break;
  }
  return isa<DeclRefExpr>(E) && (IsAddress || E->getType()->isArrayType());
}

bool declares(const Stmt *E, const ValueDecl *V) {
  const auto *D = dyn_cast<DeclStmt>(E);
  return D && llvm::is_contained(D->decls(), V);
}

/// The allocation whose block the statement gives the variable.
const CallExpr *gives(const Stmt *E, const ValueDecl *V) {
  if (const auto *B = dyn_cast<BinaryOperator>(E))
    return variable(B->getLHS()) == V ? allocation(B->getRHS()) : nullptr;
  const auto *D = dyn_cast<VarDecl>(V);
  return declares(E, V) && D && D->hasInit() ? allocation(D->getInit()) : nullptr;
}

/// Does the statement let somebody else keep what the variable leads to?
bool handsOn(const Stmt *E, const ValueDecl *V) {
  if (const auto *R = dyn_cast<ReturnStmt>(E))
    return R->getRetValue() && stored(R->getRetValue()) == V;
  if (const auto *B = dyn_cast<BinaryOperator>(E))
    return B->getOpcode() == BO_Assign && stored(B->getRHS()) == V &&
           variable(B->getLHS()) != V;
  if (const auto *D = dyn_cast<DeclStmt>(E))
    for (const Decl *Each : D->decls())
      if (const auto *Var = dyn_cast<VarDecl>(Each))
        if (Var->hasInit() && stored(Var->getInit()) == V)
          return true;
  return false;
}

/// Does it read or write through the variable, which is not null then?
bool follows(const Stmt *E, const ValueDecl *V) {
  if (const auto *M = dyn_cast<MemberExpr>(E))
    return M->isArrow() && variable(M->getBase()) == V;
  if (const auto *U = dyn_cast<UnaryOperator>(E))
    return U->getOpcode() == UO_Deref && variable(U->getSubExpr()) == V;
  const auto *A = dyn_cast<ArraySubscriptExpr>(E);
  return A && variable(A->getBase()) == V;
}

} // namespace

/// The calls of one function, and its ways from one statement to another.
class Owners::Reader {
public:
  Reader(Owners &O, const FunctionDecl *F) : O(O), F(F), Found(O.Context) {
    Found.TraverseStmt(F->getBody());
  }

  void read() {
    for (auto [To, Call] : Found.MadeThere) {
      const Expr *Owner = reachedThrough(To);
      if (Owner && isPlain(Owner) && !isVariables(variable(Owner)))
        add(Call, Owner, To);
    }
    for (auto [V, Call] : Found.Made)
      if (!findStore(V, Call) && !findKeeper(V, Call) && !findReady(V, Call) &&
          isLocal(V))
        O.Local.insert(Call);
  }

  /// The first place in which the function keeps its parameter, through another one.
  Keeper keeper(const ParmVarDecl *V) {
    auto Stores = Found.StoredTo.lookup(V);
    bool All = haveOneOwner(Stores);
    for (const Expr *To : Stores) {
      const auto *Owner = dyn_cast_or_null<ParmVarDecl>(ownerOf(To));
      if (Owner && Owner != V && !Found.isWritten(V) && !Found.isWritten(Owner) &&
          (All || !Found.Steps.contains(Owner)) && isKept(Owner, V, nullptr, To))
        return {Owner->getFunctionScopeIndex(), To};
    }
    return {};
  }

private:
  static bool haveOneOwner(ArrayRef<const Expr *> Stores) {
    return llvm::all_of(Stores, [&](const Expr *To) {
      return ownerOf(To) == ownerOf(Stores.front());
    });
  }
  /// May it lead to a variable?
  bool isVariables(const ValueDecl *V) {
    return V && llvm::any_of(Found.Values.lookup(V), isVariableAddress);
  }

  /// `v = malloc(...)`, later `owner->field = v`.
  bool findStore(const ValueDecl *V, const CallExpr *Call) {
    auto Stores = Found.StoredTo.lookup(V);
    // One that moves may be null where the result is stored elsewhere.
    bool All = haveOneOwner(Stores);
    for (const Expr *To : Stores) {
      const ValueDecl *Owner = ownerOf(To);
      if (!Owner || Owner == V || (!All && moves(Owner)) ||
          !isKept(Owner, V, Call, To))
        continue;
      return add(Call, rootOf(To), To);
    }
    return false;
  }

  /// `v = malloc(...)`, later a call of a function that stores it: `insert(owner, v)`.
  bool findKeeper(const ValueDecl *V, const CallExpr *Call) {
    for (auto [Taker, Index] : Found.PassedTo.lookup(V)) {
      Keeper K = O.keeperOf(Taker->getDirectCallee(), Index);
      if (K.Owner >= Taker->getNumArgs())
        continue;
      const Expr *Arg = Taker->getArg(K.Owner);
      const ValueDecl *Owner = variable(Arg);
      if (!Owner || Owner == V || moves(Owner) || !isKept(Owner, V, Call, Taker))
        continue;
      return add(Call, Arg, K.To);
    }
    return false;
  }

  bool moves(const ValueDecl *V) {
    return Found.isWritten(V) || Found.Steps.contains(V);
  }

  /// A function that gives back a block which lies ready in what a parameter leads
  /// to, and allocates one where none does. Its callers cannot tell which they got.
  bool findReady(const ValueDecl *V, const CallExpr *Call) {
    if (!Found.Returned.contains(V) || Found.Exposed.contains(V) ||
        Found.StoredTo.contains(V))
      return false;
    const Expr *From = nullptr;
    for (const Expr *Value : Found.Values.lookup(V)) {
      if (allocation(Value) || Found.isNull(Value))
        continue;
      const Expr *Root = rootOf(Value->IgnoreParenCasts());
      const ValueDecl *Owner = Root ? variable(Root) : nullptr;
      if (!isa_and_nonnull<ParmVarDecl>(Owner) || moves(Owner) ||
          (From && ownerOf(From) != Owner) ||
          !isVisible(Owner, Call))
        return false;
      From = Value->IgnoreParenCasts();
    }
    return From && add(Call, rootOf(From), From);
  }

  /// What no place and no caller gets stays where it is.
  bool isLocal(const ValueDecl *V) {
    const auto *Local = dyn_cast<VarDecl>(V);
    return Local && Local->hasLocalStorage() && !isa<ParmVarDecl>(V) &&
           !Found.StoredTo.contains(V) && !Found.Returned.contains(V);
  }

  bool add(const CallExpr *Call, const Expr *Owner, const Expr *To) {
    std::string Text;
    if (const ValueDecl *V = variable(Owner)) {
      Text = V->getNameAsString();
    } else {
      CharSourceRange Range = Lexer::makeFileCharRange(
          CharSourceRange::getTokenRange(Owner->IgnoreImpCasts()->getSourceRange()),
          O.S.SM, O.S.Lang);
      if (!Range.isValid() || !Owner->getBeginLoc().isFileID())
        return false;
      Text = Lexer::getSourceText(Range, O.S.SM, O.S.Lang).str();
    }
    QualType T = Owner->getType();
    if (T->isPointerType() && isDataPointer(element(T->getPointeeType())))
      Text = "(void *)" + Text;
    O.Known.try_emplace(Call, Owners::Owner{Text, To});
    return true;
  }

  /// Does the owner have, on every way from the call to the use on which the block's
  /// variable keeps the block, the value that it has at the call? There has to be such
  /// a way, or the use stores another block; the owner must have a value at the call,
  /// and its name must mean it there. Near null is the heap: so the owner is
  /// followed on every way to the call, or on every way from there on which somebody
  /// keeps the block. Without a call: from the function's beginning.
  bool isKept(const ValueDecl *Owner, const ValueDecl *Block, const CallExpr *Call,
              const Expr *Use) {
    const auto *V = dyn_cast<VarDecl>(Owner);
    if (!V || !V->hasLocalStorage() || Found.Exposed.contains(V) ||
        Found.Exposed.contains(Block) || isVariables(V) ||
        (Call && !isVisible(V, Call)) || !graph())
      return false;
    Use = Use->IgnoreParens();
    std::pair<unsigned, unsigned> Start = {Graph->getEntry().getBlockID(), 0}, At = Start;
    if (Call) {
      auto It = Places.find(Call);
      if (It == Places.end())
        return false;
      At = {It->second.first, It->second.second + 1};
    }
    bool IsFollowed = Call;
    if (Call) {
      enum { HasValue = 1, WasFollowed = 2 };
      bool Lacks = false;
      spread(Start, isa<ParmVarDecl>(V) ? HasValue : 0, nullptr,
             [&](const Stmt *E, unsigned &State) {
               if (E == Call) {
                 Lacks |= !(State & HasValue);
                 IsFollowed &= (State & WasFollowed) != 0;
               }
               if (declares(E, V))
                 State = V->hasInit() ? HasValue : 0;
               else if (Found.writes(E, V))
                 State = HasValue;
               else if (Found.steps(E, V))
                 State &= ~WasFollowed;
               else if (follows(E, V))
                 State |= WasFollowed;
               return true;
             });
      if (Lacks)
        return false;
    }
    enum { Moved = 1, Followed = 2, Kept = 4 };
    bool Stored = false, Lost = false, KeptElsewhere = false;
    spread(
        At, 0, Block,
        [&](const Stmt *E, unsigned &State) {
          if (E == Use) {
            Stored = true;
            Lost |= (State & Moved) != 0;
          }
          if (!(State & Moved) && (E == Use || follows(E, V)))
            State |= Followed;
          if (handsOn(E, Block))
            State |= Kept;
          if (declares(E, V) || Found.writes(E, V))
            State |= Moved;
          return !(Call && E == Call) &&
                 ((Call && gives(E, Block) == Call) ||
                  !(declares(E, Block) || Found.writes(E, Block)));
        },
        [&](unsigned State) { KeptElsewhere |= (State & Kept) && !(State & Followed); });
    return Stored && !Lost && (IsFollowed || !KeptElsewhere);
  }

  /// Which successor is gone to where the variable is null, if the block asks; else -1.
  int nullSuccessor(const CFGBlock *B, const ValueDecl *V) {
    const Expr *E = V && B->succ_size() == 2 ? B->getLastCondition() : nullptr;
    bool IsNull = false;
    while (E) {
      E = E->IgnoreParenImpCasts();
      const auto *U = dyn_cast<UnaryOperator>(E);
      const auto *Op = dyn_cast<BinaryOperator>(E);
      if (U && U->getOpcode() == UO_LNot) {
        IsNull = !IsNull;
        E = U->getSubExpr();
      } else if (Op && Op->isEqualityOp()) {
        if (!Found.isNull(Op->getRHS()) && !Found.isNull(Op->getLHS()))
          return -1;
        IsNull ^= Op->getOpcode() == BO_EQ;
        E = Found.isNull(Op->getRHS()) ? Op->getLHS() : Op->getRHS();
      } else if (Op && Op->getOpcode() == BO_Assign) {
        E = Op->getLHS();
      } else {
        break;
      }
    }
    return E && variable(E) == V ? (IsNull ? 0 : 1) : -1;
  }

  /// Follows all ways from a statement, but not those on which the variable is null,
  /// with a state that Step changes at each statement; where Step returns false, the
  /// way ends. End gets the state at the end of each.
  void spread(std::pair<unsigned, unsigned> From, unsigned State, const ValueDecl *NotNull,
              llvm::function_ref<bool(const Stmt *, unsigned &)> Step,
              llvm::function_ref<void(unsigned)> End = [](unsigned) {}) {
    std::vector<const CFGBlock *> Blocks(Graph->getNumBlockIDs());
    for (const CFGBlock *B : *Graph)
      Blocks[B->getBlockID()] = B;
    std::set<std::tuple<unsigned, unsigned, unsigned>> Seen;
    std::vector<std::tuple<unsigned, unsigned, unsigned>> Left;
    Left.push_back({From.first, From.second, State});
    while (!Left.empty()) {
      auto [Block, Index, State] = Left.back();
      Left.pop_back();
      if (!Seen.insert({Block, Index, State}).second)
        continue;
      const CFGBlock *B = Blocks[Block];
      bool Goes = true;
      for (; Goes && Index != B->size(); ++Index)
        if (auto S = (*B)[Index].getAs<CFGStmt>())
          Goes = Step(S->getStmt(), State);
      if (!Goes || B == &Graph->getExit()) {
        End(State);
        continue;
      }
      int Null = nullSuccessor(B, NotNull), Number = 0;
      for (const CFGBlock::AdjacentBlock &Next : B->succs()) {
        const CFGBlock *To = Next.getPossiblyUnreachableBlock();
        if (!To)
          To = Next.getReachableBlock();
        if (Number++ != Null && To)
          Left.push_back({To->getBlockID(), 0, State});
      }
    }
  }

  /// Does the name mean the variable where the call stands?
  bool isVisible(const ValueDecl *V, const CallExpr *Call) {
    llvm::SmallPtrSet<const Stmt *, 16> Around;
    DynTypedNodeList Parents = O.Context.getParents(*Call);
    while (!Parents.empty()) {
      if (const auto *S = Parents[0].get<Stmt>())
        Around.insert(S);
      Parents = O.Context.getParents(Parents[0]);
    }
    auto Encloses = [&](const VarDecl *D) {
      DynTypedNodeList DS = O.Context.getParents(*D);
      if (DS.empty())
        return false;
      DynTypedNodeList Scope = O.Context.getParents(DS[0]);
      return !Scope.empty() && Scope[0].get<Stmt>() &&
             Around.contains(Scope[0].get<Stmt>());
    };
    if (!isa<ParmVarDecl>(V) && !Encloses(cast<VarDecl>(V)))
      return false;
    return llvm::none_of(Found.Variables, [&](const VarDecl *D) {
      return D != V && !isa<ParmVarDecl>(D) && D->getIdentifier() == V->getIdentifier() &&
             Encloses(D);
    });
  }

  bool graph() {
    if (!Graph) {
      CFG::BuildOptions Options;
      Options.setAllAlwaysAdd();
      Graph = CFG::buildCFG(F, F->getBody(), &O.Context, Options);
      if (!Graph)
        return false;
      for (const CFGBlock *B : *Graph)
        for (unsigned I = 0; I != B->size(); ++I)
          if (auto S = (*B)[I].getAs<CFGStmt>())
            Places.try_emplace(S->getStmt(), B->getBlockID(), I);
    }
    return true;
  }

  Owners &O;
  const FunctionDecl *F;
  Finder Found;
  std::unique_ptr<CFG> Graph;
  llvm::DenseMap<const Stmt *, std::pair<unsigned, unsigned>> Places;
};

Owners::Keeper Owners::keeperOf(const FunctionDecl *F, unsigned Param) {
  const FunctionDecl *Def = nullptr;
  if (!F || !F->isDefined(Def) || !Def->getBody() || Param >= Def->getNumParams())
    return {};
  const ValueDecl *V = Def->getParamDecl(Param);
  auto [It, New] = Keepers.try_emplace(V);
  if (!New)
    return It->second;
  Keeper Result = Reader(*this, Def).keeper(Def->getParamDecl(Param));
  return Keepers[V] = Result;
}

void Owners::read(const FunctionDecl *F) { Reader(*this, F).read(); }

} // namespace perdure::migrate
