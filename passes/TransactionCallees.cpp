//===- TransactionCallees.cpp - Functions elsewhere, for transactions -----===//
#include "TransactionCallees.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

using K = KnownCallee;
static constexpr KnownCallee Known[] = {
    {"memcpy", K::Bytes, 2},
    {"memmove", K::Bytes, 2},
    {"memset", K::Bytes, 2},
    {"mempcpy", K::Bytes, 2},
    {"__memcpy_chk", K::Bytes, 2},
    {"__memmove_chk", K::Bytes, 2},
    {"__memset_chk", K::Bytes, 2},
    {"explicit_bzero", K::Bytes, 1},
    {"bzero", K::Bytes, 1},
    {"bcopy", K::Bytes, 2, 1},
    {"strncpy", K::Bytes, 2},
    {"stpncpy", K::Bytes, 2},
    {"strlcpy", K::Bytes, 2},
    {"strlcat", K::Bytes, 2},
    {"strxfrm", K::Bytes, 2},
    {"strcpy", K::String, 1},
    {"stpcpy", K::String, 1},
    {"strcat", K::Appended},
    {"strncat", K::AppendedMost, 2},
    {"__strcpy_chk", K::String, 1},
    {"__stpcpy_chk", K::String, 1},
    {"__strcat_chk", K::Appended},
    {"__strncat_chk", K::AppendedMost, 2},
    {"__strncpy_chk", K::Bytes, 2},
    {"__stpncpy_chk", K::Bytes, 2},
    {"__read_chk", K::Bytes, 2, 1},
    {"__pread_chk", K::Bytes, 2, 1},
    {"__fgets_chk", K::Bytes, 2},
    {"__fread_chk", K::Items, 3},
    {"snprintf", K::Bytes, 1},
    {"vsnprintf", K::Bytes, 1},
    {"__snprintf_chk", K::Bytes, 1},
    {"__vsnprintf_chk", K::Bytes, 1},
    {"sprintf", K::Unknown},
    {"vsprintf", K::Unknown},
    {"__sprintf_chk", K::Unknown},
    {"__vsprintf_chk", K::Unknown},
    {"fgets", K::Bytes, 1},
    {"fread", K::Items, 2},
    {"read", K::Bytes, 2, 1},
    {"pread", K::Bytes, 2, 1},
    {"recv", K::Bytes, 2, 1},
    {"getrandom", K::Bytes, 1},
    {"strtol", K::Unknown, 0, 1},
    {"strtoul", K::Unknown, 0, 1},
    {"strtoll", K::Unknown, 0, 1},
    {"strtoull", K::Unknown, 0, 1},
    {"__isoc23_strtol", K::Unknown, 0, 1},
    {"__isoc23_strtoul", K::Unknown, 0, 1},
    {"__isoc23_strtoll", K::Unknown, 0, 1},
    {"__isoc23_strtoull", K::Unknown, 0, 1},
    {"strtod", K::Unknown, 0, 1},
    {"strtof", K::Unknown, 0, 1},
    {"frexp", K::Unknown, 0, 1},
    {"modf", K::Unknown, 0, 1},
    {"time", K::Unknown},
    {"clock_gettime", K::Unknown, 0, 1},
    {"gettimeofday", K::Unknown},
    {"qsort", K::Items, 2, 0, 3},
    {"bsearch", K::Nothing, 0, 0, 4},
    // Of the runtime.
    {"perdure_memmove", K::Bytes, 2},
    {"perdure_bind", K::Fixed, 8},
    {"perdure_holder", K::Unknown, 0, 2},
    {"perdure_verify", K::Unknown, 0, 2},
    {"perdure_stat", K::Unknown, 0, 1},
    {"perdure_foreign", K::Unknown, 0, 2},
    {"perdure_list", K::Nothing, 0, 0, 1},
    {"perdure_check", K::Nothing, 0, 0, 3},
};

const KnownCallee *findKnownCallee(StringRef Name) {
  for (const KnownCallee &W : Known)
    if (Name == W.Name)
      return &W;
  return nullptr;
}

bool writesAll(const KnownCallee &W) {
  return W.Kind == KnownCallee::String || W.Kind == KnownCallee::Appended ||
         W.Kind == KnownCallee::AppendedMost;
}

bool returnsWritten(StringRef Name) {
  return Name == "read" || Name == "pread" || Name == "recv" ||
         Name == "getrandom" || Name == "__read_chk" || Name == "__pread_chk";
}

static Value *lengthOf(Value *String, Module &M, IRBuilderBase &B) {
  FunctionCallee Strlen =
      M.getOrInsertFunction("strlen", B.getInt64Ty(), B.getPtrTy());
  return B.CreateCall(Strlen, {String});
}

std::pair<Value *, Value *> writtenBy(const KnownCallee &W, CallBase &Call,
                                      IRBuilderBase &B) {
  Module &M = *Call.getModule();
  auto Number = [&](unsigned N) {
    Value *V = Call.getArgOperand(N);
    Type *Int = B.getInt64Ty();
    // A size is unsigned, an int that counts bytes is not negative.
    return B.CreateZExtOrTrunc(V, Int);
  };
  auto Length = [&](unsigned N) {
    return lengthOf(Call.getArgOperand(N), M, B);
  };
  Value *To = Call.getArgOperand(W.Pointer), *One = B.getInt64(1);
  switch (W.Kind) {
  case KnownCallee::Bytes:
    return {To, Number(W.Count)};
  case KnownCallee::Items:
    return {To, B.CreateMul(Number(W.Count - 1), Number(W.Count))};
  case KnownCallee::String:
    return {To, B.CreateAdd(Length(W.Count), One)};
  case KnownCallee::Appended:
  case KnownCallee::AppendedMost: {
    Value *Added;
    if (W.Kind == KnownCallee::AppendedMost) {
      // The string may have no end within as many characters.
      FunctionCallee Strnlen = M.getOrInsertFunction(
          "strnlen", B.getInt64Ty(), B.getPtrTy(), B.getInt64Ty());
      Added = B.CreateCall(Strnlen, {Call.getArgOperand(1), Number(W.Count)});
    } else {
      Added = Length(1);
    }
    return {B.CreatePtrAdd(To, Length(0)), B.CreateAdd(Added, One)};
  }
  case KnownCallee::Fixed:
    return {To, B.getInt64(W.Count)};
  case KnownCallee::Unknown:
  case KnownCallee::Nothing:
    break;
  }
  llvm_unreachable("it writes no range that can be told");
}

static bool isIn(StringRef Name, ArrayRef<StringLiteral> Prefixes) {
  return any_of(Prefixes,
                [&](StringRef Prefix) { return Name.starts_with(Prefix); });
}

/// Functions of <math.h>, with their float and long double versions.
static bool isMath(StringRef Name) {
  static const StringSet<> Math = {
      "sin",  "cos",   "tan",   "asin",  "acos",  "atan",      "atan2", "sinh",
      "cosh", "tanh",  "asinh", "acosh", "atanh", "exp",       "exp2",  "expm1",
      "log",  "log2",  "log10", "log1p", "pow",   "sqrt",      "cbrt",  "hypot",
      "erf",  "erfc",  "floor", "ceil",  "round", "trunc",     "rint",  "fabs",
      "fmod", "lround", "llround", "lrint", "llrint", "nearbyint", "fmin",
      "fmax", "fma",   "fdim",  "ldexp", "scalbn", "copysign", "remainder",
      "tgamma"};
  return Math.contains(Name) ||
         ((Name.ends_with("f") || Name.ends_with("l")) &&
          Math.contains(Name.drop_back()));
}

/// What touches neither memory that is somebody else's nor any transaction.
static bool isCalmAndSafe(StringRef Name) {
  static const StringSet<> Names = {
      "malloc", "calloc", "aligned_alloc", "free", "abort", "_exit", "_Exit",
      "__assert_fail", "longjmp", "_longjmp", "siglongjmp", "strlen", "strnlen",
      "strcmp", "strncmp", "strcasecmp", "strncasecmp", "strcoll", "memcmp",
      "bcmp", "memchr", "memrchr", "strchr", "strrchr", "strstr", "strspn",
      "strcspn", "strpbrk", "strdup", "strndup", "strerror", "atoi", "atol",
      "atoll", "atof", "abs", "labs", "llabs", "rand", "random", "getenv",
      "getpid", "clock", "__errno_location", "isalpha", "isdigit", "isspace",
      "isalnum", "isupper", "islower", "ispunct", "isprint", "toupper",
      "tolower", "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc",
      "__stack_chk_fail", "__cxa_allocate_exception", "__cxa_free_exception",
      "__cxa_guard_acquire", "__cxa_guard_release", "__cxa_guard_abort",
      "__cxa_begin_catch", "__cxa_throw", "__cxa_rethrow", "_Unwind_Resume",
      // Of the runtime: blocks are logged as such, or freed at the end.
      "perdure_alloc", "perdure_alloc_for", "__perdure_alloc_for",
      "perdure_free", "perdure_root", "perdure_object_id", "perdure_in_object",
      "perdure_offset", "perdure_persist", "perdure_decode", "perdure_encode",
      "perdure_errormsg", "__perdure_tx_log", "__perdure_tx_log_ranges",
      "__perdure_tx_clone", "__perdure_tx_refuse", "__perdure_trace_note"};
  return Names.contains(Name) || isMath(Name) ||
         Name.starts_with("perdure.gray.");
}

/// The arguments behind the format that its conversions \c n take.
static void storedBy(StringRef Format, SmallVectorImpl<unsigned> &Arguments) {
  unsigned Next = 0;
  for (size_t At = Format.find('%'); At != StringRef::npos;
       At = Format.find('%', At)) {
    ++At;
    std::optional<unsigned> Named; // "%2$n"
    for (; At < Format.size() && !isAlpha(Format[At]) && Format[At] != '%';
         ++At) {
      Next += Format[At] == '*';
      if (unsigned N; Format[At] == '$' &&
                      !Format.take_front(At)
                           .substr(Format.take_front(At).rfind('%') + 1)
                           .getAsInteger(10, N))
        Named = N - 1;
    }
    At = std::min(Format.find_first_not_of("hljztLq", At), Format.size());
    if (At == Format.size())
      return;
    char Conversion = Format[At++];
    if (Conversion == 'n')
      Arguments.push_back(Named.value_or(Next));
    Next += Conversion != '%' && Conversion != 'm' && !Named;
  }
}

SmallVector<Value *, 2> storedByFormat(const CallBase &Call) {
  SmallVector<Value *, 2> Places;
  const Function *To = Call.getCalledFunction();
  unsigned Fixed = Call.getFunctionType()->getNumParams();
  if (!To || !To->getName().contains("printf") || !Fixed ||
      !Call.getFunctionType()->isVarArg() || Call.arg_size() < Fixed)
    return Places;
  StringRef Format; // the last parameter that has a name
  SmallVector<unsigned, 2> Arguments;
  if (getConstantStringInfo(Call.getArgOperand(Fixed - 1), Format))
    storedBy(Format, Arguments);
  for (unsigned I : Arguments)
    if (Fixed + I < Call.arg_size() &&
        Call.getArgOperand(Fixed + I)->getType()->isPointerTy())
      Places.push_back(Call.getArgOperand(Fixed + I));
  return Places;
}

bool isSafeCallee(StringRef Name) {
  if (isCalmAndSafe(Name))
    return true;
  // Whatever of the runtime changes objects has a log of its own, or none:
  // docs/Durability.md. perdure_transact begins a part, whose body is a clone
  // (Transactions.cpp).
  static const StringSet<> Names = {
      "exit", "quick_exit", "setjmp", "_setjmp", "__sigsetjmp", "sigsetjmp",
      "printf", "vprintf", "fprintf", "vfprintf", "__printf_chk",
      "__vprintf_chk", "__fprintf_chk", "__vfprintf_chk", "puts", "fputs",
      "fputc", "putc", "putchar", "fwrite", "fflush", "perror", "write",
      "pwrite", "close", "sched_yield", "usleep", "sleep",
      "__gxx_personality_v0", "__clang_call_terminate", "perdure_store_open",
      "perdure_store_close", "perdure_create", "perdure_open", "perdure_close",
      "perdure_remove", "perdure_copy", "perdure_seal", "perdure_unseal",
      "perdure_trust", "perdure_lock", "perdure_unlock", "perdure_set_rights",
      "perdure_explain_fault", "perdure_transact", "perdure_tx_begin",
      "perdure_tx_commit", "perdure_tx_abort", "perdure_tx_savepoint",
      "perdure_tx_rollback_to", "__perdure_tx_enter", "__perdure_tx_leave",
      "__perdure_tx_unwind", "__perdure_tx_landed", "__perdure_tx_set_thrower",
      "__perdure_tx_body", "__perdure_tx_arm", "__perdure_tx_throw_aborted"};
  if (Names.contains(Name))
    return true;
  // The C++ ABI, what throws, and the exceptions of the standard library, which
  // lie in memory of the C++ runtime; operator new and delete.
  if (isIn(Name,
           {"__cxa_", "_Unwind_", "_ZNSt9exception", "_ZNSt13runtime_error",
            "_ZNSt11logic_error", "_ZNSt12out_of_range", "_ZNSt12length_error",
            "_ZNSt16invalid_argument", "_ZNSt12domain_error", "_ZNSt9bad_alloc",
            "_ZNSt11range_error", "_ZNSt14overflow_error",
            "_ZNKSt9exception", "_ZNKSt13runtime_error",
            "_ZNKSt11logic_error", "_Znw", "_Zna", "_Zdl", "_Zda"}))
    return true;
  return Name.starts_with("_ZSt") &&
         (Name.contains("__throw_") || Name == "_ZSt9terminatev" ||
          Name.contains("uncaught_exception"));
}

bool isCalmCallee(StringRef Name) {
  if (isCalmAndSafe(Name))
    return true;
  // Standard streams may be the program's own; callbacks are.
  if (Name.contains("fgets") || Name.contains("fread") ||
      Name.contains("printf"))
    return false;
  const KnownCallee *Found = findKnownCallee(Name);
  return Found && Found->Callback < 0;
}

bool givesVolatileMemory(StringRef Name) {
  // Not operator new, which a program may replace.
  return Name == "malloc" || Name == "calloc" || Name == "aligned_alloc" ||
         Name == "strdup" || Name == "strndup";
}

} // namespace perdure
