//===- ChooseEncodings.cpp - Other encodings for records ------------------===//
//
// A record is known by its name and encoding: with another encoding it is
// another type, and so is every record that leads to it. So all get one here,
// those that are not chosen for `object`, which is what they had. Then what
// reads and writes their fields gets the types that follow.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Encodings.h"
#include "perdure-mlir/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace mlir::perdure {
#define GEN_PASS_DEF_CHOOSEENCODINGS
#include "perdure-mlir/Passes.h.inc"
} // namespace mlir::perdure

using namespace mlir;
using namespace mlir::perdure;

namespace {

class Chooser {
  MLIRContext *Ctx;
  llvm::StringMap<Attribute> Chosen;
  AttrTypeReplacer Types;

public:
  explicit Chooser(MLIRContext *Ctx) : Ctx(Ctx) {
    Types.addReplacement([this](RecordType R) {
      return std::make_pair(Type(replace(R)), WalkResult::skip());
    });
  }

  void choose(StringRef Record, StringRef Encoding) {
    Chosen[Record] = EncodingAttr::get(Ctx, Encoding);
  }

  LogicalResult run(ModuleOp Module) {
    Module.walk([&](Operation *Op) {
      Types.replaceElementsIn(Op, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                              /*replaceTypes=*/true);
    });
    SmallVector<Operation *> All;
    Module.walk([&](Operation *Op) {
      if (retypes(Op))
        All.push_back(Op);
    });
    for (Operation *Op : All)
      if (failed(retypeDown(Op)))
        return failure();
    return checkEdges(Module);
  }

  /// Which records are asked for that have an encoding already.
  LogicalResult checkChosen(ModuleOp Module) {
    bool Ok = true;
    llvm::StringSet<> Said;
    forEachRecord(Module, [&](RecordType R) {
      if (!R.getEncodingAttr() || !Chosen.count(R.getName()) ||
          !Said.insert(R.getName()).second)
        return;
      Ok = false;
      Module.emitError("perdure-choose-encodings: record ")
          << R.getName() << " has the encoding " << R.getEncodingAttr()
          << " already: choose for all records at once";
    });
    return success(Ok);
  }

private:
  /// Whether a place leads to persistent pointers that name no encoding: a record
  /// that has one may lead there, too.
  static bool isOpen(Type T) {
    auto N = dyn_cast<NativeType>(T);
    Type Of = N ? N.getTarget() : Type();
    while (auto A = dyn_cast_or_null<ArrayType>(Of))
      Of = A.getElement();
    auto P = dyn_cast_or_null<PtrType>(Of);
    return P && !P.getEncodingAttr();
  }

  static bool isOpenPtr(Type T) {
    auto P = dyn_cast<PtrType>(T);
    return P && !P.getEncodingAttr();
  }

  /// Where places and bits go that are not followed, and records that have not been
  /// replaced.
  static LogicalResult checkEdges(ModuleOp Module) {
    bool Ok = true;
    forEachRecord(Module, [&](RecordType R) {
      if (R.getEncodingAttr() || !R.isComplete())
        return;
      Ok = false;
      Module.emitError("perdure-choose-encodings: a record that has an encoding of "
                       "its own leads to record ")
          << R.getName() << ", which would be another";
    });
    Module.walk([&](Operation *Op) {
      auto Refuse = [&](StringRef What) {
        Ok = false;
        Op->emitError("perdure-choose-encodings: ") << What;
      };
      if (auto Decode = dyn_cast<DecodeOp>(Op)) {
        auto Place = dyn_cast<NativeType>(Decode.getContainer().getType());
        auto At = Place ? dyn_cast<PtrType>(Place.getTarget()) : PtrType();
        if (At && At.getEncoding() != Decode.getBits().getType().getEncoding())
          Refuse("what lies there has another encoding than is decoded");
        return;
      }
      if (auto C = dyn_cast<CastOp>(Op)) {
        Type In = C.getIn().getType(), Out = C.getOut().getType();
        if ((isOpen(Out) && !isOpen(In)) || (isOpenPtr(Out) && !isOpenPtr(In)))
          Refuse("a cast makes a place of persistent pointers, and in which "
                 "encoding is not known");
        return;
      }
      if (!isa_and_nonnull<PerdureDialect>(Op->getDialect()) &&
          !isa<FunctionOpInterface, memref::LoadOp, memref::StoreOp,
               memref::DimOp>(Op) &&
          llvm::any_of(Op->getOperandTypes(), [](Type T) {
            auto M = dyn_cast<MemRefType>(T);
            return isOpenPtr(M ? M.getElementType() : T);
          }))
        Refuse("persistent pointers are handed on here, and their encoding is not "
               "followed: run inline and symbol-dce before, and decode where they are "
               "loaded");
      if (auto F = dyn_cast<FunctionOpInterface>(Op);
          F && llvm::any_of(F.getArgumentTypes(), [](Type T) {
            auto M = dyn_cast<MemRefType>(T);
            return isOpen(T) || isOpenPtr(M ? M.getElementType() : T);
          }))
        Refuse("a function is handed persistent pointers, or a place of some, whose "
               "encoding is not followed: run inline and symbol-dce before");
    });
    return success(Ok);
  }

  Attribute encodingOf(RecordType R) {
    for (StringRef Name : {R.getName().getValue(), StringRef("*")})
      if (auto It = Chosen.find(Name); It != Chosen.end())
        return It->second;
    return EncodingAttr::get(Ctx, "object");
  }

  /// The type in a field. What pointers lead to gets its body later: it may hold by
  /// value what is just being made.
  Type inField(Type T) {
    if (auto P = dyn_cast<PtrType>(T))
      return PtrType::get(behind(P.getTarget()), P.getEncodingAttr());
    if (auto N = dyn_cast<NativeType>(T))
      return NativeType::get(behind(N.getTarget()));
    if (auto A = dyn_cast<ArrayType>(T))
      return ArrayType::get(A.getCount(), inField(A.getElement()));
    if (auto R = dyn_cast<RecordType>(T)) {
      complete(R);
      return named(R);
    }
    return T;
  }
  Type behind(Type T) {
    if (auto A = dyn_cast<ArrayType>(T))
      return ArrayType::get(A.getCount(), behind(A.getElement()));
    if (auto R = dyn_cast<RecordType>(T)) {
      Targets.push_back(R);
      return named(R);
    }
    return inField(T);
  }

  RecordType named(RecordType R) {
    return R.getEncodingAttr() ? R : RecordType::get(R.getName(), encodingOf(R));
  }

  void complete(RecordType R) {
    RecordType New = named(R);
    if (New == R || New.isComplete() || !R.isComplete() || !Made.insert(New).second)
      return;
    SmallVector<RecordField> Fields(R.getFields());
    for (RecordField &F : Fields)
      F.Of = inField(F.Of);
    (void)New.setBody(Fields, R.getSize(), R.getAlignment());
  }

  RecordType replace(RecordType R) {
    complete(R);
    while (!Targets.empty())
      complete(Targets.pop_back_val());
    return named(R);
  }

  static bool retypes(Operation *Op) {
    if (isa<memref::LoadOp>(Op))
      return true;
    return isa_and_nonnull<PerdureDialect>(Op->getDialect()) &&
           isa<InferTypeOpInterface, EncodeOp, StoreOp, ToMemRefOp>(Op);
  }

  /// And those that use what has changed.
  LogicalResult retypeDown(Operation *Op) {
    FailureOr<bool> Changed = retype(Op);
    if (failed(Changed))
      return failure();
    if (*Changed)
      for (Operation *User : Op->getUsers())
        if (retypes(User) && failed(retypeDown(User)))
          return failure();
    return success();
  }

  /// Gives an operation the result types that follow from its operands', and
  /// what the encoding wants.
  FailureOr<bool> retype(Operation *Op) {
    bool Changed = false;
    auto Set = [&](Type T) {
      if (Op->getResult(0).getType() == T)
        return;
      Op->getResult(0).setType(T);
      Changed = true;
    };
    if (auto Encode = dyn_cast<EncodeOp>(Op)) {
      auto Place = dyn_cast<NativeType>(Encode.getContainer().getType());
      auto Bits = Place ? dyn_cast<PtrType>(Place.getTarget()) : PtrType();
      if (!Bits || Bits.getTarget() != Encode.getPointer().getType().getTarget())
        return Changed; // the type says it
      Set(Place.getTarget());
      giveOld(Encode, Encode.getContainer(), Encode.getOldMutable());
      return Changed;
    }
    if (auto Store = dyn_cast<StoreOp>(Op)) {
      Type Of = Store.getAddress().getType().getTarget();
      // A null of its own, since others may be stored elsewhere.
      if (auto Null = Store.getValue().getDefiningOp<NullOp>();
          Null && Store.getValue().getType() != Of && isa<PtrType>(Of)) {
        OpBuilder B(Op);
        Store.getValueMutable().assign(nullAt(B, Store));
      }
      return Changed;
    }
    if (auto Make = dyn_cast<ToMemRefOp>(Op)) {
      auto M = cast<MemRefType>(Make.getResult().getType());
      Set(MemRefType::Builder(M).setElementType(
          Make.getArray().getType().getTarget()));
      return Changed;
    }
    if (auto Load = dyn_cast<memref::LoadOp>(Op)) {
      Set(Load.getMemRefType().getElementType());
      return Changed;
    }
    auto Infer = cast<InferTypeOpInterface>(Op);
    SmallVector<Type> Inferred;
    if (failed(Infer.inferReturnTypes(
            Ctx, Op->getLoc(), Op->getOperands(), Op->getAttrDictionary(),
            Op->getPropertiesStorage(), Op->getRegions(), Inferred)))
      return failure();
    Set(Inferred[0]);
    if (auto Reencode = dyn_cast<ReencodeOp>(Op))
      giveOld(Reencode, Reencode.getTo(), Reencode.getOldMutable());
    return Changed;
  }

  /// Null as a place's encoding has it.
  static Value nullAt(OpBuilder &B, StoreOp Store) {
    auto Bits = cast<PtrType>(Store.getAddress().getType().getTarget());
    Location Loc = Store.getLoc();
    if (Bits.getEncoding().isZeroNull())
      return NullOp::create(B, Loc, Bits);
    Value Old;
    if (Bits.getEncoding().needsOldBits())
      Old = LoadOp::create(B, Loc, Store.getAddress());
    return EncodeOp::create(
        B, Loc, Bits, NullOp::create(B, Loc, NativeType::get(Bits.getTarget())),
        Store.getAddress(), Old);
  }

  /// What the container holds, where the encoding looks at it.
  template <class Op>
  static void giveOld(Op O, Value Container, MutableOperandRange Old) {
    bool Needs = O.getResult().getType().getEncoding().needsOldBits();
    if (!Needs) {
      Old.clear();
    } else if (Old.empty() && isa<NativeType>(Container.getType())) {
      OpBuilder B(O);
      Old.assign(LoadOp::create(B, O.getLoc(), Container).getResult());
    }
  }

  DenseSet<RecordType> Made;
  SmallVector<RecordType> Targets; // to be made when there is time
};

struct ChoosePass : mlir::perdure::impl::ChooseEncodingsBase<ChoosePass> {
  using ChooseEncodingsBase::ChooseEncodingsBase;

  void runOnOperation() override {
    Chooser C(&getContext());
    for (const std::string &Choice : encodings) {
      auto [Record, Encoding] = StringRef(Choice).split('=');
      if (Record.empty() || !findEncoding(Encoding)) {
        getOperation().emitError("perdure-choose-encodings: '")
            << Choice << "' is no RECORD=ENCODING; there are the encodings "
            << encodingNames();
        return signalPassFailure();
      }
      C.choose(Record, Encoding);
    }
    if (failed(C.checkChosen(getOperation())) || failed(C.run(getOperation())))
      signalPassFailure();
  }
};

} // namespace
