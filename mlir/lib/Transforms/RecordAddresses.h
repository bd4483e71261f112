//===- RecordAddresses.h - What records are taken for -----------*- C++ -*-===//

#ifndef PERDURE_MLIR_RECORDADDRESSES_H
#define PERDURE_MLIR_RECORDADDRESSES_H

#include "perdure-mlir/Dialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::perdure {

/// A cast, upstream's too, of one value to one.
bool isCast(Operation *Op);

/// Whether somewhere in it are persistent pointers that name no encoding, and lie
/// in no record: one that has an encoding may lead to them.
bool isOpen(Type T);
bool isOpen(Attribute A);

/// Checks what becomes of the addresses of records before the records get the
/// encodings that \p EncodingOf gives; `object` is what they have. Fails, after a
/// message at each cast, where a record that would change, or leads to one, is taken
/// for something that does not change with it. What functions without a body do with
/// an address, and what calls functions from outside, is not looked at.
LogicalResult checkAddresses(ModuleOp Module,
                             function_ref<Attribute(RecordType)> EncodingOf);

} // namespace mlir::perdure

#endif
