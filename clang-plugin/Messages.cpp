//===- Messages.cpp - Clang's messages in our words -----------------------===//
#include "Messages.h"


using namespace clang;

namespace perdure {

namespace {

/// `node *__ptrauth(2,1,23808)` -> `node *persistent`, and Clang's sentences
/// about the qualifier as sentences about persistent pointers.
std::string reword(StringRef Text) {
  std::string Out;
  while (!Text.empty()) {
    size_t At = Text.find("__ptrauth");
    Out += Text.take_front(At);
    if (At == StringRef::npos)
      break;
    Text = Text.drop_front(At + StringRef("__ptrauth").size());
    if (Text.consume_front("("))
      Text = Text.drop_front(std::min(Text.find(')'), Text.size() - 1) + 1);
    Out += "persistent";
  }
  for (auto [From, To] : {std::pair<StringRef, StringRef>
           {"'persistent'-qualified type", "the persistent pointer type"},
           {"pointer authentication qualifier", "persistent pointer"},
           {"pointer authentication", "persistence"}})
    for (size_t At; (At = Out.find(From)) != std::string::npos;)
      Out.replace(At, From.size(), To);
  return Out;
}

/// Forwards to the consumer that Clang installed, which keeps doing its work
/// (text, SARIF, -verify, serialised files).
class Rewriter final : public DiagnosticConsumer {
public:
  Rewriter(std::unique_ptr<DiagnosticConsumer> Owned, DiagnosticConsumer &Next)
      : Owned(std::move(Owned)), Next(Next) {}

  void BeginSourceFile(const LangOptions &Lang, const Preprocessor *P) override {
    Next.BeginSourceFile(Lang, P);
  }
  void EndSourceFile() override { Next.EndSourceFile(); }
  void finish() override { Next.finish(); }
  bool IncludeInDiagnosticCounts() const override {
    return Next.IncludeInDiagnosticCounts();
  }
  void clear() override {
    DiagnosticConsumer::clear();
    Next.clear();
  }

  void HandleDiagnostic(DiagnosticsEngine::Level Level,
                        const Diagnostic &Info) override {
    DiagnosticConsumer::HandleDiagnostic(Level, Info);
    SmallString<256> Text;
    Info.FormatDiagnostic(Text);
    if (!StringRef(Text).contains("ptrauth") &&
        !StringRef(Text).contains("pointer authentication")) {
      Next.HandleDiagnostic(Level, Info);
      return;
    }
    // The same diagnostic, with its text already made.
    DiagnosticStorage Storage;
    Storage.DiagRanges.assign(Info.getRanges().begin(), Info.getRanges().end());
    Storage.FixItHints.assign(Info.getFixItHints().begin(),
                              Info.getFixItHints().end());
    std::string New = reword(Text);
    Next.HandleDiagnostic(Level, Diagnostic(Info.getDiags(), Info.getLocation(),
                                            Info.getID(), Storage, New));
  }

private:
  std::unique_ptr<DiagnosticConsumer> Owned;
  DiagnosticConsumer &Next;
};

} // namespace

void rewriteMessages(DiagnosticsEngine &Diags) {
  DiagnosticConsumer *Old = Diags.getClient();
  std::unique_ptr<DiagnosticConsumer> Owned = Diags.takeClient();
  Diags.setClient(new Rewriter(std::move(Owned), *Old), /*ShouldOwn=*/true);
}

} // namespace perdure
