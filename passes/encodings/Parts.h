//===- Parts.h - What encodings have in common ------------------*- C++ -*-===//
//
// The pieces of the object encoding's format of which other encodings are made
// too: foreign pointers, and native addresses in volatile memory.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_ENCODINGS_PARTS_H
#define PERDURE_PASSES_ENCODINGS_PARTS_H

#include "../Emitter.h"
#include "../Encoding.h"
#include "llvm/IR/Constants.h"

namespace perdure {

constexpr uint64_t TaggedBit = uint64_t(1) << abi::TaggedBit;
constexpr uint64_t ForeignBit = uint64_t(1) << abi::ForeignBit;
constexpr uint64_t OffsetMask = (uint64_t(1) << abi::OffsetBits) - 1;

/// A phi that grows as branches reach its block.
struct Join {
  llvm::BasicBlock *BB;
  llvm::SmallVector<std::pair<llvm::Value *, llvm::BasicBlock *>, 8> In;

  Join(Emitter &E) : BB(E.block("cont")) {}
  void add(Emitter &E, llvm::Value *V) {
    In.push_back({V, E.B.GetInsertBlock()});
  }
  llvm::Value *finish(Emitter &E);
};

/// Whether a container is the constant that stands for volatile memory.
inline bool isVolatile(llvm::Value *Container) {
  return llvm::isa<llvm::ConstantPointerNull>(Container);
}

llvm::Value *pointer(Emitter &E, llvm::Value *Address);
/// The base of the slot that holds a pointer, and whether one does.
llvm::Value *slotBase(Emitter &E, llvm::Value *Pointer);
llvm::Value *inWindow(Emitter &E, llvm::Value *Pointer);

/// A native pointer as it stands, or tagged: what volatile memory may hold.
/// Budget: 4 instructions, no branch.
llvm::Value *emitVolatileDecode(Emitter &E, llvm::Value *Bits);

/// Whether volatile memory holds \p P without help, and as which bits.
llvm::Value *volatileBits(Emitter &E, llvm::Value *P, llvm::Value *&Bits);

/// A container known to be volatile. Budget: one predicted branch.
llvm::Value *emitVolatileEncode(Emitter &E, llvm::Value *Pointer);

/// Goes on where \p Bits lead through a filled entry of the FOT cache of the
/// object that holds \p Container, and gives where to; else branches to \p
/// Cold.
struct Foreign {
  llvm::Value *Base, *Offset;
};
Foreign emitForeign(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                    llvm::BasicBlock *Cold);

/// What decode does with bits that are no near pointer, at the block where that
/// has been found, for encodings whose other forms are those of object: null,
/// native addresses in volatile memory, foreign ones, and the cold entry.
void emitDecodeRest(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                    Join &Cont);

} // namespace perdure

#endif
