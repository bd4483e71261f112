//===- Inverted.cpp - Flip-N-Write in the value itself --------------------===//
//
//   stored = x                       in an object, x near in the base encoding,
//          = x ^ InvertedBits        whichever is nearer to what the container
//                                    held
//          = 2^62 | x                x from 2^60 to 2^61, an address that is no
//                                    address: tagged
//          = as in the base encoding, otherwise: null, foreign pointers,
//          numbers,
//            and all of volatile memory
//
// Flip-N-Write (Cho and Lee, MICRO 2009) with the bit that says so in the word.
// Bits 63 to 60 are 0001 in complements and in nothing else that is stored: the
// base encoding has 0000 in near pointers, and has addresses below 2^60 and
// above 2^61 in volatile memory, once those between are tagged.
//
// What the container held chooses between two values of one pointer, and
// nothing else: any value will do for it.
//
//===----------------------------------------------------------------------===//

#include "Inverted.h"
#include "Object.h"
#include "llvm/IR/Metadata.h"

using namespace llvm;

namespace perdure {

constexpr uint64_t Inverted = uint64_t(1) << abi::InvertedBit;
constexpr uint64_t Complement = abi::InvertedBits;
static_assert(Complement & Inverted, "a complement says that it is one");

/// Whether bits 63 to 60 are 0001.
static Value *isInverted(Emitter &E, Value *Bits) {
  return E.B.CreateICmpEQ(E.B.CreateLShr(Bits, abi::InvertedBit), E.word(1));
}

static Value *complement(Emitter &E, Value *Bits) {
  return E.B.CreateXor(Bits, E.word(Complement));
}

static Value *upright(Emitter &E, Value *Bits, Value *Container) {
  if (isVolatile(Container))
    return Bits;
  return E.B.CreateSelect(isInverted(E, Bits), complement(E, Bits), Bits);
}

/// Ends the block with \p Bits that are not near: what volatile memory cannot
/// hold as it stands is tagged.
static void leaveTagged(Emitter &E, Value *Bits, Join &Way) {
  BasicBlock *Tag = E.block("tag");
  Way.add(E, Bits);
  E.branchUnlikely(isInverted(E, Bits), Tag, Way.BB);
  E.at(Tag);
  Way.leave(E, E.B.CreateOr(Bits, E.word(TaggedBit)));
}

// Multiplied by Spread, the 15 bits of a complement come into four copies that
// do not meet (bits 3 to 16, 17 to 30, 32 to 45, 46 to 59; bit 60 only as
// itself), whose distances, 0, 14, 29 and 43, are 0, 2, 1 and 3 modulo 4: of
// each bit one copy lies at a multiple of 4, and no two of them at the same
// one. Multiplied by EachFourth, their sum, 15 at most, comes into the four
// bits on top, and nothing is carried before. So the topmost bit says whether
// the sum is 8 or more.
constexpr uint64_t Spread =
    1 | uint64_t(1) << 14 | uint64_t(1) << 29 | uint64_t(1) << 43;
constexpr uint64_t EachFourth = 0x1111111111111111;

/// That no two copies meet, and that of each bit just one is counted.
constexpr bool spreadsApart() {
  uint64_t All = 0;
  for (unsigned I = 0; I != 64; ++I) {
    uint64_t Copies = (uint64_t(1) << I & Complement) * Spread;
    uint64_t Counted = Copies & EachFourth;
    bool One = Counted && !(Counted & (Counted - 1));
    if (All & Copies || One != bool(Copies))
      return false;
    All |= Copies;
  }
  return true;
}
static_assert(spreadsApart(), "Spread is made for abi::InvertedBits");

/// Which of two near values of one pointer is nearer to \p Old: \p Bits or
/// their complement. They have 15 bits that differ, an odd number: there is no
/// tie. Budget: xor, and, mul, and, mul, shift, and, xor; no branch.
static Value *choose(Emitter &E, Value *Bits, Value *Old) {
  IRBuilder<> &B = E.B;
  Value *Flips = B.CreateAnd(B.CreateXor(Bits, Old), E.word(Complement));
  Value *Copies = B.CreateMul(Flips, E.word(Spread));
  Value *Ones = B.CreateAnd(Copies, E.word(EachFourth));
  Value *Sum = B.CreateMul(Ones, E.word(EachFourth));
  Value *MostIfMany = B.CreateAShr(Sum, 63);
  return B.CreateXor(Bits, B.CreateAnd(MostIfMany, E.word(Complement)));
}

InvertedEncoding::InvertedEncoding(unsigned Number, StringRef Name,
                                   const NearEncoding &Base)
    : NearEncoding(Number, Name,
                   {isCanonical(Number), Base.T.Movable,
                    Base.T.MovableInVolatile, Base.T.ZeroIsNull,
                    /*NeedsOldBits=*/true, Base.T.StaticInit}),
      Base(Base) {}

// On the way to the next load: a conditional move, since which of the two it is
// nobody can predict. Of words that are no complement of anything near the bit
// makes others that are not near.
Value *InvertedEncoding::emitNearBits(Emitter &E, Value *Bits) const {
  IRBuilder<> &B = E.B;
  Value *Is = B.CreateICmpNE(B.CreateAnd(Bits, E.word(Inverted)), E.word(0));
  Value *Near = B.CreateSelect(Is, complement(E, Bits), Bits);
  if (auto *S = dyn_cast<SelectInst>(Near))
    S->setMetadata(LLVMContext::MD_unpredictable,
                   MDNode::get(B.getContext(), {}));
  return Near;
}

Value *InvertedEncoding::emitDecodeCall(Emitter &E, Value *Bits,
                                        Value *Container) const {
  return Base.emitDecodeCall(E, upright(E, Bits, Container), Container);
}

// Hot: that of the base encoding, a load, and what chooses.
void InvertedEncoding::emitEncodeWays(Emitter &E, Value *Pointer,
                                      Value *Container, Value *Old,
                                      const EncodeWays &Ways) const {
  Join Near(E, "near"), Rest(E, "rest");
  Base.emitEncodeWays(E, Pointer, Container, Old, {Near, Ways.Null, Rest});
  finish(E, Near, Rest, Old, Ways);
}

// Hot: that of the base encoding, what makes upright, and as encode.
Value *InvertedEncoding::emitReencode(Emitter &E, Value *Bits, Value *From,
                                      Value *To, Value *Old) const {
  Value *X = Base.emitReencode(E, upright(E, Bits, From), From, To, Old);
  Join Cont(E);
  if (isVolatile(To)) {
    leaveTagged(E, X, Cont);
  } else {
    Join Near(E, "near"), Rest(E, "rest");
    sortOut(E, X, {Near, Cont, Rest});
    finish(E, Near, Rest, Old, {Cont, Cont, Cont});
  }
  return Cont.finish(E);
}

void InvertedEncoding::finish(Emitter &E, Join &Near, Join &Rest, Value *Old,
                              const EncodeWays &Ways) {
  if (Value *X = Near.finishIfReached(E))
    Ways.Near.leave(E, choose(E, X, heldHere(E, Old)));
  if (Value *X = Rest.finishIfReached(E))
    leaveTagged(E, X, Ways.Rest);
}

Constant *InvertedEncoding::constant(Constant *Target, const Module &M,
                                     const Config &C) const {
  Constant *Bits = Base.constant(Target, M, C);
  auto *Cast = dyn_cast_or_null<ConstantExpr>(Bits);
  auto *Number = Cast && Cast->getOpcode() == Instruction::IntToPtr
                     ? dyn_cast<ConstantInt>(Cast->getOperand(0))
                     : nullptr;
  if (!Number || Number->getZExtValue() >> abi::InvertedBit != 1)
    return Bits;
  uint64_t Tagged = Number->getZExtValue() | TaggedBit;
  return ConstantExpr::getIntToPtr(ConstantInt::get(Number->getType(), Tagged),
                                   Bits->getType());
}

const Encoding &getInvertedEncoding() {
  static const InvertedEncoding E(
      8, "inverted", static_cast<const NearEncoding &>(getObjectEncoding()));
  return E;
}
const Encoding &getXorInvertedEncoding() {
  static const InvertedEncoding E(
      11, "xor-inverted", static_cast<const NearEncoding &>(getXorEncoding()));
  return E;
}

} // namespace perdure
