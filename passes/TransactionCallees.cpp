//===- TransactionCallees.cpp - Functions elsewhere, for transactions -----===//
#include "TransactionCallees.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

static constexpr WriterCallee Writers[] = {
    {"memcpy", WriterCallee::Bytes, 2},
    {"memmove", WriterCallee::Bytes, 2},
    {"memset", WriterCallee::Bytes, 2},
    {"mempcpy", WriterCallee::Bytes, 2},
    {"__memcpy_chk", WriterCallee::Bytes, 2},
    {"__memmove_chk", WriterCallee::Bytes, 2},
    {"__memset_chk", WriterCallee::Bytes, 2},
    {"explicit_bzero", WriterCallee::Bytes, 1},
    {"bzero", WriterCallee::Bytes, 1},
    {"strncpy", WriterCallee::Bytes, 2},
    {"stpncpy", WriterCallee::Bytes, 2},
    {"snprintf", WriterCallee::Bytes, 1},
    {"vsnprintf", WriterCallee::Bytes, 1},
    {"fgets", WriterCallee::Bytes, 1},
    {"fread", WriterCallee::Items, 2},
    {"strcpy", WriterCallee::String, 0},
    {"stpcpy", WriterCallee::String, 0},
    {"strcat", WriterCallee::Appended, 0},
    {"strncat", WriterCallee::AppendedMost, 2},
    // Of the runtime.
    {"perdure_memmove", WriterCallee::Bytes, 2},
    {"perdure_bind", WriterCallee::Fixed, 8},
};

const WriterCallee *findWriter(StringRef Name) {
  for (const WriterCallee &W : Writers)
    if (Name == W.Name)
      return &W;
  return nullptr;
}

static Value *lengthOf(Value *String, Module &M, IRBuilderBase &B) {
  FunctionCallee Strlen =
      M.getOrInsertFunction("strlen", B.getInt64Ty(), B.getPtrTy());
  return B.CreateCall(Strlen, {String});
}

std::pair<Value *, Value *> writtenBy(const WriterCallee &W, CallBase &Call,
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
  Value *To = Call.getArgOperand(0), *One = B.getInt64(1);
  switch (W.Kind) {
  case WriterCallee::Bytes:
    return {To, Number(W.Count)};
  case WriterCallee::Items:
    return {To, B.CreateMul(Number(W.Count - 1), Number(W.Count))};
  case WriterCallee::String:
    return {To, B.CreateAdd(Length(1), One)};
  case WriterCallee::Appended:
  case WriterCallee::AppendedMost: {
    Value *Added;
    if (W.Kind == WriterCallee::AppendedMost) {
      // The string may have no end within as many characters.
      FunctionCallee Strnlen = M.getOrInsertFunction(
          "strnlen", B.getInt64Ty(), B.getPtrTy(), B.getInt64Ty());
      Added = B.CreateCall(Strnlen, {Call.getArgOperand(1), Number(W.Count)});
    } else {
      Added = Length(1);
    }
    return {B.CreatePtrAdd(To, Length(0)), B.CreateAdd(Added, One)};
  }
  case WriterCallee::Fixed:
    return {To, B.getInt64(W.Count)};
  }
  llvm_unreachable("all kinds of ranges are handled");
}

bool isSafeCallee(StringRef Name) {
  // The runtime's functions change objects by its own log; those whose callers
  // have to log are in the table above. perdure_transact begins a part, whose
  // body is marked in_transaction or cloned (Transactions.cpp).
  if (Name.starts_with("perdure_") || Name.starts_with("__perdure_"))
    return true;
  // The C++ ABI, what throws, and the exceptions of the standard library, which
  // lie in memory of the C++ runtime.
  for (StringRef Prefix :
       {"__cxa_", "_Unwind_", "_ZSt", "_ZNSt9exception", "_ZNSt13runtime_error",
        "_ZNSt11logic_error", "_ZNSt12out_of_range", "_ZNSt12length_error",
        "_ZNSt16invalid_argument", "_ZNSt12domain_error", "_ZNSt9bad_alloc",
        "_ZNSt11range_error", "_ZNSt14overflow_error"})
    if (Name.starts_with(Prefix)) {
      if (Prefix != "_ZSt")
        return true;
      return Name.contains("__throw_") || Name == "_ZSt9terminatev" ||
             Name.contains("uncaught_exception");
    }
  // operator new and delete.
  for (StringRef Prefix : {"_Znw", "_Zna", "_Zdl", "_Zda"})
    if (Name.starts_with(Prefix))
      return true;
  static const StringSet<> Safe = {
      "malloc", "calloc", "aligned_alloc", "free", "abort", "exit", "_exit",
      "_Exit", "quick_exit", "__assert_fail", "longjmp", "_longjmp",
      "siglongjmp", "setjmp", "_setjmp", "__sigsetjmp", "sigsetjmp", "printf",
      "vprintf", "fprintf", "vfprintf", "puts", "fputs", "fputc", "putc",
      "putchar", "fwrite", "fflush", "perror", "strlen", "strnlen", "strcmp",
      "strncmp", "strcasecmp", "strncasecmp", "strcoll", "memcmp", "bcmp",
      "memchr", "memrchr", "strchr", "strrchr", "strstr", "strspn", "strcspn",
      "strpbrk", "strdup", "strndup", "strerror", "atoi", "atol", "atoll",
      "atof", "abs", "labs", "llabs", "rand", "random", "getenv", "getpid",
      "clock", "__errno_location", "isalpha", "isdigit", "isspace", "isalnum",
      "isupper", "islower", "ispunct", "isprint", "toupper", "tolower",
      "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc",
      "__stack_chk_fail", "__gxx_personality_v0", "__clang_call_terminate"};
  return Safe.contains(Name);
}

} // namespace perdure
