//===- Bases.h - Slot bases, carried beside pointers ------------*- C++ -*-===//
//
// A decode on the hot path gives a pointer into its container's own slot, so
// the base that the next hop needs is known already. This analysis finds the
// pointers through which it can be carried, and gives each a base of its own:
// phis and selects of bases beside those of pointers. docs/passes/Bases.md.
//
// The base of a pointer that lies in the window is the first address of its
// slot; that of any other pointer is some address outside the window. So it
// answers as well as the pointer does whether that lies in an object.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_PASSES_BASES_H
#define PERDURE_PASSES_BASES_H

#include "Config.h"
#include "Contract.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/ValueHandle.h"
#include <vector>

namespace llvm {
class DominatorTree;
class LoopInfo;
} // namespace llvm

namespace perdure {

/// A pointer, and what is known of it: Base + Offset = Pointer, modulo 2^64.
/// Null where nobody asked for it.
struct Decoded {
  llvm::Value *Pointer = nullptr;
  llvm::Value *Base = nullptr;
  llvm::Value *Offset = nullptr;
  llvm::Value *IsNull = nullptr; ///< may be null though asked for
};

/// What is wanted of a decode beside the pointer. An offset comes with a base.
struct DecodeParts {
  bool Base = false;
  bool Offset = false;
  /// The chase follows one field from hop to hop: where it has kept crossing
  /// by one entry of the FOT, it will do so again.
  bool Steady = false;
  /// Whether the pointer is null, known on the ways that know it.
  bool IsNull = false;
};

class Bases {
public:
  /// Nothing is carried.
  explicit Bases(const Config &C) : C(C) {}
  /// Rewrites \p F so that bases are carried; contract calls stay.
  void carry(llvm::Function &F, const llvm::DominatorTree &DT,
             const llvm::LoopInfo &LI);

  /// The base that is carried for \p Container, or null.
  llvm::Value *find(llvm::Value *Container) const;
  /// What the expansion of \p Decode is to give.
  DecodeParts wanted(const llvm::CallBase &Decode) const;
  /// The expansion of \p Decode.
  void give(const llvm::CallBase &Decode, const Decoded &D);

private:
  /// A pointer's base and, where the pointer is carried as a pair, offset.
  /// Those of decodes are placeholders until give(). Handles follow what
  /// replaces them.
  struct Parts {
    llvm::WeakTrackingVH Base, Offset;
  };
  using Web = llvm::SmallSetVector<llvm::Value *, 16>;

  struct Carried {
    llvm::Instruction *Pointer; // until it is replaced
    Parts P;
    bool Pair = false;
    bool Steady = false;
  };

  const Config &C;
  std::vector<Carried> All; // in the order in which they were found
  llvm::DenseMap<const llvm::Value *, unsigned> Index; // by pointer

  void liftFreezes(llvm::Function &F, const llvm::DominatorTree &DT);
  void findWeb(llvm::Value *Root, Web &W) const;
  void choose(llvm::Function &F, const llvm::DominatorTree &DT,
              const llvm::LoopInfo &LI);
  void create();
  void connect();
  void replacePaired();
  Carried &add(llvm::Value *Pointer);
  const Parts *lookup(const llvm::Value *Pointer) const;
  void rename(const llvm::Value *Old, llvm::Value *New);
  Parts partsOf(llvm::Value *V, bool WithOffset, llvm::Instruction *Before);
};

} // namespace perdure

#endif
