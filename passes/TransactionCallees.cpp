//===- TransactionCallees.cpp - Functions elsewhere, for transactions -----===//
#include "TransactionCallees.h"

#include "Writers.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace perdure {

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
      "malloc", "calloc", "aligned_alloc", "realloc", "reallocarray", "free",
      "abort", "_exit", "_Exit",
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
      "perdure_free", "perdure_usable_size", "perdure_root", "perdure_object_id", "perdure_in_object",
      "perdure_offset", "perdure_persist", "perdure_decode", "perdure_encode",
      "perdure_errormsg", "__perdure_tx_log", "__perdure_tx_log_ranges",
      "__perdure_tx_clone", "__perdure_tx_refuse", "__perdure_trace_note"};
  return Names.contains(Name) || isMath(Name) ||
         Name.starts_with("perdure.gray.");
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
      "__perdure_type_root", "perdure_remove", "perdure_copy", "perdure_seal", "perdure_unseal",
      "perdure_trust", "perdure_lock", "perdure_unlock", "perdure_set_rights",
      "perdure_explain_fault", "perdure_transact", "perdure_tx_begin",
      "perdure_tx_commit", "perdure_tx_abort", "perdure_tx_savepoint",
      "perdure_tx_rollback_to", "__perdure_tx_enter", "__perdure_tx_leave",
      "__perdure_tx_unwind", "__perdure_tx_landed", "__perdure_tx_set_thrower",
      "__perdure_tx_body", "__perdure_tx_arm", "__perdure_tx_throw_aborted"};
  if (Names.contains(Name))
    return true;
  // What Clang has put in for sanitizers, which changes memory of theirs.
  if (isIn(Name, {"__asan_", "__ubsan_handle_", "__sanitizer_cov_"}))
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
  for (StringRef Part :
       {"fget", "fread", "printf", "scanf", "getline", "getdelim"})
    if (Name.contains(Part))
      return false;
  return !writesOf(Name).empty() && callbackOf(Name) < 0;
}

bool givesVolatileMemory(StringRef Name) {
  // Not operator new, which a program may replace.
  return Name == "malloc" || Name == "calloc" || Name == "aligned_alloc" ||
         Name == "realloc" || Name == "reallocarray" ||
         Name == "strdup" || Name == "strndup";
}

} // namespace perdure
