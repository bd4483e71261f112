//===- Object.h - The object encoding, for encodings built on it *- C++ -*-===//

#ifndef PERDURE_PASSES_ENCODINGS_OBJECT_H
#define PERDURE_PASSES_ENCODINGS_OBJECT_H

#include "../Encoding.h"

namespace perdure {

class ObjectEncoding : public Encoding {
public:
  ObjectEncoding(unsigned Number, llvm::StringRef Name, Traits T)
      : Encoding(Number, Name, T) {}
  llvm::Value *emitDecode(Emitter &E, llvm::Value *Bits,
                          llvm::Value *Container) const override;
  llvm::Value *emitEncode(Emitter &E, llvm::Value *Pointer,
                          llvm::Value *Container,
                          llvm::Value *Old) const override;
  llvm::Value *emitReencode(Emitter &E, llvm::Value *Bits, llvm::Value *From,
                            llvm::Value *To, llvm::Value *Old) const override;
  llvm::Constant *constant(llvm::Constant *Target, const llvm::Module &M,
                           const Config &C) const override;

protected:
  Decoded emitNear(Emitter &E, llvm::Value *Bits, llvm::Value *Container,
                   DecodeParts Wanted) const;
};

} // namespace perdure

#endif
