//===- Passes.cpp - Loads the passes and hands them the options -----------===//
#include "Passes.h"

#include "Annotations.h"
#include "Descriptors.h"
#include "Encodings.h"
#include "Messages.h"
#include "Options.h"
#include "Qualifier.h"

#include "../passes/FlipPolicies.h"
#include "clang/AST/ASTContext.h"
#include "clang/AST/Mangle.h"
#include "clang/Frontend/CompilerInstance.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <dlfcn.h>
#include <map>
#include <optional>

using namespace clang;

namespace perdure {

namespace {

/// The types of the TU that hold persistent pointers or are annotated, by
/// mangled name, with their encodings.
std::map<std::string, std::string> &typeEncodings() {
  static std::map<std::string, std::string> Encodings;
  return Encodings;
}

/// What copies of the TU's records have to copy, with the policy `padding`.
std::vector<FieldRanges> &toldFieldRanges() {
  static std::vector<FieldRanges> Ranges;
  return Ranges;
}

/// What the binary says of the TU's types.
std::vector<Descriptor> &toldDescriptors() {
  static std::vector<Descriptor> Descriptors;
  return Descriptors;
}

/// For passes/TypeDescriptors.cpp.
void writeDescriptors(llvm::Module &M) {
  if (M.getNamedMetadata("perdure.descriptors"))
    return;
  llvm::LLVMContext &Ctx = M.getContext();
  for (const Descriptor &D : toldDescriptors())
    M.getOrInsertNamedMetadata("perdure.descriptors")
        ->addOperand(llvm::MDNode::get(
            Ctx, {llvm::MDString::get(Ctx, D.Text),
                  llvm::ConstantAsMetadata::get(llvm::ConstantInt::get(
                      llvm::Type::getInt64Ty(Ctx), D.Layout)),
                  llvm::MDString::get(Ctx, D.Asked)}));
}

/// For passes/PaddingCopies.cpp.
void writeFieldRanges(llvm::Module &M) {
  if (M.getNamedMetadata("perdure.copied"))
    return;
  llvm::LLVMContext &Ctx = M.getContext();
  for (const FieldRanges &R : toldFieldRanges()) {
    SmallVector<llvm::Metadata *, 32> Words;
    for (const std::string &Name : R.Functions)
      Words.push_back(llvm::MDString::get(Ctx, Name));
    for (const FieldRanges::Field &F : R.Fields)
      for (uint64_t N : {F.Begin, F.End, uint64_t(F.IsWhole)})
        Words.push_back(llvm::ConstantAsMetadata::get(
            llvm::ConstantInt::get(llvm::Type::getInt64Ty(Ctx), N)));
    M.getOrInsertNamedMetadata("perdure.copied")
        ->addOperand(llvm::MDNode::get(Ctx, Words));
  }
}

/// The passes, once they are loaded.
std::optional<llvm::PassPlugin> &passes() {
  static std::optional<llvm::PassPlugin> Passes;
  return Passes;
}

/// A function of the passes.
template <typename Function> Function *functionOfPasses(const char *Name) {
  if (!passes())
    return nullptr;
  return reinterpret_cast<Function *>(
      llvm::sys::DynamicLibrary::SearchForAddressOfSymbol(Name));
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
    if (Chosen.TxClones)
      Set(llvm::Module::Max, "perdure.tx.clones", 1);
    if (Chosen.Flips)
      Set(llvm::Module::Max, "perdure.flips", Chosen.Flips);
    for (unsigned I = 0; I != flipPolicyNames().size(); ++I)
      if (Chosen.ReduceFlips >> I & 1)
        Set(llvm::Module::Max, flipPolicyFlag(FlipPolicy(I)), 1);
    if (Chosen.NoSites)
      Set(llvm::Module::Max, "perdure.sites", 0);
    writeFieldRanges(M);
    writeDescriptors(M);
    if (!M.getNamedMetadata("perdure.types"))
      for (auto &[Name, Encoding] : typeEncodings()) {
        llvm::LLVMContext &Ctx = M.getContext();
        M.getOrInsertNamedMetadata("perdure.types")
            ->addOperand(
                llvm::MDNode::get(Ctx, {llvm::MDString::get(Ctx, Name),
                                        llvm::MDString::get(Ctx, Encoding)}));
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

/// The encodings of the persistent pointers that a record itself holds, in the
/// order of its fields; without any, that of its annotation. Then its Gray-coded
/// fields.
std::string encodingsIn(const RecordDecl *Record) {
  std::string Names;
  std::optional<unsigned> Last;
  auto Add = [&](unsigned Encoding) {
    if (Last == Encoding)
      return;
    Last = Encoding;
    Names += (Names.empty() ? "" : ",") + encodingName(Encoding);
  };
  for (const FieldDecl *Field : Record->fields())
    if (QualType T = elementType(Record->getASTContext(), Field->getType());
        isPersistent(T))
      Add(encodingOf(T));
  if (std::optional<unsigned> Annotated = annotatedEncoding(Record);
      Annotated && !Last)
    Add(*Annotated);
  for (const FieldDecl *Field : Record->fields())
    if (isGray(Field))
      Names += (Names.empty() ? "gray " : ",gray ") + Field->getNameAsString();
  return Names;
}

} // namespace

std::optional<EncodingFacts> findEncoding(StringRef Name) {
  EncodingFacts Facts;
  auto *Find = functionOfPasses<FindEncoding>("perdure_find_encoding");
  if (!Find || Name.empty() || !Find(Name.str().c_str(), 0, &Facts))
    return std::nullopt;
  return Facts;
}

std::optional<EncodingFacts> findEncoding(unsigned Number) {
  EncodingFacts Facts;
  auto *Find = functionOfPasses<FindEncoding>("perdure_find_encoding");
  if (!Find || !Find(nullptr, Number, &Facts))
    return std::nullopt;
  return Facts;
}

std::string encodingName(unsigned Number) {
  std::optional<EncodingFacts> Found = findEncoding(Number);
  return Found ? Found->Name : std::to_string(Number);
}

std::string noSuchEncoding(StringRef Name) {
  auto *Names = functionOfPasses<EncodingNames>("perdure_encoding_names");
  return "Perdure knows no such encoding: '" + Name.str() + "'; there are " +
         (Names ? Names() : "none");
}

void tellTypeEncoding(const RecordDecl *Record) {
  const IdentifierInfo *Tag = Record->getIdentifier();
  if (!Tag || Record->isDependentContext())
    return;
  std::string Encodings = encodingsIn(Record);
  if (Encodings.empty())
    return;
  ASTContext &Context = Record->getASTContext();
  if (!Context.getLangOpts().CPlusPlus) {
    // As C++ mangles the same struct: headers are shared.
    typeEncodings()[std::to_string(Tag->getLength()) + Tag->getName().str()] =
        Encodings;
    return;
  }
  if (!Record->hasExternalFormalLinkage())
    return;
  std::string Name;
  llvm::raw_string_ostream Out(Name);
  std::unique_ptr<MangleContext> Mangler(Context.createMangleContext());
  Mangler->mangleCXXRTTIName(Context.getCanonicalTagType(Record), Out);
  typeEncodings()[StringRef(Out.str()).drop_front(strlen("_ZTS")).str()] =
      Encodings;
}

void tellFieldRanges(ASTContext &Context) {
  if (options().ReduceFlips >> unsigned(FlipPolicy::Padding) & 1)
    toldFieldRanges() = fieldRanges(Context);
}

void tellDescriptors(ASTContext &Context,
                     llvm::ArrayRef<const RecordDecl *> Records) {
  toldDescriptors() = describeTypes(Context, Records);
}

bool loadPasses(const CompilerInstance &CI) {
  DiagnosticsEngine &Diags = CI.getDiagnostics();
  std::string Path = options().PassesPath;
  // -fpass-plugin names them: Clang loads that file itself.
  for (const std::string &Named : CI.getCodeGenOpts().PassPlugins)
    if (StringRef(Named).contains("PerdurePasses"))
      Path = Named;
  if (Path.empty())
    Path = ownFolder() + "/PerdurePasses.so";
  llvm::Expected<llvm::PassPlugin> Plugin = llvm::PassPlugin::Load(Path);
  if (!Plugin) {
    Diags.Report(Diags.getCustomDiagID(
        DiagnosticsEngine::Error,
        "cannot load Perdure's passes: %0; PerdurePasses.so must lie beside "
        "PerdureClang.so"))
        << llvm::toString(Plugin.takeError());
    return false;
  }
  passes() = *Plugin;
  for (const std::string &File : options().EncodingPlugins) {
    std::string Why;
    // The loader would look for a bare name elsewhere.
    SmallString<256> Path(File);
    llvm::sys::fs::make_absolute(Path);
    if (!llvm::sys::DynamicLibrary::LoadLibraryPermanently(Path.c_str(), &Why))
      continue;
    Diags.Report(Diags.getCustomDiagID(DiagnosticsEngine::Error,
                                       "cannot load the encoding in '%0': %1"))
        << File << Why;
    return false;
  }
  return true;
}

void addPasses(CompilerInstance &CI) {
  typeEncodings().clear();
  toldFieldRanges().clear();
  toldDescriptors().clear();
  forgetDescriptors();
  forgetRoots();
  forgetArithmetic();
  auto &Callbacks = CI.getCodeGenOpts().PassBuilderCallbacks;
  Callbacks.push_back([Chosen = options()](llvm::PassBuilder &PB) {
    PB.registerPipelineStartEPCallback(
        [Chosen](llvm::ModulePassManager &MPM, llvm::OptimizationLevel) {
          MPM.addPass(SetModuleFlags(Chosen));
        });
  });
  for (const std::string &Named : CI.getCodeGenOpts().PassPlugins)
    if (StringRef(Named).contains("PerdurePasses"))
      return;
  Callbacks.push_back([Loaded = *passes()](llvm::PassBuilder &PB) {
    Loaded.registerPassBuilderCallbacks(PB);
  });
}

} // namespace perdure
