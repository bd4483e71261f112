//===- HeapFuzzer.cpp - A page map and slabs that say anything ------------===//
//
// Input: flags, a count of page descriptors and what they say, a count of words
// in the first lines of pages and what they say, and a program that allocates
// and frees.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"

#include <string.h>

using namespace fuzz;
using perdure::FilePage;

static void put(std::vector<uint8_t> &Bytes, uint64_t Place, uint64_t Word) {
  if (Place <= Bytes.size() - sizeof(Word))
    memcpy(&Bytes[Place], &Word, sizeof(Word));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size) {
  Input In(Data, Size);
  const Scene &S = scene();
  static std::vector<uint8_t> Bytes; // one piece of memory for all runs
  Bytes = S.Good;
  perdure::Header H = S.GoodHeader;
  uint64_t Map = H.Copy[0].MapExtent[0];
  uint8_t Flags = In.byte();
  for (unsigned Count = In.byte() % 32; Count; --Count) {
    uint64_t Page = In.byte();
    uint64_t Kind = In.byte() % 6, Class = In.byte();
    put(Bytes, Map + Page * 8, Kind << 56 | Class << 48 | In.number());
  }
  for (unsigned Count = In.byte() % 16; Count; --Count) {
    uint8_t Which = In.byte();
    uint64_t Page = Which & 128 ? Which & 127 : S.Slabs[Which % S.Slabs.size()];
    uint64_t Word = In.byte() % 8;
    put(Bytes, Page * FilePage + Word * 8, In.number());
  }
  if (Flags & 1) { // another extent of the page map, somewhere
    unsigned K = In.byte() % perdure::MaxExtents;
    H.Copy[0].MapExtent[K] = H.Copy[1].MapExtent[K] = In.number();
  }
  if (Flags & 2) { // a longer file, longer than the map perhaps
    Bytes.resize(Bytes.size() + (uint64_t)In.byte() * 4 * FilePage);
    H.Copy[0].FileBytes = H.Copy[1].FileBytes = Bytes.size();
  }
  if (Flags & 4)
    H.Ident.RootOffset = In.number();
  sealHeader(H);
  memcpy(Bytes.data(), &H, sizeof(H));
  writeHostile(Bytes);
  if (work(In, Writer::None))
    CHECK(hostileIs(Bytes));
  return 0;
}
