//===- Types.cpp - Pointers, records, arrays ------------------------------===//

#include "perdure-mlir/Dialect.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace mlir::perdure;

//===----------------------------------------------------------------------===//
// Storage of records: known by name and encoding, with a body that comes later.
//===----------------------------------------------------------------------===//

namespace mlir::perdure::detail {

struct RecordTypeStorage : TypeStorage {
  using KeyTy = std::pair<StringAttr, Attribute>;

  StringAttr Name;
  Attribute Encoding;
  bool Complete = false;
  ArrayRef<RecordField> Fields;
  uint64_t Size = 0, Alignment = 1;

  explicit RecordTypeStorage(const KeyTy &Key)
      : Name(Key.first), Encoding(Key.second) {}

  KeyTy getAsKey() const { return {Name, Encoding}; }
  bool operator==(const KeyTy &Key) const { return Key == getAsKey(); }
  static llvm::hash_code hashKey(const KeyTy &Key) {
    return llvm::hash_combine(Key.first, Key.second);
  }
  static RecordTypeStorage *construct(TypeStorageAllocator &Allocator,
                                      const KeyTy &Key) {
    return new (Allocator.allocate<RecordTypeStorage>()) RecordTypeStorage(Key);
  }

  LogicalResult mutate(TypeStorageAllocator &Allocator,
                       ArrayRef<RecordField> Body, uint64_t S, uint64_t A) {
    if (Complete)
      return success(Fields == Body && Size == S && Alignment == A);
    Fields = Allocator.copyInto(Body);
    Size = S;
    Alignment = A;
    Complete = true;
    return success();
  }
};

} // namespace mlir::perdure::detail

#define GET_TYPEDEF_CLASSES
#include "perdure-mlir/Types.cpp.inc"

void PerdureDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "perdure-mlir/Types.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

/// What no slot holds, and what sums of are far from wrapping.
static constexpr uint64_t MostBytes = uint64_t(1) << 48;

std::optional<Layout> perdure::getLayout(Type T) {
  auto Word = [](uint64_t Bytes) { return Layout{Bytes, Bytes}; };
  return TypeSwitch<Type, std::optional<Layout>>(T)
      .Case([&](IntegerType I) -> std::optional<Layout> {
        // C's: the others have no one size.
        if (!llvm::is_contained({1, 8, 16, 32, 64, 128}, int(I.getWidth())))
          return std::nullopt;
        return Word(std::max(1u, I.getWidth() / 8));
      })
      .Case([&](FloatType F) -> std::optional<Layout> {
        unsigned Bits = F.getWidth();
        if (Bits == 80)
          return Word(16);
        if (!llvm::is_contained({16, 32, 64, 128}, int(Bits)))
          return std::nullopt;
        return Word(Bits / 8);
      })
      .Case<IndexType, PtrType, NativeType>([&](Type) { return Word(8); })
      .Case([&](LLVM::LLVMPointerType P) -> std::optional<Layout> {
        return P.getAddressSpace() ? std::nullopt : std::optional(Word(8));
      })
      .Case([&](VectorType V) -> std::optional<Layout> {
        // As LLVM has them: of one dimension, without padding in elements.
        std::optional<Layout> E = getLayout(V.getElementType());
        if (!E || V.isScalable() || V.getRank() > 1 ||
            V.getElementType().isInteger(1) || isa<Float80Type>(V.getElementType()))
          return std::nullopt;
        std::optional<uint64_t> Size =
            llvm::checkedMulUnsigned(E->Size, uint64_t(V.getNumElements()));
        if (!Size || *Size > MostBytes)
          return std::nullopt;
        return Word(llvm::PowerOf2Ceil(*Size));
      })
      .Case([&](ArrayType A) -> std::optional<Layout> {
        std::optional<Layout> E = getLayout(A.getElement());
        if (!E || A.isFlexible())
          return std::nullopt;
        std::optional<uint64_t> Size =
            llvm::checkedMulUnsigned(E->Size, uint64_t(A.getCount()));
        if (!Size || *Size > MostBytes)
          return std::nullopt;
        return Layout{*Size, E->Alignment};
      })
      .Case([&](RecordType R) -> std::optional<Layout> {
        if (!R.isComplete())
          return std::nullopt;
        return Layout{R.getSize(), R.getAlignment()};
      })
      .Default([](Type) { return std::nullopt; });
}

/// What lies in a field, but for its encoding and what it leads to: of two fields with
/// the same, either both hold persistent pointers or neither does.
static std::pair<unsigned, uint64_t> kindAndSize(Type T) {
  std::optional<Layout> L = getLayout(T);
  while (auto A = dyn_cast<ArrayType>(T))
    T = A.getElement();
  return {isa<PtrType>(T) ? 2 : isa<RecordType>(T), L ? L->Size : ~uint64_t(0)};
}

bool perdure::hasSameLayout(RecordType A, RecordType B) {
  auto IsSame = [](const RecordField &F, const RecordField &G) {
    return F.Name == G.Name && F.Offset == G.Offset &&
           kindAndSize(F.Of) == kindAndSize(G.Of);
  };
  return A.getSize() == B.getSize() && A.getAlignment() == B.getAlignment() &&
         llvm::equal(A.getFields(), B.getFields(), IsSame);
}

bool perdure::isLoadable(Type T) {
  return !isa<RecordType, ArrayType>(T) && getLayout(T);
}

bool perdure::canBeSilent(Type T) {
  return isLoadable(T) && !isa<VectorType>(T) && !isa<Float80Type>(T);
}

/// What a pointer may lead to: also what nobody has described.
static bool isTarget(Type T) {
  if (auto A = dyn_cast<ArrayType>(T))
    return isTarget(A.getElement());
  return isa<NoneType, RecordType>(T) || getLayout(T);
}

/// The layout of a field; of a flexible array, no bytes with the alignment of
/// its elements.
static std::optional<Layout> layoutOfField(Type T) {
  if (auto A = dyn_cast<ArrayType>(T); A && A.isFlexible()) {
    std::optional<Layout> E = getLayout(A.getElement());
    return E ? std::optional(Layout{0, E->Alignment}) : std::nullopt;
  }
  return getLayout(T);
}

//===----------------------------------------------------------------------===//
// Encodings in types: a name for our own, else the attribute.
//===----------------------------------------------------------------------===//

static ParseResult parseEncoding(AsmParser &Parser, Attribute &Encoding) {
  std::string Name;
  SMLoc Loc = Parser.getCurrentLocation();
  if (succeeded(Parser.parseOptionalString(&Name))) {
    auto Emit = [&] { return Parser.emitError(Loc); };
    Encoding = EncodingAttr::getChecked(
        function_ref<InFlightDiagnostic()>(Emit), Parser.getContext(),
        StringRef(Name));
    return success(Encoding != nullptr);
  }
  return Parser.parseAttribute(Encoding);
}

static void printEncoding(AsmPrinter &Printer, Attribute Encoding) {
  if (auto Ours = dyn_cast<EncodingAttr>(Encoding))
    Printer.printString(Ours.getName());
  else
    Printer.printAttribute(Encoding);
}

static LogicalResult checkEncoding(function_ref<InFlightDiagnostic()> EmitError,
                                   Attribute Encoding) {
  if (Encoding && !isa<EncodingInterface>(Encoding))
    return EmitError() << Encoding << " is no encoding";
  return success();
}

//===----------------------------------------------------------------------===//
// Pointers
//===----------------------------------------------------------------------===//

EncodingInterface PtrType::getEncoding() const {
  if (Attribute Given = getEncodingAttr())
    return cast<EncodingInterface>(Given);
  return EncodingAttr::get(getContext(), "object");
}

PtrType PtrType::get(Type Target, Attribute Encoding) {
  return Base::get(Target.getContext(), Target, Encoding);
}

PtrType PtrType::getChecked(function_ref<InFlightDiagnostic()> EmitError,
                            Type Target, Attribute Encoding) {
  return Base::getChecked(EmitError, Target.getContext(), Target, Encoding);
}

LogicalResult PtrType::verify(function_ref<InFlightDiagnostic()> EmitError,
                              Type Target, Attribute Encoding) {
  if (!isTarget(Target))
    return EmitError() << "a persistent pointer cannot lead to " << Target
                       << ": it has no layout in memory";
  return checkEncoding(EmitError, Encoding);
}

Type PtrType::parse(AsmParser &Parser) {
  Type Target;
  Attribute Encoding;
  SMLoc Loc = Parser.getCurrentLocation();
  if (Parser.parseLess() || Parser.parseType(Target))
    return {};
  if (succeeded(Parser.parseOptionalComma()) && parseEncoding(Parser, Encoding))
    return {};
  if (Parser.parseGreater())
    return {};
  return getChecked([&] { return Parser.emitError(Loc); }, Target, Encoding);
}

void PtrType::print(AsmPrinter &Printer) const {
  Printer << '<' << getTarget();
  if (Attribute Encoding = getEncodingAttr()) {
    Printer << ", ";
    printEncoding(Printer, Encoding);
  }
  Printer << '>';
}

NativeType NativeType::get(Type Target) {
  return Base::get(Target.getContext(), Target);
}

NativeType NativeType::getChecked(function_ref<InFlightDiagnostic()> EmitError,
                                  Type Target) {
  return Base::getChecked(EmitError, Target.getContext(), Target);
}

LogicalResult NativeType::verify(function_ref<InFlightDiagnostic()> EmitError,
                                 Type Target) {
  if (!isTarget(Target))
    return EmitError() << "a native pointer cannot lead to " << Target
                       << ": it has no layout in memory";
  return success();
}

Type NativeType::parse(AsmParser &Parser) {
  Type Target;
  SMLoc Loc = Parser.getCurrentLocation();
  if (Parser.parseLess() || Parser.parseType(Target) || Parser.parseGreater())
    return {};
  return getChecked([&] { return Parser.emitError(Loc); }, Target);
}

void NativeType::print(AsmPrinter &Printer) const {
  Printer << '<' << getTarget() << '>';
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

LogicalResult ArrayType::verify(function_ref<InFlightDiagnostic()> EmitError,
                                int64_t, Type Element) {
  if (!isTarget(Element) || isa<NoneType>(Element))
    return EmitError() << "an array cannot be of " << Element
                       << ": it has no layout in memory";
  if (auto Inner = dyn_cast<ArrayType>(Element); Inner && Inner.isFlexible())
    return EmitError() << "an array cannot be of flexible arrays";
  return success();
}

Type ArrayType::parse(AsmParser &Parser) {
  SmallVector<int64_t, 1> Counts;
  Type Element;
  SMLoc Loc = Parser.getCurrentLocation();
  if (Parser.parseLess() || Parser.parseDimensionList(Counts) ||
      Parser.parseType(Element) || Parser.parseGreater())
    return {};
  if (Counts.size() != 1) {
    Parser.emitError(Loc, "an array has one count: write an array of arrays");
    return {};
  }
  int64_t Count = ShapedType::isDynamic(Counts[0]) ? -1 : Counts[0];
  return Parser.getChecked<ArrayType>(Loc, Parser.getContext(), Count, Element);
}

void ArrayType::print(AsmPrinter &Printer) const {
  Printer << '<';
  if (isFlexible())
    Printer << '?';
  else
    Printer << getCount();
  Printer << 'x' << getElement() << '>';
}

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

RecordType RecordType::get(StringAttr Name, Attribute Encoding) {
  return Base::get(Name.getContext(), Name, Encoding);
}

StringAttr RecordType::getName() const { return getImpl()->Name; }
Attribute RecordType::getEncodingAttr() const { return getImpl()->Encoding; }
bool RecordType::isComplete() const { return getImpl()->Complete; }
ArrayRef<RecordField> RecordType::getFields() const {
  return getImpl()->Fields;
}
uint64_t RecordType::getSize() const { return getImpl()->Size; }
uint64_t RecordType::getAlignment() const { return getImpl()->Alignment; }

std::optional<RecordField> RecordType::find(StringRef Name) const {
  for (const RecordField &F : getFields())
    if (F.Name == Name)
      return F;
  return std::nullopt;
}

/// At every level, and in arrays: as an annotation of a record does.
static Type withEncoding(Type T, Attribute Encoding) {
  if (auto P = dyn_cast<PtrType>(T))
    return PtrType::get(withEncoding(P.getTarget(), Encoding),
                        P.getEncodingAttr() ? P.getEncodingAttr() : Encoding);
  if (auto A = dyn_cast<ArrayType>(T))
    return ArrayType::get(A.getCount(), withEncoding(A.getElement(), Encoding));
  return T;
}

Type RecordType::getTypeOf(const RecordField &F) const {
  return getEncodingAttr() ? withEncoding(F.Of, getEncodingAttr()) : F.Of;
}

/// The offsets of all fields, and what follows from them.
static SmallVector<RecordField> place(ArrayRef<RecordField> Given,
                                      uint64_t &Size, uint64_t &Alignment) {
  SmallVector<RecordField> Fields(Given);
  uint64_t End = 0, Widest = 1;
  for (RecordField &F : Fields) {
    Layout L = *layoutOfField(F.Of);
    if (F.Offset == RecordField::Natural)
      F.Offset = llvm::alignTo(End, L.Alignment);
    End = std::max(End, F.Offset + L.Size);
    Widest = std::max(Widest, L.Alignment);
  }
  if (!Alignment)
    Alignment = Widest;
  if (!Size)
    Size = llvm::alignTo(End, Alignment);
  return Fields;
}

LogicalResult
RecordType::checkBody(function_ref<InFlightDiagnostic()> EmitError,
                      StringAttr Name, ArrayRef<RecordField> Given,
                      uint64_t GivenSize, uint64_t GivenAlignment) {
  auto Error = [&] { return EmitError() << "record " << Name << ": "; };
  for (auto [I, F] : llvm::enumerate(Given)) {
    for (const RecordField &Other : Given.take_front(I))
      if (Other.Name == F.Name)
        return Error() << "two fields are called " << F.Name;
    if (!layoutOfField(F.Of))
      return Error() << "field " << F.Name << " of type " << F.Of
                     << " has no layout in memory";
    if (auto A = dyn_cast<ArrayType>(F.Of);
        A && A.isFlexible() && I + 1 != Given.size())
      return Error() << "only the last field may be a flexible array";
  }
  for (uint64_t Number : {GivenSize, GivenAlignment})
    if (Number > MostBytes)
      return Error() << Number << " bytes are more than there are";
  for (const RecordField &F : Given)
    if (F.Offset != RecordField::Natural && F.Offset > MostBytes)
      return Error() << "field " << F.Name << " at " << F.Offset
                     << " lies behind all that there is";
  uint64_t Size = GivenSize, Alignment = GivenAlignment;
  SmallVector<RecordField> Fields = place(Given, Size, Alignment);
  if (!llvm::isPowerOf2_64(Alignment) || Size % Alignment)
    return Error() << "size " << Size << " and alignment " << Alignment
                   << " do not go together";
  uint64_t End = 0;
  for (const RecordField &F : Fields) {
    Layout L = *layoutOfField(F.Of);
    if (F.Offset % L.Alignment)
      return Error() << "field " << F.Name << " at " << F.Offset
                     << " is not aligned to " << L.Alignment;
    if (Alignment < L.Alignment)
      return Error() << "field " << F.Name << " needs alignment "
                     << L.Alignment;
    if (F.Offset < End)
      return Error() << "field " << F.Name << " at " << F.Offset
                     << " overlaps what lies before it";
    End = F.Offset + L.Size;
  }
  if (Size > MostBytes)
    return Error() << Size << " bytes are more than there are";
  if (End > Size)
    return Error() << "its fields end at " << End << ", behind its size, "
                   << Size;
  return success();
}

LogicalResult RecordType::setBody(ArrayRef<RecordField> Given, uint64_t Size,
                                  uint64_t Alignment) {
  SmallVector<RecordField> Fields = place(Given, Size, Alignment);
  return Base::mutate(ArrayRef<RecordField>(Fields), Size, Alignment);
}

namespace {
/// Records that have been spelled, but hold by value one that is just being spelled:
/// a pointer of that leads to them. They get their bodies when it has its own.
struct Spelled {
  RecordType Record;
  SmallVector<RecordField> Fields;
  uint64_t Size, Alignment;
  SMLoc Loc;
  size_t Known = 0; ///< as many fields have layouts

  /// The next record that it holds by value and that has no layout; null: all have.
  RecordType next() {
    for (; Known != Fields.size(); ++Known) {
      Type T = Fields[Known].Of;
      while (auto A = dyn_cast<ArrayType>(T))
        T = A.getElement();
      if (auto R = dyn_cast<RecordType>(T); R && !R.isComplete())
        return R;
    }
    return {};
  }
  LogicalResult finish(AsmParser &Parser) {
    auto EmitError = [&] { return Parser.emitError(Loc); };
    if (failed(RecordType::checkBody(EmitError, Record.getName(), Fields, Size,
                                     Alignment)))
      return failure();
    if (failed(Record.setBody(Fields, Size, Alignment)))
      return EmitError() << "record " << Record.getName()
                         << " has another body already";
    return success();
  }
};

/// Of the record that is being parsed outermost.
struct Parsing {
  llvm::MapVector<RecordType, SmallVector<Spelled>> Waiting; ///< by what for

  /// Gives it its body, or has it wait; then those that have waited for it.
  LogicalResult finish(AsmParser &Parser, Spelled S) {
    SmallVector<Spelled> Ready{std::move(S)};
    while (!Ready.empty()) {
      Spelled This = Ready.pop_back_val();
      if (RecordType R = This.next()) {
        Waiting[R].push_back(std::move(This));
        continue;
      }
      if (failed(This.finish(Parser)))
        return failure();
      if (auto It = Waiting.find(This.Record); It != Waiting.end())
        llvm::append_range(Ready, std::exchange(It->second, {}));
    }
    return success();
  }
};
thread_local Parsing *Outermost = nullptr;
} // namespace

Type RecordType::parse(AsmParser &Parser) {
  Parsing Own;
  llvm::SaveAndRestore Current(Outermost, Outermost ? Outermost : &Own);
  std::string Name;
  Attribute Encoding;
  if (Parser.parseLess() || Parser.parseString(&Name))
    return {};
  bool HasBody = false;
  uint64_t Size = 0, Alignment = 0;
  SmallVector<RecordField> Fields;
  SMLoc Loc = Parser.getCurrentLocation();

  auto ParseNumber = [&](StringRef Keyword, uint64_t &Number) -> ParseResult {
    if (failed(Parser.parseOptionalKeyword(Keyword)))
      return success();
    int64_t Given;
    SMLoc At = Parser.getCurrentLocation();
    if (Parser.parseInteger(Given))
      return failure();
    if (Given < 0)
      return Parser.emitError(At, "expected a number from 0 on");
    Number = Given;
    return success();
  };
  auto ParseField = [&]() -> ParseResult {
    std::string FieldName;
    RecordField F;
    if (Parser.parseKeywordOrString(&FieldName) || Parser.parseColon() ||
        Parser.parseType(F.Of) || ParseNumber("at", F.Offset))
      return failure();
    F.Name = StringAttr::get(Parser.getContext(), FieldName);
    Fields.push_back(F);
    return success();
  };
  auto ParseBody = [&]() -> ParseResult {
    HasBody = true;
    return failure(ParseNumber("size", Size) ||
                   ParseNumber("align", Alignment) ||
                   Parser.parseCommaSeparatedList(
                       AsmParser::Delimiter::Braces, ParseField));
  };
  auto IsBodyNext = [&] {
    // What an encoding never begins with.
    return succeeded(Parser.parseOptionalKeyword("body"));
  };

  if (succeeded(Parser.parseOptionalComma())) {
    bool Body = IsBodyNext();
    if (!Body) {
      if (parseEncoding(Parser, Encoding) ||
          failed(checkEncoding([&] { return Parser.emitError(Loc); },
                               Encoding)))
        return {};
      if (succeeded(Parser.parseOptionalComma())) {
        if (Parser.parseKeyword("body"))
          return {};
        Body = true;
      }
    }
    if (Body && ParseBody())
      return {};
  }
  if (Parser.parseGreater())
    return {};

  auto Record =
      RecordType::get(StringAttr::get(Parser.getContext(), Name), Encoding);
  if (!HasBody)
    return Record;
  if (failed(Outermost->finish(Parser, {Record, Fields, Size, Alignment, Loc})))
    return {};
  for (auto &[For, All] : Own.Waiting) // empty but in the outermost
    for (Spelled &S : All)
      if (failed(S.finish(Parser))) // says what has no layout
        return {};
  return Record;
}

void RecordType::print(AsmPrinter &Printer) const {
  Printer << '<';
  Printer.printString(getName().getValue());
  if (Attribute Encoding = getEncodingAttr()) {
    Printer << ", ";
    printEncoding(Printer, Encoding);
  }
  FailureOr<AsmPrinter::CyclicPrintReset> Whole =
      Printer.tryStartCyclicPrint(*this);
  if (failed(Whole) || !isComplete()) {
    Printer << '>';
    return;
  }
  // Only what C would not do by itself.
  uint64_t Size = 0, Alignment = 0;
  place(getFields(), Size, Alignment);
  if (getAlignment() != Alignment) // on which the size depends
    Size = llvm::alignTo(Size, getAlignment());
  Printer << ", body ";
  if (getSize() != Size)
    Printer << "size " << getSize() << ' ';
  if (getAlignment() != Alignment)
    Printer << "align " << getAlignment() << ' ';
  Printer << '{';
  uint64_t End = 0;
  llvm::interleaveComma(getFields(), Printer, [&](const RecordField &F) {
    Layout L = *layoutOfField(F.Of);
    Printer.printKeywordOrString(F.Name.getValue());
    Printer << ": " << F.Of;
    if (F.Offset != llvm::alignTo(End, L.Alignment))
      Printer << " at " << F.Offset;
    End = F.Offset + L.Size;
  });
  Printer << "}>";
}

void perdure::forEachRecord(Operation *Top,
                            function_ref<void(RecordType)> Visit) {
  AttrTypeWalker Walker; // looks at a type once
  Walker.addWalk([&](RecordType R) {
    Visit(R);
    for (const RecordField &F : R.getFields())
      Walker.walk(F.Of);
  });
  Top->walk([&](Operation *Op) {
    Walker.walk(Op->getAttrDictionary());
    for (Type T : Op->getResultTypes())
      Walker.walk(T);
    for (Region &Body : Op->getRegions())
      for (Block &B : Body)
        for (Type T : B.getArgumentTypes())
          Walker.walk(T);
  });
}
