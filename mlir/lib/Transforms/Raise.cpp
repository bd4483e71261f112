//===- Raise.cpp - Imported LLVM IR as operations of the dialect ----------===//
//
// Clang's pointers have no types, its address arithmetic has: where a GEP goes
// through a struct, that is what the pointer leads to. So first all pointers that
// are the same value on different ways (block arguments) are put together, and
// what is known of one is known of all; then of each struct which of its fields
// are persistent pointers, by the containers of the contract's calls. Then every
// operation is rewritten by itself, with casts to and from `!llvm.ptr` at its
// edges, which fold away where both sides have been raised.
//
// What is not understood stays as it is, which is right, and only not raised.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Encodings.h"
#include "perdure-mlir/EarlyContract.h"
#include "perdure-mlir/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/BinaryFormat/Dwarf.h"

namespace mlir::perdure {
#define GEN_PASS_DEF_RAISE
#include "perdure-mlir/Passes.h.inc"
} // namespace mlir::perdure

using namespace mlir;
using namespace mlir::perdure;

namespace {

/// A call of the early contract with an encoding that is known.
struct ContractCall {
  mutable LLVM::CallOp Op;
  StringRef Verb;
  Attribute Encoding; // null: `object`

  explicit ContractCall(Operation *At) {
    auto Call = dyn_cast<LLVM::CallOp>(At);
    if (!Call || !Call.getCallee())
      return;
    StringRef Callee = *Call.getCallee();
    static const std::pair<StringRef, unsigned> Verbs[] = {
        {abi::Decode, 3}, {abi::Encode, 4}, {abi::Reencode, 5}};
    for (auto [Name, Operands] : Verbs) {
      IntegerAttr Number;
      if (Callee != Name || Call.getArgOperands().size() != Operands ||
          !matchPattern(Call.getArgOperands().back(), m_Constant(&Number)))
        continue;
      const EncodingFacts *Facts = findEncoding(unsigned(Number.getInt()));
      if (!Facts || !hasTypes(Call, Name))
        return;
      if (StringRef(Facts->Name) != "object")
        Encoding = EncodingAttr::get(At->getContext(), Facts->Name);
      Op = Call;
      Verb = Name;
    }
  }
  /// Somebody may have declared another function of that name.
  static bool hasTypes(LLVM::CallOp Call, StringRef Name) {
    MLIRContext *Ctx = Call.getContext();
    Type Ptr = LLVM::LLVMPointerType::get(Ctx), I64 = IntegerType::get(Ctx, 64);
    SmallVector<Type> Operands = {I64, Ptr};
    Type Result = I64;
    if (Name == abi::Decode)
      Result = Ptr;
    else if (Name == abi::Encode)
      Operands = {Ptr, Ptr, I64};
    else
      Operands = {I64, Ptr, Ptr, I64};
    return Call->getNumResults() == 1 && Call.getResult().getType() == Result &&
           llvm::equal(Call.getArgOperands().drop_back().getTypes(), Operands);
  }

  explicit operator bool() const { return Op; }
  bool is(StringRef Name) const { return Verb == Name; }
  Value operand(unsigned N) const { return Op.getArgOperands()[N]; }
};

/// Where blocks are not reached a value may be made of itself.
constexpr unsigned MostSteps = 64;

/// Bits may be frozen on their way.
Value stripFreeze(Value V) {
  for (unsigned Step = 0; Step != MostSteps; ++Step) {
    auto F = V.getDefiningOp<LLVM::FreezeOp>();
    if (!F)
      break;
    V = F.getOperand();
  }
  return V;
}

class Raiser {
  ModuleOp Module;
  MLIRContext *Ctx;
  IRRewriter R;
  DataLayout Target;

  /// Pointers that are one on different ways.
  llvm::EquivalenceClasses<void *> Same;
  /// What GEPs say of them, by leader.
  DenseMap<void *, LLVM::LLVMStructType> Structs;

  /// Of a struct's field, or of what an array has for elements: that it is a
  /// persistent pointer, and what one of those that it leads to is.
  struct Seen {
    Attribute Encoding;
    Value Leads; // a native pointer that came from it or went there
    LLVM::LLVMStructType Named = {}; // by the alias information of accesses
  };
  using FieldKey = std::pair<Type, unsigned>;
  llvm::MapVector<FieldKey, Seen> Fields;
  llvm::StringMap<LLVM::DICompositeTypeAttr> Described;

public:
  explicit Raiser(ModuleOp Module)
      : Module(Module), Ctx(Module.getContext()), R(Ctx), Target(Module) {}

  void run() {
    SmallVector<LLVM::LLVMFuncOp> Functions;
    Module.walk([&](LLVM::LLVMFuncOp F) {
      bool Ours = false;
      F.walk([&](LLVM::CallOp Call) { Ours |= bool(ContractCall(Call)); });
      if (Ours)
        Functions.push_back(F);
    });
    if (Functions.empty())
      return;
    Module->setAttr(PerdureDialect::getRaisedAttrName(), UnitAttr::get(Ctx));
    findDescriptions();
    for (LLVM::LLVMFuncOp F : Functions)
      gather(F);
    for (LLVM::LLVMFuncOp F : Functions)
      F.walk([&](Operation *Op) {
        if (ContractCall Call(Op); Call)
          gatherField(Call);
      });
    for (LLVM::LLVMFuncOp F : Functions) {
      SmallVector<Operation *> Ops;
      F.walk([&](Operation *Op) { Ops.push_back(Op); });
      for (Operation *Op : Ops)
        raise(Op);
      raiseBranches(F);
    }
  }

private:
  // ===- What is known ---------------------------------------------------===

  void findDescriptions() {
    AttrTypeWalker Walker;
    Walker.addWalk([&](LLVM::DICompositeTypeAttr T) {
      if (StringAttr Name = T.getName(); Name && !T.getElements().empty())
        Described.try_emplace(Name.getValue(), T);
    });
    Module.walk([&](Operation *Op) {
      Walker.walk(Op->getLoc());
      Walker.walk(Op->getAttrDictionary());
    });
  }

  void *leader(Value V) {
    return *Same.findLeader(Same.insert(V.getAsOpaquePointer()));
  }

  static bool isPointer(Value V) {
    auto P = dyn_cast<LLVM::LLVMPointerType>(V.getType());
    return P && P.getAddressSpace() == 0;
  }

  void gather(LLVM::LLVMFuncOp F) {
    auto Join = [&](Value A, Value B) {
      if (isPointer(A))
        Same.unionSets(A.getAsOpaquePointer(), B.getAsOpaquePointer());
    };
    F.walk([&](Operation *Op) {
      if (auto Branch = dyn_cast<BranchOpInterface>(Op))
        for (unsigned S = 0; S != Op->getNumSuccessors(); ++S) {
          SuccessorOperands Operands = Branch.getSuccessorOperands(S);
          for (unsigned N = Operands.getProducedOperandCount();
               N != Operands.size(); ++N)
            Join(Operands[N], Op->getSuccessor(S)->getArgument(N));
        }
      if (auto Freeze = dyn_cast<LLVM::FreezeOp>(Op))
        Join(Freeze.getOperand(), Freeze.getResult());
      if (auto Select = dyn_cast<LLVM::SelectOp>(Op)) {
        Join(Select.getTrueValue(), Select.getResult());
        Join(Select.getFalseValue(), Select.getResult());
      }
    });
    F.walk([&](LLVM::GEPOp GEP) {
      if (auto S = dyn_cast<LLVM::LLVMStructType>(GEP.getElemType());
          S && S.isIdentified() && isPointer(GEP.getBase()))
        Structs.try_emplace(leader(GEP.getBase()), S);
    });
  }

  /// The field, or the array element, whose address a GEP gives.
  static std::optional<FieldKey> fieldOf(LLVM::GEPOp GEP, unsigned Step = 0) {
    Type T = GEP.getElemType();
    auto Indices = GEP.getIndices();
    std::optional<FieldKey> Found;
    if (isa<LLVM::LLVMPointerType>(T) && Indices.size() == 1)
      return std::nullopt; // an element, of which the class of the base knows
    unsigned N = 0;
    for (auto Index : Indices) {
      if (N++ == 0)
        continue;
      if (auto S = dyn_cast<LLVM::LLVMStructType>(T)) {
        auto Constant = dyn_cast<IntegerAttr>(Index);
        if (!Constant)
          return std::nullopt;
        unsigned Field = Constant.getInt();
        Found = FieldKey{S, Field};
        T = S.getBody()[Field];
      } else if (auto A = dyn_cast<LLVM::LLVMArrayType>(T)) {
        T = A.getElementType();
      } else {
        return std::nullopt;
      }
    }
    // An element of an array that is a field: the field's.
    if (!Found && isa<LLVM::LLVMArrayType>(GEP.getElemType()) && Step != MostSteps)
      if (auto Array = GEP.getBase().getDefiningOp<LLVM::GEPOp>())
        return fieldOf(Array, Step + 1);
    return Found;
  }

  /// What pointers at an address lead to, as Clang's alias information has it:
  /// "p1 _ZTS4node", a pointer to the struct of that mangled name.
  LLVM::LLVMStructType namedAt(Value Address) {
    for (Operation *User : Address.getUsers()) {
      auto Access = dyn_cast<LLVM::AliasAnalysisOpInterface>(User);
      ArrayAttr Tags = Access ? Access.getTBAATagsOrNull() : ArrayAttr();
      if (!Tags || Tags.size() != 1)
        continue;
      StringRef Name = ::mlir::cast<LLVM::TBAATagAttr>(Tags[0])
                           .getAccessType()
                           .getId();
      unsigned Length;
      if (!Name.consume_front("p1 _ZTS") || Name.consumeInteger(10, Length) ||
          Name.size() != Length)
        continue;
      auto S = LLVM::LLVMStructType::getIdentified(Ctx, ("struct." + Name).str());
      if (S.isInitialized())
        return S;
    }
    return {};
  }

  void gatherField(const ContractCall &Call) {
    auto See = [&](Value Container, Value Leads) {
      auto GEP = Container.getDefiningOp<LLVM::GEPOp>();
      if (!GEP)
        return;
      if (std::optional<FieldKey> Key = fieldOf(GEP)) {
        Seen &S = Fields.insert({*Key, {Call.Encoding, Leads}}).first->second;
        if (!S.Named)
          S.Named = namedAt(Container);
        // One that says more of what it leads to.
        if (Leads && (!S.Leads || !Structs.count(leader(S.Leads))))
          S.Leads = Leads;
      }
    };
    if (Call.is(abi::Decode))
      See(Call.operand(1), Call.Op.getResult());
    else if (Call.is(abi::Encode))
      See(Call.operand(1), Call.operand(0));
    else {
      See(Call.operand(1), Value());
      See(Call.operand(2), Value());
    }
  }

  // ===- Types ------------------------------------------------------------===

  /// A struct of C as a record; null where it is none that can be one. The records
  /// that its pointers lead to are made after it: they may hold it by value.
  RecordType recordOf(LLVM::LLVMStructType S) {
    RecordType Record = named(S);
    if (!Record || !complete(S))
      return {};
    while (!Targets.empty())
      complete(Targets.pop_back_val());
    return Record;
  }

  /// The same without a body yet.
  RecordType named(LLVM::LLVMStructType S) {
    auto [It, New] = Records.try_emplace(S);
    if (!New)
      return It->second;
    // Without the target's layout MLIR has one of its own.
    if (!S.isIdentified() || !Module->hasAttr(DLTIDialect::kDataLayoutAttrName))
      return {};
    StringRef Name = S.getName();
    if (S.isPacked() || S.isOpaque() ||
        !(Name.consume_front("struct.") || Name.consume_front("class.")) ||
        !llvm::all_of(S.getBody(), [&](Type T) { return isKnown(T); }))
      return {};
    RecordType Record = RecordType::get(StringAttr::get(Ctx, Name));
    // One of that name which is not this struct: of `struct.T` and `class.T`, or
    // in what has been raised before.
    if (Record.isComplete() || !Taken.insert(Record).second)
      return {};
    return It->second = Record;
  }

  /// Gives the record of a struct its body.
  bool complete(LLVM::LLVMStructType S) {
    RecordType Record = named(S);
    if (!Record)
      return false;
    auto [It, New] = Done.try_emplace(S, false);
    if (!New)
      return It->second;
    SmallVector<RecordField> Body;
    llvm::StringSet<> Names;
    for (auto [N, T] : llvm::enumerate(S.getBody())) {
      RecordField F;
      std::string Name = nameOf(S, Record.getName(), N);
      while (!Names.insert(Name).second)
        Name += "_";
      F.Name = StringAttr::get(Ctx, Name);
      F.Of = typeOf(S, N, T);
      F.Offset = offsetOf(S, N);
      Body.push_back(F);
    }
    auto Quiet = [&] {
      InFlightDiagnostic D = emitRemark(Module.getLoc());
      D.abandon();
      return D;
    };
    uint64_t Size = Target.getTypeSize(S),
             Alignment = Target.getTypeABIAlignment(S);
    return Done[S] = succeeded(RecordType::checkBody(Quiet, Record.getName(),
                                                     Body, Size, Alignment)) &&
                     succeeded(Record.setBody(Body, Size, Alignment));
  }

  /// Whether all that it is made of lies in the module's layout as C has it: without
  /// a target the import writes LLVM's own, where an i64 is aligned to 4.
  bool isKnown(Type T) {
    if (auto A = dyn_cast<LLVM::LLVMArrayType>(T))
      return isKnown(A.getElementType());
    if (auto S = dyn_cast<LLVM::LLVMStructType>(T)) {
      // One that holds itself has no size: it is met again before it is known.
      auto [It, New] = Known.try_emplace(S, false);
      if (!New)
        return It->second;
      bool All = !S.isOpaque() &&
                 llvm::all_of(S.getBody(), [&](Type T) { return isKnown(T); });
      return Known[S] = All;
    }
    std::optional<Layout> Ours = getLayout(T);
    return Ours && Ours->Size == Target.getTypeSize(T) &&
           Ours->Alignment == Target.getTypeABIAlignment(T);
  }

  uint64_t offsetOf(LLVM::LLVMStructType S, unsigned Field) {
    uint64_t Offset = 0;
    for (auto [N, T] : llvm::enumerate(S.getBody())) {
      Offset = llvm::alignTo(Offset, Target.getTypeABIAlignment(T));
      if (N == Field)
        break;
      Offset += Target.getTypeSize(T);
    }
    return Offset;
  }

  /// As debug info calls what lies there.
  std::string nameOf(LLVM::LLVMStructType S, StringRef Name, unsigned Field) {
    uint64_t Bits = 8 * offsetOf(S, Field);
    if (auto It = Described.find(Name.rsplit("::").second.empty()
                                     ? Name
                                     : Name.rsplit("::").second);
        It != Described.end())
      for (LLVM::DINodeAttr Element : It->second.getElements())
        if (auto Member = dyn_cast<LLVM::DIDerivedTypeAttr>(Element);
            Member && Member.getTag() == llvm::dwarf::DW_TAG_member &&
            Member.getOffsetInBits() == Bits && Member.getName())
          return Member.getName().str();
    return "f" + std::to_string(Field);
  }

  Type typeOf(LLVM::LLVMStructType S, unsigned Field, Type T) {
    if (auto A = dyn_cast<LLVM::LLVMArrayType>(T)) {
      Type Element = typeOf(S, Field, A.getElementType());
      return ArrayType::get(A.getNumElements(), Element);
    }
    if (auto Inner = dyn_cast<LLVM::LLVMStructType>(T))
      if (complete(Inner))
        return named(Inner);
    if (isa<LLVM::LLVMPointerType>(T))
      if (auto It = Fields.find({S, Field}); It != Fields.end())
        return PtrType::get(leadsTo(It->second.Leads, It->second.Named),
                            It->second.Encoding);
    if (mlir::perdure::isLoadable(T))
      return T;
    return ArrayType::get(Target.getTypeSize(T), IntegerType::get(Ctx, 8));
  }

  RecordType target(LLVM::LLVMStructType S) {
    RecordType Record = named(S);
    if (Record && !Done.count(S))
      Targets.push_back(S);
    return Record;
  }

  /// What a native pointer leads to, as far as anybody says.
  Type leadsTo(Value Native, LLVM::LLVMStructType Otherwise = {}) {
    if (Native && isPointer(Native))
      if (auto It = Structs.find(leader(Native)); It != Structs.end())
        if (RecordType Record = target(It->second))
          return Record;
    if (RecordType Record = Otherwise ? target(Otherwise) : RecordType())
      return Record;
    return NoneType::get(Ctx);
  }

  // ===- Rewriting ---------------------------------------------------------===

  Value cast(Value V, Type T) {
    if (V.getType() == T)
      return V;
    // Casts that have just been made are looked through.
    if (auto C = V.getDefiningOp<CastOp>(); C && C.getIn().getType() == T)
      return C.getIn();
    return CastOp::create(R, V.getLoc(), T, V);
  }

  void replace(Operation *Op, Value New) {
    New = cast(New, Op->getResult(0).getType());
    R.replaceOp(Op, New);
  }

  void raise(Operation *Op) {
    R.setInsertionPoint(Op);
    if (ContractCall Call(Op); Call)
      raiseCall(Call);
    else if (auto GEP = dyn_cast<LLVM::GEPOp>(Op))
      raiseGEP(GEP);
    else if (auto Load = dyn_cast<LLVM::LoadOp>(Op))
      raiseLoad(Load);
    else if (auto Store = dyn_cast<LLVM::StoreOp>(Op))
      raiseStore(Store);
  }

  /// The native pointer that a raised address was cast from.
  static Value nativeOf(Value Address) {
    auto C = Address.getDefiningOp<CastOp>();
    return C && isa<NativeType>(C.getIn().getType()) ? C.getIn() : Value();
  }

  /// The type of the pointers at a container; what it leads to, where that is
  /// not known, as the other operand says.
  PtrType ptrAt(Value Container, Attribute Encoding, Value Leads) {
    if (Value Native = nativeOf(Container))
      if (auto Bits = dyn_cast<PtrType>(
              ::mlir::cast<NativeType>(Native.getType()).getTarget());
          Bits && Bits.getEncodingAttr() == Encoding)
        return Bits;
    return PtrType::get(leadsTo(Leads), Encoding);
  }

  void raiseCall(ContractCall Call) {
    Location Loc = Call.Op.getLoc();
    if (Call.is(abi::Decode)) {
      PtrType Bits =
          ptrAt(Call.operand(1), Call.Encoding, Call.Op.getResult());
      replace(Call.Op,
              DecodeOp::create(R, Loc, cast(stripFreeze(Call.operand(0)), Bits),
                               cast(Call.operand(1), NativeType::get(Bits))));
      return;
    }
    auto Old = [&](PtrType Bits, Value V) {
      return Bits.getEncoding().needsOldBits() ? cast(V, Bits) : Value();
    };
    if (Call.is(abi::Encode)) {
      PtrType Bits = ptrAt(Call.operand(1), Call.Encoding, Call.operand(0));
      replace(Call.Op,
              EncodeOp::create(
                  R, Loc, Bits,
                  cast(Call.operand(0), NativeType::get(Bits.getTarget())),
                  cast(Call.operand(1), NativeType::get(Bits)),
                  Old(Bits, Call.operand(2))));
      return;
    }
    PtrType Bits = ptrAt(Call.operand(2), Call.Encoding, Value());
    Type Place = NativeType::get(Bits);
    replace(Call.Op,
            ReencodeOp::create(R, Loc, cast(stripFreeze(Call.operand(0)), Bits),
                               cast(Call.operand(1), Place),
                               cast(Call.operand(2), Place),
                               Old(Bits, Call.operand(3))));
  }

  /// Whether elements lie as the GEP takes them to. As many bytes are not enough: a
  /// union is a struct of another member's.
  bool isSame(Type T, Type Ours) {
    if (auto A = dyn_cast<LLVM::LLVMArrayType>(T)) {
      auto B = dyn_cast<ArrayType>(Ours);
      return B && B.getCount() == int64_t(A.getNumElements()) &&
             isSame(A.getElementType(), B.getElement());
    }
    if (auto S = dyn_cast<LLVM::LLVMStructType>(T))
      return named(S) && named(S) == Ours;
    if (isa<LLVM::LLVMPointerType>(T))
      return isa<PtrType, LLVM::LLVMPointerType>(Ours);
    return T == Ours;
  }

  /// What a GEP takes its base to lead to; null where that is not known.
  Type typeBehind(LLVM::GEPOp GEP) {
    Type T = GEP.getElemType();
    if (auto S = dyn_cast<LLVM::LLVMStructType>(T))
      return recordOf(S);
    if (isa<LLVM::LLVMPointerType>(T))
      return isKnown(T) ? elementOf(GEP) : Type();
    if (isa<LLVM::LLVMArrayType>(T)) {
      Value Base = nativeOf(GEP.getBase());
      Type Behind =
          Base ? ::mlir::cast<NativeType>(Base.getType()).getTarget() : Type();
      return Behind && isSame(T, Behind) ? Behind : Type();
    }
    return mlir::perdure::isLoadable(T) ? T : Type();
  }

  void raiseGEP(LLVM::GEPOp GEP) {
    // Without inbounds it may leave the slot.
    if (!isPointer(GEP.getBase()) || !isPointer(GEP.getResult()) ||
        !bitEnumContainsAll(GEP.getNoWrapFlags(),
                            LLVM::GEPNoWrapFlags::inboundsFlag))
      return;
    const Type Of = typeBehind(GEP);
    Type At = Of, Theirs = GEP.getElemType();
    if (!At)
      return;
    // First everything is looked at, then something made.
    auto Indices = GEP.getIndices();
    for (unsigned N = 0; N != Indices.size(); ++N) {
      auto Index = Indices[N];
      auto Constant = dyn_cast<IntegerAttr>(Index);
      if (auto V = dyn_cast<Value>(Index);
          V && !V.getType().isSignlessInteger(64) &&
          !V.getType().isSignlessInteger(32))
        return;
      bool IsZero = Constant && Constant.getValue().isZero();
      if (auto V = dyn_cast<Value>(Index))
        IsZero = matchPattern(V, m_Zero());
      // How far apart they lie is not known; and over whole arrays no operation of
      // the dialect's steps.
      if (!N && !IsZero && (!getLayout(At) || isa<ArrayType>(At)))
        return;
      if (!N)
        continue;
      // Both have to go the same way: what is bytes here may be a struct there.
      if (!isSame(Theirs, At))
        return;
      if (auto Record = dyn_cast<RecordType>(At)) {
        if (!Constant || !Record.isComplete())
          return;
        At = Record.getTypeOf(Record.getFields()[Constant.getInt()]);
        Theirs = ::mlir::cast<LLVM::LLVMStructType>(Theirs)
                     .getBody()[Constant.getInt()];
      } else if (auto A = dyn_cast<ArrayType>(At)) {
        At = A.getElement();
        Theirs = ::mlir::cast<LLVM::LLVMArrayType>(Theirs).getElementType();
      } else {
        return;
      }
    }

    Location Loc = GEP.getLoc();
    Value P = cast(GEP.getBase(), NativeType::get(Of));
    auto IndexOf = [&](auto Index) -> Value {
      if (auto V = dyn_cast<Value>(Index))
        return V;
      return LLVM::ConstantOp::create(
          R, Loc, R.getI64Type(),
          R.getI64IntegerAttr(::mlir::cast<IntegerAttr>(Index).getInt()));
    };
    for (unsigned N = 0; N != Indices.size(); ++N) {
      auto Index = Indices[N];
      auto Constant = dyn_cast<IntegerAttr>(Index);
      Type T = ::mlir::cast<NativeType>(P.getType()).getTarget();
      bool IsZero = Constant && Constant.getValue().isZero();
      if (auto V = dyn_cast<Value>(Index))
        IsZero = matchPattern(V, m_Zero());
      if (!N && IsZero)
        continue;
      if (auto Record = dyn_cast<RecordType>(T); Record && N)
        P = FieldOp::create(R, Loc, P,
                            Record.getFields()[Constant.getInt()].Name);
      else
        P = ElementOp::create(R, Loc, P, IndexOf(Index));
    }
    replace(GEP, P);
  }

  /// What an array of pointers holds: persistent ones, where its elements are
  /// the containers of calls.
  Type elementOf(LLVM::GEPOp GEP) {
    for (Operation *User : GEP.getResult().getUsers())
      if (ContractCall Call(User); Call && Call.operand(1) == GEP.getResult())
        return PtrType::get(leadsTo(Call.is(abi::Decode)
                                        ? Value(Call.Op.getResult())
                                    : Call.is(abi::Encode) ? Call.operand(0)
                                                           : Value()),
                            Call.Encoding);
    return {};
  }

  template <class Op> static bool isPlain(Op O, Type Of) {
    return !O.getVolatile_() && O.getOrdering() == LLVM::AtomicOrdering::not_atomic &&
           !O.getNontemporal() &&
           O.getAlignment().value_or(0) >= getLayout(Of)->Alignment;
  }

  /// What lies at a raised address, if the access is of just that.
  template <class Op> static Type placeFor(Op O, Type Accessed) {
    Value Native = nativeOf(O.getAddr());
    if (!Native)
      return {};
    Type Of = ::mlir::cast<NativeType>(Native.getType()).getTarget();
    bool Fits = Of == Accessed ||
                (isa<PtrType>(Of) && Accessed.isSignlessInteger(64));
    return Fits && mlir::perdure::isLoadable(Of) && isPlain(O, Of) ? Of : Type();
  }

  /// Alias information goes along; where there is none, none is made up.
  template <class From, class To> static void keepAliases(From Op, To New) {
    if (ArrayAttr Known = Op.getTbaaAttr())
      New.setTbaaAttr(Known);
    else
      New.setMayAlias(true);
  }

  void raiseLoad(LLVM::LoadOp Load) {
    if (!placeFor(Load, Load.getType()))
      return;
    auto New = LoadOp::create(R, Load.getLoc(), nativeOf(Load.getAddr()));
    keepAliases(Load, New);
    replace(Load, New);
  }

  void raiseStore(LLVM::StoreOp Store) {
    Type Of = placeFor(Store, Store.getValue().getType());
    if (!Of)
      return;
    auto New = StoreOp::create(R, Store.getLoc(), cast(Store.getValue(), Of),
                               nativeOf(Store.getAddr()));
    keepAliases(Store, New);
    R.eraseOp(Store);
  }

  // ===- Branches ----------------------------------------------------------===

  /// Pointers that blocks get become native pointers; `llvm.br` takes none, so
  /// that `cf` stands in for it.
  void raiseBranches(LLVM::LLVMFuncOp F) {
    SmallVector<Operation *> Ends;
    for (Block &B : F.getBody())
      Ends.push_back(B.getTerminator());
    // Who hands something to such a block has to be able to.
    auto IsPlain = [](Block &B) {
      return !B.isEntryBlock() && llvm::all_of(B.getPredecessors(), [](Block *P) {
        return isa<LLVM::BrOp, LLVM::CondBrOp>(P->getTerminator());
      });
    };
    DenseSet<Operation *> Ours;
    for (Block &B : F.getBody()) {
      if (!IsPlain(B))
        continue;
      for (BlockArgument A : B.getArguments()) {
        Type To = isPointer(A) ? leadsTo(A) : Type();
        if (!To || isa<NoneType>(To))
          continue;
        Type Native = NativeType::get(To);
        for (auto It = B.pred_begin(); It != B.pred_end(); ++It) {
          Operation *End = (*It)->getTerminator();
          R.setInsertionPoint(End);
          SuccessorOperands Operands =
              ::mlir::cast<BranchOpInterface>(End).getSuccessorOperands(
                  It.getSuccessorIndex());
          Operands.slice(A.getArgNumber(), 1)
              .assign(cast(Operands[A.getArgNumber()], Native));
          Ours.insert(End);
        }
        Type Old = A.getType();
        A.setType(Native);
        R.setInsertionPointToStart(&B);
        Value Back = CastOp::create(R, A.getLoc(), Old, A);
        R.replaceUsesWithIf(A, Back, [&](OpOperand &U) {
          return U.getOwner() != Back.getDefiningOp() &&
                 !(isa<BranchOpInterface>(U.getOwner()) &&
                   isa<NativeType>(U.get().getType()) && isHanded(U));
        });
      }
    }
    for (Operation *End : Ours)
      toCf(End);
  }

  /// Whether an operand of a branch goes to an argument that is native by now.
  static bool isHanded(OpOperand &U) {
    auto Argument = ::mlir::cast<BranchOpInterface>(U.getOwner())
                        .getSuccessorBlockArgument(U.getOperandNumber());
    return Argument && isa<NativeType>(Argument->getType());
  }

  void toCf(Operation *End) {
    R.setInsertionPoint(End);
    Operation *New;
    if (auto Br = dyn_cast<LLVM::BrOp>(End)) {
      New = cf::BranchOp::create(R, End->getLoc(), Br.getDest(),
                                 Br.getDestOperands());
    } else {
      auto Cond = ::mlir::cast<LLVM::CondBrOp>(End);
      New = cf::CondBranchOp::create(
          R, End->getLoc(), Cond.getCondition(), Cond.getTrueDest(),
          Cond.getTrueDestOperands(), Cond.getFalseDest(),
          Cond.getFalseDestOperands());
      if (auto Weights = Cond.getBranchWeightsAttr())
        New->setAttr("branch_weights", Weights);
    }
    // Goes along as an attribute, and is one of llvm.br again.
    if (Attribute Loop = End->getAttr("loop_annotation"))
      New->setAttr("loop_annotation", Loop);
    R.eraseOp(End);
  }

  DenseMap<Type, RecordType> Records; ///< of structs; null: none can be made
  DenseMap<Type, bool> Known;         ///< structs: isKnown
  DenseMap<Type, bool> Done;          ///< those that were tried, and have bodies
  DenseSet<RecordType> Taken;
  SmallVector<LLVM::LLVMStructType> Targets; ///< to be made when there is time
};

struct RaisePass : mlir::perdure::impl::RaiseBase<RaisePass> {
  void runOnOperation() override { Raiser(getOperation()).run(); }
};

} // namespace
