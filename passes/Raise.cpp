//===- Raise.cpp - Pointer authentication to the early contract -----------===//
//
// Clang writes a translation as
//
//     %a = ptrtoint ptr %container to i64
//     %d = call i64 @llvm.ptrauth.blend(i64 %a, i64 0x5D00 + encoding)
//     %c = icmp ne ptr %x, null
//     br i1 %c, label %then, label %join
//   then:
//     %i = ptrtoint ptr %x to i64
//     %r = call i64 @llvm.ptrauth.auth(i64 %i, i32 2, i64 %d)
//     %p = inttoptr i64 %r to ptr
//     br label %join
//   join:
//     phi ptr [ null, ... ], [ %p, %then ]
//
// (sign encodes, resign re-encodes; no guard where %x cannot be null.) The
// translation goes in for the intrinsic wherever that stands. The guard goes
// where it has exactly this shape, since the contract handles null itself;
// where it has another shape it stays, which is right and slower.
//
// The bits are frozen: copying an indeterminate pointer is harmless in native
// code, but a branch on undef, as Clang's guard is and as the lowered code
// will be, is undefined behaviour (measured: wrong results at -O2).
//
//===----------------------------------------------------------------------===//

#include "BaseCalls.h"
#include "Contract.h"
#include "Encoding.h"
#include "Gray.h"
#include "Passes.h"
#include "Remarks.h"
#include "Sites.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/EHPersonalities.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace perdure {

const Encoding *matchSchema(uint64_t Key, uint64_t Discriminator) {
  if (Key != abi::Key || Discriminator < abi::Discriminator ||
      Discriminator - abi::Discriminator > 0xFF)
    return nullptr;
  return Encoding::get(Discriminator - abi::Discriminator);
}

namespace {

/// One side of an intrinsic: the container and its encoding, when it is ours.
struct Side {
  const Encoding *E = nullptr;
  Value *Address = nullptr;

  Side(const CallBase &CB, unsigned KeyArg) {
    auto *Key = dyn_cast<ConstantInt>(CB.getArgOperand(KeyArg));
    auto *Blend = dyn_cast<IntrinsicInst>(CB.getArgOperand(KeyArg + 1));
    if (!Key || !Blend || Blend->getIntrinsicID() != Intrinsic::ptrauth_blend)
      return;
    auto *D = dyn_cast<ConstantInt>(Blend->getArgOperand(1));
    if (!D)
      return;
    E = matchSchema(Key->getZExtValue(), D->getZExtValue());
    Address = Blend->getArgOperand(0);
  }

  /// The container as the pointer that it was before ptrtoint.
  Value *container(IRBuilderBase &B) const {
    if (Operator::getOpcode(Address) == Instruction::PtrToInt)
      if (Value *P = cast<Operator>(Address)->getOperand(0);
          P->getType() == B.getPtrTy())
        return P;
    // A segment or another address space: as good as any volatile address.
    return B.CreateIntToPtr(Address, B.getPtrTy());
  }
};

class Raiser {
  Function &F;
  OptimizationRemarkEmitter ORE;
  DenseMap<BasicBlock *, ColorVector> Colors;

public:
  explicit Raiser(Function &F) : F(F), ORE(&F) {
    if (F.hasPersonalityFn() &&
        isScopedEHPersonality(classifyEHPersonality(F.getPersonalityFn())))
      Colors = colorEHFunclets(F);
  }

  bool run() {
    SmallVector<IntrinsicInst *, 16> Work, Nulls;
    for (Instruction &I : instructions(F))
      if (auto *II = dyn_cast<IntrinsicInst>(&I))
        switch (II->getIntrinsicID()) {
        case Intrinsic::ptrauth_auth:
        case Intrinsic::ptrauth_sign:
        case Intrinsic::ptrauth_resign:
          Work.push_back(II);
          break;
        case Intrinsic::ptrauth_blend:
          if (II->use_empty())
            Nulls.push_back(II);
          break;
        default:
          break;
        }
    bool Changed = false;
    for (IntrinsicInst *Blend : Nulls)
      Changed |= raiseNull(*Blend);
    for (IntrinsicInst *II : Work)
      Changed |= raise(*II);
    return Changed;
  }

private:
  /// A call inside a funclet must say so. Intrinsics need not, so there may be
  /// no bundle to copy.
  SmallVector<OperandBundleDef, 1> bundles(Instruction &I) {
    SmallVector<OperandBundleDef, 1> Result;
    if (Colors.empty())
      return Result;
    auto It = Colors.find(I.getParent());
    if (It == Colors.end())
      return Result;
    for (BasicBlock *BB : It->second)
      if (auto *Pad = dyn_cast<FuncletPadInst>(&*BB->getFirstNonPHIIt())) {
        Result.emplace_back("funclet", Pad);
        break;
      }
    return Result;
  }

  /// The null test whose true side is \p BB, if \p BB hangs off one on \p X.
  static ICmpInst *findGuard(BasicBlock *BB, Value *X) {
    BasicBlock *Pred = BB->getSinglePredecessor();
    auto *Br = Pred ? dyn_cast<BranchInst>(Pred->getTerminator()) : nullptr;
    if (!Br || !Br->isConditional())
      return nullptr;
    auto *Cmp = dyn_cast<ICmpInst>(Br->getCondition());
    if (!Cmp || !Cmp->isEquality() ||
        stripTransparent(Cmp->getOperand(0)) != X)
      return nullptr;
    auto *Zero = dyn_cast<Constant>(Cmp->getOperand(1));
    unsigned Then = Cmp->getPredicate() == ICmpInst::ICMP_NE ? 0 : 1;
    if (!Zero || !Zero->isNullValue() || Br->getSuccessor(Then) != BB ||
        Br->getSuccessor(1 - Then) == BB)
      return nullptr;
    return Cmp;
  }

  /// Whether \p I loads the old bits for \p New. The container is about to be
  /// written, with null too, so it may be read.
  static bool isHeldBy(Instruction &I, Instruction *New) {
    ContractCall Call(New);
    return isa<LoadInst>(I) && Call.verb() != Verb::Decode &&
           stripTransparent(Call.old()) == &I;
  }

  /// Remove the guard of \p New, which stands where the intrinsic stood.
  void dropGuard(Instruction *New, ICmpInst *Guard) {
    BasicBlock *BB = New->getParent(), *Pred = BB->getSinglePredecessor();
    auto *Br = cast<BranchInst>(Pred->getTerminator());
    BasicBlock *Join =
        Br->getSuccessor(Br->getSuccessor(0) == BB ? 1 : 0);
    auto *Out = dyn_cast<BranchInst>(BB->getTerminator());
    if (!Out || Out->isConditional() || Out->getSuccessor(0) != Join)
      return;
    // Whatever now runs for null too must be harmless.
    for (Instruction &I : *BB)
      if (&I != New && &I != Out && !isa<CastInst, FreezeInst>(I) &&
          !isHeldBy(I, New)) {
        auto *II = dyn_cast<IntrinsicInst>(&I);
        if (!II || II->getIntrinsicID() != Intrinsic::ptrauth_blend)
          return;
      }
    // And give for null what the join expected.
    for (PHINode &P : Join->phis()) {
      Value *Then = P.getIncomingValueForBlock(BB),
            *Else = P.getIncomingValueForBlock(Pred);
      auto *Null = dyn_cast<Constant>(Else);
      bool Ours = stripTransparent(Then) == New && Null && Null->isNullValue();
      if (Then != Else && !Ours)
        return;
    }
    Join->removePredecessor(Pred);
    IRBuilder<> B(Br);
    B.CreateBr(BB);
    Br->eraseFromParent();
    RecursivelyDeleteTriviallyDeadInstructions(Guard);
    MergeBlockIntoPredecessor(BB);
    MergeBlockIntoPredecessor(Join);
  }

  /// What \p Container holds, where \p E wants it.
  static Value *held(IRBuilderBase &B, const Encoding &E, Value *Container) {
    if (!E.T.NeedsOldBits)
      return B.getInt64(0);
    LoadInst *Held = B.CreateAlignedLoad(B.getInt64Ty(), Container, Align(8));
    // Not the program's: it need not be initialised, nor safe from a race.
    Held->setMetadata(LLVMContext::MD_nosanitize,
                      MDNode::get(B.getContext(), {}));
    return B.CreateFreeze(Held);
  }

  /// Clang does not sign a null that it knows: what is left is a discriminator
  /// that nobody uses, and a plain store. Where null may have other bits than 0
  /// it is encoded.
  bool raiseNull(IntrinsicInst &Blend) {
    auto *D = dyn_cast<ConstantInt>(Blend.getArgOperand(1));
    auto *Address = dyn_cast<PtrToIntInst>(Blend.getArgOperand(0));
    const Encoding *E =
        D ? matchSchema(abi::Key, D->getZExtValue()) : nullptr;
    if (!E || !E->T.NeedsOldBits || E->T.ZeroIsNull || !Address ||
        !Blend.use_empty())
      return false;
    Value *Container = Address->getPointerOperand();
    for (Instruction *I = Blend.getNextNode(); I; I = I->getNextNode()) {
      auto *Store = dyn_cast<StoreInst>(I);
      if (!Store || Store->getPointerOperand() != Container)
        continue;
      auto *Null = dyn_cast<ConstantPointerNull>(Store->getValueOperand());
      if (!Null || Store->isAtomic() ||
          Null->getType()->getAddressSpace() != 0)
        return false;
      IRBuilder<> B(Store);
      Store->setOperand(0, createEncode(B, Null, Container,
                                        held(B, *E, Container), *E,
                                        bundles(*Store)));
      return true;
    }
    return false;
  }

  bool raise(IntrinsicInst &II) {
    bool IsResign = II.getIntrinsicID() == Intrinsic::ptrauth_resign;
    bool IsSign = II.getIntrinsicID() == Intrinsic::ptrauth_sign;
    Side First(II, 1);
    std::optional<Side> Second;
    if (IsResign)
      Second.emplace(II, 3);
    if (!First.E && !(Second && Second->E))
      return false;

    Value *X = stripTransparent(II.getArgOperand(0));
    // Only the operand of an encode is a pointer.
    if (!IsSign)
      if (auto *Load = dyn_cast<LoadInst>(X);
          Load && Load->getType()->isPointerTy())
        X = loadInteger(Load);
    ICmpInst *Guard = findGuard(II.getParent(), X);
    SmallVector<OperandBundleDef, 1> Bundles = bundles(II);

    // One freeze for the guard and the translation, so that they agree.
    Value *Frozen = X;
    if (!isGuaranteedNotToBeUndefOrPoison(X)) {
      IRBuilder<> FB(Guard ? cast<Instruction>(Guard) : &II);
      Frozen = FB.CreateFreeze(X);
      if (Guard)
        Guard->setOperand(0, FB.CreateBitOrPointerCast(
                                 Frozen, Guard->getOperand(0)->getType()));
    }

    IRBuilder<> B(&II);
    Type *I64 = B.getInt64Ty(), *Ptr = B.getPtrTy();
    auto Bits = [&](Value *V) { return B.CreateBitOrPointerCast(V, I64); };
    auto Pointer = [&](Value *V) { return B.CreateBitOrPointerCast(V, Ptr); };
    auto Old = [&](const Encoding &E, Value *Container) {
      return held(B, E, Container);
    };
    auto Encode = [&](const Side &S, Value *P) {
      Value *C = S.container(B);
      return createEncode(B, Pointer(P), C, Old(*S.E, C), *S.E, Bundles);
    };
    auto Decode = [&](const Side &S, Value *V) {
      return createDecode(B, Bits(V), S.container(B), *S.E, Bundles);
    };

    Instruction *New = nullptr;
    bool OnlyOurs = true;
    StringRef What;
    if (IsSign) {
      New = Encode(First, Frozen);
      What = "encode";
    } else if (!IsResign) {
      New = Decode(First, Frozen);
      What = "decode";
    } else if (First.E == Second->E) {
      Value *From = First.container(B), *To = Second->container(B);
      New = createReencode(B, Bits(Frozen), From, To, Old(*First.E, To),
                           *First.E, Bundles);
      What = "re-encode";
    } else {
      // Between two encodings, or to or from real pointer authentication.
      What = "translate between encodings";
      Value *Native;
      if (First.E) {
        Native = Decode(First, Frozen);
      } else {
        OnlyOurs = false;
        Native = B.CreateIntrinsic(
            Intrinsic::ptrauth_auth, {},
            {II.getArgOperand(0), II.getArgOperand(1), II.getArgOperand(2)});
      }
      if (Second->E) {
        New = Encode(*Second, Native);
      } else {
        OnlyOurs = false;
        New = cast<Instruction>(B.CreateIntrinsic(
            Intrinsic::ptrauth_sign, {},
            {Bits(Native), II.getArgOperand(3), II.getArgOperand(4)}));
      }
    }

    remark(ORE, "Translated", &II, [&](auto &R) {
      R << What << " with encoding "
        << (First.E ? First.E : Second->E)->Name;
    });

    // Casts back to the wanted type vanish.
    for (User *U : make_early_inc_range(II.users()))
      if (auto *Cast = dyn_cast<IntToPtrInst>(U);
          Cast && New->getType() == Cast->getType()) {
        Cast->replaceAllUsesWith(New);
        Cast->eraseFromParent();
      }
    if (!II.use_empty())
      II.replaceAllUsesWith(Bits(New));
    SmallVector<WeakTrackingVH, 4> Dead;
    for (Value *Op : II.args())
      if (isa<Instruction>(Op))
        Dead.push_back(Op);
    II.eraseFromParent();
    RecursivelyDeleteTriviallyDeadInstructionsPermissive(Dead);

    // Re-encode between two encodings has two translations in the block, which
    // dropGuard does not take for harmless: the guard stays.
    if (Guard && OnlyOurs)
      dropGuard(New, Guard);
    storeInteger(New);
    return true;
  }

  /// Bits are loaded as the integer that they are: value ranges that follow
  /// from their tests then reach every use, and no alias analysis takes them
  /// for a pointer.
  static Value *loadInteger(LoadInst *Load) {
    IRBuilder<> B(Load);
    LoadInst *New = B.CreateAlignedLoad(B.getInt64Ty(),
                                        Load->getPointerOperand(),
                                        Load->getAlign(), Load->isVolatile());
    New->setAtomic(Load->getOrdering(), Load->getSyncScopeID());
    // Without what says things about a pointer (align, dereferenceable).
    copyMetadataForLoad(*New, *Load);
    New->takeName(Load);
    Load->replaceAllUsesWith(B.CreateIntToPtr(New, Load->getType()));
    Load->eraseFromParent();
    return New;
  }

  /// And stored as such, where nothing else looks at them.
  static void storeInteger(Instruction *Bits) {
    if (!Bits->getType()->isIntegerTy())
      return;
    for (User *U : make_early_inc_range(Bits->users())) {
      auto *Cast = dyn_cast<IntToPtrInst>(U);
      if (!Cast)
        continue;
      for (Use &CU : make_early_inc_range(Cast->uses()))
        if (auto *Store = dyn_cast<StoreInst>(CU.getUser());
            Store && CU.getOperandNo() == 0)
          CU.set(Bits);
      if (Cast->use_empty())
        Cast->eraseFromParent();
    }
  }
};

} // namespace

PreservedAnalyses RaisePass::run(Module &M, ModuleAnalysisManager &) {
  bool Changed = raiseGrayFields(M);
  Changed |= raiseStaticInitialisers(M);
  for (Function &F : M)
    if (!F.isDeclaration())
      Changed |= Raiser(F).run();
  // What is left of Clang's pattern.
  for (Function &F : make_early_inc_range(M))
    if (F.use_empty() && F.isIntrinsic())
      switch (F.getIntrinsicID()) {
      case Intrinsic::ptrauth_auth:
      case Intrinsic::ptrauth_sign:
      case Intrinsic::ptrauth_resign:
      case Intrinsic::ptrauth_blend:
        F.eraseFromParent();
        Changed = true;
        break;
      default:
        break;
      }
  // Declarations from C headers get the contract's attributes.
  for (Verb V : {Verb::Decode, Verb::Encode, Verb::Reencode})
    if (findContractFunction(M, V))
      Changed |= getContractFunction(M, V) != nullptr;
  bool AsksForBases = findBaseFunction(M);
  Changed |= internaliseCopyHelpers(M);
  if (hasContractCalls(M) || AsksForBases)
    Changed |= addAbiReference(M);
  Changed |= requestSites(M);
  Changed |= addTypeEncodings(M);
  Changed |= addTypeDescriptors(M);
  Changed |= noteFields(M);
  Changed |= rewriteDebugTypes(M);
  return Changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}

} // namespace perdure
