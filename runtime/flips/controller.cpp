//===- controller.cpp - How a memory controller writes a word -------------===//

#include "flips/controller.h"

using namespace perdure::flips;

static Change writeCells(Word &W, uint64_t Cells, uint8_t Flags) {
  Change C = {};
  C.Set = Cells & ~W.Cells;
  C.Cleared = W.Cells & ~Cells;
  C.FlagsSet = (unsigned)__builtin_popcount(Flags & ~W.Flags & 0xFF);
  C.FlagsCleared = (unsigned)__builtin_popcount(W.Flags & ~Flags & 0xFF);
  W = {Cells, Flags};
  return C;
}

// Data-comparison write: cells that hold their bit already are left alone.
static Change writeCompared(Word &W, uint64_t Value, unsigned) {
  return writeCells(W, Value, 0);
}

// Flip-N-Write (Cho and Lee, MICRO 2009): a cell beside each Bits data cells
// says that those hold the complement, which is written where that changes
// fewer of these Bits + 1 cells. Bits is even, so the two numbers, which make
// Bits + 1 together, differ.
static Change writeFlipped(Word &W, uint64_t Value, unsigned Bits) {
  uint64_t Cells = 0;
  uint8_t Flags = 0;
  for (unsigned At = 0; At != 64; At += Bits) {
    uint64_t Mask = (~uint64_t(0) >> (64 - Bits)) << At;
    uint8_t Flag = uint8_t(1u << (At / Bits));
    unsigned Plain = (unsigned)__builtin_popcountll((W.Cells ^ Value) & Mask) +
                     !!(W.Flags & Flag);
    bool Invert = Plain * 2 > Bits + 1;
    Cells |= (Invert ? ~Value : Value) & Mask;
    Flags |= Invert ? Flag : 0;
  }
  return writeCells(W, Cells, Flags);
}

Controller perdure::flips::findController(const Options &O) {
  return O.FnwBits ? writeFlipped : writeCompared;
}
