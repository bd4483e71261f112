//===- LowerMemRefs.cpp - Memrefs in objects as places in objects ---------===//

#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace mlir::perdure {
#define GEN_PASS_DEF_LOWERMEMREFS
#include "perdure-mlir/Passes.h.inc"
} // namespace mlir::perdure

using namespace mlir;
using namespace mlir::perdure;

namespace {

bool isInSpace(MemRefType M) {
  return isa_and_nonnull<SpaceAttr>(M.getMemorySpace()) &&
         isLoadable(M.getElementType());
}

/// Whether what lies there is accessed as its type alone: of other memrefs nobody
/// knows what views there are.
bool isOfOneType(Value MemRef) { return MemRef.getDefiningOp<ToMemRefOp>(); }

struct LowerLoad : OpRewritePattern<memref::LoadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(memref::LoadOp Op,
                                PatternRewriter &R) const override {
    if (!isInSpace(Op.getMemRefType()))
      return failure();
    Value At = AtOp::create(R, Op.getLoc(), Op.getMemRef(), Op.getIndices());
    auto New = R.replaceOpWithNewOp<LoadOp>(Op, At);
    New.setMayAlias(!isOfOneType(Op.getMemRef()));
    return success();
  }
};

struct LowerStore : OpRewritePattern<memref::StoreOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(memref::StoreOp Op,
                                PatternRewriter &R) const override {
    if (!isInSpace(Op.getMemRefType()))
      return failure();
    Value At = AtOp::create(R, Op.getLoc(), Op.getMemRef(), Op.getIndices());
    auto New = R.replaceOpWithNewOp<StoreOp>(Op, Op.getValueToStore(), At);
    New.setMayAlias(!isOfOneType(Op.getMemRef()));
    return success();
  }
};

struct LowerPass : perdure::impl::LowerMemRefsBase<LowerPass> {
  void runOnOperation() override {
    RewritePatternSet Patterns(&getContext());
    Patterns.add<LowerLoad, LowerStore>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(Patterns));
  }
};

} // namespace
