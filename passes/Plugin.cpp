//===- Plugin.cpp - Where the passes stand in the pipeline ----------------===//
//
// Loads into opt, and into Clang by -fpass-plugin or by our Clang plugin. When
// two of these happen the callbacks register twice: every pass finds nothing
// to do the second time.
//
//===----------------------------------------------------------------------===//

#include "Lower.h"
#include "Passes.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"

using namespace llvm;
using namespace perdure;

static void registerCallbacks(PassBuilder &PB) {
  PB.registerPipelineStartEPCallback(
      [](ModulePassManager &MPM, OptimizationLevel Level) {
        MPM.addPass(RaisePass());
        MPM.addPass(TransactionsPass(Level != OptimizationLevel::O0));
        // At -O0 no local becomes a register, and always_inline bodies may
        // land in a coroutine's frame without lifetime markers: leave them.
        if (Level != OptimizationLevel::O0)
          MPM.addPass(createModuleToFunctionPassAdaptor(ResolveVolatilePass()));
      });
  PB.registerPeepholeEPCallback(
      [](FunctionPassManager &FPM, OptimizationLevel) {
        // Inlining brings translations to the locals that they are for.
        FPM.addPass(ResolveVolatilePass());
        FPM.addPass(FoldPass());
      });
  // Fires at every level and before the pre-link of either LTO ends.
  PB.registerOptimizerEarlyEPCallback([](ModulePassManager &MPM,
                                         OptimizationLevel Level,
                                         ThinOrFullLTOPhase) {
    if (Level != OptimizationLevel::O0) {
      MPM.addPass(TransactionLogsPass());
      MPM.addPass(createModuleToFunctionPassAdaptor(FoldPass()));
    }
    MPM.addPass(LowerPass(Level));
  });
  PB.registerOptimizerLastEPCallback(
      [](ModulePassManager &MPM, OptimizationLevel, ThinOrFullLTOPhase) {
        MPM.addPass(FlipsPass());
        MPM.addPass(SitesPass());
      });

  PB.registerPipelineParsingCallback(
      [](StringRef Name, ModulePassManager &MPM,
         ArrayRef<PassBuilder::PipelineElement>) {
        if (Name == "perdure-raise")
          MPM.addPass(RaisePass());
        else if (Name == "perdure-transactions")
          MPM.addPass(TransactionsPass());
        else if (Name == "perdure-tx-logs")
          MPM.addPass(TransactionLogsPass());
        else if (Name == "perdure-lower")
          MPM.addPass(LowerPass());
        else if (Name == "perdure-flips")
          MPM.addPass(FlipsPass());
        else if (Name == "perdure-sites")
          MPM.addPass(SitesPass());
        else
          return false;
        return true;
      });
  PB.registerPipelineParsingCallback(
      [](StringRef Name, FunctionPassManager &FPM,
         ArrayRef<PassBuilder::PipelineElement>) {
        if (Name == "perdure-resolve-volatile")
          FPM.addPass(ResolveVolatilePass());
        else if (Name == "perdure-fold")
          FPM.addPass(FoldPass());
        else
          return false;
        return true;
      });
}

extern "C" __attribute__((visibility("default"))) PassPluginLibraryInfo
llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "perdure", "0.1", registerCallbacks,
          nullptr};
}
