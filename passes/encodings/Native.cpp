//===- Native.cpp - Ordinary addresses ------------------------------------===//
//
// What everything but translation costs: the baseline that other encodings are
// measured against. Objects written this way hold only while they stay mapped
// where they are.
//
//===----------------------------------------------------------------------===//

#include "../Emitter.h"
#include "../Encoding.h"
#include "llvm/IR/Constant.h"

using namespace llvm;

namespace perdure {

namespace {
class NativeEncoding : public Encoding {
public:
  using Encoding::Encoding;
  Value *emitDecode(Emitter &E, Value *Bits, Value *) const override {
    return E.B.CreateIntToPtr(Bits, E.B.getPtrTy());
  }
  Value *emitEncode(Emitter &E, Value *Pointer, Value *,
                    Value *) const override {
    return E.address(Pointer);
  }
  Value *emitReencode(Emitter &, Value *Bits, Value *, Value *,
                      Value *) const override {
    return Bits;
  }
  Constant *constant(Constant *Target, const Module &,
                     const Config &) const override {
    return Target;
  }
};
} // namespace

const Encoding &getNativeEncoding() {
  static const NativeEncoding E(1, "native",
                                {/*Canonical=*/isCanonical(1), /*Movable=*/true,
                                 /*MovableInVolatile=*/true,
                                 /*ZeroIsNull=*/true, /*NeedsOldBits=*/false,
                                 /*StaticInit=*/true});
  return E;
}

} // namespace perdure
