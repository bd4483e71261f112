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
    return B.CreateICmpULT(B.CreateSub(P, E.word(Slot)),
                           E.word(Tagged - Slot));
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
  Value *R = E.callEncode(true, Pointer,
                          Constant::getNullValue(Pointer->getType()));
  Cont.add(E, R);
  E.jump(Cont.BB);
  return Cont.finish(E);
}
} // namespace

// Hot: lea, cmp, branch, and, add; the mask leaves loops. Everything else hangs
// off the one predicted branch.
Value *ObjectEncoding::emitDecode(Emitter &E, Value *Bits,
                                  Value *Container) const {
  if (E.C.Callbacks)
    return E.callDecode(false, Bits, Container);
  if (isVolatile(Container))
    return emitVolatileDecode(E, Bits);

  IRBuilder<> &B = E.B;
  uint64_t Limit = E.C.limit();
  Join Cont(E);
  BasicBlock *Hot = E.block("hot"), *Slow = E.block("slow"),
             *Cold = E.block("cold");

  Value *Near =
      B.CreateICmpULT(B.CreateSub(Bits, E.word(1)), E.word(Limit - 1));
  E.branchLikely(Near, Hot, Slow);

  E.at(Hot);
  Value *Base = E.slotBase(E.address(Container));
  Cont.add(E, pointer(E, B.CreateAdd(Base, Bits, "", /*NUW=*/true)));
  E.jump(Cont.BB);

  E.at(Slow);
  Value *IsNull = B.CreateICmpEQ(Bits, E.word(0));
  Cont.add(E, Constant::getNullValue(B.getPtrTy()));
  if (E.Compact) {
    E.branchLikely(IsNull, Cont.BB, Cold);
  } else {
    BasicBlock *NonNull = E.block("nonnull"), *Native = E.block("native"),
               *Fot = E.block("foreign"), *Cached = E.block("cached"),
               *Hit = E.block("hit");
    E.branch(IsNull, Cont.BB, NonNull);

    E.at(NonNull);
    Value *At = E.address(Container);
    E.branch(E.inWindow(At), Fot, Native);

    E.at(Native);
    if (E.C.LowAddresses) {
      Cont.add(E, emitVolatileDecode(E, Bits));
      E.branchLikely(B.CreateICmpULT(Bits, E.word(Foreign)), Cont.BB, Cold);
    } else {
      Cont.add(E, pointer(E, Bits));
      E.branchLikely(B.CreateICmpULT(Bits, E.word(Tagged)), Cont.BB, Cold);
    }

    // One compare says both "foreign" and "an index that the cache has".
    E.at(Fot);
    Value *Index = B.CreateICmpULT(
        B.CreateXor(Bits, E.word(Foreign)),
        E.word((abi::FotIndexMax + 1) << abi::OffsetBits));
    Value *Offset = B.CreateAnd(Bits, E.word(OffsetMask));
    Value *Inside = B.CreateICmpULT(Offset, E.word(Limit));
    E.branchLikely(B.CreateAnd(Index, Inside), Cached, Cold);

    E.at(Cached);
    // (bits >> 40) * 8, with the foreign bit shifted out.
    Value *Scaled = B.CreateAnd(B.CreateLShr(Bits, abi::OffsetBits - 3),
                                E.word(((uint64_t(1) << abi::FotIndexBits) - 1)
                                       << 3));
    Value *Slot = E.slotBase(At);
    Value *Entry = B.CreateAdd(
        B.CreateAdd(Slot, Scaled),
        E.word(E.C.slotBytes() - abi::FotCacheBytes));
    LoadInst *Target =
        B.CreateAlignedLoad(B.getInt64Ty(), pointer(E, Entry), Align(8));
    // Another thread may fill the entry, once, at any time.
    Target->setAtomic(AtomicOrdering::Unordered);
    Target->setMetadata(LLVMContext::MD_nosanitize,
                        MDNode::get(B.getContext(), {}));
    E.branchLikely(B.CreateICmpNE(Target, E.word(0)), Hit, Cold);

    E.at(Hit);
    Cont.add(E, pointer(E, B.CreateAdd(Target, Offset)));
    E.jump(Cont.BB);
  }

  E.at(Cold);
  Value *R = E.callDecode(true, Bits, Container);
  Cont.add(E, R);
  E.jump(Cont.BB);
  return Cont.finish(E);
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
  BasicBlock *Volatile = E.Compact ? nullptr : E.block("volatile");

  Value *P = E.address(Pointer), *At = E.address(Container);
  E.branchLikely(E.inWindow(At), InObject, E.Compact ? Slow : Volatile);

  E.at(InObject);
  Value *Offset = B.CreateSub(P, E.slotBase(At));
  Cont.add(E, Offset);
  E.branchLikely(B.CreateICmpULT(B.CreateSub(Offset, E.word(1)),
                                 E.word(E.C.limit() - 1)),
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
  E.branchLikely(
      B.CreateICmpULT(B.CreateXor(F, T), E.word(E.C.slotBytes())), Cont.BB,
      Slow);

  E.at(Slow);
  Value *Zero = B.CreateICmpEQ(Bits, E.word(0));
  Cont.add(E, Bits);
  if (E.Compact) {
    E.branch(Zero, Cont.BB, Cold);
  } else {
    BasicBlock *NonZero = E.block("nonzero");
    E.branch(Zero, Cont.BB, NonZero);
    E.at(NonZero);
    Value *Either = B.CreateOr(E.inWindow(F), E.inWindow(T));
    Cont.add(E, Bits);
    E.branch(Either, Cold, Cont.BB);
  }

  E.at(Cold);
  Value *R = E.callReencode(true, Bits, From, To);
  Cont.add(E, R);
  E.jump(Cont.BB);
  return Cont.finish(E);
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
    Constant *Int =
        ConstantFoldCastOperand(Instruction::PtrToInt, Target,
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
    return ConstantExpr::getIntToPtr(
        ConstantInt::get(Type::getInt64Ty(Ctx), V), Target->getType());
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
