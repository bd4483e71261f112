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

constexpr uint64_t Mark = uint64_t(1) << 61;

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

/// \p Bits of the base encoding, which are 0 for null, over \p Old.
static Value *keepUnderMark(Emitter &E, Value *Bits, Value *Container,
                            Value *Old) {
  if (isVolatile(Container))
    return Bits;
  IRBuilder<> &B = E.B;
  Join Cont(E);
  BasicBlock *Null = E.block("null"), *InObject = E.block("object");
  Cont.add(E, Bits);
  E.branch(B.CreateICmpEQ(Bits, E.word(0)), Null, Cont.BB);
  E.at(Null);
  Cont.add(E, E.word(0));
  E.branchLikely(E.inWindow(Container), InObject, Cont.BB);
  E.at(InObject);
  Value *Marked = B.CreateOr(B.CreateAnd(Old, E.word(Mark - 1)), E.word(Mark));
  Cont.add(E, B.CreateSelect(B.CreateICmpEQ(Old, E.word(0)), Old, Marked));
  E.jump(Cont.BB);
  return Cont.finish(E);
}

LazyNullEncoding::LazyNullEncoding(unsigned Number, StringRef Name,
                                   const NearEncoding &Base)
    : NearEncoding(Number, Name,
                   {/*Canonical=*/false, Base.T.Movable,
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

// Hot: that of the base encoding, test, branch.
Value *LazyNullEncoding::emitEncode(Emitter &E, Value *Pointer,
                                    Value *Container, Value *Old) const {
  return keepUnderMark(E, Base.emitEncode(E, Pointer, Container, Old),
                       Container, Old);
}

Value *LazyNullEncoding::emitReencode(Emitter &E, Value *Bits, Value *From,
                                      Value *To, Value *Old) const {
  Value *Unmarked = unmark(E, Bits, From);
  return keepUnderMark(E, Base.emitReencode(E, Unmarked, From, To, Old), To,
                       Old);
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
