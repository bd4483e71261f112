//===- Contract.h - The early contract --------------------------*- C++ -*-===//
//
// The three functions by which front ends say "translate this pointer" before
// any lowering has been chosen. Front ends reach them through Clang's pointer
// authentication (see Raise.cpp) or name them directly.
//
//   ptr @perdure.decode(i64 bits, ptr container, i32 encoding)
//   i64 @perdure.encode(ptr p, ptr container, i64 old, i32 encoding)
//   i64 @perdure.reencode(i64 bits, ptr from, ptr to, i64 old, i32 encoding)
//
// A container that is the constant null stands for "somewhere in volatile
// memory": no object lies at address zero, so this needs no special rule.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_CONTRACT_H
#define PERDURE_PASSES_CONTRACT_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstrTypes.h"
#include <optional>

namespace perdure {

class Encoding;

enum class Verb { Decode, Encode, Reencode };

/// The declaration of a verb in \p M, made or repaired to carry exactly the
/// contract's attributes.
llvm::Function *getContractFunction(llvm::Module &M, Verb V);

/// The declaration if \p M has one.
llvm::Function *findContractFunction(llvm::Module &M, Verb V);

/// Which verb \p V calls, if any.
std::optional<Verb> getVerb(const llvm::Value *V);

/// A call of the early contract, with names for its operands.
class ContractCall {
  llvm::CallBase *CB = nullptr;
  Verb V = Verb::Decode;

public:
  ContractCall() = default;
  /// Tests false when \p Value is no call of the contract.
  explicit ContractCall(llvm::Value *Value);
  explicit operator bool() const { return CB != nullptr; }

  llvm::CallBase *call() const { return CB; }
  Verb verb() const { return V; }
  /// Decode and re-encode: the persistent pointer.
  llvm::Value *bits() const { return CB->getArgOperand(0); }
  /// Encode: the native pointer.
  llvm::Value *pointer() const { return CB->getArgOperand(0); }
  /// Decode, encode: the container. Re-encode: the source container.
  llvm::Value *container() const { return CB->getArgOperand(1); }
  /// Re-encode: the destination container.
  llvm::Value *to() const { return CB->getArgOperand(2); }
  /// Encode and re-encode: the container of what they give.
  llvm::Value *target() const {
    return V == Verb::Reencode ? to() : container();
  }
  /// Encode and re-encode: what the container held.
  llvm::Value *old() const {
    return CB->getArgOperand(V == Verb::Encode ? 2 : 3);
  }
  /// The operand positions that hold containers.
  llvm::SmallVector<unsigned, 2> containerOperands() const {
    if (V == Verb::Reencode)
      return {1, 2};
    return {1};
  }
  llvm::Value *encodingOperand() const {
    return CB->getArgOperand(CB->arg_size() - 1);
  }
  /// The encoding, or null where it is unknown or not constant.
  const Encoding *encoding() const;
};

/// All calls of the contract in \p F, in layout order.
llvm::SmallVector<ContractCall, 8> findContractCalls(llvm::Function &F);

/// True when any contract call is in \p M, or \p F.
bool hasContractCalls(llvm::Module &M);
bool hasContractCalls(llvm::Function &F);

/// Whether bits of \p E mean the same at both containers for certain.
bool sameContainer(const Encoding &E, llvm::Value *A, llvm::Value *B);

/// Emit one verb at \p B. \p Bundles matter inside funclets only.
llvm::CallInst *
createDecode(llvm::IRBuilderBase &B, llvm::Value *Bits, llvm::Value *Container,
             const Encoding &E,
             llvm::ArrayRef<llvm::OperandBundleDef> Bundles = {});
llvm::CallInst *
createEncode(llvm::IRBuilderBase &B, llvm::Value *Pointer,
             llvm::Value *Container, llvm::Value *Old, const Encoding &E,
             llvm::ArrayRef<llvm::OperandBundleDef> Bundles = {});
llvm::CallInst *
createReencode(llvm::IRBuilderBase &B, llvm::Value *Bits, llvm::Value *From,
               llvm::Value *To, llvm::Value *Old, const Encoding &E,
               llvm::ArrayRef<llvm::OperandBundleDef> Bundles = {});

/// Strip what hides one contract call from another without changing a defined
/// value: freeze, and casts between pointer and 64-bit integer.
llvm::Value *stripTransparent(llvm::Value *V);

} // namespace perdure

#endif
