//===- Types.td - Pointers, records, arrays ----------------*- tablegen -*-===//

#ifndef PERDURE_MLIR_TYPES_TD
#define PERDURE_MLIR_TYPES_TD

include "perdure-mlir/Dialect.td"
include "perdure-mlir/Attributes.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/Interfaces/DataLayoutInterfaces.td"

class Perdure_Type<string name, string mnemonic_, list<Trait> traits = []>
    : TypeDef<Perdure_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

/// Eight bytes, as every pointer of the targets that there are.
class Perdure_Word<string name, string mnemonic_, list<Trait> traits = []>
    : Perdure_Type<name, mnemonic_, !listconcat(traits, [
        DeclareTypeInterfaceMethods<DataLayoutTypeInterface>])> {
  let extraClassDefinition = [{
    ::llvm::TypeSize $cppClass::getTypeSizeInBits(
        const ::mlir::DataLayout &, ::mlir::DataLayoutEntryListRef) const {
      return ::llvm::TypeSize::getFixed(64);
    }
    uint64_t $cppClass::getABIAlignment(
        const ::mlir::DataLayout &, ::mlir::DataLayoutEntryListRef) const {
      return 8;
    }
  }];
}

def Perdure_PtrType : Perdure_Word<"Ptr", "ptr", [MemRefElementTypeInterface]> {
  let summary = "a persistent pointer: the 64 bits that memory holds";
  let description = [{
    `!perdure.ptr<T>` leads to a T; `!perdure.ptr<T, "xor">` by another encoding
    than `object`, and `!perdure.ptr<T, #mine.encoding>` by one that another
    dialect describes. The bits mean something at a container only. In a record
    that names an encoding, a field without one has the record's.
  }];
  let parameters = (ins
    "::mlir::Type":$target,
    OptionalParameter<"::mlir::Attribute", "null: `object`">:$encodingAttr);
  let builders = [TypeBuilderWithInferredContext<(ins
    "::mlir::Type":$target, CArg<"::mlir::Attribute", "{}">:$encodingAttr)>];
  let skipDefaultBuilders = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Never null.
    ::mlir::perdure::EncodingInterface getEncoding() const;
  }];
}

def Perdure_NativeType
    : Perdure_Word<"Native", "native", [MemRefElementTypeInterface]> {
  let summary = "a native pointer: an address in this process";
  let description = [{
    `!perdure.native<T>` is where a T lies, in an object or in volatile memory;
    `!perdure.native<none>` where nobody knows what lies. As the type of a field
    it is a pointer that stays native, as `[[perdure::transient]]` says.
  }];
  let parameters = (ins "::mlir::Type":$target);
  let builders = [TypeBuilderWithInferredContext<(ins
    "::mlir::Type":$target)>];
  let skipDefaultBuilders = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Perdure_BaseType : Perdure_Type<"Base", "base"> {
  let summary = "the slot base of a container";
  let description = [{
    The first address of the slot in which an object lies; of a container in
    volatile memory, some address there. So it answers for the container: where
    the encoding keeps its meaning all over an object, decoding by it gives the
    same.
  }];
}

def Perdure_ArrayType : Perdure_Type<"Array", "array"> {
  let summary = "an array, as in C";
  let description = [{
    `!perdure.array<16 x i8>`. `!perdure.array<? x i8>`, as the last field of a
    record, is a flexible array. Not a vector and not a memref: it is nothing
    but the type of what lies somewhere.
  }];
  let parameters = (ins "int64_t":$count, "::mlir::Type":$element);
  let builders = [TypeBuilderWithInferredContext<(ins
    "int64_t":$count, "::mlir::Type":$element), [{
      return $_get(element.getContext(), count, element);
    }]>];
  let skipDefaultBuilders = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isFlexible() const { return getCount() < 0; }
  }];
}

def Perdure_RecordType : Perdure_Type<"Record", "record", [MutableType]> {
  let summary = "a struct, laid out as C does it";
  let description = [{
    ```
    record ::= `!perdure.record<` name (`,` encoding)? (`,` body)? `>`
    body   ::= (`size` int)? (`align` int)? `{` (field (`,` field)*)? `}`
    field  ::= name `:` type (`at` int)?
    ```

    Fields lie where C puts them on a target of 64 bits, unless `at` says
    otherwise; `size` and `align` are for what C code has said (`alignas`,
    fields that are left out). perdure-translate's `perdure-to-layout-checks`
    writes C that asserts all of it, for Clang to check against the struct. The
    name is the struct's; the record is known by it, and by its encoding, which
    is that of its fields that name none. Within its own body, and where it has
    been spelled before, the name alone stands for it.
  }];
  let parameters = (ins
    "::mlir::StringAttr":$name,
    "::mlir::Attribute":$encodingAttr,
    "::llvm::ArrayRef<::mlir::perdure::RecordField>":$fields,
    "uint64_t":$size,
    "uint64_t":$alignment,
    "bool":$complete);
  let genStorageClass = 0;
  let genAccessors = 0;
  let skipDefaultBuilders = 1;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 0;
  let extraClassDeclaration = [{
    using Base::getChecked;

    /// The record of that name, with or without a body.
    static RecordType get(::mlir::StringAttr Name,
                          ::mlir::Attribute Encoding = {});

    /// Gives it its body, once. Offsets that are `RecordField::Natural` are
    /// chosen as C does, and so are size and alignment where they are 0. Fails
    /// where it has another body already; the body has to be one that
    /// `checkBody` takes.
    ::llvm::LogicalResult setBody(::llvm::ArrayRef<RecordField> Fields,
                                  uint64_t Size = 0, uint64_t Alignment = 0);
    /// What is wrong with a body, and what of.
    static ::llvm::LogicalResult
    checkBody(::llvm::function_ref<::mlir::InFlightDiagnostic()> EmitError,
              ::mlir::StringAttr Name, ::llvm::ArrayRef<RecordField> Fields,
              uint64_t Size, uint64_t Alignment);

    ::mlir::StringAttr getName() const;
    /// Null: fields that name none have `object`.
    ::mlir::Attribute getEncodingAttr() const;
    bool isComplete() const;
    /// In order, with their offsets. Empty where it has no body.
    ::llvm::ArrayRef<RecordField> getFields() const;
    /// In bytes.
    uint64_t getSize() const;
    uint64_t getAlignment() const;

    std::optional<RecordField> find(::llvm::StringRef Field) const;
    /// The type of what is in a field: of pointers, with the record's encoding
    /// where they name none.
    ::mlir::Type getTypeOf(const RecordField &Field) const;
  }];
}

/// What may lie in memory: a size and an alignment are known.
def Perdure_Stored : Type<
  CPred<"::mlir::perdure::getLayout($_self).has_value()">,
  "type with a layout in memory">;
/// What a load gives: everything but records and arrays.
def Perdure_Loadable : Type<
  CPred<"::mlir::perdure::isLoadable($_self)">,
  "integer, float, index, vector or pointer">;
def Perdure_AnyPtr : Type<
  CPred<"::llvm::isa<::mlir::perdure::PtrType>($_self)">,
  "persistent pointer", "::mlir::perdure::PtrType">;
def Perdure_AnyNative : Type<
  CPred<"::llvm::isa<::mlir::perdure::NativeType>($_self)">,
  "native pointer", "::mlir::perdure::NativeType">;
/// What decode and encode take for a container.
def Perdure_Container : AnyTypeOf<[Perdure_AnyNative, Perdure_BaseType],
  "native pointer or slot base">;

#endif
