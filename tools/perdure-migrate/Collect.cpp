//===- Collect.cpp - Reads a parsed file into the program -----------------===//
#include "Collect.h"

#include "Collector.h"
#include "Layout.h"

#include "clang/AST/ASTConsumer.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Frontend/FrontendAction.h"
#include "clang/Lex/Preprocessor.h"

using namespace clang;

namespace perdure::migrate {

namespace {

class Action : public ASTFrontendAction {
public:
  explicit Action(Program &P) : P(P) {}

  std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &CI,
                                                 StringRef) override {
    S = std::make_unique<Sources>(CI.getSourceManager(), CI.getLangOpts());
    CI.getPreprocessor().addPPCallbacks(readLayouts(*S, P, Files, Skipped));
    struct Consumer : ASTConsumer {
      Action &A;
      explicit Consumer(Action &A) : A(A) {}
      void HandleTranslationUnit(ASTContext &Context) override { A.read(Context); }
    };
    return std::make_unique<Consumer>(*this);
  }

private:
  void read(ASTContext &Context) {
    if (Context.getDiagnostics().hasErrorOccurred())
      return;
    Preprocessor &PP = getCompilerInstance().getPreprocessor();
    for (const auto &Macro : PP.macros())
      P.Identifiers.insert(Macro.first->getName().str());
    placeIncludes(Context, *S, P, Files);
    for (auto &[Name, L] : Files) {
      P.Files[Name].IsC |= !Context.getLangOpts().CPlusPlus;
      P.Units[Name]++;
    }
    for (auto &[Name, Ranges] : Skipped)
      for (auto [Begin, End] : Ranges)
        P.Skipped[Name][{Begin, End}]++;
    Collector(Context, P, *S).TraverseDecl(Context.getTranslationUnitDecl());
  }

  Program &P;
  std::unique_ptr<Sources> S;
  Layouts Files;
  SkippedText Skipped;
};

} // namespace

std::unique_ptr<tooling::FrontendActionFactory> collector(Program &P) {
  struct Factory : tooling::FrontendActionFactory {
    Program &P;
    explicit Factory(Program &P) : P(P) {}
    std::unique_ptr<FrontendAction> create() override {
      return std::make_unique<Action>(P);
    }
  };
  return std::make_unique<Factory>(P);
}

} // namespace perdure::migrate
