//===- Attributes.cpp - Encodings, places and policies --------------------===//

#include "FlipPolicies.h"
#include "perdure-mlir/Dialect.h"
#include "perdure-mlir/Encodings.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::perdure;

#define GET_ATTRDEF_CLASSES
#include "perdure-mlir/Attributes.cpp.inc"

#include "perdure-mlir/Interfaces.cpp.inc"

void PerdureDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "perdure-mlir/Attributes.cpp.inc"
      >();
}

static const EncodingFacts &factsOf(EncodingAttr E) {
  if (const EncodingFacts *Facts = findEncoding(E.getName()))
    return *Facts;
  llvm::report_fatal_error("PerdurePasses.so, which knows the encodings, is not "
                           "loaded: call loadEncodings first");
}

unsigned EncodingAttr::getNumber() const { return factsOf(*this).Number; }
StringRef EncodingAttr::getEncodingName() const { return getName(); }
bool EncodingAttr::isCanonical() const { return factsOf(*this).Canonical; }
bool EncodingAttr::isMovable() const { return factsOf(*this).Movable; }
bool EncodingAttr::isMovableInVolatile() const {
  return factsOf(*this).MovableInVolatile;
}
bool EncodingAttr::isZeroNull() const { return factsOf(*this).ZeroIsNull; }
bool EncodingAttr::needsOldBits() const { return factsOf(*this).NeedsOldBits; }
bool EncodingAttr::usesBase() const { return factsOf(*this).TracksBases; }

LogicalResult
EncodingAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                     StringRef Name) {
  if (findEncoding(Name))
    return success();
  return EmitError() << "Perdure knows no such encoding: '" << Name
                     << "'; there are " << encodingNames();
}

LogicalResult
ReduceFlipsAttr::verify(function_ref<InFlightDiagnostic()> EmitError,
                        ArrayRef<StringAttr> Policies) {
  auto Known = ::perdure::flipPolicyNames();
  for (StringAttr Policy : Policies)
    if (!llvm::is_contained(Known, Policy.getValue()))
      return EmitError() << "there is no policy " << Policy << "; there are "
                         << llvm::join(Known, ", ");
  return success();
}
