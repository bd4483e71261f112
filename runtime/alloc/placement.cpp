//===- placement.cpp - Which free block's address flips least -------------===//

#include "alloc/placement.h"

using namespace perdure;

namespace {
enum : unsigned {
#define PERDURE_ABI_ENCODING(Number, Name, Text, Doc) Name##Encoding = Number,
#include "perdure/abi.def"
};

enum : uint64_t {
#define PERDURE_ENCODING_NUMBER(Name, Value, Doc) Name = Value,
#include "perdure/encodings.def"
};

// How an encoding's bits hold an offset.
struct Form {
  bool HasOffset, Xors, Inverts;
};
} // namespace

static Form formOf(unsigned Encoding) {
  switch (Encoding) {
  case ObjectEncoding:
  case RegionIdEncoding:
  case FatLookupEncoding:
    return {true, false, false};
#define PERDURE_ENCODING_LAYERS(Name, Xor, Inverts, Lazy)                      \
  case Name##Encoding:                                                         \
    return {true, Xor, Inverts};
#include "perdure/encodings.def"
  default:
    return {false, false, false};
  }
}

// Another thread may be storing there, as the program stores: any old bits do,
// so there is nothing to wait for, and nothing for a sanitizer to report.
__attribute__((no_sanitize("address", "thread"), noinline)) static uint64_t
oldBits(const void *Slot) {
  return *(const volatile uint64_t *)Slot;
}

bool perdure::offsetWanted(const Object &O, const void *Slot, unsigned Encoding,
                           uint64_t &Near) {
  Form F = formOf(Encoding);
  uint64_t Place = (uint64_t)Slot - O.Base;
  uint64_t End = __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE);
  if (!F.HasOffset || Place % sizeof(uint64_t) || Place >= End)
    return false;
  uint64_t Bits = oldBits(Slot);
  if (F.Inverts && Bits >> InvertedBit & 1)
    Bits ^= InvertedBits;
  // What lies above an offset says of which kind it is, and changes with that
  // whatever block is chosen.
  Bits &= ((uint64_t)1 << PerdureAbiOffsetBits) - 1;
  Near = F.Xors ? Bits ^ Place : Bits;
  return true;
}

unsigned perdure::nearestBlock(const BlockRow &Row, uint64_t Near) {
  unsigned Best = Row.Start, Fewest = 65, Left = MostCandidates;
  unsigned Word = Row.Start / 64 & (Row.Words - 1);
  // The very block that was there, or else one bit away: none is nearer.
  if (Row.Free[Word] >> Row.Start % 64 & 1 &&
      Row.First + (uint64_t)Row.Start * Row.BlockBytes == Near)
    return Best;
  for (unsigned W = 0; W != Row.Words; ++W, Word = (Word + 1) & (Row.Words - 1))
    for (uint64_t Free = Row.Free[Word]; Free; Free &= Free - 1) {
      unsigned Index = Word * 64 + (unsigned)__builtin_ctzll(Free);
      uint64_t Offset = Row.First + (uint64_t)Index * Row.BlockBytes;
      unsigned Bits = (unsigned)__builtin_popcountll(Offset ^ Near);
      if (Bits < Fewest) {
        Fewest = Bits;
        Best = Index;
      }
      if (!--Left || Fewest == 1)
        return Best;
    }
  return Best;
}
