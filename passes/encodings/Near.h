//===- Near.h - Encodings with one test for near pointers -------*- C++ -*-===//
//
// What `object`, `xor` and the encodings made of them have in common: one
// predicted test tells the pointers that stay in their object from all others,
// and in volatile memory lie addresses.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_ENCODINGS_NEAR_H
#define PERDURE_PASSES_ENCODINGS_NEAR_H

#include "Parts.h"

namespace perdure {

/// The ways out of an encode. An encoding that is put around another takes some
/// of them over.
struct EncodeWays {
  Join &Near; ///< near pointers
  Join &Null; ///< 0, which null is
  Join &Rest; ///< all others
};

class NearEncoding : public Encoding {
public:
  using Encoding::Encoding;

  llvm::Value *emitEncode(Emitter &E, llvm::Value *Pointer,
                          llvm::Value *Container,
                          llvm::Value *Old) const override;

  llvm::Value *emitDecode(Emitter &E, llvm::Value *Bits,
                          llvm::Value *Container) const override {
    return emitDecodeParts(E, Bits, Container, {}).Pointer;
  }
  Decoded emitDecodeParts(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                          DecodeParts Wanted) const final;

  // The pieces of decode, for encodings that put something around another.

  /// The near pointer in \p Bits, or something that is none.
  virtual llvm::Value *emitNearBits(Emitter &, llvm::Value *Bits) const {
    return Bits;
  }
  /// Branches: where \p Near, which is emitNearBits of \p Bits, is near, to \p
  /// Cont, with where that leads; else to \p Rest.
  virtual void emitNear(Emitter &E, llvm::Value *Bits, llvm::Value *Near,
                        llvm::Value *Container, DecodedJoin &Cont,
                        llvm::BasicBlock *Rest) const = 0;
  /// What \p Bits that are not near lead to; ends the block.
  virtual void emitRest(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                        DecodedJoin &Cont) const {
    emitDecodeRest(E, Bits, Container, Cont);
  }
  /// Decode in the mode of callbacks.
  virtual llvm::Value *emitDecodeCall(Emitter &E, llvm::Value *Bits,
                                      llvm::Value *Container) const = 0;

  /// Encode: ends the block, and all others that it opens, by one of \p Ways.
  virtual void emitEncodeWays(Emitter &E, llvm::Value *Pointer,
                              llvm::Value *Container, llvm::Value *Old,
                              const EncodeWays &Ways) const = 0;

protected:
  /// Tells that \p Bits are not 0 where \p Near, made of them, is near: so the
  /// program's own test for null need not ask again.
  static void assumeNotNull(Emitter &E, llvm::Value *Bits, llvm::Value *Near);
  /// Ends the block with \p Bits, by the way that they belong to.
  static void sortOut(Emitter &E, llvm::Value *Bits, const EncodeWays &Ways);
};

/// What the container held, \p Old, asked again at \p E: where it is needed,
/// and nowhere else. Memory may have changed, but any value will do.
llvm::Value *heldHere(Emitter &E, llvm::Value *Old);

} // namespace perdure

#endif
