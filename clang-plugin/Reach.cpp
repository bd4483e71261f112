//===- Reach.cpp - Where native pointers can be reached (-Wperdure-reach) -===//
//
// A persistent pointer may lead to a record that is not annotated. Its own
// pointers stay native, and once it lies in an object they are stale in the
// next run. That is an error nowhere, since the target may be volatile; this
// warning, off by default, lists the fields that lead to such records.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"
#include "Messages.h"
#include "Qualifier.h"

#include "clang/AST/DeclCXX.h"

using namespace clang;

namespace perdure {

namespace {
DiagnosticBuilder remark(Sema &S, const FieldDecl *Field, const char *Message) {
  return S.Diags.Report(
      Field->getLocation(),
      S.Diags.getDiagnosticIDs()->getCustomDiagID(
          {diag::Severity::Warning, Message, DiagnosticIDs::CLASS_WARNING}));
}
} // namespace

void checkReach(Sema &S, const RecordDecl *Record) {
  for (const FieldDecl *Field : Record->fields()) {
    QualType T = elementType(S.Context, Field->getType());
    if (!isPersistent(T))
      continue;
    // node **kids leads to nodes too.
    while (isPersistent(T))
      T = elementType(S.Context, T->getPointeeType());
    const RecordDecl *Target = T->getAsRecordDecl();
    if (!Target || isAnnotated(Target))
      continue;
    if (!Target->getDefinition())
      remark(S, Field,
             "%0 leads to %1, which is incomplete here: what it holds is not "
             "known [-Wperdure-reach]")
          << Field << T;
    else if (holdsNativePointers(S.Context, Target))
      remark(S, Field,
             "%0 leads to %1, which holds native pointers; annotate it "
             "[-Wperdure-reach]")
          << Field << T;
  }
}

} // namespace perdure
