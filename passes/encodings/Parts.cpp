//===- Parts.cpp - What encodings have in common --------------------------===//

#include "Parts.h"
#include "llvm/IR/Metadata.h"

using namespace llvm;

namespace perdure {

Value *Join::finish(Emitter &E) {
  E.at(BB);
  PHINode *P = E.B.CreatePHI(In.front().first->getType(), In.size());
  for (auto &[V, From] : In)
    P->addIncoming(V, From);
  return P;
}

Value *pointer(Emitter &E, Value *Address) {
  return E.B.CreateIntToPtr(Address, E.B.getPtrTy());
}

Value *slotBase(Emitter &E, Value *Pointer) {
  return E.slotBase(E.address(Pointer));
}

Value *inWindow(Emitter &E, Value *Pointer) {
  return E.inWindow(E.address(Pointer));
}

Value *emitVolatileDecode(Emitter &E, Value *Bits) {
  // Sign-extending from bit 61 would do for every user address below 2^61;
  // the select keeps the values between right as well.
  Value *Value62 = E.B.CreateAShr(E.B.CreateShl(Bits, 2), 2);
  Value *Plain = E.B.CreateICmpULT(Bits, E.word(TaggedBit));
  return pointer(E, E.B.CreateSelect(Plain, Bits, Value62));
}

Value *volatileBits(Emitter &E, Value *P, Value *&Bits) {
  IRBuilder<> &B = E.B;
  uint64_t Slot = E.C.slotBytes();
  Bits = P;
  if (!E.C.LowAddresses)
    return B.CreateICmpULT(B.CreateSub(P, E.word(Slot)),
                           E.word(TaggedBit - Slot));
  // Below SLOT: tagged. Null has a test of its own.
  Bits = B.CreateSelect(B.CreateICmpULT(P, E.word(Slot)),
                        B.CreateOr(P, E.word(TaggedBit)), P);
  return B.CreateICmpULT(B.CreateSub(P, E.word(1)), E.word(TaggedBit - 1));
}

Value *emitVolatileEncode(Emitter &E, Value *Pointer) {
  Join Cont(E);
  BasicBlock *Slow = E.block("slow"), *Cold = E.block("cold");
  Value *P = E.address(Pointer), *Stored = nullptr;
  Value *Fits = volatileBits(E, P, Stored);
  Cont.add(E, Stored);
  E.branchLikely(Fits, Cont.BB, Slow);
  E.at(Slow);
  Cont.add(E, E.word(0));
  E.branchLikely(E.B.CreateICmpEQ(P, E.word(0)), Cont.BB, Cold);
  E.at(Cold);
  // Not the container itself: passing a local's address to a call would keep
  // the local in memory.
  Value *R =
      E.callEncode(true, Pointer, Constant::getNullValue(Pointer->getType()));
  Cont.add(E, R);
  E.jump(Cont.BB);
  return Cont.finish(E);
}

Foreign emitForeign(Emitter &E, Value *Bits, Value *Container,
                    BasicBlock *Cold) {
  IRBuilder<> &B = E.B;
  BasicBlock *Cached = E.block("cached"), *Hit = E.block("hit");
  // One compare says both "foreign" and "an index that the cache has".
  Value *Index =
      B.CreateICmpULT(B.CreateXor(Bits, E.word(ForeignBit)),
                      E.word((abi::FotIndexMax + 1) << abi::OffsetBits));
  Value *Offset = B.CreateAnd(Bits, E.word(OffsetMask));
  Value *Inside = B.CreateICmpULT(Offset, E.word(E.C.limit()));
  E.branchLikely(B.CreateAnd(Index, Inside), Cached, Cold);

  E.at(Cached);
  // (bits >> 40) * 8, with the foreign bit shifted out.
  Value *Scaled =
      B.CreateAnd(B.CreateLShr(Bits, abi::OffsetBits - 3),
                  E.word(((uint64_t(1) << abi::FotIndexBits) - 1) << 3));
  Value *Entry = B.CreateAdd(B.CreateAdd(slotBase(E, Container), Scaled),
                             E.word(E.C.slotBytes() - abi::FotCacheBytes));
  LoadInst *Target =
      B.CreateAlignedLoad(B.getInt64Ty(), pointer(E, Entry), Align(8));
  // Another thread may fill the entry, once, at any time.
  Target->setAtomic(AtomicOrdering::Unordered);
  Target->setMetadata(LLVMContext::MD_nosanitize,
                      MDNode::get(B.getContext(), {}));
  E.branchLikely(B.CreateICmpNE(Target, E.word(0)), Hit, Cold);

  E.at(Hit);
  return {Target, Offset};
}

void emitDecodeRest(Emitter &E, Value *Bits, Value *Container, Join &Cont) {
  IRBuilder<> &B = E.B;
  BasicBlock *Cold = E.block("cold");
  Value *IsNull = B.CreateICmpEQ(Bits, E.word(0));
  Cont.add(E, Constant::getNullValue(B.getPtrTy()));
  if (E.Compact) {
    E.branchLikely(IsNull, Cont.BB, Cold);
  } else {
    BasicBlock *NonNull = E.block("nonnull"), *Native = E.block("native"),
               *Fot = E.block("foreign");
    E.branch(IsNull, Cont.BB, NonNull);
    E.at(NonNull);
    E.branch(inWindow(E, Container), Fot, Native);

    E.at(Native);
    Value *Limit = E.word(TaggedBit);
    if (E.C.LowAddresses) {
      Cont.add(E, emitVolatileDecode(E, Bits));
      Limit = E.word(ForeignBit);
    } else {
      Cont.add(E, pointer(E, Bits));
    }
    E.branchLikely(B.CreateICmpULT(Bits, Limit), Cont.BB, Cold);

    E.at(Fot);
    Foreign F = emitForeign(E, Bits, Container, Cold);
    Cont.add(E, pointer(E, B.CreateAdd(F.Base, F.Offset)));
    E.jump(Cont.BB);
  }
  E.at(Cold);
  Cont.add(E, E.callDecode(true, Bits, Container));
  E.jump(Cont.BB);
}

} // namespace perdure
