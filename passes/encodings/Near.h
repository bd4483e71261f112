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

class NearEncoding : public Encoding {
public:
  using Encoding::Encoding;

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
  /// Branches: where \p Near is near, to \p Cont, with where that leads; else
  /// to \p Rest.
  virtual void emitNear(Emitter &E, llvm::Value *Near, llvm::Value *Container,
                        DecodedJoin &Cont, llvm::BasicBlock *Rest) const = 0;
  /// What \p Bits that are not near lead to; ends the block.
  virtual void emitRest(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                        DecodedJoin &Cont) const {
    emitDecodeRest(E, Bits, Container, Cont);
  }
  /// Decode in the mode of callbacks.
  virtual llvm::Value *emitDecodeCall(Emitter &E, llvm::Value *Bits,
                                      llvm::Value *Container) const = 0;
};

} // namespace perdure

#endif
