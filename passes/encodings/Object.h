//===- Object.h - The object encoding, for encodings built on it *- C++ -*-===//

#ifndef PERDURE_PASSES_ENCODINGS_OBJECT_H
#define PERDURE_PASSES_ENCODINGS_OBJECT_H

#include "../Encoding.h"

namespace perdure {

class ObjectEncoding : public Encoding {
public:
  ObjectEncoding(unsigned Number, llvm::StringRef Name, Traits T)
      : Encoding(Number, Name, T) {}
  bool tracksBases() const override { return true; }
  llvm::Value *emitDecode(Emitter &E, llvm::Value *Bits,
                          llvm::Value *Container) const override;
  Decoded emitDecodeParts(Emitter &E, llvm::Value *Bits,
                          llvm::Value *Container,
                          DecodeParts Wanted) const override;
  llvm::Value *emitEncode(Emitter &E, llvm::Value *Pointer,
                          llvm::Value *Container,
                          llvm::Value *Old) const override;
  llvm::Value *emitReencode(Emitter &E, llvm::Value *Bits, llvm::Value *From,
                            llvm::Value *To, llvm::Value *Old) const override;
  llvm::Value *emitAmbiguous(llvm::IRBuilderBase &B, llvm::Value *X,
                             llvm::Value *Y) const override;
  llvm::Constant *constant(llvm::Constant *Target, const llvm::Module &M,
                           const Config &C) const override;
};

} // namespace perdure

#endif
