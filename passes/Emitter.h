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

class Bases;

/// Words that expansions keep from one turn of a loop to the next, until they
/// are promoted to registers.
using KeptWords = llvm::SmallVector<llvm::AllocaInst *, 4>;

/// A word of the window's description, in the entry archive.
enum class WindowField { Base, Bytes, FotRows };
llvm::Value *emitWindowField(llvm::IRBuilderBase &B, WindowField Field);
/// The "file:line" strings that a module's cold calls share.
using WhereTable = llvm::StringMap<llvm::Constant *>;

/// Whether \p Address lies in the window.
llvm::Value *emitInWindow(llvm::IRBuilderBase &B, llvm::Value *Address);
/// The base of the slot that holds \p Address.
llvm::Value *emitSlotBase(llvm::IRBuilderBase &B, const Config &C,
                          llvm::Value *Address);

class __attribute__((visibility("default"))) Emitter {
public:
  llvm::IRBuilder<> B;
  const Config &C;
  /// How much of a translation is inline.
  enum class Shape {
    Compact, ///< the hot path and null: least code
    Short,   ///< and what volatile memory holds
    Full     ///< and pointers through the FOT: in loops
  };
  const Shape Inline;
  bool compact() const { return Inline == Shape::Compact; }

  /// Splits the block at \p At and stands at the end of its first half.
  Emitter(llvm::Instruction &At, const Config &C, WhereTable &Where,
          const Bases &Carried, KeptWords &Kept, Shape Inline);
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
  /// Where \p Then is what mostly happens, and the other no rarity.
  void branchMostly(llvm::Value *Cond, llvm::BasicBlock *Then,
                    llvm::BasicBlock *Else);
  void jump(llvm::BasicBlock *To);
  void at(llvm::BasicBlock *BB);

  llvm::ConstantInt *word(uint64_t V) { return B.getInt64(V); }
  /// The address as an integer. Never the other way round by ptrmask or GEP:
  /// what is computed from a container must not inherit its provenance.
  llvm::Value *address(llvm::Value *Pointer);
  /// The base of the slot that holds \p Container, which lies in the window.
  llvm::Value *slotBase(llvm::Value *Container);
  /// Whether \p Container lies in the window.
  llvm::Value *inWindow(llvm::Value *Container);
  /// An address of the same object, or of none where \p Container is volatile:
  /// for a movable encoding as good, and \p Container leaves its register.
  llvm::Value *anywhereNear(llvm::Value *Container);

  /// A word of this expansion's own, 0 when the function begins: what it stores
  /// there is what it loads the next time. It ends up in a register.
  llvm::Value *keptWord();

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
  const Bases &Carried;
  KeptWords &Kept;
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
