//===- AllocTest.cpp - The allocator against a model ----------------------===//

#include "Support.h"

#include <algorithm>
#include <map>
#include <random>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace {

class AllocTest : public StoreTest {
protected:
  struct perdure_stat stat(const void *P) {
    struct perdure_stat Stat = {};
    EXPECT_EQ(perdure_stat(P, &Stat), 0) << perdure_errormsg();
    return Stat;
  }
};

bool isZero(const void *P, size_t Bytes) {
  auto *C = (const char *)P;
  return std::all_of(C, C + Bytes, [](char X) { return X == 0; });
}

// Against what was allocated, with the root and the text of a name among them.
TEST_F(AllocTest, BlocksAreListed) {
  uint64_t *Root = create("a", 100);
  std::map<uint64_t, size_t> Mine;
  for (size_t Bytes : {1, 16, 48, 100, 3000, 5000, 100000, 0, 64})
    Mine[perdure_offset(perdure_alloc(Root, Bytes))] = Bytes;
  void *Gone = perdure_alloc(Root, 64);
  perdure_free(Gone);
  ASSERT_EQ(perdure_bind(&Root[1], "later"), 0);
  std::vector<struct perdure_block> Found;
  auto Add = [](void *To, const struct perdure_block *B) {
    ((std::vector<struct perdure_block> *)To)->push_back(*B);
    return 0;
  };
  ASSERT_EQ(perdure_blocks(Root, Add, &Found), 0) << perdure_errormsg();
  uint64_t End = 0;
  unsigned Roots = 0, Names = 0;
  for (const struct perdure_block &B : Found) {
    EXPECT_GE(B.offset, End);
    End = B.offset + B.bytes;
    if (B.kind == PERDURE_BLOCK_ROOT) {
      EXPECT_EQ(B.offset, perdure_offset(Root));
      ++Roots;
    } else if (B.kind == PERDURE_BLOCK_NAME) {
      EXPECT_STREQ((const char *)Root - perdure_offset(Root) + B.offset, "later");
      ++Names;
    } else {
      ASSERT_EQ(Mine.count(B.offset), 1u);
      EXPECT_GE(B.bytes, Mine[B.offset]);
    }
  }
  EXPECT_EQ(Roots, 1u);
  EXPECT_EQ(Names, 1u);
  EXPECT_EQ(Found.size(), Mine.size() + 2);
  EXPECT_EQ(perdure_blocks(Root, [](void *, const struct perdure_block *) { return 7; }, nullptr),
            7);
  EXPECT_EQ(perdure_blocks(&Found, Add, &Found), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(AllocTest, EverySizeIsAlignedZeroedAndApart) {
  uint64_t *Root = create("a");
  for (int Round = 0; Round < 2; ++Round) { // the second reuses blocks
    std::map<uint64_t, size_t> Blocks;
    for (size_t Bytes = 0; Bytes < 10000; Bytes += Bytes < 600 ? 1 : 97) {
      void *P = perdure_alloc(Root, Bytes);
      ASSERT_NE(P, nullptr) << perdure_errormsg();
      EXPECT_EQ((uint64_t)P % (Bytes > 48 ? 64 : 16), 0u) << Bytes;
      if (Bytes <= 32 && Bytes) {
        EXPECT_EQ((uint64_t)P / 64, ((uint64_t)P + Bytes - 1) / 64) << Bytes;
      }
      EXPECT_TRUE(isZero(P, Bytes)) << Bytes;
      EXPECT_GE(perdure_usable_size(P), Bytes ? Bytes : 1);
      memset(P, 0xa5, perdure_usable_size(P));
      Blocks[(uint64_t)P] = perdure_usable_size(P);
    }
    uint64_t End = 0;
    for (auto &[P, Bytes] : Blocks) {
      EXPECT_GE(P, End);
      End = P + Bytes;
    }
    for (auto &[P, Bytes] : Blocks)
      perdure_free((void *)P);
  }
  perdure_free(nullptr);
  EXPECT_EQ(perdure_usable_size(nullptr), 0u);
  EXPECT_EQ(stat(Root).blocks, 1u);
  EXPECT_DEATH(perdure_usable_size(&Root), "the address lies in no open object");
}

TEST_F(AllocTest, AgainstAModelWithReopening) {
  std::mt19937_64 Random(12345);
  create("a");
  std::map<uint64_t, std::pair<size_t, unsigned char>> Model; // by offset
  for (int Round = 0; Round < 6; ++Round) {
    reopenStore();
    uint64_t *Root = open("a");
    uint64_t Base = baseOf(Root);
    for (int Step = 0; Step < 20000; ++Step) {
      bool Grow = Random() % 100 < (Round % 2 ? 35 : 60);
      if (Grow || Model.empty()) {
        size_t Bytes = 1 + Random() % 200;
        if (Random() % 20 == 0)
          Bytes = 1 + Random() % 5000;
        if (Random() % 400 == 0)
          Bytes = 1 + Random() % 300000;
        auto *P = (unsigned char *)perdure_alloc(Root, Bytes);
        ASSERT_NE(P, nullptr) << perdure_errormsg();
        ASSERT_TRUE(isZero(P, Bytes));
        uint64_t Offset = (uint64_t)P - Base;
        auto Next = Model.lower_bound(Offset);
        ASSERT_TRUE(Next == Model.end() || Next->first >= Offset + Bytes);
        ASSERT_TRUE(Next == Model.begin() ||
                    std::prev(Next)->first + std::prev(Next)->second.first <=
                        Offset);
        auto Fill = (unsigned char)Random();
        memset(P, Fill, Bytes);
        Model[Offset] = {Bytes, Fill};
      } else {
        auto It = Model.lower_bound(Random() % (Model.rbegin()->first + 1));
        auto *P = (unsigned char *)(Base + It->first);
        for (size_t I = 0; I < It->second.first; ++I)
          ASSERT_EQ(P[I], It->second.second);
        perdure_free(P);
        Model.erase(It);
      }
    }
    EXPECT_EQ(stat(Root).blocks, Model.size() + 1);
  }
  uint64_t *Root = open("a");
  for (auto &[Offset, Block] : Model)
    perdure_free((void *)(baseOf(Root) + Offset));
  EXPECT_EQ(stat(Root).blocks, 1u);
}

TEST_F(AllocTest, LargeBlocksCoalesce) {
  uint64_t *Root = create("a");
  // One run that is large enough for all that follows.
  perdure_free(perdure_alloc(Root, 20 << 20));
  std::vector<void *> Blocks;
  for (int I = 0; I < 64; ++I)
    Blocks.push_back(perdure_alloc(Root, 100000));
  uint64_t Bytes = stat(Root).file_bytes;
  std::mt19937 Random(1);
  std::shuffle(Blocks.begin(), Blocks.end(), Random);
  for (void *P : Blocks)
    perdure_free(P);
  ASSERT_NE(perdure_alloc(Root, 20 << 20), nullptr);
  EXPECT_EQ(stat(Root).file_bytes, Bytes); // out of what was freed
}

TEST_F(AllocTest, SmallObjectsStaySmall) {
  EXPECT_LE(stat(create("empty", 8)).file_bytes, 4 * 4096u);
  uint64_t *Root = create("a", 64);
  EXPECT_LE(stat(Root).file_bytes, 8 * 4096u);
  uint64_t Used = 0, Bytes = 0;
  for (int I = 0; I < 3000; ++I) {
    ASSERT_NE(perdure_alloc(Root, 64), nullptr);
    struct perdure_stat Now = stat(Root);
    if (Now.file_bytes != Bytes) { // grew: for what was needed, and in steps
      EXPECT_LE(Now.file_bytes, std::max(2 * Used, Used + 65536) + 8 * 4096)
          << Used;
      Bytes = Now.file_bytes;
    }
    Used = Now.used_bytes + Now.overhead_bytes;
  }
}

TEST_F(AllocTest, StatisticsAddUp) {
  uint64_t *Root = create("a", 8);
  std::vector<void *> Blocks;
  auto Check = [&] {
    struct perdure_stat Now = stat(Root);
    EXPECT_EQ(Now.used_bytes + Now.free_bytes + Now.overhead_bytes,
              Now.file_bytes);
    EXPECT_EQ(Now.file_bytes % 4096, 0u);
    EXPECT_LE(Now.largest_free, Now.free_bytes);
    EXPECT_EQ(Now.blocks, Blocks.size() + 1);
    return Now;
  };
  EXPECT_EQ(Check().slabs, 1u);
  for (size_t Bytes : {1, 100, 3584, 3585, 5000, 300000})
    Blocks.push_back(perdure_alloc(Root, Bytes));
  struct perdure_stat Now = Check();
  EXPECT_EQ(Now.slabs, 3u); // the root's class, 128 and 3,584
  EXPECT_EQ(Now.large_blocks, 3u);
  EXPECT_EQ(Now.used_bytes, 16u + 16 + 128 + 3584 + 4096 + 8192 + 303104);
  perdure_free(Blocks.back());
  Blocks.pop_back();
  EXPECT_GE(Check().largest_free, 300000u);
  reopenStore();
  Root = open("a");
  EXPECT_EQ(Check().large_blocks, 2u);
}

// Blocks in new pages are not zeroed; all others are, also in part.
TEST_F(AllocTest, NewPagesAreZeroAndUsedOnesAreMadeSo) {
  constexpr size_t MiB = 1 << 20;
  char *Root = (char *)create("a");
  // The page map is long enough for all that follows: no extent in between.
  ASSERT_NE(perdure_alloc(Root, 16 * MiB), nullptr);
  for (int Round = 0; Round < 3; ++Round) {
    auto *Small = (char *)perdure_alloc(Root, MiB);
    ASSERT_TRUE(isZero(Small, MiB));
    memset(Small, 0x5a, MiB);
    perdure_free(Small);
    // The free run at the end, joined with what growth adds.
    uint64_t Bytes = stat(Root).file_bytes, Free = stat(Root).largest_free;
    auto *Large = (char *)perdure_alloc(Root, Free + 2 * MiB);
    ASSERT_NE(Large, nullptr);
    EXPECT_EQ(Large, Small);
    EXPECT_LT(stat(Root).file_bytes, Bytes + 3 * MiB);
    EXPECT_TRUE(isZero(Large, Free + 2 * MiB));
    memset(Large, 0xa5, Free + 2 * MiB);
    perdure_free(Large);
    if (Round == 1) { // what a former process wrote
      reopenStore();
      Root = (char *)open("a");
    }
  }
}

TEST_F(AllocTest, NewPagesAreNotTouched) {
  uint64_t *Root = create("a");
  struct rusage Before, After;
  ASSERT_EQ(getrusage(RUSAGE_SELF, &Before), 0);
  auto *Block = (char *)perdure_alloc(Root, 256 << 20);
  ASSERT_EQ(getrusage(RUSAGE_SELF, &After), 0);
  ASSERT_NE(Block, nullptr) << perdure_errormsg();
  // 65,536 pages, in groups of 16 at best where the kernel maps several.
  // AddressSanitizer's shadow, where that is told of them, has an eighth as many.
  EXPECT_LT(After.ru_minflt - Before.ru_minflt, 2000 + (PERDURE_SANITIZED ? 65536 / 8 : 0));
  EXPECT_TRUE(isZero(Block + (255 << 20), 1 << 20));
}

TEST_F(AllocTest, WhatOneThreadFreesAnotherUses) {
  uint64_t *Root = create("a");
  constexpr int Count = 20000;
  std::vector<void *> Blocks(Count);
  for (void *&P : Blocks)
    P = perdure_alloc(Root, 200);
  uint64_t Bytes = stat(Root).file_bytes;
  // Each thread is in an arena of its own, and none of these slabs is empty.
  for (int T = 0; T < 5; ++T)
    std::thread([&] {
      for (int I = 0; I < Count; ++I)
        if (I % 8)
          perdure_free(Blocks[I]);
      for (int I = 0; I < Count; ++I)
        if (I % 8)
          Blocks[I] = perdure_alloc(Root, 200);
    }).join();
  EXPECT_LE(stat(Root).file_bytes, Bytes + Bytes / 8 + 65536);
  EXPECT_EQ(stat(Root).blocks, Count + 1u);
}

TEST_F(AllocTest, FreedSlabsServeOtherSizes) {
  uint64_t *Root = create("a");
  std::vector<void *> Blocks;
  for (int I = 0; I < 20000; ++I)
    Blocks.push_back(perdure_alloc(Root, 16));
  uint64_t Bytes = stat(Root).file_bytes;
  for (void *P : Blocks)
    perdure_free(P);
  for (int I = 0; I < 250; ++I)
    ASSERT_NE(perdure_alloc(Root, 1000), nullptr);
  EXPECT_EQ(stat(Root).file_bytes, Bytes);
}

TEST_F(AllocTest, TooMuchIsRefused) {
  uint64_t *Root = create("a");
  for (size_t Bytes : {(size_t)Limit, (size_t)Limit + 1, ~(size_t)0,
                       ~(size_t)0 - 4095, (size_t)1 << 50}) {
    errno = 0;
    EXPECT_EQ(perdure_alloc(Root, Bytes), nullptr);
    EXPECT_EQ(errno, ENOSPC) << perdure_errormsg();
  }
  errno = 0;
  uint64_t Local = 0;
  EXPECT_EQ(perdure_alloc(&Local, 8), nullptr);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_NE(perdure_alloc(Root, 8), nullptr);
}

// Misuse ends the process. Args: store, what.
CHILD(misuse) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *Root = (char *)perdure_open(S, "a", 0);
  REQUIRE(Root);
  auto *P = (char *)perdure_alloc(Root, 100);
  auto *Large = (char *)perdure_alloc(Root, 20000);
  uint64_t Local = 0;
  void *Bad = &Local;
  if (Args[1] == "twice") {
    perdure_free(P);
    Bad = P;
  } else if (Args[1] == "largetwice") {
    perdure_free(Large);
    Bad = Large;
  } else if (Args[1] == "inside") {
    Bad = P + 16;
  } else if (Args[1] == "largeinside") {
    Bad = Large + 4096;
  } else if (Args[1] == "root") {
    Bad = Root;
  } else if (Args[1] == "header") {
    Bad = (void *)baseOf(Root);
  } else if (Args[1] == "slab") {
    Bad = (void *)((uint64_t)P & ~uint64_t(4095));
  } else if (Args[1] == "pastend") {
    Bad = Root + (1 << 30) / 2;
  } else if (Args[1] == "closed") {
    perdure_store_close(S);
    Bad = P;
  }
  perdure_free(Bad);
  printf("went on\n");
  return 0;
}

TEST_F(AllocTest, MisuseIsReported) {
  create("a");
  closeStore();
  for (const char *What :
       {"twice", "largetwice", "inside", "largeinside", "root", "header",
        "slab", "pastend", "closed", "foreign"}) {
    ChildResult R = runChild("misuse", {Dir, What});
    EXPECT_EQ(R.Signal, SIGABRT) << What << R.Output;
    EXPECT_NE(R.Output.find("perdure_free("), std::string::npos) << R.Output;
    EXPECT_EQ(R.Output.find("went on"), std::string::npos) << What;
  }
}

TEST_F(AllocTest, ThreadsShareAnObject) {
  uint64_t *Root = create("a");
  std::vector<std::thread> Pool;
  for (unsigned T = 1; T <= 6; ++T)
    Pool.emplace_back([&, T] {
      std::mt19937 Random(T);
      std::vector<std::pair<unsigned char *, size_t>> Mine;
      for (int Step = 0; Step < 20000; ++Step) {
        if (Random() % 2 || Mine.empty()) {
          size_t Bytes = 1 + Random() % 400;
          auto *P = (unsigned char *)perdure_alloc(Root, Bytes);
          if (!P || !isZero(P, Bytes))
            abort();
          memset(P, (int)T, Bytes);
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
  EXPECT_EQ(stat(Root).blocks, 1u);
}

// Allocates and frees for ever; what is in the table was allocated and carries
// its own offset.
CHILD(churn) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *Root = (uint64_t *)perdure_open(S, "a", 0);
  REQUIRE(Root);
  std::mt19937_64 Random((unsigned)std::stoul(Args[1]));
  for (;;) {
    uint64_t &Entry = Root[Random() % 512];
    if (Entry) {
      auto *Block = (uint64_t *)perdure_decode(Entry, &Entry);
      Entry = 0; // unlinked first: a crash in between leaks
      perdure_free(Block);
    }
    size_t Words = 1 + Random() % (Random() % 16 ? 60 : 3000);
    auto *Block = (uint64_t *)perdure_alloc(Root, Words * 8);
    REQUIRE(Block);
    REQUIRE(isZero(Block, Words * 8));
    for (size_t I = 1; I < Words; ++I)
      Block[I] = perdure_offset(Block);
    Block[0] = Words;
    __atomic_store_n(&Entry, perdure_encode(Block, &Entry), __ATOMIC_RELEASE);
  }
}

TEST_F(AllocTest, KilledAtAnyMomentNothingOverlaps) {
  create("a", 512 * 8);
  for (unsigned Round = 0; Round < 40; ++Round) {
    closeStore();
    ChildResult R = runChild("churn", {Dir, std::to_string(Round)}, "",
                             20000 + Round * 1777);
    ASSERT_EQ(R.Signal, SIGKILL) << R.Output;
    reopenStore();
    uint64_t *Root = open("a");
    size_t Blocks = wholeBlocks(Root, 512);
    // The allocator's tables are whole, and know all that is linked.
    EXPECT_GE(stat(Root).blocks, Blocks + 1);
    void *P = perdure_alloc(Root, 64);
    ASSERT_NE(P, nullptr) << perdure_errormsg();
    perdure_free(P);
  }
}

// A small file system of this process alone at the directory.
bool mountSmall(const std::string &Directory) {
  return !unshare(CLONE_NEWNS) &&
         !mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) &&
         !mount("none", Directory.c_str(), "tmpfs", 0, "size=4m");
}

// Fills a small file system. Args: directory.
CHILD(full) {
  if (!mountSmall(Args[0]))
    return 77;
  perdure_store *S =
      perdure_store_open((Args[0] + "/s").c_str(), PERDURE_CREATE);
  REQUIRE(S);
  auto *Root = (uint64_t *)perdure_create(S, "a", 64, 0);
  REQUIRE(Root);
  std::vector<uint64_t *> Blocks;
  for (;;) {
    errno = 0;
    auto *P = (uint64_t *)perdure_alloc(Root, 1000);
    if (!P)
      break;
    for (int I = 0; I < 125; ++I)
      P[I] = (uint64_t)P;
    Blocks.push_back(P);
  }
  REQUIRE(errno == ENOSPC);
  REQUIRE(strstr(perdure_errormsg(), "free disk space"));
  REQUIRE(Blocks.size() > 3000);
  errno = 0;
  REQUIRE(!perdure_create(S, "b", 64, 0) && errno == ENOSPC);
  errno = 0;
  REQUIRE(!perdure_open(S, "b", 0) && errno == ENOENT);
  for (uint64_t *P : Blocks)
    for (int I = 0; I < 125; ++I)
      REQUIRE(P[I] == (uint64_t)P);
  // Whole: what is freed serves again, and the object opens.
  for (size_t I = 0; I < Blocks.size(); I += 2)
    perdure_free(Blocks[I]);
  REQUIRE(perdure_alloc(Root, 1000));
  // Also what was kept for blocks of that size.
  for (size_t I = 1; I < Blocks.size(); I += 2)
    perdure_free(Blocks[I]);
  REQUIRE(perdure_alloc(Root, 3 << 19));
  perdure_store_close(S);
  S = perdure_store_open((Args[0] + "/s").c_str(), 0);
  REQUIRE(S && perdure_open(S, "a", 0));
  return 0;
}

TEST_F(AllocTest, FullDiskLeavesTheObjectWhole) {
  ChildResult R = runChild("full", {Temporary});
  if (R.Exit == 77)
    GTEST_SKIP() << "needs the right to mount";
  EXPECT_EQ(R.Exit, 0) << R.Output;
}

// The empty slabs that are kept serve others when nothing else is left. Args:
// directory, size, and how many of them must be had.
CHILD(kept) {
  if (!mountSmall(Args[0]))
    return 77;
  perdure_store *S =
      perdure_store_open((Args[0] + "/s").c_str(), PERDURE_CREATE);
  REQUIRE(S);
  auto *Root = (uint64_t *)perdure_create(S, "a", 64, 0);
  REQUIRE(Root);
  // Two slabs of 4 pages and 31 blocks each, and all else full of blocks of a
  // page.
  std::vector<void *> Blocks;
  for (int I = 0; I < 62; ++I)
    Blocks.push_back(perdure_alloc(Root, 512));
  while (perdure_alloc(Root, 4096))
    ;
  size_t Bytes = std::stoul(Args[1]);
  REQUIRE(!perdure_alloc(Root, Bytes));
  for (void *P : Blocks)
    perdure_free(P);
  for (int I = 0; I < std::stoi(Args[2]); ++I)
    REQUIRE(perdure_alloc(Root, Bytes));
  return 0;
}

TEST_F(AllocTest, KeptSlabsAreGivenWhenAllElseIsFull) {
  for (auto [Bytes, Count] :
       {std::pair("16384", "1"), std::pair("4096", "8"),
        std::pair("16", "2016"), std::pair("400", "62")}) {
    ChildResult R = runChild("kept", {Temporary, Bytes, Count});
    if (R.Exit == 77)
      GTEST_SKIP() << "needs the right to mount";
    EXPECT_EQ(R.Exit, 0) << R.Output;
  }
}

TEST_F(AllocTest, DamagedPageMapIsAnError) {
  create("a");
  closeStore();
  std::string Path = fileOf("a"), Bytes = readFile(Path);
  perdure::Header H;
  memcpy(&H, Bytes.data(), sizeof(H));
  // A slab that reaches past the end of the file; a kind that is none.
  for (uint64_t Word :
       {uint64_t(1) << 56 | 0xffff, uint64_t(9) << 56, uint64_t(3) << 56,
        uint64_t(1) << 56 | uint64_t(99) << 48 | 1}) {
    std::string Bad = Bytes;
    memcpy(&Bad[H.Copy[0].MapExtent[0] + H.Ident.RootOffset / 4096 * 8], &Word,
           8);
    writeFile(Path, Bad);
    reopenStore();
    uint64_t *Root = open("a");
    errno = 0;
    EXPECT_EQ(perdure_alloc(Root, 8), nullptr);
    EXPECT_EQ(errno, EPROTO) << perdure_errormsg();
    EXPECT_NE(strstr(perdure_errormsg(), "page map"), nullptr);
    Root[0] = 1; // the data is as good as it was
  }
}

// As if another process had been in a write section: what it did to the page
// map is looked at before anything is allocated.
TEST_F(AllocTest, WhatOthersDamagedIsFoundInTheNextTurn) {
  create("a", 64);
  reopenStore();
  uint64_t *Root = open("a", PERDURE_SHARED);
  auto *H = (perdure::Header *)baseOf(Root);
  ASSERT_EQ(perdure_lock(Root, 0), 0) << perdure_errormsg();
  void *Block = perdure_alloc(Root, 100);
  ASSERT_NE(Block, nullptr);
  ASSERT_EQ(perdure_unlock(Root), 0);
  uint64_t &Descriptor = *(uint64_t *)(baseOf(Root) + H->Copy[0].MapExtent[0] +
                                       perdure_offset(Root) / 4096 * 8);
  uint64_t Good = Descriptor;
  Descriptor = uint64_t(9) << 56;
  H->Turn.LastWriter ^= 1;
  errno = 0;
  EXPECT_EQ(perdure_lock(Root, 0), -1);
  EXPECT_EQ(errno, EPROTO) << perdure_errormsg();
  Descriptor = Good;
  ASSERT_EQ(perdure_lock(Root, 0), 0) << perdure_errormsg();
  perdure_free(Block);
  EXPECT_NE(perdure_alloc(Root, 20000), nullptr) << perdure_errormsg();
  EXPECT_EQ(stat(Root).blocks, 2u);
  ASSERT_EQ(perdure_unlock(Root), 0);
}

} // namespace
