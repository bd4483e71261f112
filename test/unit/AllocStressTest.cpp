//===- AllocStressTest.cpp - The allocator under load, kills and size -----===//
//
// PERDURE_SOAK=N does N times as much.
//
//===----------------------------------------------------------------------===//

#include "Support.h"
#include "alloc/format.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <random>
#include <signal.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <thread>
#include <unistd.h>

namespace {

class AllocStressTest : public StoreTest {
protected:
  struct perdure_stat stat(const void *P) {
    struct perdure_stat Stat = {};
    EXPECT_EQ(perdure_stat(P, &Stat), 0) << perdure_errormsg();
    return Stat;
  }
};

unsigned soak() {
  const char *N = getenv("PERDURE_SOAK");
  return N && atoi(N) > 0 ? (unsigned)atoi(N) : 1;
}

// Small ones of every class, large ones now and then.
template <typename Generator> uint64_t someWords(Generator &Random) {
  uint64_t R = Random();
  unsigned Kind = R % 128;
  R >>= 7;
  if (Kind == 0)
    return 1 + R % 32768;
  if (Kind < 8)
    return 1 + R % 1024;
  return 2 + R % (Kind < 32 ? 450 : 40);
}

// A block says how long it is, and each word of it where it lies. Of large ones
// every sixteenth word, the first and the last.
uint64_t step(uint64_t Words) { return Words > 512 ? 16 : 1; }

void fillBlock(uint64_t *Block, uint64_t Words) {
  uint64_t Mark = perdure_offset(Block) ^ Words << 40;
  for (uint64_t I = 1; I < Words; I += step(Words))
    Block[I] = Mark;
  Block[Words - 1] = Mark;
  Block[0] = Words;
}

bool isWhole(const uint64_t *Block) {
  uint64_t Words = Block[0], Mark = perdure_offset(Block) ^ Words << 40;
  if (Words < 1 || Words > 32768)
    return false;
  for (uint64_t I = 1; I < Words; I += step(Words))
    if (Block[I] != Mark)
      return false;
  return Words == 1 || Block[Words - 1] == Mark;
}

bool isZero(const uint64_t *Block, uint64_t Words) {
  for (uint64_t I = 0; I < Words; I += step(Words))
    if (Block[I])
      return false;
  return !Block[Words - 1];
}

// Everything that the file says is allocated: bytes by offset.
std::map<uint64_t, uint64_t> allocatedBlocks(const void *InObject) {
  uint64_t Base = baseOf(InObject);
  auto *H = (const perdure::Header *)Base;
  const perdure::State &State = H->Copy[0];
  std::map<uint64_t, uint64_t> System, Blocks; // pages; bytes
  System[0] = 1;
  for (unsigned K = 0; K < perdure::MaxExtents; ++K)
    for (uint64_t Extent : {State.FotExtent[K], State.MapExtent[K]})
      if (Extent)
        System[Extent / 4096] = uint64_t(1) << K;
  for (uint64_t Page = 0; Page < State.FileBytes / 4096;) {
    if (auto It = System.find(Page); It != System.end()) {
      Page += It->second;
      continue;
    }
    unsigned K = 63 - (unsigned)__builtin_clzll(Page / 512 + 1);
    uint64_t Within = Page - 512 * ((uint64_t(1) << K) - 1);
    perdure::PageDescriptor D = {
        State.MapExtent[K]
            ? ((const uint64_t *)(Base + State.MapExtent[K]))[Within]
            : 0};
    if (D.kind() == perdure::PageKind::Large) {
      Blocks[Page * 4096] = D.pages() * 4096;
      Page += D.pages();
    } else if (D.kind() == perdure::PageKind::Slab) {
      auto *Slab = (const perdure::SlabHeader *)(Base + Page * 4096);
      unsigned Count = perdure::Classes[D.sizeClass()].blocks();
      for (unsigned I = 0; I < Count; ++I)
        if (Slab->Used[I / 64] >> I % 64 & 1)
          Blocks[Page * 4096 + 64 + I * Slab->BlockBytes] = Slab->BlockBytes;
      Page += D.pages();
    } else {
      ++Page;
    }
  }
  return Blocks;
}

// Whether a file that had so many bytes once its table was full has stopped
// growing. Without reuse it would have grown by a multiple of them since.
bool hasStopped(uint64_t Then, uint64_t Now) {
  return Now <= Then + Then / 2 + (1 << 20);
}

// Nothing overlaps.
void expectApart(const std::map<uint64_t, uint64_t> &Blocks) {
  uint64_t End = 0;
  for (auto &[Offset, Bytes] : Blocks) {
    ASSERT_GE(Offset, End);
    End = Offset + Bytes;
  }
}

// A million allocations and frees. What a thread allocates most often another
// frees.
TEST_F(AllocStressTest, EightThreadsAMillionTimes) {
  constexpr unsigned Threads = 8, Slots = PERDURE_SANITIZED ? 1500 : 6000;
  unsigned Times = 1000000 / Threads / (PERDURE_SANITIZED ? 8 : 1) * soak();
  uint64_t *Root = create("a");
  std::vector<std::atomic<uint64_t *>> Table(Slots);
  std::atomic<unsigned> Wrong{0};
  uint64_t Sizes[4] = {};
  for (unsigned Round = 0; Round < 4; ++Round) {
    std::vector<std::thread> Pool;
    for (unsigned T = 0; T < Threads; ++T)
      Pool.emplace_back([&, T] {
        std::mt19937_64 Random(Round * Threads + T);
        for (unsigned I = 0; I < Times / 4; ++I) {
          uint64_t *Block = nullptr;
          if (Random() % 2) {
            uint64_t Words = someWords(Random);
            Block = (uint64_t *)perdure_alloc(Root, Words * 8);
            if (!Block || !isZero(Block, Words)) {
              ++Wrong;
              return;
            }
            fillBlock(Block, Words);
          }
          Block = Table[Random() % Slots].exchange(Block);
          if (!Block)
            continue;
          Wrong += !isWhole(Block);
          perdure_free(Block);
        }
      });
    for (std::thread &T : Pool)
      T.join();
    ASSERT_EQ(Wrong, 0u);
    uint64_t Live = 1;
    for (auto &P : Table)
      Live += P != nullptr;
    EXPECT_EQ(stat(Root).blocks, Live);
    auto Blocks = allocatedBlocks(Root);
    EXPECT_EQ(Blocks.size(), Live);
    expectApart(Blocks);
    for (auto &P : Table)
      if (uint64_t *Block = P) {
        auto It = Blocks.find(perdure_offset(Block));
        ASSERT_NE(It, Blocks.end());
        EXPECT_GE(It->second, Block[0] * 8);
        EXPECT_TRUE(isWhole(Block));
      }
    Sizes[Round] = stat(Root).file_bytes;
  }
  EXPECT_TRUE(hasStopped(Sizes[1], Sizes[3])) << Sizes[1] << " " << Sizes[3];
  for (auto &P : Table)
    perdure_free(P);
  EXPECT_EQ(stat(Root).blocks, 1u);
}

// One step of filling and emptying a table of persistent pointers, which Root
// is: at no moment more than one block is allocated and not in the table.
template <typename Generator>
void changeTable(uint64_t *Root, uint64_t &Entry, Generator &Random) {
  if (Entry) {
    auto *Block = (uint64_t *)perdure_decode(Entry, &Entry);
    if (!isWhole(Block))
      abort();
    __atomic_store_n(&Entry, uint64_t(0), __ATOMIC_RELEASE);
    perdure_free(Block);
  } else {
    uint64_t Words = someWords(Random);
    auto *Block = (uint64_t *)perdure_alloc(Root, Words * 8);
    if (!Block || !isZero(Block, Words))
      abort();
    fillBlock(Block, Words);
    __atomic_store_n(&Entry, perdure_encode(Block, &Entry), __ATOMIC_RELEASE);
  }
}

// Everything in the table is allocated and as it was written, nothing overlaps,
// and no more has leaked than so many blocks.
void checkTable(uint64_t *Root, unsigned Slots, uint64_t MayLeak) {
  auto Blocks = allocatedBlocks(Root);
  expectApart(Blocks);
  uint64_t Linked = 0;
  for (unsigned I = 0; I < Slots; ++I) {
    if (!Root[I])
      continue;
    ++Linked;
    auto *Block = (uint64_t *)perdure_decode(Root[I], &Root[I]);
    auto It = Blocks.find(perdure_offset(Block));
    ASSERT_NE(It, Blocks.end()) << "linked and free";
    ASSERT_TRUE(isWhole(Block));
    ASSERT_GE(It->second, Block[0] * 8);
  }
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(Root, &Stat), 0) << perdure_errormsg();
  EXPECT_EQ(Stat.blocks, Blocks.size());
  EXPECT_LE(Blocks.size() - 1 - Linked, MayLeak); // the root is one
}

constexpr unsigned StressThreads = 4, StressSlots = 1000; // of each thread

// A step changes one slot of a thread's, whichever. After so many the share of
// the slots that are in use is within 1/800 of what it stays at, a half
// ((1 - (1 - 2/StressSlots)^n) / 2 after n). Files are compared from there on,
// since how many steps a process makes until it is killed is the machine's.
constexpr unsigned StepsToFill = 3 * StressSlots;

// Args: store, seed, steps of each thread ("0": until it is killed).
CHILD(stress) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *Root = (uint64_t *)perdure_open(S, "a", 0);
  REQUIRE(Root);
  unsigned long Steps = std::stoul(Args[2]);
  std::vector<std::thread> Pool;
  for (unsigned T = 0; T < StressThreads; ++T)
    Pool.emplace_back([&, T] {
      std::mt19937_64 Random(std::stoul(Args[1]) * StressThreads + T);
      for (unsigned long I = 0; !Steps || I < Steps; ++I)
        changeTable(Root, Root[T * StressSlots + Random() % StressSlots],
                    Random);
    });
  for (std::thread &T : Pool)
    T.join();
  return 0;
}

TEST_F(AllocStressTest, ThreeProcessesInTurnEachKilled) {
  unsigned Rounds = 3 * 6 * soak();
  create("a", StressThreads * StressSlots * 8);
  closeStore();
  ChildResult Fill = runChild(
      "stress", {Dir, std::to_string(Rounds), std::to_string(StepsToFill)});
  ASSERT_EQ(Fill.Exit, 0) << Fill.Output;
  std::mt19937 Random(std::random_device{}());
  uint64_t Then = 0;
  for (unsigned Round = 0; Round < Rounds; ++Round) {
    closeStore();
    ChildResult R = runChild("stress", {Dir, std::to_string(Round), "0"}, "",
                             50000 + Random() % 200000);
    ASSERT_EQ(R.Signal, SIGKILL) << R.Output;
    reopenStore();
    uint64_t *Root = open("a");
    // Each kill, what each thread had in hand.
    checkTable(Root, StressThreads * StressSlots, (Round + 1) * StressThreads);
    if (Round == Rounds / 3)
      Then = stat(Root).file_bytes;
    if (Round > Rounds / 3) {
      EXPECT_TRUE(hasStopped(Then, stat(Root).file_bytes)) << Then;
    }
  }
}

// The same in write sections, among others that do so. Args: store, seed, steps
// at least ("0": until it is killed).
CHILD(share) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *Root = (uint64_t *)perdure_open(S, "a", PERDURE_SHARED);
  REQUIRE(Root);
  std::mt19937_64 Random(std::stoul(Args[1]));
  unsigned long Steps = std::stoul(Args[2]);
  for (unsigned long Made = 0; !Steps || Made < Steps;) {
    REQUIRE(perdure_lock(Root, 0) >= 0);
    for (uint64_t I = Random() % 200; I; --I, ++Made)
      changeTable(Root, Root[Random() % StressSlots], Random);
    REQUIRE(!perdure_unlock(Root));
  }
  return 0;
}

TEST_F(AllocStressTest, ThreeProcessesAtOnceEachKilled) {
  unsigned Rounds = 6 * soak();
  create("a", StressSlots * 8);
  closeStore();
  ChildResult Fill = runChild(
      "share", {Dir, std::to_string(Rounds * 3), std::to_string(StepsToFill)});
  ASSERT_EQ(Fill.Exit, 0) << Fill.Output;
  std::mt19937 Random(std::random_device{}());
  uint64_t Then = 0;
  for (unsigned Round = 0; Round < Rounds; ++Round) {
    std::vector<std::thread> Pool;
    for (unsigned P = 0; P < 3; ++P)
      Pool.emplace_back([&, P, After = 50000 + Random() % 200000] {
        ChildResult R = runChild(
            "share", {Dir, std::to_string(Round * 3 + P), "0"}, "", After);
        EXPECT_EQ(R.Signal, SIGKILL) << R.Output;
      });
    for (std::thread &T : Pool)
      T.join();
    S = perdure_store_open(Dir.c_str(), 0);
    ASSERT_NE(S, nullptr);
    uint64_t *Root = open("a");
    checkTable(Root, StressSlots, (Round + 1) * 3);
    if (Round == Rounds / 3)
      Then = stat(Root).file_bytes;
    if (Round > Rounds / 3) {
      EXPECT_TRUE(hasStopped(Then, stat(Root).file_bytes)) << Then;
    }
    closeStore();
  }
}

// A directory on a disk with so much room, whose file system allocates without
// writing; empty when there is none, and why.
std::string roomyDirectory(uint64_t Bytes, std::string &Why) {
  const char *Wanted = getenv("TMPDIR");
  for (std::string Place : {std::string(Wanted ? Wanted : "/tmp"),
                            std::string("/var/tmp"), std::string("/tmp")}) {
    struct statfs Type;
    struct statvfs Room;
    if (statfs(Place.c_str(), &Type) || statvfs(Place.c_str(), &Room))
      continue;
    if (Type.f_type == 0x01021994) {
      Why += Place + " lies in memory; ";
      continue;
    }
    uint64_t Free = uint64_t(Room.f_bavail) * Room.f_frsize;
    if (Free < Bytes) {
      Why += Place + " has " + std::to_string(Free >> 30) + " GiB, of " +
             std::to_string(Bytes >> 30) + " that this needs; ";
      continue;
    }
    std::string Path = Place + "/perdure-unit-XXXXXX";
    if (!mkdtemp(Path.data()))
      continue;
    int File = ::open((Path + "/probe").c_str(), O_RDWR | O_CREAT, 0600);
    bool Quick = File >= 0 && !fallocate(File, 0, 0, 1 << 20);
    if (File >= 0)
      ::close(File);
    unlink((Path + "/probe").c_str());
    if (Quick)
      return Path;
    Why += Place + " cannot allocate without writing; ";
    rmdir(Path.c_str());
  }
  return "";
}

class LargeObjectTest : public StoreTest {
protected:
  void TearDown() override {
    StoreTest::TearDown();
    if (!Place.empty())
      std::filesystem::remove_all(Place);
  }
  // Moves the test to a disk with so much room.
  bool useRoom(uint64_t Bytes) {
    Place = roomyDirectory(Bytes, Why);
    if (Place.empty())
      return false;
    closeStore();
    Dir = Place + "/store";
    S = perdure_store_open(Dir.c_str(), PERDURE_CREATE);
    EXPECT_NE(S, nullptr) << perdure_errormsg();
    return S;
  }
  std::string Place, Why;
};

constexpr uint64_t GiB = 1 << 30;

TEST_F(LargeObjectTest, SeventeenGigabytes) {
  if (Slot < 32 * GiB)
    GTEST_SKIP() << "slots have 1 GiB here";
  if (!useRoom(20 * GiB))
    GTEST_SKIP() << Why;
  uint64_t *Root = create("a");
  constexpr uint64_t Words = 17 * GiB / 8;
  auto *Block = (uint64_t *)perdure_alloc(Root, Words * 8);
  ASSERT_NE(Block, nullptr) << perdure_errormsg();
  // Few: each makes the kernel read megabytes ahead.
  for (uint64_t I = 0; I < Words; I += Words / 8)
    ASSERT_EQ(Block[I], 0u);
  ASSERT_EQ(Block[Words - 1], 0u);
  Block[0] = 1;
  Block[Words - 1] = 2;
  auto *After = (uint64_t *)perdure_alloc(Root, 100);
  ASSERT_NE(After, nullptr) << perdure_errormsg();
  *After = 3;
  Root[0] = perdure_encode(Block, &Root[0]);
  Root[1] = perdure_encode(After, &Root[1]);
  // Past 16 GiB, where what has 32 bits and counts words would end.
  Block[Words - 2] = perdure_encode(After, &Block[Words - 2]);
  reopenStore();
  Root = open("a");
  Block = (uint64_t *)perdure_decode(Root[0], &Root[0]);
  After = (uint64_t *)perdure_decode(Root[1], &Root[1]);
  EXPECT_EQ(Block[0], 1u);
  EXPECT_EQ(Block[Words - 1], 2u);
  EXPECT_EQ(*After, 3u);
  EXPECT_EQ(perdure_decode(Block[Words - 2], &Block[Words - 2]), After);
  perdure_free(Block);
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(Root, &Stat), 0);
  EXPECT_GE(Stat.largest_free, Words * 8);
  reopenStore();
  Root = open("a");
  ASSERT_NE(perdure_alloc(Root, 100000), nullptr);
}

// The page map of a block that fills the slot is made before the block.
TEST_F(LargeObjectTest, OneBlockFillsTheSlot) {
  if (!useRoom(Slot + 4 * GiB))
    GTEST_SKIP() << Why;
  char *Root = (char *)create("a", 8);
  uint64_t Bytes = Limit - Limit / 256;
  for (uint64_t Less : {8192, 65536}) { // too large with all that there is
    errno = 0;
    EXPECT_EQ(perdure_alloc(Root, Limit - Less), nullptr);
    EXPECT_EQ(errno, ENOSPC);
  }
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(Root, &Stat), 0);
  EXPECT_LT(Stat.file_bytes, Slot / 64); // it has not grown in vain
  auto *Block = (char *)perdure_alloc(Root, Bytes);
  ASSERT_NE(Block, nullptr) << perdure_errormsg();
  Block[Bytes - 1] = 1;
  reopenStore();
  Root = (char *)open("a");
  perdure_free((void *)(baseOf(Root) + ((uint64_t)Block & (Slot - 1))));
  EXPECT_NE(perdure_alloc(Root, 8), nullptr) << perdure_errormsg();
}

// What is free at the end counts when the rest of the slot is too little.
TEST_F(LargeObjectTest, TheFreeEndIsJoinedWithTheRest) {
  if (!useRoom(Slot + 4 * GiB))
    GTEST_SKIP() << Why;
  uint64_t *Root = create("a", 8);
  ASSERT_NE(perdure_alloc(Root, Limit / 8 * 5), nullptr);
  struct perdure_stat Stat;
  do { // until it grows, by an eighth
    ASSERT_NE(perdure_alloc(Root, 3000), nullptr);
    ASSERT_EQ(perdure_stat(Root, &Stat), 0);
  } while (Stat.largest_free < Limit / 16);
  uint64_t Rest = Limit - Stat.file_bytes;
  auto *Block = (char *)perdure_alloc(Root, Rest + Limit / 32);
  ASSERT_NE(Block, nullptr) << perdure_errormsg();
  Block[Rest + Limit / 32 - 1] = 1;
}

} // namespace
