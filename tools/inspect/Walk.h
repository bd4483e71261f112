//===- Walk.h - What something leads to -------------------------*- C++ -*-===//
//
// Blocks of an object that can be reached from its root, and what leads there.
//
// Of a block whose type is known the places of all pointers are known. Others, and
// whatever else is in a block (numbers, padding, what lies behind the last element,
// members of unions), are looked at conservatively: eight bytes at a multiple of
// eight that would lead to a block, in any encoding that the object uses, keep it.
// So nothing that a program could still reach is called garbage, as long as it
// keeps its pointers in one of these encodings.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_TOOLS_INSPECT_WALK_H
#define PERDURE_TOOLS_INSPECT_WALK_H

#include "Bits.h"

#include <functional>
#include <unordered_map>

namespace inspect {

/// Which words of a block are looked at beside its pointers.
enum class Trust {
  Nothing, // all others
  Types    // those of whose type nothing is known
};

struct Reference {
  uint64_t At;       // of the container
  const Encoding *E; // null: conservatively
  const Type *Of;    // what the pointer's type leads to; null: not known
  Target To;
};

class Walk {
public:
  Walk(Object &O, Trust T) : O(O), How(T) {}

  /// Takes a block for as many records as fit, whatever the object says, where all
  /// pointers that it would then have lead to blocks or are null. Wrong of one that is
  /// larger than the pointer's type because it holds something derived from it.
  void guessArrays() { Guess = true; }
  /// For who rewrites pointers: of a record only the first in a block is known to be one,
  /// since a block may hold something derived from it instead of several.
  void trustFirstOnly() { FirstOnly = true; }
  /// Something outside leads to the offset.
  void addRoot(uint64_t Offset);
  /// Is told of every block that run() has looked at: how many, of all there are. A
  /// block may be looked at again.
  void tell(std::function<void(uint64_t)> Looked) { Tell = std::move(Looked); }
  /// From the root, names and what was added on. False: a type uses an encoding
  /// that is not known here (Why says which), so there may be more.
  bool run(std::string &Why);

  bool isReached(size_t Index) const { return Found[Index].Reached; }
  /// What block Index holds, from its beginning on; null: it is not known.
  const Type *typeOf(size_t Index) const;
  /// As many of its type as the block is known to hold: one, or all that fit.
  uint64_t countIn(size_t Index) const;
  /// Of what lies at an offset of a block.
  const Type *typeAt(uint64_t Offset) const;

  /// Every reference in block Index.
  void visitReferences(size_t Index, const std::function<void(const Reference &)> &Visit) const;

private:
  struct State {
    bool Reached = false, Mixed = false;
    mutable signed char Several = -1; // whether it holds an array; -1: not known yet
    const Type *Is = nullptr;
  };
  struct Pointer {
    uint64_t Offset; // in its type
    const Encoding *E;
    const Type *To;
  };
  /// What is known of a type's bytes.
  struct Shape {
    std::vector<Pointer> Pointers; // ascending
    std::vector<std::pair<uint64_t, uint64_t>> Typed; // known to be no pointers
  };
  const Shape &shapeOf(const Type &T) const;
  void addShape(const Type &T, uint64_t Offset, bool Certain, Shape &S) const;
  bool holdsArray(size_t Index, const Type &T) const;
  bool allLead(size_t Index, const Type &T) const;
  void meet(uint64_t Offset, const Type *T);
  void meetConservatively(uint64_t Offset);
  void push(size_t Index);
  void scan(size_t Index);
  size_t indexOf(uint64_t Offset) const; // of the block; none: NoBlock

  template <typename PointerVisitor, typename WordVisitor>
  void visitWords(size_t Index, PointerVisitor Precise, WordVisitor Word) const;

  static constexpr size_t NoBlock = SIZE_MAX;
  Object &O;
  Trust How;
  bool Guess = false, FirstOnly = false;
  std::vector<const Encoding *> Encodings;
  std::vector<State> Found;
  std::vector<size_t> Left;
  std::vector<uint64_t> Roots;
  std::function<void(uint64_t)> Tell;
  mutable std::unordered_map<const Type *, Shape> Shapes;
};

/// Calls Visit with each pointer in O's allocated blocks that leads to another object.
/// Words are looked at as they are: some may be none.
void visitForeign(Object &O, const std::function<void(const Target &)> &Visit);

} // namespace inspect

#endif // PERDURE_TOOLS_INSPECT_WALK_H
