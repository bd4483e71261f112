//===- Plugin.cpp - The action that Clang runs ----------------------------===//
#include "Annotations.h"
#include "Descriptors.h"
#include "Encodings.h"
#include "Hook.h"
#include "Messages.h"
#include "Options.h"
#include "Passes.h"
#include "Uses.h"

#include "../passes/FlipPolicies.h"
#include "clang/AST/ASTMutationListener.h"
#include "clang/Basic/DiagnosticSema.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Frontend/FrontendPluginRegistry.h"
#include "clang/Lex/Preprocessor.h"
#include "clang/Sema/SemaConsumer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace clang;

namespace perdure {

Options &options() {
  static Options O;
  return O;
}

namespace {

class Consumer final : public SemaConsumer, ASTMutationListener {
public:
  void InitializeSema(Sema &Now) override {
    S = &Now;
    Hook.push(Now);
  }
  void ForgetSema() override { S = nullptr; }
  ASTMutationListener *GetASTMutationListener() override { return this; }

  bool HandleTopLevelDecl(DeclGroupRef Group) override {
    repairLate();
    Declarations.append(Group.begin(), Group.end());
    for (Decl *D : Group)
      repairCode(D);
    return true;
  }
  /// Also variables that are instantiated from templates.
  void HandleCXXStaticMemberVarInstantiation(VarDecl *V) override {
    repairLate();
    repairCode(V);
  }
  void HandleTagDeclDefinition(TagDecl *D) override {
    auto *Record = dyn_cast<RecordDecl>(D);
    if (!Record || !S)
      return;
    checkLayout(*S, Record);
    checkGrayFields(*S, Record);
    repair(Record);
    if (Record->isDependentContext())
      return;
    if (isAnnotated(Record))
      Annotated.push_back(Record);
    Defined.push_back(Record);
  }
  void HandleTranslationUnit(ASTContext &Context) override {
    if (!S)
      return;
    repairLate();
    checkUses(*S, Declarations);
    for (Decl *D : Declarations)
      encodeGrayConstants(D, /*Evaluable=*/true);
    // perdure::ref and its like, too, whose members are merged by name.
    for (const RecordDecl *Record : Defined)
      tellTypeEncoding(Record);
    tellFieldRanges(Context);
    tellDescriptors(Context, Defined);
    // Only now is known which records are complete.
    if (options().Reach)
      for (const RecordDecl *Record : Annotated)
        checkReach(*S, Record);
  }

private:
  void CompletedTagDefinition(const TagDecl *D) override {
    auto *Record = dyn_cast<RecordDecl>(const_cast<TagDecl *>(D));
    if (!Record || !S)
      return;
    if (isAnnotated(Record) && !Record->isDependentContext())
      checkRecord(*S, Record);
    repair(Record);
  }
  void AddedCXXImplicitMember(const CXXRecordDecl *Class,
                              const Decl *) override {
    Late.push_back(const_cast<CXXRecordDecl *>(Class));
  }
  /// Members that a class has got since it was complete, before code is made of
  /// what uses them.
  void repairLate() {
    for (CXXRecordDecl *Class : Late)
      repairTrivialCopies(Class);
    Late.clear();
  }
  /// What Clang would make wrong code of.
  void repairCode(Decl *D) {
    encodeGrayConstants(D, /*Evaluable=*/false);
    if (options().NoRepairs)
      return;
    parenthesiseStaticStrings(D);
    qualifyStaticNumbers(D);
    assignRightFirst(D);
    typeRoots(D);
    noteArithmetic(D);
  }
  void repair(TagDecl *D) {
    if (auto *Class = dyn_cast<CXXRecordDecl>(D))
      repairTrivialCopies(Class);
  }

  Sema *S = nullptr;
  DeclarationHook Hook;
  SmallVector<Decl *, 64> Declarations;
  SmallVector<RecordDecl *, 8> Annotated;
  SmallVector<const RecordDecl *, 64> Defined;
  SmallVector<CXXRecordDecl *, 8> Late;
};

class Action final : public PluginASTAction {
  std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &CI,
                                                 StringRef) override {
    // The qualifier's semantics; no target feature, no code generation.
    CI.getLangOpts().PointerAuthIntrinsics = 1;
    // Makes constants of temporaries, where nobody would encode Gray-coded
    // fields.
    CI.getCodeGenOpts().MergeAllConstants = false;
    Preprocessor &PP = CI.getPreprocessor();
    PP.setPredefines(PP.getPredefines() +
                     "#define __PERDURE__ 1\n#define __PERDURE_SLOT_BITS__ " +
                     std::to_string(options().SlotBits) +
                     "\n#define __PERDURE_ENCODING__ " +
                     std::to_string(options().EncodingNumber) + "\n");
    DiagnosticsEngine &Diags = CI.getDiagnostics();
    // Results, parameters and cast targets that name a persistent pointer mean
    // a native one: the qualifier is taken off there (Declarations.cpp; casts
    // drop it by themselves).
    Diags.setSeverity(diag::err_ptrauth_qualifier_invalid,
                      diag::Severity::Ignored, SourceLocation());
    Diags.setSeverity(diag::err_ptrauth_qualifier_cast, diag::Severity::Ignored,
                      SourceLocation());
    // RawCopies.cpp gives these two, with the difference between a memset to
    // zero and a copy, and without the advice to cast them away.
    Diags.setSeverity(diag::warn_cstruct_memaccess, diag::Severity::Ignored,
                      SourceLocation());
    Diags.setSeverity(diag::warn_cxxstruct_memaccess, diag::Severity::Ignored,
                      SourceLocation());
    DeclarationHook::popAtEnd(CI);
    options().Reach |=
        llvm::is_contained(CI.getDiagnosticOpts().Warnings, "perdure-reach");
    rewriteMessages(Diags, CI.getLangOpts());
    addPasses(CI);
    return std::make_unique<Consumer>();
  }

  bool ParseArgs(const CompilerInstance &CI,
                 const std::vector<std::string> &Args) override {
    options() = Options();
    bool Good = true;
    auto Complain = [&](const Twine &Message, StringRef Arg) {
      DiagnosticsEngine &Diags = CI.getDiagnostics();
      Diags.Report(Diags.getCustomDiagID(DiagnosticsEngine::Error, "%0 '%1'"))
          << Message.str() << Arg;
      Good = false;
    };
    for (StringRef Arg : Args) {
      StringRef Name, Value;
      std::tie(Name, Value) = Arg.split('=');
      if (Name == "encoding") {
        options().Encoding = Value.str();
      } else if (Name == "load") {
        options().EncodingPlugins.push_back(Value.str());
      } else if (Name == "slot-bits") {
        if (Value.getAsInteger(10, options().SlotBits) ||
            options().SlotBits < 28 || options().SlotBits > 40)
          Complain("Perdure's slot size is 28 to 40 bits, not", Value);
      } else if (Name == "callbacks") {
        options().Callbacks = true;
      } else if (Name == "no-sites") {
        options().NoSites = true;
      } else if (Name == "flips") {
        // The numbers of passes/Flips.cpp.
        bool Loads = Value.consume_back(",loads");
        unsigned Scope = llvm::StringSwitch<unsigned>(Value)
                             .Case("objects", 1)
                             .Case("heap", 2)
                             .Case("all", 3)
                             .Default(0);
        if (!Scope)
          Complain("-fperdure-flips takes objects, heap or all, and ',loads' "
                   "behind it, not",
                   Value);
        options().Flips = Scope + (Loads ? 4 : 0);
      } else if (Name == "reduce-flips") {
        SmallVector<StringRef, 8> Chosen(flipPolicyNames());
        if (Arg.contains('=')) {
          Chosen.clear();
          Value.split(Chosen, ',');
        }
        for (StringRef Policy : Chosen) {
          const StringRef *Found = llvm::find(flipPolicyNames(), Policy);
          if (Found == flipPolicyNames().end())
            Complain("-fperdure-reduce-flips takes " +
                         llvm::join(flipPolicyNames(), ", ") +
                         ", or with no '=' all of them, not",
                     Policy);
          else
            options().ReduceFlips |= 1u << (Found - flipPolicyNames().begin());
        }
      } else if (Name == "tx-clones") {
        options().TxClones = true;
      } else if (Name == "reach") {
        options().Reach = true;
      } else if (Name == "no-repairs") {
        options().NoRepairs = true;
      } else if (Name == "passes") {
        options().PassesPath = Value.str();
      } else {
        Complain("Perdure's plugin has no option", Arg);
      }
    }
    if (!Good || !loadPasses(CI))
      return false;
    std::optional<EncodingFacts> Found = findEncoding(options().Encoding);
    if (Found) {
      options().EncodingNumber = Found->Number;
      return true;
    }
    DiagnosticsEngine &Diags = CI.getDiagnostics();
    Diags.Report(Diags.getCustomDiagID(DiagnosticsEngine::Error, "%0"))
        << noSuchEncoding(options().Encoding);
    return false;
  }

  ActionType getActionType() override { return AddBeforeMainAction; }
};

/// Comes after code was made of a declaration.
class AfterCode final : public PluginASTAction {
  class Restorer final : public ASTConsumer {
    bool HandleTopLevelDecl(DeclGroupRef) override {
      restoreGrayConstants();
      return true;
    }
  };
  std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &,
                                                 StringRef) override {
    return std::make_unique<Restorer>();
  }
  bool ParseArgs(const CompilerInstance &,
                 const std::vector<std::string> &) override {
    return true;
  }
  ActionType getActionType() override { return AddAfterMainAction; }
};

FrontendPluginRegistry::Add<AfterCode>
    RegisteredAfter("perdure-after-code",
                    "Perdure's part after code generation");
FrontendPluginRegistry::Add<Action>
    Registered("perdure", "makes annotated structures persistent");

} // namespace
} // namespace perdure
