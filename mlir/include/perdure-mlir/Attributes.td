//===- Attributes.td - Encodings, places and policies ------*- tablegen -*-===//

#ifndef PERDURE_MLIR_ATTRIBUTES_TD
#define PERDURE_MLIR_ATTRIBUTES_TD

include "perdure-mlir/Dialect.td"
include "perdure-mlir/Interfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"

class Perdure_Attr<string name, string mnemonic_, list<Trait> traits = []>
    : AttrDef<Perdure_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

def Perdure_EncodingAttr : Perdure_Attr<"Encoding", "encoding", [
    DeclareAttrInterfaceMethods<Perdure_EncodingInterface>]> {
  let summary = "an encoding that the passes know, by name";
  let description = [{
    `#perdure.encoding<"xor">`. What is true of it comes from PerdurePasses.so,
    encodings of other plugins included (`--load-encodings`), so that each is
    described once.
  }];
  let parameters = (ins StringRefParameter<"as abi.def names it">:$name);
  let assemblyFormat = "`<` $name `>`";
  let genVerifyDecl = 1;
}

def Perdure_SpaceAttr : Perdure_Attr<"Space", "space"> {
  let summary = "the memory space of what lies in objects";
  let description = [{
    The memory space of a memref whose elements may lie in an object, as in
    `memref<?x!perdure.ptr<i64>, #perdure.space>`. Its descriptor carries the
    slot base, by which all elements are decoded. It may as well lie in volatile
    memory.
  }];
}

def Perdure_ReduceFlipsAttr : Perdure_Attr<"ReduceFlips", "reduce_flips"> {
  let summary = "how a module is lowered so that stores flip few bits";
  let description = [{
    `#perdure.reduce_flips<"silent", "merge">`, as `perdure.reduce_flips` of a
    module: the policies of `-fperdure-reduce-flips` (docs/BitFlips.md).
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$policies);
  let assemblyFormat = "`<` $policies `>`";
  let genVerifyDecl = 1;
}

#endif
