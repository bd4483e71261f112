//===- Ops.cpp - What operations are, and what is wrong with them ---------===//

#include "perdure-mlir/Dialect.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::perdure;

//===----------------------------------------------------------------------===//
// Custom parts of the assembly formats: a container's type is left out where it
// is that of the pointer's own place.
//===----------------------------------------------------------------------===//

static ParseResult parseContainerType(OpAsmParser &Parser, Type Bits,
                                      Type &Container) {
  if (succeeded(Parser.parseOptionalComma()))
    return Parser.parseType(Container);
  Container = NativeType::get(Bits);
  return success();
}

static void printContainerType(OpAsmPrinter &Printer, Type Bits,
                               Type Container) {
  if (Container != NativeType::get(Bits))
    Printer << ", " << Container;
}

static ParseResult parsePtrType(OpAsmParser &Parser, Type &Bits) {
  SMLoc Loc = Parser.getCurrentLocation();
  if (Parser.parseType(Bits))
    return failure();
  if (!isa<PtrType>(Bits))
    return Parser.emitError(Loc) << "expected a !perdure.ptr, not " << Bits;
  return success();
}

static ParseResult parseBitsAndContainer(OpAsmParser &Parser, Type &Bits,
                                         Type &Container) {
  return failure(parsePtrType(Parser, Bits) ||
                 parseContainerType(Parser, Bits, Container));
}

static void printBitsAndContainer(OpAsmPrinter &Printer, Operation *,
                                  Type Bits, Type Container) {
  Printer << Bits;
  printContainerType(Printer, Bits, Container);
}

using MaybeOperand = std::optional<OpAsmParser::UnresolvedOperand>;

static ParseResult parseEncodeTypes(OpAsmParser &Parser, Type &Pointer,
                                    Type &Container, MaybeOperand Old,
                                    Type &OldType, Type &Result) {
  if (parsePtrType(Parser, Result) ||
      parseContainerType(Parser, Result, Container))
    return failure();
  Pointer = NativeType::get(cast<PtrType>(Result).getTarget());
  if (Old)
    OldType = Result;
  return success();
}

static void printEncodeTypes(OpAsmPrinter &Printer, Operation *, Type,
                             Type Container, Value, Type, Type Result) {
  Printer << Result;
  printContainerType(Printer, Result, Container);
}

static ParseResult parseReencodeTypes(OpAsmParser &Parser, Type &Bits,
                                      Type &From, Type &To, MaybeOperand Old,
                                      Type &OldType) {
  if (parsePtrType(Parser, Bits))
    return failure();
  From = To = NativeType::get(Bits);
  if (succeeded(Parser.parseOptionalComma()) &&
      (Parser.parseType(From) || Parser.parseComma() || Parser.parseType(To)))
    return failure();
  if (Old)
    OldType = Bits;
  return success();
}

static void printReencodeTypes(OpAsmPrinter &Printer, Operation *, Type Bits,
                               Type From, Type To, Value, Type) {
  Printer << Bits;
  if (From != NativeType::get(Bits) || To != NativeType::get(Bits))
    Printer << ", " << From << ", " << To;
}

#define GET_OP_CLASSES
#include "perdure-mlir/Ops.cpp.inc"

//===----------------------------------------------------------------------===//
// Translation
//===----------------------------------------------------------------------===//

/// Whether a container of that type will do for pointers of type \p Bits.
static LogicalResult checkContainer(Operation *Op, PtrType Bits,
                                    Type Container) {
  EncodingInterface E = Bits.getEncoding();
  if (E.takesBase())
    return success();
  if (isa<BaseType>(Container))
    return Op->emitOpError("by encoding '")
           << E.getEncodingName()
           << "' needs the container itself, not its slot base";
  if (Container != NativeType::get(Bits))
    return Op->emitOpError("by encoding '")
           << E.getEncodingName() << "' needs the pointer's own place, of type "
           << NativeType::get(Bits) << ", for a container, not " << Container;
  return success();
}

static LogicalResult checkOld(Operation *Op, PtrType Bits, Value Old) {
  EncodingInterface E = Bits.getEncoding();
  if (E.needsOldBits() && !Old)
    return Op->emitOpError("by encoding '")
           << E.getEncodingName()
           << "' looks at what the container held: give it as 'old'";
  if (!E.needsOldBits() && Old)
    return Op->emitOpError("by encoding '")
           << E.getEncodingName() << "' does not look at 'old'";
  if (Old && Old.getType() != Bits)
    return Op->emitOpError("has 'old' of type ")
           << Old.getType() << " where it gives " << Bits;
  return success();
}

LogicalResult
DecodeOp::inferReturnTypes(MLIRContext *, std::optional<Location> Loc,
                           DecodeOp::Adaptor Of, SmallVectorImpl<Type> &Types) {
  auto Bits = dyn_cast<PtrType>(Of.getBits().getType());
  if (!Bits)
    return emitOptionalError(Loc, "'perdure.decode' needs a !perdure.ptr");
  Types.push_back(NativeType::get(Bits.getTarget()));
  return success();
}

LogicalResult DecodeOp::verify() {
  return checkContainer(*this, getBits().getType(), getContainer().getType());
}

LogicalResult EncodeOp::verify() {
  PtrType Bits = getResult().getType();
  if (getPointer().getType().getTarget() != Bits.getTarget())
    return emitOpError("makes ")
           << Bits << " of a pointer to " << getPointer().getType().getTarget();
  if (failed(checkContainer(*this, Bits, getContainer().getType())))
    return failure();
  return checkOld(*this, Bits, getOld());
}

LogicalResult
ReencodeOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                             ReencodeOp::Adaptor Of,
                             SmallVectorImpl<Type> &Types) {
  Types.push_back(Of.getBits().getType());
  return success();
}

LogicalResult ReencodeOp::verify() {
  PtrType Bits = getBits().getType();
  if (failed(checkContainer(*this, Bits, getFrom().getType())) ||
      failed(checkContainer(*this, Bits, getTo().getType())))
    return failure();
  return checkOld(*this, Bits, getOld());
}

LogicalResult BaseOp::verify() {
  Type T = getOf().getType();
  if (isa<NativeType>(T))
    return success();
  if (auto M = dyn_cast<MemRefType>(T);
      M && isa_and_nonnull<SpaceAttr>(M.getMemorySpace()))
    return success();
  return emitOpError("is of a native pointer, or of a memref in #perdure.space, "
                     "not of ")
         << T;
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

LogicalResult
FieldOp::inferReturnTypes(MLIRContext *, std::optional<Location> Loc,
                          FieldOp::Adaptor Of, SmallVectorImpl<Type> &Types) {
  auto Native = dyn_cast<NativeType>(Of.getRecord().getType());
  auto Record = Native ? dyn_cast<RecordType>(Native.getTarget()) : RecordType();
  if (!Record)
    return emitOptionalError(Loc, "'perdure.field' is of a native pointer to a "
                                  "record, not of ",
                             Of.getRecord().getType());
  if (!Record.isComplete())
    return emitOptionalError(Loc, "record ", Record.getName(), " has no body");
  std::optional<RecordField> Field = Record.find(Of.getField());
  if (!Field) {
    std::string Names;
    for (const RecordField &F : Record.getFields())
      Names += (Names.empty() ? "" : ", ") + F.Name.str();
    return emitOptionalError(Loc, "record ", Record.getName(), " has no field '",
                             Of.getField(), "'; there are ", Names);
  }
  Types.push_back(NativeType::get(Record.getTypeOf(*Field)));
  return success();
}

LogicalResult
ElementOp::inferReturnTypes(MLIRContext *, std::optional<Location> Loc,
                            ElementOp::Adaptor Of,
                            SmallVectorImpl<Type> &Types) {
  auto Native = dyn_cast<NativeType>(Of.getArray().getType());
  if (!Native)
    return emitOptionalError(Loc, "'perdure.element' is of a native pointer");
  Type Element = Native.getTarget();
  if (auto A = dyn_cast<ArrayType>(Element))
    Element = A.getElement();
  if (!getLayout(Element))
    return emitOptionalError(Loc, "'perdure.element' cannot tell where ",
                             Element, " ends");
  Types.push_back(NativeType::get(Element));
  return success();
}

bool CastOp::areCastCompatible(TypeRange In, TypeRange Out) {
  if (In.size() != 1 || Out.size() != 1)
    return false;
  auto IsAddress = [](Type T) {
    if (auto P = dyn_cast<LLVM::LLVMPointerType>(T))
      return P.getAddressSpace() == 0;
    return isa<NativeType, BaseType>(T);
  };
  if (IsAddress(In[0]) && IsAddress(Out[0]))
    // A base is a base by what it is of, not by a cast; but as an argument of a
    // function in C it is a pointer.
    return !isa<BaseType>(Out[0]) || isa<LLVM::LLVMPointerType>(In[0]);
  auto From = dyn_cast<PtrType>(In[0]), To = dyn_cast<PtrType>(Out[0]);
  if (From && To)
    return From.getEncoding() == To.getEncoding();
  return (From && Out[0].isSignlessInteger(64)) ||
         (To && In[0].isSignlessInteger(64));
}

LogicalResult NullOp::verify() {
  if (auto Bits = dyn_cast<PtrType>(getResult().getType());
      Bits && !Bits.getEncoding().isZeroNull())
    return emitOpError("has no one value in encoding '")
           << Bits.getEncoding().getEncodingName() << "': encode it";
  return success();
}

LogicalResult IsNullOp::verify() {
  auto Bits = dyn_cast<PtrType>(getPointer().getType());
  if (Bits && !Bits.getEncoding().isZeroNull())
    return emitOpError("cannot tell it of bits in encoding '")
           << Bits.getEncoding().getEncodingName() << "': decode them";
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

LogicalResult
LoadOp::inferReturnTypes(MLIRContext *, std::optional<Location> Loc,
                         LoadOp::Adaptor Of, SmallVectorImpl<Type> &Types) {
  auto Native = dyn_cast<NativeType>(Of.getAddress().getType());
  if (!Native)
    return emitOptionalError(Loc, "'perdure.load' is from a native pointer");
  Types.push_back(Native.getTarget());
  return success();
}

LogicalResult StoreOp::verify() {
  if (getSilent() && !canBeSilent(getValue().getType()))
    return emitOpError("cannot be silent: not all bits of ")
           << getValue().getType() << " are compared as one integer";
  return success();
}

LogicalResult AllocOp::verify() {
  if (!getLayout(getResult().getType().getTarget()))
    return emitOpError("cannot tell how large ")
           << getResult().getType().getTarget() << " is";
  return success();
}

//===----------------------------------------------------------------------===//
// Transactions
//===----------------------------------------------------------------------===//

void TransactionOp::getSuccessorRegions(
    RegionBranchPoint From, SmallVectorImpl<RegionSuccessor> &Regions) {
  if (From.isParent())
    Regions.push_back(RegionSuccessor(&getBody()));
  // An abort leaves it anywhere, and also goes on behind it.
  Regions.push_back(RegionSuccessor(getOperation(), ResultRange(nullptr, 0)));
}

LogicalResult TransactionOp::verify() {
  if (!(*this)->getParentOfType<FunctionOpInterface>())
    return emitOpError("is part of a function");
  WalkResult Found = getBody().walk([&](Operation *Op) {
    if (!isa<TransactionOp>(Op))
      return WalkResult::advance();
    Op->emitOpError("stands in another one, which it would only be part of")
            .attachNote(getLoc())
        << "the outer one";
    return WalkResult::interrupt();
  });
  return failure(Found.wasInterrupted());
}

//===----------------------------------------------------------------------===//
// Memrefs
//===----------------------------------------------------------------------===//

LogicalResult ToMemRefOp::verify() {
  auto M = cast<MemRefType>(getResult().getType());
  if (!M.getLayout().isIdentity())
    return emitOpError("makes contiguous memrefs only");
  if (M.getElementType() != getArray().getType().getTarget())
    return emitOpError("makes a memref of ")
           << M.getElementType() << " of an array of "
           << getArray().getType().getTarget();
  if (size_t(M.getNumDynamicDims()) != getSizes().size())
    return emitOpError("needs ") << M.getNumDynamicDims() << " sizes, not "
                                 << getSizes().size();
  return success();
}

LogicalResult AtOp::inferReturnTypes(MLIRContext *, std::optional<Location> Loc,
                                     AtOp::Adaptor Of,
                                     SmallVectorImpl<Type> &Types) {
  auto M = dyn_cast<MemRefType>(Of.getMemref().getType());
  if (!M || !isLoadable(M.getElementType()))
    return emitOptionalError(Loc, "'perdure.at' is of a memref of what a load "
                                  "can give");
  Types.push_back(NativeType::get(M.getElementType()));
  return success();
}

LogicalResult AtOp::verify() {
  auto M = cast<MemRefType>(getMemref().getType());
  if (M.getRank() != int64_t(getIndices().size()))
    return emitOpError("needs ") << M.getRank() << " indices, not "
                                 << getIndices().size();
  return success();
}

//===----------------------------------------------------------------------===//
// What is in one slot
//===----------------------------------------------------------------------===//

Value perdure::getRoot(Value V) {
  // Where blocks are not reached a value may be derived from itself.
  constexpr unsigned MostSteps = 1 << 12;
  const Value Of = V;
  for (unsigned Step = 0;; ++Step) {
    if (Step == MostSteps)
      return Of;
    Operation *Op = V.getDefiningOp();
    if (!Op)
      break;
    if (auto F = dyn_cast<FieldOp>(Op))
      V = F.getRecord();
    else if (auto E = dyn_cast<ElementOp>(Op))
      V = E.getArray();
    else if (auto C = dyn_cast<CastOp>(Op);
             C && isa<NativeType>(C.getIn().getType()) &&
             isa<NativeType>(C.getOut().getType()))
      V = C.getIn();
    else if (auto A = dyn_cast<AtOp>(Op);
             A && isa_and_nonnull<SpaceAttr>(
                      cast<MemRefType>(A.getMemref().getType())
                          .getMemorySpace()))
      V = A.getMemref();
    else if (auto M = dyn_cast<ToMemRefOp>(Op))
      V = M.getArray();
    else if (auto View = dyn_cast<ViewLikeOpInterface>(Op);
             View && View.getViewDest() == V &&
             isa<MemRefType>(View.getViewSource().getType()) &&
             isa_and_nonnull<SpaceAttr>(
                 cast<MemRefType>(View.getViewSource().getType())
                     .getMemorySpace()))
      V = View.getViewSource();
    else
      break;
  }
  return V;
}

bool perdure::isSameContainer(EncodingInterface E, Value A, Value B) {
  if (A == B)
    return true;
  if (!E.isMovable())
    return false;
  auto Root = [](Value V) {
    if (auto Base = V.getDefiningOp<BaseOp>())
      V = Base.getOf();
    return getRoot(V);
  };
  return Root(A) == Root(B);
}
