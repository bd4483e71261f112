//===- Object.cpp - Object-relative offsets: the default encoding ---------===//
//
// abi.def draws the format. In an object: an offset below LIMIT, or FOT index
// and offset. In volatile memory: the address itself, or tagged where the
// address could be taken for something else.
//
//===----------------------------------------------------------------------===//

#include "Object.h"
#include "Parts.h"
#include "llvm/Analysis/ConstantFolding.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalValue.h"
#include "llvm/IR/Metadata.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

// Hot: lea, cmp, branch, and add; the mask only where no base is carried.
void ObjectEncoding::emitNear(Emitter &E, Value *Bits, Value *Near,
                              Value *Container, DecodedJoin &Cont,
                              BasicBlock *Rest) const {
  IRBuilder<> &B = E.B;
  BasicBlock *Hot = E.block("hot");
  Value *IsOffset =
      B.CreateICmpULT(B.CreateSub(Near, E.word(1)), E.word(E.C.limit() - 1));
  E.branchLikely(IsOffset, Hot, Rest);
  E.at(Hot);
  assumeNotNull(E, Bits, Near);
  Cont.add(E.slotBase(Container), Near);
  E.jump(Cont.BB);
}

Value *ObjectEncoding::emitDecodeCall(Emitter &E, Value *Bits,
                                      Value *Container) const {
  return E.callDecode(false, Bits, Container);
}

// Hot: the window test (two loads that leave loops, sub, cmp, branch), then
// mask, sub, lea, cmp, branch.
void ObjectEncoding::emitEncodeWays(Emitter &E, Value *Pointer,
                                    Value *Container, Value *,
                                    const EncodeWays &Ways) const {
  if (E.C.Callbacks)
    return sortOut(E, E.callEncode(false, Pointer, Container), Ways);
  if (isVolatile(Container))
    return Ways.Rest.leave(E, emitVolatileEncode(E, Pointer));

  IRBuilder<> &B = E.B;
  BasicBlock *InObject = E.block("object"), *Slow = E.block("slow"),
             *Cold = E.block("cold");
  BasicBlock *Volatile = E.compact() ? nullptr : E.block("volatile");

  Value *P = E.address(Pointer);
  E.branchLikely(E.inWindow(Container), InObject, Volatile ? Volatile : Slow);

  E.at(InObject);
  Value *Offset = B.CreateSub(P, E.slotBase(Container));
  Ways.Near.add(E, Offset);
  E.branchLikely(
      B.CreateICmpULT(B.CreateSub(Offset, E.word(1)), E.word(E.C.limit() - 1)),
      Ways.Near.BB, Slow);

  if (Volatile) {
    E.at(Volatile);
    Value *Stored = nullptr;
    Value *Fits = volatileBits(E, P, Stored);
    Ways.Rest.add(E, Stored);
    E.branchLikely(Fits, Ways.Rest.BB, Slow);
  }

  E.at(Slow);
  Ways.Null.add(E, E.word(0));
  E.branchLikely(B.CreateICmpEQ(P, E.word(0)), Ways.Null.BB, Cold);

  E.at(Cold); // never with a near target or null
  Ways.Rest.leave(E, E.callEncode(true, Pointer, Container));
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
  if (E.compact()) {
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
    if (V < C.slotBytes() || V >= TaggedBit) {
      if (uint64_t(SignExtend64<62>(V)) != V)
        return nullptr; // no persistent pointer holds it
      V = TaggedBit | (V & (TaggedBit - 1));
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
      ConstantInt::get(Type::getInt64Ty(Ctx), TaggedBit));
}

namespace {
/// What is true of this encoding and not of those made of it.
class DefaultEncoding final : public ObjectEncoding {
public:
  using ObjectEncoding::ObjectEncoding;

  bool tracksBases() const override { return true; }
  /// A pointer that is bound by name leads through an entry of its own; the
  /// other may lead there by ID, or lie in that object itself and be near. So
  /// one that goes through the FOT is enough. (No other encoding has pointers
  /// by name.) Through one entry two offsets lead to two places: by name they
  /// count from the root, and all of them do.
  Value *emitAmbiguous(IRBuilderBase &B, Value *X, Value *Y) const override {
    Value *Foreign = B.CreateICmpSLT(B.CreateOr(X, Y), B.getInt64(0));
    Value *OtherEntry =
        B.CreateICmpUGT(B.CreateXor(X, Y), B.getInt64(OffsetMask));
    return B.CreateAnd(Foreign, OtherEntry);
  }
};
} // namespace

const Encoding &getObjectEncoding() {
  static const DefaultEncoding E(0, "object",
                                 {/*Canonical=*/isCanonical(0),
                                  /*Movable=*/true,
                                  /*MovableInVolatile=*/true,
                                  /*ZeroIsNull=*/true, /*NeedsOldBits=*/false,
                                  /*StaticInit=*/true});
  return E;
}

} // namespace perdure
