//===- Folds.cpp - Algebra of translations --------------------------------===//
//
// The rules of passes/Fold.cpp, and as right for the same reasons, which
// docs/passes/Fold.md argues. Here they hold over structured control flow, and
// before anything has been lowered.
//
//===----------------------------------------------------------------------===//

#include "perdure-mlir/Dialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::perdure;

static bool isNull(Attribute A) { return isa_and_nonnull<UnitAttr>(A); }

/// Where blocks are not reached what an operation would fold to may be its own
/// result.
static OpFoldResult unlessItself(Operation *Op, Value V) {
  return V == Op->getResult(0) ? OpFoldResult() : OpFoldResult(V);
}

//===----------------------------------------------------------------------===//
// Decode
//===----------------------------------------------------------------------===//

OpFoldResult DecodeOp::fold(FoldAdaptor Of) {
  EncodingInterface E = getBits().getType().getEncoding();
  if (isNull(Of.getBits()) && E.isZeroNull())
    return UnitAttr::get(getContext());
  // decode(encode(p, c), c) = p: what an encoding is.
  if (auto Made = getBits().getDefiningOp<EncodeOp>();
      Made && isSameContainer(E, Made.getContainer(), getContainer()))
    return unlessItself(*this, Made.getPointer());
  return {};
}

/// decode(reencode(b, c0, c1), c1): the bits at c1 lead where those at c0 led.
LogicalResult DecodeOp::canonicalize(DecodeOp Op, PatternRewriter &R) {
  EncodingInterface E = Op.getBits().getType().getEncoding();
  auto Made = Op.getBits().getDefiningOp<ReencodeOp>();
  if (!Made || !isSameContainer(E, Made.getTo(), Op.getContainer()))
    return failure();
  R.replaceOpWithNewOp<DecodeOp>(Op, Made.getBits(), Made.getFrom());
  return success();
}

//===----------------------------------------------------------------------===//
// Encode
//===----------------------------------------------------------------------===//

OpFoldResult EncodeOp::fold(FoldAdaptor Of) {
  EncodingInterface E = getResult().getType().getEncoding();
  if (isNull(Of.getPointer()) && E.isZeroNull())
    return UnitAttr::get(getContext());
  // One target and container, one value.
  if (auto Made = getPointer().getDefiningOp<DecodeOp>();
      Made && Made.getBits().getType() == getResult().getType() &&
      E.isCanonical() &&
      isSameContainer(E, Made.getContainer(), getContainer()))
    return unlessItself(*this, Made.getBits());
  return {};
}

/// A copy: of bits that keep their meaning in one object it is less work than an
/// encode, whoever else wants the decode; of others only where nobody does.
LogicalResult EncodeOp::canonicalize(EncodeOp Op, PatternRewriter &R) {
  auto Made = Op.getPointer().getDefiningOp<DecodeOp>();
  if (!Made || Made.getBits().getType() != Op.getResult().getType())
    return failure();
  EncodingInterface E = Op.getResult().getType().getEncoding();
  if (!E.isMovable() && !Made->hasOneUse())
    return failure();
  R.replaceOpWithNewOp<ReencodeOp>(Op, Made.getBits(), Made.getContainer(),
                                   Op.getContainer(), Op.getOld());
  return success();
}

//===----------------------------------------------------------------------===//
// Re-encode
//===----------------------------------------------------------------------===//

OpFoldResult ReencodeOp::fold(FoldAdaptor Of) {
  EncodingInterface E = getBits().getType().getEncoding();
  if (isNull(Of.getBits()) && E.isZeroNull())
    return UnitAttr::get(getContext());
  // Right for an encoding that looks at old bits, too; but to choose by them is
  // what it is for.
  if (isSameContainer(E, getFrom(), getTo()) &&
      (!E.needsOldBits() || getFrom() == getTo()))
    return unlessItself(*this, getBits());
  return {};
}

LogicalResult ReencodeOp::canonicalize(ReencodeOp Op, PatternRewriter &R) {
  EncodingInterface E = Op.getBits().getType().getEncoding();
  if (auto Made = Op.getBits().getDefiningOp<EncodeOp>();
      Made && isSameContainer(E, Made.getContainer(), Op.getFrom())) {
    R.replaceOpWithNewOp<EncodeOp>(Op, Op.getResult().getType(),
                                   Made.getPointer(), Op.getTo(), Op.getOld());
    return success();
  }
  if (auto Made = Op.getBits().getDefiningOp<ReencodeOp>();
      Made && Made != Op && isSameContainer(E, Made.getTo(), Op.getFrom())) {
    R.replaceOpWithNewOp<ReencodeOp>(Op, Made.getBits(), Made.getFrom(),
                                     Op.getTo(), Op.getOld());
    return success();
  }
  return failure();
}

//===----------------------------------------------------------------------===//
// The rest
//===----------------------------------------------------------------------===//

/// Fields and elements lie in the slot of what they are of.
OpFoldResult BaseOp::fold(FoldAdaptor) {
  Value Root = getRoot(getOf());
  if (Root == getOf())
    return {};
  getOfMutable().assign(Root);
  return getResult();
}

OpFoldResult ElementOp::fold(FoldAdaptor Of) {
  auto Index = dyn_cast_or_null<IntegerAttr>(Of.getIndex());
  if (Index && Index.getValue().isZero() &&
      getArray().getType() == getResult().getType())
    return unlessItself(*this, getArray());
  return {};
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  Type To = getOut().getType();
  if (getIn().getType() == To)
    return unlessItself(*this, getIn());
  auto Inner = getIn().getDefiningOp<CastOp>();
  if (!Inner || Inner == *this || Inner.getIn() == getOut())
    return {};
  if (Inner.getIn().getType() == To)
    return Inner.getIn();
  if (!areCastCompatible(Inner.getIn().getType(), To))
    return {};
  getInMutable().assign(Inner.getIn());
  return getResult();
}

OpFoldResult NullOp::fold(FoldAdaptor) { return UnitAttr::get(getContext()); }

OpFoldResult IsNullOp::fold(FoldAdaptor Of) {
  if (isNull(Of.getPointer()))
    return BoolAttr::get(getContext(), true);
  return {};
}

/// Null has one representation: the untranslated value is asked.
LogicalResult IsNullOp::canonicalize(IsNullOp Op, PatternRewriter &R) {
  Value Before;
  Operation *Made = Op.getPointer().getDefiningOp();
  PtrType Bits;
  if (auto Decode = dyn_cast_or_null<DecodeOp>(Made)) {
    Before = Decode.getBits();
    Bits = Decode.getBits().getType();
  } else if (auto Encode = dyn_cast_or_null<EncodeOp>(Made)) {
    Before = Encode.getPointer();
    Bits = Encode.getResult().getType();
  } else if (auto Reencode = dyn_cast_or_null<ReencodeOp>(Made)) {
    Before = Reencode.getBits();
    Bits = Reencode.getBits().getType();
  }
  if (!Before || !Bits.getEncoding().isZeroNull())
    return failure();
  R.modifyOpInPlace(Op, [&] { Op.getPointerMutable().assign(Before); });
  return success();
}

OpFoldResult EqualOp::fold(FoldAdaptor Of) {
  if (getLhs() == getRhs() || (isNull(Of.getLhs()) && isNull(Of.getRhs())))
    return BoolAttr::get(getContext(), true);
  return {};
}

/// The address of an element of what is known to be an array.
LogicalResult AtOp::canonicalize(AtOp Op, PatternRewriter &R) {
  auto Made = Op.getMemref().getDefiningOp<ToMemRefOp>();
  if (!Made || Op.getIndices().size() != 1)
    return failure();
  R.replaceOpWithNewOp<ElementOp>(Op, Made.getArray(), Op.getIndices()[0]);
  return success();
}
