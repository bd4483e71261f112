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

  Join(Emitter &E, const llvm::Twine &Name = "cont") : BB(E.block(Name)) {}
  void add(Emitter &E, llvm::Value *V) {
    In.push_back({V, E.B.GetInsertBlock()});
  }
  /// Adds \p V, and ends the block.
  void leave(Emitter &E, llvm::Value *V) {
    add(E, V);
    E.jump(BB);
  }
  llvm::Value *finish(Emitter &E);
  /// The same, or null, and no block, where no branch has come.
  llvm::Value *finishIfReached(Emitter &E);
};

/// Whether a container is the constant that stands for volatile memory.
inline bool isVolatile(llvm::Value *Container) {
  return llvm::isa<llvm::ConstantPointerNull>(Container);
}

llvm::Value *pointer(Emitter &E, llvm::Value *Address);

/// A native pointer as it stands, or tagged: what volatile memory may hold.
/// Budget: 4 instructions, no branch.
llvm::Value *emitVolatileDecode(Emitter &E, llvm::Value *Bits);

/// Whether volatile memory holds \p P without help, and as which bits.
llvm::Value *volatileBits(Emitter &E, llvm::Value *P, llvm::Value *&Bits);

/// A container known to be volatile. Budget: one predicted branch.
llvm::Value *emitVolatileEncode(Emitter &E, llvm::Value *Pointer);

/// What the ways through a decode give, joined. A pair needs no phi of its
/// pointer: that is the sum.
class DecodedJoin {
  Emitter &E;
  const DecodeParts Wanted;
  llvm::SmallVector<std::pair<Decoded, llvm::BasicBlock *>, 8> In;

public:
  llvm::BasicBlock *const BB;

  DecodedJoin(Emitter &E, DecodeParts Wanted)
      : E(E), Wanted(Wanted), BB(E.block("cont")) {}

  bool steady() const { return Wanted.Steady; }

  void addNull();
  /// \p Offset bytes into the slot at \p Base.
  void add(llvm::Value *Base, llvm::Value *Offset);
  /// Any address; \p MayBeNull: whether null is among them.
  void add(llvm::Value *Address, bool MayBeNull = true);
  /// An address that in all likelihood lies outside the window; and ends the
  /// block. A chase through the heap must not wait for a mask: a predicted
  /// branch tells.
  void addNative(llvm::Value *Address);
  Decoded finish();
};

/// Goes on where \p Bits lead through a filled entry of the FOT rows from the
/// object that holds \p Container, and gives where to; else branches to \p
/// Cold. Budget on the way to the target's base: one shift, one load.
struct Foreign {
  llvm::Value *Base, *Offset;
};
Foreign emitForeign(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                    llvm::BasicBlock *Cold, bool Steady = false);

/// What decode does with bits that are no near pointer, at the block where that
/// has been found, for encodings whose other forms are those of object: null,
/// native addresses in volatile memory, foreign ones, and the cold entry.
void emitDecodeRest(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                    DecodedJoin &Cont);

} // namespace perdure

#endif
