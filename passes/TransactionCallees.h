//===- TransactionCallees.h - Functions elsewhere, for transactions -*- C++ -*-//
//
// What a transaction may call without seeing its body.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_TRANSACTIONCALLEES_H
#define PERDURE_PASSES_TRANSACTIONCALLEES_H

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstrTypes.h"

namespace perdure {

/// A function that writes one range that its arguments tell.
struct WriterCallee {
  llvm::StringLiteral Name;
  enum Range {
    Bytes,    ///< argument 0, as many bytes as argument 1 or 2 says: Count
    Items,    ///< as many as argument Count times the one before it
    String,   ///< argument 0, as long as the string in argument 1
    Appended, ///< behind the string in argument 0, as long as that in 1
    AppendedMost, ///< the same, at most as many characters as Count says
    Fixed     ///< argument 0, Count bytes
  } Kind;
  unsigned Count;
};

const WriterCallee *findWriter(llvm::StringRef Name);

/// The range that \p Call of \p W writes, as address and bytes.
std::pair<llvm::Value *, llvm::Value *>
writtenBy(const WriterCallee &W, llvm::CallBase &Call, llvm::IRBuilderBase &B);

/// True for functions that write no memory that an object may hold, or that the
/// runtime takes care of itself.
bool isSafeCallee(llvm::StringRef Name);

} // namespace perdure

#endif
