//===- MediumTest.cpp - Caches and medium over real memory ----------------===//

#include "flips/medium.h"
#include "perdure/runtime.h"

#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <sys/mman.h>
#include <vector>

using namespace perdure::flips;

namespace {

perdure_flips_site TheSites[8];
perdure_id TheObject; // that all memory lies in, or {0, 0}

/// Some pages, and what the medium holds of them, written down by lines.
class MediumTest : public testing::Test {
protected:
  static constexpr size_t Bytes = 4 * PageBytes;
  char *Memory =
      static_cast<char *>(mmap(nullptr, Bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Options O;
  ~MediumTest() override { munmap(Memory, Bytes); }
  void SetUp() override {
    for (perdure_flips_site &S : TheSites)
      S = {};
  }
  static void useSites(Medium &M) {
    M.SiteOf = [](uint32_t Number) { return &TheSites[Number]; };
  }
  static uint64_t ones(const char *A, const char *B, size_t Count, bool Set) {
    uint64_t N = 0;
    for (size_t I = 0; I != Count; ++I)
      N += unsigned(__builtin_popcount(
          unsigned(Set ? ~A[I] & B[I] : A[I] & ~B[I]) & 0xFF));
    return N;
  }
};

TEST_F(MediumTest, CountsWhatWasThereBeforeTheFirstStore) {
  Medium M(O);
  useSites(M);
  Memory[8] = 0x0F;
  M.prepare(uint64_t(Memory) + 8, 1, 1);
  Memory[8] = 0x3C;
  Memory[16] = 0x01; // unseen, in the same line
  M.write(uint64_t(Memory));
  EXPECT_EQ(TheSites[1].CellsSet, 2u);
  EXPECT_EQ(TheSites[1].CellsCleared, 2u);
  EXPECT_EQ(M.Nobody.CellsSet, 1u);
  EXPECT_EQ(M.Bits[0].Cleared, 1u);
  EXPECT_EQ(M.Bits[5].Set, 1u);
  // Nothing new, nothing flips.
  M.write(uint64_t(Memory));
  EXPECT_EQ(TheSites[1].CellsSet, 2u);
  EXPECT_EQ(M.LinesWritten, 2u);
}

TEST_F(MediumTest, TakesTheOldBytesFromWhoHasThem) {
  Medium M(O);
  useSites(M);
  uint16_t Was = 0xFFFF;
  M.prepare(uint64_t(Memory) + 62, 2, 1, &Was); // written already: zero
  M.write(uint64_t(Memory));
  EXPECT_EQ(TheSites[1].CellsCleared, 16u);
}

TEST_F(MediumTest, ForgetsWhoWroteAWordOnceItIsWritten) {
  Medium M(O);
  useSites(M);
  M.prepare(uint64_t(Memory), 8, 1);
  Memory[0] = 1;
  M.write(uint64_t(Memory));
  Memory[0] = 3;
  M.write(uint64_t(Memory));
  EXPECT_EQ(TheSites[1].CellsSet, 1u);
  EXPECT_EQ(M.Nobody.CellsSet, 1u);
}

// A write that the caches are too small for: its first lines leave them before it
// is made. What lies behind them is not there yet.
TEST_F(MediumTest, KnowsWhatIsComing) {
  Medium M(O);
  useSites(M);
  std::string What(100, '\x11');
  memset(Memory, 0x10, 128);
  M.prepare(uint64_t(Memory) + 28, 36, 1);
  M.prepare(uint64_t(Memory) + 64, 64, 2);
  M.Next = {uint64_t(Memory) + 28, 36, What.data(), 0};
  M.write(uint64_t(Memory));
  M.write(uint64_t(Memory) + 64);
  EXPECT_EQ(TheSites[1].CellsSet, 36u);
  EXPECT_EQ(TheSites[2].CellsSet, 0u);
  M.Next = {uint64_t(Memory) + 64, 8, nullptr, '\x30'};
  M.write(uint64_t(Memory) + 64);
  EXPECT_EQ(M.Nobody.CellsSet, 8u);
  EXPECT_EQ(Memory[28], 0x10);
}

TEST_F(MediumTest, AnObjectInAnothersSlotIsAnother) {
  Medium M(O);
  useSites(M);
  TheObject = {1, 2};
  memset(Memory, 0xFF, 64);
  M.prepare(uint64_t(Memory), 8, 1);
  M.write(uint64_t(Memory));
  M.objectCloses();
  TheObject = {3, 4};
  memset(Memory, 0, 64); // it is as it was in its own file
  M.prepare(uint64_t(Memory), 8, 2);
  Memory[0] = 1;
  M.write(uint64_t(Memory));
  M.objectCloses(); // and stays
  M.prepare(uint64_t(Memory), 8, 2);
  Memory[0] = 3;
  M.write(uint64_t(Memory));
  TheObject = {};
  EXPECT_EQ(TheSites[2].CellsSet, 2u);
  EXPECT_EQ(TheSites[2].CellsCleared, 0u);
  std::map<uint64_t, uint64_t> Writes;
  M.forEachPage([&](const Page &P) { Writes[P.Object[0]] += P.Writes; });
  EXPECT_EQ(Writes, (std::map<uint64_t, uint64_t>{{1, 1}, {3, 2}}));
}

TEST_F(MediumTest, MemoryThatIsGoneIsLost) {
  Medium M(O);
  useSites(M);
  M.prepare(uint64_t(Memory), 8, 1);
  ASSERT_EQ(munmap(Memory, Bytes), 0);
  M.write(uint64_t(Memory));
  EXPECT_EQ(M.LinesLost, 1u);
  EXPECT_EQ(M.LinesWritten, 0u);
  Memory = static_cast<char *>(mmap(nullptr, Bytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

// Random stores through small caches: each line that leaves them changes what
// the copy of the medium says, by as many bits as the sites count, in the end
// all.
TEST_F(MediumTest, AgreesWithACopyBitForBit) {
  std::mt19937 Dice(7);
  for (size_t I = 0; I != Bytes; ++I)
    Memory[I] = char(Dice());
  std::string Copy(Memory, Bytes);
  struct Watched {
    Medium M;
    std::string &Copy;
    char *Memory;
    uint64_t Set = 0, Cleared = 0;
  } W{Medium(O), Copy, Memory};
  useSites(W.M);
  Behind Between = {
      &W, [](void *To, uint64_t L) { static_cast<Watched *>(To)->M.read(L); },
      [](void *To, uint64_t L) {
        auto &W = *static_cast<Watched *>(To);
        char *Now = reinterpret_cast<char *>(L);
        char *Then = &W.Copy[size_t(Now - W.Memory)];
        W.Set += ones(Then, Now, LineBytes, true);
        W.Cleared += ones(Then, Now, LineBytes, false);
        memcpy(Then, Now, LineBytes);
        W.M.write(L);
      }};
  Caches C({256, 2}, {1024, 4}, Between);
  for (int Step = 0; Step != 50000; ++Step) {
    size_t Some = size_t(1) << Dice() % 4, At = Dice() % (Bytes / Some) * Some;
    uint64_t Address = uint64_t(Memory) + At;
    C.access(Address & ~(LineBytes - 1), true);
    W.M.prepare(Address, Some, 1 + Dice() % 7);
    for (size_t I = 0; I != Some; ++I)
      Memory[At + I] = char(Dice());
  }
  C.flushAll();
  EXPECT_EQ(Copy, std::string(Memory, Bytes));
  uint64_t Set = 0, Cleared = 0, ByPage = 0, ByBit = 0;
  for (perdure_flips_site &S : TheSites) {
    Set += S.CellsSet;
    Cleared += S.CellsCleared;
  }
  W.M.forEachPage([&](const Page &P) { ByPage += P.Set + P.Cleared; });
  for (BitCount &B : W.M.Bits)
    ByBit += B.Set + B.Cleared;
  EXPECT_EQ(W.M.Nobody.CellsSet + W.M.Nobody.CellsCleared, 0u);
  EXPECT_EQ(Set, W.Set);
  EXPECT_EQ(Cleared, W.Cleared);
  EXPECT_EQ(ByPage, Set + Cleared);
  EXPECT_EQ(ByBit, Set + Cleared);
}

} // namespace

// The library's, for pages that are told where they lie.
int perdure_in_object(const void *) { return (TheObject.hi | TheObject.lo) != 0; }
perdure_id perdure_object_id(const void *) { return TheObject; }
uint64_t perdure_offset(const void *) { return 0; }
