//===- Attributes.cpp - The attributes' spellings and subjects ------------===//
#include "Annotations.h"

#include "clang/Sema/ParsedAttr.h"
#include "clang/Sema/Sema.h"

using namespace clang;

namespace {

using Rules = SmallVectorImpl<std::pair<attr::SubjectMatchRule, bool>>;

/// What ours have in common: any language, no arguments unless they say so, and
/// a place in
/// `#pragma clang attribute`.
struct PerdureAttr : ParsedAttrInfo {
  PerdureAttr(ArrayRef<Spelling> Names) {
    Spellings = Names;
    IsSupportedByPragmaAttribute = 1;
  }
  bool diagAppertainsToDecl(Sema &, const ParsedAttr &,
                            const Decl *) const override {
    return true; // the handlers say it in our words
  }
};

/// `[[perdure::persistent]]`, `PERDURE`.
struct PersistentAttr final : PerdureAttr {
  static constexpr Spelling Names[] = {
      {ParsedAttr::AS_GNU, "perdure_persistent"},
      {ParsedAttr::AS_CXX11, "perdure::persistent"},
      {ParsedAttr::AS_C23, "perdure::persistent"}};
  PersistentAttr() : PerdureAttr(Names) {
    OptArgs = 1; // the name of an encoding
  }

  void getPragmaAttributeMatchRules(Rules &R,
                                    const LangOptions &) const override {
    R.push_back({attr::SubjectMatchRule_record, true});
    R.push_back({attr::SubjectMatchRule_field, true});
    R.push_back({attr::SubjectMatchRule_variable, true});
    R.push_back({attr::SubjectMatchRule_type_alias, true});
  }
  AttrHandling handleDeclAttribute(Sema &S, Decl *D,
                                   const ParsedAttr &Attr) const override {
    perdure::annotate(S, D, Attr);
    return AttributeApplied;
  }
};

/// Clang parses the arguments of [[scope::name(...)]] only where it knows the
/// name, and asks plugins without the scope. Nobody means this one by itself.
struct UnscopedPersistentAttr final : PerdureAttr {
  static constexpr Spelling Names[] = {{ParsedAttr::AS_CXX11, "persistent"},
                                       {ParsedAttr::AS_C23, "persistent"}};
  UnscopedPersistentAttr() : PerdureAttr(Names) { OptArgs = 15; }

  AttrHandling handleDeclAttribute(Sema &S, Decl *,
                                   const ParsedAttr &Attr) const override {
    unsigned ID = S.Diags.getCustomDiagID(
        DiagnosticsEngine::Warning,
        "unknown attribute 'persistent' ignored; Perdure's is "
        "'perdure::persistent'");
    S.Diag(Attr.getLoc(), ID);
    return AttributeNotApplied;
  }
};

/// `[[perdure::transient]]`, `PERDURE_TRANSIENT`.
struct TransientAttr final : PerdureAttr {
  static constexpr Spelling Names[] = {
      {ParsedAttr::AS_GNU, "perdure_transient"},
      {ParsedAttr::AS_CXX11, "perdure::transient"},
      {ParsedAttr::AS_C23, "perdure::transient"}};
  TransientAttr() : PerdureAttr(Names) {}

  AttrHandling handleDeclAttribute(Sema &S, Decl *D,
                                   const ParsedAttr &Attr) const override {
    if (auto *F = dyn_cast<FieldDecl>(D)) {
      perdure::markTransient(F);
      return AttributeApplied;
    }
    unsigned ID = S.Diags.getCustomDiagID(
        DiagnosticsEngine::Error,
        "'transient' keeps a field of an annotated record native; it has no "
        "meaning here");
    S.Diag(Attr.getLoc(), ID);
    return AttributeNotApplied;
  }
};

/// `[[perdure::gray]]`, `PERDURE_GRAY`.
struct GrayAttr final : PerdureAttr {
  static constexpr Spelling Names[] = {{ParsedAttr::AS_GNU, "perdure_gray"},
                                       {ParsedAttr::AS_CXX11, "perdure::gray"},
                                       {ParsedAttr::AS_C23, "perdure::gray"}};
  GrayAttr() : PerdureAttr(Names) { IsSupportedByPragmaAttribute = 0; }

  AttrHandling handleDeclAttribute(Sema &S, Decl *D,
                                   const ParsedAttr &Attr) const override {
    return perdure::markGray(S, D, Attr.getLoc()) ? AttributeApplied
                                                  : AttributeNotApplied;
  }
};

/// `[[perdure::references]]`, for regions.
struct ReferencesAttr final : PerdureAttr {
  static constexpr Spelling Names[] = {
      {ParsedAttr::AS_GNU, "perdure_references"},
      {ParsedAttr::AS_CXX11, "perdure::references"},
      {ParsedAttr::AS_C23, "perdure::references"}};
  ReferencesAttr() : PerdureAttr(Names) {}

  void getPragmaAttributeMatchRules(Rules &R,
                                    const LangOptions &) const override {
    R.push_back({attr::SubjectMatchRule_variable, true});
    R.push_back({attr::SubjectMatchRule_function, true});
    R.push_back({attr::SubjectMatchRule_field, true});
  }
  AttrHandling handleDeclAttribute(Sema &S, Decl *D,
                                   const ParsedAttr &) const override {
    perdure::referToPersistent(S, D);
    return AttributeApplied;
  }
};

/// The three attributes of transactions. What each means is said to the passes
/// by an annotation, which works on declarations, definitions and templates.
struct TransactionAttr : PerdureAttr {
  perdure::TransactionRole Role;
  TransactionAttr(ArrayRef<Spelling> Names, perdure::TransactionRole Role)
      : PerdureAttr(Names), Role(Role) {}

  void getPragmaAttributeMatchRules(Rules &R,
                                    const LangOptions &) const override {
    R.push_back({attr::SubjectMatchRule_function, true});
  }
  AttrHandling handleDeclAttribute(Sema &S, Decl *D,
                                   const ParsedAttr &Attr) const override {
    return perdure::markTransaction(S, D, Attr, Role) ? AttributeApplied
                                                      : AttributeNotApplied;
  }
};

/// `[[perdure::transaction]]`, `PERDURE_TRANSACTION`.
struct WholeTransactionAttr final : TransactionAttr {
  static constexpr Spelling Names[] = {
      {ParsedAttr::AS_GNU, "perdure_transaction"},
      {ParsedAttr::AS_CXX11, "perdure::transaction"},
      {ParsedAttr::AS_C23, "perdure::transaction"}};
  WholeTransactionAttr()
      : TransactionAttr(Names, perdure::TransactionRole::Transaction) {}
};

/// `[[perdure::in_transaction]]`, `PERDURE_IN_TRANSACTION`.
struct InTransactionAttr final : TransactionAttr {
  static constexpr Spelling Names[] = {
      {ParsedAttr::AS_GNU, "perdure_in_transaction"},
      {ParsedAttr::AS_CXX11, "perdure::in_transaction"},
      {ParsedAttr::AS_C23, "perdure::in_transaction"}};
  InTransactionAttr()
      : TransactionAttr(Names, perdure::TransactionRole::InTransaction) {}
};

/// `[[perdure::tx_safe]]`, `PERDURE_TX_SAFE`.
struct TransactionSafeAttr final : TransactionAttr {
  static constexpr Spelling Names[] = {
      {ParsedAttr::AS_GNU, "perdure_tx_safe"},
      {ParsedAttr::AS_CXX11, "perdure::tx_safe"},
      {ParsedAttr::AS_C23, "perdure::tx_safe"}};
  TransactionSafeAttr()
      : TransactionAttr(Names, perdure::TransactionRole::Safe) {}
};

/// Lies over the whole TU: the plugin's hook on every declaration (Hook.h). No
/// program writes it.
struct DeclaredAttr final : PerdureAttr {
  static constexpr Spelling Names[] = {
      {ParsedAttr::AS_GNU, "__perdure_declared"}};
  DeclaredAttr() : PerdureAttr(Names) {}

  void getPragmaAttributeMatchRules(Rules &R,
                                    const LangOptions &) const override {
    R.push_back({attr::SubjectMatchRule_record, true});
    R.push_back({attr::SubjectMatchRule_field, true});
    R.push_back({attr::SubjectMatchRule_variable, true});
    R.push_back({attr::SubjectMatchRule_function, true});
    R.push_back({attr::SubjectMatchRule_type_alias, true});
  }
  AttrHandling handleDeclAttribute(Sema &S, Decl *D,
                                   const ParsedAttr &) const override {
    perdure::declared(S, D);
    return AttributeApplied;
  }
};

ParsedAttrInfoRegistry::Add<PersistentAttr>
    P("perdure_persistent", "pointer fields are persistent pointers");
ParsedAttrInfoRegistry::Add<UnscopedPersistentAttr>
    U("persistent", "has Clang parse the arguments of perdure::persistent");
ParsedAttrInfoRegistry::Add<TransientAttr>
    T("perdure_transient", "a field of an annotated record stays native");
ParsedAttrInfoRegistry::Add<GrayAttr> G("perdure_gray",
                                        "a number is stored as its Gray code");
ParsedAttrInfoRegistry::Add<ReferencesAttr>
    R("perdure_references", "pointers to pointers to annotated records");
ParsedAttrInfoRegistry::Add<WholeTransactionAttr>
    W("perdure_transaction", "the function is a transaction");
ParsedAttrInfoRegistry::Add<InTransactionAttr>
    I("perdure_in_transaction", "the function runs inside transactions");
ParsedAttrInfoRegistry::Add<TransactionSafeAttr>
    F("perdure_tx_safe", "transactions call the function as it is");
ParsedAttrInfoRegistry::Add<DeclaredAttr> D("__perdure_declared",
                                            "the plugin's own hook");

} // namespace
