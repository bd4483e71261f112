//===- Casts.cpp - Pointers that become something else --------------------===//
#include "Collector.h"

#include "Queries.h"

#include "clang/AST/ParentMapContext.h"
#include "clang/Lex/Lexer.h"

using namespace clang;

namespace perdure::migrate {

bool Collector::rangeOf(const Expr *E, std::string &File, unsigned &Begin,
                        unsigned &End) {
  CharSourceRange Range = Lexer::makeFileCharRange(
      CharSourceRange::getTokenRange(E->getSourceRange()), S.SM, S.Lang);
  SourceLocation B, Last;
  if (Range.isValid()) {
    B = Range.getBegin();
    if (!S.canEdit(B))
      return false;
    File = S.fileName(S.SM.getFileID(B));
    Begin = S.SM.getFileOffset(B);
    End = S.SM.getFileOffset(Range.getEnd());
    return true;
  }
  B = E->getBeginLoc();
  Last = E->getEndLoc();
  if (!B.isMacroID() || !Last.isMacroID() || !S.canEdit(B) || !S.canEdit(Last))
    return false;
  if (S.SM.isMacroArgExpansion(B) || S.SM.isMacroArgExpansion(Last) ||
      S.SM.getFileID(S.SM.getSpellingLoc(B)) !=
          S.SM.getFileID(S.SM.getSpellingLoc(Last)))
    return false;
  File = S.fileName(S.SM.getFileID(S.SM.getSpellingLoc(B)));
  Begin = S.spelled(B).Offset;
  End = S.tokenEnd(Last);
  return Begin < End;
}

bool Collector::VisitCastExpr(CastExpr *C) {
  if (C->isTypeDependent() || C->getSubExpr()->isTypeDependent())
    return true;
  const Expr *Sub = C->getSubExpr();
  QualType To = C->getType(), From = Sub->getType();
  bool Perdure = S.isPerdure(C->getBeginLoc());
  if (Perdure || (C->getBeginLoc().isMacroID() &&
                  S.isPerdure(S.SM.getSpellingLoc(
                      S.SM.getImmediateMacroCallerLoc(C->getBeginLoc())))))
    return true;
  if (C->getCastKind() == CK_PointerToIntegral) {
    if (From->isPointerType() && !isLowBits(C))
      G.find(target(Sub))->ToInteger = true;
    addNumber(C);
    return true;
  }
  if (!To->isPointerType())
    return true;
  if (isa<ExplicitCastExpr>(C))
    target(C);
  if (C->getCastKind() == CK_IntegralToPointer)
    G.find(target(C))->FromInteger = true;
  if (!From->isPointerType() ||
      (C->getCastKind() != CK_BitCast && C->getCastKind() != CK_NoOp))
    return true;
  QualType F = element(From->getPointeeType()), T = element(To->getPointeeType());
  const FunctionDecl *Callee = Argument.lookup(C->IgnoreParens());
  if (F->isRecordType() && T->isRecordType() &&
      !Context.hasSameUnqualifiedType(F, T) && !IsCxx)
    addPun(C, F->getAsRecordDecl(), T->getAsRecordDecl());
  bool Implicit = isa<ImplicitCastExpr>(C);
  auto IsPointer = [](QualType X) { return isDataPointer(X); };
  if (F->isRecordType() && IsPointer(T) && !Implicit)
    addPun(C, F->getAsRecordDecl(), nullptr);
  if (IsCxx)
    return true;
  Conversion Fact;
  if (Implicit && IsPointer(F) && T->isVoidType())
    Fact.What = Conversion::ToVoid;
  else if (Implicit && F->isVoidType() && IsPointer(T))
    Fact.What = Conversion::FromVoid;
  else if (!Implicit && IsPointer(F) && isBytes(T))
    Fact.What = Conversion::ToBytes;
  else
    return true;
  if (Sub->isNullPointerConstant(Context, Expr::NPC_ValueDependentIsNotNull))
    return true;
  Fact.Pointees = Fact.What == Conversion::FromVoid ? target(C) : target(Sub);
  if (Fact.What == Conversion::FromVoid) {
    Node *Holder = G.make();
    G.unify(G.next(Holder), Fact.Pointees);
    Fact.Type = shapeOf(To, Holder);
    if (!Fact.Type.Levels.empty())
      Fact.Type.Levels.back() = nullptr;
  }
  Fact.Where = S.place(Sub->getBeginLoc());
  if (!rangeOf(Sub, Fact.File, Fact.Begin, Fact.End))
    Fact.File.clear();
  const Expr *Bare = Sub->IgnoreImpCasts();
  Fact.NeedsParens = isa<BinaryOperator, AbstractConditionalOperator>(Bare);
  if (Callee) {
    Fact.Callee = Callee->getNameAsString();
    Fact.Call = Calls.lookup(C->IgnoreParens());
    Fact.LooksOnly = looksOnly(Callee) || !S.isSystemFunction(Callee);
  } else {
    Fact.LooksOnly = true;
  }
  if (P.Seen.insert("k:" + std::to_string(Fact.What) + S.key(Sub->getBeginLoc()) +
                    S.key(Sub->getEndLoc()))
          .second)
    P.Conversions.push_back(std::move(Fact));
  return true;
}

void Collector::addPun(const CastExpr *C, const RecordDecl *F, const RecordDecl *T) {
  if (T && (startsWith(F, T) || startsWith(T, F))) {
    P.Derived.insert({recordKey(F), recordKey(T)});
    return;
  }
  for (const RecordDecl *R : {F, T}) {
    if (!R)
      continue;
    const RecordDecl *O = R == F ? T : F;
    std::string Text =
        O ? "'" + R->getNameAsString() + "' is read as '" + O->getNameAsString() +
                "', whose pointers stay native unless --root names it as well"
          : "'" + R->getNameAsString() + "' is read as pointers";
    P.Puns.push_back({recordKey(R), O ? recordKey(O) : "",
                      S.place(C->getBeginLoc()), Text});
  }
}

void Collector::addNumber(const CastExpr *C) {
  const Expr *Sub = C->getSubExpr();
  if (!Sub->getType()->isPointerType())
    return;
  QualType Pointee = element(Sub->getType()->getPointeeType());
  Program::Number Fact;
  Fact.Pointees = isDataPointer(Pointee) ? target(Sub) : nullptr;
  if (const RecordDecl *R = Pointee->getAsRecordDecl())
    Fact.Record = recordKey(R);
  if (!Fact.Pointees && Fact.Record.empty())
    return;
  if (isLowBits(C))
    return;
  Fact.Where = S.place(C->getBeginLoc());
  P.Numbers.push_back(std::move(Fact));
}

bool Collector::isLowBits(const CastExpr *C) {
  auto Parents = Context.getParents(*C);
  for (int Steps = 0; Steps < 6 && !Parents.empty(); ++Steps) {
    if (const auto *B = Parents[0].get<BinaryOperator>())
      if (B->isBitwiseOp() || B->isComparisonOp() || B->getOpcode() == BO_Sub ||
          B->getOpcode() == BO_Rem)
        return true;
    if (!Parents[0].get<ParenExpr>() && !Parents[0].get<CastExpr>())
      break;
    Parents = Context.getParents(Parents[0]);
  }
  return false;
}

} // namespace perdure::migrate
