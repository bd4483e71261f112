//===- Plugin.cpp - Where the passes stand in the pipeline ----------------===//
//
// Loads into opt, and into Clang by -fpass-plugin or by our Clang plugin. When
// two of these happen the callbacks register twice: every pass finds nothing
// to do the second time.
//
//===----------------------------------------------------------------------===//

#include "Gray.h"
#include "Lower.h"
#include "Passes.h"
#include "StorePolicies.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"

using namespace llvm;
using namespace perdure;

static void registerCallbacks(PassBuilder &PB) {
  PB.registerPipelineStartEPCallback(
      [](ModulePassManager &MPM, OptimizationLevel Level) {
        MPM.addPass(RaisePass());
        // What is not overwritten need not be logged.
        MPM.addPass(PaddingCopiesPass());
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
        FPM.addPass(GrayFoldPass());
      });
  // Fires at every level and before the pre-link of either LTO ends.
  PB.registerOptimizerEarlyEPCallback([](ModulePassManager &MPM,
                                         OptimizationLevel Level,
                                         ThinOrFullLTOPhase Phase) {
    if (Level != OptimizationLevel::O0) {
      FunctionPassManager FPM;
      FPM.addPass(MergeStoresPass());
      FPM.addPass(ZeroingPass());
      MPM.addPass(createModuleToFunctionPassAdaptor(std::move(FPM)));
      // Not before an LTO link, which inlines: see docs/BitFlips.md.
      // Behind one, logs have been left out that relied on others.
      if (Phase == ThinOrFullLTOPhase::None ||
          Phase == ThinOrFullLTOPhase::ThinLTOPostLink)
        MPM.addPass(createModuleToFunctionPassAdaptor(SilentStoresPass(
            /*WithLogs=*/Phase == ThinOrFullLTOPhase::None)));
      MPM.addPass(TransactionLogsPass());
      FunctionPassManager Blocks;
      Blocks.addPass(PlacementPass());
      Blocks.addPass(FreshBlocksPass());
      Blocks.addPass(FoldPass());
      Blocks.addPass(GrayFoldPass());
      MPM.addPass(createModuleToFunctionPassAdaptor(std::move(Blocks)));
    }
    MPM.addPass(GrayLowerPass());
    MPM.addPass(LowerPass(Level));
  });
  PB.registerFullLinkTimeOptimizationLastEPCallback(
      [](ModulePassManager &MPM, OptimizationLevel Level) {
        if (Level != OptimizationLevel::O0)
          MPM.addPass(createModuleToFunctionPassAdaptor(
              SilentStoresPass(/*WithLogs=*/false)));
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
        else if (Name == "perdure-padding")
          MPM.addPass(PaddingCopiesPass());
        else if (Name == "perdure-transactions")
          MPM.addPass(TransactionsPass());
        else if (Name == "perdure-tx-logs")
          MPM.addPass(TransactionLogsPass());
        else if (Name == "perdure-gray-lower")
          MPM.addPass(GrayLowerPass());
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
        if (Name == "perdure-silent-stores")
          FPM.addPass(SilentStoresPass(/*WithLogs=*/true));
        else if (Name == "perdure-merge-stores")
          FPM.addPass(MergeStoresPass());
        else if (Name == "perdure-zeroing")
          FPM.addPass(ZeroingPass());
        else if (Name == "perdure-placement")
          FPM.addPass(PlacementPass());
        else if (Name == "perdure-fresh-blocks")
          FPM.addPass(FreshBlocksPass());
        else if (Name == "perdure-resolve-volatile")
          FPM.addPass(ResolveVolatilePass());
        else if (Name == "perdure-fold")
          FPM.addPass(FoldPass());
        else if (Name == "perdure-gray-fold")
          FPM.addPass(GrayFoldPass());
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
