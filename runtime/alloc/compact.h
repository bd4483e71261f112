//===- compact.h - The same blocks in fewer pages ---------------*- C++ -*-===//
//
// An object's file is laid out anew, in memory: tables and whole slabs as low as they
// fit, blocks that may not move where they were, and with them the slabs that they
// lie in, whose free places are filled first.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_ALLOC_COMPACT_H
#define PERDURE_RUNTIME_ALLOC_COMPACT_H

#include "alloc/format.h"
#include "object/object.h"

namespace perdure {

/// A file's pages, taken one run after the other.
class PagePlan {
public:
  PagePlan() = default;
  ~PagePlan();
  PagePlan(const PagePlan &) = delete;
  PagePlan &operator=(const PagePlan &) = delete;

  /// For a file of that many pages and a few more. False: ENOMEM.
  bool reserve(uint64_t Pages);
  /// These, which nobody has taken.
  void fix(uint64_t Page, uint64_t Pages);
  /// The first that are free in a row.
  uint64_t take(uint64_t Pages);
  /// Behind the last that was taken.
  uint64_t end() const { return End; }

private:
  uint64_t firstTaken(uint64_t Page, uint64_t End) const; // End: none is
  uint8_t *Taken = nullptr;
  uint64_t Room = 0, End = 0;
  static constexpr uint64_t Sizes = 64;
  uint64_t Next[Sizes + 1] = {}; // below it there is no run of so many pages
};

/// What a block may do.
enum BlockFlag : uint8_t {
  BlockStays = 1,
  BlockTied = 2 // the block that ends where it begins stays right before it
};

/// The plan, and what it makes. Nobody uses O meanwhile.
class Compaction {
public:
  /// Blocks by ascending offset, and a BlockFlag's bits for each.
  Compaction(Object &O, perdure_move *Blocks, size_t Count, uint8_t *Flags)
      : O(O), Blocks(Blocks), Count(Count), Flags(Flags) {}
  ~Compaction();
  Compaction(const Compaction &) = delete;
  Compaction &operator=(const Compaction &) = delete;

  /// Says where each block goes. False: ENOMEM.
  bool plan();
  uint64_t pages() const { return Plan.end(); }
  /// The new file's bytes. Null: ENOMEM.
  char *makeImage();

private:
  struct Slab {
    uint64_t Page;
    unsigned Class;
    uint64_t Used[4];
  };
  bool addSlab(uint64_t Page, unsigned Class);
  bool isStaying(size_t I) const { return Flags[I] & BlockStays; }
  bool isTied(size_t I) const;
  bool areInOneSlab(size_t A, size_t B) const;
  size_t endOfUnit(size_t First) const;
  void settleUnits();
  bool placeUnit(size_t First, size_t End, unsigned Class, size_t &From);
  void fixBlocks();
  bool placeSlabs(unsigned Class);
  void placeTable(Table T);
  void placeMap();
  void writeDescriptor(uint64_t Page, uint64_t Word);
  void writeSlabs();
  State newState() const;

  Object &O;
  perdure_move *Blocks;
  size_t Count;
  uint8_t *Flags;
  PagePlan Plan;
  Slab *Slabs = nullptr;
  size_t SlabCount = 0, SlabRoom = 0;
  bool Ok = true; // false: no memory
  State Extents = {}; // of the new file
  char *Image = nullptr;
};

} // namespace perdure

#endif // PERDURE_RUNTIME_ALLOC_COMPACT_H
