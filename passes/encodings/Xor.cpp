//===- Xor.cpp - Target and container, exclusive-ored ---------------------===//
//
//   stored = target ^ container    in an object, where both lie in one slot
//          = 2^63 | offset         in an object, a pointer to itself: foreign
//                                  index 0, which the FOT cache always holds
//          = as in the encoding object, otherwise, volatile memory included
//
// Two addresses of one slot agree in all bits above it, so the stored value
// lies below SLOT, where the encoding object has nothing but offsets; and
// container ^ stored is the target, with no mask. Encode sees to it that the
// target's offset lies below LIMIT; decode does not look.
//
//===----------------------------------------------------------------------===//

#include "Object.h"
#include "Parts.h"

using namespace llvm;

namespace perdure {

namespace {
constexpr StringLiteral Twins("xor");

class XorEncoding : public ObjectEncoding {
public:
  using ObjectEncoding::ObjectEncoding;

  // Hot: lea, cmp, branch, xor. Null, container ^ container, would need a
  // container below SLOT, where position-independent code has nothing.
  void emitNear(Emitter &E, Value *Bits, Value *Near, Value *Container,
                DecodedJoin &Cont, BasicBlock *Rest) const override {
    BasicBlock *Hot = E.block("hot");
    E.branchLikely(isNear(E, Near), Hot, Rest);
    E.at(Hot);
    assumeNotNull(E, Bits, Near);
    Cont.add(E.B.CreateXor(E.address(Container), Near), E.C.LowAddresses);
    E.jump(Cont.BB);
  }
  Value *emitDecodeCall(Emitter &E, Value *Bits,
                        Value *Container) const override {
    return E.callDecode(false, Bits, Container, Twins);
  }

  // Hot: the window test, then mask, sub, cmp, cmp, branch, xor.
  void emitEncodeWays(Emitter &E, Value *Pointer, Value *Container, Value *,
                      const EncodeWays &Ways) const override {
    if (E.C.Callbacks)
      return sortOut(E, E.callEncode(false, Pointer, Container, Twins), Ways);
    if (isVolatile(Container))
      return Ways.Rest.leave(E, emitVolatileEncode(E, Pointer));
    IRBuilder<> &B = E.B;
    BasicBlock *InObject = E.block("object"), *InItself = E.block("self"),
               *Volatile = E.block("volatile"), *Slow = E.block("slow"),
               *Cold = E.block("cold");
    Value *P = E.address(Pointer), *C = E.address(Container);
    E.branchLikely(E.inWindow(Container), InObject, Volatile);

    E.at(InObject);
    Value *Offset = B.CreateSub(P, E.slotBase(Container));
    Value *Near = B.CreateICmpULT(Offset, E.word(E.C.limit()));
    Value *Stored = B.CreateXor(P, C), *Self = B.CreateICmpEQ(P, C);
    Ways.Near.add(E, Stored);
    E.branchLikely(B.CreateAnd(Near, B.CreateNot(Self)), Ways.Near.BB,
                   InItself);
    E.at(InItself);
    Ways.Rest.add(E, B.CreateOr(Offset, E.word(ForeignBit)));
    E.branch(B.CreateAnd(Near, Self), Ways.Rest.BB, Slow);

    E.at(Volatile);
    Value *Fits = volatileBits(E, P, Stored);
    Ways.Rest.add(E, Stored);
    E.branchLikely(Fits, Ways.Rest.BB, Slow);

    E.at(Slow);
    Ways.Null.add(E, E.word(0));
    E.branchLikely(B.CreateICmpEQ(P, E.word(0)), Ways.Null.BB, Cold);

    E.at(Cold); // never with a near target or null
    Ways.Rest.leave(E, E.callEncode(true, Pointer, Container));
  }

  // Hot: xor, range test, range test, xor, test, branch.
  Value *emitReencode(Emitter &E, Value *Bits, Value *From, Value *To,
                      Value *Old) const override {
    if (isVolatile(From) && isVolatile(To))
      return Bits;
    if (E.C.Callbacks)
      return E.callReencode(false, Bits, From, To, Twins);
    if (isVolatile(From) || isVolatile(To))
      return emitEncode(E, emitDecode(E, Bits, From), To, Old);
    IRBuilder<> &B = E.B;
    Join Cont(E);
    BasicBlock *Slow = E.block("slow"), *Cold = E.block("cold");
    Value *Both = B.CreateXor(E.address(From), E.address(To));
    Value *OneSlot = B.CreateICmpULT(Both, E.word(E.C.slotBytes()));
    Value *New = B.CreateXor(Bits, Both);
    Value *Other = B.CreateICmpNE(New, E.word(0));
    Cont.add(E, New);
    E.branchLikely(B.CreateAnd(B.CreateAnd(OneSlot, isNear(E, Bits)), Other),
                   Cont.BB, Slow);

    E.at(Slow);
    Value *Zero = B.CreateICmpEQ(Bits, E.word(0));
    Cont.add(E, Bits);
    if (E.compact()) {
      E.branch(Zero, Cont.BB, Cold);
    } else {
      BasicBlock *NonZero = E.block("nonzero");
      E.branch(Zero, Cont.BB, NonZero);
      E.at(NonZero);
      Value *Either = B.CreateOr(E.inWindow(From), E.inWindow(To));
      Cont.add(E, Bits);
      E.branch(Either, Cold, Cont.BB);
    }

    E.at(Cold);
    Cont.add(E, E.callReencode(true, Bits, From, To, Twins));
    E.jump(Cont.BB);
    return Cont.finish(E);
  }

private:
  static Value *isNear(Emitter &E, Value *Bits) {
    return E.B.CreateICmpULT(E.B.CreateSub(Bits, E.word(1)),
                             E.word(E.C.slotBytes() - 1));
  }
};
} // namespace

const Encoding &getXorEncoding() {
  static const XorEncoding E(4, "xor",
                             {/*Canonical=*/isCanonical(4), /*Movable=*/false,
                              /*MovableInVolatile=*/true,
                              /*ZeroIsNull=*/true, /*NeedsOldBits=*/false,
                              /*StaticInit=*/true});
  return E;
}

} // namespace perdure
