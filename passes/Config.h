//===- Config.h - Numbers that compiler and runtime share -------*- C++ -*-===//
//
// abi.def's numbers, and the options of one module, which arrive as module
// flags so that they survive bitcode and LTO and need no cl::opt.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_CONFIG_H
#define PERDURE_PASSES_CONFIG_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace llvm {
class Module;
}

namespace perdure {

namespace abi {
#define PERDURE_ABI_NUMBER(Name, Value, Doc) constexpr uint64_t Name = Value;
#define PERDURE_ABI_EARLY(Name, Text, Doc)                                     \
  constexpr llvm::StringLiteral Name##Symbol(Text);
#define PERDURE_ABI_ENTRY(Name, Text, Doc)                                     \
  constexpr llvm::StringLiteral Name##Symbol(Text);
#define PERDURE_ABI_RUNTIME(Name, Text, Doc)                                   \
  constexpr llvm::StringLiteral Name##Symbol(Text);
#define PERDURE_ABI_SECTION(Name, Text, Doc)                                   \
  constexpr llvm::StringLiteral Name##Section(Text);
#include "perdure/abi.def"
} // namespace abi

/// The options of one module.
struct Config {
  /// log2 of the slot size; module flag `perdure.slot.bits`.
  unsigned SlotBits = abi::SlotBits;
  /// Call the twins instead of expanding inline; module flag
  /// `perdure.callbacks`.
  bool Callbacks = false;
  /// Carry bases beside pointers; not where the module flag `perdure.no.bases` says
  /// so, to measure what that is worth: each translation masks its container.
  bool CarriesBases = true;

  /// Position-dependent code: data, and the heap behind it, lie below SLOT, so
  /// tagged pointers are the rule in volatile memory and expand inline.
  bool LowAddresses = false;

  static Config get(const llvm::Module &M);

  uint64_t slotBytes() const { return uint64_t(1) << SlotBits; }
  /// Offsets at or above this never lie in an object.
  uint64_t limit() const { return slotBytes() - abi::TopBytes; }
};

} // namespace perdure

#endif
