//===- Passes.cpp - Loads the passes and hands them the options -----------===//
#include "Passes.h"

#include "Messages.h"
#include "Options.h"

#include "clang/AST/ASTContext.h"
#include "clang/AST/Mangle.h"
#include "clang/Frontend/CompilerInstance.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <dlfcn.h>
#include <set>

using namespace clang;

namespace perdure {

namespace {

/// The annotated types of the TU, by mangled name, once each.
std::set<std::string> &typeNames() {
  static std::set<std::string> Names;
  return Names;
}

/// Module flags carry the options, so that they reach opt and a link-time
/// optimiser too, which refuses to merge modules of different slot sizes.
class SetModuleFlags : public llvm::PassInfoMixin<SetModuleFlags> {
public:
  explicit SetModuleFlags(const Options &O) : Chosen(O) {}

  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &) {
    auto Set = [&M](llvm::Module::ModFlagBehavior Behavior, StringRef Name,
                    unsigned Value) {
      if (!M.getModuleFlag(Name))
        M.addModuleFlag(Behavior, Name, Value);
    };
    Set(llvm::Module::Error, "perdure.slot.bits", Chosen.SlotBits);
    if (Chosen.Callbacks)
      Set(llvm::Module::Max, "perdure.callbacks", 1);
    if (Chosen.NoSites)
      Set(llvm::Module::Max, "perdure.sites", 0);
    if (!M.getNamedMetadata("perdure.types"))
      for (StringRef Name : typeNames()) {
        llvm::LLVMContext &Ctx = M.getContext();
        M.getOrInsertNamedMetadata("perdure.types")
            ->addOperand(llvm::MDNode::get(
                Ctx, {llvm::MDString::get(Ctx, Name),
                      llvm::MDString::get(Ctx, Chosen.Encoding)}));
      }
    return llvm::PreservedAnalyses::all();
  }
  static bool isRequired() { return true; }

private:
  Options Chosen;
};

/// The folder in which this plugin lies.
std::string ownFolder() {
  Dl_info Info;
  if (!dladdr(reinterpret_cast<void *>(&ownFolder), &Info) || !Info.dli_fname)
    return "";
  SmallString<256> Path(Info.dli_fname);
  llvm::sys::fs::make_absolute(Path);
  return llvm::sys::path::parent_path(Path).str();
}

} // namespace

void tellTypeEncoding(const RecordDecl *Record) {
  const IdentifierInfo *Tag = Record->getIdentifier();
  if (!Tag || Record->isDependentContext())
    return;
  ASTContext &Context = Record->getASTContext();
  if (!Context.getLangOpts().CPlusPlus) {
    // As C++ mangles the same struct: headers are shared.
    typeNames().insert(std::to_string(Tag->getLength()) + Tag->getName().str());
    return;
  }
  if (!Record->hasExternalFormalLinkage())
    return;
  std::string Name;
  llvm::raw_string_ostream Out(Name);
  std::unique_ptr<MangleContext> Mangler(Context.createMangleContext());
  Mangler->mangleCXXRTTIName(Context.getCanonicalTagType(Record), Out);
  typeNames().insert(StringRef(Out.str()).drop_front(strlen("_ZTS")).str());
}

void addPasses(CompilerInstance &CI) {
  typeNames().clear();
  auto &Callbacks = CI.getCodeGenOpts().PassBuilderCallbacks;
  Callbacks.push_back([Chosen = options()](llvm::PassBuilder &PB) {
    PB.registerPipelineStartEPCallback(
        [Chosen](llvm::ModulePassManager &MPM, llvm::OptimizationLevel) {
          MPM.addPass(SetModuleFlags(Chosen));
        });
  });
  for (const std::string &Named : CI.getCodeGenOpts().PassPlugins)
    if (StringRef(Named).contains("PerdurePasses"))
      return; // -fpass-plugin names them: Clang loads them itself

  std::string Path = options().PassesPath;
  if (Path.empty())
    Path = ownFolder() + "/PerdurePasses.so";
  llvm::Expected<llvm::PassPlugin> Plugin = llvm::PassPlugin::Load(Path);
  if (!Plugin) {
    unsigned ID = CI.getDiagnostics().getCustomDiagID(
        DiagnosticsEngine::Error,
        "cannot load Perdure's passes: %0; PerdurePasses.so must lie beside "
        "PerdureClang.so");
    CI.getDiagnostics().Report(ID) << llvm::toString(Plugin.takeError());
    return;
  }
  Callbacks.push_back([Loaded = *Plugin](llvm::PassBuilder &PB) {
    Loaded.registerPassBuilderCallbacks(PB);
  });
}

} // namespace perdure
