//===- FotTest.cpp - The foreign object table -----------------------------===//

#include "Hooks.h"
#include "Support.h"

#include <chrono>
#include <fcntl.h>
#include <future>
#include <string.h>
#include <thread>
#include <unistd.h>
#include <zlib.h>

namespace {

constexpr uint64_t ForeignBit = uint64_t(1) << 63;
uint64_t indexOf(uint64_t Bits) { return Bits >> 40 & 0x7fffff; }

class FotTest : public StoreTest {
protected:
  // Count objects, the first of which is called "0".
  std::vector<uint64_t *> createMany(int Count) {
    std::vector<uint64_t *> Roots;
    for (int I = 0; I < Count; ++I)
      Roots.push_back(create(std::to_string(I).c_str(), 2048));
    return Roots;
  }
  uint64_t entries(const void *P) {
    struct perdure_stat Stat;
    EXPECT_EQ(perdure_stat(P, &Stat), 0);
    return Stat.fot_entries;
  }
  // Where entry Index of the FOT's first extent lies in the file.
  static size_t entryAt(const std::string &File, uint64_t Index) {
    perdure::Header H;
    memcpy(&H, File.data(), sizeof(H));
    return H.Copy[0].FotExtent[0] + Index * 32;
  }
};

// Who takes in an entry that another process has inserted uses it in pointers: on DAX
// media it flushes it before, since the other may have died between store and flush.
TEST_F(FotTest, EntriesOfOthersAreFlushed) {
  if (!getenv("PMEM2_FORCE_GRANULARITY"))
    GTEST_SKIP() << "on page media a sync takes the file";
  auto Roots = createMany(4);
  for (int I = 1; I < 4; ++I)
    perdure_encode(Roots[I], Roots[0]);
  closeStore();
  reopenStore();
  uint64_t *Root = open("0");
  std::string File = readFile(fileOf("0"));
  uint64_t First = baseOf(Root) + entryAt(File, 0);
  std::vector<bool> Flushed(5);
  hooks::OnFlush = [&](const void *P, size_t Bytes) {
    for (uint64_t I = 1; I < 4; ++I)
      if ((uint64_t)P <= First + I * 32 && (uint64_t)P + Bytes >= First + (I + 1) * 32)
        Flushed[I] = true;
  };
  uint64_t Index = indexOf(perdure_encode(open("2"), Root));
  hooks::forgetAll();
  ASSERT_TRUE(Index > 0 && Index < 4);
  EXPECT_TRUE(Flushed[Index]);
  EXPECT_EQ(entries(Root), 3u);
}

TEST_F(FotTest, OneEntryPerTarget) {
  auto Roots = createMany(4);
  for (int Round = 0; Round < 3; ++Round)
    for (int I = 1; I < 4; ++I) {
      uint64_t Bits = perdure_encode(Roots[I] + Round, Roots[0]);
      EXPECT_EQ(indexOf(Bits), (uint64_t)I);
    }
  EXPECT_EQ(entries(Roots[0]), 3u);
  EXPECT_EQ(entries(Roots[1]), 0u);
}

TEST_F(FotTest, EntriesSurviveReopeningAndStayCanonical) {
  auto Roots = createMany(4);
  for (int I = 1; I < 4; ++I)
    Roots[0][I] = perdure_encode(Roots[I], &Roots[0][I]);
  reopenStore();
  uint64_t *Root = open("0");
  for (int I = 3; I > 0; --I) {
    void *P = perdure_decode(Root[I], &Root[I]);
    EXPECT_EQ(P, open(std::to_string(I).c_str()));
    EXPECT_EQ(perdure_encode(P, Root), Root[I]);
  }
  EXPECT_EQ(entries(Root), 3u);
}

TEST_F(FotTest, CacheIsFilledByDecode) {
  auto Roots = createMany(2);
  uint64_t Bits = perdure_encode(Roots[1], Roots[0]);
  auto *Cache = (uint64_t *)(baseOf(Roots[0]) + Slot - (64 << 20));
  EXPECT_EQ(Cache[0], baseOf(Roots[0]));
  EXPECT_EQ(Cache[1], 0u);
  EXPECT_EQ(__perdure_decode_object(Bits, Roots[0]), Roots[1]);
  EXPECT_EQ(Cache[1], baseOf(Roots[1]));
  EXPECT_EQ(__perdure_decode_object(Bits, Roots[0]), Roots[1]);
}

uint64_t fotRow(uint64_t Base, uint64_t Index) {
  return *perdureFotRowEntry(__perdure_window.fot_rows, Base, Index, SLOT_BITS);
}
uint64_t indexRow(uint64_t Base, uint64_t Target) {
  return *perdureIndexRowEntry(__perdure_window.index_rows, Base, Target,
                               SLOT_BITS);
}

uint16_t wideFotRow(uint64_t Base, uint64_t Index) {
  return *perdureWideFotEntry(__perdure_window.fot_rows, __perdure_window.base,
                              Base, Index, SLOT_BITS);
}
uint32_t wideIndexRow(uint64_t Base, uint64_t Target) {
  return *perdureWideIndexEntry(__perdure_window.index_rows,
                                __perdure_window.base, Base, Target, SLOT_BITS);
}

// More targets than a row has entries; several share one of the index row's,
// which has the last of them. The wide rows have all, each its own.
TEST_F(FotTest, RowsSayWhatTheTableSays) {
  auto Roots = createMany(200);
  for (int Round = 0; Round < 2; ++Round)
    for (int I = 1; I < 200; ++I) {
      for (int Again = 0; Again < 2; ++Again) {
        uint64_t Bits =
            __perdure_encode_object(Roots[I] + I, Roots[0], nullptr);
        EXPECT_EQ(indexOf(Bits), (uint64_t)I);
        EXPECT_EQ(Bits, perdure_encode(Roots[I] + I, Roots[0]));
        if (Round == 0)
          EXPECT_EQ(indexRow(baseOf(Roots[0]), baseOf(Roots[I])),
                    baseOf(Roots[I]) | (uint64_t)I);
        EXPECT_EQ(wideIndexRow(baseOf(Roots[0]), baseOf(Roots[I])),
                  (uint32_t)I);
        EXPECT_EQ(__perdure_decode_object(Bits, Roots[0]), Roots[I] + I);
      }
      if (I < 64)
        EXPECT_EQ(fotRow(baseOf(Roots[0]), I), baseOf(Roots[I]));
      else
        EXPECT_EQ(__perdure_window.base +
                      wideFotRow(baseOf(Roots[0]), I) * Slot,
                  baseOf(Roots[I]));
    }
  // An object's first byte has an index of its own, also from elsewhere.
  for (int I : {0, 1}) {
    auto *First = (char *)baseOf(Roots[I]);
    uint64_t Bits = __perdure_encode_object(First, Roots[0], nullptr);
    EXPECT_EQ(Bits, ForeignBit | (uint64_t)I << 40);
    EXPECT_EQ(__perdure_decode_object(Bits, Roots[0]), First);
  }
}

// From one object to another, back, and out of volatile memory: what the
// library makes of it, before and after the rows know.
TEST_F(FotTest, CopiesBetweenObjectsAreWhatTheLibrarySays) {
  auto Roots = createMany(3);
  uint64_t Volatile = 0;
  const void *Places[] = {Roots[0], Roots[1], Roots[2], &Volatile};
  for (int Round = 0; Round < 2; ++Round)
    for (const void *From : Places)
      for (const void *To : Places)
        for (uint64_t *Target : {Roots[0] + 5, Roots[1] + 6, Roots[2] + 7,
                                 (uint64_t *)baseOf(Roots[1])}) {
          uint64_t Bits = perdure_encode(Target, From);
          uint64_t Copied = __perdure_reencode_object(Bits, From, To, nullptr);
          EXPECT_EQ(Copied, perdure_encode(Target, To));
          EXPECT_EQ(perdure_decode(Copied, To), Target);
        }
}

// The next object in the slot leads elsewhere, by other indices.
TEST_F(FotTest, RowsEndWithTheirStore) {
  auto Roots = createMany(2);
  uint64_t A = baseOf(Roots[0]), B = baseOf(Roots[1]);
  uint64_t Bits = __perdure_encode_object(Roots[1], Roots[0], nullptr);
  EXPECT_EQ(__perdure_decode_object(Bits, Roots[0]), Roots[1]);
  EXPECT_EQ(fotRow(A, 1), B);
  EXPECT_EQ(indexRow(A, B), B | 1);
  EXPECT_EQ(wideIndexRow(A, B), 1u);
  closeStore();
  EXPECT_EQ(fotRow(A, 1), 0u);
  EXPECT_EQ(indexRow(A, B), 0u);
  EXPECT_EQ(wideIndexRow(A, B), 0u);
}

TEST_F(FotTest, WideRowsEndWithTheirStore) {
  auto Roots = createMany(101);
  uint64_t Base = baseOf(Roots[0]), Bits = 0;
  for (int I = 1; I <= 100; ++I)
    Bits = __perdure_encode_object(Roots[I], Roots[0], nullptr);
  EXPECT_EQ(__perdure_decode_object(Bits, Roots[0]), Roots[100]);
  EXPECT_NE(wideFotRow(Base, 100), 0u);
  closeStore();
  EXPECT_EQ(wideFotRow(Base, 100), 0u);
}

// Names take indices without targets: 2,048 is the first that no wide row has.
TEST_F(FotTest, IndicesPastTheWideRow) {
  auto Roots = createMany(4);
  auto *Named = (uint64_t *)perdure_alloc(Roots[0], sizeof(uint64_t));
  uint64_t Bound = 0;
  for (uint64_t Index : {2046, 2047, 2048}) {
    for (; Bound + 1 != Index; ++Bound)
      ASSERT_EQ(perdure_bind(Named, std::to_string(1000 + Bound).c_str()), 0);
    uint64_t *Target = Roots[Index - 2045];
    uint64_t Bits = __perdure_encode_object(Target, Roots[0], nullptr);
    EXPECT_EQ(indexOf(Bits), Index);
    ++Bound;
    for (int Again = 0; Again < 2; ++Again) {
      EXPECT_EQ(__perdure_encode_object(Target, Roots[0], nullptr), Bits);
      EXPECT_EQ(__perdure_decode_object(Bits, Roots[0]), Target);
    }
  }
}

TEST_F(FotTest, GrowsThroughExtents) {
  // 127 entries fill the first extent, 256 more the second.
  auto Roots = createMany(400);
  for (int I = 1; I < 400; ++I)
    ASSERT_EQ(indexOf(perdure_encode(Roots[I], Roots[0])), (uint64_t)I);
  // The allocator keeps out of the extents.
  for (int I = 0; I < 2000; ++I)
    memset(perdure_alloc(Roots[0], 3000), 0xff, 3000);
  reopenStore();
  uint64_t *Root = open("0");
  EXPECT_EQ(entries(Root), 399u);
  for (int I = 1; I < 400; I += 13)
    EXPECT_EQ(perdure_decode(
                  ForeignBit | (uint64_t)I << 40 | perdure_offset(Root), Root),
              open(std::to_string(I).c_str()));
}

TEST_F(FotTest, ThreadsInsertAtomically) {
  constexpr int Targets = 200, Threads = 8;
  auto Roots = createMany(Targets);
  std::vector<std::vector<uint64_t>> Bits(Threads,
                                          std::vector<uint64_t>(Targets));
  std::vector<std::thread> Pool;
  for (int T = 0; T < Threads; ++T)
    Pool.emplace_back([&, T] {
      for (int I = 1; I < Targets; ++I) {
        int Target = T % 2 ? I : Targets - I;
        Bits[T][Target] = perdure_encode(Roots[Target], Roots[0]);
        if (perdure_decode(Bits[T][Target], Roots[0]) != Roots[Target])
          abort();
        perdure_alloc(Roots[0], 100); // extents grow beside blocks
      }
    });
  for (std::thread &T : Pool)
    T.join();
  for (int T = 1; T < Threads; ++T)
    EXPECT_EQ(Bits[T], Bits[0]);
  EXPECT_EQ(entries(Roots[0]), (uint64_t)Targets - 1);
}

TEST_F(FotTest, MissingTargetKeepsItsPointer) {
  auto Roots = createMany(2);
  Roots[0][1] = perdure_encode(Roots[1] + 3, &Roots[0][1]);
  uint64_t Bits = Roots[0][1];
  perdure_id Id = perdure_object_id(Roots[1]);
  closeStore();
  std::string File = fileOf("1");
  ASSERT_EQ(rename(File.c_str(), (File + "x").c_str()), 0);
  reopenStore();
  uint64_t *Root = open("0");
  auto *P = (uint64_t *)perdure_decode(Bits, &Root[1]);
  ASSERT_NE(P, nullptr);
  EXPECT_EQ(perdure_object_id(P).lo, Id.lo);
  EXPECT_EQ(perdure_in_object(P), 1);
  EXPECT_EQ(perdure_encode(P, Root), Bits);
  EXPECT_EQ(__perdure_decode_object(Bits, Root), P); // the ID keeps its slot
  uint64_t Local = 0;
  Local = perdure_encode(P, &Local);
  EXPECT_EQ(perdure_encode(perdure_decode(Local, &Local), Root), Bits);
  errno = 0;
  EXPECT_EQ(perdure_open(S, "1", 0), nullptr);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(perdure_alloc(P, 8), nullptr);
  EXPECT_EQ(entries(Root), 1u);
  // It comes back, to where it was expected.
  ASSERT_EQ(rename((File + "x").c_str(), File.c_str()), 0);
  EXPECT_EQ(__perdure_decode_object(Bits, Root), P);
  P[0] = 5;
  EXPECT_EQ(open("1"), P - 3);
}

TEST_F(FotTest, DamagedTargetIsAsGoodAsMissing) {
  auto Roots = createMany(2);
  Roots[0][1] = perdure_encode(Roots[1], &Roots[0][1]);
  closeStore();
  std::string File = fileOf("1"), Bytes = readFile(File);
  Bytes[20] ^= 1;
  writeFile(File, Bytes);
  reopenStore();
  uint64_t *Root = open("0");
  void *P = perdure_decode(Root[1], &Root[1]);
  EXPECT_EQ(perdure_encode(P, Root), Root[1]);
  EXPECT_EQ(readFile(File), Bytes);
}

TEST_F(FotTest, DamagedEntriesAreNoEntries) {
  auto Roots = createMany(3);
  for (int I = 1; I < 3; ++I)
    Roots[0][I] = perdure_encode(Roots[I], &Roots[0][I]);
  closeStore();
  std::string File = fileOf("0"), Good = readFile(File);
  for (int Byte = 0; Byte < 32; ++Byte) {
    // The rights may change, so nothing guards them.
    if (Byte >= 16 && Byte < 20)
      continue;
    std::string Bytes = Good;
    Bytes[entryAt(Good, 1) + Byte] ^= 0x40;
    writeFile(File, Bytes);
    reopenStore();
    uint64_t *Root = open("0");
    uint64_t P = (uint64_t)perdure_decode(Root[1], &Root[1]);
    EXPECT_GE(P - baseOf(Root), Limit) << Byte;
    EXPECT_LT(P - baseOf(Root), Slot) << Byte;
    EXPECT_EQ(perdure_decode(Root[2], &Root[2]), open("2")) << Byte;
    // The target gets another entry; the second keeps its own.
    EXPECT_EQ(indexOf(perdure_encode(open("1"), Root)), 3u) << Byte;
    EXPECT_EQ(perdure_encode(open("2"), Root), Root[2]) << Byte;
  }
}

TEST_F(FotTest, DeadClaimIsSkipped) {
  auto Roots = createMany(3);
  Roots[0][1] = perdure_encode(Roots[1], &Roots[0][1]);
  closeStore();
  std::string File = fileOf("0"), Bytes = readFile(File);
  uint64_t Claimed = perdure::EntryClaimed;
  memcpy(&Bytes[entryAt(Bytes, 2) + 24], &Claimed, 8);
  writeFile(File, Bytes);
  reopenStore();
  uint64_t *Root = open("0");
  EXPECT_EQ(indexOf(perdure_encode(open("2"), Root)), 3u);
  EXPECT_EQ(indexOf(perdure_encode(open("1"), Root)), 1u);
  EXPECT_EQ(entries(Root), 2u);
}

// Args: store, count. Object 0 leads to all others afterwards.
CHILD(insert) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *Root = (uint64_t *)perdure_open(S, "0", 0);
  REQUIRE(Root);
  for (int I = 1; I < std::stoi(Args[1]); ++I) {
    void *Target = perdure_open(S, std::to_string(I).c_str(), 0);
    REQUIRE(Target);
    Root[I] = perdure_encode(Target, &Root[I]);
  }
  return 0;
}

TEST_F(FotTest, ReadersFollowAWriterInAnotherProcess) {
  auto Roots = createMany(200);
  Roots[0][1] = perdure_encode(Roots[1], &Roots[0][1]);
  reopenStore();
  uint64_t *Root = open("0", PERDURE_RDONLY);
  EXPECT_EQ(entries(Root), 1u);
  EXPECT_EQ(perdure_encode(open("1", PERDURE_RDONLY), Root), Root[1]);
  ChildResult R = runChild("insert", {Dir, "200"});
  ASSERT_EQ(R.Exit, 0) << R.Output;
  for (int I = 1; I < 200; ++I) // two extents that this process did not know
    ASSERT_EQ(perdure_decode(Root[I], &Root[I]),
              open(std::to_string(I).c_str()));
  // And the canonical index, once it may write.
  open("0");
  EXPECT_EQ(perdure_encode(open("7"), Root), Root[7]);
}

//===----------------------------------------------------------------------===//
// What other processes are in the middle of
//===----------------------------------------------------------------------===//

// The FOT of an object, as another process has it before it.
class ForeignFot {
public:
  explicit ForeignFot(const std::string &Path)
      : File(open(Path.c_str(), O_RDWR)) {
    perdure::Header H;
    EXPECT_EQ(pread(File, &H, sizeof(H), 0), (ssize_t)sizeof(H));
    First = H.Copy[0].FotExtent[0];
  }
  ~ForeignFot() { close(File); }
  void claim(uint64_t Index) {
    uint64_t Claimed = perdure::EntryClaimed;
    write(Index, 24, &Claimed, sizeof(Claimed));
  }
  void finish(uint64_t Index, perdure_id Id) {
    uint32_t Words[6] = {};
    memcpy(Words, &Id, sizeof(Id));
    Words[4] = perdure::FotRead | perdure::FotWrite;
    write(Index, 0, Words, sizeof(Words));
    uint32_t Last[2] = {perdure::EntryById,
                        (uint32_t)crc32(0, (const Bytef *)Words, 24)};
    write(Index, 24, Last, sizeof(Last));
  }
  // The lock on the object's structure.
  void lock(bool Held) {
    struct flock Lock = {};
    Lock.l_type = Held ? F_WRLCK : F_UNLCK;
    Lock.l_start = ((off_t)1 << 62) + 3;
    Lock.l_len = 1;
    EXPECT_EQ(fcntl(File, F_OFD_SETLK, &Lock), 0);
  }

private:
  void write(uint64_t Index, uint64_t At, const void *P, size_t Bytes) {
    EXPECT_EQ(pwrite(File, P, Bytes, (off_t)(First + Index * 32 + At)),
              (ssize_t)Bytes);
  }
  int File;
  uint64_t First;
};

TEST_F(FotTest, AClaimSeenBeforeItsEntryIsLookedAtAgain) {
  auto Roots = createMany(4);
  Roots[0][1] = perdure_encode(Roots[1], &Roots[0][1]);
  reopenStore(PERDURE_SHARED);
  uint64_t *Root = open("0");
  ForeignFot Other(fileOf("0"));
  Other.claim(2);
  // Looking comes past the claim, to find nothing.
  errno = 0;
  EXPECT_EQ(perdure_set_rights(Root, open("2"), 0), -1);
  EXPECT_EQ(errno, ENOENT);
  Other.finish(2, perdure_object_id(open("2")));
  EXPECT_EQ(indexOf(perdure_encode(open("2"), Root)), 2u);
  EXPECT_EQ(indexOf(perdure_encode(open("3"), Root)), 3u);
}

TEST_F(FotTest, WhatFollowsADeadClaimIsFound) {
  auto Roots = createMany(5);
  Roots[0][1] = perdure_encode(Roots[1], &Roots[0][1]);
  ForeignFot Other(fileOf("0"));
  Other.claim(2);
  Other.finish(3, perdure_object_id(Roots[3]));
  reopenStore(PERDURE_SHARED);
  uint64_t *Root = open("0");
  EXPECT_EQ(indexOf(perdure_encode(open("3"), Root)), 3u);
  EXPECT_EQ(perdure_set_rights(Root, open("3"), 0), 0);
  // Nobody is at it: it is dead.
  EXPECT_EQ(indexOf(perdure_encode(open("2"), Root)), 4u);
  EXPECT_EQ(indexOf(perdure_encode(open("4"), Root)), 5u);
  EXPECT_EQ(entries(Root), 4u);
}

TEST_F(FotTest, AProcessThatStandsInTheWayStandsInTheWayOfOneObject) {
  auto Roots = createMany(4);
  for (int I = 0; I < 2; ++I)
    Roots[I][2] = perdure_encode(Roots[2], &Roots[I][2]);
  reopenStore(PERDURE_SHARED);
  uint64_t *A = open("0"), *B = open("1"), *Known = open("2"), *New = open("3");
  ForeignFot Other(fileOf("0"));
  Other.lock(true);
  std::promise<pid_t> Id;
  auto Waiting = std::async(std::launch::async, [&] {
    Id.set_value(gettid());
    return perdure_encode(New, A);
  });
  pid_t Thread = Id.get_future().get();
  while (!sleeps(Thread))
    usleep(1000);
  auto Free = std::async(std::launch::async, [&] {
    // Others, and what needs no insertion into this one.
    return perdure_encode(New, B) && perdure_encode(Known, A) == A[2];
  });
  bool Done =
      Free.wait_for(std::chrono::seconds(60)) == std::future_status::ready;
  Other.lock(false);
  EXPECT_TRUE(Done);
  EXPECT_TRUE(Free.get());
  EXPECT_EQ(indexOf(Waiting.get()), 2u);
}

// Longer than what the first allocations left room for.
const std::string LongName(250, 'n');

// Args: store. Makes object 0 longer, and binds a name there.
CHILD(bindPastTheEnd) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *Root = (uint64_t *)perdure_open(S, "0", 0);
  REQUIRE(Root);
  struct perdure_stat Before;
  REQUIRE(!perdure_stat(Root, &Before));
  void *Block;
  do
    REQUIRE(Block = perdure_alloc(Root, LongName.size() + 1));
  while (perdure_offset(Block) < Before.file_bytes);
  REQUIRE(!perdure_bind(&Root[1], LongName.c_str()));
  return 0;
}

TEST_F(FotTest, ReadersFollowAWriterToTheTextOfAName) {
  auto Roots = createMany(2);
  ASSERT_EQ(perdure_bind(&Roots[0][0], "1"), 0);
  create(LongName.c_str());
  reopenStore();
  uint64_t *Root = open("0", PERDURE_RDONLY);
  EXPECT_EQ(perdure_decode(Root[0], &Root[0]), open("1", PERDURE_RDONLY));
  ChildResult R = runChild("bindPastTheEnd", {Dir});
  ASSERT_EQ(R.Exit, 0) << R.Output;
  EXPECT_EQ(perdure_decode(Root[1], &Root[1]),
            open(LongName.c_str(), PERDURE_RDONLY));
}

} // namespace
