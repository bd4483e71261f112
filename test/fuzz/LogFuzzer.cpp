//===- LogFuzzer.cpp - A log of transactions that says anything -----------===//
//
// Input: flags, then for each of a few lanes its generation and first chunk and a
// list of records: kind, offset, content. Checksums are those that the records
// should have, but for where the input says otherwise, so that what is behind them
// is reached. Then a program that works with the object.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "tx/format.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace fuzz;
using namespace perdure;

namespace {
struct LaneWriter {
  std::vector<uint8_t> &Bytes;
  uint64_t At, Stop, Chain, Last = 0;
  bool OfCommits = false;

  void put(Input &In) {
    // More often those of commits, once it is a log of these.
    uint64_t Kind = In.byte() % (OfCommits ? 5 : 13) + (OfCommits ? 7 : 0);
    uint64_t Offset = In.number() & 0xffffffffff;
    OfCommits |= Kind >= 7 && Kind <= 11;
    if (OfCommits && In.byte() % 8 == 2)
      Kind = In.byte() % 16;
    uint8_t Content[256] = {};
    uint64_t Size = In.byte();
    if (Kind == 9)
      Size = In.byte() % 8 ? 16 : Size;
    if (Kind == 2 || Kind == 3 || Kind == 4 || Kind == 8 || Kind >= 10)
      Size = In.byte() % 8 ? 8 : Size;
    if (Kind == 5 || Kind == 6)
      Size = In.byte() % 8 ? 32 : Size;
    for (uint64_t I = 0; I < Size; I += 8) {
      uint64_t Word = In.number();
      memcpy(Content + I, &Word, Size - I < 8 ? Size - I : 8);
    }
    if (In.byte() % 8 == 0)
      Offset = In.number() % Bytes.size();
    if (Kind == 9 && In.byte() % 8)
      Offset &= ~(uint64_t)7;
    LogRecord R;
    R.Word = LogRecord::makeWord((RecordKind)Kind, Offset, Size);
    R.Previous = Last;
    uint64_t Room = (sizeof(R) + Size + 7) & ~(uint64_t)7;
    if (Room > Stop - At)
      return;
    memcpy(&Bytes[At], &R, sizeof(R));
    memcpy(&Bytes[At + sizeof(R)], Content, Size);
    R.Checksum = XXH3_64bits_withSeed(&Bytes[At + 8], 16 + Size, Chain);
    R.Checksum = R.Checksum ? R.Checksum : 1;
    if (In.byte() % 16 == 1)
      R.Checksum ^= 1;
    memcpy(&Bytes[At], &R.Checksum, 8);
    Chain = R.Checksum;
    Last = At;
    At += Room;
    uint64_t Chunk;
    memcpy(&Chunk, Content, 8);
    if (Kind == 3 && chunkBytes(Chunk) && chunkOffset(Chunk) < Bytes.size() &&
        chunkBytes(Chunk) <= Bytes.size() - chunkOffset(Chunk)) {
      At = chunkOffset(Chunk);
      Stop = At + chunkBytes(Chunk);
    }
  }
};
} // namespace

// Whatever a log says, who the object is and where its pointers lead stays.
static void checkTables() {
  const Scene &S = scene();
  int File = open(S.File.c_str(), O_RDONLY | O_CLOEXEC);
  CHECK(File >= 0);
  Identity Found;
  CHECK(pread(File, &Found, sizeof(Found), 0) == sizeof(Found));
  CHECK(!memcmp(&Found, &S.GoodHeader.Ident, sizeof(Found)));
  const State &Good = S.GoodHeader.Copy[0];
  for (unsigned K = 0; K < MaxExtents && Good.FotExtent[K]; ++K) {
    uint64_t At = Good.FotExtent[K], End = At + (FilePage << K);
    for (; At < End; At += sizeof(FotEntry)) {
      FotEntry Was, Is;
      memcpy(&Was, &S.Good[At], sizeof(Was));
      CHECK(pread(File, &Is, sizeof(Is), (off_t)At) == sizeof(Is));
      if (Was.Valid == EntryById || Was.Valid == EntryByName)
        CHECK(Is.Valid == Was.Valid && Is.IdHi == Was.IdHi && Is.IdLo == Was.IdLo);
    }
  }
  close(File);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size) {
  Input In(Data, Size);
  const Scene &S = scene();
  static std::vector<uint8_t> Bytes; // one piece of memory for all runs
  Bytes = S.Good;
  Header H = S.GoodHeader;
  uint64_t Log = Bytes.size();
  Bytes.resize(Log + FirstLogBytes);
  uint8_t Flags = In.byte();
  for (State &C : H.Copy) {
    C.LogExtent[0] = Log;
    C.FileBytes = Bytes.size();
    C.NeededFeatures = C.NeededToWrite = FeatureLog;
  }
  for (unsigned Lanes = Flags % 4; Lanes; --Lanes) {
    unsigned Index = In.byte() % LanesPerExtent;
    LaneHead Head = {};
    Head.Generation = In.number();
    Head.First = makeChunk(Log + (1 + In.byte() % 15) * FilePage, In.byte() % 4);
    if (In.byte() % 8 == 1)
      Head.First = In.number();
    memcpy(&Bytes[Log + Index * sizeof(Head)], &Head, sizeof(Head));
    uint64_t Seed[] = {Index, Head.Generation, Head.First};
    uint64_t At = chunkOffset(Head.First), Room = chunkBytes(Head.First);
    if (At >= Bytes.size() || Room > Bytes.size() - At)
      continue;
    LaneWriter W = {Bytes, At, At + Room, XXH3_64bits(Seed, sizeof(Seed))};
    for (unsigned Count = In.byte() % 32; Count; --Count)
      W.put(In);
  }
  if (Flags & 4) // another extent of the log, somewhere
    H.Copy[0].LogExtent[1] = H.Copy[1].LogExtent[1] = In.number();
  sealHeader(H);
  memcpy(Bytes.data(), &H, sizeof(H));
  writeHostile(Bytes);
  if (work(In, fuzz::Writer::None))
    CHECK(hostileIs(Bytes));
  checkTables();
  return 0;
}
