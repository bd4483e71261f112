//===- Dialect.td - The dialect `perdure` ------------------*- tablegen -*-===//
//
// Persistent pointers in MLIR. docs/MLIR.md says why it is made so.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_MLIR_DIALECT_TD
#define PERDURE_MLIR_DIALECT_TD

include "mlir/IR/OpBase.td"

def Perdure_Dialect : Dialect {
  let name = "perdure";
  let cppNamespace = "::mlir::perdure";
  let summary = "pointers that stay valid in persistent objects";
  let description = [{
    A pointer that is stored in an object is not an address, since the object
    lies elsewhere in every process that maps it. This dialect keeps the two
    apart: `!perdure.ptr<T>` is what memory holds, `!perdure.native<T>` an
    address in this process. `perdure.decode` and `perdure.encode` lead from
    one to the other. What they need for that is the *container*, the address
    at which the persistent pointer is stored.

    ```mlir
    !node = !perdure.record<"node", body {next: !perdure.ptr<!perdure.record<"node">>, value: i64}>

    func.func @second(%n: !perdure.native<!node>) -> i64 {
      %at = perdure.field %n["next"] : !perdure.native<!node>
      %bits = perdure.load %at : !perdure.native<!perdure.ptr<!node>>
      %next = perdure.decode %bits at %at : !perdure.ptr<!node>
      %slot = perdure.field %next["value"] : !perdure.native<!node>
      %value = perdure.load %slot : !perdure.native<i64>
      return %value : i64
    }
    ```

    `convert-perdure-to-llvm` leads to the functions `perdure.decode`,
    `perdure.encode` and so on, which Clang's output comes to as well; the
    passes of PerdurePasses.so expand them. So each encoding is written once.
  }];

  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::arith::ArithDialect"];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasConstantMaterializer = 1;

  let extraClassDeclaration = [{
    /// On a module: `#perdure.reduce_flips<...>`, how its stores are lowered.
    static constexpr ::llvm::StringLiteral getReduceFlipsAttrName() {
      return "perdure.reduce_flips";
    }

    /// On a module: what `perdure-raise` has made of Clang's output, whose records
    /// have what was seen of their fields.
    static constexpr ::llvm::StringLiteral getRaisedAttrName() {
      return "perdure.raised";
    }

  private:
    void registerTypes();
    void registerAttributes();
  }];
}

#endif
