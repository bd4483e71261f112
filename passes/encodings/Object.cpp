//===- Object.cpp - Object-relative offsets: the default encoding ---------===//
//
// abi.def draws the format. In an object: an offset below LIMIT, or FOT index
// and offset. In volatile memory: the address itself, or tagged where the
// address could be taken for something else.
//
//===----------------------------------------------------------------------===//

#include "Object.h"
#include "../Emitter.h"
#include "llvm/Analysis/ConstantFolding.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalValue.h"
#include "llvm/IR/Metadata.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

namespace {
constexpr uint64_t Tagged = uint64_t(1) << abi::TaggedBit;
constexpr uint64_t Foreign = uint64_t(1) << abi::ForeignBit;
constexpr uint64_t OffsetMask = (uint64_t(1) << abi::OffsetBits) - 1;

/// A phi that grows as branches reach its block.
struct Join {
  BasicBlock *BB;
  SmallVector<std::pair<Value *, BasicBlock *>, 8> In;

  Join(Emitter &E) : BB(E.block("cont")) {}
  void add(Emitter &E, Value *V) { In.push_back({V, E.B.GetInsertBlock()}); }
  Value *finish(Emitter &E) {
    E.at(BB);
    PHINode *P = E.B.CreatePHI(In.front().first->getType(), In.size());
    for (auto &[V, From] : In)
      P->addIncoming(V, From);
    return P;
  }
};

bool isVolatile(Value *Container) {
  return isa<ConstantPointerNull>(Container);
}

Value *pointer(Emitter &E, Value *Address) {
  return E.B.CreateIntToPtr(Address, E.B.getPtrTy());
}

/// A native pointer as it stands, or tagged: what volatile memory may hold.
/// Budget: 4 instructions, no branch.
Value *emitVolatileDecode(Emitter &E, Value *Bits) {
  // Sign-extending from bit 61 would do for every user address below 2^61;
  // the select keeps the values between right as well.
  Value *Value62 = E.B.CreateAShr(E.B.CreateShl(Bits, 2), 2);
  Value *Plain = E.B.CreateICmpULT(Bits, E.word(Tagged));
  return pointer(E, E.B.CreateSelect(Plain, Bits, Value62));
}

/// Whether volatile memory holds \p P without help, and as which bits.
Value *volatileBits(Emitter &E, Value *P, Value *&Bits) {
  IRBuilder<> &B = E.B;
  uint64_t Slot = E.C.slotBytes();
  Bits = P;
  if (!E.C.LowAddresses)
    return B.CreateICmpULT(B.CreateSub(P, E.word(Slot)), E.word(Tagged - Slot));
  // Below SLOT: tagged. Null has a test of its own.
  Bits = B.CreateSelect(B.CreateICmpULT(P, E.word(Slot)),
                        B.CreateOr(P, E.word(Tagged)), P);
  return B.CreateICmpULT(B.CreateSub(P, E.word(1)), E.word(Tagged - 1));
}

/// A container known to be volatile. Budget: one predicted branch.
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
/// What the ways through a decode give, joined. A pair needs no phi of its
/// pointer: that is the sum.
class DecodedJoin {
  Emitter &E;
  const DecodeParts Wanted;
  SmallVector<std::pair<Decoded, BasicBlock *>, 8> In;

public:
  BasicBlock *const BB;

  DecodedJoin(Emitter &E, DecodeParts Wanted)
      : E(E), Wanted(Wanted), BB(E.block("cont")) {}

  /// \p Offset bytes into the slot at \p Base.
  void add(Value *Base, Value *Offset) {
    Decoded D{nullptr, Base, Offset};
    if (!Wanted.Offset)
      D.Pointer = pointer(E, E.B.CreateAdd(Base, Offset, "", /*NUW=*/true));
    In.push_back({D, E.B.GetInsertBlock()});
  }

  void addNull() {
    Value *Zero = E.word(0);
    In.push_back({{Constant::getNullValue(E.B.getPtrTy()), Zero, Zero},
                  E.B.GetInsertBlock()});
  }

  /// Any address.
  void add(Value *Address) {
    Decoded D{nullptr, nullptr, nullptr};
    if (!Wanted.Offset)
      D.Pointer =
          Address->getType()->isPointerTy() ? Address : pointer(E, Address);
    if (Wanted.Base) {
      Address = E.B.CreatePtrToInt(Address, E.B.getInt64Ty());
      D.Base = emitSlotBase(E.B, E.C, Address);
      D.Offset = E.B.CreateSub(Address, D.Base);
    }
    In.push_back({D, E.B.GetInsertBlock()});
  }

  /// An address that in all likelihood lies outside the window. A chase through
  /// the heap must not wait for a mask: a predicted branch tells.
  void addNative(Value *Address) {
    if (!Wanted.Offset) {
      add(Address);
      return E.jump(BB);
    }
    BasicBlock *Inside = E.block("inside");
    In.push_back({{nullptr, E.word(0), Address}, E.B.GetInsertBlock()});
    E.branchUnlikely(emitInWindow(E.B, Address), Inside, BB);
    E.at(Inside);
    Value *Base = emitSlotBase(E.B, E.C, Address);
    add(Base, E.B.CreateSub(Address, Base));
    E.jump(BB);
  }

  Decoded finish() {
    E.at(BB);
    auto Phi = [&](Value *Decoded::*Part) {
      PHINode *P =
          E.B.CreatePHI((In.front().first.*Part)->getType(), In.size());
      for (auto &[D, From] : In)
        P->addIncoming(D.*Part, From);
      return P;
    };
    Decoded Result;
    if (!Wanted.Offset)
      Result.Pointer = Phi(&Decoded::Pointer);
    if (Wanted.Base)
      Result.Base = Phi(&Decoded::Base);
    if (Wanted.Offset) {
      Result.Offset = Phi(&Decoded::Offset);
      Result.Pointer = pointer(E, E.B.CreateAdd(Result.Base, Result.Offset));
    }
    return Result;
  }
};
} // namespace

/// Through the FOT's cache, from \p Fot.
static void emitCached(Emitter &E, Value *Bits, Value *Container,
                       DecodedJoin &Cont, BasicBlock *Fot, BasicBlock *Cold) {
  IRBuilder<> &B = E.B;
  uint64_t Limit = E.C.limit();
  BasicBlock *Cached = E.block("cached"), *Hit = E.block("hit");
  // One compare says both "foreign" and "an index that the FOT rows have": the
  // foreign bit, shifted down with the index, stays above it.
  E.at(Fot);
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
  E.branchLikely(
      B.CreateAnd(B.CreateAnd(HasEntry, Fits), E.inWindow(Container)), Cached,
      Cold);

  // On the path to the next hop are one shift and one load: the row is known
  // with the base.
  E.at(Cached);
  Value *Row = B.CreateAdd(
      emitWindowField(B, WindowField::FotRows),
      B.CreateLShr(E.slotBase(Container), E.C.SlotBits - abi::FotRowBits));
  Value *Entry =
      B.CreateAdd(B.CreateAdd(Row, E.word(-First * 8)), B.CreateShl(Index, 3));
  LoadInst *Target =
      B.CreateAlignedLoad(B.getInt64Ty(), pointer(E, Entry), Align(8));
  // Another thread may fill the entry, once, at any time.
  Target->setAtomic(AtomicOrdering::Unordered);
  Target->setMetadata(LLVMContext::MD_nosanitize,
                      MDNode::get(B.getContext(), {}));
  E.branchLikely(B.CreateICmpNE(Target, E.word(0)), Hit, Cold);

  E.at(Hit);
  Cont.add(Target, Offset);
  E.jump(Cont.BB);
}

Value *ObjectEncoding::emitDecode(Emitter &E, Value *Bits,
                                  Value *Container) const {
  return ObjectEncoding::emitDecodeParts(E, Bits, Container, {}).Pointer;
}

// Hot: lea, cmp, branch, and add; the mask only where no base is carried.
// Everything else hangs off the one predicted branch.
Decoded ObjectEncoding::emitDecodeParts(Emitter &E, Value *Bits,
                                        Value *Container,
                                        DecodeParts Wanted) const {
  IRBuilder<> &B = E.B;
  if (E.C.Callbacks || isVolatile(Container)) {
    Decoded D{E.C.Callbacks ? E.callDecode(false, Bits, Container)
                            : emitVolatileDecode(E, Bits)};
    if (Wanted.Base) {
      Value *P = E.address(D.Pointer);
      D.Base = emitSlotBase(B, E.C, P);
      D.Offset = B.CreateSub(P, D.Base);
    }
    return D;
  }

  uint64_t Limit = E.C.limit();
  DecodedJoin Cont(E, Wanted);
  BasicBlock *Hot = E.block("hot"), *Slow = E.block("slow"),
             *Cold = E.block("cold");

  Value *Near =
      B.CreateICmpULT(B.CreateSub(Bits, E.word(1)), E.word(Limit - 1));
  E.branchLikely(Near, Hot, Slow);

  E.at(Hot);
  Cont.add(E.slotBase(Container), Bits);
  E.jump(Cont.BB);

  E.at(Slow);
  Value *IsNull = B.CreateICmpEQ(Bits, E.word(0));
  Cont.addNull();
  if (E.Inline == Emitter::Shape::Compact) {
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
    E.branch(B.CreateICmpULT(Bits, E.word(E.C.LowAddresses ? Foreign : Tagged)),
             Outside, Fot);

    E.at(Outside);
    E.branchUnlikely(E.inWindow(Container), Cold, Native);
    E.at(Native);
    Cont.addNative(E.C.LowAddresses ? E.address(emitVolatileDecode(E, Bits))
                                    : Bits);
    if (Full)
      emitCached(E, Bits, Container, Cont, Fot, Cold);
  }

  E.at(Cold);
  Cont.add(E.callDecode(true, Bits, E.anywhereNear(Container)));
  E.jump(Cont.BB);
  return Cont.finish();
}

// Hot: the window test (two loads that leave loops, sub, cmp, branch), then
// mask, sub, lea, cmp, branch.
Value *ObjectEncoding::emitEncode(Emitter &E, Value *Pointer, Value *Container,
                                  Value *) const {
  if (E.C.Callbacks)
    return E.callEncode(false, Pointer, Container);
  if (isVolatile(Container))
    return emitVolatileEncode(E, Pointer);

  IRBuilder<> &B = E.B;
  Join Cont(E);
  BasicBlock *InObject = E.block("object"), *Slow = E.block("slow"),
             *Cold = E.block("cold");
  BasicBlock *Volatile =
      E.Inline == Emitter::Shape::Compact ? nullptr : E.block("volatile");

  Value *P = E.address(Pointer);
  E.branchLikely(E.inWindow(Container), InObject, Volatile ? Volatile : Slow);

  E.at(InObject);
  Value *Offset = B.CreateSub(P, E.slotBase(Container));
  Cont.add(E, Offset);
  E.branchLikely(
      B.CreateICmpULT(B.CreateSub(Offset, E.word(1)), E.word(E.C.limit() - 1)),
      Cont.BB, Slow);

  if (Volatile) {
    E.at(Volatile);
    Value *Stored = nullptr;
    Value *Fits = volatileBits(E, P, Stored);
    Cont.add(E, Stored);
    E.branchLikely(Fits, Cont.BB, Slow);
  }

  E.at(Slow);
  Cont.add(E, E.word(0));
  E.branchLikely(B.CreateICmpEQ(P, E.word(0)), Cont.BB, Cold);

  E.at(Cold);
  Value *R = E.callEncode(true, Pointer, Container);
  Cont.add(E, R);
  E.jump(Cont.BB);
  return Cont.finish(E);
}

// Hot: xor, shift or cmp, branch: both containers in one slot. The slot test
// also answers for neighbours in volatile memory, where bits keep as well.
Value *ObjectEncoding::emitReencode(Emitter &E, Value *Bits, Value *From,
                                    Value *To, Value *Old) const {
  if (isVolatile(From) && isVolatile(To))
    return Bits;
  if (E.C.Callbacks)
    return E.callReencode(false, Bits, From, To);
  // One side known to be volatile: the inline halves beat the cold call.
  if (isVolatile(From) || isVolatile(To))
    return emitEncode(E, emitDecode(E, Bits, From), To, Old);

  IRBuilder<> &B = E.B;
  Join Cont(E);
  BasicBlock *Slow = E.block("slow"), *Cold = E.block("cold");
  Value *F = E.address(From), *T = E.address(To);
  Cont.add(E, Bits);
  E.branchLikely(B.CreateICmpULT(B.CreateXor(F, T), E.word(E.C.slotBytes())),
                 Cont.BB, Slow);

  E.at(Slow);
  Value *Zero = B.CreateICmpEQ(Bits, E.word(0));
  Cont.add(E, Bits);
  if (E.Inline == Emitter::Shape::Compact) {
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
  Value *R = E.callReencode(true, Bits, From, To);
  Cont.add(E, R);
  E.jump(Cont.BB);
  return Cont.finish(E);
}

/// A pointer that is bound by name leads through an entry of its own. Both go
/// through the FOT then.
Value *ObjectEncoding::emitAmbiguous(IRBuilderBase &B, Value *X,
                                     Value *Y) const {
  return B.CreateICmpSLT(B.CreateAnd(X, Y), B.getInt64(0));
}

/// Whether every address that the linker may give \p GV in this module lies
/// below the smallest slot, and nothing but the linker chooses it.
static bool liesBelowSlot(const GlobalValue &GV) {
  // A declaration may end up in a shared library, high up; a weak one at zero.
  return !GV.isDeclarationForLinker() && !GV.isThreadLocal();
}

Constant *ObjectEncoding::constant(Constant *Target, const Module &M,
                                   const Config &C) const {
  const DataLayout &DL = M.getDataLayout();
  LLVMContext &Ctx = M.getContext();
  APInt Offset(64, 0);
  const Value *Root =
      Target->stripAndAccumulateConstantOffsets(DL, Offset, true);
  auto *GV = dyn_cast<GlobalValue>(Root);
  if (!GV) {
    // A number: null, or a marker such as (T *)-1.
    Constant *Int = ConstantFoldCastOperand(Instruction::PtrToInt, Target,
                                            Type::getInt64Ty(Ctx), DL);
    auto *CI = dyn_cast_or_null<ConstantInt>(Int);
    if (!CI)
      return nullptr;
    uint64_t V = CI->getZExtValue();
    if (V == 0)
      return Target;
    if (V < C.slotBytes() || V >= Tagged) {
      if (uint64_t(SignExtend64<62>(V)) != V)
        return nullptr; // no persistent pointer holds it
      V = Tagged | (V & (Tagged - 1));
    }
    return ConstantExpr::getIntToPtr(ConstantInt::get(Type::getInt64Ty(Ctx), V),
                                     Target->getType());
  }

  // Position-independent code lies above SLOT: a plain relocation.
  if (!C.LowAddresses)
    return Target;
  std::optional<CodeModel::Model> CM = M.getCodeModel();
  if ((CM && *CM != CodeModel::Small && *CM != CodeModel::Tiny) ||
      !liesBelowSlot(*GV))
    return nullptr;
  return ConstantExpr::getGetElementPtr(
      Type::getInt8Ty(Ctx), Target,
      ConstantInt::get(Type::getInt64Ty(Ctx), Tagged));
}

const Encoding &getObjectEncoding() {
  static const ObjectEncoding E(0, "object",
                                {/*Canonical=*/true, /*Movable=*/true,
                                 /*MovableInVolatile=*/true,
                                 /*ZeroIsNull=*/true, /*NeedsOldBits=*/false,
                                 /*StaticInit=*/true});
  return E;
}

} // namespace perdure
