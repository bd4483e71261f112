//===- Messages.cpp - Clang's messages in our words -----------------------===//
#include "Messages.h"

#include "Encodings.h"
#include "Options.h"
#include "Qualifier.h"

#include "clang/Basic/DiagnosticSema.h"

using namespace clang;

namespace perdure {

namespace {

#define PERDURE_ABI_NUMBER(Name, Value, Doc)                                   \
  [[maybe_unused]] constexpr unsigned Abi##Name = Value;
#include "perdure/abi.def"

/// What names the encoding with this discriminator: nothing for the TU's own.
std::string encodingSuffix(unsigned Discriminator) {
  unsigned Encoding = Discriminator - AbiDiscriminator;
  if (Encoding > 0xFF || Encoding == options().EncodingNumber)
    return "";
  return "(\"" + encodingName(Encoding) + "\")";
}

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
    Out += "persistent";
    if (Text.consume_front("(")) {
      size_t End = std::min(Text.find(')'), Text.size() - 1);
      unsigned Discriminator = 0;
      if (!Text.take_front(End).rsplit(',').second.getAsInteger(10,
                                                                Discriminator))
        Out += encodingSuffix(Discriminator);
      Text = Text.drop_front(End + 1);
    }
  }
  for (auto [From, To] :
       {std::pair<StringRef, StringRef>{"'persistent'-qualified type",
                                        "the persistent pointer type"},
        {"pointer authentication qualifier", "persistent pointer"},
        {"pointer authentication", "persistence"},
        {"drops unqualified qualifiers", "drops its persistence"},
        {"may not be qualified with 'persistent'",
         "cannot be a persistent pointer; name the native one"}})
    for (size_t At; (At = Out.find(From)) != std::string::npos;)
      Out.replace(At, From.size(), To);
  return Out;
}

/// What a message of Clang's leaves out: the way to write it.
class Advice {
public:
  Advice(const Diagnostic &Info, bool CPlusPlus) : CPlusPlus(CPlusPlus) {
    for (unsigned I = 0; I != Info.getNumArgs(); ++I)
      if (Info.getArgKind(I) == DiagnosticsEngine::ak_qualtype)
        add(QualType::getFromOpaquePtr(
            reinterpret_cast<void *>(Info.getRawArg(I))));
    // Clang names the destination first where it assigns or initialises.
    if (Info.getID() == diag::err_typecheck_incompatible_ptrauth &&
        Info.getRawArg(2) != 0 && Info.getRawArg(2) != 4)
      IsDestination = !IsDestination;
  }

  std::string text(unsigned ID) const {
    if (!Pointee.isNull() && ID == diag::note_ovl_candidate_bad_ptrauth)
      return "; declare the parameter as " + alias();
    if (ID == diag::note_ovl_candidate_bad_ptrauth ||
        ID == diag::err_lvalue_to_rvalue_ref)
      return "; write '+' before the pointer to pass its value";
    if (Other.isNull())
      return "";
    if (!Pointee.isNull() && Other->isVoidPointerType() && IsDestination)
      return "; cast the 'void *' to it, if that is what lies there";
    if (!Pointee.isNull() && Other->isVoidPointerType())
      return "; cast it to 'void *' to handle the bits as bytes; "
             "perdure_memmove and perdure_qsort re-encode";
    if (!Pointee.isNull() && Other->isPointerType())
      return "; declare it as " + alias();
    if (!Loaded.isNull() && Other->isPointerType())
      return "; a reference to it is " + alias("&") +
             " or 'auto &', and '+' before the pointer gives its value";
    return "";
  }

private:
  void add(QualType T) {
    QualType Inner = T->getPointeeType();
    while (!Inner.isNull() && Inner->isArrayType())
      Inner = QualType(Inner->getArrayElementTypeNoTypeQual(), 0);
    if (!Inner.isNull() && isPersistent(Inner)) {
      IsDestination = Other.isNull();
      Pointee = Inner;
    } else if (isPersistent(T))
      Loaded = T;
    else
      Other = T;
  }

  /// How a program names the address, or a reference, of such a pointer.
  std::string alias(StringRef Mark = "*") const {
    QualType Pointer = Pointee.isNull() ? Loaded : Pointee;
    QualType Target = Pointer->getPointeeType();
    std::string Suffix = encodingSuffix(AbiDiscriminator + encodingOf(Pointer));
    std::string Macro = Suffix.empty() ? "PERDURE" : "PERDURE_ENCODED" + Suffix;
    PrintingPolicy Policy{LangOptions()};
    Policy.SuppressTagKeyword = CPlusPlus;
    std::string Name = Target.getAsString(Policy);
    if (CPlusPlus && Suffix.empty())
      return "'perdure::ptr<" + Name + "> " + Mark.str() + "'";
    std::string Alias = StringRef(Name).rsplit(' ').second.str();
    if (Alias.empty() || !isalpha(static_cast<unsigned char>(Alias.back())))
      Alias = Target->isPointerType() ? "T" : Name;
    Alias += "_ref";
    if (CPlusPlus)
      return "'" + Alias + " " + Mark.str() + "', where 'using " + Alias + " " +
             Macro + " = " + Name + (Target->isPointerType() ? "*" : " *") +
             ";'";
    return "'" + Alias + " " + Mark.str() + "', where 'typedef " + Name +
           (Target->isPointerType() ? "*" : " *") + Alias + " " + Macro + ";'";
  }

  bool CPlusPlus;
  QualType Pointee;           ///< of the pointer to a persistent pointer
  QualType Loaded;            ///< a persistent pointer itself
  QualType Other;             ///< what it meets
  bool IsDestination = false; ///< is it Pointee's type that is asked for?
};

/// Sentences that say nothing to who does not know the qualifier.
const char *replacement(unsigned ID) {
  switch (ID) {
  case diag::err_atomic_op_needs_non_address_discriminated_pointer:
    return "the atomic builtins cannot access a persistent pointer; use "
           "perdure_atomic_load, _store, _exchange and _compare_exchange, or "
           "perdure::atomic_ptr";
  case diag::err_atomic_op_needs_atomic:
    return "a persistent pointer is no _Atomic type; use perdure_atomic_load, "
           "_store, _exchange and _compare_exchange on it, or "
           "perdure::atomic_ptr";
  case diag::err_atomic_specifier_bad_type:
    return "a persistent pointer cannot be _Atomic; use a plain one with "
           "perdure_atomic_load, _store, _exchange and _compare_exchange, or "
           "perdure::atomic_ptr";
  default:
    return nullptr;
  }
}

/// Forwards to the consumer that Clang installed, which keeps doing its work
/// (text, SARIF, -verify, serialised files).
class Rewriter final : public DiagnosticConsumer {
public:
  Rewriter(std::unique_ptr<DiagnosticConsumer> Owned, DiagnosticConsumer &Next,
           bool CPlusPlus)
      : Owned(std::move(Owned)), Next(Next), CPlusPlus(CPlusPlus) {}

  void BeginSourceFile(const LangOptions &Lang,
                       const Preprocessor *P) override {
    Next.BeginSourceFile(Lang, P);
  }
  void EndSourceFile() override {
    Next.EndSourceFile();
    count();
  }
  void finish() override {
    Next.finish();
    count();
  }
  bool IncludeInDiagnosticCounts() const override {
    return Next.IncludeInDiagnosticCounts();
  }
  void clear() override {
    Next.clear();
    count();
  }

  void HandleDiagnostic(DiagnosticsEngine::Level Level,
                        const Diagnostic &Info) override {
    handle(Level, Info);
    count();
  }

private:
  /// What is an error is for the other to say: -verify counts differently.
  void count() {
    NumErrors = Next.getNumErrors();
    NumWarnings = Next.getNumWarnings();
  }

  void handle(DiagnosticsEngine::Level Level, const Diagnostic &Info) {
    SmallString<256> Text;
    Info.FormatDiagnostic(Text);
    if (!StringRef(Text).contains("ptrauth") &&
        !StringRef(Text).contains("pointer authentication")) {
      // An alias hides the qualifier, but not what the message is about.
      if (const char *New = replacement(Info.getID());
          New && aboutPersistent(Info))
        forward(Level, Info, New);
      else
        Next.HandleDiagnostic(Level, Info);
      return;
    }
    if (const char *New = replacement(Info.getID()))
      return forward(Level, Info, New);
    std::string New = reword(Text);
    bool Clangs = Info.getID() < diag::DIAG_UPPER_LIMIT;
    if ((Clangs && Level >= DiagnosticsEngine::Error) ||
        Info.getID() == diag::note_ovl_candidate_bad_ptrauth ||
        Info.getID() == diag::note_ovl_candidate_bad_conv)
      New += Advice(Info, CPlusPlus).text(Info.getID());
    forward(Level, Info, New);
  }

  static bool aboutPersistent(const Diagnostic &Info) {
    for (unsigned I = 0; I != Info.getNumArgs(); ++I) {
      if (Info.getArgKind(I) != DiagnosticsEngine::ak_qualtype)
        continue;
      QualType T = QualType::getFromOpaquePtr(
          reinterpret_cast<void *>(Info.getRawArg(I)));
      if (isPersistent(T) ||
          (!T->getPointeeType().isNull() && isPersistent(T->getPointeeType())))
        return true;
    }
    return false;
  }

  /// The same diagnostic, with its text already made. No fix-it of Clang's
  /// knows what a persistent pointer needs.
  void forward(DiagnosticsEngine::Level Level, const Diagnostic &Info,
               StringRef Text) {
    DiagnosticStorage Storage;
    Storage.DiagRanges.assign(Info.getRanges().begin(), Info.getRanges().end());
    Next.HandleDiagnostic(Level, Diagnostic(Info.getDiags(), Info.getLocation(),
                                            Info.getID(), Storage, Text));
  }

  std::unique_ptr<DiagnosticConsumer> Owned;
  DiagnosticConsumer &Next;
  bool CPlusPlus;
};

} // namespace

DiagnosticBuilder report(Sema &S, SourceLocation Loc,
                         DiagnosticsEngine::Level Level, const char *Message) {
  DiagnosticIDs &IDs = *S.Diags.getDiagnosticIDs();
  if (Level != Warning)
    return S.Diags.Report(
        Loc,
        IDs.getCustomDiagID(static_cast<DiagnosticIDs::Level>(Level), Message));
  return S.Diags.Report(
      Loc, IDs.getCustomDiagID(
               {diag::Severity::Warning, Message, DiagnosticIDs::CLASS_WARNING,
                /*ShowInSystemHeader=*/false,
                /*ShowInSystemMacro=*/true, diag::Group::NonTrivialMemaccess}));
}

void rewriteMessages(DiagnosticsEngine &Diags, const LangOptions &Lang) {
  DiagnosticConsumer *Old = Diags.getClient();
  std::unique_ptr<DiagnosticConsumer> Owned = Diags.takeClient();
  Diags.setClient(new Rewriter(std::move(Owned), *Old, Lang.CPlusPlus),
                  /*ShouldOwn=*/true);
}

} // namespace perdure
