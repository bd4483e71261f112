//===- known.h - The types that this process's code knows -------*- C++ -*-===//

#ifndef PERDURE_RUNTIME_TYPES_KNOWN_H
#define PERDURE_RUNTIME_TYPES_KNOWN_H

#include "entry/entry.h"
#include "types/descriptor.h"

namespace perdure {

/// From now on these descriptors are known, until they are forgotten.
void addTypes(perdure_descriptors *Types);
void forgetTypes(perdure_descriptors *Types);

/// Changes whenever either is called.
uint64_t knownTypesEpoch();

/// All types that Root leads to by pointers and parts, Root first. Keeps binaries from
/// being unloaded as long as it lives.
class TypeClosure {
public:
  explicit TypeClosure(const TypeDescriptor &Root);
  ~TypeClosure();
  TypeClosure(const TypeClosure &) = delete;
  TypeClosure &operator=(const TypeClosure &) = delete;

  bool ok() const { return Items; } // false: ENOMEM
  /// Whether any code that is loaded reckons with pointers to that record.
  bool hasArrays(Piece Name, uint64_t Layout) const;

  const TypeDescriptor *const *begin() const { return Items; }
  const TypeDescriptor *const *end() const { return Items + Count; }

private:
  bool add(const TypeDescriptor &D);
  const TypeDescriptor **Items = nullptr;
  size_t Count = 0, Room = 0;
};

/// Around fork().
void typesBeforeFork();
void typesAfterFork();

} // namespace perdure

#endif // PERDURE_RUNTIME_TYPES_KNOWN_H
