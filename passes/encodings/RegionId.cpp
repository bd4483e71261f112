//===- RegionId.cpp - The region's number in the value --------------------===//
//
//   stored = 2^63 | region << 40 | offset   in an object, a target in an object
//                                           of the same store
//          = as in the encoding object, otherwise: null, constants, and every
//            address in volatile memory
//
// The region's number is its object's in the store's registry, with the store's
// own number above it (docs/RuntimeABI.md). One table of the process gives the
// base for bits 40 to 63 of the pointer; it has entries, all 0, for bits
// without the foreign bit too, so that one test finds null and native addresses
// as well as regions that are not known yet. Another gives, for a slot, the
// bits of its first byte. Two bits patterns of one store agree in the bits
// above the index.
//
// Decode does not look at the container, unless the bits are an address: in an
// object that is damage.
//
//===----------------------------------------------------------------------===//

#include "RegionId.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

namespace {
constexpr StringLiteral Twins("region_id");
/// Two patterns of one store differ below this.
constexpr uint64_t StoreStep = uint64_t(1)
                               << (abi::OffsetBits + abi::RegionIndexBits);

/// Field 0 or 1 of the tables' places: invariant, as the window is.
Value *tables(Emitter &E, unsigned Field) {
  Module &M = *E.B.GetInsertBlock()->getModule();
  Type *Ptr = E.B.getPtrTy();
  auto *T = StructType::get(Ptr, Ptr);
  auto *G = cast<GlobalVariable>(M.getOrInsertGlobal(abi::RegionsSymbol, T));
  if (G->isDeclaration()) {
    G->setVisibility(GlobalValue::HiddenVisibility);
    G->setDSOLocal(true);
  }
  LoadInst *L = E.B.CreateAlignedLoad(
      Ptr, E.B.CreateConstInBoundsGEP2_32(T, G, 0, Field), Align(8));
  MDNode *Empty = MDNode::get(M.getContext(), {});
  L->setMetadata(LLVMContext::MD_invariant_load, Empty);
  L->setMetadata(LLVMContext::MD_noundef, Empty);
  L->setMetadata(LLVMContext::MD_nosanitize, Empty);
  return L;
}

/// One word of such a table: filled by other threads, once, at any time.
Value *word(Emitter &E, unsigned Table, Value *Index) {
  Value *At = E.B.CreateGEP(E.B.getInt64Ty(), tables(E, Table), Index);
  LoadInst *L = E.B.CreateAlignedLoad(E.B.getInt64Ty(), At, Align(8));
  L->setAtomic(AtomicOrdering::Unordered);
  L->setMetadata(LLVMContext::MD_nosanitize, MDNode::get(E.B.getContext(), {}));
  return L;
}

/// The bits of the first byte of the slot at \p Address, in the window.
Value *slotBits(Emitter &E, Value *Address) {
  return word(E, 1, E.B.CreateLShr(Address, E.C.SlotBits));
}

/// Whether both patterns are those of one store's regions; \p A is one.
Value *sameStore(Emitter &E, Value *A, Value *B) {
  return E.B.CreateICmpULT(E.B.CreateXor(A, B), E.word(StoreStep));
}
} // namespace

RegionIdEncoding::Region RegionIdEncoding::emitRegion(Emitter &E,
                                                      Value *Bits) const {
  Value *Base = word(E, 0, E.B.CreateLShr(Bits, abi::OffsetBits));
  return {Base, E.B.CreateICmpNE(Base, E.word(0))};
}

Value *RegionIdEncoding::emitCall(Emitter &E, bool Cold, Value *Bits,
                                  Value *Container) const {
  return E.callDecode(Cold, Bits, Container, Twins);
}

// Hot: mov, shr, load, test, branch, and, add.
Value *RegionIdEncoding::emitDecode(Emitter &E, Value *Bits,
                                    Value *Container) const {
  if (E.C.Callbacks)
    return emitCall(E, /*Cold=*/false, Bits, Container);
  IRBuilder<> &B = E.B;
  Join Cont(E);
  BasicBlock *Hit = E.block("hit"), *Slow = E.block("slow"),
             *Cold = E.block("cold");
  Region R = emitRegion(E, Bits);
  E.branchLikely(R.Known, Hit, Slow);

  E.at(Hit);
  // Null has no region: the program's own test need not ask again.
  B.CreateAssumption(B.CreateICmpNE(Bits, E.word(0)));
  Cont.add(E, pointer(E, B.CreateAdd(R.Base,
                                     B.CreateAnd(Bits, E.word(OffsetMask)))));
  E.jump(Cont.BB);

  E.at(Slow);
  Value *IsNull = B.CreateICmpEQ(Bits, E.word(0));
  Cont.add(E, Constant::getNullValue(B.getPtrTy()));
  if (E.compact()) {
    E.branchLikely(IsNull, Cont.BB, Cold);
  } else {
    BasicBlock *NonNull = E.block("nonnull"), *Native = E.block("native");
    E.branch(IsNull, Cont.BB, NonNull);
    E.at(NonNull);
    Value *IsNative = B.CreateICmpULT(
        Bits, E.word(E.C.LowAddresses ? ForeignBit : TaggedBit));
    if (!isVolatile(Container))
      IsNative = B.CreateAnd(IsNative, B.CreateNot(E.inWindow(Container)));
    E.branchLikely(IsNative, Native, Cold);
    E.at(Native);
    Cont.add(E,
             E.C.LowAddresses ? emitVolatileDecode(E, Bits) : pointer(E, Bits));
    E.jump(Cont.BB);
  }

  E.at(Cold);
  Cont.add(E, emitCall(E, /*Cold=*/true, Bits, Container));
  E.jump(Cont.BB);
  return Cont.finish(E);
}

// Hot: two window tests, two shifts, two loads, and, cmp, xor, cmp, or.
Value *RegionIdEncoding::emitEncode(Emitter &E, Value *Pointer,
                                    Value *Container, Value *) const {
  if (E.C.Callbacks)
    return E.callEncode(false, Pointer, Container, Twins);
  if (isVolatile(Container))
    return emitVolatileEncode(E, Pointer);
  IRBuilder<> &B = E.B;
  Join Cont(E);
  BasicBlock *InObject = E.block("object"), *Known = E.block("known"),
             *Volatile = E.block("volatile"), *Slow = E.block("slow"),
             *Cold = E.block("cold");
  Value *P = E.address(Pointer), *C = E.address(Container);
  E.branchLikely(E.inWindow(Container), InObject, Volatile);

  E.at(InObject);
  E.branchLikely(E.inWindow(Pointer), Known, Slow);
  E.at(Known);
  Value *Region = slotBits(E, P);
  Value *Offset = B.CreateAnd(P, E.word(E.C.slotBytes() - 1));
  Value *Fits = B.CreateAnd(B.CreateICmpSLT(Region, E.word(0)),
                            sameStore(E, Region, slotBits(E, C)));
  Cont.add(E, B.CreateOr(Region, Offset));
  E.branchLikely(
      B.CreateAnd(Fits, B.CreateICmpULT(Offset, E.word(E.C.limit()))), Cont.BB,
      Slow);

  E.at(Volatile);
  Value *Stored = nullptr;
  Value *Plain = volatileBits(E, P, Stored);
  Cont.add(E, Stored);
  E.branchLikely(Plain, Cont.BB, Slow);

  E.at(Slow);
  Cont.add(E, E.word(0));
  E.branchLikely(B.CreateICmpEQ(P, E.word(0)), Cont.BB, Cold);

  E.at(Cold);
  Cont.add(E, E.callEncode(true, Pointer, Container, Twins));
  E.jump(Cont.BB);
  return Cont.finish(E);
}

// Hot: xor, cmp, branch: both containers in one slot. Between two objects of
// one store the bits stay too.
Value *RegionIdEncoding::emitReencode(Emitter &E, Value *Bits, Value *From,
                                      Value *To, Value *Old) const {
  if (isVolatile(From) && isVolatile(To))
    return Bits;
  if (E.C.Callbacks)
    return E.callReencode(false, Bits, From, To, Twins);
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
    BasicBlock *NonZero = E.block("nonzero"), *Into = E.block("into"),
               *OutOf = E.block("outof");
    E.branch(Zero, Cont.BB, NonZero);
    E.at(NonZero);
    E.branch(E.inWindow(To), Into, OutOf);
    E.at(Into);
    Value *Keeps = B.CreateAnd(B.CreateICmpSLT(Bits, E.word(0)),
                               sameStore(E, Bits, slotBits(E, T)));
    Cont.add(E, Bits);
    E.branch(Keeps, Cont.BB, Cold);
    E.at(OutOf);
    // Region bits that were copied raw become an address.
    Value *Stays = B.CreateAnd(B.CreateNot(E.inWindow(From)),
                               B.CreateICmpSGE(Bits, E.word(0)));
    Cont.add(E, Bits);
    E.branch(Stays, Cont.BB, Cold);
  }

  E.at(Cold);
  Cont.add(E, E.callReencode(true, Bits, From, To, Twins));
  E.jump(Cont.BB);
  return Cont.finish(E);
}

const Encoding &getRegionIdEncoding() {
  static const RegionIdEncoding E(5, "region-id",
                                  {/*Canonical=*/isCanonical(5),
                                   /*Movable=*/true,
                                   /*MovableInVolatile=*/true,
                                   /*ZeroIsNull=*/true, /*NeedsOldBits=*/false,
                                   /*StaticInit=*/true});
  return E;
}

} // namespace perdure
