//===- placement.h - Which free block's address flips least -----*- C++ -*-===//
//
// A block's address is stored over a pointer that is there already. Of several
// free blocks the one whose offset differs from that pointer's in the fewest
// bits flips the fewest cells. Nothing is lost where the old bits are no
// pointer at all: any free block is right.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_ALLOC_PLACEMENT_H
#define PERDURE_RUNTIME_ALLOC_PLACEMENT_H

#include "object/object.h"
#include "platform/pointer_format.h"

namespace perdure {

constexpr uint64_t OverwrittenUnit = PerdureAbiAllocUnit;

/// What is asked of a block besides its size.
struct BlockWish {
  uint64_t Near; // an offset that the block's is to be near to
  uint64_t
      Overwritten; // a bit for each unit of its bytes, from the first on, that
                   // who asked overwrites before anybody reads it: not zeroed
  bool IsPlaced;   // Near counts
  bool WholeLines; // it crosses no line that it could do without
};

/// The offset to which a block's should be near when its address is stored to
/// Slot by the encoding of that number. False where there is none to tell: Slot
/// does not lie in O's file, or the encoding stores no offset.
bool offsetWanted(const Object &O, const void *Slot, unsigned Encoding,
                  uint64_t &Near);

/// A row of blocks, of which the bits in Free are free.
struct BlockRow {
  uint64_t First;      // offset of block 0
  uint32_t BlockBytes; // between two blocks
  uint32_t Start;      // the block to look at first
  const uint64_t *Free;
  unsigned Words; // of Free; a power of two
};

/// How many free blocks nearestBlock looks at.
constexpr unsigned MostCandidates = 64;

/// The number of the free block whose offset differs from Near in the fewest
/// bits, among those it looks at: Start's word of Free first. There is one.
unsigned nearestBlock(const BlockRow &Row, uint64_t Near);

} // namespace perdure

#endif // PERDURE_RUNTIME_ALLOC_PLACEMENT_H
