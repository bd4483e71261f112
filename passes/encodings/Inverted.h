//===- Inverted.h - Flip-N-Write in the value itself ------------*- C++ -*-===//

#ifndef PERDURE_PASSES_ENCODINGS_INVERTED_H
#define PERDURE_PASSES_ENCODINGS_INVERTED_H

#include "Near.h"

namespace perdure {

/// The near pointers of \p Base, or their complement; else as \p Base.
class InvertedEncoding final : public NearEncoding {
  const NearEncoding &Base;

public:
  InvertedEncoding(unsigned Number, llvm::StringRef Name,
                   const NearEncoding &Base);
  void emitEncodeWays(Emitter &E, llvm::Value *Pointer, llvm::Value *Container,
                      llvm::Value *Old, const EncodeWays &Ways) const override;
  llvm::Value *emitReencode(Emitter &E, llvm::Value *Bits, llvm::Value *From,
                            llvm::Value *To, llvm::Value *Old) const override;
  bool tracksBases() const override { return Base.tracksBases(); }
  llvm::Constant *constant(llvm::Constant *Target, const llvm::Module &M,
                           const Config &C) const override;

  llvm::Value *emitNearBits(Emitter &E, llvm::Value *Bits) const override;
  void emitNear(Emitter &E, llvm::Value *Bits, llvm::Value *Near,
                llvm::Value *Container, DecodedJoin &Cont,
                llvm::BasicBlock *Rest) const override {
    Base.emitNear(E, Bits, Near, Container, Cont, Rest);
  }
  void emitRest(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                DecodedJoin &Cont) const override {
    Base.emitRest(E, Bits, Container, Cont);
  }
  llvm::Value *emitDecodeCall(Emitter &E, llvm::Value *Bits,
                              llvm::Value *Container) const override;

private:
  /// Near pointers as they are stored over \p Old, and the rest.
  static void finish(Emitter &E, Join &Near, Join &Rest, llvm::Value *Old,
                     const EncodeWays &Ways);
};

} // namespace perdure

#endif
