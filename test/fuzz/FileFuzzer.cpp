//===- FileFuzzer.cpp - Any damage to a whole file, before and meanwhile --===//
//
// Input: flags, the file's size when they say so, a count of changes (a place,
// how many bytes, what), and a program that works with the object. With
// PERDURE_FUZZ_MEANWHILE built in, another thread changes the file meanwhile.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"

#include <string.h>

using namespace fuzz;
using perdure::FilePage;
using perdure::FotEntry;
using perdure::Header;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size) {
  Input In(Data, Size);
  static std::vector<uint8_t> Bytes; // one piece of memory for all runs
  Bytes = scene().Good;
  const Header &Good = scene().GoodHeader;
  uint8_t Flags = In.byte();
  if (Flags & 1)
    Bytes.resize(In.take(3) % (1 << 20));
  for (unsigned Count = In.byte() % 32; Count; --Count) {
    uint64_t Place = In.take(3), Kind = Place % 4;
    Place /= 4;
    if (Kind == 0)
      Place %= sizeof(perdure::Identity) + 2 * sizeof(perdure::State);
    else if (Kind == 1)
      Place = Good.Copy[0].MapExtent[0] + Place % FilePage;
    else if (Kind == 2)
      Place = Good.Copy[0].FotExtent[0] + Place % FilePage;
    uint64_t Word = In.number();
    uint64_t Width = 1 + In.byte() % 8;
    if (Place + Width <= Bytes.size())
      memcpy(&Bytes[Place], &Word, Width);
  }
  if (!(Flags & 2) && Bytes.size() >= sizeof(Header)) {
    Header H;
    memcpy(&H, Bytes.data(), sizeof(H));
    sealHeader(H);
    memcpy(Bytes.data(), &H, sizeof(H));
    uint64_t Fot = Good.Copy[0].FotExtent[0];
    for (uint64_t I = 0; I < FilePage; I += sizeof(FotEntry)) {
      FotEntry E;
      if (Fot + I + sizeof(E) > Bytes.size())
        break;
      memcpy(&E, &Bytes[Fot + I], sizeof(E));
      if (!E.Valid)
        continue;
      sealEntry(E);
      memcpy(&Bytes[Fot + I], &E, sizeof(E));
    }
  }
  writeHostile(Bytes);
  unsigned Access = Flags & 8    ? PERDURE_RDONLY
                    : Flags & 16 ? PERDURE_SHARED
                                 : 0;
#ifdef PERDURE_FUZZ_MEANWHILE
  work(In, Writer::Meanwhile, Access);
#else
  Writer W = Flags & 4 ? Writer::Between : Writer::None;
  if (work(In, W, Access))
    CHECK(hostileIs(Bytes));
#endif
  return 0;
}
