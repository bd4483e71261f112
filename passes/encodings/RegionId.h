//===- RegionId.h - The region encoding, for encodings built on it -*- C++
//-*-===//

#ifndef PERDURE_PASSES_ENCODINGS_REGIONID_H
#define PERDURE_PASSES_ENCODINGS_REGIONID_H

#include "Object.h"
#include "Parts.h"

namespace perdure {

class RegionIdEncoding : public ObjectEncoding {
public:
  using ObjectEncoding::ObjectEncoding;
  llvm::Value *emitDecode(Emitter &E, llvm::Value *Bits,
                          llvm::Value *Container) const override;
  llvm::Value *emitEncode(Emitter &E, llvm::Value *Pointer,
                          llvm::Value *Container,
                          llvm::Value *Old) const override;
  llvm::Value *emitReencode(Emitter &E, llvm::Value *Bits, llvm::Value *From,
                            llvm::Value *To, llvm::Value *Old) const override;

protected:
  /// The base of the region that \p Bits name, with what tells that it is
  /// known: what decode does that another encoding may do in another way.
  struct Region {
    llvm::Value *Base, *Known;
  };
  virtual Region emitRegion(Emitter &E, llvm::Value *Bits) const;
  /// The call that finds a base which is not known.
  virtual llvm::Value *emitCall(Emitter &E, bool Cold, llvm::Value *Bits,
                                llvm::Value *Container) const;
};

} // namespace perdure

#endif
