//===- RecordAddresses.cpp - What records are taken for -------------------===//
//
// Two things put types together: a cast from one to the other, and a web of addresses
// whose type does not say what lies there, with casts into it and out of it. All types
// that are put together, over however many casts, have to have their pointers at the
// same offsets, in the same encodings, leading to types that go together too. And a
// web in which a record is that changes may only be copied, compared, cast, and handed
// to functions that are called by name.
//
// Types that do not change, and lead to none that do, go with anything.
//
//===----------------------------------------------------------------------===//

#include "RecordAddresses.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::perdure;

bool perdure::isCast(Operation *Op) {
  return isa<CastOp, UnrealizedConversionCastOp>(Op) &&
         Op->getNumOperands() == 1 && Op->getNumResults() == 1;
}

template <class TypeOrAttribute> static bool hasOpen(TypeOrAttribute Top) {
  return Top
      .template walk<WalkOrder::PreOrder>([](Type T) {
        if (isa<RecordType>(T))
          return WalkResult::skip();
        auto P = dyn_cast<PtrType>(T);
        return P && !P.getEncodingAttr() ? WalkResult::interrupt()
                                         : WalkResult::advance();
      })
      .wasInterrupted();
}
bool perdure::isOpen(Type T) { return hasOpen(T); }
bool perdure::isOpen(Attribute A) { return hasOpen(A); }

static Type withoutArrays(Type T) {
  while (auto A = dyn_cast<ArrayType>(T))
    T = A.getElement();
  return T;
}

/// What a pointer leads to; null where its type does not say it, or for no pointer.
static Type behind(Type T) {
  Type To;
  if (auto N = dyn_cast<NativeType>(T))
    To = N.getTarget();
  else if (auto P = dyn_cast<PtrType>(T))
    To = P.getTarget();
  return isa_and_nonnull<NoneType>(To) ? Type() : To;
}

/// An address whose type does not say what lies there.
static bool isUnknown(Type T) {
  return isa<LLVM::LLVMPointerType>(T) || (isa<NativeType>(T) && !behind(T));
}
static bool isUnknown(Value V) { return isUnknown(V.getType()); }

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

namespace {

/// Which types lie in memory that is taken for all of them.
class Classes {
  function_ref<Attribute(RecordType)> EncodingOf;
  /// Those that change, are taken for one that does, or lead to one.
  DenseSet<RecordType> Affected;
  DenseMap<RecordType, SmallVector<RecordType>> From; ///< who leads to a record
  DenseSet<Type> Stepped;        ///< from one of which to the next is gone

  struct Class {
    SmallVector<Type, 1> Members;
    bool IsAffected = false;
  };
  llvm::EquivalenceClasses<void *> Joined;
  DenseMap<void *, std::unique_ptr<Class>> Known; // by leader

public:
  Classes(ModuleOp Module, function_ref<Attribute(RecordType)> EncodingOf)
      : EncodingOf(EncodingOf) {
    findAffected(Module);
    Module.walk([&](ElementOp E) {
      if (Type T = behind(E.getArray().getType()))
        Stepped.insert(T);
    });
  }

  /// Whether what lies behind an address of a type, or of one that was joined with
  /// it, changes, or leads to what does.
  bool isAffected(Type T) { return classOf(T).IsAffected; }

  /// False where memory cannot be both.
  bool join(Type A, Type B) {
    SmallVector<std::pair<Type, Type>> Next{{A, B}};
    while (!Next.empty()) {
      std::tie(A, B) = Next.pop_back_val();
      void *OfA = leader(A), *OfB = leader(B);
      if (OfA == OfB)
        continue;
      Class *X = &classOf(A), *Y = &classOf(B);
      if (X->IsAffected || Y->IsAffected)
        for (Type Left : X->Members)
          for (Type Right : Y->Members)
            if (!match(Left, Right, Next))
              return false;
      if (X->Members.size() < Y->Members.size()) {
        std::swap(X, Y);
        std::swap(OfA, OfB);
      }
      llvm::append_range(X->Members, Y->Members);
      X->IsAffected |= Y->IsAffected;
      std::unique_ptr<Class> Both = std::move(Known[OfA]);
      Known.erase(OfB);
      Known[*Joined.unionSets(OfA, OfB)] = std::move(Both);
    }
    return true;
  }

  /// What was joined with what changes is affected, and what leads to that: where
  /// there is more of it than before, forgets what has been joined, to be joined anew.
  bool spread() {
    SmallVector<RecordType> Next;
    for (auto &[Leader, C] : Known)
      if (C && C->IsAffected)
        for (Type T : C->Members)
          forEachIn(T, [&](RecordType R) {
            if (!Affected.contains(R))
              Next.push_back(R);
          });
    if (Next.empty())
      return false;
    affect(std::move(Next));
    Joined = {};
    Known.clear();
    return true;
  }

private:
  void affect(SmallVector<RecordType> Next) {
    while (!Next.empty()) {
      RecordType R = Next.pop_back_val();
      if (Affected.insert(R).second)
        llvm::append_range(Next, From.lookup(R));
    }
  }

  void findAffected(ModuleOp Module) {
    SmallVector<RecordType> Next;
    Attribute Object = EncodingAttr::get(Module.getContext(), "object");
    forEachRecord(Module, [&](RecordType R) {
      bool IsOpenHere = false;
      for (RecordField F : R.getFields()) {
        IsOpenHere |= isOpen(F.Of);
        forEachIn(F.Of, [&](RecordType To) { From[To].push_back(R); });
      }
      if (IsOpenHere && !R.getEncodingAttr() && EncodingOf(R) != Object)
        Next.push_back(R);
    });
    affect(std::move(Next));
  }

  bool isAffectedItself(Type T) {
    bool Found = false;
    forEachIn(T, [&](RecordType R) { Found |= Affected.contains(R); });
    return Found;
  }
  /// The records that a type names, but for those in their fields.
  static void forEachIn(Type T, function_ref<void(RecordType)> Visit) {
    T.walk<WalkOrder::PreOrder>([&](Type Of) {
      auto R = dyn_cast<RecordType>(Of);
      if (!R)
        return WalkResult::advance();
      Visit(R);
      return WalkResult::skip();
    });
  }

  void *leader(Type T) {
    return *Joined.findLeader(
        Joined.insert(const_cast<void *>(T.getAsOpaquePointer())));
  }
  Class &classOf(Type T) {
    std::unique_ptr<Class> &C = Known[leader(T)];
    if (!C) {
      C = std::make_unique<Class>();
      C->Members.push_back(T);
      C->IsAffected = isAffectedItself(T);
    }
    return *C;
  }

  /// A pointer in a record.
  struct Pointer {
    uint64_t Offset;                                      ///< of the first
    SmallVector<std::pair<int64_t, uint64_t>, 1> Arrays;  ///< count and step
    Attribute Encoding;                                   ///< null: native
    Type To;                                              ///< null: not said
  };

  /// False where there is too much to compare. \p Records is how many may still be
  /// looked at: one may hold another by value many times, on many ways.
  bool addPointers(RecordType R, uint64_t At, const decltype(Pointer::Arrays) &In,
                   unsigned Depth, unsigned &Records, SmallVectorImpl<Pointer> &All) {
    constexpr unsigned MostDepth = 64;
    if (Depth == MostDepth || !Records || !R.isComplete())
      return false;
    --Records;
    for (const RecordField &F : R.getFields()) {
      Type T = R.getTypeOf(F);
      decltype(Pointer::Arrays) Arrays = In;
      while (auto A = dyn_cast<ArrayType>(T)) {
        T = A.getElement();
        std::optional<Layout> L = getLayout(T);
        Arrays.push_back({A.getCount(), L ? L->Size : 0});
      }
      if (auto Inner = dyn_cast<RecordType>(T)) {
        if (!addPointers(Inner, At + F.Offset, Arrays, Depth + 1, Records, All))
          return false;
      } else if (auto P = dyn_cast<PtrType>(T)) {
        Attribute Named = P.getEncodingAttr();
        All.push_back({At + F.Offset, Arrays, Named ? Named : EncodingOf(R),
                       behind(P)});
      } else if (isa<NativeType, LLVM::LLVMPointerType>(T)) {
        All.push_back({At + F.Offset, Arrays, {}, behind(T)});
      }
    }
    return true;
  }

  static uint64_t sizeOf(RecordType R) {
    auto Last = R.getFields().empty() ? ArrayType()
                                      : dyn_cast<ArrayType>(R.getFields().back().Of);
    return Last && Last.isFlexible() ? ~uint64_t(0) : R.getSize();
  }

  /// Whether two have the same pointers, as far as both reach. What these lead to is
  /// added to what has to match.
  bool match(Type A, Type B, SmallVectorImpl<std::pair<Type, Type>> &Next) {
    if (A == B || (!isAffectedItself(A) && !isAffectedItself(B)))
      return true;
    auto Left = dyn_cast<RecordType>(A), Right = dyn_cast<RecordType>(B);
    if (!Left || !Right)
      return withoutArrays(A) == withoutArrays(B) &&
             isa<RecordType>(withoutArrays(A));
    SmallVector<Pointer> InA, InB;
    unsigned Records = 1 << 12; // of both
    if (!addPointers(Left, 0, {}, 0, Records, InA) ||
        !addPointers(Right, 0, {}, 0, Records, InB))
      return false;
    uint64_t SizeA = sizeOf(Left), SizeB = sizeOf(Right);
    // Elements of the one are not elements of the other.
    if (SizeA != SizeB && (Stepped.contains(A) || Stepped.contains(B)))
      return false;
    llvm::erase_if(InA, [&](const Pointer &P) { return P.Offset >= SizeB; });
    llvm::erase_if(InB, [&](const Pointer &P) { return P.Offset >= SizeA; });
    if (InA.size() != InB.size())
      return false;
    for (const auto &[P, Q] : llvm::zip(InA, InB)) {
      if (P.Offset != Q.Offset || P.Arrays != Q.Arrays || P.Encoding != Q.Encoding)
        return false;
      if (P.To && Q.To)
        Next.push_back({P.To, Q.To});
      else if ((P.To && isAffected(P.To)) || (Q.To && isAffected(Q.To)))
        return false;
    }
    return true;
  }
};

//===----------------------------------------------------------------------===//
// Addresses of no type
//===----------------------------------------------------------------------===//

class Webs {
  ModuleOp Module;
  Classes Types;
  SymbolTableCollection Symbols;

  llvm::EquivalenceClasses<void *> Same;
  /// Casts from one type to another.
  SmallVector<std::tuple<Type, Type, Operation *>> Direct;
  /// A cast that says what lies at an address.
  struct Said {
    Value Address;
    Type What;
    Operation *By;
  };
  SmallVector<Said> Casts;
  /// What goes where nobody looks, or comes from there.
  struct Lost {
    Value Address;
    Operation *By;
    bool Comes;
  };
  SmallVector<Lost> Unknown;
  /// What is made of something else than an address, or something else of it.
  SmallVector<std::pair<Type, Operation *>> Odd;
  /// What functions give, by the first that returns it; and calls of them.
  DenseMap<std::pair<Operation *, unsigned>, Value> Returned;
  /// Functions that something else than a call names: who calls them is not known.
  DenseSet<Operation *> Named;
  SmallVector<std::pair<Operation *, Value>> Calls;
  bool Ok = true;

public:
  Webs(ModuleOp Module, function_ref<Attribute(RecordType)> EncodingOf)
      : Module(Module), Types(Module, EncodingOf) {}

  LogicalResult run() {
    Module.walk([&](Operation *Op) { gatherNamed(Op); });
    Module.walk([&](Operation *Op) { gather(Op); });
    for (auto [Function, Result] : Calls)
      if (auto It = Returned.find(
              {Function, cast<OpResult>(Result).getResultNumber()});
          It != Returned.end())
        unite(Result, It->second);
    llvm::MapVector<void *, const Said *> First;
    SmallVector<std::pair<Operation *, Operation *>> Wrong;
    do {
      Wrong.clear();
      for (const auto &[A, B, By] : Direct)
        if (!Types.join(A, B))
          Wrong.push_back({By, By});
      for (const Said &S : Casts) {
        auto [It, New] = First.insert({leader(S.Address), &S});
        if (!New && !Types.join(It->second->What, S.What))
          Wrong.push_back({It->second->By, S.By});
      }
    } while (Types.spread());
    for (auto [Op, Other] : Wrong)
      refuseRecord(Op, Other);
    for (auto [T, By] : Odd)
      if (Types.isAffected(T))
        refuseRecord(By, By);
    for (const Lost &L : Unknown) {
      auto It = First.find(leader(L.Address));
      if (It == First.end() || !Types.isAffected(It->second->What))
        continue;
      Ok = false;
      It->second->By->emitError(
          "perdure-choose-encodings: the address of a record that gets another "
          "encoding, or leads to one, is not followed: use perdure.field, or call a "
          "function that knows the record")
              .attachNote(L.By->getLoc())
          << (L.Comes ? "it may come from here" : "it goes here");
      First.erase(It); // once
    }
    return success(Ok);
  }

private:
  void refuseRecord(Operation *Op, Operation *Other) {
    Ok = false;
    InFlightDiagnostic D = Op->emitError(
        "perdure-choose-encodings: a cast takes a record that gets another "
        "encoding, or leads to one, for something of none, or of another one: use "
        "perdure.field, or choose for both records");
    if (Other != Op)
      D.attachNote(Other->getLoc()) << "for what it is taken here";
  }

  void *leader(Value V) {
    return *Same.findLeader(Same.insert(V.getAsOpaquePointer()));
  }
  void unite(Value A, Value B) {
    if (isUnknown(A) && isUnknown(B))
      Same.unionSets(A.getAsOpaquePointer(), B.getAsOpaquePointer());
  }
  void goes(Value V, Operation *By) {
    if (isUnknown(V))
      Unknown.push_back({V, By, false});
  }
  void comes(Value V, Operation *By) {
    if (isUnknown(V))
      Unknown.push_back({V, By, true});
  }

  void gatherNamed(Operation *Op) {
    auto Call = dyn_cast<CallOpInterface>(Op);
    auto Callee = Call ? dyn_cast<SymbolRefAttr>(Call.getCallableForCallee()) : nullptr;
    unsigned OfCallee = 0;
    Op->getAttrDictionary().walk<WalkOrder::PreOrder>([&](SymbolRefAttr Symbol) {
      if (Symbol != Callee || OfCallee++)
        if (auto F = dyn_cast_or_null<FunctionOpInterface>(
                Symbols.lookupNearestSymbolFrom(Op, Symbol)))
          Named.insert(F);
      return WalkResult::skip();
    });
  }

  void gather(Operation *Op) {
    if (isa<CastOp, UnrealizedConversionCastOp>(Op))
      return gatherCast(Op);
    for (OpOperand &U : Op->getOpOperands())
      if (isUnknown(U.get()))
        gatherUse(U);
    for (OpResult V : Op->getResults())
      if (isUnknown(V))
        gatherResult(V);
    if (auto Branch = dyn_cast<RegionBranchOpInterface>(Op)) {
      RegionBranchSuccessorMapping Mapping;
      Branch.getSuccessorOperandInputMapping(Mapping);
      for (auto &[Operand, Inputs] : Mapping)
        for (Value Input : Inputs)
          unite(Operand->get(), Input);
    }
    for (Region &R : Op->getRegions())
      for (Block &B : R)
        for (BlockArgument A : B.getArguments())
          if (isUnknown(A) && !isFed(A, Op))
            comes(A, Op);
  }

  void gatherCast(Operation *Op) {
    // Said by who knows what is open.
    auto IsOpen = [](Type T) { return isOpen(T); };
    if (llvm::any_of(Op->getOperandTypes(), IsOpen) ||
        llvm::any_of(Op->getResultTypes(), IsOpen))
      return;
    auto IsElse = [](Type T) { return !behind(T) && !isUnknown(T); };
    if (!isCast(Op) || IsElse(Op->getOperand(0).getType()) ||
        IsElse(Op->getResult(0).getType())) {
      auto Add = [&](Value V, bool Comes) {
        if (!isUnknown(V)) // or what holds such addresses: a memref of them
          Odd.push_back({behind(V.getType()) ? behind(V.getType()) : V.getType(), Op});
        else if (Comes)
          comes(V, Op);
        else
          goes(V, Op);
      };
      for (Value V : Op->getOperands())
        Add(V, false);
      for (Value V : Op->getResults())
        Add(V, true);
      return;
    }
    Value From = Op->getOperand(0), To = Op->getResult(0);
    Type A = behind(From.getType()), B = behind(To.getType());
    if (A && B) {
      Direct.push_back({A, B, Op});
    } else if (A) {
      Casts.push_back({To, A, Op});
    } else if (B) {
      Casts.push_back({From, B, Op});
    } else {
      unite(From, To);
    }
  }

  /// The function of the module that is called, if it has a body.
  FunctionOpInterface bodyOf(CallOpInterface Call) {
    auto F = dyn_cast_or_null<FunctionOpInterface>(
        Call.resolveCallableInTable(&Symbols));
    return F && !F.isExternal() ? F : FunctionOpInterface();
  }

  /// What is known to take bits as they lie there: the early contract, intrinsics, and
  /// those that copy bytes.
  static bool readsBits(CallOpInterface Call) {
    auto Callee = dyn_cast<SymbolRefAttr>(Call.getCallableForCallee());
    if (!Callee)
      return false;
    StringRef Name = Callee.getLeafReference().getValue();
    return Name.starts_with("perdure.") || Name.starts_with("llvm.") ||
           Name == "memcpy" || Name == "memmove";
  }

  /// Through a pointer to a function.
  static bool isIndirect(CallOpInterface Call) {
    return isa_and_nonnull<Value>(Call.getCallableForCallee());
  }

  void gatherUse(OpOperand &U) {
    Operation *Op = U.getOwner(), *Parent = Op->getParentOp();
    Value V = U.get();
    if (isa<LLVM::SelectOp, arith::SelectOp, LLVM::FreezeOp>(Op))
      return unite(V, Op->getResult(0));
    if (auto Branch = dyn_cast<BranchOpInterface>(Op))
      if (auto A = Branch.getSuccessorBlockArgument(U.getOperandNumber()))
        return unite(V, *A);
    if (auto Call = dyn_cast<CallOpInterface>(Op); Call && !readsBits(Call)) {
      if (isIndirect(Call) && U.get() != cast<Value>(Call.getCallableForCallee()))
        return goes(V, Op);
      FunctionOpInterface Callee = bodyOf(Call);
      OperandRange Given = Call.getArgOperands();
      if (Callee && !Given.empty()) {
        unsigned First = Given.getBeginOperandIndex(), N = U.getOperandNumber();
        if (N >= First && N - First < Callee.getNumArguments())
          unite(V, Callee.getArgument(N - First));
      }
      return;
    }
    if (Op->hasTrait<OpTrait::IsTerminator>() && !Op->getNumSuccessors() && Parent) {
      if (isa<FunctionOpInterface>(Parent)) {
        if (Named.contains(Parent))
          goes(V, Op);
        auto [It, New] = Returned.insert({{Parent, U.getOperandNumber()}, V});
        if (!New)
          unite(V, It->second);
        return;
      }
      if (isMapped(U, Parent))
        return;
    }
    if (isMapped(U, Op) || isa<LLVM::ICmpOp>(Op) || isHarmless(U))
      return;
    goes(V, Op);
  }

  /// Whether it is known where \p Op, or a region of its, hands an operand.
  static bool isMapped(OpOperand &U, Operation *Op) {
    auto Branch = dyn_cast<RegionBranchOpInterface>(Op);
    if (!Branch)
      return false;
    RegionBranchSuccessorMapping Mapping;
    Branch.getSuccessorOperandInputMapping(Mapping);
    return Mapping.contains(&U);
  }

  /// The dialect itself looks at no record behind an address that does not say which.
  /// What stores it elsewhere hands it on.
  static bool isHarmless(OpOperand &U) {
    Operation *Op = U.getOwner();
    if (isa<StoreOp>(Op))
      return U.getOperandNumber() != 0;
    if (isa<EncodeOp>(Op))
      return U.getOperandNumber() != 0;
    return isa<IsNullOp, EqualOp, FreeOp, AllocOp, BaseOp, DecodeOp, ReencodeOp>(Op);
  }

  void gatherResult(OpResult V) {
    Operation *Op = V.getOwner();
    if (isa<LLVM::SelectOp, arith::SelectOp, LLVM::FreezeOp, NullOp, LLVM::ZeroOp,
            LLVM::UndefOp, LLVM::PoisonOp>(Op))
      return;
    if (auto Call = dyn_cast<CallOpInterface>(Op);
        Call && !readsBits(Call) && !isIndirect(Call)) {
      if (FunctionOpInterface Callee = bodyOf(Call))
        Calls.push_back({Callee, V});
      return;
    }
    if (!isa<RegionBranchOpInterface>(Op))
      comes(V, Op);
  }

  /// Whether it is known what an argument of a block gets.
  bool isFed(BlockArgument A, Operation *Op) {
    Block *B = A.getOwner();
    if (B->isEntryBlock())
      return isa<FunctionOpInterface, RegionBranchOpInterface>(Op) &&
             !Named.contains(Op);
    for (auto It = B->pred_begin(); It != B->pred_end(); ++It) {
      auto Branch = dyn_cast<BranchOpInterface>((*It)->getTerminator());
      if (!Branch || A.getArgNumber() <
                         Branch.getSuccessorOperands(It.getSuccessorIndex())
                             .getProducedOperandCount())
        return false;
    }
    return true;
  }
};

} // namespace

LogicalResult perdure::checkAddresses(ModuleOp Module,
                                      function_ref<Attribute(RecordType)> EncodingOf) {
  return Webs(Module, EncodingOf).run();
}
