//===- Bases.cpp - Slot bases, carried beside pointers --------------------===//

#include "Bases.h"
#include "Emitter.h"
#include "Encoding.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/Utils/Local.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace perdure {

/// Larger webs are left alone: they take registers that the code needs.
static constexpr unsigned MaxWeb = 64;

/// The pointer whose slot is that of \p V: an inbounds GEP stays in one
/// allocated object in LLVM's sense, which never spans slots.
static Value *rootOf(Value *V) {
  Value *Root = V->stripInBoundsOffsets();
  return Root->getType() == V->getType() ? Root : V;
}

static bool isNode(const Value *V) { return isa<PHINode, SelectInst>(V); }

/// A decode whose expansion can tell the base of its result.
static bool isTracked(Value *V) {
  ContractCall Call(V);
  return Call && Call.verb() == Verb::Decode && isa<CallInst>(V) &&
         Call.encoding() && Call.encoding()->tracksBases();
}

static bool isNothing(const Value *V) {
  auto *Number = dyn_cast<Constant>(V);
  return Number && (Number->isNullValue() || isa<UndefValue>(Number));
}

/// Whether \p Decode gets its bits from a fixed place in its container.
static bool followsOneField(ContractCall Decode) {
  auto *L = dyn_cast<LoadInst>(stripTransparent(Decode.bits()));
  if (!L)
    return false;
  const Value *From = L->getPointerOperand()->stripInBoundsConstantOffsets();
  return From == Decode.container()->stripInBoundsConstantOffsets();
}

/// Whether parts can be computed where each edge into \p N begins.
static bool hasRoomBefore(const Value *N) {
  auto *Phi = dyn_cast<PHINode>(N);
  return !Phi || all_of(Phi->blocks(), [&](const BasicBlock *From) {
    const Instruction *End = From->getTerminator();
    return !End->isEHPad() &&
           Phi->getIncomingValueForBlock(From)->stripInBoundsOffsets() != End;
  });
}

void Bases::carry(Function &F, const DominatorTree &DT, const LoopInfo &LI) {
  liftFreezes(F, DT);
  choose(F, DT, LI);
  create();
  connect();
  replacePaired();
}

Bases::Carried &Bases::add(Value *Pointer) {
  auto [It, New] = Index.try_emplace(Pointer, All.size());
  if (New)
    All.push_back({cast<Instruction>(Pointer), {}});
  return All[It->second];
}

const Bases::Parts *Bases::lookup(const Value *Pointer) const {
  auto It = Index.find(Pointer);
  return It == Index.end() ? nullptr : &All[It->second].P;
}

void Bases::rename(const Value *Old, Value *New) {
  auto It = Index.find(Old);
  unsigned N = It->second;
  Index.erase(It);
  Index[New] = N;
}

/// \p Root and all from which phis and selects make it.
void Bases::findWeb(Value *Root, Web &W) const {
  W.insert(Root);
  for (unsigned I = 0; I != W.size() && W.size() <= MaxWeb; ++I) {
    if (!isNode(W[I]))
      continue;
    auto *N = cast<Instruction>(W[I]);
    for (unsigned Op = isa<SelectInst>(N); Op != N->getNumOperands(); ++Op)
      W.insert(rootOf(N->getOperand(Op)));
  }
}

/// The optimisers freeze what they carry over a branch, and so hide where it
/// comes from. A decode gives a value for all bits, which lowering freezes, and
/// its container has been read: only what else enters a web needs freezing.
void Bases::liftFreezes(Function &F, const DominatorTree &DT) {
  SmallVector<FreezeInst *, 8> Freezes;
  for (Instruction &I : instructions(F))
    if (auto *Freeze = dyn_cast<FreezeInst>(&I);
        Freeze && Freeze->getType()->isPointerTy() &&
        DT.isReachableFromEntry(Freeze->getParent()))
      Freezes.push_back(Freeze);
  for (FreezeInst *Freeze : Freezes) {
    Web W;
    W.insert(Freeze->getOperand(0));
    bool Plain = true;
    for (unsigned I = 0; Plain && I != W.size(); ++I) {
      auto *N = dyn_cast<Instruction>(W[I]);
      Plain =
          W.size() <= MaxWeb &&
          (!N || (DT.isReachableFromEntry(N->getParent()) && hasRoomBefore(N)));
      if (Plain && N && (isNode(N) || isa<FreezeInst>(N)))
        for (unsigned Op = isa<SelectInst>(N); Op != N->getNumOperands(); ++Op)
          W.insert(N->getOperand(Op));
    }
    if (!Plain || none_of(W, isTracked))
      continue;
    for (Value *V : W) {
      auto *N = dyn_cast<Instruction>(V);
      if (!N || !isNode(N))
        continue;
      for (unsigned Op = 0; Op != N->getNumOperands(); ++Op) {
        Value *In = N->getOperand(Op);
        bool Carried = Op || isa<PHINode>(N); // not a select's condition
        if (isGuaranteedNotToBeUndefOrPoison(In) || isa<FreezeInst>(In) ||
            (Carried && (isTracked(In) || isNode(In))))
          continue;
        Instruction *Before = N;
        if (auto *Phi = dyn_cast<PHINode>(N)) {
          // One block, one value.
          Before = Phi->getIncomingBlock(Op)->getTerminator();
          auto *New = new FreezeInst(In, "", Before->getIterator());
          for (unsigned Same = 0; Same != Phi->getNumIncomingValues(); ++Same)
            if (Phi->getIncomingBlock(Same) == Phi->getIncomingBlock(Op))
              Phi->setIncomingValue(Same, New);
        } else {
          N->setOperand(Op, new FreezeInst(In, "", Before->getIterator()));
        }
      }
    }
    Freeze->replaceAllUsesWith(Freeze->getOperand(0));
    Freeze->eraseFromParent();
  }
}

/// Which pointers get a base, and which of them are carried as a pair.
void Bases::choose(Function &F, const DominatorTree &DT, const LoopInfo &LI) {
  for (ContractCall &Call : findContractCalls(F)) {
    // Unreachable values may be built on themselves.
    if (!DT.isReachableFromEntry(Call.call()->getParent()) ||
        Call.verb() != Verb::Decode || !Call.encoding() ||
        !Call.encoding()->tracksBases())
      continue;
    for (unsigned N : Call.containerOperands()) {
      Value *Root = rootOf(Call.call()->getArgOperand(N));
      if (isTracked(Root)) {
        add(Root);
        continue;
      }
      if (!isNode(Root))
        continue;
      Web W;
      findWeb(Root, W);
      if (W.size() > MaxWeb || none_of(W, isTracked) ||
          any_of(W, [&](Value *V) {
            auto *I = dyn_cast<Instruction>(V);
            return I && (!DT.isReachableFromEntry(I->getParent()) ||
                         !hasRoomBefore(I));
          }))
        continue;
      // A decode that leads on to its own container: each hop waits for the
      // one before, and [base + offset] saves it the addition.
      if (!W.count(Call.call()))
        continue;
      unsigned Hops = 0;
      for (Value *V : W) {
        if (isNode(V) || isTracked(V))
          add(V).Pair = true;
        Hops += isTracked(V) && W.count(rootOf(ContractCall(V).container()));
      }
      // Where one hop follows the other by a decision, as in a search tree,
      // there is nothing to be learnt; and what is learnt would take a register
      // from an inner loop.
      const Loop *L = LI.getLoopFor(Call.call()->getParent());
      add(Call.call()).Steady =
          Hops == 1 && L && L->isInnermost() && followsOneField(Call);
    }
  }
}

/// Phis, selects and placeholders without their operands: they make cycles.
void Bases::create() {
  for (Carried &Entry : All) {
    Instruction *I = Entry.Pointer;
    Type *I64 = Type::getInt64Ty(I->getContext());
    // An undefined condition could choose the base of one pointer and the
    // offset of the other.
    if (auto *S = dyn_cast<SelectInst>(I);
        S && !isGuaranteedNotToBeUndefOrPoison(S->getCondition()))
      S->setCondition(
          new FreezeInst(S->getCondition(), "", S->getIterator()));
    auto Make = [&]() -> Instruction * {
      if (auto *Phi = dyn_cast<PHINode>(I))
        return PHINode::Create(I64, Phi->getNumIncomingValues(), "",
                               Phi->getIterator());
      Value *Poison = PoisonValue::get(I64);
      if (auto *S = dyn_cast<SelectInst>(I))
        return SelectInst::Create(S->getCondition(), Poison, Poison, "",
                                  S->getIterator());
      return new FreezeInst(Poison, "", std::next(I->getIterator()));
    };
    auto Name = [&](Instruction *New, StringRef Suffix) {
      New->setDebugLoc(I->getDebugLoc());
      if (I->hasName())
        New->setName(I->getName() + Suffix);
      return New;
    };
    Entry.P.Base = Name(Make(), ".base");
    if (Entry.Pair)
      Entry.P.Offset = Name(Make(), ".offset");
  }
}

/// The parts of \p V, computed before \p Before where nobody carries them.
Bases::Parts Bases::partsOf(Value *V, bool WithOffset, Instruction *Before) {
  Value *Zero = ConstantInt::get(Type::getInt64Ty(V->getContext()), 0);
  if (isNothing(V))
    return {Zero, Zero};
  IRBuilder<> B(Before);
  Parts Result;
  Value *From = rootOf(V);
  const Parts *Root = lookup(From);
  if (Root)
    Result.Base = Root->Base;
  SmallVector<GEPOperator *, 4> Steps;
  Value *At = V;
  for (; At != From && isa<GEPOperator>(At);
       At = Steps.back()->getPointerOperand())
    Steps.push_back(cast<GEPOperator>(At));
  // The way to the root may also lead through calls that return an argument,
  // and casts; what GEPs lie behind those does not matter for the base alone.
  if (Root && WithOffset && Root->Offset && At == From) {
    // Not the pointer less its base: that would wait for the addition again.
    Result.Offset = Root->Offset;
    for (GEPOperator *GEP : Steps)
      if (Value *Step = emitGEPOffset(&B, B.GetInsertBlock()->getDataLayout(),
                                      GEP, /*NoAssumptions=*/true);
          !isNothing(Step))
        Result.Offset = B.CreateAdd(Result.Offset, Step);
    return Result;
  }
  if (Result.Base && !WithOffset)
    return Result;
  Value *Address = B.CreatePtrToInt(
      isGuaranteedNotToBeUndefOrPoison(V) ? V : B.CreateFreeze(V),
      B.getInt64Ty());
  if (!Result.Base)
    Result.Base = emitSlotBase(B, C, Address);
  if (WithOffset)
    Result.Offset = B.CreateSub(Address, Result.Base);
  return Result;
}

void Bases::connect() {
  for (auto &[I, P, Pair, Steady] : All) {
    if (auto *Phi = dyn_cast<PHINode>(I)) {
      auto *Base = cast<PHINode>((Value *)P.Base);
      auto *Offset = Pair ? cast<PHINode>((Value *)P.Offset) : nullptr;
      // A block may be a predecessor twice, and then needs one value.
      SmallDenseMap<BasicBlock *, Parts, 4> ByBlock;
      for (unsigned N = 0; N != Phi->getNumIncomingValues(); ++N) {
        BasicBlock *From = Phi->getIncomingBlock(N);
        auto [It, New] = ByBlock.try_emplace(From);
        if (New)
          It->second =
              partsOf(Phi->getIncomingValue(N), Pair, From->getTerminator());
        Base->addIncoming(It->second.Base, From);
        if (Pair)
          Offset->addIncoming(It->second.Offset, From);
      }
    } else if (auto *S = dyn_cast<SelectInst>(I)) {
      for (unsigned Op : {1, 2}) {
        // The base select already stands before S: so do its operands.
        Parts In = partsOf(S->getOperand(Op), Pair,
                           cast<Instruction>((Value *)P.Base));
        cast<SelectInst>((Value *)P.Base)->setOperand(Op, In.Base);
        if (Pair)
          cast<SelectInst>((Value *)P.Offset)->setOperand(Op, In.Offset);
      }
    }
  }
}

/// A pair is its pointer: the phi of pointers goes.
void Bases::replacePaired() {
  for (auto &[Old, P, Pair, Steady] : All) {
    if (!Pair || !isNode(Old))
      continue;
    BasicBlock::iterator At = isa<PHINode>(Old)
                                  ? Old->getParent()->getFirstInsertionPt()
                                  : std::next(Old->getIterator());
    // A block with a catchswitch has no room.
    if (At == Old->getParent()->end())
      continue;
    IRBuilder<> B(Old->getParent(), At);
    B.SetCurrentDebugLocation(Old->getDebugLoc());
    Value *New =
        B.CreateIntToPtr(B.CreateAdd(P.Base, P.Offset), Old->getType());
    New->takeName(Old);
    Old->replaceAllUsesWith(New);
    rename(Old, New);
    Old->eraseFromParent();
  }
}

Value *Bases::find(Value *Container) const {
  const Parts *P = lookup(rootOf(Container));
  return P ? (Value *)P->Base : nullptr;
}

DecodeParts Bases::wanted(const CallBase &Decode) const {
  auto It = Index.find(&Decode);
  if (It == Index.end())
    return {};
  const Carried &Entry = All[It->second];
  return {true, Entry.P.Offset.pointsToAliveValue(), Entry.Steady};
}

void Bases::give(const CallBase &Decode, const Decoded &D) {
  const Parts *P = lookup(&Decode);
  if (!P)
    return;
  auto Put = [](Value *Placeholder, Value *Real) {
    Placeholder->replaceAllUsesWith(Real);
    cast<Instruction>(Placeholder)->eraseFromParent();
  };
  Value *Base = P->Base, *Offset = P->Offset;
  Put(Base, D.Base);
  if (Offset)
    Put(Offset, D.Offset);
  rename(&Decode, D.Pointer);
}

} // namespace perdure
