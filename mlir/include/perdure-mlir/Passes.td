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
    and `symbol-dce` before, and decode where it is loaded. So are a module that was
    raised, or has one in it, part of which Clang has compiled; another record that has
    the name and the encoding already; and a name that no record has.

    Bits of `object` may be stored, decoded and re-encoded anywhere in their object, and
    `canonicalize`, which `inline` runs too, makes use of it. In an encoding that is not
    movable they are re-encoded where they are stored at another place of one root than
    they were loaded at or encoded for, and translated from their own place. Where the
    two have no common root it is an error: name the place that they come from, in a
    `perdure.reencode`. Where two encodings meet, a re-encode becomes a decode and an
    encode.

    The address of a record that changes, or leads to one that does, may be cast to that
    of another whose pointers lie at the same offsets, in the same encodings, as far as
    both reach, and over addresses that do not say what lies there (`!llvm.ptr`,
    `!perdure.native<none>`). Those may be copied, compared, carried by branches and
    regions, and handed to functions that are called by name; all else that they are made
    of or that uses them, as accesses of the LLVM dialect and calls through pointers, is
    an error with a note there. Trusted are: functions without a body in the module, which
    have to know the record in its new encoding (one that copies bytes does not, so
    `memcpy` is an error); who calls functions of the module from outside; operations of
    other dialects, but for the casts, that take the address with its type; what is
    derived from the address of a field, to stay in it; and code that never had the
    address from a cast here.

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
    names of fields where there is debug info. None is made of a struct that has a member
    which the module's data layout does not size and align as C does: in LLVM's own,
    where no target was said, an `i64`, which that aligns to 4 bytes. Where the module
    has no data layout, none is made.

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
