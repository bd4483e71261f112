//===- FatLookup.cpp - Regions by a hash table, behind a cache ------------===//
//
// The bits of region-id, stored the same way. Decode finds the base as PMDK
// does for its 16-byte pointers: it compares the region with the last that this
// thread met, and else asks a hash table in the runtime.
//
// The cache is one word, base + key: bases are multiples of SLOT, and the key,
// bits 40 to 63 of the pointer, fits below. Word ^ key is the base exactly when
// the key is the cached one; its low bits say so. Keys of null and of addresses
// lack the foreign bit and are never cached.
//
//===----------------------------------------------------------------------===//

#include "RegionId.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace perdure {

namespace {
class FatLookupEncoding : public RegionIdEncoding {
public:
  using RegionIdEncoding::RegionIdEncoding;

protected:
  // Hot: mov, shr, load, xor, test, branch; then and, add as in region-id.
  Region emitRegion(Emitter &E, Value *Bits) const override {
    IRBuilder<> &B = E.B;
    LoadInst *Word = B.CreateAlignedLoad(B.getInt64Ty(), cache(E), Align(8));
    // A store that is closed clears it from another thread.
    Word->setAtomic(AtomicOrdering::Unordered);
    Word->setMetadata(LLVMContext::MD_nosanitize,
                      MDNode::get(B.getContext(), {}));
    Value *Base = B.CreateXor(Word, B.CreateLShr(Bits, abi::OffsetBits));
    Value *Key =
        B.CreateAnd(Base, E.word((uint64_t(1) << abi::FatKeyBits) - 1));
    return {Base, B.CreateICmpEQ(Key, E.word(0))};
  }

  Value *emitCall(Emitter &E, bool Cold, Value *Bits,
                  Value *Container) const override {
    // It fills the cache: a loop must look there again.
    return E.callDecode(Cold, Bits, Container, "fat_lookup",
                        Cold ? cache(E) : nullptr);
  }

private:
  static Value *cache(Emitter &E) {
    Module &M = *E.B.GetInsertBlock()->getModule();
    auto *G = cast<GlobalVariable>(
        M.getOrInsertGlobal(abi::FatCacheSymbol, E.B.getInt64Ty()));
    G->setThreadLocalMode(GlobalValue::InitialExecTLSModel);
    return E.B.CreateThreadLocalAddress(G);
  }
};
} // namespace

const Encoding &getFatLookupEncoding() {
  static const FatLookupEncoding E(6, "fat-lookup",
                                   {/*Canonical=*/isCanonical(6),
                                    /*Movable=*/true,
                                    /*MovableInVolatile=*/true,
                                    /*ZeroIsNull=*/true, /*NeedsOldBits=*/false,
                                    /*StaticInit=*/true});
  return E;
}

} // namespace perdure
