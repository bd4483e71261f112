//===- Transactions.h - Transactions as functions ---------------*- C++ -*-===//

#ifndef PERDURE_MLIR_TRANSACTIONS_H
#define PERDURE_MLIR_TRANSACTIONS_H

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace mlir::perdure {

/// Makes each `perdure.transaction` of the module a call of a function of its
/// own, with the attribute by which PerdurePasses.so knows one.
void outlineTransactions(ModuleOp Module);

} // namespace mlir::perdure

#endif
