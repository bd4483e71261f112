//===- SelfRelative.cpp - Distance from the container: the off-holder -----===//
//
//   stored = target - container    in one slot, and wherever the container is
//                                  volatile
//          = 0                     null
//          = foreign               anything else in an object, as in the
//          encoding
//                                  object
//          = 2^63 | offset         in an object, a pointer to itself: foreign
//                                  index 0, which the FOT cache always holds
//          = 2^63                  in volatile memory, a pointer to itself
//
// In an object |difference| < SLOT. A negative one has all ones in bits 40 to
// 62, an index above FotIndexMax; a positive one lies below SLOT, where no
// native address is stored: the forms do not meet. In volatile memory the
// difference is modulo 2^64 and reaches every address but container + 2^63,
// which has no bits in the encoding object either, as its top three bits are
// 100 or 101.
//
// Decode asks of the sum, not of the bits: it lies in the container's slot, and
// is not the container, exactly when the bits are such a difference and not
// null. So one range test serves both signs and null.
//
//===----------------------------------------------------------------------===//

#include "Parts.h"

using namespace llvm;

namespace perdure {

namespace {
constexpr StringLiteral Twins("self_relative");

class SelfRelativeEncoding : public Encoding {
public:
  using Encoding::Encoding;

  // Hot: lea, mov, xor, dec, cmp, branch; one add on the way to the next load.
  Value *emitDecode(Emitter &E, Value *Bits, Value *Container) const override {
    if (E.C.Callbacks)
      return E.callDecode(false, Bits, Container, Twins);
    IRBuilder<> &B = E.B;
    Join Cont(E);
    BasicBlock *Hot = E.block("hot"), *Slow = E.block("slow"),
               *Cold = E.block("cold");
    Value *C = E.address(Container), *Sum = B.CreateAdd(C, Bits);
    E.branchLikely(isNear(E, Sum, C), Hot, Slow);

    E.at(Hot);
    // So the program's own test for null need not ask again.
    B.CreateAssumption(B.CreateICmpNE(Bits, E.word(0)));
    Cont.add(E, pointer(E, Sum));
    E.jump(Cont.BB);

    E.at(Slow);
    Value *IsNull = B.CreateICmpEQ(Bits, E.word(0));
    Cont.add(E, Constant::getNullValue(B.getPtrTy()));
    if (E.compact()) {
      E.branchLikely(IsNull, Cont.BB, Cold);
    } else {
      BasicBlock *NonNull = E.block("nonnull"), *Volatile = E.block("volatile"),
                 *Fot = E.block("foreign");
      E.branch(IsNull, Cont.BB, NonNull);
      E.at(NonNull);
      E.branch(E.inWindow(Container), Fot, Volatile);

      E.at(Volatile);
      Value *Self = B.CreateICmpEQ(Bits, E.word(ForeignBit));
      Cont.add(E, pointer(E, B.CreateSelect(Self, C, Sum)));
      E.jump(Cont.BB);

      E.at(Fot);
      Foreign F = emitForeign(E, Bits, Container, Cold);
      Cont.add(E, pointer(E, B.CreateAdd(F.Base, F.Offset)));
      E.jump(Cont.BB);
    }

    E.at(Cold);
    Cont.add(E, E.callDecode(true, Bits, Container, Twins));
    E.jump(Cont.BB);
    return Cont.finish(E);
  }

  // Hot: the window test, then mask, sub, cmp, cmp, branch, sub.
  Value *emitEncode(Emitter &E, Value *Pointer, Value *Container,
                    Value *) const override {
    if (E.C.Callbacks)
      return E.callEncode(false, Pointer, Container, Twins);
    IRBuilder<> &B = E.B;
    Join Cont(E);
    BasicBlock *Slow = E.block("slow"), *Cold = E.block("cold");
    Value *P = E.address(Pointer), *C = E.address(Container);
    Value *Distance = B.CreateSub(P, C);
    Value *Self = B.CreateICmpEQ(P, C);
    if (!E.compact()) {
      BasicBlock *InObject = E.block("object"), *Volatile = E.block("volatile"),
                 *InItself = E.block("self");
      E.branchLikely(E.inWindow(Container), InObject, Volatile);

      E.at(InObject);
      Value *Offset = B.CreateSub(P, E.slotBase(Container));
      Value *Near = B.CreateICmpULT(Offset, E.word(E.C.limit()));
      Cont.add(E, Distance);
      E.branchLikely(B.CreateAnd(Near, B.CreateNot(Self)), Cont.BB, InItself);
      E.at(InItself);
      Cont.add(E, B.CreateOr(Offset, E.word(ForeignBit)));
      E.branch(B.CreateAnd(Near, Self), Cont.BB, Slow);

      E.at(Volatile);
      // Neither null, nor the container, nor what no bits lead to.
      Value *Reached = B.CreateICmpNE(B.CreateShl(Distance, 1), E.word(0));
      Cont.add(E, Distance);
      E.branchLikely(B.CreateAnd(Reached, B.CreateICmpNE(P, E.word(0))),
                     Cont.BB, Slow);
    } else {
      E.jump(Slow);
    }

    E.at(Slow);
    Cont.add(E, E.word(0));
    E.branchLikely(B.CreateICmpEQ(P, E.word(0)), Cont.BB, Cold);

    E.at(Cold);
    Cont.add(E, E.callEncode(true, Pointer, Container, Twins));
    E.jump(Cont.BB);
    return Cont.finish(E);
  }

  // Hot: add, two range tests, sub, test.
  Value *emitReencode(Emitter &E, Value *Bits, Value *From, Value *To,
                      Value *) const override {
    if (E.C.Callbacks)
      return E.callReencode(false, Bits, From, To, Twins);
    IRBuilder<> &B = E.B;
    Join Cont(E);
    BasicBlock *Slow = E.block("slow"), *Cold = E.block("cold");
    Value *F = E.address(From), *T = E.address(To), *P = B.CreateAdd(F, Bits);
    Value *New = B.CreateSub(P, T);
    Value *OneSlot =
        B.CreateICmpULT(B.CreateXor(F, T), E.word(E.C.slotBytes()));
    Value *Other = B.CreateICmpNE(New, E.word(0));
    Cont.add(E, New);
    E.branchLikely(B.CreateAnd(B.CreateAnd(isNear(E, P, F), OneSlot), Other),
                   Cont.BB, Slow);

    E.at(Slow);
    Cont.add(E, Bits);
    Value *Zero = B.CreateICmpEQ(Bits, E.word(0));
    if (E.compact()) {
      E.branch(Zero, Cont.BB, Cold);
    } else {
      BasicBlock *NonZero = E.block("nonzero"), *Volatile = E.block("volatile");
      E.branch(Zero, Cont.BB, NonZero);
      E.at(NonZero);
      Value *Either = B.CreateOr(E.inWindow(From), E.inWindow(To));
      E.branch(Either, Cold, Volatile);
      E.at(Volatile);
      // Neither was nor becomes a pointer to itself, nor what no bits lead to.
      Value *Reached = B.CreateICmpNE(B.CreateShl(New, 1), E.word(0));
      Cont.add(E, New);
      E.branchLikely(
          B.CreateAnd(Reached, B.CreateICmpNE(Bits, E.word(ForeignBit))),
          Cont.BB, Cold);
    }

    E.at(Cold);
    Cont.add(E, E.callReencode(true, Bits, From, To, Twins));
    E.jump(Cont.BB);
    return Cont.finish(E);
  }

private:
  /// Whether the address \p Sum lies in the slot of \p C, and is not \p C.
  static Value *isNear(Emitter &E, Value *Sum, Value *C) {
    return E.B.CreateICmpULT(E.B.CreateSub(E.B.CreateXor(Sum, C), E.word(1)),
                             E.word(E.C.slotBytes() - 1));
  }
};
} // namespace

const Encoding &getSelfRelativeEncoding() {
  static const SelfRelativeEncoding E(3, "self-relative",
                                      {/*Canonical=*/isCanonical(3),
                                       /*Movable=*/false,
                                       /*MovableInVolatile=*/false,
                                       /*ZeroIsNull=*/true,
                                       /*NeedsOldBits=*/false,
                                       /*StaticInit=*/false});
  return E;
}

} // namespace perdure
