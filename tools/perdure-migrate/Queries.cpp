//===- Queries.cpp - What types and well-known functions are --------------===//
#include "Queries.h"

#include "clang/AST/Attr.h"

using namespace clang;

namespace perdure::migrate {

bool isDataPointer(QualType T) {
  return !T.isNull() && T->isPointerType() && !T->isFunctionPointerType();
}

QualType element(QualType T) {
  while (!T.isNull())
    if (const ArrayType *A = T->getAsArrayTypeUnsafe())
      T = A->getElementType();
    else
      break;
  return T;
}

unsigned pointerDepth(QualType T) {
  unsigned Depth = 0;
  for (T = element(T); isDataPointer(T); T = element(T->getPointeeType()))
    ++Depth;
  return Depth;
}

bool isBytes(QualType T) {
  return T->isCharType() || T->isStdByteType() ||
         (T->isIntegerType() && !T->isEnumeralType());
}

bool isAllocator(const FunctionDecl *F) {
  if (!F || !F->getReturnType()->isVoidPointerType())
    return false;
  if (F->hasAttr<RestrictAttr>() || F->hasAttr<AllocSizeAttr>())
    return true;
  std::string Name = llvm::StringRef(F->getNameAsString()).lower();
  StringRef N = Name;
  return N.contains("alloc") || N.ends_with("dup") || N.contains("new");
}

bool isNamedLikeRealloc(const FunctionDecl *F) {
  std::string Name = llvm::StringRef(F->getNameAsString()).lower();
  return llvm::StringRef(Name).contains("realloc") || llvm::StringRef(Name).ends_with("dup");
}

StringRef plainName(const FunctionDecl *F) {
  if (!F || !F->getIdentifier())
    return "";
  StringRef Name = F->getName();
  if (Name.consume_front("__builtin_"))
    Name.consume_front("__");
  if (Name.consume_back("_chk"))
    Name.consume_front("__");
  return Name;
}

bool isNamed(const FunctionDecl *F, std::initializer_list<StringRef> Names) {
  return llvm::is_contained(Names, plainName(F));
}

bool isFree(const FunctionDecl *F) {
  if (!F || !F->getIdentifier() || F->getNumParams() != 1 ||
      !F->getParamDecl(0)->getType()->isVoidPointerType())
    return false;
  return F->getName().contains("free") || F->getName() == "perdure_near_free";
}

const Expr *written(const Expr *E) {
  while (const auto *I = dyn_cast<ImplicitCastExpr>(E->IgnoreParens())) {
    if (I->getCastKind() != CK_BitCast && I->getCastKind() != CK_NoOp)
      break;
    E = I->getSubExpr();
  }
  return E->IgnoreParens();
}

bool mayKeep(const FunctionDecl *F, unsigned Argument) {
  if (!F->getIdentifier())
    return true;
  StringRef Name = plainName(F);
  for (StringRef Start : {"mem", "str", "wcs", "wmem", "perdure_", "__builtin_",
                          "__atomic_", "__sync_", "expect", "object_size", "prefetch"})
    if (Name.starts_with(Start) || F->getName().starts_with("__builtin_"))
      return false;
  if (Name.contains("printf") || Name.contains("scanf") ||
      isNamed(F, {"free", "realloc", "reallocarray", "read", "pread", "fread", "fgets",
                  "recv", "readlink", "getcwd", "bzero", "explicit_bzero", "bcopy",
                  "qsort", "bsearch", "lfind", "lsearch", "getrandom", "madvise"}))
    return false;
  if (Argument >= F->getNumParams())
    return true;
  QualType T = F->getParamDecl(Argument)->getType();
  return T->isPointerType() && !T->getPointeeType().isConstQualified();
}

bool looksOnly(const FunctionDecl *F) {
  return isFree(F) || isNamed(F, {"realloc", "reallocarray", "memset", "bsearch",
                                  "printf", "fprintf", "madvise", "prefetch"}) ||
         (F->getIdentifier() && F->getName().starts_with("perdure_"));
}

} // namespace perdure::migrate
