//===- Hook.cpp - Has Clang call us for every declaration -----------------===//
#include "Hook.h"

#include "clang/Basic/DiagnosticSema.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Lex/Preprocessor.h"
#include "clang/Sema/Sema.h"

using namespace clang;

namespace perdure {

namespace {

/// The namespace of our push, which no program's pop matches.
constexpr const char *Namespace = "__perdure";

void pop(Sema &S) {
  // An empty TU has used no push; that is no reason to warn.
  DiagnosticsEngine &Diags = S.Diags;
  SourceLocation None;
  bool Ignored = Diags.isIgnored(diag::warn_pragma_attribute_unused, None);
  Diags.setSeverity(diag::warn_pragma_attribute_unused, diag::Severity::Ignored,
                    None);
  S.ActOnPragmaAttributePop(None, &S.Context.Idents.get(Namespace));
  if (!Ignored)
    Diags.setSeverity(diag::warn_pragma_attribute_unused,
                      diag::Severity::Warning, None);
}

} // namespace

void DeclarationHook::push(Sema &S) {
  ParsedAttr *Attribute = Attributes.addNew(
      &S.Context.Idents.get("__perdure_declared"), SourceRange(),
      AttributeScopeInfo(), nullptr, 0, ParsedAttr::Form::GNU());
  attr::ParsedSubjectMatchRuleSet Rules;
  for (attr::SubjectMatchRule Rule :
       {attr::SubjectMatchRule_record, attr::SubjectMatchRule_field,
        attr::SubjectMatchRule_variable, attr::SubjectMatchRule_function,
        attr::SubjectMatchRule_type_alias})
    Rules[Rule] = SourceRange();
  S.ActOnPragmaAttributeEmptyPush(SourceLocation(),
                                  &S.Context.Idents.get(Namespace));
  S.ActOnPragmaAttributeAttribute(*Attribute, SourceLocation(), Rules);
}

void DeclarationHook::popAtEnd(CompilerInstance &CI) {
  CI.getPreprocessor().setTokenWatcher(
      [&CI, Done = false](const Token &T) mutable {
        if (Done || !T.is(tok::eof) || !CI.hasSema())
          return;
        Done = true;
        pop(CI.getSema());
      });
}

} // namespace perdure
