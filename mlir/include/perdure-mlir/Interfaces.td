//===- Interfaces.td - What an encoding tells --------------*- tablegen -*-===//

#ifndef PERDURE_MLIR_INTERFACES_TD
#define PERDURE_MLIR_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Perdure_EncodingInterface : AttrInterface<"EncodingInterface"> {
  let cppNamespace = "::mlir::perdure";
  let description = [{
    What the dialect has to know of an encoding, to fold and to hoist. An
    attribute of any dialect that implements it can stand where
    `#perdure.encoding` does. The words are those of `Encoding::Traits`
    (passes/Encoding.h), which says what each promises.
  }];
  let methods = [
    InterfaceMethod<"The number by which the early contract names it.",
      "unsigned", "getNumber">,
    InterfaceMethod<"The name that messages and types give it.",
      "::llvm::StringRef", "getEncodingName">,
    InterfaceMethod<"One target and container, one value.",
      "bool", "isCanonical">,
    InterfaceMethod<"Bits keep their meaning anywhere in the same object.",
      "bool", "isMovable">,
    InterfaceMethod<"Bits keep their meaning anywhere in volatile memory.",
      "bool", "isMovableInVolatile">,
    InterfaceMethod<"Null is 0, and only that.",
      "bool", "isZeroNull">,
    InterfaceMethod<"Encode looks at what the container held.",
      "bool", "needsOldBits">,
    InterfaceMethod<"Decode adds to its container's slot base.",
      "bool", "usesBase">
  ];
  let extraSharedClassDeclaration = [{
    /// Whether the slot base of a container does as well as the container:
    /// bits mean the same all over an object, and all over volatile memory.
    bool takesBase() {
      return $_attr.isMovable() && $_attr.isMovableInVolatile();
    }
  }];
}

#endif
