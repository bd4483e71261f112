//===- RawCopies.cpp - Bytes that functions copy, compare or keep ---------===//
//
// The bits of a persistent pointer keep their meaning anywhere in the same
// object and anywhere in volatile memory, but not from one to another. Those of
// encodings that are not movable hold at one place alone: memcpy, memmove,
// qsort and realloc of such are errors. For all others:
//
//  - memcpy, memmove: warn when one side is typed as a record that holds
//    persistent pointers, or as persistent pointers, unless both sides start
//    from the same variable or field (then it is one array), or both from
//    local or global variables, which are volatile.
//  - memset: warns for any value but zero. Null is zero.
//  - memcmp: warns for annotated records and persistent pointers: equal
//    pointers need not have equal bits, nor padding.
//  - qsort: its temporary is volatile, so it warns unless the array is a
//    variable.
//  - free, realloc (volatile before and after), prefetch, operators delete and
//    whatever else only looks at the address: never.
//  - any other function that takes an annotated record or persistent pointers
//    as `void *`: warns, since type-erased containers memcpy what they get,
//    unless its body shows that it does not, or it also takes a function, whose
//    context the pointer then is, or it is Perdure's own.
//
// An explicit cast to `void *` says that it is meant, and silences all but
// errors. Nothing is said inside system headers.
//
// Clang's own two warnings about memcpy are switched off (Plugin.cpp), since
// they warn about memset to zero and advise a cast. For classes that are none
// of ours they are given here, as Clang gives them.
//
//===----------------------------------------------------------------------===//
#include "Uses.h"

#include "Annotations.h"
#include "Encodings.h"
#include "Messages.h"
#include "Qualifier.h"

#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Basic/Builtins.h"
#include "clang/Basic/SourceManager.h"
#include "llvm/ADT/StringSet.h"

using namespace clang;

namespace perdure {

namespace {

/// The argument as it was written. PERDURE__BYTES of <perdure/arrays.h> wraps
/// it as __builtin_assume_aligned(1 ? argument : (void *)0, 1).
const Expr *asWritten(const Expr *Argument) {
  const auto *Call = dyn_cast<CallExpr>(Argument->IgnoreParenImpCasts());
  if (!Call || Call->getBuiltinCallee() != Builtin::BI__builtin_assume_aligned)
    return Argument;
  const Expr *Pointer = Call->getArg(0)->IgnoreParenImpCasts();
  if (const auto *Choice = dyn_cast<ConditionalOperator>(Pointer);
      Choice && isa<IntegerLiteral>(Choice->getCond()->IgnoreParenImpCasts()))
    return Choice->getTrueExpr();
  return Pointer;
}

/// What an argument says of its pointee, before it became a `void *`.
QualType pointeeOf(const Expr *Argument) {
  QualType T = asWritten(Argument)->IgnoreParenImpCasts()->getType();
  if (T->isArrayType())
    return T;
  return T->getPointeeType();
}

/// Are there persistent pointers in a value of this type, as far as it tells?
bool holdsOurs(Sema &S, QualType Pointee) {
  if (Pointee.isNull())
    return false;
  return isPersistent(elementType(S.Context, Pointee)) ||
         holdsPersistentPointers(S.Context, Pointee);
}

/// The first encoding in such a value whose bits hold at one place alone, or in
/// one of volatile memory.
std::optional<EncodingFacts> immovableIn(const ASTContext &Context, QualType T,
                                         bool InVolatile) {
  if (T.isNull())
    return std::nullopt;
  T = elementType(Context, T);
  if (isPersistent(T)) {
    std::optional<EncodingFacts> E = findEncoding(encodingOf(T));
    if (E && (!E->MovableInVolatile || (!InVolatile && !E->Movable)))
      return E;
    return std::nullopt;
  }
  const RecordDecl *Record = T->getAsRecordDecl();
  Record = Record ? Record->getDefinition() : nullptr;
  if (!Record)
    return std::nullopt;
  if (const auto *Class = dyn_cast<CXXRecordDecl>(Record))
    for (const CXXBaseSpecifier &Base : Class->bases())
      if (auto E = immovableIn(Context, Base.getType(), InVolatile))
        return E;
  for (const FieldDecl *Field : Record->fields())
    if (auto E = immovableIn(Context, Field->getType(), InVolatile))
      return E;
  return std::nullopt;
}

/// Says that a function moves bits that cannot be moved; true if so.
bool refuseMove(Sema &S, const Expr *Argument, const FunctionDecl *Callee,
                bool InVolatile, StringRef Way) {
  std::optional<EncodingFacts> E =
      immovableIn(S.Context, pointeeOf(Argument), InVolatile);
  if (E)
    report(S, Argument->getExprLoc(), Error,
           "%0 moves persistent pointers of the encoding '%1' as bytes, which "
           "hold at one place alone; %2")
        << Callee << E->Name << Way;
  return E.has_value();
}

/// An annotated record, with or without pointers, or persistent pointers.
bool isOurs(Sema &S, QualType Pointee) {
  return !Pointee.isNull() && (isAnnotated(elementType(S.Context, Pointee)) ||
                               holdsOurs(S, Pointee));
}

/// The variable or field that an address is computed from.
struct Root {
  const ValueDecl *Base = nullptr;  ///< the variable
  const ValueDecl *Field = nullptr; ///< the field in what it leads to
  bool IsItself = false;            ///< the variable, not what it points to

  bool operator==(const Root &O) const {
    return Base && Base == O.Base && Field == O.Field && IsItself == O.IsItself;
  }
};

Root rootOf(const Expr *E) {
  Root R;
  bool Dereferenced = false;
  E = asWritten(E);
  for (;;) {
    E = E->IgnoreParenCasts();
    if (const auto *U = dyn_cast<UnaryOperator>(E)) {
      Dereferenced |= U->getOpcode() == UO_Deref;
      E = U->getSubExpr();
    } else if (const auto *A = dyn_cast<ArraySubscriptExpr>(E)) {
      Dereferenced |=
          !A->getBase()->IgnoreParenImpCasts()->getType()->isArrayType();
      E = A->getBase();
    } else if (const auto *B = dyn_cast<BinaryOperator>(E);
               B && B->isAdditiveOp()) {
      E = B->getLHS()->getType()->isPointerType() ? B->getLHS() : B->getRHS();
    } else if (const auto *M = dyn_cast<MemberExpr>(E)) {
      if (!R.Field)
        R.Field = M->getMemberDecl();
      Dereferenced |= M->isArrow();
      E = M->getBase();
    } else {
      break;
    }
  }
  if (const auto *D = dyn_cast<DeclRefExpr>(E)) {
    R.Base = D->getDecl();
    QualType T = R.Base->getType();
    R.IsItself =
        !Dereferenced && !T->isReferenceType() && !T->isAnyPointerType();
  }
  return R;
}

/// Is the address that of a variable, on the stack or static?
bool isVariable(const Expr *E) {
  Root R = rootOf(E);
  return R.IsItself && isa<VarDecl>(R.Base);
}

bool isZero(Sema &S, const Expr *E) {
  Expr::EvalResult Result;
  return !E->isValueDependent() && E->EvaluateAsInt(Result, S.Context) &&
         Result.Val.getInt() == 0;
}

/// Does the body of a function treat what the parameter points to as bytes? It
/// does when it hands it to a function that takes `void *` and that is not
/// visible, or casts it to bytes.
class BytesFinder : public RecursiveASTVisitor<BytesFinder> {
public:
  BytesFinder(const ParmVarDecl *Param, unsigned Depth)
      : Param(Param), Depth(Depth) {}

  static bool find(const FunctionDecl *Callee, unsigned Index, unsigned Depth);

  bool VisitCallExpr(CallExpr *Call) {
    for (unsigned I = 0; I != Call->getNumArgs(); ++I) {
      const Expr *Argument = Call->getArg(I);
      const FunctionDecl *Callee = Call->getDirectCallee();
      if (!Callee || I >= Callee->getNumParams() || !isParam(Argument))
        continue;
      Found |= find(Callee, I, Depth + 1);
    }
    return !Found;
  }
  bool VisitCastExpr(CastExpr *Cast) {
    QualType To = Cast->getType()->getPointeeType();
    Found |= !To.isNull() && To->isCharType() && isParam(Cast->getSubExpr());
    return !Found;
  }

private:
  bool isParam(const Expr *E) const {
    const auto *Ref = dyn_cast<DeclRefExpr>(E->IgnoreParenCasts());
    return Ref && Ref->getDecl() == Param;
  }

  const ParmVarDecl *Param;
  unsigned Depth;
  bool Found = false;
};

/// Functions that look at an address, not at what lies there.
bool looksAtAddressOnly(const FunctionDecl *Callee) {
  static const llvm::StringSet<> Names = {
      "free",    "cfree",        "realloc",  "reallocarray",
      "munmap",  "mremap",       "msync",    "madvise",
      "mlock",   "munlock",      "mprotect", "mincore",
      "tsearch", "tfind",        "tdelete",  "malloc_usable_size",
      "bsearch", "posix_madvise"};
  if (Callee->getOverloadedOperator() == OO_Delete ||
      Callee->getOverloadedOperator() == OO_Array_Delete ||
      Callee->getOverloadedOperator() == OO_New ||
      Callee->getOverloadedOperator() == OO_Array_New)
    return true;
  if (!Callee->getIdentifier())
    return false;
  StringRef Name = Callee->getName();
  if (Name.starts_with("perdure_") || Name.starts_with("__perdure_") ||
      Name.starts_with("__asan_") || Name.starts_with("__sanitizer_") ||
      Name.starts_with("__tsan_") || Name.starts_with("__msan_") ||
      Name.starts_with("pthread_"))
    return true;
  if (Callee->getBuiltinID() && !Callee->getMemoryFunctionKind())
    return Name != "fwrite" && Name != "fread";
  return Names.contains(Name);
}

bool BytesFinder::find(const FunctionDecl *Callee, unsigned Index,
                       unsigned Depth) {
  if (looksAtAddressOnly(Callee))
    return false;
  const FunctionDecl *Body = nullptr;
  if (Depth > 4 || !Callee->hasBody(Body))
    return Callee->getParamDecl(Index)->getType()->isVoidPointerType();
  BytesFinder Finder(Body->getParamDecl(Index), Depth);
  Finder.TraverseStmt(Body->getBody());
  return Finder.Found;
}

void warnBytes(Sema &S, const Expr *Argument, const FunctionDecl *Callee,
               StringRef Way) {
  QualType T = pointeeOf(Argument);
  report(S, Argument->getExprLoc(), Warning,
         isPersistent(elementType(S.Context, T))
             ? "%0 gets persistent pointers (%1) as bytes, whose meaning "
               "depends on where they lie; %2"
             : "%0 gets the annotated record %1 as bytes, and the bits of "
               "persistent pointers depend on where they lie; %2")
      << Callee << elementType(S.Context, T) << Way;
}

/// Clang's warning about classes that are none of ours.
void warnAsClang(Sema &S, const CallExpr *Call, const FunctionDecl *Callee) {
  if (!S.getLangOpts().CPlusPlus)
    return;
  QualType T = pointeeOf(Call->getArg(0));
  if (T.isNull() || !T->isRecordType() ||
      !T->getAsRecordDecl()->getDefinition() ||
      T.isTriviallyCopyableType(S.Context))
    return;
  S.Diags.Report(
      Call->getArg(0)->getExprLoc(),
      S.Diags.getDiagnosticIDs()->getCustomDiagID(
          {diag::Severity::Warning,
           "first argument in call to %0 is a pointer to "
           "non-trivially copyable type %1",
           DiagnosticIDs::CLASS_WARNING,
           /*ShowInSystemHeader=*/false,
           /*ShowInSystemMacro=*/false, diag::Group::NonTrivialMemcall}))
      << Callee << T.getUnqualifiedType();
}

void checkMemory(Sema &S, const CallExpr *Call, const FunctionDecl *Callee,
                 unsigned Kind) {
  const Expr *First = Call->getArg(0);
  bool OursFirst = isOurs(S, pointeeOf(First));
  if (Kind == Builtin::BImemset || Kind == Builtin::BIbzero) {
    if (!OursFirst)
      return warnAsClang(S, Call, Callee);
    if (Kind == Builtin::BImemset && holdsOurs(S, pointeeOf(First)) &&
        !isZero(S, Call->getArg(1)))
      warnBytes(S, First, Callee, "set its fields, or all bytes to zero");
    return;
  }
  if (Call->getNumArgs() < 2)
    return;
  const Expr *Second = Call->getArg(1);
  const Expr *Ours = OursFirst                      ? First
                     : isOurs(S, pointeeOf(Second)) ? Second
                                                    : nullptr;
  if (Kind == Builtin::BImemcmp || Kind == Builtin::BIbcmp) {
    if (Ours)
      report(S, Ours->getExprLoc(), Warning,
             "%0 compares the stored bits of %1, and equal pointers need not "
             "have equal bits; compare the fields")
          << Callee << elementType(S.Context, pointeeOf(Ours));
    return;
  }
  if (Kind != Builtin::BImemcpy && Kind != Builtin::BImemmove &&
      Kind != Builtin::BImempcpy)
    return;
  if (!Ours)
    return warnAsClang(S, Call, Callee);
  bool InVolatile = isVariable(First) && isVariable(Second);
  for (const Expr *Side : {First, Second})
    if (refuseMove(S, Side, Callee, InVolatile,
                   "use perdure_memmove, which re-encodes them, or assign the "
                   "record"))
      return;
  bool Holds =
      holdsOurs(S, pointeeOf(First)) || holdsOurs(S, pointeeOf(Second));
  if (!Holds || rootOf(First) == rootOf(Second) || InVolatile)
    return;
  warnBytes(S, Ours, Callee,
            "use perdure_memmove, which re-encodes them, or assign the record");
}

} // namespace

void checkCall(Sema &S, const CallExpr *Call) {
  const FunctionDecl *Callee = Call->getDirectCallee();
  if (!Callee || S.getSourceManager().isInSystemHeader(Call->getExprLoc()))
    return;
  if (unsigned Kind = Callee->getMemoryFunctionKind();
      Kind && Call->getNumArgs() > 1) {
    switch (Kind) {
    case Builtin::BImemcpy:
    case Builtin::BImemmove:
    case Builtin::BImempcpy:
    case Builtin::BImemset:
    case Builtin::BIbzero:
    case Builtin::BImemcmp:
    case Builtin::BIbcmp:
      return checkMemory(S, Call, Callee, Kind);
    default:
      break;
    }
  }
  // What is reallocated lies in volatile memory.
  if (const IdentifierInfo *Id = Callee->getIdentifier();
      Id && (Id->isStr("realloc") || Id->isStr("reallocarray")) &&
      Call->getNumArgs() > 1)
    refuseMove(S, Call->getArg(0), Callee, /*InVolatile=*/true,
               "allocate anew and use perdure_memmove");
  if (looksAtAddressOnly(Callee) || isa<CXXOperatorCallExpr>(Call))
    return;
  StringRef Name = Callee->getIdentifier() ? Callee->getName() : "";
  bool Sorts = Name == "qsort" || Name == "qsort_r" || Name == "mergesort" ||
               Name == "heapsort" || Name == "lsearch";
  bool TakesFunction = llvm::any_of(Callee->parameters(), [](ParmVarDecl *P) {
    return P->getType()->isFunctionPointerType();
  });
  for (unsigned I = 0;
       I != std::min(Call->getNumArgs(), Callee->getNumParams()); ++I) {
    const Expr *Argument = Call->getArg(I);
    if (!Callee->getParamDecl(I)->getType()->isVoidPointerType() ||
        !isOurs(S, pointeeOf(Argument)))
      continue;
    if (Sorts) {
      if (refuseMove(S, Argument, Callee, isVariable(Argument),
                     "use perdure_qsort, which moves element by element"))
        continue;
      if (holdsOurs(S, pointeeOf(Argument)) && !isVariable(Argument))
        warnBytes(S, Argument, Callee,
                  "use perdure_qsort, which moves element by element");
    } else if (!TakesFunction && BytesFinder::find(Callee, I, 0)) {
      warnBytes(S, Argument, Callee,
                "pass a typed pointer, or cast it to 'void *' if no byte is "
                "copied");
    }
  }
}

} // namespace perdure
