//===- Dialect.h - The dialect `perdure` ------------------------*- C++ -*-===//
//
// Types, attributes and operations, as TableGen makes them from the .td files
// beside this one, which also say what each is.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_MLIR_DIALECT_H
#define PERDURE_MLIR_DIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/CastInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <optional>

namespace mlir::perdure {

class RecordType;

namespace detail {
struct RecordTypeStorage;
} // namespace detail

/// A field of a record.
struct RecordField {
  /// Where C puts it.
  static constexpr uint64_t Natural = ~uint64_t(0);

  StringAttr Name;
  Type Of;
  uint64_t Offset = Natural; ///< in bytes

  bool operator==(const RecordField &O) const {
    return Name == O.Name && Of == O.Of && Offset == O.Offset;
  }
};

/// In bytes, on a target of 64 bits.
struct Layout {
  uint64_t Size, Alignment;
};

/// How a type lies in memory; nothing where it does not: records without a
/// body, flexible arrays, `none`.
std::optional<Layout> getLayout(Type T);

/// Whether two records with bodies lie in memory alike, by the same names: size and
/// alignment, where which field lies, and which of them hold persistent pointers.
bool hasSameLayout(RecordType A, RecordType B);

/// Whether a load can give it.
bool isLoadable(Type T);

/// Whether a store of it can be silent: its bits are an integer's, none of them
/// padding.
bool canBeSilent(Type T);

struct FotResource : SideEffects::Resource::Base<FotResource> {
  StringRef getName() final { return "object table"; }
};

struct BlocksResource : SideEffects::Resource::Base<BlocksResource> {
  StringRef getName() final { return "blocks of objects"; }
};

} // namespace mlir::perdure

#include "perdure-mlir/Dialect.h.inc"
#include "perdure-mlir/Interfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "perdure-mlir/Attributes.h.inc"

#define GET_TYPEDEF_CLASSES
#include "perdure-mlir/Types.h.inc"

#define GET_OP_CLASSES
#include "perdure-mlir/Ops.h.inc"

namespace mlir::perdure {

/// Calls \p Visit with the records of the types of all operations in \p Top, those in
/// the fields of others included, each once.
void forEachRecord(Operation *Top, function_ref<void(RecordType)> Visit);

/// The native pointer or memref from which \p V was derived without leaving its
/// object: fields, elements and casts are in the same slot as what they are of.
Value getRoot(Value V);

/// Whether bits of \p E mean the same at both containers for certain.
bool isSameContainer(EncodingInterface E, Value A, Value B);

} // namespace mlir::perdure

#endif
