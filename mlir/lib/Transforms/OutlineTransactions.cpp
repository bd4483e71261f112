//===- OutlineTransactions.cpp - Transactions as functions ----------------===//
//
// PerdurePasses.so knows a transaction as a function with an attribute
// (passes/Transactions.h): its body is what is logged and what an abort leaves.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/Transactions.h"
#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::perdure {
#define GEN_PASS_DEF_OUTLINETRANSACTIONS
#include "perdure-mlir/Passes.h.inc"
} // namespace mlir::perdure

using namespace mlir;
using namespace mlir::perdure;

/// C's: an abort goes on behind it.
static constexpr llvm::StringLiteral Role("transaction.jumps");

static void outline(TransactionOp Op) {
  SymbolTable Symbols(SymbolTable::getNearestSymbolTable(Op));
  MLIRContext *Ctx = Op.getContext();
  Location Loc = Op.getLoc();
  IRRewriter R(Ctx);
  Region &Body = Op.getBody();

  // Constants go along, the rest is handed over.
  llvm::SetVector<Value> Used, Arguments;
  getUsedValuesDefinedAbove(Body, Used);
  R.setInsertionPointToStart(&Body.front());
  for (Value V : Used) {
    Operation *Def = V.getDefiningOp();
    if (!Def || !matchPattern(Def, m_Constant())) {
      Arguments.insert(V);
      continue;
    }
    Operation *Copy = R.clone(*Def);
    V.replaceUsesWithIf(Copy->getResult(0), [&](OpOperand &U) {
      return Body.isAncestor(U.getOwner()->getParentRegion());
    });
  }

  auto Parent = Op->getParentOfType<SymbolOpInterface>();
  SmallVector<Type> Types(ValueRange(Arguments.getArrayRef()).getTypes());
  R.setInsertionPointToEnd(&Symbols.getOp()->getRegion(0).front());
  auto F = func::FuncOp::create(
      R, Loc, ((Parent ? Parent.getName() : "") + ".transaction").str(),
      FunctionType::get(Ctx, Types, {}));
  F.setPrivate();
  F->setAttr("llvm.linkage", LLVM::LinkageAttr::get(
                                 Ctx, LLVM::Linkage::Internal));
  F->setAttr("passthrough",
             R.getArrayAttr({R.getStrArrayAttr({"perdure-tx", Role})}));
  Symbols.insert(F);

  F.getBody().takeBody(Body);
  Block &Entry = F.getBody().front();
  for (Value V : Arguments) {
    BlockArgument A = Entry.addArgument(V.getType(), V.getLoc());
    V.replaceUsesWithIf(A, [&](OpOperand &U) {
      return F.getBody().isAncestor(U.getOwner()->getParentRegion());
    });
  }
  Operation *End = Entry.getTerminator();
  R.setInsertionPoint(End);
  func::ReturnOp::create(R, End->getLoc());
  R.eraseOp(End);
  R.setInsertionPoint(Op);
  func::CallOp::create(R, Loc, F, Arguments.getArrayRef());
  R.eraseOp(Op);
}

void perdure::outlineTransactions(ModuleOp Module) {
  SmallVector<TransactionOp> All;
  Module.walk([&](TransactionOp Op) { All.push_back(Op); });
  for (TransactionOp Op : All)
    outline(Op);
}

namespace {
struct OutlinePass : perdure::impl::OutlineTransactionsBase<OutlinePass> {
  void runOnOperation() override { outlineTransactions(getOperation()); }
};
} // namespace
