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

Value *Join::finishIfReached(Emitter &E) {
  if (!In.empty())
    return finish(E);
  BB->eraseFromParent();
  return nullptr;
}

Value *pointer(Emitter &E, Value *Address) {
  return E.B.CreateIntToPtr(Address, E.B.getPtrTy());
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

void DecodedJoin::add(Value *Base, Value *Offset) {
  Decoded D{nullptr, Base, Offset, E.B.getFalse()};
  if (!Wanted.Offset)
    D.Pointer = pointer(E, E.B.CreateAdd(Base, Offset, "", /*NUW=*/true));
  In.push_back({D, E.B.GetInsertBlock()});
}

void DecodedJoin::addNull() {
  Value *Zero = E.word(0);
  In.push_back(
      {{Constant::getNullValue(E.B.getPtrTy()), Zero, Zero, E.B.getTrue()},
       E.B.GetInsertBlock()});
}

void DecodedJoin::add(Value *Address, bool MayBeNull) {
  Decoded D;
  if (!Wanted.Offset)
    D.Pointer =
        Address->getType()->isPointerTy() ? Address : pointer(E, Address);
  if (Wanted.Base) {
    Address = E.B.CreatePtrToInt(Address, E.B.getInt64Ty());
    D.Base = emitSlotBase(E.B, E.C, Address);
    D.Offset = E.B.CreateSub(Address, D.Base);
  }
  if (Wanted.IsNull)
    D.IsNull = MayBeNull ? E.B.CreateIsNull(Address) : E.B.getFalse();
  In.push_back({D, E.B.GetInsertBlock()});
}

void DecodedJoin::addNative(Value *Address) {
  if (!Wanted.Offset) {
    add(Address);
    return E.jump(BB);
  }
  BasicBlock *Inside = E.block("inside");
  Decoded D{nullptr, E.word(0), Address};
  if (Wanted.IsNull)
    D.IsNull = E.B.CreateIsNull(Address);
  In.push_back({D, E.B.GetInsertBlock()});
  E.branchUnlikely(emitInWindow(E.B, Address), Inside, BB);
  E.at(Inside);
  Value *Base = emitSlotBase(E.B, E.C, Address);
  add(Base, E.B.CreateSub(Address, Base));
  E.jump(BB);
}

Decoded DecodedJoin::finish() {
  E.at(BB);
  auto Phi = [&](Value *Decoded::*Part) {
    PHINode *P = E.B.CreatePHI((In.front().first.*Part)->getType(), In.size());
    for (auto &[D, From] : In)
      P->addIncoming(D.*Part, From);
    return P;
  };
  Decoded Result;
  if (!Wanted.Offset)
    Result.Pointer = Phi(&Decoded::Pointer);
  if (Wanted.Base)
    Result.Base = Phi(&Decoded::Base);
  if (Wanted.IsNull)
    Result.IsNull = Phi(&Decoded::IsNull);
  if (Wanted.Offset) {
    Result.Offset = Phi(&Decoded::Offset);
    Result.Pointer = pointer(E, E.B.CreateAdd(Result.Base, Result.Offset));
  }
  return Result;
}

/// What \p Entry of a row holds.
static Value *loadEntry(Emitter &E, Value *Entry) {
  LoadInst *Target =
      E.B.CreateAlignedLoad(E.B.getInt64Ty(), pointer(E, Entry), Align(8));
  // Another thread may fill the entry, once, at any time.
  Target->setAtomic(AtomicOrdering::Unordered);
  Target->setMetadata(LLVMContext::MD_nosanitize,
                      MDNode::get(E.B.getContext(), {}));
  return Target;
}

/// The same where a chase may keep crossing by one entry. The load then need
/// not wait for the bits: what is loaded is the entry of the last hops, at
/// once, and a predicted branch tells whether the bits name another. The word
/// that is kept is that entry's way, a multiple of 8, and how often in a row it
/// was right: at 7 it is believed, until it is wrong. So hops without a pattern
/// cost one branch that is always taken the same way.
static Value *loadSteadyEntry(Emitter &E, Value *Row, Value *Way) {
  IRBuilder<> &B = E.B;
  constexpr uint64_t Sure = 7;
  BasicBlock *Steady = E.block("steady"), *Changed = E.block("changed"),
             *Learning = E.block("learning"), *Load = E.block("load"),
             *Found = E.block("found");
  Value *Kept = E.keptWord();
  Value *Last = B.CreateLoad(B.getInt64Ty(), Kept);
  E.branch(B.CreateICmpEQ(B.CreateAnd(Last, E.word(Sure)), E.word(Sure)),
           Steady, Learning);

  // Before the branch: behind it the last way would be replaced by this one,
  // which is equal there, and the load would wait again.
  E.at(Steady);
  Value *LastWay = B.CreateSub(Last, E.word(Sure));
  Value *Believed = loadEntry(E, B.CreateAdd(Row, LastWay));
  E.branchLikely(B.CreateICmpEQ(Way, LastWay), Found, Changed);

  E.at(Changed);
  B.CreateStore(Way, Kept);
  E.jump(Load);

  E.at(Learning);
  Value *Same = B.CreateICmpULT(B.CreateXor(Last, Way), E.word(Sure + 1));
  B.CreateStore(B.CreateSelect(Same, B.CreateAdd(Last, E.word(1)), Way), Kept);
  E.jump(Load);

  E.at(Load);
  Value *Loaded = loadEntry(E, B.CreateAdd(Row, Way));
  E.jump(Found);

  E.at(Found);
  PHINode *Target = B.CreatePHI(B.getInt64Ty(), 2);
  Target->addIncoming(Believed, Steady);
  Target->addIncoming(Loaded, Load);
  return Target;
}

Foreign emitForeign(Emitter &E, Value *Bits, Value *Container, BasicBlock *Cold,
                    bool Steady) {
  IRBuilder<> &B = E.B;
  uint64_t Limit = E.C.limit();
  BasicBlock *Cached = E.block("cached"), *Hit = E.block("hit");
  // One compare says both "foreign" and "an index that the FOT rows have": the
  // foreign bit, shifted down with the index, stays above it.
  constexpr uint64_t RowBytes = uint64_t(1) << abi::FotRowBits;
  constexpr uint64_t First = uint64_t(1) << abi::FotIndexBits;
  Value *Index = B.CreateLShr(Bits, abi::OffsetBits);
  Value *HasEntry =
      B.CreateICmpULT(B.CreateSub(Index, E.word(First)), E.word(RowBytes / 8));
  Value *Offset = B.CreateAnd(Bits, E.word(OffsetMask));
  // The constant of the first test again; nobody points to an object's first
  // byte, and the cold entry knows how to.
  Value *Fits =
      B.CreateICmpULT(B.CreateSub(Offset, E.word(1)), E.word(Limit - 1));
  E.branchLikely(B.CreateAnd(HasEntry, Fits), Cached, Cold);

  // On the path to the next hop are one shift and one load: the row is known
  // with the base.
  E.at(Cached);
  Value *Rows = emitWindowField(B, WindowField::FotRows);
  Value *Row =
      B.CreateLShr(E.slotBase(Container), E.C.SlotBits - abi::FotRowBits);
  Value *Before = E.word(-First * 8), *Target;
  if (Steady) {
    Value *Way = B.CreateAdd(B.CreateAdd(Rows, Before), B.CreateShl(Index, 3));
    Target = loadSteadyEntry(E, Row, Way);
  } else {
    Value *Begin = B.CreateAdd(B.CreateAdd(Rows, Row), Before);
    Target = loadEntry(E, B.CreateAdd(Begin, B.CreateShl(Index, 3)));
  }
  E.branchLikely(B.CreateICmpNE(Target, E.word(0)), Hit, Cold);

  E.at(Hit);
  return {Target, Offset};
}

void emitDecodeRest(Emitter &E, Value *Bits, Value *Container,
                    DecodedJoin &Cont) {
  IRBuilder<> &B = E.B;
  BasicBlock *Cold = E.block("cold");
  Value *IsNull = B.CreateICmpEQ(Bits, E.word(0));
  Cont.addNull();
  if (E.compact()) {
    E.branchLikely(IsNull, Cont.BB, Cold);
  } else {
    BasicBlock *NonNull = E.block("nonnull"), *Outside = E.block("outside"),
               *Native = E.block("native");
    bool Full = E.Inline == Emitter::Shape::Full;
    BasicBlock *Fot = Full ? E.block("foreign") : Cold;
    // What leaves a loop is the null at its end.
    E.branchMostly(IsNull, Cont.BB, NonNull);

    // The bits say what they can be, the container whether they are it.
    E.at(NonNull);
    E.branch(B.CreateICmpULT(Bits,
                             E.word(E.C.LowAddresses ? ForeignBit : TaggedBit)),
             Outside, Fot);

    E.at(Outside);
    E.branchUnlikely(E.inWindow(Container), Cold, Native);
    E.at(Native);
    Cont.addNative(E.C.LowAddresses ? E.address(emitVolatileDecode(E, Bits))
                                    : Bits);
    if (Full) {
      E.at(Fot);
      BasicBlock *InObject = E.block("object");
      E.branchLikely(E.inWindow(Container), InObject, Cold);
      E.at(InObject);
      Foreign F = emitForeign(E, Bits, Container, Cold, Cont.steady());
      Cont.add(F.Base, F.Offset);
      E.jump(Cont.BB);
    }
  }
  E.at(Cold);
  Cont.add(E.callDecode(true, Bits, E.anywhereNear(Container)));
  E.jump(Cont.BB);
}

} // namespace perdure
