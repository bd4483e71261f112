//===- LazyNull.h - Null as one bit over what was there ---------*- C++ -*-===//

#ifndef PERDURE_PASSES_ENCODINGS_LAZYNULL_H
#define PERDURE_PASSES_ENCODINGS_LAZYNULL_H

#include "Near.h"

namespace perdure {

/// Null lies as a mark over the pointer that it replaces; else as \p Base,
/// whose bits are right under the mark, too.
class LazyNullEncoding final : public NearEncoding {
  const NearEncoding &Base;

public:
  LazyNullEncoding(unsigned Number, llvm::StringRef Name,
                   const NearEncoding &Base);
  void emitEncodeWays(Emitter &E, llvm::Value *Pointer, llvm::Value *Container,
                      llvm::Value *Old, const EncodeWays &Ways) const override;
  llvm::Value *emitReencode(Emitter &E, llvm::Value *Bits, llvm::Value *From,
                            llvm::Value *To, llvm::Value *Old) const override;
  bool tracksBases() const override { return Base.tracksBases(); }
  llvm::Constant *constant(llvm::Constant *Target, const llvm::Module &M,
                           const Config &C) const override {
    return Base.constant(Target, M, C);
  }

  llvm::Value *emitNearBits(Emitter &E, llvm::Value *Bits) const override {
    return Base.emitNearBits(E, Bits);
  }
  void emitNear(Emitter &E, llvm::Value *Bits, llvm::Value *Near,
                llvm::Value *Container, DecodedJoin &Cont,
                llvm::BasicBlock *Rest) const override {
    Base.emitNear(E, Bits, Near, Container, Cont, Rest);
  }
  void emitRest(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                DecodedJoin &Cont) const override;
  llvm::Value *emitDecodeCall(Emitter &E, llvm::Value *Bits,
                              llvm::Value *Container) const override;
};

} // namespace perdure

#endif
