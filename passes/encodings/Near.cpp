//===- Near.cpp - Encodings with one test for near pointers ---------------===//

#include "Near.h"
#include "llvm/IR/Metadata.h"

using namespace llvm;

namespace perdure {

// Everything but near pointers hangs off the one predicted branch.
Decoded NearEncoding::emitDecodeParts(Emitter &E, Value *Bits, Value *Container,
                                      DecodeParts Wanted) const {
  IRBuilder<> &B = E.B;
  if (E.C.Callbacks || isVolatile(Container)) {
    Decoded D{E.C.Callbacks ? emitDecodeCall(E, Bits, Container)
                            : emitVolatileDecode(E, Bits)};
    if (Wanted.Base) {
      Value *P = E.address(D.Pointer);
      D.Base = emitSlotBase(B, E.C, P);
      D.Offset = B.CreateSub(P, D.Base);
    }
    return D;
  }
  DecodedJoin Cont(E, Wanted);
  BasicBlock *Slow = E.block("slow");
  emitNear(E, Bits, emitNearBits(E, Bits), Container, Cont, Slow);
  E.at(Slow);
  emitRest(E, Bits, Container, Cont);
  return Cont.finish();
}

Value *NearEncoding::emitEncode(Emitter &E, Value *Pointer, Value *Container,
                                Value *Old) const {
  Join Cont(E);
  emitEncodeWays(E, Pointer, Container, Old, {Cont, Cont, Cont});
  return Cont.finish(E);
}

void NearEncoding::assumeNotNull(Emitter &E, Value *Bits, Value *Near) {
  if (Near != Bits)
    E.B.CreateAssumption(E.B.CreateIsNotNull(Bits));
}

void NearEncoding::sortOut(Emitter &E, Value *Bits, const EncodeWays &Ways) {
  if (&Ways.Near == &Ways.Rest && &Ways.Null == &Ways.Rest)
    return Ways.Rest.leave(E, Bits);
  IRBuilder<> &B = E.B;
  BasicBlock *Others = E.block("others");
  // Below SLOT nothing but near pointers and null.
  Ways.Near.add(E, Bits);
  E.branchLikely(B.CreateICmpULT(B.CreateSub(Bits, E.word(1)),
                                 E.word(E.C.slotBytes() - 1)),
                 Ways.Near.BB, Others);
  E.at(Others);
  Ways.Null.add(E, Bits);
  Ways.Rest.add(E, Bits);
  E.branch(B.CreateICmpEQ(Bits, E.word(0)), Ways.Null.BB, Ways.Rest.BB);
}

Value *heldHere(Emitter &E, Value *Old) {
  auto *Frozen = dyn_cast<FreezeInst>(Old);
  auto *Load = Frozen ? dyn_cast<LoadInst>(Frozen->getOperand(0)) : nullptr;
  if (!Load || !Load->isSimple() ||
      !Load->hasMetadata(LLVMContext::MD_nosanitize))
    return Old;
  LoadInst *Again = E.B.CreateAlignedLoad(
      Load->getType(), Load->getPointerOperand(), Load->getAlign());
  Again->setMetadata(LLVMContext::MD_nosanitize,
                     MDNode::get(Load->getContext(), {}));
  return E.B.CreateFreeze(Again);
}

} // namespace perdure
