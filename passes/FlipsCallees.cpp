//===- FlipsCallees.cpp - What functions elsewhere write, for machine code ===//
//
// The same functions as in IR, of each the first range that Writers.def lists.
//
//===----------------------------------------------------------------------===//

#include "Flips.h"
#include "Writers.h"
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
                     uint64_t Unit = 1, Write::Amount Written = Write::Most,
                     bool IsInt = false) {
  return Kind | Pointer << 8 | Count << 16 | Unit << 40 |
         uint64_t(Written) << 48 | uint64_t(IsInt) << 56;
}

static Callee kindOf(Write::Extent Kind) {
  switch (Kind) {
  case Write::Bytes:
    return CalleeBytes;
  case Write::Items:
    return CalleeItems;
  case Write::String:
    return CalleeString;
  case Write::Appended:
    return CalleeAppended;
  case Write::AppendedMost:
    return CalleeAppendedMost;
  case Write::Fixed:
  case Write::Ended:
  case Write::Unknown:
    return CalleeFixed;
  // What arguments lead to, or a format says.
  case Write::Through:
  case Write::Vectors:
  case Write::Scanned:
    return CalleeNothing;
  }
  return CalleeNothing;
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
  ArrayRef<Write> Rows = writesOf(Name);
  // Only what registers pass.
  if (Rows.empty() || Rows[0].Where > 5 || Rows[0].Count > UnknownBytes)
    return 0;
  const Write &W = Rows[0];
  Kind = kindOf(W.Kind);
  if (Kind == CalleeNothing)
    return 0;
  if (W.Kind == Write::Unknown)
    return word(Kind, W.Where, UnknownBytes);
  if (W.Kind == Write::Ended)
    return word(Kind, W.Where, UnknownBytes, W.Unit, Write::Text);
  // The upper half of a register that passes an int is anything.
  const FunctionType *T = F ? F->getFunctionType() : nullptr;
  bool IsInt = T && W.Kind != Write::Fixed && W.Count < T->getNumParams() &&
               T->getParamType(W.Count)->isIntegerTy(32);
  return word(Kind, W.Where, W.Count, W.Unit, W.Written, IsInt);
}

bool isCompared(uint64_t Word) {
  uint64_t Kind = Word & 255;
  return Kind >= CalleeBytes && Kind <= CalleeFixed;
}

} // namespace perdure::flips
