//===- Strict.cpp - The object encoding, scrambled by position ------------===//
//
// For tests. The bits hold at one address alone, in volatile memory too, so
// that every access which escapes translation reads nonsense at once:
//
//   k = (((container & (SLOT - 1)) * 0x9E3779B97F4A7C15) | 1)
//   stored = x == 0 ? 0 : x == k ? k : x ^ k        x: the object encoding
//
// A bijection that keeps zero, and its own inverse: x ^ k is 0 only for x = k,
// which maps to itself.
//
//===----------------------------------------------------------------------===//

#include "../Emitter.h"
#include "Object.h"

using namespace llvm;

namespace perdure {

namespace {
class StrictEncoding : public ObjectEncoding {
  static Value *scramble(Emitter &E, Value *X, Value *Container) {
    IRBuilder<> &B = E.B;
    Value *Place = B.CreateAnd(E.address(Container),
                               E.word(E.C.slotBytes() - 1));
    Value *K = B.CreateOr(B.CreateMul(Place, E.word(0x9E3779B97F4A7C15)),
                          E.word(1));
    Value *Fixed = B.CreateOr(B.CreateICmpEQ(X, E.word(0)),
                              B.CreateICmpEQ(X, K));
    return B.CreateSelect(Fixed, X, B.CreateXor(X, K));
  }

public:
  using ObjectEncoding::ObjectEncoding;

  Value *emitAmbiguous(IRBuilderBase &B, Value *, Value *) const override {
    return B.getTrue(); // scrambled, bits do not tell
  }

  Value *emitDecode(Emitter &E, Value *Bits, Value *Container) const override {
    return ObjectEncoding::emitDecode(E, scramble(E, Bits, Container),
                                      Container);
  }
  Value *emitEncode(Emitter &E, Value *Pointer, Value *Container,
                    Value *Old) const override {
    return scramble(E, ObjectEncoding::emitEncode(E, Pointer, Container, Old),
                    Container);
  }
  Value *emitReencode(Emitter &E, Value *Bits, Value *From, Value *To,
                      Value *Old) const override {
    Value *X = scramble(E, Bits, From);
    return scramble(E, ObjectEncoding::emitReencode(E, X, From, To, Old), To);
  }
  Constant *constant(Constant *, const Module &,
                     const Config &) const override {
    return nullptr; // positions are known at start-up only
  }
};
} // namespace

const Encoding &getStrictEncoding() {
  static const StrictEncoding E(2, "strict",
                                {/*Canonical=*/isCanonical(2),
                                 /*Movable=*/false,
                                 /*MovableInVolatile=*/false,
                                 /*ZeroIsNull=*/true, /*NeedsOldBits=*/false,
                                 /*StaticInit=*/false});
  return E;
}

} // namespace perdure
