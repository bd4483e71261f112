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

/// A function that writes one range that its arguments tell, or calls back.
struct KnownCallee {
  llvm::StringLiteral Name;
  enum Range {
    Bytes,    ///< as many bytes as argument Count says
    Items,    ///< as many as argument Count times the one before it
    String,   ///< as long as the string in argument Count
    Appended, ///< behind the string that is there, as long as that in 1
    AppendedMost, ///< the same, at most as many characters as Count says
    Fixed,    ///< Count bytes
    Unknown,  ///< nobody knows how many: only into what lies in no object
    Nothing
  } Kind;
  unsigned Count = 0;
  unsigned Pointer = 0; ///< the argument that says where
  int Callback = -1;    ///< the argument that is called meanwhile
};

const KnownCallee *findKnownCallee(llvm::StringRef Name);

/// Of the known ones: whether they write all of the range that they tell.
bool writesAll(const KnownCallee &K);
/// Whether the result is how many bytes, or negative for none.
bool returnsWritten(llvm::StringRef Name);

/// The range that \p Call of \p K writes, as address and bytes.
std::pair<llvm::Value *, llvm::Value *>
writtenBy(const KnownCallee &K, llvm::CallBase &Call, llvm::IRBuilderBase &B);

/// Where a call of the printf family stores by %n, as far as its format is a
/// constant.
llvm::SmallVector<llvm::Value *, 2> storedByFormat(const llvm::CallBase &Call);

/// True for functions that write no memory that an object may hold, or that the
/// runtime takes care of itself.
bool isSafeCallee(llvm::StringRef Name);

/// Of those and the known ones: whether a transaction is the same afterwards,
/// with the savepoints that it had.
bool isCalmCallee(llvm::StringRef Name);

/// Whether what the function gives lies in no object.
bool givesVolatileMemory(llvm::StringRef Name);

} // namespace perdure

#endif
