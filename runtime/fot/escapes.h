//===- escapes.h - Native addresses that objects were given -----*- C++ -*-===//
//
// Under escape=report and escape=allow an object may hold a native address for
// a while. Which containers were given one is remembered here, in volatile
// memory, so that closing the object can find those that stayed.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_FOT_ESCAPES_H
#define PERDURE_RUNTIME_FOT_ESCAPES_H

#include "fot/translate.h"
#include "object/object.h"

namespace perdure {

/// The last escape to one container.
struct Escape {
  uint64_t Offset; // of the container; 0 is none
  Bits Stored;
  const char *Where; // lives for ever; null when it is not known
};

/// Remembers that the container at Offset is about to be given B. What there
/// is no memory for is forgotten, which is reported once per process.
void rememberEscape(Object &O, uint64_t Offset, Bits B, const char *Where);

/// Escapes by ascending offset; to be freed.
struct EscapeList {
  Escape *Entries;
  uint64_t Count;
};

/// Those whose containers hold a native address still. All are forgotten.
EscapeList takeEscapes(Object &O);

/// Around fork().
void escapesBeforeFork();
void escapesAfterFork();

/// Frees the volatile side.
void escapesRelease(Object &O);

} // namespace perdure

#endif // PERDURE_RUNTIME_FOT_ESCAPES_H
