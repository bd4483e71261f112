//===- PlacementTest.cpp - Blocks near to what their address overwrites ---===//

#include "Hooks.h"
#include "Support.h"

#include <algorithm>
#include <map>
#include <random>
#include <signal.h>
#include <string.h>
#include <thread>

extern "C" void *__perdure_alloc_for(void *Near, uint64_t Bytes,
                                     const void *Slot, uint32_t How,
                                     uint64_t Overwritten);

namespace {

constexpr uint32_t Object = 0, Native = 1, SelfRelative = 3, Xor = 4,
                   Inverted = 8;
constexpr uint32_t WholeLines = 0x100;
/// Of this size one slab has no more blocks than are looked at.
constexpr size_t Size = 640, Count = 51;

class PlacementTest : public StoreTest {};

int bits(uint64_t Word) { return __builtin_popcountll(Word); }

bool isZero(const void *P, size_t Bytes) {
  auto *C = (const char *)P;
  return std::all_of(C, C + Bytes, [](char X) { return X == 0; });
}

TEST_F(PlacementTest, TakesTheNearestOfASlab) {
  uint64_t *Root = create("a");
  std::vector<uint64_t> Free, Used;
  for (size_t I = 0; I < Count; ++I)
    Used.push_back(perdure_offset(perdure_alloc(Root, Size)));
  std::mt19937_64 Random(1);
  unsigned Nearer = 0;
  for (int Step = 0; Step < 5000; ++Step) {
    if (Used.size() > Count / 2 || (Used.size() > 4 && Random() % 2)) {
      std::swap(Used[Random() % Used.size()], Used.back());
      perdure_free((void *)(baseOf(Root) + Used.back()));
      Free.push_back(Used.back());
      Used.pop_back();
      continue;
    }
    // An offset of that slab, of another page, or anything else.
    uint64_t Near = Used[Random() % Used.size()];
    if (Random() % 4 == 0)
      Near = Random();
    *Root = Near;
    uint64_t Got = perdure_offset(perdure_alloc_for(Root, Size, Root));
    Near &= ((uint64_t)1 << 40) - 1;
    auto It = std::find(Free.begin(), Free.end(), Got);
    ASSERT_NE(It, Free.end()) << Got;
    int Fewest = 64;
    for (uint64_t Each : Free)
      Fewest = std::min(Fewest, bits(Each ^ Near));
    ASSERT_EQ(bits(Got ^ Near), Fewest);
    Nearer += *std::min_element(Free.begin(), Free.end()) != Got;
    Free.erase(It);
    Used.push_back(Got);
    ASSERT_EQ(*Root & (((uint64_t)1 << 40) - 1), Near); // only looked at
  }
  EXPECT_GT(Nearer, 500u); // perdure_alloc takes the lowest
}

// Each encoding's bits mean an offset; those that mean none leave the choice
// open.
TEST_F(PlacementTest, KnowsWhatEncodingsStore) {
  uint64_t *Root = create("a");
  std::vector<uint64_t> Free;
  for (size_t I = 0; I < Count; ++I)
    Free.push_back(perdure_offset(perdure_alloc(Root, Size)));
  uint64_t Kept = Free.front(); // the slab stays where it is
  Free.erase(Free.begin());
  for (uint64_t Each : Free)
    perdure_free((void *)(baseOf(Root) + Each));
  auto Get = [&](uint32_t Encoding, uint64_t Bits) {
    *Root = Bits;
    void *P = __perdure_alloc_for(Root, Size, Root, Encoding, 0);
    uint64_t Offset = perdure_offset(P);
    perdure_free(P);
    return Offset;
  };
  uint64_t Place = perdure_offset(Root);
  for (uint64_t Each : Free) {
    EXPECT_EQ(Get(Object, Each), Each);
    EXPECT_EQ(Get(Xor, Each ^ Place), Each);
    EXPECT_EQ(Get(Inverted, Each), Each);
    EXPECT_EQ(Get(Inverted, Each ^ ((uint64_t)1 << 60 | 0x1FFF8)), Each);
    EXPECT_EQ(Get(Native, Each), Free.front());
    EXPECT_EQ(Get(SelfRelative, Each), Free.front());
    EXPECT_EQ(Get(200, Each), Free.front());
  }
  perdure_free((void *)(baseOf(Root) + Kept));
}

// Null under xor is near to the field itself: a block of its own slab.
TEST_F(PlacementTest, UnderXorANullFieldGetsANeighbour) {
  uint64_t *Root = create("a");
  std::vector<uint64_t *> All;
  for (int I = 0; I < 1000; ++I) // several slabs
    All.push_back((uint64_t *)perdure_alloc(Root, 64));
  for (size_t I = 0; I < All.size(); ++I)
    if (I % 2)
      perdure_free(All[I]);
  for (size_t I = 0; I < All.size(); I += 100) {
    auto *P = (uint64_t *)__perdure_alloc_for(Root, 64, All[I], Xor, 0);
    EXPECT_LE(bits(perdure_offset(P) ^ perdure_offset(All[I])), 2) << I;
  }
}

TEST_F(PlacementTest, AnyAddressAndAnyBitsWillDo) {
  uint64_t *Root = create("a", 64);
  auto *Other = (uint64_t *)perdure_create(S, "b", 64, 0);
  ASSERT_NE(Other, nullptr);
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(Root, &Stat), 0);
  uint64_t Base = baseOf(Root), Local = 5;
  std::vector<const void *> Slots = {nullptr,
                                     &Local,
                                     Other,
                                     Root,
                                     (char *)Root + 3,
                                     (void *)8,
                                     (void *)~7ull,
                                     (void *)((uint64_t)1 << 62),
                                     (void *)Base,
                                     (void *)(Base - 8)};
  // Around the end of the file and of the slot, and in the guard.
  for (uint64_t End : {Stat.file_bytes, (uint64_t)1 << SLOT_BITS,
                       ((uint64_t)1 << SLOT_BITS) - (64 << 20)})
    for (uint64_t Before : {0, 1, 7, 8, 16})
      Slots.push_back((void *)(Base + End - Before));
  std::mt19937_64 Random(2);
  for (const void *Slot : Slots)
    for (size_t Bytes : {0, 1, 24, 48, 64, 200, 3000, 10000})
      for (uint32_t How : {Object, Xor, Inverted, WholeLines, 0xffu, ~0u}) {
        *Root = *Other = Local = Random() >> Random() % 64;
        auto *P = (char *)__perdure_alloc_for(Root, Bytes, Slot, How, 0);
        ASSERT_NE(P, nullptr) << perdure_errormsg();
        ASSERT_EQ(baseOf(P), Base);
        ASSERT_TRUE(isZero(P, Bytes));
        ASSERT_EQ((uint64_t)P % (Bytes > 48 ? 64 : 16), 0u);
        if ((How & WholeLines) && Bytes && Bytes <= 64) {
          ASSERT_EQ((uint64_t)P / 64, ((uint64_t)P + Bytes - 1) / 64);
        }
        memset(P, 0xff, Bytes);
        if (Random() % 3)
          perdure_free(P);
      }
  errno = 0;
  EXPECT_EQ(perdure_alloc_for(&Local, 8, Root), nullptr);
  EXPECT_EQ(errno, EINVAL);
  errno = 0;
  EXPECT_EQ(perdure_alloc_for(Root, (size_t)1 << 50, Root), nullptr);
  EXPECT_EQ(errno, ENOSPC);
}

// What lies in a field leads to pages of every kind, and past all of them.
TEST_F(PlacementTest, AnyPageMayBeWanted) {
  uint64_t *Root = create("a");
  std::vector<void *> All;
  for (size_t Bytes : {16, 48, 64, 3000, 10000, 100000})
    for (int I = 0; I < 300; ++I)
      All.push_back(perdure_alloc(Root, Bytes));
  for (size_t I = 0; I < All.size(); ++I)
    if (I % 3)
      perdure_free(All[I]);
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(Root, &Stat), 0);
  uint64_t Before = Stat.blocks, Pages = Stat.file_bytes / 4096;
  for (uint64_t Page = 0; Page < Pages + 40; ++Page) {
    *Root = Page * 4096 + 64;
    auto *P = perdure_alloc_for(Root, 64, Root);
    ASSERT_NE(P, nullptr) << perdure_errormsg();
    perdure_free(P);
  }
  EXPECT_EQ(blocksOf(Root), Before);
}

uint64_t randomMask(std::mt19937_64 &Random) {
  switch (Random() % 3) {
  case 0:
    return 0;
  case 1:
    return ~(uint64_t)0;
  default:
    return Random() & Random();
  }
}

/// Writes what a mask says, as a caller has to.
void overwrite(unsigned char *P, size_t Bytes, uint64_t Mask,
               unsigned char What) {
  for (size_t I = 0; I < Bytes && I < 256; ++I)
    if (Mask >> I / 4 & 1)
      P[I] = What;
}

/// Whether all else is zero.
bool restIsZero(const unsigned char *P, size_t Bytes, uint64_t Mask) {
  for (size_t I = 0; I < Bytes; ++I)
    if (P[I] && (I >= 256 || !(Mask >> I / 4 & 1)))
      return false;
  return true;
}

TEST_F(PlacementTest, AgainstAModelWithReopening) {
  std::mt19937_64 Random(3);
  create("a", 4096);
  std::map<uint64_t, std::pair<size_t, unsigned char>> Model; // by offset
  unsigned Kept = 0;
  for (int Round = 0; Round < 6; ++Round) {
    reopenStore();
    uint64_t *Root = open("a");
    uint64_t Base = baseOf(Root);
    for (int Step = 0; Step < 10000; ++Step) {
      uint64_t &Slot = Root[Random() % 512];
      if (Model.empty() || Random() % 100 < (Round % 2 ? 35 : 60)) {
        size_t Bytes = Random() % 20 ? 1 + Random() % 200 : 1 + Random() % 9000;
        uint32_t How =
            (Random() % 2 ? Object : Xor) | (Random() % 2 ? WholeLines : 0);
        uint64_t Mask = randomMask(Random);
        auto *P = (unsigned char *)__perdure_alloc_for(
            Root, Bytes, Random() % 4 ? &Slot : nullptr, How, Mask);
        ASSERT_NE(P, nullptr) << perdure_errormsg();
        ASSERT_TRUE(restIsZero(P, Bytes, Mask));
        Kept += !isZero(P, Bytes);
        uint64_t Offset = (uint64_t)P - Base;
        auto Next = Model.lower_bound(Offset);
        ASSERT_TRUE(Next == Model.end() || Next->first >= Offset + Bytes);
        ASSERT_TRUE(Next == Model.begin() ||
                    std::prev(Next)->first + std::prev(Next)->second.first <=
                        Offset);
        auto Fill = (unsigned char)(1 + Random() % 255);
        memset(P, Fill, Bytes);
        Model[Offset] = {Bytes, Fill};
        Slot = Offset;
      } else {
        auto It = Model.lower_bound(Random() % (Model.rbegin()->first + 1));
        auto *P = (unsigned char *)(Base + It->first);
        for (size_t I = 0; I < It->second.first; ++I)
          ASSERT_EQ(P[I], It->second.second);
        perdure_free(P);
        Model.erase(It);
      }
    }
    EXPECT_EQ(blocksOf(Root), Model.size() + 1);
  }
  EXPECT_GT(Kept, 1000u); // else nothing was left as it was
}

// Nor does a mask reach what lies between the bytes asked for and the next
// block.
TEST_F(PlacementTest, WhatIsNotAskedForIsZeroed) {
  uint64_t *Root = create("a");
  for (size_t Bytes = 1; Bytes <= 400; ++Bytes) {
    auto *P = (unsigned char *)perdure_alloc(Root, Bytes);
    size_t Room = 16;
    while (Room < Bytes)
      Room += Room < 64 ? 16 : 64;
    memset(P, 0xa5, Room);
    perdure_free(P);
    auto *Q =
        (unsigned char *)__perdure_alloc_for(Root, Bytes, nullptr, 0, ~0ull);
    ASSERT_EQ(P, Q);
    size_t Kept = std::min<size_t>(Bytes / 4 * 4, 256);
    EXPECT_EQ(std::count(Q, Q + Kept, 0xa5), (long)Kept) << Bytes;
    EXPECT_TRUE(isZero(Q + Kept, Room - Kept)) << Bytes;
    perdure_free(Q);
  }
}

// On DAX media what was zeroed is written back, and of the rest nothing that lies
// before or behind all of that: the block may be linked by a store that waits for
// nothing else.
TEST_F(PlacementTest, WhatIsZeroedIsWrittenBack) {
  uint64_t *Root = create("a");
  std::vector<std::pair<uint64_t, uint64_t>> Flushed; // by address, from and to
  for (size_t Bytes : {16, 64, 128, 200, 320, 400})
    for (uint64_t Mask : {0x0ull, 0x1ull, 0xfull, 0xff00ull, 0xfffffff0ull, ~0ull}) {
      auto *P = (unsigned char *)perdure_alloc(Root, Bytes);
      memset(P, 0xa5, Bytes);
      perdure_free(P);
      Flushed.clear();
      hooks::OnFlush = [&](const void *At, size_t Count) {
        Flushed.emplace_back((uint64_t)At, (uint64_t)At + Count);
      };
      ASSERT_EQ(__perdure_alloc_for(Root, Bytes, nullptr, 0, Mask), P);
      hooks::OnFlush = nullptr;
      if (!getenv("PMEM2_FORCE_GRANULARITY")) {
        EXPECT_TRUE(Flushed.empty()); // a page-cache file
        return;
      }
      std::vector<bool> Back(Bytes);
      for (auto [From, To] : Flushed)
        for (uint64_t At = From; At < To; ++At)
          if (At - (uint64_t)P < Bytes)
            Back[At - (uint64_t)P] = true;
      size_t First = Bytes, End = 0;
      for (size_t I = 0; I < Bytes; ++I)
        if (!P[I]) {
          EXPECT_TRUE(Back[I]) << Bytes << " " << Mask << " " << I;
          First = std::min(First, I);
          End = I + 1;
        }
      for (size_t I = 0; I < Bytes; ++I)
        EXPECT_FALSE(Back[I] && (I < First || I >= End))
            << Bytes << " " << Mask << " " << I;
      perdure_free(P);
    }
}

TEST_F(PlacementTest, ThreadsShareAnObject) {
  uint64_t *Root = create("a", 64);
  std::vector<std::thread> Pool;
  for (unsigned T = 1; T <= 6; ++T)
    Pool.emplace_back([&, T] {
      std::mt19937_64 Random(T);
      std::vector<std::pair<unsigned char *, size_t>> Mine;
      for (int Step = 0; Step < 10000; ++Step) {
        if (Random() % 2 || Mine.empty()) {
          size_t Bytes = 1 + Random() % 200;
          uint64_t Mask = randomMask(Random);
          // One word for all, which others are storing to.
          auto *P =
              (unsigned char *)__perdure_alloc_for(Root, Bytes, Root, 0, Mask);
          if (!P || !restIsZero(P, Bytes, Mask))
            abort();
          memset(P, (int)T, Bytes);
          // As a program stores it: not atomically.
          if (T == 1)
            *Root = perdure_offset(P);
          Mine.push_back({P, Bytes});
        } else {
          std::swap(Mine[Random() % Mine.size()], Mine.back());
          auto [P, Bytes] = Mine.back();
          for (size_t I = 0; I < Bytes; ++I)
            if (P[I] != T)
              abort();
          perdure_free(P);
          Mine.pop_back();
        }
      }
      for (auto &[P, Bytes] : Mine)
        perdure_free(P);
    });
  for (std::thread &T : Pool)
    T.join();
  EXPECT_EQ(blocksOf(Root), 1u);
}

// As in AllocTest: what is in the table was allocated and carries its own
// offset, without a byte of what was there before.
CHILD(place) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *Root = (uint64_t *)perdure_open(S, "a", 0);
  REQUIRE(Root);
  std::mt19937_64 Random((unsigned)std::stoul(Args[1]));
  for (;;) {
    uint64_t &Entry = Root[Random() % 512];
    if (Entry) {
      auto *Block = (uint64_t *)perdure_decode(Entry, &Entry);
      Entry = 0;
      perdure_free(Block);
    }
    size_t Words = 1 + Random() % 60;
    auto *Block = (uint64_t *)__perdure_alloc_for(Root, Words * 8, &Entry, 0,
                                                  Random() % 2 ? ~0ull : 0);
    REQUIRE(Block);
    REQUIRE(isZero(Block + 32, Words > 32 ? (Words - 32) * 8 : 0));
    for (size_t I = 1; I < Words; ++I)
      Block[I] = perdure_offset(Block);
    Block[0] = Words;
    __atomic_store_n(&Entry, perdure_encode(Block, &Entry), __ATOMIC_RELEASE);
  }
}

TEST_F(PlacementTest, KilledAtAnyMomentNothingOverlaps) {
  create("a", 512 * 8);
  for (unsigned Round = 0; Round < 20; ++Round) {
    closeStore();
    ChildResult R = runChild("place", {Dir, std::to_string(Round)}, "",
                             20000 + Round * 1777);
    ASSERT_EQ(R.Signal, SIGKILL) << R.Output;
    reopenStore();
    uint64_t *Root = open("a");
    size_t Blocks = wholeBlocks(Root, 512);
    EXPECT_GE(blocksOf(Root), Blocks + 1);
  }
}

TEST_F(PlacementTest, TransactionsTakeBackWhatTheyGot) {
  for (unsigned Flags : {0u, (unsigned)PERDURE_DURABLE}) {
    std::string Name = Flags ? "durable" : "plain";
    auto *Root = (uint64_t *)perdure_create(S, Name.c_str(), 4096, Flags);
    ASSERT_NE(Root, nullptr) << perdure_errormsg();
    std::mt19937_64 Random(4);
    std::map<uint64_t, uint64_t> Model; // mask by offset
    for (int Round = 0; Round < 60; ++Round) {
      bool Commit = Round % 3;
      std::map<uint64_t, uint64_t> New;
      ASSERT_EQ(perdure_tx_begin(Root), 0) << perdure_errormsg();
      for (int I = 0; I < 20; ++I) {
        uint64_t Mask = randomMask(Random);
        auto *P = (unsigned char *)__perdure_alloc_for(
            Root, 160, Root + Random() % 512, 0, Mask);
        ASSERT_NE(P, nullptr) << perdure_errormsg();
        ASSERT_TRUE(restIsZero(P, 160, Mask));
        overwrite(P, 160, Mask, 0x5a);
        New[perdure_offset(P)] = Mask;
      }
      if (Commit) {
        ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
        Model.insert(New.begin(), New.end());
      } else {
        perdure_tx_abort();
      }
      ASSERT_EQ(blocksOf(Root), Model.size() + 1);
      // Half of them again, so that the next blocks have been used.
      for (auto It = Model.begin(); It != Model.end();) {
        if (Random() % 2) {
          perdure_free((void *)(baseOf(Root) + It->first));
          It = Model.erase(It);
        } else {
          ++It;
        }
      }
    }
    reopenStore();
    Root = open(Name.c_str(), Flags);
    for (auto &[Offset, Mask] : Model) {
      auto *P = (unsigned char *)(baseOf(Root) + Offset);
      EXPECT_TRUE(restIsZero(P, 160, Mask));
      for (size_t I = 0; I < 160; ++I)
        if (Mask >> I / 4 & 1) {
          ASSERT_EQ(P[I], 0x5a);
        }
    }
  }
}

} // namespace
