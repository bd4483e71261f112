//===- TrivialCopies.cpp - Copies that Clang wrongly takes for trivial ----===//
//
// Clang 22 takes the defaulted copy and move members of a class with a
// qualified field for trivial and copies such a class as bytes, which would
// leave every pointer as it was at its old address. The members are made
// non-trivial here, which makes Clang define them member by member, and the
// class is passed in memory. test/bugs/trivial-copy.cpp tells when Clang does
// so by itself.
//
//===----------------------------------------------------------------------===//
#include "Annotations.h"
#include "Options.h"
#include "Qualifier.h"

#include "clang/AST/DeclCXX.h"

using namespace clang;

namespace perdure {

namespace {
bool copiesPersistent(const CXXRecordDecl *Class) {
  const ASTContext &Context = Class->getASTContext();
  for (const FieldDecl *Field : Class->fields()) {
    QualType T = elementType(Context, Field->getType());
    if (isPersistent(T))
      return true;
    if (const auto *R = T->getAsCXXRecordDecl();
        R && R->hasDefinition() && copiesPersistent(R->getDefinition()))
      return true;
  }
  for (const CXXBaseSpecifier &Base : Class->bases())
    if (const auto *R = Base.getType()->getAsCXXRecordDecl();
        R && R->hasDefinition() && copiesPersistent(R->getDefinition()))
      return true;
  return false;
}

bool isCopy(const CXXMethodDecl *Method) {
  if (const auto *C = dyn_cast<CXXConstructorDecl>(Method))
    return C->isCopyOrMoveConstructor();
  return Method->isCopyAssignmentOperator() ||
         Method->isMoveAssignmentOperator();
}
} // namespace

void deriveTrivialityAgain(CXXRecordDecl *Class) {
  SmallVector<Decl *, 16> Members(Class->decls());
  for (Decl *D : Members)
    Class->removeDecl(D);
  for (Decl *D : Members) {
    Class->addHiddenDecl(D);
    if (auto *Named = dyn_cast<NamedDecl>(D))
      Class->makeDeclVisibleInContext(Named);
  }
}

void repairTrivialCopies(CXXRecordDecl *Class) {
  if (options().NoRepairs || Class->isDependentContext() ||
      !copiesPersistent(Class))
    return;
  bool Changed = false;
  for (CXXMethodDecl *Method : Class->methods())
    if (isCopy(Method) && Method->isDefaulted() && Method->isTrivial()) {
      Method->setTrivial(false);
      Method->setTrivialForCall(false);
      Class->finishedDefaultedOrDeletedMember(Method);
      Changed = true;
    }
  Class->setArgPassingRestrictions(RecordArgPassingKind::CanNeverPassInRegs);
  if (Changed)
    deriveTrivialityAgain(Class);
}

} // namespace perdure
