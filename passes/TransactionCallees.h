//===- TransactionCallees.h - Functions elsewhere, for transactions -*- C++
//-*-//
//
// What a transaction may call without seeing its body, besides what Writers.def
// lists with what it writes.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_TRANSACTIONCALLEES_H
#define PERDURE_PASSES_TRANSACTIONCALLEES_H

#include "llvm/ADT/StringRef.h"

namespace perdure {

/// True for functions that write no memory that an object may hold, or that the
/// runtime takes care of itself.
bool isSafeCallee(llvm::StringRef Name);

/// Of those and of those in Writers.def: whether a transaction is the same
/// afterwards, with the savepoints that it had.
bool isCalmCallee(llvm::StringRef Name);

/// Whether what the function gives lies in no object.
bool givesVolatileMemory(llvm::StringRef Name);

} // namespace perdure

#endif
