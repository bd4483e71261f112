//===- Ops.td - The operations of `perdure` ----------------*- tablegen -*-===//

#ifndef PERDURE_MLIR_OPS_TD
#define PERDURE_MLIR_OPS_TD

include "perdure-mlir/Dialect.td"
include "perdure-mlir/Types.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/CastInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Perdure_Op<string mnemonic, list<Trait> traits = []>
    : Op<Perdure_Dialect, mnemonic, traits>;

/// The object's table of the objects that its pointers lead to, and the
/// report of what cannot be encoded.
def Perdure_FotResource : Resource<"::mlir::perdure::FotResource">;
/// Blocks of objects.
def Perdure_BlocksResource : Resource<"::mlir::perdure::BlocksResource">;

//===----------------------------------------------------------------------===//
// Translation
//===----------------------------------------------------------------------===//

def Perdure_DecodeOp : Perdure_Op<"decode", [
    NoMemoryEffect, InferTypeOpAdaptor]> {
  let summary = "persistent pointer to native pointer";
  let description = [{
    Where the bits lead that lie, or would lie, at the container. Null for null.

    ```mlir
    %next = perdure.decode %bits at %field : !perdure.ptr<!node>
    %next = perdure.decode %bits at %base : !perdure.ptr<!node>, !perdure.base
    ```

    Without an effect: an identifier keeps its slot for as long as its store is
    open, so two decodes of the same are one. Not speculatable: of bits that
    are none, it may give anything, and the container has to be there.
  }];
  let arguments = (ins Perdure_AnyPtr:$bits, Perdure_Container:$container);
  let results = (outs Perdure_AnyNative:$result);
  let assemblyFormat = [{
    $bits `at` $container attr-dict `:`
    custom<BitsAndContainer>(type($bits), type($container))
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def Perdure_EncodeOp : Perdure_Op<"encode", [
    MemoryEffects<[MemRead<Perdure_FotResource>,
                   MemWrite<Perdure_FotResource>]>]> {
  let summary = "native pointer to persistent pointer";
  let description = [{
    The bits by which the container leads to the pointer. It may enter an object
    into the container's table; where the pointer cannot be encoded, the program
    stops here, before the store. `old`, where the encoding looks at it, is what
    the container holds.

    ```mlir
    %bits = perdure.encode %p at %field : !perdure.ptr<!node>
    %bits = perdure.encode %p at %field old %held : !perdure.ptr<!node, "inverted">
    ```
  }];
  let arguments = (ins Perdure_AnyNative:$pointer, Perdure_Container:$container,
                       Optional<Perdure_AnyPtr>:$old);
  let results = (outs Perdure_AnyPtr:$result);
  let assemblyFormat = [{
    $pointer `at` $container (`old` $old^)? attr-dict `:`
    custom<EncodeTypes>(type($pointer), type($container), ref($old), type($old),
                        type($result))
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def Perdure_ReencodeOp : Perdure_Op<"reencode", [
    MemoryEffects<[MemRead<Perdure_FotResource>,
                   MemWrite<Perdure_FotResource>]>, InferTypeOpAdaptor]> {
  let summary = "persistent pointer at one container to persistent pointer at another";
  let description = [{
    The bits that lead from `to` to where `bits` lead from `from`. Keeps what
    cannot be followed just now: a target whose object is missing.

    ```mlir
    %copy = perdure.reencode %bits from %a to %b : !perdure.ptr<!node>
    ```
  }];
  let arguments = (ins Perdure_AnyPtr:$bits, Perdure_Container:$from,
                       Perdure_Container:$to, Optional<Perdure_AnyPtr>:$old);
  let results = (outs Perdure_AnyPtr:$result);
  let assemblyFormat = [{
    $bits `from` $from `to` $to (`old` $old^)? attr-dict `:`
    custom<ReencodeTypes>(type($bits), type($from), type($to), ref($old),
                          type($old))
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def Perdure_BaseOp : Perdure_Op<"base", [Pure]> {
  let summary = "the slot base of a container";
  let description = [{
    What decode and encode want of a container, of encodings that mean the same
    all over an object. One mask; it depends on the slot alone, so it is the same
    for all that lies in one object.

    ```mlir
    %b = perdure.base %field : !perdure.native<!perdure.ptr<!node>>
    %b = perdure.base %edges : memref<?x!perdure.ptr<!node>, #perdure.space>
    ```
  }];
  let arguments = (ins AnyType:$of);
  let results = (outs Perdure_BaseType:$result);
  let assemblyFormat = "$of attr-dict `:` type($of)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

def Perdure_FieldOp : Perdure_Op<"field", [Pure, InferTypeOpAdaptor]> {
  let summary = "the address of a field";
  let description = [{
    ```mlir
    %at = perdure.field %node["next"] : !perdure.native<!node>
    ```
  }];
  let arguments = (ins Perdure_AnyNative:$record, StrAttr:$field);
  let results = (outs Perdure_AnyNative:$result);
  let assemblyFormat = "$record `[` $field `]` attr-dict `:` type($record)";
}

def Perdure_ElementOp : Perdure_Op<"element", [Pure, InferTypeOpAdaptor]> {
  let summary = "the address of an element";
  let description = [{
    Of an array, its element; of any other T, that many T further. As in C, the
    result lies in what the pointer leads to, or right behind it, and so in the
    same object.

    ```mlir
    %e = perdure.element %edges[%i : index] : !perdure.native<!perdure.ptr<!node>>
    ```
  }];
  let arguments = (ins Perdure_AnyNative:$array,
                       AnyTypeOf<[Index, I64, I32]>:$index);
  let results = (outs Perdure_AnyNative:$result);
  let assemblyFormat =
      "$array `[` $index `:` type($index) `]` attr-dict `:` type($array)";
  let hasFolder = 1;
}

def Perdure_CastOp : Perdure_Op<"cast", [
    Pure, DeclareOpInterfaceMethods<CastOpInterface>]> {
  let summary = "the same 64 bits as another type";
  let description = [{
    Between native pointers, `!llvm.ptr` and slot bases, and between persistent
    pointers and `i64`. Nothing is translated.
  }];
  let arguments = (ins AnyType:$in);
  let results = (outs AnyType:$out);
  let assemblyFormat = "$in attr-dict `:` type($in) `to` type($out)";
  let hasFolder = 1;
}

def Perdure_NullOp : Perdure_Op<"null", [Pure, ConstantLike]> {
  let summary = "null";
  let description = [{
    Native, or persistent in an encoding where null is 0.
  }];
  let results = (outs AnyTypeOf<[Perdure_AnyNative, Perdure_AnyPtr],
                                "pointer">:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Perdure_IsNullOp : Perdure_Op<"is_null", [Pure]> {
  let summary = "whether a pointer is null";
  let description = [{
    Of native pointers, and of persistent ones in encodings where null is 0.
  }];
  let arguments = (ins AnyTypeOf<[Perdure_AnyNative, Perdure_AnyPtr],
                                 "pointer">:$pointer);
  let results = (outs I1:$result);
  let assemblyFormat = "$pointer attr-dict `:` type($pointer)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def Perdure_EqualOp : Perdure_Op<"equal", [Pure, SameTypeOperands, Commutative]> {
  let summary = "whether two native pointers are the same";
  let arguments = (ins Perdure_AnyNative:$lhs, Perdure_AnyNative:$rhs);
  let results = (outs I1:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs)";
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

defvar AccessDescription = [{
    The access has the type's alignment. Memory that is accessed as one type is
    not accessed as another, `i8` apart, as in C; `may_alias` says that this
    access may do so, and `tbaa` holds what Clang knew of it.
  }];

def Perdure_LoadOp : Perdure_Op<"load", [InferTypeOpAdaptor]> {
  let summary = "what lies at an address";
  let description = [{
    ```mlir
    %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
    ```
  }] # AccessDescription;
  let arguments = (ins
    Arg<Perdure_AnyNative, "", [MemRead]>:$address,
    UnitAttr:$may_alias, OptionalAttr<ArrayAttr>:$tbaa);
  let results = (outs Perdure_Loadable:$result);
  let assemblyFormat = "$address attr-dict `:` type($address)";
  let builders = [OpBuilder<(ins "::mlir::Value":$address), [{
    build($_builder, $_state, address, /*may_alias=*/false,
          /*tbaa=*/::mlir::ArrayAttr());
  }]>];
}

def Perdure_StoreOp : Perdure_Op<"store", [
    TypesMatchWith<"the value is what lies at the address", "address", "value",
                   "::llvm::cast<NativeType>($_self).getTarget()">]> {
  let summary = "puts a value at an address";
  let description = [{
    ```mlir
    perdure.store %bits, %at : !perdure.native<!perdure.ptr<!node>>
    perdure.store silent %level, %at : !perdure.native<i32>
    ```

    `silent`: where memory holds the value already, nothing is written
    (docs/BitFlips.md).
  }] # AccessDescription;
  let arguments = (ins
    Perdure_Loadable:$value,
    Arg<Perdure_AnyNative, "", [MemWrite]>:$address,
    UnitAttr:$silent, UnitAttr:$may_alias, OptionalAttr<ArrayAttr>:$tbaa);
  let assemblyFormat = [{
    (`silent` $silent^)? $value `,` $address attr-dict `:` type($address)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$value,
                                 "::mlir::Value":$address,
                                 CArg<"bool", "false">:$silent), [{
    build($_builder, $_state, value, address, silent, /*may_alias=*/false,
          /*tbaa=*/::mlir::ArrayAttr());
  }]>];
}

def Perdure_AllocOp : Perdure_Op<"alloc", [
    MemoryEffects<[MemRead<Perdure_BlocksResource>,
                   MemWrite<Perdure_BlocksResource>]>]> {
  let summary = "a zeroed block in the object in which a pointer lies";
  let description = [{
    Room for one, or `count`, of what the result leads to; `perdure_alloc`. Null
    where there is none.

    ```mlir
    %n = perdure.alloc near %list : !perdure.native<!list> -> !perdure.native<!node>
    %a = perdure.alloc[%count] near %list : !perdure.native<!list> -> !perdure.native<i64>
    ```
  }];
  let arguments = (ins Perdure_AnyNative:$near, Optional<Index>:$count);
  let results = (outs Res<Perdure_AnyNative, "", [MemAlloc<Perdure_BlocksResource>]>:$result);
  let assemblyFormat = [{
    (`[` $count^ `]`)? `near` $near attr-dict `:` type($near) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Perdure_FreeOp : Perdure_Op<"free", [
    MemoryEffects<[MemRead<Perdure_BlocksResource>,
                   MemWrite<Perdure_BlocksResource>]>]> {
  let summary = "frees a block; null is ignored";
  let arguments = (ins Arg<Perdure_AnyNative, "", [MemFree]>:$block);
  let assemblyFormat = "$block attr-dict `:` type($block)";
}

//===----------------------------------------------------------------------===//
// Transactions
//===----------------------------------------------------------------------===//

def Perdure_TransactionOp : Perdure_Op<"transaction", [
    SingleBlockImplicitTerminator<"EndOp">, NoRegionArguments,
    DeclareOpInterfaceMethods<RegionBranchOpInterface>]> {
  let summary = "all that is stored in it lasts, or nothing";
  let description = [{
    ```mlir
    perdure.transaction {
      perdure.store %a, %x : !perdure.native<i64>
      perdure.store %b, %y : !perdure.native<i64>
    }
    ```

    What `PERDURE_TRANSACTION` is on a function in C (docs/Durability.md): at its
    end the stores are durable; an abort undoes them and goes on behind it. It
    gives no values, since an abort has none to give.
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$body attr-dict";
  let hasVerifier = 1;
}

def Perdure_EndOp : Perdure_Op<"end", [
    Pure, Terminator, ReturnLike, HasParent<"TransactionOp">]> {
  let summary = "ends a transaction";
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Memrefs
//===----------------------------------------------------------------------===//

def Perdure_ToMemRefOp : Perdure_Op<"to_memref", [Pure]> {
  let summary = "an array as a memref";
  let description = [{
    Of dynamic sizes, one operand for each; contiguous, the last index running
    fastest.

    ```mlir
    %m = perdure.to_memref %edges[%n] : !perdure.native<!perdure.ptr<!node>>
           to memref<?x!perdure.ptr<!node>, #perdure.space>
    ```
  }];
  let arguments = (ins Perdure_AnyNative:$array, Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $array `[` $sizes `]` attr-dict `:` type($array) `to` type($result)
  }];
  let hasVerifier = 1;
}

def Perdure_AtOp : Perdure_Op<"at", [Pure, InferTypeOpAdaptor]> {
  let summary = "the address of a memref's element";
  let description = [{
    ```mlir
    %e = perdure.at %m[%i] : memref<?x!perdure.ptr<!node>, #perdure.space>
    ```
  }];
  let arguments = (ins AnyMemRef:$memref, Variadic<Index>:$indices);
  let results = (outs Perdure_AnyNative:$result);
  let assemblyFormat = "$memref `[` $indices `]` attr-dict `:` type($memref)";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

#endif
