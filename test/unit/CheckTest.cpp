//===- CheckTest.cpp - perdure_check --------------------------------------===//

#include "Support.h"

#include "alloc/format.h"

#include <map>
#include <random>
#include <string.h>
#include <zlib.h>

namespace {

using namespace perdure;

struct Found {
  unsigned Notes = 0, Mended = 0, Damaged = 0;
  std::string Text;
};

void add(void *To, const struct perdure_finding *F) {
  auto *R = (Found *)To;
  (F->kind == PERDURE_NOTE     ? R->Notes
   : F->kind == PERDURE_MENDED ? R->Mended
                               : R->Damaged)++;
  R->Text += std::string(F->what) + "\n";
}

class CheckTest : public StoreTest {
protected:
  // "a" has blocks of many classes, freed ones, a large one, a FOT with an
  // entry by ID and one by name. All blocks that are allocated are filled.
  void SetUp() override {
    StoreTest::SetUp();
    uint64_t *A = create("a", 20000), *B = create("b", 64);
    A[0] = perdure_encode(B, &A[0]);
    ASSERT_EQ(perdure_bind(&A[1], "later"), 0);
    for (size_t Bytes : {16, 48, 64, 640, 3584, 9000, 30000})
      for (unsigned I = 0; I < 9; ++I) {
        auto *P = (uint8_t *)perdure_alloc(A, Bytes);
        ASSERT_NE(P, nullptr);
        if (I % 4 == 3) {
          perdure_free(P);
          continue;
        }
        memset(P, (int)(I + 1), Bytes);
        Blocks[(uint64_t)P - baseOf(P)] = Bytes;
      }
    Id = perdure_object_id(A);
    closeStore();
    File = fileOf("a");
    Good = readFile(File);
    memcpy(&H, Good.data(), sizeof(H));
    reopenStore();
  }

  int check(unsigned Flags, Found &R) {
    R = Found();
    return perdure_check(S, Id, Flags, add, &R);
  }

  // Whether the runtime finds fault with the file.
  bool works() {
    closeStore();
    reopenStore();
    auto *A = (uint64_t *)perdure_open(S, "a", 0);
    struct perdure_stat Stat;
    bool Ok = A && !perdure_stat(A, &Stat) && perdure_alloc(A, 16) &&
              perdure_alloc(A, 30000);
    closeStore();
    reopenStore();
    return Ok;
  }

  // What was allocated is, with the same bytes, and new blocks lie elsewhere.
  void nothingIsLost() {
    auto *A = (uint8_t *)perdure_open(S, "a", 0);
    ASSERT_NE(A, nullptr) << perdure_errormsg();
    uint64_t Base = baseOf(A);
    std::map<uint64_t, uint64_t> New;
    for (size_t Bytes : {16, 48, 64, 640, 3584, 9000, 30000})
      for (unsigned I = 0; I < 20; ++I)
        if (auto *P = (uint8_t *)perdure_alloc(A, Bytes))
          New[(uint64_t)P - Base] = Bytes;
    for (auto [Offset, Bytes] : Blocks) {
      ASSERT_EQ(memcmp((void *)(Base + Offset), &Good[Offset], Bytes), 0)
          << "block at " << Offset;
      auto It = New.lower_bound(Offset);
      ASSERT_TRUE(It == New.end() || It->first >= Offset + Bytes);
      ASSERT_TRUE(It == New.begin() ||
                  std::prev(It)->first + std::prev(It)->second <= Offset);
    }
    closeStore();
    reopenStore();
  }

  std::string File, Good;
  Header H;
  perdure_id Id;
  std::map<uint64_t, uint64_t> Blocks; // offset, bytes
};

TEST_F(CheckTest, FindsNothingInWhatIsWhole) {
  Found R;
  EXPECT_EQ(check(0, R), 0) << R.Text;
  EXPECT_EQ(R.Notes + R.Mended + R.Damaged, 0u) << R.Text;
  EXPECT_EQ(check(PERDURE_REPAIR, R), 0) << perdure_errormsg();
  EXPECT_EQ(readFile(File), Good);
  nothingIsLost();
}

TEST_F(CheckTest, NotWhileSomebodyWrites) {
  open("a");
  Found R;
  EXPECT_EQ(check(0, R), -1);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_EQ(check(PERDURE_REPAIR, R), -1);
  EXPECT_EQ(errno, EBUSY);
  closeStore();
  reopenStore();
  open("a", PERDURE_RDONLY);
  EXPECT_EQ(check(0, R), 0) << perdure_errormsg();
}

// Each byte of page 0 (one in seven is tried) that means something is named
// when it changes; all of the identity and the state are mended.
TEST_F(CheckTest, EveryByteOfPageZero) {
  for (size_t At = 0; At < 4096; At += 7) {
    // The turn is any number.
    if (At >= offsetof(Header, Turn) && At < offsetof(Header, Turn) + 8)
      continue;
    std::string Bad = Good;
    Bad[At] = (char)~Bad[At];
    writeFile(File, Bad);
    Found R;
    int Damage = check(0, R);
    ASSERT_TRUE(Damage > 0 || R.Notes) << "byte " << At;
    if (At >= offsetof(Header, Sealed) && At < offsetof(Header, Turn))
      continue;
    ASSERT_EQ(check(PERDURE_REPAIR, R), 0) << "byte " << At << "\n" << R.Text;
    ASSERT_EQ(readFile(File), Good) << "byte " << At;
  }
}

TEST_F(CheckTest, EveryByteOfTheFot) {
  uint64_t Fot = H.Copy[0].FotExtent[0];
  ASSERT_NE(Fot, 0u);
  for (uint64_t At = 32; At < 96; ++At) {
    std::string Bad = Good;
    Bad[Fot + At] = (char)(Bad[Fot + At] ^ 0x15);
    writeFile(File, Bad);
    Found R;
    ASSERT_GT(check(0, R), 0) << "byte " << At;
    ASSERT_EQ(check(PERDURE_REPAIR, R), 0) << "byte " << At << "\n" << R.Text;
    ASSERT_EQ(readFile(File), Good) << "byte " << At;
  }
}

// After a power failure the newer copy may say more than the file has: what is
// opened is the other one, and a repair must not write over that.
TEST_F(CheckTest, GrowthThatWasCutShort) {
  Header Newer = H;
  State &New = Newer.Copy[1];
  ++New.Sequence;
  New.FileBytes += FilePage;
  New.Checksum =
      (uint32_t)crc32(0, (const Bytef *)&New, sizeof(New) - sizeof(uint32_t));
  std::string Bad = Good;
  memcpy(&Bad[0], &Newer, sizeof(Newer));
  writeFile(File, Bad);
  nothingIsLost();
  writeFile(File, Bad);
  Found R;
  ASSERT_EQ(check(0, R), 0) << R.Text;
  EXPECT_EQ(R.Notes, 1u) << R.Text;
  ASSERT_EQ(check(PERDURE_REPAIR, R), 0) << R.Text;
  ASSERT_EQ(readFile(File), Good);
  nothingIsLost();
}

// An entry that is being written has no checksum yet: one that has was valid.
TEST_F(CheckTest, ValidFotEntriesAreNotTakenForClaims) {
  uint64_t Fot = H.Copy[0].FotExtent[0];
  for (unsigned Index = 1; Index < 3; ++Index) {
    std::string Bad = Good;
    Bad[Fot + Index * sizeof(FotEntry) + offsetof(FotEntry, Valid)] =
        EntryClaimed;
    writeFile(File, Bad);
    Found R;
    ASSERT_EQ(check(0, R), 1) << R.Text;
    ASSERT_EQ(check(PERDURE_REPAIR, R), 0) << R.Text;
    ASSERT_EQ(readFile(File), Good) << "entry " << Index;
  }
}

// The header knows how many bytes the root has.
TEST_F(CheckTest, AllPagesOfTheRootAreItsOwn) {
  uint64_t Page = H.Ident.RootOffset / FilePage;
  std::string Bad = Good;
  ASSERT_EQ(Bad[H.Copy[0].MapExtent[0] + Page * 8], 5); // 20,000 bytes
  Bad[H.Copy[0].MapExtent[0] + Page * 8] = 4;
  writeFile(File, Bad);
  Found R;
  ASSERT_EQ(check(0, R), 1) << R.Text;
  ASSERT_EQ(check(PERDURE_REPAIR, R), 0) << R.Text;
  ASSERT_EQ(readFile(File), Good);
}

// The page map says one size of blocks and the slab's head another, and each
// could be: whichever was damaged, nothing that is allocated is given away.
TEST_F(CheckTest, TwoSizesOfBlocks) {
  for (unsigned Was = 0; Was < ClassCount; ++Was) {
    size_t Bytes = Classes[Was].BlockBytes;
    std::string Name = "of" + std::to_string(Bytes);
    uint64_t *Root = create(Name.c_str(), 5000);
    perdure_id It = perdure_object_id(Root);
    std::map<uint64_t, uint64_t> Kept;
    uint64_t Page = 0;
    for (unsigned I = 0; I < Classes[Was].blocks(); ++I) {
      auto *P = (uint8_t *)perdure_alloc(Root, Bytes);
      ASSERT_NE(P, nullptr);
      uint64_t Offset = (uint64_t)P - baseOf(P);
      if (!I)
        Page = Offset / FilePage;
      if (I % 3 && I < Classes[Was].blocks() / 2)
        Kept[Offset] = Bytes;
      else
        perdure_free(P);
    }
    closeStore();
    std::string Path = fileOf(Name.c_str()), Whole = readFile(Path);
    Header Its;
    memcpy(&Its, Whole.data(), sizeof(Its));
    uint64_t At = Its.Copy[0].MapExtent[0] + Page * 8;
    ASSERT_EQ((unsigned)Whole[At + 6], Was);
    for (unsigned Other = 0; Other < ClassCount; ++Other) {
      if (Other == Was || Classes[Other].Pages != Classes[Was].Pages)
        continue;
      for (bool InHead : {false, true}) {
        SCOPED_TRACE(testing::Message() << Bytes << " as " << Other << InHead);
        std::string Bad = Whole;
        if (InHead)
          memcpy(&Bad[Page * FilePage + offsetof(SlabHeader, BlockBytes)],
                 &Classes[Other].BlockBytes, sizeof(uint16_t));
        else
          Bad[At + 6] = (char)Other;
        writeFile(Path, Bad);
        reopenStore();
        Found R;
        ASSERT_EQ(perdure_check(S, It, PERDURE_REPAIR, add, &R), 0) << R.Text;
        ASSERT_EQ(R.Mended, 1u) << R.Text;
        auto *A = (uint8_t *)perdure_open(S, Name.c_str(), 0);
        ASSERT_NE(A, nullptr) << perdure_errormsg();
        for (size_t Size : {Bytes, (size_t)Classes[Other].BlockBytes})
          for (unsigned I = 0; I < 300; ++I) {
            auto *P = (uint8_t *)perdure_alloc(A, Size);
            ASSERT_NE(P, nullptr) << perdure_errormsg();
            uint64_t Offset = (uint64_t)P - baseOf(A);
            auto Next = Kept.lower_bound(Offset);
            ASSERT_TRUE(Next == Kept.end() || Offset + Size <= Next->first);
            ASSERT_TRUE(Next == Kept.begin() ||
                        std::prev(Next)->first + Bytes <= Offset);
          }
        closeStore();
      }
    }
    reopenStore();
  }
}

// One bit of the page map, or of the head of a slab. What is found is mended so
// that the runtime works, and nothing that was allocated is lost or given away;
// what is not found the runtime can work with.
TEST_F(CheckTest, PagesAndSlabs) {
  uint64_t Map = H.Copy[0].MapExtent[0], Pages = Good.size() / FilePage;
  std::mt19937_64 Random(7);
  unsigned Named = 0;
  for (unsigned Round = 0; Round < 800; ++Round) {
    std::string Bad = Good;
    uint64_t Page = Random() % Pages, Word;
    memcpy(&Word, &Bad[Map + Page * 8], 8);
    bool Head = PageDescriptor{Word}.kind() == PageKind::Slab && Random() % 2;
    uint64_t At =
        Head ? Page * FilePage + Random() % 8 : Map + Page * 8 + Random() % 8;
    Bad[At] = (char)(Bad[At] ^ (1 << Random() % 8));
    writeFile(File, Bad);
    Found R;
    int Damage = check(0, R);
    ASSERT_GE(Damage, 0) << perdure_errormsg();
    EXPECT_EQ(readFile(File), Bad);
    if (!Damage) {
      ASSERT_TRUE(works()) << "round " << Round << ": " << perdure_errormsg();
      continue;
    }
    ++Named;
    ASSERT_EQ(check(PERDURE_REPAIR, R), 0) << R.Text;
    Found Again;
    ASSERT_EQ(check(0, Again), 0) << R.Text << "again:\n" << Again.Text;
    std::string Repaired = readFile(File);
    ASSERT_TRUE(works()) << R.Text << perdure_errormsg();
    writeFile(File, Repaired);
    nothingIsLost();
    ASSERT_FALSE(HasFatalFailure()) << "round " << Round << ": " << R.Text;
  }
  EXPECT_GT(Named, 60u);
}

// Any damage, many places: the check ends, and what it calls whole or repaired
// can be opened and allocated in.
TEST_F(CheckTest, WhatPassesWorks) {
  uint64_t Map = H.Copy[0].MapExtent[0], Fot = H.Copy[0].FotExtent[0];
  std::mt19937_64 Random(11);
  const uint64_t Places[] = {0, Map, Fot};
  for (unsigned Round = 0; Round < 500; ++Round) {
    std::string Bad = Good;
    for (unsigned Count = 1 + Random() % 8; Count; --Count) {
      uint64_t At = Random() % 4
                        ? Places[Random() % 3] + Random() % 1024
                        : Random() % Bad.size() / 4096 * 4096 + Random() % 64;
      Bad[At] = (char)Random();
    }
    writeFile(File, Bad);
    Found R;
    int Damage = check(PERDURE_REPAIR, R);
    ASSERT_GE(Damage, 0) << perdure_errormsg();
    if (!Damage)
      ASSERT_TRUE(works()) << "round " << Round << ": " << R.Text
                           << perdure_errormsg();
  }
}

TEST_F(CheckTest, CutOffOrLonger) {
  Found R;
  for (size_t Bytes : {0, 100, 4095, 4096, 8192}) {
    writeFile(File, Good.substr(0, Bytes));
    EXPECT_GT(check(0, R), 0) << Bytes;
    EXPECT_GT(check(PERDURE_REPAIR, R), 0) << Bytes;
    EXPECT_EQ(readFile(File), Good.substr(0, Bytes)) << Bytes;
  }
  writeFile(File, Good + std::string(5000, 'x'));
  EXPECT_EQ(check(0, R), 0);
  EXPECT_EQ(R.Notes, 1u) << R.Text;
}

} // namespace
