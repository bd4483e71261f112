//===- Pipelines.cpp - From the dialect to LLVM in one word ---------------===//

#include "perdure-mlir/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace {
struct ToLLVMOptions : PassPipelineOptions<ToLLVMOptions> {
  Option<bool> Hoist{*this, "hoist-bases",
                     llvm::cl::desc("carry slot bases beside pointers"),
                     llvm::cl::init(true)};
  Option<unsigned> SlotBits{*this, "slot-bits",
                            llvm::cl::desc("as of convert-perdure-to-llvm"),
                            llvm::cl::init(0)};
  Option<bool> Carry{*this, "carry-bases",
                     llvm::cl::desc("as of convert-perdure-to-llvm"),
                     llvm::cl::init(true)};
};
} // namespace

void perdure::registerPipelines() {
  PassPipelineRegistration<ToLLVMOptions>(
      "perdure-to-llvm",
      "The dialect, beside scf, cf, func, arith and memref, to the LLVM dialect",
      [](OpPassManager &PM, const ToLLVMOptions &Options) {
        PM.addPass(createLowerMemRefs());
        PM.addPass(createCanonicalizerPass());
        PM.addPass(createCSEPass());
        if (Options.Hoist) {
          PM.addPass(createHoistBases());
          PM.addPass(createLoopInvariantCodeMotionPass());
          PM.addPass(createCSEPass());
        }
        PM.addPass(createStorePolicies());
        PM.addPass(createOutlineTransactions());
        PM.addPass(createSCFToControlFlowPass());
        PM.addPass(
            createConvertPerdureToLLVM({Options.SlotBits, Options.Carry}));
        PM.addPass(createReconcileUnrealizedCastsPass());
        PM.addPass(createCanonicalizerPass());
      });
}
