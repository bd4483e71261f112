//===- Emitter.h - What encodings expand with -------------------*- C++ -*-===//
//
// An IRBuilder that may open new blocks: it sits at the end of an unfinished
// block, and whatever block it sits in at the end flows on to the rest of the
// function. It also knows the entry archive's symbols.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_EMITTER_H
#define PERDURE_PASSES_EMITTER_H

#include "Config.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/IRBuilder.h"

namespace perdure {

/// The "file:line" strings that a module's cold calls share.
using WhereTable = llvm::StringMap<llvm::Constant *>;

class __attribute__((visibility("default"))) Emitter {
public:
  llvm::IRBuilder<> B;
  const Config &C;
  /// Call cold for everything but the hot path: smaller.
  const bool Compact;

  /// Splits the block at \p At and stands at the end of its first half.
  Emitter(llvm::Instruction &At, const Config &C, WhereTable &Where,
          bool Compact);
  /// Rejoins the second half.
  void finish();

  llvm::Module &module() const { return M; }

  /// A new block before the rest of the function.
  llvm::BasicBlock *block(const llvm::Twine &Name);
  /// End the current block with a branch; the caller moves on with at().
  void branch(llvm::Value *Cond, llvm::BasicBlock *Then,
              llvm::BasicBlock *Else);
  void branchLikely(llvm::Value *Cond, llvm::BasicBlock *Then,
                    llvm::BasicBlock *Else);
  void branchUnlikely(llvm::Value *Cond, llvm::BasicBlock *Then,
                      llvm::BasicBlock *Else);
  void jump(llvm::BasicBlock *To);
  void at(llvm::BasicBlock *BB);

  llvm::ConstantInt *word(uint64_t V) { return B.getInt64(V); }
  /// The address as an integer. Never the other way round by ptrmask or GEP:
  /// what is computed from a container must not inherit its provenance.
  llvm::Value *address(llvm::Value *Pointer);
  /// The base of the slot that holds \p Address.
  llvm::Value *slotBase(llvm::Value *Address);
  /// Whether \p Address lies in the window.
  llvm::Value *inWindow(llvm::Value *Address);

  /// Calls of the entry archive: cold entries, or twins. Those of the encoding
  /// object, or the ones that abi.def names after \p Of. \p Cache: a word that
  /// the decode may write, and gets as its third argument.
  llvm::Value *callDecode(bool Cold, llvm::Value *Bits, llvm::Value *Container,
                          llvm::StringRef Of = "",
                          llvm::Value *Cache = nullptr);
  llvm::Value *callEncode(bool Cold, llvm::Value *Pointer,
                          llvm::Value *Container, llvm::StringRef Of = "");
  llvm::Value *callReencode(bool Cold, llvm::Value *Bits, llvm::Value *From,
                            llvm::Value *To, llvm::StringRef Of = "");

private:
  llvm::Module &M;
  WhereTable &Wheres;
  llvm::BasicBlock *Tail;
  llvm::DebugLoc Loc;
  llvm::SmallVector<llvm::OperandBundleDef, 1> Bundles;

  llvm::Constant *where();
  llvm::Value *call(llvm::StringRef Symbol, bool Cold, llvm::Type *Result,
                    llvm::ArrayRef<llvm::Value *> Args,
                    llvm::MemoryEffects Effects);
};

} // namespace perdure

#endif
