//===- Dialect.cpp - The dialect `perdure` --------------------------------===//

#include "perdure-mlir/Dialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace mlir::perdure;

#include "perdure-mlir/Dialect.cpp.inc"

namespace {

/// Records get their own name in what is printed: `!node`.
struct AliasInterface : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;

  AliasResult getAlias(Type T, raw_ostream &OS) const override {
    auto Record = dyn_cast<RecordType>(T);
    if (!Record || !Record.isComplete())
      return AliasResult::NoAlias;
    OS << Record.getName().getValue();
    return AliasResult::OverridableAlias;
  }
};

/// Nothing of it minds where it stands.
struct AnywhereInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Operation *, bool) const final {
    return true;
  }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final {
    return true;
  }
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
};

} // namespace

void PerdureDialect::initialize() {
  registerTypes();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "perdure-mlir/Ops.cpp.inc"
      >();
  addInterfaces<AliasInterface, AnywhereInterface>();
}

Operation *PerdureDialect::materializeConstant(OpBuilder &B, Attribute Value,
                                               Type T, Location Loc) {
  if (isa<UnitAttr>(Value) && isa<NativeType, PtrType>(T))
    return NullOp::create(B, Loc, T);
  return arith::ConstantOp::materialize(B, Value, T, Loc);
}

LogicalResult PerdureDialect::verifyOperationAttribute(Operation *Op,
                                                       NamedAttribute A) {
  bool Reduces = A.getName() == getReduceFlipsAttrName();
  if (!Reduces && A.getName() != getRaisedAttrName())
    return Op->emitError("there is no attribute ") << A.getName();
  if (!isa<ModuleOp>(Op))
    return Op->emitError(A.getName().getValue()) << " is for modules";
  if (Reduces && !isa<ReduceFlipsAttr>(A.getValue()))
    return Op->emitError(A.getName().getValue())
           << " is a #perdure.reduce_flips";
  return success();
}
