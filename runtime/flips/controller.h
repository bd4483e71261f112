//===- controller.h - How a memory controller writes a word -----*- C++ -*-===//
//
// A new one: a function as below, and its row in controller.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FLIPS_CONTROLLER_H
#define PERDURE_RUNTIME_FLIPS_CONTROLLER_H

#include "flips/options.h"

namespace perdure {
namespace flips {

/// 64 data cells, and what further cells the controller keeps beside them.
struct Word {
  uint64_t Cells;
  uint8_t Flags;
};

/// Cells that changed.
struct Change {
  uint64_t Set, Cleared;           // of the data cells: which
  unsigned FlagsSet, FlagsCleared; // of the others: how many
};

/// Writes \p Value over what \p W holds. Bits: of a controller's own word.
using Controller = Change (*)(Word &W, uint64_t Value, unsigned Bits);

/// The one that the options name.
Controller findController(const Options &O);

/// As a word is that holds \p Value and that no controller has written yet.
inline Word freshWord(uint64_t Value) { return {Value, 0}; }

} // namespace flips
} // namespace perdure

#endif // PERDURE_RUNTIME_FLIPS_CONTROLLER_H
