//===- BitPlaces.cpp - Bits where their encoding has them -----------------===//
//
// Bits have one place: where they were loaded, or what they were encoded for. In an
// encoding that is not movable they mean nothing elsewhere. So what stores them
// elsewhere in the object gets a re-encode, and what translates them does it from
// their own place, which in `object` was the same.
//
//===----------------------------------------------------------------------===//

#include "BitPlaces.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using namespace mlir::perdure;

namespace {

/// An address, or the element of a memref.
struct Place {
  Value At;
  Value MemRef = {};
  SmallVector<Value, 2> Indices = {};

  static Place of(Value Container) {
    if (auto A = Container.getDefiningOp<AtOp>())
      return element(A.getMemref(), A.getIndices());
    return {Container};
  }
  static Place element(Value MemRef, ValueRange Indices) {
    return {{}, MemRef, llvm::to_vector<2>(Indices)};
  }

  bool operator==(const Place &O) const {
    if (MemRef || O.MemRef)
      return MemRef == O.MemRef && Indices == O.Indices;
    if (At == O.At)
      return true;
    // Asked for twice.
    Operation *A = At.getDefiningOp(), *B = O.At.getDefiningOp();
    return isa_and_nonnull<FieldOp, ElementOp>(A) && B &&
           OperationEquivalence::isEquivalentTo(
               A, B, OperationEquivalence::Flags::IgnoreLocations);
  }

  /// What all that certainly lies in its object was derived from.
  Value root() const {
    Value V = MemRef ? MemRef : At;
    if (auto Base = V.getDefiningOp<BaseOp>())
      V = Base.getOf();
    return getRoot(V);
  }

  Value address(OpBuilder &B, Location Loc) const {
    return MemRef ? AtOp::create(B, Loc, MemRef, Indices).getResult() : At;
  }
};

/// The place of bits; nothing where that is not known.
std::optional<Place> placeOf(Value Bits) {
  Operation *Op = Bits.getDefiningOp();
  if (auto L = dyn_cast_or_null<LoadOp>(Op))
    return Place::of(L.getAddress());
  if (auto L = dyn_cast_or_null<memref::LoadOp>(Op))
    return Place::element(L.getMemRef(), L.getIndices());
  if (auto E = dyn_cast_or_null<EncodeOp>(Op))
    return Place::of(E.getContainer());
  if (auto R = dyn_cast_or_null<ReencodeOp>(Op))
    return Place::of(R.getTo());
  return std::nullopt;
}

/// The bits that lie at a container, if it is the place of some.
PtrType typeAt(Value Container) {
  auto N = dyn_cast<NativeType>(Container.getType());
  return N ? dyn_cast<PtrType>(N.getTarget()) : PtrType();
}

class Placer {
  Operation *Op;
  OpBuilder B;

public:
  explicit Placer(Operation *Op) : Op(Op), B(Op) {}

  LogicalResult run() {
    if (auto S = dyn_cast<StoreOp>(Op))
      return store(S.getValueMutable(), Place::of(S.getAddress()),
                   S.getAddress().getType().getTarget());
    if (auto S = dyn_cast<memref::StoreOp>(Op))
      return store(S.getValueMutable(),
                   Place::element(S.getMemRef(), S.getIndices()),
                   S.getMemRefType().getElementType());
    if (auto D = dyn_cast<DecodeOp>(Op))
      return translate(D.getBits(), D.getContainerMutable());
    if (auto R = dyn_cast<ReencodeOp>(Op))
      return reencode(R);
    return testNull(cast<IsNullOp>(Op));
  }

private:
  LogicalResult refuse(Value Bits, const Twine &What) {
    InFlightDiagnostic D = Op->emitError("perdure-choose-encodings: ") << What;
    D.attachNote(Bits.getLoc()) << "the bits come from here";
    return D;
  }

  Value oldAt(PtrType Of, Value Container) {
    if (!Of.getEncoding().needsOldBits())
      return {};
    return LoadOp::create(B, Op->getLoc(), Container);
  }

  /// Null of its own, since others may be stored elsewhere.
  Value nullAt(PtrType Of, const Place &To) {
    Location Loc = Op->getLoc();
    if (Of.getEncoding().isZeroNull())
      return NullOp::create(B, Loc, Of);
    Value At = To.address(B, Loc);
    return EncodeOp::create(B, Loc, Of,
                            NullOp::create(B, Loc, NativeType::get(Of.getTarget())),
                            At, oldAt(Of, At));
  }

  LogicalResult store(OpOperand &Stored, const Place &To, Type At) {
    auto Of = cast<PtrType>(At);
    Value Bits = Stored.get();
    if (Bits.getDefiningOp<NullOp>()) {
      if (Bits.getType() != Of)
        Stored.set(nullAt(Of, To));
      return success();
    }
    auto Is = cast<PtrType>(Bits.getType());
    std::optional<Place> From = placeOf(Bits);
    if (Is == Of && (Of.getEncoding().takesBase() || (From && *From == To)))
      return success();
    if (!From || From->root() != To.root())
      return refuse(Bits, "bits are stored here that come from another place, where "
                          "they mean something else: use perdure.reencode, from "
                          "the place where they were loaded to this one");
    if (Is.getTarget() != Of.getTarget())
      return refuse(Bits, "bits are stored here in another encoding, and what they "
                          "lead to has another encoding too: choose for both "
                          "records");
    Location Loc = Op->getLoc();
    Value Here = From->address(B, Loc), There = To.address(B, Loc);
    Value Old = oldAt(Of, There);
    if (Is == Of)
      Stored.set(ReencodeOp::create(B, Loc, Bits, Here, There, Old));
    else
      Stored.set(translated(Bits, Here, Of, There, Old));
    return success();
  }

  /// Of one encoding to another.
  Value translated(Value Bits, Value From, PtrType Of, Value To, Value Old) {
    Value P = DecodeOp::create(B, Op->getLoc(), Bits, From);
    return EncodeOp::create(B, Op->getLoc(), Of, P, To, Old);
  }

  /// By the place of the bits, where another one of their object will not do.
  LogicalResult translate(Value Bits, OpOperand &Container) {
    if (Bits.getDefiningOp<NullOp>())
      return success();
    auto Is = cast<PtrType>(Bits.getType());
    PtrType At = typeAt(Container.get());
    std::optional<Place> From = placeOf(Bits), Given = Place::of(Container.get());
    if (Is.getEncoding().takesBase()
            ? !At || At.getEncoding() == Is.getEncoding()
            : At == Is && From && *From == *Given)
      return success();
    if (!From || From->root() != Given->root())
      return refuse(Bits, "bits are translated at another place than they come from, "
                          "where they mean something else: name the place where "
                          "they were loaded");
    Container.set(From->address(B, Op->getLoc()));
    return success();
  }

  LogicalResult reencode(ReencodeOp R) {
    if (failed(translate(R.getBits(), R.getFromMutable())))
      return failure();
    PtrType Is = R.getBits().getType(), Of = R.getResult().getType();
    if (Is == Of)
      return success();
    R.getResult().replaceAllUsesWith(
        translated(R.getBits(), R.getFrom(), Of, R.getTo(), R.getOld()));
    R.erase();
    return success();
  }

  /// MLIR's folds ask bits, where 0 is null.
  LogicalResult testNull(IsNullOp T) {
    Value Bits = T.getPointer();
    if (cast<PtrType>(Bits.getType()).getEncoding().isZeroNull() ||
        Bits.getDefiningOp<NullOp>())
      return success();
    std::optional<Place> From = placeOf(Bits);
    if (!From)
      return refuse(Bits, "bits are asked for null here that come from a place which "
                          "is not known: decode them");
    T.getPointerMutable().assign(
        DecodeOp::create(B, Op->getLoc(), Bits, From->address(B, Op->getLoc())));
    return success();
  }
};

} // namespace

BitUses perdure::findBitUses(Operation *Top) {
  BitUses Uses;
  auto IsOpen = [](Value V) {
    auto P = dyn_cast<PtrType>(V.getType());
    return P && !P.getEncodingAttr();
  };
  Top->walk([&](Operation *Op) {
    // Their bits, but for a decode's and a re-encode's containers, are operand 0.
    if (isa<StoreOp, memref::StoreOp, DecodeOp, ReencodeOp, IsNullOp>(Op) &&
        IsOpen(Op->getOperand(0)))
      Uses.insert(Op);
  });
  return Uses;
}

LogicalResult perdure::placeBits(const BitUses &Uses) {
  bool Ok = true;
  for (Operation *Op : Uses)
    Ok &= succeeded(Placer(Op).run());
  return success(Ok);
}
