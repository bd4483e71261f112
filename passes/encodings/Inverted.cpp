//===- Inverted.cpp - Flip-N-Write in the value itself --------------------===//
//
//   stored = x                       in an object, x near in the base encoding,
//          = x ^ (2^60 | Flippable)  whichever is nearer to what the container
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
#include "llvm/ADT/bit.h"
#include "llvm/IR/Metadata.h"

using namespace llvm;

namespace perdure {

constexpr uint64_t Inverted = uint64_t(1) << 60;
/// A word as wide as offsets vary, for one that is wider seldom differs in more
/// than half of its bits: those of offsets up to 512 KiB, without alignment.
constexpr uint64_t Flippable = 0x7FFF8;
constexpr uint64_t Complement = Inverted | Flippable;

/// Whether bits 63 to 60 are 0001.
static Value *isInverted(Emitter &E, Value *Bits) {
  return E.B.CreateICmpEQ(E.B.CreateLShr(Bits, 60), E.word(1));
}

static Value *complement(Emitter &E, Value *Bits) {
  return E.B.CreateXor(Bits, E.word(Complement));
}

static Value *upright(Emitter &E, Value *Bits, Value *Container) {
  if (isVolatile(Container))
    return Bits;
  return E.B.CreateSelect(isInverted(E, Bits), complement(E, Bits), Bits);
}

/// What volatile memory cannot hold as it stands.
static Value *tagged(Emitter &E, Value *Bits) {
  return E.B.CreateSelect(isInverted(E, Bits),
                          E.B.CreateOr(Bits, E.word(TaggedBit)), Bits);
}

/// \p Bits of the base encoding as they are stored over \p Old.
static Value *choose(Emitter &E, Value *Bits, Value *Container, Value *Old) {
  if (isVolatile(Container))
    return tagged(E, Bits);
  IRBuilder<> &B = E.B;
  Join Cont(E);
  BasicBlock *Near = E.block("near"), *Far = E.block("far");
  // Below SLOT nothing but near pointers and null.
  Value *IsNear = B.CreateICmpULT(B.CreateSub(Bits, E.word(1)),
                                  E.word(E.C.slotBytes() - 1));
  E.branchLikely(IsNear, Near, Far);

  E.at(Near);
  Value *Flips = B.CreateUnaryIntrinsic(
      Intrinsic::ctpop,
      B.CreateAnd(B.CreateXor(Bits, Old), E.word(Complement)));
  Value *More = B.CreateICmpUGT(Flips, E.word(llvm::popcount(Complement) / 2));
  Cont.add(E, B.CreateSelect(More, complement(E, Bits), Bits));
  E.jump(Cont.BB);

  E.at(Far);
  Cont.add(E, tagged(E, Bits));
  E.jump(Cont.BB);
  return Cont.finish(E);
}

InvertedEncoding::InvertedEncoding(unsigned Number, StringRef Name,
                                   const NearEncoding &Base)
    : NearEncoding(Number, Name,
                   {/*Canonical=*/false, Base.T.Movable,
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

// Hot: that of the base encoding, lea, cmp, branch, and what chooses.
Value *InvertedEncoding::emitEncode(Emitter &E, Value *Pointer,
                                    Value *Container, Value *Old) const {
  return choose(E, Base.emitEncode(E, Pointer, Container, Old), Container, Old);
}

Value *InvertedEncoding::emitReencode(Emitter &E, Value *Bits, Value *From,
                                      Value *To, Value *Old) const {
  Value *Upright = upright(E, Bits, From);
  return choose(E, Base.emitReencode(E, Upright, From, To, Old), To, Old);
}

Constant *InvertedEncoding::constant(Constant *Target, const Module &M,
                                     const Config &C) const {
  Constant *Bits = Base.constant(Target, M, C);
  auto *Cast = dyn_cast_or_null<ConstantExpr>(Bits);
  auto *Number = Cast && Cast->getOpcode() == Instruction::IntToPtr
                     ? dyn_cast<ConstantInt>(Cast->getOperand(0))
                     : nullptr;
  if (!Number || Number->getZExtValue() >> 60 != 1)
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
