//===- CheckFuzzer.cpp - Damage that perdure_check has to name ------------===//
//
// Input: flags, a count of changes and what each changes, and a program that
// works with the object. What is damaged was a valid object, or one whose
// writer died in a transaction. Whatever the changes:
//
// - a check changes nothing, and a repair none of the program's bytes;
// - after a repair a check finds no more and no less than what the repair has
// left;
// - what could be read before a repair can be read after it;
// - what is called whole, or repaired, opens and works; and where only what has
//   checksums was damaged, no block that the program has is given away.
//
//===----------------------------------------------------------------------===//

#include "Harness.h"
#include "tx/format.h"

#include <errno.h>
#include <fstream>
#include <map>
#include <string.h>

extern "C" void __perdure_tx_log(const void *, uint64_t) noexcept;

using namespace fuzz;
using perdure::FilePage;

namespace {
using Bytes = std::vector<uint8_t>;
constexpr perdure_id Id = {0xaaaa, 0xaaaa};

Bytes readFile() {
  std::ifstream In(scene().File, std::ios::binary | std::ios::ate);
  Bytes All((size_t)In.tellg());
  In.seekg(0);
  CHECK(In.read((char *)All.data(), (std::streamsize)All.size()));
  return All;
}

perdure_store *openStore() {
  perdure_store *S = perdure_store_open(scene().Dir.c_str(), 0);
  CHECK(S);
  return S;
}

uint64_t offsetOf(const void *P) { return (uint64_t)P & (Slot - 1); }

/// The valid object, the one in a transaction, and the blocks that both have.
struct Originals {
  Bytes Whole, Dirty;
  std::map<uint64_t, uint64_t> Blocks; // offset, bytes

  Originals() : Whole(scene().Good) {
    static const struct {
      unsigned Word;
      uint64_t Size;
    } Kept[] = {{8, 16},    {10, 48},   {11, 100},  {12, 512},
                {13, 1000}, {14, 3584}, {16, 20000}};
    writeHostile(Whole);
    perdure_store *S = openStore();
    auto *Root = (uint64_t *)perdure_open(S, "a", 0);
    CHECK(Root);
    for (auto K : Kept)
      Blocks[offsetOf(perdure_decode(Root[K.Word], &Root[K.Word]))] = K.Size;
    CHECK(!perdure_tx_begin(Root));
    for (unsigned I = 200; I < 230; ++I) {
      __perdure_tx_log(&Root[I], 8);
      Root[I] = I;
    }
    CHECK(perdure_alloc(Root, 200) && perdure_alloc(Root, 9000));
    Dirty = readFile();
    perdure_tx_abort();
    perdure_store_close(S);
  }
};

const Originals &originals() {
  static Originals O;
  return O;
}

/// Only what a checksum guards is damaged, so it cannot look like something
/// else.
bool Guarded;

template <typename Record>
void change(Bytes &To, uint64_t Start, uint64_t Place, uint64_t Word,
            void (*Seal)(Record &)) {
  Record R;
  if (Start + sizeof(R) > To.size())
    return;
  memcpy(&R, &To[Start], sizeof(R));
  memcpy((char *)&R + Place % (sizeof(R) / 8) * 8, &Word, 8);
  Seal(R);
  memcpy(&To[Start], &R, sizeof(R));
}

void changeByte(Bytes &To, uint64_t Start, uint64_t Most, Input &In) {
  uint64_t Place = Start + In.take(3) % Most;
  uint8_t Byte = In.byte();
  if (Place < To.size())
    To[Place] = Byte;
}

void changeWord(Bytes &To, uint64_t Place, Input &In) {
  uint64_t Word = In.number();
  Guarded = false;
  if (Place + 8 <= To.size())
    memcpy(&To[Place], &Word, 8);
}

void damage(Bytes &To, const perdure::State &State, Input &In) {
  switch (In.byte() % 11) {
  case 0:
  case 1:
    return changeByte(To, 0, FilePage, In);
  case 2:
    return changeByte(To, State.FotExtent[0], FilePage, In);
  case 3:
    if (State.LogExtent[0])
      changeByte(To, State.LogExtent[0], perdure::FirstLogBytes, In);
    return;
  case 4: {
    uint64_t Place = In.take(2), Word = In.number();
    Guarded = false;
    return change<perdure::Header>(To, 0, Place, Word, sealHeader);
  }
  case 5: {
    uint64_t Entry = In.byte() % 8, Place = In.byte(), Word = In.number();
    Guarded = false;
    return change<perdure::FotEntry>(
        To, State.FotExtent[0] + Entry * sizeof(perdure::FotEntry), Place, Word,
        sealEntry);
  }
  case 6:
    return changeWord(To, State.MapExtent[0] + In.byte() * 8, In);
  case 7: { // as a descriptor that means something
    uint64_t Page = In.byte(), Kind = In.byte() % 6, Class = In.byte();
    uint64_t Word = Kind << 56 | Class << 48 | In.number();
    Guarded = false;
    memcpy(&To[State.MapExtent[0] + Page * 8], &Word, 8);
    return;
  }
  case 8: {
    const auto &Slabs = scene().Slabs;
    uint64_t Page = Slabs[In.byte() % Slabs.size()];
    return changeWord(To, Page * FilePage + In.byte() % 8 * 8, In);
  }
  case 9: {
    const auto &Slabs = scene().Slabs;
    uint64_t Page = Slabs[In.byte() % Slabs.size()];
    Guarded = false;
    return changeByte(To, Page * FilePage, sizeof(perdure::SlabHeader), In);
  }
  default:
    Guarded = false;
    To.resize(In.byte() % 4 ? To.size() + In.byte() * 16u
                            : In.take(3) % To.size());
  }
}

struct Result {
  int Damaged;
  unsigned Findings[3] = {};
};

Result check(unsigned Flags) {
  perdure_store *S = openStore();
  Result R;
  errno = 0;
  R.Damaged = perdure_check(
      S, Id, Flags,
      [](void *To, const perdure_finding *F) {
        CHECK(F->kind <= PERDURE_DAMAGED && *F->what);
        ++((Result *)To)->Findings[F->kind];
      },
      &R);
  if (R.Damaged < 0)
    CHECK(errno && *perdure_errormsg());
  perdure_store_close(S);
  return R;
}

/// What a reader gets from the root: where its pointers lead.
struct View {
  bool Opened = false;
  perdure_id Object[17] = {};
  uint64_t Offset[17] = {};

  View() {
    perdure_store *S = openStore();
    if (auto *Root = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY)) {
      Opened = true;
      for (unsigned I = 0; I < 17; ++I) {
        const void *P = perdure_decode(Root[I], &Root[I]);
        if (!perdure_in_object(P) || perdureIsConstant((uint64_t)P))
          continue;
        Object[I] = perdure_object_id(P);
        Offset[I] = offsetOf(P);
      }
    }
    perdure_store_close(S);
  }
  bool has(const View &Before) const {
    for (unsigned I = 0; I < 17; ++I)
      if ((Before.Object[I].hi || Before.Object[I].lo) &&
          (Object[I].hi != Before.Object[I].hi ||
           Object[I].lo != Before.Object[I].lo ||
           Offset[I] != Before.Offset[I]))
        return false;
    return Opened || !Before.Opened;
  }
};

/// The blocks hold what they held, and new ones lie elsewhere.
void nothingIsLost() {
  perdure_store *S = openStore();
  auto *Root = (uint64_t *)perdure_open(S, "a", 0);
  CHECK(Root);
  const uint8_t *Base = (uint8_t *)((uint64_t)Root & ~(Slot - 1));
  std::map<uint64_t, uint64_t> New;
  for (uint64_t Size : {16, 48, 100, 512, 1000, 3584, 20000})
    for (unsigned I = 0; I < 12; ++I)
      if (void *P = perdure_alloc(Root, Size))
        New[offsetOf(P)] = Size;
  for (auto [Offset, Size] : originals().Blocks) {
    CHECK(!memcmp(Base + Offset, &originals().Whole[Offset], Size));
    auto After = New.lower_bound(Offset);
    CHECK(After == New.end() || After->first >= Offset + Size);
    CHECK(After == New.begin() ||
          std::prev(After)->first + std::prev(After)->second <= Offset);
    perdure_free((void *)(Base + Offset)); // it is a block
  }
  perdure_store_close(S);
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *Data, size_t Size) {
  Input In(Data, Size);
  uint8_t Flags = In.byte();
  static Bytes Bad; // one piece of memory for all runs
  Bad = Flags & 1 ? originals().Dirty : originals().Whole;
  perdure::Header H;
  memcpy(&H, Bad.data(), sizeof(H));
  Guarded = true;
  for (unsigned Count = In.byte() % 6; Count; --Count)
    damage(Bad, H.Copy[0], In);
  writeHostile(Bad);

  Result Looked = check(0);
  CHECK(hostileIs(Bad));
  View Before;
  CHECK(hostileIs(Bad));
  Result Repaired = check(PERDURE_REPAIR);
  if (Repaired.Damaged < 0) {
    CHECK(hostileIs(Bad));
    checkVictims();
    return 0;
  }
  CHECK(Looked.Damaged >= Repaired.Damaged);
  Bytes Mended = readFile();
  for (auto [Offset, Size] : originals().Blocks)
    for (uint64_t I = Offset; I < Offset + Size && I < Bad.size(); ++I)
      CHECK(I < Mended.size() && Mended[I] == Bad[I]);
  Result Again = check(0);
  CHECK(Again.Damaged == Repaired.Damaged);
  CHECK(!Again.Findings[PERDURE_MENDED]);
  CHECK(View().has(Before));
  checkVictims();
  if (Repaired.Damaged)
    return 0;
  if (Guarded)
    nothingIsLost();
  else
    CHECK(!work(In, Writer::None));
  return 0;
}
