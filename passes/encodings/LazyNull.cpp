//===- LazyNull.cpp - Null as one bit over what was there -----------------===//
//
//   stored = old, with 001 on top    in an object, null over anything but 0
//          = 0                       in an object, null over 0
//          = as in the base encoding, otherwise, volatile memory included
//
// So null sets one bit, and the same pointer after it clears that bit again.
// The bits on top, 63 to 61, are 000 in near pointers, 010 and 011 in
// numbers, 1.. in foreign pointers, whose two upper ones null then changes. 001
// belongs to addresses that no object holds: where the container lies in one,
// it is null.
//
// What the container held chooses among the values of null, and nothing else:
// any value will do for it.
//
//===----------------------------------------------------------------------===//

#include "LazyNull.h"
#include "Inverted.h"
#include "Object.h"

using namespace llvm;

namespace perdure {

constexpr uint64_t Mark = uint64_t(1) << abi::NullMarkBit;

static Value *isMarked(Emitter &E, Value *Bits) {
  return E.B.CreateICmpULT(E.B.CreateSub(Bits, E.word(Mark)), E.word(Mark));
}

/// \p Bits, or 0 for every null.
static Value *unmark(Emitter &E, Value *Bits, Value *Container) {
  if (isVolatile(Container))
    return Bits;
  Join Cont(E);
  BasicBlock *Marked = E.block("marked");
  Cont.add(E, Bits);
  E.branchUnlikely(isMarked(E, Bits), Marked, Cont.BB);
  E.at(Marked);
  Cont.add(E, E.B.CreateSelect(E.inWindow(Container), E.word(0), Bits));
  E.jump(Cont.BB);
  return Cont.finish(E);
}

/// Ends the block with null over \p Old.
static void leaveNull(Emitter &E, Value *Container, Value *Old, Join &Way) {
  IRBuilder<> &B = E.B;
  BasicBlock *InObject = E.block("object");
  Way.add(E, E.word(0));
  E.branchLikely(E.inWindow(Container), InObject, Way.BB);
  E.at(InObject);
  Value *Held = heldHere(E, Old);
  Value *Marked = B.CreateOr(B.CreateAnd(Held, E.word(Mark - 1)), E.word(Mark));
  Way.leave(E, B.CreateSelect(B.CreateICmpEQ(Held, E.word(0)), Held, Marked));
}

LazyNullEncoding::LazyNullEncoding(unsigned Number, StringRef Name,
                                   const NearEncoding &Base)
    : NearEncoding(Number, Name,
                   {isCanonical(Number), Base.T.Movable,
                    Base.T.MovableInVolatile, /*ZeroIsNull=*/false,
                    /*NeedsOldBits=*/true, Base.T.StaticInit}),
      Base(Base) {}

// Two tests before those of the base encoding. A mark is not near, so nothing
// is asked of pointers that are.
void LazyNullEncoding::emitRest(Emitter &E, Value *Bits, Value *Container,
                                DecodedJoin &Cont) const {
  BasicBlock *Marked = E.block("marked"), *Unmarked = E.block("unmarked");
  E.branchMostly(isMarked(E, Bits), Marked, Unmarked);
  E.at(Marked);
  Cont.addNull();
  E.branchLikely(E.inWindow(Container), Cont.BB, Unmarked);
  E.at(Unmarked);
  Base.emitRest(E, Bits, Container, Cont);
}

Value *LazyNullEncoding::emitDecodeCall(Emitter &E, Value *Bits,
                                        Value *Container) const {
  return Base.emitDecodeCall(E, unmark(E, Bits, Container), Container);
}

// Hot: that of the base encoding. A null that is known asks for the window
// alone.
void LazyNullEncoding::emitEncodeWays(Emitter &E, Value *Pointer,
                                      Value *Container, Value *Old,
                                      const EncodeWays &Ways) const {
  if (isVolatile(Container))
    return Base.emitEncodeWays(E, Pointer, Container, Old, Ways);
  if (isa<ConstantPointerNull>(Pointer))
    return leaveNull(E, Container, Old, Ways.Null);
  Join Null(E, "null");
  Base.emitEncodeWays(E, Pointer, Container, Old, {Ways.Near, Null, Ways.Rest});
  if (Null.finishIfReached(E))
    leaveNull(E, Container, Old, Ways.Null);
}

Value *LazyNullEncoding::emitReencode(Emitter &E, Value *Bits, Value *From,
                                      Value *To, Value *Old) const {
  Value *X = Base.emitReencode(E, unmark(E, Bits, From), From, To, Old);
  if (isVolatile(To))
    return X;
  Join Cont(E);
  BasicBlock *Null = E.block("null");
  Cont.add(E, X);
  E.branch(E.B.CreateICmpEQ(X, E.word(0)), Null, Cont.BB);
  E.at(Null);
  leaveNull(E, To, Old, Cont);
  return Cont.finish(E);
}

static const NearEncoding &near(const Encoding &E) {
  return static_cast<const NearEncoding &>(E);
}

const Encoding &getLazyNullEncoding() {
  static const LazyNullEncoding E(7, "lazy-null", near(getObjectEncoding()));
  return E;
}
const Encoding &getXorLazyNullEncoding() {
  static const LazyNullEncoding E(10, "xor-lazy-null", near(getXorEncoding()));
  return E;
}
const Encoding &getLazyNullInvertedEncoding() {
  static const LazyNullEncoding E(9, "lazy-null-inverted",
                                  near(getInvertedEncoding()));
  return E;
}
const Encoding &getXorLazyNullInvertedEncoding() {
  static const LazyNullEncoding E(12, "xor-lazy-null-inverted",
                                  near(getXorInvertedEncoding()));
  return E;
}

} // namespace perdure
