//===- Object.h - The object encoding, for encodings built on it *- C++ -*-===//

#ifndef PERDURE_PASSES_ENCODINGS_OBJECT_H
#define PERDURE_PASSES_ENCODINGS_OBJECT_H

#include "Near.h"

namespace perdure {

class ObjectEncoding : public NearEncoding {
public:
  using NearEncoding::NearEncoding;
  llvm::Value *emitReencode(Emitter &E, llvm::Value *Bits, llvm::Value *From,
                            llvm::Value *To, llvm::Value *Old) const override;
  llvm::Constant *constant(llvm::Constant *Target, const llvm::Module &M,
                           const Config &C) const override;

  void emitNear(Emitter &E, llvm::Value *Bits, llvm::Value *Near,
                llvm::Value *Container, DecodedJoin &Cont,
                llvm::BasicBlock *Rest) const override;
  void emitEncodeWays(Emitter &E, llvm::Value *Pointer, llvm::Value *Container,
                      llvm::Value *Old, const EncodeWays &Ways) const override;
  llvm::Value *emitDecodeCall(Emitter &E, llvm::Value *Bits,
                              llvm::Value *Container) const override;
};

} // namespace perdure

#endif
