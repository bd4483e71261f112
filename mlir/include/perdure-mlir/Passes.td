//===- Passes.td - Passes over `perdure` -------------------*- tablegen -*-===//
//
// docs/MLIRPasses.md is made of this file.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_MLIR_PASSES_TD
#define PERDURE_MLIR_PASSES_TD

include "mlir/Pass/PassBase.td"

def HoistBases : Pass<"perdure-hoist-bases"> {
  let summary = "decode and encode by slot bases that loops carry";
  let description = [{
    Every container whose encoding means the same all over an object is replaced
    by its slot base, asked of what the container was derived from: an array's
    elements and a record's fields lie in the slot of the array and the record.
    What does not change in a loop is then hoisted by upstream's
    `loop-invariant-code-motion`.

    A base that is asked of a value that a loop or a branch carries is carried
    beside it: `scf.for`, `scf.while`, and the block arguments of `cf`. Of
    `scf.if`, each side gives one.

    Before:
    ```mlir
    scf.for %i = %zero to %n step %one {
      %e = perdure.element %edges[%i : index] : !perdure.native<!perdure.ptr<!node>>
      %bits = perdure.load %e : !perdure.native<!perdure.ptr<!node>>
      %to = perdure.decode %bits at %e : !perdure.ptr<!node>
    ```
    After, with the invariant hoisted:
    ```mlir
    %base = perdure.base %edges : !perdure.native<!perdure.ptr<!node>>
    scf.for %i = %zero to %n step %one {
      %e = perdure.element %edges[%i : index] : !perdure.native<!perdure.ptr<!node>>
      %bits = perdure.load %e : !perdure.native<!perdure.ptr<!node>>
      %to = perdure.decode %bits at %base : !perdure.ptr<!node>, !perdure.base
    ```
  }];
  let dependentDialects = ["::mlir::perdure::PerdureDialect"];
}

def ChooseEncodings : Pass<"perdure-choose-encodings", "::mlir::ModuleOp"> {
  let summary = "gives records another encoding";
  let description = [{
    `encodings=node=xor,edge=self-relative`: the pointer fields of these records
    that name no encoding get this one, and what reads and writes them with them;
    `*` is every record. All others get `object`, which they had: so it is done once.

    Followed are places and their loads, stores and translations, and memrefs made of
    them. What hands bits or places on over a branch, a region or a call, gives them,
    or casts them, is an error, with a note at each place that meets there: run `inline`
    and `symbol-dce` before, and decode where it is loaded. A cast of a record's address
    is one where it takes the record for something that has another encoding, or none,
    and so is what the LLVM dialect reads there. So are a module that was raised, part of
    which Clang has compiled, and another record that has the name and the encoding
    already.

    What others have written to an object in another encoding is not converted:
    choose before the object is made, and the same in all programs that open it.
  }];
  let options = [
    ListOption<"encodings", "encodings", "std::string",
               "RECORD=ENCODING, with commas between them">
  ];
  let dependentDialects = ["::mlir::perdure::PerdureDialect"];
}

def StorePolicies : Pass<"perdure-store-policies"> {
  let summary = "marks the stores that are to be silent";
  let description = [{
    Where the module's `#perdure.reduce_flips` names `silent`, marks those stores
    that overwrite what is loaded from the same address before: they may find
    there what they store. `all` marks every store.
  }];
  let options = [
    Option<"all", "all", "bool", "false", "every store">
  ];
}

def LowerMemRefs : Pass<"perdure-lower-memrefs"> {
  let summary = "accesses of memrefs in #perdure.space as accesses of objects";
  let description = [{
    `memref.load` and `memref.store` become `perdure.at` and an access of the
    dialect. `perdure-hoist-bases` then has decodes whose container is an element
    take the base that the memref's descriptor carries.
  }];
  let dependentDialects = ["::mlir::perdure::PerdureDialect"];
}

def OutlineTransactions
    : Pass<"perdure-outline-transactions", "::mlir::ModuleOp"> {
  let summary = "each transaction a function of its own";
  let description = [{
    With the attribute by which PerdurePasses.so knows a transaction: a body that
    is called, logged and committed as a whole. What the body uses from outside
    it gets as arguments.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def Raise : Pass<"perdure-raise", "::mlir::ModuleOp"> {
  let summary = "annotated code of Clang's, imported, as operations of the dialect";
  let description = [{
    Over the LLVM dialect, as `perdure-translate --import-llvm` gives it of IR on
    which `opt -passes=perdure-raise` has run: calls of the early contract become
    decode, encode and reencode; what gives them their containers becomes field
    and element, with the loads and stores of it. Record types are made of LLVM's
    struct types, with the encodings that were seen at their fields, and with the
    names of fields where there is debug info. None is made of a struct whose members
    the module's data layout does not place as C does; LLVM's own, where no target was
    said, is such.

    What does not fit stays in the LLVM dialect, beside it.
  }];
  let dependentDialects = ["::mlir::perdure::PerdureDialect",
                           "::mlir::cf::ControlFlowDialect"];
}

def ConvertPerdureToLLVM
    : Pass<"convert-perdure-to-llvm", "::mlir::ModuleOp"> {
  let summary = "the dialect to the LLVM dialect, by the early contract";
  let description = [{
    Decode, encode, re-encode and base become calls of the functions of the early
    contract (include/perdure/abi.def), which PerdurePasses.so expands; the rest
    becomes address arithmetic and accesses, with alias information from the types.
    Functions of `func`, `cf`, `arith` and memrefs are converted with it, and what
    else is loaded and can be. Transactions are outlined first. Run
    `convert-scf-to-cf` before.
  }];
  let options = [
    Option<"slotBits", "slot-bits", "unsigned", "0",
           "log2 of the slot size, where it is not the default (perdure-cc's "
           "-fperdure-slot-bits)">,
    Option<"carryBases", "carry-bases", "bool", "true",
           "PerdurePasses.so carries bases; without, to measure what that is "
           "worth, containers stay as they are">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::perdure::PerdureDialect"];
}

#endif
