//===- FlipsCallees.cpp - What functions elsewhere write, for machine code ===//
//
// The same functions as in IR: TransactionCallees.cpp lists them.
//
//===----------------------------------------------------------------------===//

#include "Flips.h"
#include "TransactionCallees.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace perdure::flips {

namespace {
enum Callee : uint64_t {
#define PERDURE_FLIPS_CALLEE(Name, Value, Doc) Callee##Name = Value,
#include "perdure/flips.def"
};
} // namespace

/// How much a call writes at most whose writes nobody can tell.
constexpr uint64_t UnknownBytes = 4096;

static uint64_t word(Callee Kind, uint64_t Pointer, uint64_t Count,
                     bool IsInt = false) {
  return Kind | Pointer << 8 | Count << 16 | uint64_t(IsInt) << 56;
}

uint64_t calleeWord(StringRef Name, const Function *F) {
  Callee Kind =
      StringSwitch<Callee>(Name)
          .Cases({"memcpy", "memmove", "mempcpy"}, CalleeCopy)
          .Cases({"__memcpy_chk", "__memmove_chk"}, CalleeCopy)
          .Cases({"memset", "__memset_chk"}, CalleeFill)
          .Cases({"perdure_close", "perdure_store_close"}, CalleeClose)
          .Cases({"perdure_persist", "msync"}, CalleeFlush)
          .Cases({"longjmp", "_longjmp", "siglongjmp", "__longjmp_chk"},
                 CalleeLongJump)
          .Default(CalleeNothing);
  if (Kind != CalleeNothing)
    return word(Kind, 0, 0);
  const KnownCallee *K = findKnownCallee(Name);
  // Only what registers pass.
  if (!K || K->Pointer > 5)
    return 0;
  // The upper half of a register that passes an int is anything.
  const FunctionType *T = F ? F->getFunctionType() : nullptr;
  bool IsInt = T && K->Count < T->getNumParams() &&
               T->getParamType(K->Count)->isIntegerTy(32);
  switch (K->Kind) {
  case KnownCallee::Bytes:
    return word(CalleeBytes, K->Pointer, K->Count, IsInt) |
           uint64_t(returnsWritten(Name)) << 48;
  case KnownCallee::Items:
    return word(CalleeItems, K->Pointer, K->Count, IsInt);
  case KnownCallee::String:
    return word(CalleeString, K->Pointer, K->Count);
  case KnownCallee::Appended:
    return word(CalleeAppended, K->Pointer, 0);
  case KnownCallee::AppendedMost:
    return word(CalleeAppendedMost, K->Pointer, K->Count, IsInt);
  case KnownCallee::Fixed:
    return word(CalleeFixed, K->Pointer, K->Count);
  case KnownCallee::Unknown:
    return word(CalleeFixed, K->Pointer, UnknownBytes);
  case KnownCallee::Nothing:
    return 0;
  }
  return 0;
}

bool isCompared(uint64_t Word) {
  uint64_t Kind = Word & 255;
  return Kind >= CalleeBytes && Kind <= CalleeFixed;
}

} // namespace perdure::flips
