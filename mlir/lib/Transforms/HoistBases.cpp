//===- HoistBases.cpp - Decode and encode by bases that are carried -------===//
//
// As passes/Bases.cpp does it over phis, here over what scf, cf and llvm carry.
// The base of a pointer that a loop or a branch carries is carried beside it:
// first everything gets its place (create), then what goes there (connect),
// since loops make cycles.
//
// Right because a base answers for every container in its slot: an encoding that
// takes bases keeps its meaning all over an object and all over volatile memory
// (EncodingInterface::takesBase), and fields and elements lie in the slot of what
// they are of. docs/MLIR.md argues it.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::perdure {
#define GEN_PASS_DEF_HOISTBASES
#include "perdure-mlir/Passes.h.inc"
} // namespace mlir::perdure

using namespace mlir;
using namespace mlir::perdure;

namespace {

/// Larger webs are left alone: they take registers that the code needs.
constexpr unsigned MaxWeb = 64;

/// What is carried: an argument of a loop or a block, or a result of a loop or
/// an `if`, by where it stands. Arguments and results that are the same carried
/// value are one.
struct Place {
  enum KindOf { For, Before, After, If, BlockArg } Kind;
  Operation *Op = nullptr; ///< but of BlockArg
  Block *In = nullptr;     ///< of BlockArg
  unsigned Number = 0;

  bool operator==(const Place &O) const {
    return Kind == O.Kind && Op == O.Op && In == O.In && Number == O.Number;
  }
};

} // namespace

namespace llvm {
template <> struct DenseMapInfo<Place> {
  static Place getEmptyKey() { return {Place::For, nullptr, nullptr, ~0u}; }
  static Place getTombstoneKey() { return {Place::If, nullptr, nullptr, ~0u}; }
  static unsigned getHashValue(const Place &P) {
    return hash_combine(unsigned(P.Kind), P.Op, P.In, P.Number);
  }
  static bool isEqual(const Place &A, const Place &B) { return A == B; }
};
} // namespace llvm

namespace {

/// The place at which \p V is carried, if it is.
std::optional<Place> placeOf(Value V) {
  if (auto Result = dyn_cast<OpResult>(V)) {
    Operation *Op = Result.getOwner();
    unsigned N = Result.getResultNumber();
    if (isa<scf::ForOp>(Op))
      return Place{Place::For, Op, nullptr, N};
    if (isa<scf::WhileOp>(Op))
      return Place{Place::After, Op, nullptr, N};
    if (isa<scf::IfOp>(Op))
      return Place{Place::If, Op, nullptr, N};
    return std::nullopt;
  }
  auto Arg = cast<BlockArgument>(V);
  Block *B = Arg.getOwner();
  unsigned N = Arg.getArgNumber();
  Operation *Parent = B->getParentOp();
  if (auto Loop = dyn_cast_or_null<scf::ForOp>(Parent)) {
    if (N < Loop.getNumInductionVars())
      return std::nullopt;
    return Place{Place::For, Parent, nullptr, N - Loop.getNumInductionVars()};
  }
  if (auto Loop = dyn_cast_or_null<scf::WhileOp>(Parent))
    return Place{B == Loop.getBeforeBody() ? Place::Before : Place::After,
                 Parent, nullptr, N};
  if (B->isEntryBlock() || B->hasNoPredecessors())
    return std::nullopt;
  for (auto It = B->pred_begin(); It != B->pred_end(); ++It) {
    auto Branch = dyn_cast<BranchOpInterface>((*It)->getTerminator());
    // An operand that the terminator produces itself has no base yet.
    if (!Branch || N < Branch.getSuccessorOperands(It.getSuccessorIndex())
                           .getProducedOperandCount())
      return std::nullopt;
  }
  return Place{Place::BlockArg, nullptr, B, N};
}

/// The operands that feed a place.
SmallVector<Value> sourcesOf(const Place &P) {
  switch (P.Kind) {
  case Place::For: {
    auto Loop = cast<scf::ForOp>(P.Op);
    return {Loop.getInitArgs()[P.Number],
            Loop.getBody()->getTerminator()->getOperand(P.Number)};
  }
  case Place::Before: {
    auto Loop = cast<scf::WhileOp>(P.Op);
    return {Loop.getInits()[P.Number],
            Loop.getYieldOp().getResults()[P.Number]};
  }
  case Place::After:
    return {cast<scf::WhileOp>(P.Op).getConditionOp().getArgs()[P.Number]};
  case Place::If: {
    auto If = cast<scf::IfOp>(P.Op);
    return {If.thenYield().getOperand(P.Number),
            If.elseYield().getOperand(P.Number)};
  }
  case Place::BlockArg: {
    SmallVector<Value> Sources;
    for (auto It = P.In->pred_begin(); It != P.In->pred_end(); ++It)
      Sources.push_back(cast<BranchOpInterface>((*It)->getTerminator())
                            .getSuccessorOperands(It.getSuccessorIndex())
                            [P.Number]);
    return Sources;
  }
  }
  llvm_unreachable("unknown kind of place");
}

class Hoister {
  IRRewriter R;
  /// What is carried, and where its base is: the number of the argument or the
  /// operand, among those of its operation or block.
  llvm::MapVector<Place, unsigned> Carried;
  /// Bases that are asked for, by root.
  DenseMap<Value, Value> Asked;

public:
  explicit Hoister(MLIRContext *Ctx) : R(Ctx) {}

  void run(Operation *Top) {
    SmallVector<OpOperand *> Containers;
    Top->walk([&](Operation *Op) { collect(Op, Containers); });
    for (OpOperand *Container : Containers)
      choose(getRoot(Container->get()));
    create();
    connect();
    for (OpOperand *Container : Containers)
      Container->set(baseOf(Container->get()));
  }

private:
  static void collect(Operation *Op, SmallVectorImpl<OpOperand *> &Containers) {
    auto Add = [&](PtrType Bits, OpOperand &Container) {
      EncodingInterface E = Bits.getEncoding();
      if (isa<NativeType>(Container.get().getType()) && E.takesBase() &&
          E.usesBase())
        Containers.push_back(&Container);
    };
    if (auto D = dyn_cast<DecodeOp>(Op)) {
      Add(D.getBits().getType(), D.getContainerMutable());
    } else if (auto E = dyn_cast<EncodeOp>(Op)) {
      Add(E.getResult().getType(), E.getContainerMutable());
    } else if (auto C = dyn_cast<ReencodeOp>(Op)) {
      Add(C.getBits().getType(), C.getFromMutable());
      Add(C.getBits().getType(), C.getToMutable());
    }
  }

  /// A decode gives the base of its result, or nearly so: what it adds to on its
  /// hot path is its container's.
  static bool givesBase(Value Root) {
    auto D = Root.getDefiningOp<DecodeOp>();
    return D && D.getBits().getType().getEncoding().usesBase();
  }

  /// Carries the base of \p Root and of all that feeds it, where a decode does:
  /// otherwise nothing is saved.
  void choose(Value Root) {
    llvm::SetVector<Place> Web;
    bool Pays = false;
    auto Visit = [&](Value V) {
      Pays |= givesBase(V);
      if (std::optional<Place> P = placeOf(V))
        Web.insert(*P);
    };
    Visit(Root);
    for (unsigned I = 0; I != Web.size() && Web.size() <= MaxWeb; ++I)
      for (Value Source : sourcesOf(Web[I]))
        Visit(getRoot(Source));
    if (!Pays || Web.size() > MaxWeb)
      return;
    for (const Place &P : Web)
      Carried.insert({P, 0});
  }

  /// A base that is put into its place later.
  Value placeholder(Location Loc, OpBuilder::InsertPoint At) {
    R.restoreInsertionPoint(At);
    return UnrealizedConversionCastOp::create(
               R, Loc, TypeRange(BaseType::get(R.getContext())), ValueRange())
        .getResult(0);
  }

  Value placeholderBefore(Operation *Op) {
    return placeholder(Op->getLoc(), {Op->getBlock(), Op->getIterator()});
  }

  /// \p Old has been replaced.
  void rename(Operation *Old, Operation *New) {
    llvm::MapVector<Place, unsigned> Renamed;
    for (auto &[P, N] : Carried) {
      Place To = P;
      if (To.Op == Old)
        To.Op = New;
      Renamed.insert({To, N});
    }
    Carried = std::move(Renamed);
  }

  /// How many values \p Kind of \p Op carries, and gives each its number, from
  /// \p First on.
  unsigned number(Place::KindOf Kind, Operation *Op, unsigned First) {
    unsigned Count = 0;
    for (auto &[P, N] : Carried)
      if (P.Kind == Kind && P.Op == Op)
        N = First + Count++;
    return Count;
  }

  SmallVector<Value> placeholders(Operation *Before, unsigned Count) {
    SmallVector<Value> Values;
    while (Count--)
      Values.push_back(placeholderBefore(Before));
    return Values;
  }

  void create() {
    llvm::SetVector<Operation *> Ops;
    for (auto &[P, N] : Carried)
      if (P.Op)
        Ops.insert(P.Op);
    // Each is replaced once; the bodies move, and so what is inside stays.
    for (Operation *Op : Ops) {
      if (auto Loop = dyn_cast<scf::ForOp>(Op))
        extend(Loop);
      else if (auto Loop = dyn_cast<scf::WhileOp>(Op))
        extend(Loop);
      else
        extend(cast<scf::IfOp>(Op));
    }
    for (auto &[P, N] : Carried) {
      if (P.Kind != Place::BlockArg)
        continue;
      N = P.In->getNumArguments();
      P.In->addArgument(BaseType::get(R.getContext()),
                        P.In->getArgument(P.Number).getLoc());
      for (auto It = P.In->pred_begin(); It != P.In->pred_end(); ++It) {
        Operation *End = (*It)->getTerminator();
        cast<BranchOpInterface>(End)
            .getSuccessorOperands(It.getSuccessorIndex())
            .append(placeholderBefore(End));
      }
    }
  }

  void extend(scf::ForOp Loop) {
    unsigned Count = number(Place::For, Loop, Loop.getNumResults());
    SmallVector<Value> Inits = placeholders(Loop, Count);
    R.setInsertionPoint(Loop);
    auto New = cast<scf::ForOp>(
        Loop.replaceWithAdditionalYields(
                R, Inits, /*replaceInitOperandUsesInLoop=*/false,
                [&](OpBuilder &B, Location, ArrayRef<BlockArgument>) {
                  return placeholders(
                      B.getInsertionBlock()->getTerminator(), Count);
                })
            ->getOperation());
    rename(Loop, New);
  }

  void extend(scf::WhileOp Loop) {
    unsigned Inits = Loop.getInits().size(), Results = Loop.getNumResults();
    unsigned Before = number(Place::Before, Loop, Inits),
             After = number(Place::After, Loop, Results);
    Type Base = BaseType::get(R.getContext());
    SmallVector<Value> NewInits(Loop.getInits());
    llvm::append_range(NewInits, placeholders(Loop, Before));
    SmallVector<Type> Types(Loop.getResultTypes());
    Types.append(After, Base);
    R.setInsertionPoint(Loop);
    auto New = scf::WhileOp::create(R, Loop.getLoc(), Types, NewInits);
    New->setDiscardableAttrs(Loop->getDiscardableAttrDictionary());
    New.getBefore().takeBody(Loop.getBefore());
    New.getAfter().takeBody(Loop.getAfter());
    for (unsigned I = 0; I != Before; ++I)
      New.getBeforeBody()->addArgument(Base, Loop.getLoc());
    for (unsigned I = 0; I != After; ++I)
      New.getAfterBody()->addArgument(Base, Loop.getLoc());
    auto Append = [&](MutableOperandRange To, Operation *End, unsigned Count) {
      To.append(placeholders(End, Count));
    };
    Append(New.getConditionOp().getArgsMutable(), New.getConditionOp(), After);
    Append(New.getYieldOp().getResultsMutable(), New.getYieldOp(), Before);
    R.replaceOp(Loop, New.getResults().take_front(Results));
    rename(Loop, New);
  }

  void extend(scf::IfOp If) {
    unsigned Results = If.getNumResults();
    unsigned Count = number(Place::If, If, Results);
    SmallVector<Type> Types(If.getResultTypes());
    Types.append(Count, BaseType::get(R.getContext()));
    R.setInsertionPoint(If);
    auto New = scf::IfOp::create(R, If.getLoc(), Types, If.getCondition(),
                                 /*addThenBlock=*/false,
                                 /*addElseBlock=*/false);
    New->setDiscardableAttrs(If->getDiscardableAttrDictionary());
    New.getThenRegion().takeBody(If.getThenRegion());
    New.getElseRegion().takeBody(If.getElseRegion());
    for (scf::YieldOp Yield : {New.thenYield(), New.elseYield()})
      Yield.getResultsMutable().append(placeholders(Yield, Count));
    R.replaceOp(If, New.getResults().take_front(Results));
    rename(If, New);
  }

  /// The base of the value at \p P, as those see it that use \p V.
  Value carriedBase(const Place &P, unsigned N, Value V) {
    bool IsResult = isa<OpResult>(V);
    switch (P.Kind) {
    case Place::For: {
      auto Loop = cast<scf::ForOp>(P.Op);
      return IsResult ? Value(Loop.getResult(N))
                      : Value(Loop.getRegionIterArgs()[N]);
    }
    case Place::Before:
      return cast<scf::WhileOp>(P.Op).getBeforeArguments()[N];
    case Place::After: {
      auto Loop = cast<scf::WhileOp>(P.Op);
      return IsResult ? Value(Loop.getResult(N))
                      : Value(Loop.getAfterArguments()[N]);
    }
    case Place::If:
      return P.Op->getResult(N);
    case Place::BlockArg:
      return P.In->getArgument(N);
    }
    llvm_unreachable("unknown kind of place");
  }

  Value baseOf(Value V) {
    Value Root = getRoot(V);
    if (std::optional<Place> P = placeOf(Root))
      if (auto It = Carried.find(*P); It != Carried.end())
        return carriedBase(*P, It->second, Root);
    Value &Base = Asked[Root];
    if (!Base) {
      R.setInsertionPointAfterValue(Root);
      Base = BaseOp::create(R, Root.getLoc(), Root);
    }
    return Base;
  }

  void connect() {
    for (auto &[P, N] : Carried) {
      SmallVector<Value> Of = sourcesOf(P);
      Place Beside = P;
      Beside.Number = N;
      for (auto [Pointer, Hole] : llvm::zip(Of, sourcesOf(Beside)))
        if (auto Cast = Hole.getDefiningOp<UnrealizedConversionCastOp>())
          R.replaceOp(Cast, baseOf(Pointer));
    }
  }
};

struct HoistPass : perdure::impl::HoistBasesBase<HoistPass> {
  void runOnOperation() override { Hoister(&getContext()).run(getOperation()); }
};

} // namespace
