//===- ChooseEncodings.cpp - Other encodings for records ------------------===//
//
// A record is known by its name and encoding: with another encoding it is
// another type, and so is every record that leads to it. So all get one here,
// those that are not chosen for `object`, which is what they had. Then what
// reads and writes their fields gets the types that follow.
//
//===----------------------------------------------------------------------===//

#include "BitPlaces.h"
#include "RecordAddresses.h"
#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Encodings.h"
#include "perdure-mlir/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
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
  SmallVector<StringRef> Asked; ///< the names in it, as they were given
  AttrTypeReplacer Types;

public:
  explicit Chooser(MLIRContext *Ctx) : Ctx(Ctx) {
    Types.addReplacement([this](RecordType R) {
      return std::make_pair(Type(replace(R)), WalkResult::skip());
    });
  }

  /// False where another encoding has been chosen for the record.
  bool choose(StringRef Record, StringRef Encoding) {
    Attribute E = EncodingAttr::get(Ctx, Encoding);
    auto [It, New] = Chosen.try_emplace(Record, E);
    if (New)
      Asked.push_back(It->getKey());
    return It->second == E;
  }

  LogicalResult run(ModuleOp Module) {
    if (failed(checkChosen(Module)))
      return failure();
    bool IsFollowed = succeeded(checkEdges(Module));
    if (failed(checkAddresses(Module, [&](RecordType R) { return encodingOf(R); })) ||
        !IsFollowed)
      return failure();
    Uses = findBitUses(Module);
    Module.walk([&](Operation *Op) {
      Types.replaceElementsIn(Op, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                              /*replaceTypes=*/true);
    });
    for (RecordType R : Clashing)
      Module.emitError("perdure-choose-encodings: there is another record ")
          << R.getName() << " with the encoding " << R.getEncodingAttr()
          << ", of other fields: give one of them another name";
    if (!Clashing.empty() || failed(retypeAll(Module)) || failed(placeBits(Uses)))
      return failure();
    return checkResult(Module);
  }

private:
  /// Which records are asked for that are not there, have an encoding already, or
  /// whose struct is also read and written by what Clang has made of it.
  LogicalResult checkChosen(ModuleOp Module) {
    bool Ok = true;
    Module->walk([&](ModuleOp Part) {
      if (!Part->hasAttr(PerdureDialect::getRaisedAttrName()))
        return;
      Ok = false;
      Part.emitError(
          "perdure-choose-encodings: the module was raised from C or C++, and "
          "part of it still takes records as that says: name the encoding at the "
          "struct there");
    });
    llvm::StringSet<> Said, There;
    forEachRecord(Module, [&](RecordType R) {
      There.insert(R.getName());
      if (!R.getEncodingAttr() || !Chosen.count(R.getName()) ||
          !Said.insert(R.getName()).second)
        return;
      Ok = false;
      Module.emitError("perdure-choose-encodings: record ")
          << R.getName() << " has the encoding " << R.getEncodingAttr()
          << " already: choose for all records at once";
    });
    for (StringRef Name : Asked)
      if (Name != "*" && !There.contains(Name)) {
        Ok = false;
        Module.emitError("perdure-choose-encodings: there is no record '")
            << Name << "' in this module";
      }
    return success(Ok);
  }

  // ===- What is followed --------------------------------------------------===

  static bool isAnyOpen(TypeRange Types) {
    return llvm::any_of(Types, [](Type T) { return isOpen(T); });
  }

  /// Where places and bits come from, or go to, that are not followed.
  LogicalResult checkEdges(ModuleOp Module) {
    bool Ok = true;
    auto Refuse = [&](Location Loc, StringRef What, ArrayRef<Value> From = {}) {
      Ok = false;
      InFlightDiagnostic D = emitError(Loc, "perdure-choose-encodings: ") << What;
      for (Value V : From) {
        Diagnostic &Note = D.attachNote(V.getLoc());
        if (RecordType R = recordBehind(V))
          Note << "this lies in record " << R.getName() << ", which gets "
               << encodingOf(R);
        else
          Note << "this is one of them";
      }
    };
    constexpr StringLiteral Handed =
        "persistent pointers, or a place of some, are handed on here, and their "
        "encoding is not followed: run inline and symbol-dce before, and decode "
        "where they are loaded";
    Module.walk([&](Operation *Op) {
      if (isCast(Op))
        return checkCast(Op,
                         [&](StringRef What) { Refuse(Op->getLoc(), What); });
      if (isFollowed(Op))
        return;
      if (!handsOn(Op)) {
        if (llvm::any_of(Op->getOpOperands(), [](OpOperand &U) {
              return isOpen(U.get().getType()) && !isSaidElsewhere(U);
            }))
          Refuse(Op->getLoc(), Handed);
      } else if (isa<FunctionOpInterface>(Op)) {
        Refuse(Op->getLoc(),
               "a function is handed persistent pointers, or a place of some, or "
               "gives such, whose encoding is not followed: run inline and "
               "symbol-dce before");
      } else {
        Refuse(Op->getLoc(), Handed, comingInto(Op));
      }
      for (Region &Body : Op->getRegions())
        for (Block &B : Body)
          for (BlockArgument A : B.getArguments())
            if (!B.isEntryBlock() && isOpen(A.getType()))
              Refuse(A.getLoc(), Handed, comingInto(A));
    });
    return success(Ok);
  }

  static bool isFollowed(Operation *Op) {
    return isa_and_nonnull<PerdureDialect>(Op->getDialect()) ||
           isa<memref::LoadOp, memref::StoreOp, memref::DimOp>(Op);
  }

  /// Whether an operation itself gives, names or hands to its regions what is not
  /// followed.
  static bool handsOn(Operation *Op) {
    return isAnyOpen(Op->getResultTypes()) || isOpen(Op->getAttrDictionary()) ||
           llvm::any_of(Op->getRegions(), [](Region &R) {
             return !R.empty() && isAnyOpen(R.front().getArgumentTypes());
           });
  }

  /// Whether what gets an operand is an error of its own: the argument of a block, or
  /// the operation whose region ends here.
  static bool isSaidElsewhere(OpOperand &U) {
    Operation *Op = U.getOwner();
    if (auto Branch = dyn_cast<BranchOpInterface>(Op))
      return Branch.getSuccessorBlockArgument(U.getOperandNumber()).has_value();
    return Op->hasTrait<OpTrait::IsTerminator>() && !Op->getNumSuccessors() &&
           Op->getParentOp() && !isFollowed(Op->getParentOp()) &&
           handsOn(Op->getParentOp());
  }

  static void addOpen(SmallVectorImpl<Value> &To, ValueRange From) {
    for (Value V : From)
      if (V && isOpen(V.getType()) && !llvm::is_contained(To, V))
        To.push_back(V);
  }
  /// What an operation takes, or its regions end with.
  static SmallVector<Value> comingInto(Operation *Op) {
    SmallVector<Value> From;
    addOpen(From, Op->getOperands());
    for (Region &R : Op->getRegions())
      for (Block &B : R)
        if (!B.empty() && !B.back().getNumSuccessors())
          addOpen(From, B.back().getOperands());
    return From;
  }
  static SmallVector<Value> comingInto(BlockArgument A) {
    SmallVector<Value> From;
    Block *B = A.getOwner();
    for (auto It = B->pred_begin(); It != B->pred_end(); ++It)
      if (auto Branch = dyn_cast<BranchOpInterface>((*It)->getTerminator()))
        addOpen(From, Branch.getSuccessorOperands(
                          It.getSuccessorIndex())[A.getArgNumber()]);
    return From;
  }

  /// The record whose pointers have the encoding of a place or of bits; null: none.
  static RecordType recordBehind(Value V) {
    constexpr unsigned MostSteps = 64; // unreachable values may go in a circle
    for (unsigned Step = 0; Step != MostSteps; ++Step) {
      Operation *Op = V.getDefiningOp();
      if (!Op)
        break;
      if (auto F = dyn_cast<FieldOp>(Op))
        return cast<RecordType>(F.getRecord().getType().getTarget());
      if (auto D = dyn_cast<DecodeOp>(Op))
        V = D.getBits();
      else if (auto E = dyn_cast<EncodeOp>(Op))
        V = E.getContainer();
      else if (isFollowed(Op) && Op->getNumOperands())
        V = Op->getOperand(0); // all others have their place there
      else
        break;
    }
    return {};
  }

  /// A cast gives or takes what is not followed.
  template <class Fn> static void checkCast(Operation *Op, Fn Refuse) {
    if (isAnyOpen(Op->getResultTypes()))
      Refuse("a cast makes a place of persistent pointers, and in which encoding is "
             "not known: use perdure.field");
    else if (isAnyOpen(Op->getOperandTypes()))
      Refuse("a cast makes something else of persistent pointers, or of a place of "
             "some, and their encoding is not followed there: decode them");
  }

  /// What is left of persistent pointers that lie in no record, or in one that has
  /// not been replaced, or are decoded by another encoding than they have; and places of
  /// two encodings that are compared.
  static LogicalResult checkResult(ModuleOp Module) {
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
      }
      if (auto Equal = dyn_cast<EqualOp>(Op);
          Equal && Equal.getLhs().getType() != Equal.getRhs().getType())
        Refuse("places of persistent pointers in two encodings are compared: compare "
               "the records in which they lie");
      // Once, where they come from.
      if (!Op->use_empty() && isAnyOpen(Op->getResultTypes()) &&
          !isAnyOpen(Op->getOperandTypes()))
        Refuse("the encoding of persistent pointers that lie in no record is not "
               "known: encode at the place where they are stored, and allocate "
               "records that hold them");
    });
    return success(Ok);
  }

  // ===- Types --------------------------------------------------------------===

  Attribute object() { return EncodingAttr::get(Ctx, "object"); }

  Attribute encodingOf(RecordType R) {
    for (StringRef Name : {R.getName().getValue(), StringRef("*")})
      if (auto It = Chosen.find(Name); It != Chosen.end())
        return It->second;
    return object();
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
    if (New == R || !R.isComplete() || !Made.insert(New).second)
      return;
    SmallVector<RecordField> Fields(R.getFields());
    for (RecordField &F : Fields)
      F.Of = inField(F.Of);
    if (succeeded(New.setBody(Fields, R.getSize(), R.getAlignment())))
      return;
    // Somebody has named this encoding himself: at the record, or at its fields too.
    auto IsSame = [&](const RecordField &A, const RecordField &B) {
      return A.Name == B.Name && A.Offset == B.Offset &&
             New.getTypeOf(A) == New.getTypeOf(B);
    };
    if (New.getSize() != R.getSize() || New.getAlignment() != R.getAlignment() ||
        !llvm::equal(New.getFields(), Fields, IsSame))
      Clashing.push_back(New);
  }

  RecordType replace(RecordType R) {
    complete(R);
    while (!Targets.empty())
      complete(Targets.pop_back_val());
    return named(R);
  }

  // ===- What follows from the types ----------------------------------------===

  static bool retypes(Operation *Op) {
    if (isa<memref::LoadOp>(Op))
      return true;
    return isa_and_nonnull<PerdureDialect>(Op->getDialect()) &&
           isa<InferTypeOpInterface, EncodeOp, ToMemRefOp>(Op);
  }

  /// All operations, and again those that use what has changed.
  LogicalResult retypeAll(ModuleOp Module) {
    SmallVector<Operation *> Next;
    Module.walk([&](Operation *Op) {
      if (retypes(Op))
        Next.push_back(Op);
    });
    std::reverse(Next.begin(), Next.end());
    while (!Next.empty()) {
      Operation *Op = Next.pop_back_val();
      FailureOr<bool> Changed = retype(Op);
      if (failed(Changed))
        return failure();
      if (*Changed)
        llvm::append_range(Next, llvm::make_filter_range(Op->getUsers(), retypes));
    }
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
      if (!Bits || Encode.getResult().getType().getEncodingAttr() ||
          Bits.getTarget() != Encode.getPointer().getType().getTarget())
        return Changed; // the type says it
      Set(Place.getTarget());
      giveOld(Encode, Encode.getContainer(), Encode.getOldMutable());
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
    auto Reencode = dyn_cast<ReencodeOp>(Op);
    if (Reencode && Uses.contains(Op))
      Inferred[0] = typeAtPlace(Reencode);
    Set(Inferred[0]);
    if (Reencode)
      giveOld(Reencode, Reencode.getTo(), Reencode.getOldMutable());
    return Changed;
  }

  /// What a re-encode gives: by the encoding of the place that it is for, which may be
  /// another record's.
  static Type typeAtPlace(ReencodeOp Op) {
    auto Place = dyn_cast<NativeType>(Op.getTo().getType());
    auto Bits = Place ? dyn_cast<PtrType>(Place.getTarget()) : PtrType();
    return Bits && Bits.getTarget() == Op.getBits().getType().getTarget()
               ? Bits
               : Op.getBits().getType();
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

  BitUses Uses;
  DenseSet<RecordType> Made;
  SmallVector<RecordType> Targets;  // to be made when there is time
  SmallVector<RecordType> Clashing; // others of their names have other bodies
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
      if (!C.choose(Record, Encoding)) {
        getOperation().emitError("perdure-choose-encodings: '")
            << Choice << "' comes after another encoding for record '" << Record
            << "': leave one of them out";
        return signalPassFailure();
      }
    }
    if (failed(C.run(getOperation())))
      signalPassFailure();
  }
};

} // namespace
