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
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

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
    return success();
  }

private:
  Attribute encodingOf(RecordType R) {
    for (StringRef Name : {R.getName().getValue(), StringRef("*")})
      if (auto It = Chosen.find(Name); It != Chosen.end())
        return It->second;
    return EncodingAttr::get(Ctx, "object");
  }

  /// Types lead to themselves, which AttrTypeReplacer does not expect.
  Type inField(Type T) {
    if (auto P = dyn_cast<PtrType>(T))
      return PtrType::get(inField(P.getTarget()), P.getEncodingAttr());
    if (auto N = dyn_cast<NativeType>(T))
      return NativeType::get(inField(N.getTarget()));
    if (auto A = dyn_cast<ArrayType>(T))
      return ArrayType::get(A.getCount(), inField(A.getElement()));
    if (auto R = dyn_cast<RecordType>(T))
      return replace(R);
    return T;
  }

  RecordType replace(RecordType R) {
    if (R.getEncodingAttr())
      return R;
    RecordType New = RecordType::get(R.getName(), encodingOf(R));
    if (New.isComplete() || !R.isComplete() || !Open.insert(New))
      return New;
    SmallVector<RecordField> Fields(R.getFields());
    for (RecordField &F : Fields)
      F.Of = inField(F.Of);
    (void)New.setBody(Fields, R.getSize(), R.getAlignment());
    return New;
  }

  static bool retypes(Operation *Op) {
    return isa<InferTypeOpInterface, EncodeOp>(Op) &&
           isa<PerdureDialect>(Op->getDialect());
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
      if (!Place || !isa<PtrType>(Place.getTarget()))
        return Changed; // the type says it
      Set(Place.getTarget());
      giveOld(Encode, Encode.getContainer(), Encode.getOldMutable());
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

  llvm::SetVector<RecordType> Open;
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
    if (failed(C.run(getOperation())))
      signalPassFailure();
  }
};

} // namespace
