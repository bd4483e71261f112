//===- FotFuzzer.cpp - A FOT that says anything, and any pointers ---------===//
//
// Input: flags, a count, so many entries of 32 bytes from index 1 on, where the
// FOT's extents lie, and a program that decodes and encodes.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"

#include <string.h>

using namespace fuzz;
using perdure::FilePage;
using perdure::FotEntry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size) {
  Input In(Data, Size);
  uint8_t Flags = In.byte();
  unsigned Count = In.byte() % 16;
  static std::vector<uint8_t> Bytes; // one piece of memory for all runs
  Bytes = scene().Good;
  perdure::Header H = scene().GoodHeader;
  uint64_t Extent = H.Copy[0].FotExtent[0];
  for (unsigned I = 1; I <= Count; ++I) {
    FotEntry E;
    memcpy(&E, &Bytes[Extent + I * sizeof(E)], sizeof(E));
    uint8_t Fields = In.byte();
    if (Fields & 1)
      E.IdHi = In.number();
    if (Fields & 2)
      E.IdLo = In.number();
    if (Fields & 4)
      E.Rights = (uint32_t)In.number();
    if (Fields & 8)
      E.Reserved = (uint32_t)In.number();
    if (Fields & 16)
      E.Valid = (uint32_t)In.number();
    if (Fields & 32)
      E.Checksum = (uint32_t)In.number();
    else
      sealEntry(E);
    memcpy(&Bytes[Extent + I * sizeof(E)], &E, sizeof(E));
  }
  if (Flags & 1) { // another extent, somewhere
    unsigned K = In.byte() % perdure::MaxExtents;
    H.Copy[0].FotExtent[K] = H.Copy[1].FotExtent[K] = In.number();
  }
  if (Flags & 2) { // in a longer file
    Bytes.resize(Bytes.size() + 32 * FilePage);
    H.Copy[0].FileBytes = H.Copy[1].FileBytes = Bytes.size();
  }
  sealHeader(H);
  memcpy(Bytes.data(), &H, sizeof(H));
  writeHostile(Bytes);
  if (work(In, Writer::None, Flags & 4 ? PERDURE_RDONLY : 0))
    CHECK(hostileIs(Bytes));
  return 0;
}
