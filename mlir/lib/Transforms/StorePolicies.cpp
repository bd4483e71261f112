//===- StorePolicies.cpp - Which stores are silent ------------------------===//

#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dominance.h"

namespace mlir::perdure {
#define GEN_PASS_DEF_STOREPOLICIES
#include "perdure-mlir/Passes.h.inc"
} // namespace mlir::perdure

using namespace mlir;
using namespace mlir::perdure;

namespace {

struct PoliciesPass : perdure::impl::StorePoliciesBase<PoliciesPass> {
  using StorePoliciesBase::StorePoliciesBase;

  bool isAskedFor() {
    Operation *Op = getOperation();
    auto Module = isa<ModuleOp>(Op) ? cast<ModuleOp>(Op)
                                    : Op->getParentOfType<ModuleOp>();
    auto Policies = Module ? Module->getAttrOfType<ReduceFlipsAttr>(
                                 PerdureDialect::getReduceFlipsAttrName())
                           : ReduceFlipsAttr();
    return Policies && llvm::any_of(Policies.getPolicies(), [](StringAttr P) {
             return P.getValue() == "silent";
           });
  }

  void runOnOperation() override {
    if (!all && !isAskedFor())
      return;
    DominanceInfo &Dominance = getAnalysis<DominanceInfo>();
    getOperation()->walk([&](StoreOp Store) {
      if (!canBeSilent(Store.getValue().getType()))
        return;
      bool Overwrites = llvm::any_of(
          Store.getAddress().getUsers(), [&](Operation *User) {
            return isa<LoadOp>(User) && Dominance.dominates(User, Store);
          });
      if (all || Overwrites)
        Store.setSilent(true);
    });
  }
};

} // namespace
