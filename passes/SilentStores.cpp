//===- SilentStores.cpp - Stores of what memory holds are not made --------===//
//
// Under -fperdure-reduce-flips=silent. `*p = v` becomes
//
//   if (*p != v)
//     *p = v
//
// where v may well be what p held: it was made of it, by an operation that may
// give it back (or, and, minimum, select, phi, a call that got it), or a call
// of the log would come with the store. docs/BitFlips.md says why
// that is right, and why not everywhere.
//
//===----------------------------------------------------------------------===//

#include "Config.h"
#include "Contract.h"
#include "FlipPolicies.h"
#include "Remarks.h"
#include "Sites.h"
#include "StorePolicies.h"
#include "Transactions.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/Analysis/DomTreeUpdater.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace perdure {

namespace {

/// How many values the search looks at for what memory held.
constexpr unsigned SearchLimit = 24;
/// How far behind it a store's call of the log is looked for.
constexpr unsigned LogDistance = 8;

class SilentStores {
  Function &F;
  const DataLayout &DL;
  bool WithLogs;
  AAResults &AA;
  OptimizationRemarkEmitter &ORE;
  /// How many calls of the log each block of memory has.
  DenseMap<const Value *, unsigned> Logs;

  struct Found {
    StoreInst *Store;
    CallInst *Log; // or null
  };

public:
  SilentStores(Function &F, bool WithLogs, FunctionAnalysisManager &FAM)
      : F(F), DL(F.getDataLayout()), WithLogs(WithLogs),
        AA(FAM.getResult<AAManager>(F)),
        ORE(FAM.getResult<OptimizationRemarkEmitterAnalysis>(F)) {}

  bool run() {
    for (Instruction &I : instructions(F))
      if (isLog(I))
        ++Logs[getUnderlyingObject(I.getOperand(0))];
    SmallVector<Found, 16> Work;
    for (Instruction &I : instructions(F))
      if (auto *S = dyn_cast<StoreInst>(&I))
        if (isCandidate(*S))
          choose(*S, Work);
    for (Found &Each : Work)
      guard(Each);
    return !Work.empty();
  }

private:
  static bool isLog(const Instruction &I) {
    auto *CB = dyn_cast<CallInst>(&I);
    return CB && CB->getCalledFunction() &&
           CB->getCalledFunction()->getName() == abi::TxLogSymbol;
  }

  Type *bitsOf(const StoreInst &S) const {
    Type *T = S.getValueOperand()->getType();
    TypeSize Bits = DL.getTypeSizeInBits(T);
    if (!T->isIntOrPtrTy() || Bits.isScalable() || Bits > 64 ||
        Bits != DL.getTypeStoreSizeInBits(T))
      return nullptr;
    return Type::getIntNTy(F.getContext(), Bits);
  }

  bool isCandidate(const StoreInst &S) const {
    const Value *P = S.getPointerOperand();
    return S.isSimple() && bitsOf(S) &&
           P->getType()->getPointerAddressSpace() == 0 &&
           !S.hasMetadata(LLVMContext::MD_nontemporal) && mayBeInObject(P) &&
           !isa<Constant>(P) && !mayBeNew(P);
  }

  /// Whether \p P may lead to memory of this function's own. That may hold what
  /// LLVM takes for undefined, and a store that is left out does not define it.
  static bool mayBeNew(const Value *P) {
    SmallVector<const Value *, 4> Objects;
    getUnderlyingObjects(P, Objects);
    return any_of(Objects, [](const Value *O) {
      return isNoAliasCall(O) || isa<AllocaInst>(O);
    });
  }

  /// Whether \p V may lead to memory that a call has just given. It may lie
  /// where what memory held once led, and that may be freed since: to LLVM the
  /// two do not alias, equal or not, so they must not take each other's place.
  static bool mayLeadToNew(const Value *V) {
    SmallSetVector<const Value *, SearchLimit> Work;
    Work.insert(V);
    for (unsigned I = 0; I != Work.size(); ++I) {
      if (I == SearchLimit)
        return true;
      const Value *Now = Work[I];
      if (Now->getType()->isPointerTy())
        Now = getUnderlyingObject(Now);
      if (isNoAliasCall(Now))
        return true;
      if (ContractCall Call{const_cast<Value *>(Now)}) {
        Work.insert(Call.bits());
      } else if (auto *I = dyn_cast<Instruction>(Now);
                 I && (I->isCast() || I->isBinaryOp() ||
                       isa<PHINode, SelectInst, FreezeInst>(I))) {
        for (const Value *Op : I->operands())
          if (!isa<Constant>(Op))
            Work.insert(Op);
      }
    }
    return false;
  }

  void choose(StoreInst &S, SmallVectorImpl<Found> &Work) {
    CallInst *Log = findLog(S);
    bool Logged = Log || Logs.count(getUnderlyingObject(S.getPointerOperand()));
    // Logs of one block become one call later; behind tests they could not.
    if (Logged &&
        (!Log || !WithLogs ||
         Logs.lookup(getUnderlyingObject(S.getPointerOperand())) != 1))
      return;
    if ((Log ? !alwaysChanges(S) : mayGiveBack(S)) &&
        !mayLeadToNew(S.getValueOperand()))
      Work.push_back({&S, Log});
  }

  /// The log of just the bytes that \p S writes, with nothing between the two
  /// that another call of the log or another store could be covered by.
  CallInst *findLog(StoreInst &S) const {
    unsigned Left = LogDistance;
    for (Instruction *I = S.getPrevNode(); I && Left--; I = I->getPrevNode()) {
      if (isLog(*I)) {
        auto *Bytes = dyn_cast<ConstantInt>(I->getOperand(1));
        return I->getOperand(0) == S.getPointerOperand() && Bytes &&
                       Bytes->getZExtValue() ==
                           DL.getTypeStoreSize(S.getValueOperand()->getType())
                   ? cast<CallInst>(I)
                   : nullptr;
      }
      if (I->mayHaveSideEffects() && !getVerb(I))
        return nullptr;
    }
    return nullptr;
  }

  bool loadsFrom(const Value *V, const StoreInst &S) const {
    auto *L = dyn_cast<LoadInst>(V);
    return L && L->isSimple() &&
           (L->getPointerOperand() == S.getPointerOperand() ||
            AA.isMustAlias(MemoryLocation::get(L), MemoryLocation::get(&S)));
  }

  /// Whether \p S adds to what memory held, or does the like, and so leaves
  /// something else there in any case.
  bool alwaysChanges(const StoreInst &S) const {
    auto *Op = dyn_cast<BinaryOperator>(S.getValueOperand());
    if (!Op || (Op->getOpcode() != Instruction::Add &&
                Op->getOpcode() != Instruction::Xor))
      return false;
    auto *By = dyn_cast<ConstantInt>(Op->getOperand(1));
    return By && !By->isZero() && loadsFrom(Op->getOperand(0), S);
  }

  /// Whether what \p S stores is made of what it overwrites, by operations that
  /// may leave it as it is.
  bool mayGiveBack(const StoreInst &S) const {
    SmallSetVector<const Value *, SearchLimit> Work;
    auto Add = [&](const Value *V) {
      if (!isa<Constant>(V))
        Work.insert(V);
    };
    Add(S.getValueOperand());
    for (unsigned I = 0; I != Work.size() && I != SearchLimit; ++I) {
      const Value *V = Work[I];
      if (loadsFrom(V, S))
        return true;
      if (auto *P = dyn_cast<PHINode>(V)) {
        for (const Value *In : P->incoming_values())
          Add(In);
      } else if (auto *Choice = dyn_cast<SelectInst>(V)) {
        Add(Choice->getTrueValue());
        Add(Choice->getFalseValue());
      } else if (auto *Op = dyn_cast<BinaryOperator>(V)) {
        if (Op->getOpcode() == Instruction::Or ||
            Op->getOpcode() == Instruction::And) {
          Add(Op->getOperand(0));
          Add(Op->getOperand(1));
        }
      } else if (isa<CastInst, FreezeInst>(V)) {
        Add(cast<Instruction>(V)->getOperand(0));
      } else if (ContractCall Call{const_cast<Value *>(V)}) {
        Add(Call.bits()); // of an encode: the pointer
      } else if (auto *MM = dyn_cast<MinMaxIntrinsic>(V)) {
        Add(MM->getLHS());
        Add(MM->getRHS());
      } else if (auto *CB = dyn_cast<CallBase>(V)) {
        // n->left = insert(n->left, key)
        for (const Value *Arg : CB->args())
          if (loadsFrom(stripTranslations(Arg), S))
            return true;
      }
    }
    return false;
  }

  /// \p V before it was decoded.
  static const Value *stripTranslations(const Value *V) {
    const Value *Under = stripTransparent(const_cast<Value *>(V));
    if (ContractCall Call{const_cast<Value *>(Under)})
      return stripTransparent(Call.bits());
    return Under;
  }

  void guard(const Found &Each) {
    StoreInst &S = *Each.Store;
    Type *Int = bitsOf(S);
    // Only now is it known that the log may wait: pure instructions are
    // between.
    if (Each.Log)
      Each.Log->moveBefore(S.getIterator());
    Instruction *First = Each.Log ? cast<Instruction>(Each.Log) : &S;
    IRBuilder<> B(First);
    B.SetCurrentDebugLocation(S.getDebugLoc());
    LoadInst *Old =
        B.CreateAlignedLoad(Int, S.getPointerOperand(), S.getAlign());
    Value *New = B.CreateBitOrPointerCast(S.getValueOperand(), Int);
    // A branch on what is undefined would be worse than a store of it.
    auto Defined = [&](Value *V) {
      return isGuaranteedNotToBeUndefOrPoison(V) ? V : B.CreateFreeze(V);
    };
    Value *Differs = B.CreateICmpNE(Defined(Old), Defined(New));
    remark(ORE, "SilentStore", &S, [&](auto &R) {
      R << (Each.Log ? "logged and stored" : "stored")
        << " only where it changes memory";
    });
    Instruction *Then = SplitBlockAndInsertIfThen(Differs, First, false);
    S.moveBefore(Then->getIterator());
    if (Each.Log)
      Each.Log->moveBefore(S.getIterator());
  }
};

} // namespace

PreservedAnalyses SilentStoresPass::run(Function &F,
                                        FunctionAnalysisManager &FAM) {
  // What looks like a block of its own may be a coroutine's frame.
  if (!reducesFlips(*F.getParent(), FlipPolicy::Silent) ||
      F.isPresplitCoroutine() || !SilentStores(F, WithLogs, FAM).run())
    return PreservedAnalyses::all();
  return PreservedAnalyses::none();
}

} // namespace perdure
