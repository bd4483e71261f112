//===- Arithmetic.cpp - Records whose pointers are reckoned with ----------===//
//
// A block holds several of a record, and a pointer may lead behind the last, where code
// adds to pointers to that record, subtracts, steps, or takes the address of an
// element. Where no code does, whoever moves blocks need not ask whether a pointer to
// the first byte of a block means the end of the one before (tools/inspect).
//
//===----------------------------------------------------------------------===//
#include "Descriptors.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/DeclCXX.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace clang;

namespace perdure {

namespace {

llvm::DenseSet<const RecordDecl *> &reckoned() {
  static llvm::DenseSet<const RecordDecl *> Records;
  return Records;
}

class Arithmetic final : public RecursiveASTVisitor<Arithmetic> {
public:
  bool shouldVisitTemplateInstantiations() const { return true; }

  bool VisitBinaryOperator(BinaryOperator *E) {
    if (E->isAdditiveOp() || E->getOpcode() == BO_AddAssign ||
        E->getOpcode() == BO_SubAssign) {
      note(E->getLHS()->getType());
      note(E->getRHS()->getType());
    }
    return true;
  }

  bool VisitUnaryOperator(UnaryOperator *E) {
    if (E->isIncrementDecrementOp())
      note(E->getSubExpr()->getType());
    // &array[4] of a member forms a pointer as well.
    if (E->getOpcode() == UO_AddrOf)
      if (auto *Element = dyn_cast<ArraySubscriptExpr>(E->getSubExpr()->IgnoreParens()))
        note(Element->getBase()->getType());
    return true;
  }

  bool VisitArraySubscriptExpr(ArraySubscriptExpr *E) {
    if (!isa<ImplicitCastExpr>(E->getBase()->IgnoreParens()) ||
        cast<ImplicitCastExpr>(E->getBase()->IgnoreParens())->getCastKind() !=
            CK_ArrayToPointerDecay)
      note(E->getBase()->getType());
    return true;
  }

  // What was reckoned with other pointers: (struct slot *)((char *)p + n).
  bool VisitCastExpr(CastExpr *E) {
    QualType From = E->getSubExpr()->getType();
    QualType To = From.isNull() ? From : From->getPointeeType();
    bool Reckoned = isa<BinaryOperator, UnaryOperator>(E->getSubExpr()->IgnoreParens());
    if ((E->getCastKind() == CK_BitCast && !To.isNull() && (!To->isVoidType() || Reckoned)) ||
        E->getCastKind() == CK_IntegralToPointer)
      note(E->getType());
    if (E->getCastKind() == CK_ArrayToPointerDecay &&
        isa<ArraySubscriptExpr>(E->getSubExpr()->IgnoreParens()))
      note(E->getType()); // a row of a matrix
    return true;
  }

private:
  static void note(QualType T) {
    QualType To = T.isNull() ? T : T->getPointeeType();
    while (!To.isNull() && To->isArrayType())
      To = QualType(To->getArrayElementTypeNoTypeQual(), 0);
    const RecordDecl *Record = To.isNull() ? nullptr : To->getAsRecordDecl();
    if (Record && Record->getDefinition())
      reckoned().insert(Record->getDefinition());
  }
};

} // namespace

void noteArithmetic(Decl *D) { Arithmetic().TraverseDecl(D); }

bool hasArithmetic(const RecordDecl *Record) {
  Record = Record->getDefinition();
  if (reckoned().contains(Record))
    return true;
  // The end of an array of them may be kept as a pointer to a base.
  const auto *Base = dyn_cast<CXXRecordDecl>(Record);
  return Base && llvm::any_of(reckoned(), [&](const RecordDecl *Other) {
           const auto *Derived = dyn_cast<CXXRecordDecl>(Other);
           return Derived && Derived->hasDefinition() && Derived->isDerivedFrom(Base);
         });
}

void forgetArithmetic() { reckoned().clear(); }

} // namespace perdure
