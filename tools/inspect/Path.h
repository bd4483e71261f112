//===- Path.h - .first->next[3].key -----------------------------*- C++ -*-===//

#ifndef PERDURE_TOOLS_INSPECT_PATH_H
#define PERDURE_TOOLS_INSPECT_PATH_H

#include "Bits.h"

#include <functional>

namespace inspect {

/// A value in an object.
struct Place {
  Object *In = nullptr;
  uint64_t Offset = 0;
  const Type *Is = nullptr; // null: not known
  const Field *F = nullptr; // that it is, or an element of
  uint64_t End = 0;         // of the block
};

/// The root. Of one whose type the object has not recorded Is is null.
Place rootPlace(Object &O);

/// Where a pointer at a place leads. False: nowhere; Why says so.
bool follow(const Place &Pointer, Place &To, std::string &Why);

/// Of what lies at an offset, as far as it is known; may be empty.
using TypeFinder = std::function<const Type *(Object &, uint64_t Offset)>;

/// Follows a path from the root:
///
///   .key  ->key    a field, through pointers
///   [3]            an element of an array, or the fourth of what a pointer leads to
///   .root          at the beginning: the root itself, unless it has such a field
///   @0x1040        at the beginning: what lies there, of the type that TypeAt finds
///   node@0x1040    the same, taken for a node
///
/// False: Why says what there is.
bool findPlace(Object &O, const std::string &Path,
               const TypeFinder &TypeAt, Place &Found,
               std::string &Why);

} // namespace inspect

#endif // PERDURE_TOOLS_INSPECT_PATH_H
