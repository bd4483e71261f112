//===- TransactionLogs.cpp - Fewer and cheaper calls of the log -----------===//
//
// Behind inlining and the scalar optimisations. docs/passes/Transactions.md,
// "Fewer calls", says why each rule is right.
//
//===----------------------------------------------------------------------===//
#include "Allocations.h"
#include "Config.h"
#include "Contract.h"
#include "Emitter.h"
#include "Passes.h"
#include "TransactionCallees.h"
#include "Transactions.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/Analysis/CFG.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include "llvm/Transforms/Utils/ScalarEvolutionExpander.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace perdure {

namespace {

bool isLog(const Instruction &I) {
  auto *CB = dyn_cast<CallInst>(&I);
  return CB && CB->getCalledFunction() &&
         CB->getCalledFunction()->getName() == abi::TxLogSymbol;
}

/// Which functions leave the transaction as it is: they begin and end none, set
/// no savepoint and roll back to none.
class Calm {
  SmallPtrSet<const Function *, 16> Restless;

public:
  explicit Calm(const Module &M) {
    // All that nothing speaks against.
    for (bool Changed = true; Changed;) {
      Changed = false;
      for (const Function &F : M)
        if (!F.isDeclaration() && !Restless.contains(&F) &&
            (F.isInterposable() ||
             any_of(instructions(F),
                    [&](const Instruction &I) { return !isCalm(I); }))) {
          Restless.insert(&F);
          Changed = true;
        }
    }
  }

  bool isCalm(const Instruction &I) const {
    auto *CB = dyn_cast<CallBase>(&I);
    if (!CB || isLog(I) || getVerb(CB))
      return true;
    // Whoever comes back from there has been elsewhere.
    if (CB->hasFnAttr(Attribute::ReturnsTwice))
      return false;
    // The state of a transaction is in nobody's arguments.
    if (CB->onlyReadsMemory() || CB->onlyAccessesArgMemory())
      return true;
    if (CB->isInlineAsm())
      return cast<InlineAsm>(CB->getCalledOperand())->getAsmString().empty();
    if (isa<IntrinsicInst>(CB))
      return CB->hasFnAttr(Attribute::NoCallback);
    const Function *To = CB->getCalledFunction();
    if (!To)
      return false;
    if (!To->isDeclaration())
      return !Restless.contains(To);
    return isCalmCallee(To->getName());
  }
};

/// Whether \p I does nothing by which threads wait for one another, and goes on
/// to the next instruction. A fault, and the end of the process in the runtime,
/// do not count (docs).
bool isStill(const Instruction &I) {
  if (I.isVolatile() || I.isAtomic())
    return false;
  if (auto *CB = dyn_cast<CallBase>(&I)) {
    if (isLog(I) || getVerb(CB))
      return true;
    return isa<IntrinsicInst>(CB) && CB->hasFnAttr(Attribute::NoSync) &&
           isGuaranteedToTransferExecutionToSuccessor(&I);
  }
  return isGuaranteedToTransferExecutionToSuccessor(&I);
}

class Logs {
  Function &F;
  const Calm &Calls;
  DominatorTree &DT;
  LoopInfo &LI;
  ScalarEvolution &SE;
  AAResults &AA;
  OptimizationRemarkEmitter &ORE;
  SmallVector<CallInst *, 32>
      All; // in an order in which who dominates is first
  DenseMap<const BasicBlock *, bool> CalmBlocks;
  bool LoopsAreKnown; // each way around is one of LI's

public:
  Logs(Function &F, const Calm &Calls, FunctionAnalysisManager &FAM)
      : F(F), Calls(Calls), DT(FAM.getResult<DominatorTreeAnalysis>(F)),
        LI(FAM.getResult<LoopAnalysis>(F)),
        SE(FAM.getResult<ScalarEvolutionAnalysis>(F)),
        AA(FAM.getResult<AAManager>(F)),
        ORE(FAM.getResult<OptimizationRemarkEmitterAnalysis>(F)) {
    ReversePostOrderTraversal<Function *> Order(&F);
    LoopsAreKnown = !containsIrreducibleCFG<BasicBlock *>(Order, LI);
  }

  bool run() {
    collect();
    if (All.empty())
      return false;
    skipNew();
    // The merged ranges of blocks, and those of loops, may cover others.
    removeCovered();
    mergeNeighbours();
    hoist();
    collect();
    removeCovered();
    for (Gathered &G : gather())
      guard(G);
    return true;
  }

private:
  static Value *pointer(const CallInst &C) { return C.getArgOperand(0); }
  static Value *bytes(const CallInst &C) { return C.getArgOperand(1); }
  static std::optional<uint64_t> constantBytes(const CallInst &C) {
    auto *N = dyn_cast<ConstantInt>(bytes(C));
    if (!N || N->getValue().ugt(1u << 30))
      return std::nullopt;
    return N->getZExtValue();
  }

  void collect() {
    All.clear();
    ReversePostOrderTraversal<Function *> Order(&F);
    for (BasicBlock *BB : Order)
      for (Instruction &I : *BB)
        if (isLog(I))
          All.push_back(cast<CallInst>(&I));
  }

  void drop(CallInst *&C, StringRef Name, const Twine &Why) {
    txRemark(ORE, Name, *C, Why);
    C->eraseFromParent();
    C = nullptr;
  }
  void forgetDropped() { erase(All, nullptr); }

  //===--- What lies between
  //-----------------------------------------------===//

  bool isCalmBlock(const BasicBlock *BB) {
    auto [At, New] = CalmBlocks.try_emplace(BB, true);
    if (New)
      At->second = isCalm(BB->begin(), BB->end());
    return At->second;
  }
  bool isCalm(BasicBlock::const_iterator From, BasicBlock::const_iterator To) {
    return all_of(make_range(From, To),
                  [&](const Instruction &I) { return Calls.isCalm(I); });
  }

  /// Whether the transaction is as it was when \p A ran last, whenever \p B
  /// runs, which \p A dominates.
  bool isCalmBetween(const Instruction &A, const Instruction &B) {
    const BasicBlock *From = A.getParent(), *To = B.getParent();
    if (From == To)
      return isCalm(std::next(A.getIterator()), B.getIterator());
    if (!isCalm(std::next(A.getIterator()), From->end()) ||
        !isCalm(To->begin(), B.getIterator()))
      return false;
    // All blocks on the way: what comes before B and not through A.
    SmallPtrSet<const BasicBlock *, 16> Seen;
    SmallVector<const BasicBlock *, 16> Work(predecessors(To));
    while (!Work.empty()) {
      const BasicBlock *BB = Work.pop_back_val();
      if (BB == From || !DT.isReachableFromEntry(BB) || !Seen.insert(BB).second)
        continue;
      if (Seen.size() > 500 || !isCalmBlock(BB))
        return false;
      Work.append(pred_begin(BB), pred_end(BB));
    }
    return true;
  }

  //===--- Blocks that are new
  //---------------------------------------------===//

  /// What \p P may lead to, and the loops in which it may be what an earlier
  /// round has left.
  struct Origins {
    SmallVector<const Value *, 4> Objects;
    SmallSetVector<const Loop *, 4> Around;
  };

  Origins originsOf(const Value *P) {
    Origins Found;
    SmallVector<const Value *, 4> Work{P};
    SmallPtrSet<const Value *, 8> Seen;
    while (!Work.empty()) {
      const Value *V =
          getUnderlyingObject(Work.pop_back_val(), /*MaxLookup=*/0);
      if (!Seen.insert(V).second)
        continue;
      if (auto *Same = dyn_cast<FreezeInst>(V)) {
        Work.push_back(Same->getOperand(0));
      } else if (auto *S = dyn_cast<SelectInst>(V)) {
        Work.append({S->getTrueValue(), S->getFalseValue()});
      } else if (auto *Phi = dyn_cast<PHINode>(V); Phi && LoopsAreKnown) {
        if (LI.isLoopHeader(Phi->getParent()))
          Found.Around.insert(LI.getLoopFor(Phi->getParent()));
        append_range(Work, Phi->incoming_values());
      } else {
        Found.Objects.push_back(V);
      }
    }
    return Found;
  }

  bool isNewBlock(const Value *V, const CallInst &Log, const Origins &From) {
    auto *CB = dyn_cast<CallBase>(V);
    const Function *To = CB ? CB->getCalledFunction() : nullptr;
    if (!To || !To->isDeclaration() || !givesBlock(To->getName()) ||
        !DT.dominates(CB, &Log) || !isCalmBetween(*CB, Log))
      return false;
    // It may be that of any earlier round.
    return all_of(From.Around, [&](const Loop *L) {
      return !L->contains(CB) || all_of(L->blocks(), [&](const BasicBlock *BB) {
        return isCalmBlock(BB);
      });
    });
  }

  void skipNew() {
    for (CallInst *&C : All) {
      if (isOutsideObjects(pointer(*C))) {
        drop(C, "SkippedVolatile", "not logged: it is in no object");
        continue;
      }
      Origins From = originsOf(pointer(*C));
      if (all_of(From.Objects, [&](const Value *V) {
            return isNewBlock(V, *C, From) || isOutsideObjects(V);
          }))
        drop(C, "SkippedFresh",
             "not logged: its block was allocated in this transaction");
    }
    forgetDropped();
  }

  //===--- Bytes that have been logged
  //-------------------------------------===//

  bool covers(const CallInst &A, const CallInst &B) {
    std::optional<APInt> Apart = SE.computeConstantDifference(
        SE.getSCEV(pointer(B)), SE.getSCEV(pointer(A)));
    if (!Apart)
      return false;
    auto BytesA = constantBytes(A), BytesB = constantBytes(B);
    if (!BytesA || !BytesB)
      return Apart->isZero() && SE.getSCEV(bytes(A)) == SE.getSCEV(bytes(B));
    return Apart->isNonNegative() && Apart->ule(*BytesA) &&
           *BytesB <= *BytesA - Apart->getZExtValue();
  }

  void removeCovered() {
    DenseMap<const Value *, SmallVector<CallInst *, 4>> Before;
    for (CallInst *&C : All) {
      auto &Near = Before[getUnderlyingObject(pointer(*C))];
      if (any_of(Near, [&](CallInst *A) {
            return DT.dominates(A, C) && covers(*A, *C) &&
                   isCalmBetween(*A, *C);
          })) {
        drop(C, "SkippedDominated", "not logged again: it has been");
        continue;
      }
      if (Near.size() < 64)
        Near.push_back(C);
    }
    forgetDropped();
  }

  //===--- Neighbours
  //------------------------------------------------------===//

  /// Ranges that touch, all of which are written before anything else happens.
  struct Group {
    CallInst *First;
    int64_t Low, High; // behind First's address
    SmallVector<CallInst *, 4> Others;
  };

  void mergeNeighbours() {
    SmallVector<Group, 4> Open;
    auto Close = [&] {
      for (Group &G : Open)
        merge(G);
      Open.clear();
    };
    for (BasicBlock &BB : F) {
      for (Instruction &I : BB) {
        if (!isStill(I)) {
          Close();
        } else if (isLog(I)) {
          auto *C = cast<CallInst>(&I);
          if (std::optional<uint64_t> Bytes = constantBytes(*C);
              Bytes && *Bytes)
            enter(Open, *C, *Bytes);
        }
      }
      Close();
    }
    collect();
  }

  void enter(SmallVectorImpl<Group> &Open, CallInst &C, uint64_t Bytes) {
    Group *Joined = nullptr;
    int64_t Low = 0, High = Bytes;
    for (Group &G : Open) {
      std::optional<APInt> Apart = SE.computeConstantDifference(
          SE.getSCEV(pointer(C)), SE.getSCEV(pointer(*G.First)));
      if (!Apart || Apart->abs().ugt(1u << 30))
        continue;
      Low = Apart->getSExtValue();
      High = Low + int64_t(Bytes);
      if (Low > G.High || High < G.Low)
        continue;
      if (!Joined) {
        G.Low = std::min(G.Low, Low);
        G.High = std::max(G.High, High);
        G.Others.push_back(&C);
        Joined = &G;
        continue;
      }
      // It fills the gap between two.
      std::optional<APInt> Between = SE.computeConstantDifference(
          SE.getSCEV(pointer(*G.First)), SE.getSCEV(pointer(*Joined->First)));
      int64_t By = Between->getSExtValue();
      Joined->Low = std::min(Joined->Low, G.Low + By);
      Joined->High = std::max(Joined->High, G.High + By);
      Joined->Others.push_back(G.First);
      Joined->Others.append(G.Others);
      Open.erase(&G);
      return;
    }
    if (!Joined)
      Open.push_back({&C, 0, int64_t(Bytes), {}});
  }

  void merge(Group &G) {
    if (G.Others.empty())
      return;
    IRBuilder<> B(G.First);
    if (G.Low)
      G.First->setArgOperand(
          0, B.CreatePtrAdd(pointer(*G.First), B.getInt64(G.Low)));
    G.First->setArgOperand(1, B.getInt64(G.High - G.Low));
    for (CallInst *C : G.Others)
      drop(C, "Merged", "logged with what lies beside it");
  }

  //===--- Loops
  //-----------------------------------------------------------===//

  void hoist() {
    auto Loops = LI.getLoopsInPreorder();
    for (Loop *L : reverse(Loops)) // the inner ones first
      for (BasicBlock *BB : L->blocks())
        if (LI.getLoopFor(BB) == L)
          for (Instruction &I : make_early_inc_range(*BB)) {
            if (!isLog(I))
              continue;
            if (isSimple(*L))
              hoist(*L, *cast<CallInst>(&I));
            else
              missed(*cast<CallInst>(&I),
                     "that does more than store, or may end at any time");
          }
  }

  /// Whether the loop runs to its end, undisturbed, in a known number of
  /// rounds.
  bool isSimple(const Loop &L) {
    if (!L.getLoopPredecessor() || !L.getLoopLatch() || !L.getExitingBlock() ||
        !SE.hasLoopInvariantBackedgeTakenCount(&L))
      return false;
    for (const Loop *Inner : L.getLoopsInPreorder())
      if (!SE.hasLoopInvariantBackedgeTakenCount(Inner))
        return false;
    return all_of(L.blocks(), [](const BasicBlock *BB) {
      return all_of(*BB, [](const Instruction &I) { return isStill(I); });
    });
  }

  void hoist(Loop &L, CallInst &C) {
    BasicBlock *Here = C.getParent(), *Exiting = L.getExitingBlock();
    // In each round; whether in the last, which is left in the middle, too.
    if (!DT.dominates(Here, L.getLoopLatch()))
      return;
    bool InLast = DT.dominates(Here, Exiting);
    Type *Int = bytes(C)->getType();
    const SCEV *Rounds = SE.getBackedgeTakenCount(&L); // but the last
    const SCEV *P = SE.getSCEV(pointer(C)), *N = SE.getSCEV(bytes(C));
    if (SE.getTypeSizeInBits(Rounds->getType()) > 64 ||
        !SE.isLoopInvariant(N, &L))
      return missed(C, "its size, or that of the loop, is not known before it");
    Rounds = SE.getNoopOrZeroExtend(Rounds, Int);
    const SCEV *Start = P, *Total = N;
    SmallVector<const SCEVPredicate *, 4> Unless; // one of these does not hold
    if (SE.isLoopInvariant(P, &L)) {
      if (!InLast)
        return missed(C, "the loop may have no round");
    } else {
      auto *Rec = dyn_cast<SCEVAddRecExpr>(P);
      // An index narrower than an address may wrap: that is asked at run time.
      if (!Rec)
        Rec = SE.convertSCEVToAddRecWithPredicates(P, &L, Unless);
      if (!Rec || Rec->getLoop() != &L || !Rec->isAffine())
        return missed(C, "its place in the next round is not known");
      const SCEV *Step = Rec->getStepRecurrence(SE);
      if (Step->getType() != Int)
        return;
      bool Down = false;
      if (auto *Constant = dyn_cast<SCEVConstant>(Step)) {
        auto *Size = dyn_cast<SCEVConstant>(N);
        Down = Constant->getAPInt().isNegative();
        if (Down)
          Step = SE.getNegativeSCEV(Step);
        // Between the rounds' ranges lies what is not written.
        if (!Size || cast<SCEVConstant>(Step)->getAPInt().ugt(Size->getAPInt()))
          return missed(C, "the loop leaves out bytes in between");
      } else if (Step != N) {
        return missed(C, "the loop may leave out bytes in between");
      }
      // The first byte of the last round is as many steps away.
      const SCEV *Away = SE.getMulExpr(Rounds, Step);
      if (InLast) {
        Start = Down ? SE.getAddExpr(Rec->getStart(), SE.getNegativeSCEV(Away))
                     : Rec->getStart();
        Total = SE.getAddExpr(Away, N);
      } else {
        // Without a round nothing: no bytes, wherever.
        if (Step != N)
          return missed(C, "the loop may have no round");
        Start =
            Down ? SE.getAddExpr(Rec->getStart(), SE.getMinusSCEV(Step, Away))
                 : Rec->getStart();
        Total = Away;
      }
    }
    // The optimisations before have merged it with the test that leads to it,
    // where nothing else was in it.
    if (!L.getLoopPreheader() &&
        !InsertPreheaderForLoop(&L, &DT, &LI, /*MSSAU=*/nullptr,
                                /*PreserveLCSSA=*/false))
      return missed(C, "nothing can be put in front of it");
    Instruction *Before = L.getLoopPreheader()->getTerminator();
    SCEVExpander Expander(SE, "perdure.tx");
    if (!Expander.isSafeToExpandAt(Start, Before) ||
        !Expander.isSafeToExpandAt(Total, Before))
      return missed(C, "its range cannot be computed before the loop");
    Value *From = Expander.expandCodeFor(Start, pointer(C)->getType(), Before);
    Value *Many = Expander.expandCodeFor(Total, Int, Before);
    SCEVUnionPredicate Union(Unless, SE);
    Value *Wraps = Expander.expandCodeForPredicate(&Union, Before);
    if (match(Wraps, m_Zero())) {
      txRemark(ORE, "Hoisted", C, "logged once for all rounds of the loop");
      C.setArgOperand(0, From);
      C.setArgOperand(1, Many);
      C.moveBefore(Before->getIterator());
      return;
    }
    txRemark(ORE, "HoistedUnlessWrapping", C,
             "logged once for all rounds of the loop, unless its index wraps");
    // Of these two one has no bytes.
    Constant *None = ConstantInt::get(Int, 0);
    IRBuilder<> InFront(Before), Inside(&C);
    auto *Once = cast<CallInst>(C.clone());
    Once->insertBefore(Before->getIterator());
    Once->setArgOperand(0, From);
    InFront.SetInsertPoint(Once);
    Once->setArgOperand(1, InFront.CreateSelect(Wraps, None, Many));
    C.setArgOperand(1, Inside.CreateSelect(Wraps, bytes(C), None));
  }

  void missed(CallInst &C, const Twine &Why) {
    ORE.emit([&] {
      return OptimizationRemarkMissed("perdure-tx", "NotHoisted", &C)
             << "logged in each round of the loop: " << Why.str();
    });
  }

  //===--- Several in one call
  //-------------------------------------------------------===//

  /// What one call logs: its own range, and others that are written behind it.
  struct Gathered {
    CallInst *First;
    SmallVector<std::pair<Value *, Value *>, 4> Others; // pointer, bytes
  };

  /// What lies between two calls of the log.
  struct Way {
    // The second one is reached if all of these are so.
    SmallVector<std::pair<Value *, bool>, 4> If;
    SmallVector<Instruction *, 32> Writes;
  };

  bool addStill(Instruction &I, Way &W) {
    if (I.mayWriteToMemory())
      W.Writes.push_back(&I);
    return isStill(I);
  }

  /// Whether whoever comes to the end of \p From comes to \p To, undisturbed,
  /// after blocks between them. \p From dominates \p To.
  bool leadsOnlyTo(BasicBlock *From, BasicBlock *To, Way &W) {
    SmallPtrSet<BasicBlock *, 16> Between;
    SmallVector<BasicBlock *, 16> Work(predecessors(To));
    while (!Work.empty()) {
      BasicBlock *BB = Work.pop_back_val();
      if (BB == From || !DT.isReachableFromEntry(BB) ||
          !Between.insert(BB).second)
        continue;
      if (BB == To || Between.size() > 100 || W.Writes.size() > 200 ||
          !all_of(*BB, [&](Instruction &I) { return addStill(I, W); }))
        return false;
      // A loop is left some time.
      if (Loop *L = LI.getLoopFor(BB))
        if (L->getHeader() == BB && !SE.hasLoopInvariantBackedgeTakenCount(L) &&
            !isMustProgress(L))
          return false;
      Work.append(pred_begin(BB), pred_end(BB));
    }
    Between.insert(From);
    return all_of(Between, [&](BasicBlock *BB) {
      return all_of(successors(BB), [&](BasicBlock *Next) {
        return Next == To || (Next != From && Between.contains(Next));
      });
    });
  }

  /// Whether the thread does nothing else on its way from \p From to \p C, and
  /// comes there if all of W.If are so.
  bool findWay(const CallInst &From, CallInst &C, Way &W) {
    if (!DT.dominates(&From, &C))
      return false;
    BasicBlock *BB = C.getParent();
    for (BasicBlock::iterator At = C.getIterator();;) {
      while (At != BB->begin()) {
        --At;
        if (&*At == &From)
          return true;
        if (!addStill(*At, W))
          return false;
      }
      if (LI.isLoopHeader(BB))
        return false;
      BasicBlock *Up = DT.getNode(BB)->getIDom()->getBlock();
      // Around loops that lie in between.
      for (Loop *L; (L = LI.getLoopFor(Up)) && !L->contains(BB);) {
        Up = L->getLoopPreheader();
        if (!Up)
          return false;
      }
      // One of them may hold the first call: it is made in each round.
      if (!DT.dominates(From.getParent(), Up))
        return false;
      auto *Branch = dyn_cast<BranchInst>(Up->getTerminator());
      if (Branch && Branch->isConditional() && BB->getSinglePredecessor() == Up)
        W.If.push_back({Branch->getCondition(), Branch->getSuccessor(0) == BB});
      else if (!leadsOnlyTo(Up, BB, W))
        return false;
      BB = Up;
      At = BB->end();
    }
  }

  /// Whether \p I gives the same where the way \p W begins, at \p From.
  bool isMovable(Instruction &I, const Instruction &From, const Way &W) {
    if (isa<PHINode>(I) || I.mayWriteToMemory())
      return false;
    if (!isSafeToSpeculativelyExecute(&I, &From, nullptr, &DT)) {
      // What is done in any case may be done now.
      auto *Load = dyn_cast<LoadInst>(&I);
      if (!Load || !Load->isSimple() || !W.If.empty())
        return false;
    }
    if (!I.mayReadFromMemory())
      return true;
    std::optional<MemoryLocation> Place = MemoryLocation::getOrNone(&I);
    return isa<LoadInst>(I) && none_of(W.Writes, [&](Instruction *Write) {
             return isModSet(AA.getModRefInfo(Write, Place));
           });
  }

  /// Whether \p V is there at \p From, or is once what \p Moved gets has been
  /// moved there, in order.
  bool isAvailable(Value *V, const Instruction &From, const Way &W,
                   SmallSetVector<Instruction *, 16> &Moved) {
    auto *I = dyn_cast<Instruction>(V);
    if (!I || DT.dominates(I, &From) || Moved.contains(I))
      return true;
    if (Moved.size() > 16 || !isMovable(*I, From, W) ||
        !all_of(I->operands(),
                [&](Value *Op) { return isAvailable(Op, From, W, Moved); }))
      return false;
    Moved.insert(I);
    return true;
  }

  bool gather(CallInst &C, Gathered &G) {
    Way W;
    CallInst &First = *G.First;
    if (G.Others.size() == 7 || !findWay(First, C, W))
      return false;
    SmallSetVector<Instruction *, 16> Moved;
    if (!isAvailable(pointer(C), First, W, Moved) ||
        !isAvailable(bytes(C), First, W, Moved) ||
        !all_of(W.If, [&](const auto &Needed) {
          return isAvailable(Needed.first, First, W, Moved);
        }))
      return false;
    for (Instruction *I : Moved) {
      if (!W.If.empty())
        I->dropUBImplyingAttrsAndMetadata();
      I->moveBefore(First.getIterator());
    }
    IRBuilder<> B(&First);
    Value *Bytes = bytes(C), *None = B.getInt64(0);
    for (auto [Of, Taken] : W.If) {
      // The branch itself may not be reached.
      if (!isGuaranteedNotToBePoison(Of))
        Of = B.CreateFreeze(Of);
      Bytes = Taken ? B.CreateSelect(Of, Bytes, None)
                    : B.CreateSelect(Of, None, Bytes);
    }
    G.Others.push_back({pointer(C), Bytes});
    return true;
  }

  /// Each call goes to the one in front of it that it can be made with.
  SmallVector<Gathered, 16> gather() {
    SmallVector<Gathered, 16> Groups;
    for (CallInst *&C : All) {
      // The last ones are the nearest.
      unsigned Tried = 0;
      auto Found = find_if(reverse(Groups), [&](Gathered &G) {
        // Whose loops are not known may go round for ever.
        return LoopsAreKnown && ++Tried <= 16 && gather(*C, G);
      });
      if (Found == Groups.rend())
        Groups.push_back({C, {}});
      else
        drop(C, "Gathered",
             "logged in one call with what is written before it");
    }
    forgetDropped();
    return Groups;
  }

  //===--- Volatile memory at run time
  //-------------------------------------===//

  /// Whether there is anything to log: nothing is outside of the window. \p P
  /// becomes what can be asked.
  Value *emitIsLogged(IRBuilder<> &B, Value *&P, Value *Bytes) {
    // In front of a loop of no rounds it may be anything.
    if (!isGuaranteedNotToBePoison(P))
      P = B.CreateFreeze(P);
    Value *Inside = emitInWindow(B, B.CreatePtrToInt(P, B.getInt64Ty()));
    if (isa<ConstantInt>(Bytes))
      return Inside;
    return B.CreateAnd(Inside, B.CreateIsNotNull(Bytes));
  }

  void guard(Gathered &G) {
    CallInst &C = *G.First;
    txRemark(ORE, "Logged", C, "logged");
    // What 'restrict' of an inlined function said of one range does not hold of
    // those that were merged into it, nor of all rounds of a loop.
    C.setAAMetadata(AAMDNodes());
    IRBuilder<> B(&C);
    Value *P = pointer(C);
    Value *Any = emitIsLogged(B, P, bytes(C));
    C.setArgOperand(0, P);
    for (auto &[Other, Bytes] : G.Others)
      Any = B.CreateOr(Any, emitIsLogged(B, Other, Bytes));
    Instruction *Then =
        SplitBlockAndInsertIfThen(Any, &C, /*Unreachable=*/false);
    if (G.Others.empty()) {
      C.moveBefore(Then->getIterator());
      return;
    }
    uint64_t Count = 1 + G.Others.size();
    auto *Range = StructType::get(B.getPtrTy(), B.getInt64Ty());
    auto *Array = ArrayType::get(Range, Count);
    B.SetInsertPoint(&*F.getEntryBlock().getFirstNonPHIOrDbgOrAlloca());
    AllocaInst *Ranges = B.CreateAlloca(Array, nullptr, "perdure.tx.ranges");
    B.SetInsertPoint(Then);
    B.SetCurrentDebugLocation(C.getDebugLoc());
    B.CreateLifetimeStart(Ranges);
    unsigned I = 0;
    auto Put = [&](Value *Pointer, Value *Bytes) {
      Value *Place = B.CreateConstInBoundsGEP2_64(Array, Ranges, 0, I++);
      B.CreateStore(Pointer, Place);
      B.CreateStore(Bytes, B.CreateStructGEP(Range, Place, 1));
    };
    Put(P, bytes(C));
    for (auto &[Other, Bytes] : G.Others)
      Put(Other, Bytes);
    B.CreateCall(txLogRanges(*F.getParent()), {Ranges, B.getInt64(Count)});
    B.CreateLifetimeEnd(Ranges);
    C.eraseFromParent();
  }
};

} // namespace

PreservedAnalyses TransactionLogsPass::run(Module &M,
                                           ModuleAnalysisManager &MAM) {
  bool Folded = foldClones(M);
  Function *Log = M.getFunction(abi::TxLogSymbol);
  // Twice would guard twice.
  constexpr StringLiteral Done("perdure.transaction.logs");
  if (!Log || Log->use_empty() || M.getNamedMetadata(Done))
    return Folded ? PreservedAnalyses::none() : PreservedAnalyses::all();
  M.getOrInsertNamedMetadata(Done);
  auto &FAM = MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
  Calm Calls(M);
  SmallPtrSet<const Function *, 16> Users;
  for (User *U : Log->users())
    if (auto *I = dyn_cast<Instruction>(U))
      Users.insert(I->getFunction());
  bool Changed = false;
  for (Function &F : M)
    if (Users.contains(&F) && !F.hasOptNone() && Logs(F, Calls, FAM).run()) {
      Changed = true;
      FAM.invalidate(F, PreservedAnalyses::none());
    }
  if (Changed)
    addAbiReference(M);
  return PreservedAnalyses::none();
}

} // namespace perdure
