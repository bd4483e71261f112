//===- TransactionTest.cpp - Transactions, and processes that die in them -===//

#include "Hooks.h"
#include "Support.h"
#include "tx/format.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <random>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <zlib.h>

// What compiled code calls.
extern "C" {
struct Frame {
  void *Outer;
  uint64_t Flags;
  alignas(16) uint64_t Jump[64];
};
struct Range {
  const void *P;
  uint64_t Bytes;
};
void __perdure_tx_log_ranges(const Range *Ranges, uint64_t Count);
void __perdure_tx_enter(Frame *F, uint32_t Flags);
int __perdure_tx_leave(Frame *F);
void __perdure_tx_unwind(Frame *F);
void __perdure_tx_landed(void *Stack);
void __perdure_tx_set_thrower(void (*)(void));
extern __thread uint64_t __perdure_tx_active
    __attribute__((tls_model("initial-exec")));
}

namespace {

static_assert(sizeof(Frame) == PerdureAbiTxFrameBytes, "");
static_assert(sizeof(Range) == PerdureAbiTxRangeBytes, "");

class TransactionTest : public StoreTest {
protected:
  void checkLines(uint64_t *A);
};

//===----------------------------------------------------------------------===//
// Commit and abort
//===----------------------------------------------------------------------===//

TEST_F(TransactionTest, CommitKeepsAndAbortBringsBack) {
  uint64_t *R = create("a");
  R[0] = 1;
  perdure_persist(R, 8);
  EXPECT_EQ(__perdure_tx_active, 0u);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  EXPECT_NE(__perdure_tx_active, 0u);
  set(&R[0], uint64_t(2));
  EXPECT_EQ(afterDeath("a", 1)[0], 1u);
  ASSERT_EQ(perdure_tx_commit(), 0);
  EXPECT_EQ(__perdure_tx_active, 0u);
  EXPECT_EQ(R[0], 2u);
  EXPECT_EQ(afterDeath("a", 1)[0], 2u);
  ASSERT_EQ(perdure_tx_begin(nullptr), 0);
  set(&R[0], uint64_t(3));
  set(&R[0], uint64_t(4));
  set((char *)&R[1] + 3, 'x');
  perdure_tx_abort();
  EXPECT_EQ(__perdure_tx_active, 0u);
  EXPECT_EQ(R[0], 2u);
  EXPECT_EQ(R[1], 0u);
  perdure_tx_abort(); // nothing to do
}

TEST_F(TransactionTest, Misuse) {
  uint64_t Local = 0;
  uint64_t *R = create("a");
  EXPECT_EQ(perdure_tx_begin(&Local), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(perdure_tx_commit(), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(perdure_tx_savepoint(), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(perdure_tx_rollback_to(1), -1);
  EXPECT_EQ(errno, EINVAL);
  set(R, uint64_t(1)); // no transaction: a plain store
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&Local, uint64_t(1)); // volatile
  EXPECT_EQ(perdure_tx_rollback_to(1), -1);
  EXPECT_EQ(errno, EINVAL);
  perdure_tx_abort();
  EXPECT_EQ(Local, 1u);
  EXPECT_EQ(R[0], 1u);
  closeStore();
  reopenStore(PERDURE_RDONLY);
  EXPECT_EQ(perdure_tx_begin(open("a")), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(TransactionTest, NestedOnesJoin) {
  uint64_t *R = create("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], uint64_t(1));
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[1], uint64_t(2));
  ASSERT_EQ(perdure_tx_commit(), 0);
  EXPECT_NE(__perdure_tx_active, 0u);
  EXPECT_EQ(afterDeath("a", 2), (std::vector<uint64_t>{0, 0}));
  perdure_tx_abort();
  EXPECT_EQ(R[1], 0u);
  EXPECT_EQ(perdure_tx_commit(), -1);
}

TEST_F(TransactionTest, AbortFreesAndCommitFrees) {
  uint64_t *R = create("a");
  void *Old = perdure_alloc(R, 100);
  uint64_t Before = blocksOf(R);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  void *Small = perdure_alloc(R, 64), *Large = perdure_alloc(R, 100000);
  perdure_free(Old);
  perdure_free(Small);
  EXPECT_EQ(blocksOf(R), Before + 2); // frees wait
  perdure_tx_abort();
  EXPECT_EQ(blocksOf(R), Before);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  Small = perdure_alloc(R, 64);
  Large = perdure_alloc(R, 100000);
  memset(Small, 1, 64); // fresh: not logged
  memset(Large, 1, 100000);
  perdure_free(Old);
  perdure_free(Small);
  ASSERT_EQ(perdure_tx_commit(), 0);
  EXPECT_EQ(blocksOf(R), Before);
  perdure_free(Large);
}

TEST_F(TransactionTest, SavepointsUndoWhatCameAfter) {
  uint64_t *R = create("a");
  void *Old = perdure_alloc(R, 32);
  uint64_t Before = blocksOf(R);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], uint64_t(1));
  auto *Fresh = (uint64_t *)perdure_alloc(R, 4096);
  Fresh[0] = 1;
  int A = perdure_tx_savepoint();
  ASSERT_EQ(A, 1);
  set(&R[0], uint64_t(2));
  set(&Fresh[0], uint64_t(2));
  perdure_free(Old);
  perdure_free(Fresh);
  void *Later = perdure_alloc(R, 48);
  int B = perdure_tx_savepoint();
  ASSERT_EQ(B, 2);
  set(&R[0], uint64_t(3));
  for (int Round = 0; Round < 3; ++Round) {
    ASSERT_EQ(perdure_tx_rollback_to(B), 0);
    EXPECT_EQ(R[0], 2u);
    set(&R[0], uint64_t(5 + Round));
    EXPECT_EQ(afterDeath("a", 1)[0], 0u);
  }
  ASSERT_EQ(perdure_tx_rollback_to(A), 0);
  EXPECT_EQ(perdure_tx_rollback_to(B), -1); // gone with it
  EXPECT_EQ(R[0], 1u);
  EXPECT_EQ(Fresh[0], 1u);
  EXPECT_EQ(blocksOf(R), Before + 1); // Fresh
  // Somebody else's by now, maybe: what was undone must not free it again.
  void *Reused = perdure_alloc(R, 48);
  EXPECT_EQ(Reused, Later);
  ASSERT_EQ(perdure_tx_commit(), 0);
  EXPECT_EQ(R[0], 1u);
  EXPECT_EQ(blocksOf(R), Before + 2);
  perdure_free(Old);
  perdure_free(Fresh);
  perdure_free(Reused);
}

// Records behind the point that was rolled back to were good once: none may hold
// again when others are written in front of them. An allocation that was undone
// and is another thread's by then would be freed.
TEST_F(TransactionTest, RecordsThatWereRolledBackStayDead) {
  uint64_t *R = create("a", 1 << 16);
  for (unsigned Filler = 0; Filler < 200; Filler += 3) {
    ASSERT_EQ(perdure_tx_begin(R), 0);
    for (unsigned I = 0; I < Filler; ++I) // up to and across a chunk's end
      set(&R[100 + I], uint64_t(I));
    int Point = perdure_tx_savepoint();
    set(&R[0], uint64_t(1));
    set(&R[50], uint64_t(1));
    void *Undone = perdure_alloc(R, 100000);
    for (int I = 0; I < 40; ++I)
      set(&R[1 + I], uint64_t(I));
    ASSERT_EQ(perdure_tx_rollback_to(Point), 0);
    void *Others = nullptr;
    std::thread([&] { Others = perdure_alloc(R, 100000); }).join();
    ASSERT_EQ(Others, Undone);
    perdure_persist(&R[8000], 8); // nothing of the transaction
    // Of the same size as those that were there: what lies behind it is the
    // record of the block.
    set(&R[0], uint64_t(1));
    EXPECT_EQ(blocksAfterDeath("a"), 2u) << "the root, and the other thread's";
    perdure_tx_abort();
    EXPECT_EQ(blocksOf(R), 2u);
    perdure_free(Others);
    EXPECT_EQ(blocksOf(R), 1u);
  }
}

// A random transaction, with savepoints, beside a model of what it should do.
TEST_F(TransactionTest, RandomOnesAgainstAModel) {
  constexpr size_t Words = 600;
  std::mt19937 Random(42);
  uint64_t *R[2] = {create("a", Words * 8), create("b", Words * 8)};
  std::vector<uint64_t> Now[2] = {std::vector<uint64_t>(Words),
                                  std::vector<uint64_t>(Words)};
  for (int Round = 0; Round < 300; ++Round) {
    auto Begin0 = Now[0], Begin1 = Now[1];
    struct Saved {
      int Number;
      std::vector<uint64_t> A, B;
    };
    std::vector<Saved> Points;
    ASSERT_EQ(perdure_tx_begin(R[0]), 0);
    unsigned Steps = Random() % 60;
    for (unsigned I = 0; I < Steps; ++I) {
      unsigned Which = Random() % 2;
      size_t At = Random() % Words, Count = 1 + Random() % 4;
      if (Random() % 8 == 0)
        Count = Random() % Words;
      Count = std::min(Count, Words - At);
      switch (Random() % 10) {
      case 0:
        Points.push_back({perdure_tx_savepoint(), Now[0], Now[1]});
        break;
      case 1:
        if (!Points.empty()) {
          Points.resize(1 + Random() % Points.size());
          ASSERT_EQ(perdure_tx_rollback_to(Points.back().Number), 0);
          Now[0] = Points.back().A;
          Now[1] = Points.back().B;
        }
        break;
      default:
        if (!Count)
          break;
        if (Random() % 4) {
          __perdure_tx_log(&R[Which][At], Count * 8);
        } else {
          // With one of the other object, some of no bytes, and one of a local.
          unsigned Other = 1 - Which;
          size_t There = Random() % Words;
          Range Ranges[] = {{&R[Which][At], Count * 8},
                            {nullptr, 0},
                            {&R[Other][There], 8},
                            {&R[Other][There], 0},
                            {&Count, 8}};
          __perdure_tx_log_ranges(Ranges, 5);
          R[Other][There] = Now[Other][There] = Random();
        }
        for (size_t W = At; W < At + Count; ++W)
          R[Which][W] = Now[Which][W] = Random();
      }
    }
    ASSERT_EQ(memcmp(R[0], Now[0].data(), Words * 8), 0) << Round;
    ASSERT_EQ(memcmp(R[1], Now[1].data(), Words * 8), 0) << Round;
    if (Round % 16 == 0) {
      ASSERT_EQ(afterDeath("a", Words), Begin0);
      ASSERT_EQ(afterDeath("b", Words), Begin1);
    }
    if (Random() % 2) {
      ASSERT_EQ(perdure_tx_commit(), 0);
    } else {
      perdure_tx_abort();
      Now[0] = Begin0;
      Now[1] = Begin1;
    }
    ASSERT_EQ(memcmp(R[0], Now[0].data(), Words * 8), 0) << Round;
    ASSERT_EQ(memcmp(R[1], Now[1].data(), Words * 8), 0) << Round;
  }
}

// Several ranges wait for the medium once, in two objects, too.
TEST_F(TransactionTest, RangesShareAFence) {
  uint64_t *A = create("a", 8192), *B = create("b", 8192);
  ASSERT_EQ(perdure_tx_begin(A), 0);
  set(&A[0], uint64_t(1));
  set(&B[0], uint64_t(1));
  Range Ranges[] = {{&A[8], 8}, {&A[200], 16}, {&B[8], 8}, {&A[0], 8}};
  int Before = hooks::Fences;
  set(&A[0], uint64_t(2)); // it has been logged
  EXPECT_EQ(hooks::Fences, Before);
  __perdure_tx_log_ranges(Ranges, 4);
  bool Flushes = Before > 0;
  EXPECT_EQ(hooks::Fences, Before + Flushes);
  A[8] = A[200] = A[201] = B[8] = 1;
  EXPECT_EQ(afterDeath("a", 202), std::vector<uint64_t>(202));
  EXPECT_EQ(afterDeath("b", 9), std::vector<uint64_t>(9));
  Before = hooks::Fences;
  __perdure_tx_log_ranges(Ranges, 4);
  EXPECT_EQ(hooks::Fences, Before);
  // A block's record waits with the next data's.
  ASSERT_NE(perdure_alloc(A, 64), nullptr);
  Before = hooks::Fences;
  ASSERT_NE(perdure_alloc(A, 64), nullptr);
  set(&A[300], uint64_t(1));
  EXPECT_EQ(hooks::Fences, Before + Flushes);
  perdure_tx_abort();
  EXPECT_EQ(A[8] + A[200] + A[201] + A[300] + B[8], 0u);
}

// A process may have died between the store that cut its log and the flush of it. Who
// opens the object finds no log there, and flushes that before anything follows.
TEST_F(TransactionTest, HeadsThatWereFoundAreFlushed) {
  if (!getenv("PMEM2_FORCE_GRANULARITY"))
    GTEST_SKIP() << "nothing is flushed";
  uint64_t *A = create("a");
  ASSERT_EQ(perdure_tx_begin(A), 0); // so that there is a log
  set(&A[0], uint64_t(1));
  ASSERT_EQ(perdure_tx_commit(), 0);
  closeStore();
  std::vector<uint64_t> Lines;
  hooks::OnFlush = [&](const void *P, size_t Bytes) {
    for (uint64_t At = (uint64_t)P / 64; At * 64 < (uint64_t)P + Bytes; ++At)
      Lines.push_back(At);
  };
  reopenStore();
  A = open("a");
  hooks::OnFlush = nullptr;
  uint64_t Heads =
      baseOf(A) + ((perdure::Header *)baseOf(A))->Copy[0].LogExtent[0];
  for (unsigned Lane = 0; Lane < 64; ++Lane)
    EXPECT_EQ(std::count(Lines.begin(), Lines.end(), Heads / 64 + Lane), 1) << Lane;
  // A savepoint at the beginning is gone back to in the first record.
  uint64_t First = ((perdure::LaneHead *)Heads)->First;
  ASSERT_NE(First, 0u);
  uint64_t Record = baseOf(A) + perdure::chunkOffset(First);
  EXPECT_EQ(std::count(Lines.begin(), Lines.end(), Record / 64), 1);
}

void TransactionTest::checkLines(uint64_t *A) {
  ASSERT_EQ(perdure_tx_begin(A), 0);
  auto *First = (uint64_t *)perdure_alloc(A, 64);
  auto *Second = (uint64_t *)perdure_alloc(A, 64); // its bit is beside
  set(&A[0], uint64_t(1));
  set(&A[16], uint64_t(1));
  set(&A[1], uint64_t(1)); // the line of A[0]
  perdure_tx_commit();
  std::vector<uint64_t> Lines;
  hooks::OnFlush = [&](const void *P, size_t Bytes) {
    for (uint64_t At = (uint64_t)P / 64; At * 64 < (uint64_t)P + Bytes; ++At)
      Lines.push_back(At);
  };
  auto Times = [&](const void *P) {
    return std::count(Lines.begin(), Lines.end(), (uint64_t)P / 64);
  };
  ASSERT_EQ(perdure_tx_begin(A), 0);
  auto *Third = (uint64_t *)perdure_alloc(A, 64);
  perdure_free(First);
  perdure_free(Second);
  set(&A[0], uint64_t(2));
  set(&A[16], uint64_t(2));
  set(&A[1], uint64_t(2));
  Lines.clear();
  perdure_tx_commit();
  int OnDax = Lines.empty() ? 0 : 1;
  EXPECT_EQ(Times(&A[0]), OnDax);
  EXPECT_EQ(Times(&A[16]), OnDax);
  EXPECT_EQ(Times(Third), OnDax);
  std::sort(Lines.begin(), Lines.end());
  EXPECT_EQ(std::adjacent_find(Lines.begin(), Lines.end()), Lines.end());
  // The line of the bits, in front of the slab's blocks.
  uint64_t Bits = (uint64_t)First / 4096 * 64;
  size_t Before = Lines.size();
  EXPECT_EQ(std::count(Lines.begin(), Lines.end(), Bits), OnDax);
  // Those of the freed ones wait, and are not forgotten.
  Lines.clear();
  ASSERT_EQ(perdure_tx_begin(A), 0);
  set(&A[0], uint64_t(3));
  perdure_tx_commit();
  EXPECT_EQ(std::count(Lines.begin(), Lines.end(), Bits), OnDax);
  EXPECT_LE(Lines.size(), Before);
  // Nor by who persists, nor by a thread that ends, nor by an object that closes.
  auto FreeOne = [&](void *Block) {
    ASSERT_EQ(perdure_tx_begin(A), 0);
    set(&A[0], uint64_t(4));
    perdure_free(Block);
    perdure_tx_commit();
    Lines.clear();
  };
  FreeOne(Third);
  perdure_persist(&A[100], 8);
  EXPECT_EQ(std::count(Lines.begin(), Lines.end(), Bits), OnDax);
  void *Fourth = perdure_alloc(A, 64), *Fifth = perdure_alloc(A, 64);
  std::thread([&] { FreeOne(Fourth); }).join();
  EXPECT_EQ(std::count(Lines.begin(), Lines.end(), Bits), OnDax);
  FreeOne(Fifth);
  EXPECT_EQ(std::count(Lines.begin(), Lines.end(), Bits), 0);
  closeStore();
  EXPECT_EQ(std::count(Lines.begin(), Lines.end(), Bits), OnDax);
  hooks::forgetAll();
}

// A second time would wait for the first. And what a commit frees is written back
// by the next one.
TEST_F(TransactionTest, EachLineIsWrittenBackOnce) {
  uint64_t *A = create("a", 8192);
  // Of a thread that has kept no lane of others.
  std::thread([&] { checkLines(A); }).join();
}
// A neighbour in the same word is another thread's: an abort leaves it alone.
TEST_F(TransactionTest, BytesBesideAreOthers) {
  auto *R = (uint32_t *)create("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 1u);
  R[1] = 7;
  perdure_tx_abort();
  EXPECT_EQ(R[0], 0u);
  EXPECT_EQ(R[1], 7u);
}

TEST_F(TransactionTest, ThreadsAtOnce) {
  constexpr unsigned Threads = 8, Rounds = 2000;
  uint64_t *R = create("a", Threads * 4096);
  std::vector<std::thread> Running;
  for (unsigned N = 0; N < Threads; ++N)
    Running.emplace_back([&, N] {
      uint64_t *Mine = R + N * 512;
      for (unsigned I = 0; I < Rounds; ++I) {
        if (perdure_tx_begin(R))
          abort();
        set(&Mine[0], Mine[0] + 1);
        set(&Mine[I % 511 + 1], uint64_t(I));
        auto *Block = (uint64_t *)perdure_alloc(R, 64 + I % 512);
        if (!Block)
          abort();
        perdure_free(Block);
        if (I % 4)
          perdure_tx_commit();
        else
          perdure_tx_abort();
      }
    });
  for (std::thread &T : Running)
    T.join();
  for (unsigned N = 0; N < Threads; ++N)
    EXPECT_EQ(R[N * 512], Rounds - Rounds / 4);
  EXPECT_EQ(blocksOf(R), 1u);
}

// However many threads come and go, and however many objects each writes: a lane
// that a thread keeps is given back when it ends, and one that it cannot keep at
// once. The log grows by 64 KiB and more when lanes run out.
TEST_F(TransactionTest, LanesAreGivenBack) {
  if (isDurable())
    GTEST_SKIP() << "the log is not in lanes of threads";
  constexpr unsigned Objects = 9; // more than a thread keeps
  std::vector<uint64_t *> Roots;
  for (unsigned I = 0; I < Objects; ++I)
    Roots.push_back(create(("o" + std::to_string(I)).c_str(), 4096));
  auto Write = [&] {
    for (unsigned Round = 0; Round < 3; ++Round) {
      if (perdure_tx_begin(Roots[0]))
        abort();
      for (uint64_t *R : Roots)
        set(R, *R + 1);
      perdure_tx_commit();
      for (uint64_t *R : Roots) {
        if (perdure_tx_begin(R))
          abort();
        set(R, *R + 1);
        perdure_tx_commit();
      }
    }
  };
  auto Bytes = [&] {
    uint64_t Sum = 0;
    for (uint64_t *R : Roots) {
      struct perdure_stat Stat = {};
      EXPECT_EQ(perdure_stat(R, &Stat), 0);
      Sum += Stat.file_bytes;
    }
    return Sum;
  };
  std::thread(Write).join();
  uint64_t Before = Bytes();
  unsigned Threads = PERDURE_SANITIZED ? 40 : 200;
  for (unsigned I = 1; I < Threads; ++I)
    std::thread(Write).join();
  EXPECT_EQ(Bytes(), Before);
  for (uint64_t *R : Roots)
    EXPECT_EQ(*R, Threads * 6);
  // Several at once, more than may keep one.
  std::vector<std::thread> Running;
  std::atomic<unsigned> Begun{0}, Written{0};
  for (unsigned I = 0; I < 100; ++I)
    Running.emplace_back([&] {
      ++Begun;
      while (Begun < 100)
        std::this_thread::yield();
      static std::mutex Turn;
      std::unique_lock<std::mutex> Hold(Turn);
      Write();
      ++Written;
      Hold.unlock();
      while (Written < 100)
        std::this_thread::yield();
    });
  for (std::thread &T : Running)
    T.join();
  for (uint64_t *R : Roots)
    EXPECT_EQ(*R, (Threads + 100) * 6);
  struct perdure_stat Stat = {};
  EXPECT_EQ(perdure_stat(Roots[0], &Stat), 0);
  EXPECT_GT(Stat.log_bytes, (Threads + 100) * 6 * 32u);
  // No two have the same one: each brings back what it has overwritten itself.
  Running.clear();
  constexpr unsigned AtOnce = 8, Rounds = 200;
  for (unsigned I = 1; I <= AtOnce; ++I)
    Running.emplace_back([&, I] {
      for (unsigned Round = 0; Round < Rounds; ++Round) {
        if (perdure_tx_begin(Roots[0]))
          abort();
        for (uint64_t *R : Roots)
          set(&R[I * 8], R[I * 8] + 1);
        if (Round % 4)
          perdure_tx_abort();
        else
          perdure_tx_commit();
      }
    });
  for (std::thread &T : Running)
    T.join();
  for (uint64_t *R : Roots)
    for (unsigned I = 1; I <= AtOnce; ++I)
      EXPECT_EQ(R[I * 8], Rounds / 4);
}

// A thread that keeps lanes outlives the objects that they are of, and others that
// come in their places.
TEST_F(TransactionTest, LanesOfWhatIsClosed) {
  std::atomic<int> Step{0};
  uint64_t *A = create("a");
  auto WaitFor = [&](int Number) {
    while (Step < Number)
      std::this_thread::yield();
  };
  auto Write = [&](uint64_t *R) {
    if (perdure_tx_begin(R))
      abort();
    set(R, *R + 1);
    perdure_tx_commit();
  };
  std::thread Keeper([&] {
    Write(A);
    Step = 1;
    WaitFor(2);
    Write(A); // another one, at this address perhaps
    Step = 3;
    WaitFor(4);
  });
  WaitFor(1);
  closeStore();
  reopenStore();
  A = open("a");
  EXPECT_EQ(*A, 1u);
  Step = 2;
  WaitFor(3);
  closeStore();
  Step = 4;
  Keeper.join();
  reopenStore();
  EXPECT_EQ(open("a")[0], 2u);
}

//===----------------------------------------------------------------------===//
// Frames
//===----------------------------------------------------------------------===//

int addAndFail(void *P) {
  set((uint64_t *)P, *(uint64_t *)P + 1);
  return 1;
}
int add(void *P) {
  set((uint64_t *)P, *(uint64_t *)P + 1);
  return 0;
}
int addAndAbort(void *P) {
  add(P);
  perdure_tx_abort();
  abort(); // control has left
}
int addInside(void *P) {
  add(P);
  perdure_transact(P, addAndAbort, P);
  abort();
}

TEST_F(TransactionTest, Transact) {
  uint64_t *R = create("a");
  EXPECT_EQ(perdure_transact(R, add, R), 0);
  EXPECT_EQ(R[0], 1u);
  for (auto Body : {addAndFail, addAndAbort, addInside}) {
    errno = 0;
    EXPECT_EQ(perdure_transact(R, Body, R), -1);
    EXPECT_EQ(errno, ECANCELED);
    EXPECT_EQ(R[0], 1u);
    EXPECT_EQ(__perdure_tx_active, 0u);
  }
  // Begun by perdure_tx_begin: control comes back.
  ASSERT_EQ(perdure_tx_begin(R), 0);
  EXPECT_EQ(perdure_transact(R, addAndFail, R), -1);
  EXPECT_EQ(__perdure_tx_active, 0u);
  EXPECT_EQ(R[0], 1u);
  int Local;
  EXPECT_EQ(perdure_transact(&Local, add, R), -1);
  EXPECT_EQ(errno, EINVAL);
}

struct Aborted {};
void throwAborted() { throw Aborted(); }

// What an attributed C++ function is compiled to.
template <typename BodyType> int transact(BodyType Body) {
  Frame F;
  __perdure_tx_enter(&F, PerdureAbiTxFrameThrows);
  try {
    Body();
  } catch (...) {
    __perdure_tx_unwind(&F);
    throw;
  }
  return __perdure_tx_leave(&F);
}

TEST_F(TransactionTest, Exceptions) {
  __perdure_tx_set_thrower(throwAborted);
  uint64_t *R = create("a");
  EXPECT_THROW(transact([&] {
                 add(R);
                 perdure_tx_abort();
               }),
               Aborted);
  EXPECT_EQ(R[0], 0u);
  EXPECT_EQ(__perdure_tx_active, 0u);
  // One that leaves a nested one dooms all.
  errno = 0;
  EXPECT_EQ(transact([&] {
              add(R);
              try {
                transact([&] {
                  add(R);
                  throw 1;
                });
              } catch (int) {
              }
              add(R);
            }),
            -1);
  EXPECT_EQ(errno, ECANCELED);
  EXPECT_EQ(R[0], 0u);
  // And so does one that passes through perdure_transact.
  auto Throw = [](void *P) {
    add(P);
    throw 2;
    return 0;
  };
  EXPECT_THROW(perdure_transact(R, Throw, R), int);
  EXPECT_EQ(__perdure_tx_active, 0u);
  EXPECT_EQ(R[0], 0u);
  EXPECT_EQ(transact([&] { add(R); }), 0);
  EXPECT_EQ(R[0], 1u);
}

jmp_buf Out;
int jumpOut(void *P) {
  add(P);
  longjmp(Out, 1);
}

[[gnu::noinline]] void overwriteStack() {
  volatile char Bytes[4096];
  memset((void *)Bytes, 0xff, sizeof(Bytes));
}

TEST_F(TransactionTest, JumpedOver) {
  uint64_t *R = create("a");
  if (!setjmp(Out))
    perdure_transact(R, jumpOut, R);
  else
    __perdure_tx_landed(__builtin_frame_address(0));
  EXPECT_EQ(__perdure_tx_active, 0u);
  EXPECT_EQ(R[0], 0u);
  // Without that call the next one to the API finds it.
  if (!setjmp(Out))
    perdure_transact(R, jumpOut, R);
  overwriteStack();
  EXPECT_EQ(perdure_tx_commit(), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(R[0], 0u);
  // Out of a nested one into the outer one: doomed.
  ASSERT_EQ(perdure_tx_begin(R), 0);
  if (!setjmp(Out))
    perdure_transact(R, jumpOut, R);
  overwriteStack();
  EXPECT_EQ(perdure_tx_commit(), -1);
  EXPECT_EQ(errno, ECANCELED);
  EXPECT_EQ(R[0], 0u);
}

//===----------------------------------------------------------------------===//
// Ends that nobody asked for
//===----------------------------------------------------------------------===//

TEST_F(TransactionTest, ThreadAndStoreEnd) {
  uint64_t *R = create("a");
  std::thread([&] {
    perdure_tx_begin(R);
    set(R, uint64_t(1));
  }).join();
  EXPECT_EQ(R[0], 0u);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, uint64_t(1));
  perdure_close(R); // still mapped
  set(R, uint64_t(2));
  testing::internal::CaptureStderr();
  closeStore();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("rolled back"),
            std::string::npos);
  EXPECT_EQ(__perdure_tx_active, 0u);
  reopenStore();
  EXPECT_EQ(open("a")[0], 0u);
}

TEST_F(TransactionTest, RemovedAndForked) {
  uint64_t *R = create("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, uint64_t(1));
  pid_t Pid = fork();
  if (!Pid)
    _exit(__perdure_tx_active || perdure_tx_commit() != -1);
  int Status;
  waitpid(Pid, &Status, 0);
  EXPECT_EQ(Status, 0);
  ASSERT_EQ(perdure_remove(S, "a"), 0);
  set(R, uint64_t(2));
  perdure_tx_abort();
  EXPECT_EQ(R[0], 0u);
}

TEST_F(TransactionTest, SharedOnesInTheirSection) {
  create("a");
  closeStore();
  reopenStore(PERDURE_SHARED);
  uint64_t *R = open("a");
  EXPECT_EQ(perdure_tx_begin(R), -1);
  EXPECT_EQ(errno, EPERM);
  ASSERT_EQ(perdure_lock(R, 0), 0);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, uint64_t(1));
  ASSERT_EQ(perdure_unlock(R), 0);
  EXPECT_EQ(perdure_unlock(R), -1); // left already
  ASSERT_EQ(perdure_lock(R, 0), 0); // in again, without waiting
  ASSERT_EQ(perdure_unlock(R), 0);
  set(R, uint64_t(2)); // inside until the end
  ASSERT_EQ(perdure_tx_commit(), 0);
  EXPECT_EQ(perdure_unlock(R), -1);
  EXPECT_EQ(R[0], 2u);
}

TEST_F(TransactionTest, TwoStoresDoNotCommitAsOne) {
  uint64_t *R = create("a");
  std::string Other = Temporary + "/other";
  perdure_store *T = openStore(Other.c_str(), PERDURE_CREATE);
  ASSERT_NE(T, nullptr);
  void *Q = perdure_create(T, "b", 64, 0);
  ASSERT_NE(Q, nullptr);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, uint64_t(1));
  EXPECT_EQ(perdure_alloc(Q, 16), nullptr);
  EXPECT_EQ(errno, EXDEV);
  perdure_tx_abort();
  perdure_store_close(T);
}

// The log takes 64 KiB at first, and then more, of a file that may not grow.
CHILD(FullLog) {
  perdure_store *S = openStore(Args[0].c_str(), 0);
  auto *R = (uint64_t *)perdure_open(S, "a", 0);
  REQUIRE(R);
  struct perdure_stat Stat;
  REQUIRE(!perdure_stat(R, &Stat));
  struct rlimit Limit = {Stat.file_bytes, Stat.file_bytes};
  REQUIRE(!setrlimit(RLIMIT_FSIZE, &Limit));
  REQUIRE(!perdure_tx_begin(R));
  REQUIRE(!perdure_alloc(R, 16) && errno == EFBIG);
  REQUIRE(!perdure_tx_commit());
  REQUIRE(!perdure_tx_begin(R));
  set(R, uint64_t(2)); // reports, and stops before the store
  return 0;
}

TEST_F(TransactionTest, LogThatCannotGrow) {
  if (isDurable())
    GTEST_SKIP() << "the log is needed at the commit alone";
  uint64_t *R = create("a");
  R[0] = 1;
  closeStore();
  ChildResult C = runChild("FullLog", {Dir});
  EXPECT_EQ(C.Signal, SIGABRT) << C.Exit << C.Output;
  EXPECT_NE(C.Output.find("cannot log 8 bytes at offset"), std::string::npos)
      << C.Output;
  reopenStore();
  EXPECT_EQ(open("a")[0], 1u);
}

// A thread that has had a long transaction keeps little of the log for its next one.
CHILD(FullLogOfTwo) {
  perdure_store *S = openStore(Args[0].c_str(), 0);
  auto *R = (uint64_t *)perdure_open(S, "a", 0);
  REQUIRE(R);
  std::atomic<int> Step{0};
  std::thread Other([&] {
    if (perdure_tx_begin(R))
      abort();
    __perdure_tx_log(R + 8, 40000);
    if (perdure_tx_commit())
      abort();
    Step = 1;
    while (Step == 1)
      std::this_thread::yield();
  });
  while (!Step)
    std::this_thread::yield();
  struct perdure_stat Stat;
  REQUIRE(!perdure_stat(R, &Stat));
  struct rlimit Limit = {Stat.file_bytes, Stat.file_bytes};
  REQUIRE(!setrlimit(RLIMIT_FSIZE, &Limit));
  REQUIRE(!perdure_tx_begin(R));
  set(R, uint64_t(2));
  REQUIRE(!perdure_tx_commit());
  Step = 2;
  Other.join();
  perdure_store_close(S);
  return 0;
}

TEST_F(TransactionTest, LogIsLeftForOthers) {
  if (isDurable())
    GTEST_SKIP() << "the log is needed at the commit alone";
  create("a", 1 << 16);
  closeStore();
  ChildResult C = runChild("FullLogOfTwo", {Dir});
  EXPECT_TRUE(!C.Signal && !C.Exit) << C.Signal << " " << C.Output;
  reopenStore();
  EXPECT_EQ(open("a")[0], 2u);
}

CHILD(FreesTwice) {
  perdure_store *S = openStore(Args[0].c_str(), 0);
  auto *R = (uint64_t *)perdure_open(S, "a", 0);
  REQUIRE(R);
  void *Block = perdure_alloc(R, 64);
  REQUIRE(!perdure_tx_begin(R));
  set(R, uint64_t(1));
  perdure_free(Block);
  perdure_free(Block);
  perdure_tx_commit();
  return 0;
}

TEST_F(TransactionTest, FreedTwiceInOne) {
  create("a");
  closeStore();
  ChildResult C = runChild("FreesTwice", {Dir});
  EXPECT_EQ(C.Signal, SIGABRT) << C.Exit << C.Output;
  EXPECT_NE(C.Output.find("the transaction has freed it twice"),
            std::string::npos)
      << C.Output;
  reopenStore();
  uint64_t *R = open("a");
  EXPECT_EQ(R[0], 0u); // rolled back
  // A block that no commit has followed is gone with the process.
  EXPECT_EQ(blocksOf(R), isDurable() ? 1u : 2u);
}

//===----------------------------------------------------------------------===//
// Processes that die
//===----------------------------------------------------------------------===//

constexpr unsigned Accounts = 64;
constexpr uint64_t Total = 1000 * Accounts;

// Moves between accounts in two objects, with lists of blocks that change too.
int transfer(const std::string &Dir, unsigned Flags, unsigned Seed,
             int Rounds = -1) {
  perdure_store *S = openStore(Dir.c_str(), Flags);
  REQUIRE(S);
  uint64_t *R[2] = {(uint64_t *)perdure_open(S, "a", 0),
                    (uint64_t *)perdure_open(S, "b", 0)};
  REQUIRE(R[0] && R[1]);
  std::mt19937 Random(Seed);
  for (; Rounds; --Rounds) {
    if (Flags & PERDURE_SHARED) {
      REQUIRE(perdure_lock(R[0], 0) >= 0);
      REQUIRE(perdure_lock(R[1], 0) >= 0);
    }
    REQUIRE(!perdure_tx_begin(nullptr));
    for (unsigned I = 0, N = 1 + Random() % 3; I < N; ++I) {
      uint64_t *From = &R[Random() % 2][Random() % (Accounts / 2)];
      uint64_t *To = &R[Random() % 2][Random() % (Accounts / 2)];
      uint64_t Sum = std::min<uint64_t>(*From, Random() % 100);
      set(From, *From - Sum);
      set(To, *To + Sum);
    }
    // One block, whose two words say the same as its neighbour's in the root.
    uint64_t *Q = R[Random() % 2];
    auto *New = (uint64_t *)perdure_alloc(Q, 16 + Random() % 500);
    REQUIRE(New);
    New[0] = New[1] = Random();
    if (Q[100])
      perdure_free(perdure_decode(Q[100], &Q[100]));
    set(&Q[100], perdure_encode(New, &Q[100]));
    set(&Q[101], New[0]);
    if (Random() % 4)
      REQUIRE(!perdure_tx_commit());
    else
      perdure_tx_abort();
    if (Flags & PERDURE_SHARED) {
      REQUIRE(!perdure_unlock(R[1]));
      REQUIRE(!perdure_unlock(R[0]));
    }
  }
  return 0;
}

class DeathTest : public TransactionTest {
protected:
  void fill() {
    for (const char *Name : {"a", "b"}) {
      uint64_t *R = create(Name, 1024);
      for (unsigned I = 0; I < Accounts / 2; ++I)
        R[I] = 1000;
    }
    closeStore();
  }
  ::testing::AssertionResult isWhole() {
    perdure_store *T = openStore(Dir.c_str(), 0);
    uint64_t Sum = 0;
    for (const char *Name : {"a", "b"}) {
      auto *R = (uint64_t *)perdure_open(T, Name, 0);
      if (!R)
        return ::testing::AssertionFailure() << perdure_errormsg();
      for (unsigned I = 0; I < Accounts / 2; ++I)
        Sum += R[I];
      if (!R[100])
        continue;
      auto *Block = (uint64_t *)perdure_decode(R[100], &R[100]);
      if (Block[0] != Block[1] || Block[0] != R[101])
        return ::testing::AssertionFailure() << "the block is not that of R";
      // It is allocated: freeing it does not end the process.
      perdure_tx_begin(R);
      perdure_free(Block);
      perdure_tx_abort();
    }
    perdure_store_close(T);
    if (Sum != Total)
      return ::testing::AssertionFailure() << "the sum is " << Sum;
    return ::testing::AssertionSuccess();
  }
};

TEST_F(DeathTest, KilledAtRandom) {
  fill();
  std::mt19937 Random(7);
  for (unsigned Round = 0; Round < 150; ++Round) {
    pid_t Pid = fork();
    if (!Pid)
      _exit(transfer(Dir, 0, Round));
    usleep(2000 + Random() % 8000);
    kill(Pid, SIGKILL);
    int Status;
    waitpid(Pid, &Status, 0);
    ASSERT_TRUE(WIFSIGNALED(Status) && WTERMSIG(Status) == SIGKILL) << Status;
    ASSERT_TRUE(isWhole()) << Round;
  }
}

TEST_F(DeathTest, SharedKilledAtRandom) {
  fill();
  std::mt19937 Random(8);
  for (unsigned Round = 0; Round < 50; ++Round) {
    pid_t Pids[3];
    for (pid_t &Pid : Pids)
      if (!(Pid = fork()))
        _exit(transfer(Dir, PERDURE_SHARED, Round * 3 + (&Pid - Pids)));
    for (pid_t Pid : Pids) {
      usleep(2000 + Random() % 8000);
      kill(Pid, SIGKILL);
      int Status;
      waitpid(Pid, &Status, 0);
      ASSERT_TRUE(WIFSIGNALED(Status) && WTERMSIG(Status) == SIGKILL) << Status;
    }
    ASSERT_TRUE(isWhole()) << Round;
  }
}

// Dies in the middle of a transaction.
CHILD(openToWrite) {
  perdure_store *S = openStore(Args[0], 0);
  REQUIRE(S);
  perdure_open(S, "a", 0);
  perdure_store_close(S);
  return 0;
}

void dieInside(const std::string &Dir, unsigned Flags) {
  pid_t Pid = fork();
  if (!Pid) {
    perdure_store *S = openStore(Dir.c_str(), Flags);
    auto *R = (uint64_t *)perdure_open(S, "a", 0);
    if (!R || (Flags & PERDURE_SHARED && perdure_lock(R, 0) < 0) ||
        perdure_tx_begin(R))
      _exit(1);
    for (unsigned I = 0; I < 1000; ++I)
      set(&R[I], uint64_t(7));
    perdure_alloc(R, 100000);
    raise(SIGKILL);
  }
  int Status;
  waitpid(Pid, &Status, 0);
  EXPECT_TRUE(WIFSIGNALED(Status));
}

TEST_F(TransactionTest, ReadersSeeNoHalf) {
  uint64_t *R = create("a", 8192);
  for (unsigned I = 0; I < 1000; ++I)
    R[I] = I;
  uint64_t Blocks = blocksOf(R);
  std::string File = fileOf("a");
  closeStore();
  dieInside(Dir, 0);
  std::string Before = readFile(File);
  auto Whole = [&] {
    for (unsigned I = 0; I < 1000; ++I)
      if (R[I] != I)
        return false;
    return true;
  };
  reopenStore(PERDURE_RDONLY);
  R = open("a");
  EXPECT_TRUE(Whole());
  EXPECT_EQ(blocksOf(R), Blocks);
  EXPECT_EQ(readFile(File), Before); // the file stays as it was
  // Meanwhile somebody opens it for writing, and changes it.
  pid_t Pid = fork();
  if (!Pid) {
    perdure_store_close(S);
    perdure_store *T = openStore(Dir.c_str(), PERDURE_SHARED);
    auto *Q = (uint64_t *)perdure_open(T, "a", 0);
    if (!Q || perdure_lock(Q, 0) < 0)
      _exit(1);
    Q[999] = 5;
    perdure_persist(&Q[999], 8);
    _exit(0);
  }
  int Status;
  waitpid(Pid, &Status, 0);
  EXPECT_EQ(Status, 0);
  ASSERT_EQ(perdure_lock(R, PERDURE_RDONLY), 0);
  EXPECT_EQ(R[999], 5u);
  EXPECT_EQ(R[0], 0u);
  EXPECT_EQ(R[998], 998u);
  EXPECT_EQ(perdure_unlock(R), 0);
}

TEST_F(TransactionTest, SharingReadersSeeNoHalf) {
  uint64_t *R = create("a", 8192);
  for (unsigned I = 0; I < 1000; ++I)
    R[I] = I;
  for (unsigned Flags : {PERDURE_SHARED, PERDURE_RDONLY}) {
    closeStore();
    dieInside(Dir, PERDURE_SHARED);
    reopenStore(Flags);
    R = open("a");
    ASSERT_GE(perdure_lock(R, PERDURE_RDONLY), 0) << perdure_errormsg();
    EXPECT_EQ(R[0], 0u);
    EXPECT_EQ(R[999], 999u);
    EXPECT_EQ(perdure_unlock(R), 0);
  }
}

#if defined(__x86_64__)
// A child that runs Body, and what it waits with: the SIGSTOP that Body raises.
template <typename BodyType> pid_t traced(BodyType Body, int &Status) {
  pid_t Pid = fork();
  if (!Pid) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    _exit(Body());
  }
  waitpid(Pid, &Status, 0);
  return Pid;
}

// A child that runs Body, and is killed after so many instructions from the
// SIGSTOP that Body raises. False: it ended before.
template <typename BodyType> bool killAfter(BodyType Body, uint64_t Steps) {
  int Status;
  pid_t Pid = traced(Body, Status);
  for (; WIFSTOPPED(Status) && Steps; --Steps) {
    ptrace(PTRACE_SINGLESTEP, Pid, nullptr, nullptr);
    waitpid(Pid, &Status, 0);
  }
  bool Ended = !WIFSTOPPED(Status);
  if (Ended) {
    EXPECT_TRUE(WIFEXITED(Status) && !WEXITSTATUS(Status)) << Status;
    return false;
  }
  kill(Pid, SIGKILL);
  waitpid(Pid, &Status, 0);
  return true;
}

// Instructions from one SIGSTOP that Body raises to the next.
template <typename BodyType> uint64_t stepsOf(BodyType Body) {
  int Status;
  pid_t Pid = traced(Body, Status);
  uint64_t Steps = 0;
  do {
    ptrace(PTRACE_SINGLESTEP, Pid, nullptr, nullptr);
    waitpid(Pid, &Status, 0);
    ++Steps;
  } while (WIFSTOPPED(Status) && WSTOPSIG(Status) == SIGTRAP);
  EXPECT_TRUE(WIFSTOPPED(Status) && WSTOPSIG(Status) == SIGSTOP) << Status;
  kill(Pid, SIGKILL);
  waitpid(Pid, &Status, 0);
  return Steps;
}

// The budget of docs/passes/Transactions.md for a store to what has been logged.
TEST_F(TransactionTest, LoggedAlreadyIsShort) {
  if (PERDURE_SANITIZED)
    GTEST_SKIP() << "a sanitizer makes more instructions";
  constexpr unsigned Times = 100, Budget = 60;
  auto Steps = [&](unsigned Calls) {
    return stepsOf([&] {
      perdure_store *T = openStore(Dir.c_str(), 0);
      auto *A = (uint64_t *)perdure_open(T, "a", 0);
      REQUIRE(A && !perdure_tx_begin(A));
      __perdure_tx_log(&A[2], 16);
      raise(SIGSTOP);
      for (unsigned I = 0; I < Calls; ++I)
        __perdure_tx_log(&A[2 + I % 2], 8);
      raise(SIGSTOP);
      return 0;
    });
  };
  create("a");
  closeStore();
  // In front of the calls: the loop, and the call itself.
  EXPECT_LT(Steps(Times) - Steps(0), Times * Budget);
}

// At every few instructions of a transaction over two objects, from its first
// store to the end of its commit.
TEST_F(DeathTest, KilledAtEveryStep) {
  fill();
  std::mt19937 Random(9);
  unsigned Kills = 0;
  // A sanitizer makes many more instructions of the same stores.
  const unsigned Few = PERDURE_SANITIZED ? 200 : 60;
  for (uint64_t Steps = 0;; Steps += 1 + Random() % Few, ++Kills) {
    bool Killed = killAfter(
        [&] {
          perdure_store *T = openStore(Dir.c_str(), 0);
          auto *A = (uint64_t *)perdure_open(T, "a", 0);
          auto *B = (uint64_t *)perdure_open(T, "b", 0);
          REQUIRE(A && B);
          for (int Warm = 0; Warm < 2; ++Warm) {
            if (Warm)
              raise(SIGSTOP);
            uint64_t Sum = A[0] < 10 ? A[0] : 10;
            REQUIRE(!perdure_tx_begin(A));
            set(&A[0], A[0] - Sum);
            set(&B[0], B[0] + Sum);
            REQUIRE(!perdure_tx_commit());
          }
          return 0;
        },
        Steps);
    if (!Killed)
      break;
    ASSERT_TRUE(isWhole()) << Steps;
  }
  EXPECT_GT(Kills, 20u);
}

// A process is killed at every few instructions of rolling back to a savepoint. What
// its log says of the block behind the first record is not believed by who comes after
// the next process, which writes that record again: the block is somebody's by then.
TEST_F(DeathTest, KilledWhileItRollsBack) {
  uint64_t *R = create("a", 1 << 12);
  closeStore();
  std::mt19937 Random(11);
  unsigned Kills = 0, Again = 0;
  uint64_t Had = 0;
  const unsigned Few = PERDURE_SANITIZED ? 200 : 150;
  for (uint64_t Steps = 0;; Steps += 1 + Random() % Few, ++Kills) {
    bool Killed = killAfter(
        [&] {
          perdure_store *T = openStore(Dir.c_str(), 0);
          auto *A = (uint64_t *)perdure_open(T, "a", 0);
          REQUIRE(A && !perdure_tx_begin(A));
          int Point = perdure_tx_savepoint();
          set(&A[0], uint64_t(1));
          auto *Block = (uint64_t *)perdure_alloc(A, 100000);
          REQUIRE(Block);
          A[1] = perdure_offset(Block); // unlogged
          raise(SIGSTOP);
          REQUIRE(!perdure_tx_rollback_to(Point));
          return 0;
        },
        Steps);
    if (!Killed)
      break;
    reopenStore();
    R = open("a");
    Had = R[1];
    ASSERT_EQ(R[0], 0u);
    void *Mine = perdure_alloc(R, 100000);
    Again += perdure_offset(Mine) == Had;
    R[2] = Steps;
    perdure_persist(R, 64);
    uint64_t Blocks = blocksOf(R);
    ASSERT_EQ(perdure_tx_begin(R), 0);
    set(&R[0], uint64_t(1));
    EXPECT_EQ(blocksAfterDeath("a"), Blocks) << Steps;
    perdure_tx_abort();
    perdure_free(Mine);
    closeStore();
  }
  EXPECT_GT(Kills, 20u);
  EXPECT_TRUE(Again > 2 || isDurable());
}

// Recovery is killed at random places, over and over, and ends all the same.
TEST_F(DeathTest, KilledInRecovery) {
  fill();
  std::mt19937 Random(10);
  for (unsigned Round = 0; Round < 6; ++Round) {
    // Dies in a transaction; every third time while it commits.
    killAfter(
        [&] {
          perdure_store *T = openStore(Dir.c_str(), 0);
          auto *A = (uint64_t *)perdure_open(T, "a", 0);
          auto *B = (uint64_t *)perdure_open(T, "b", 0);
          REQUIRE(A && B);
          REQUIRE(!perdure_tx_begin(A));
          REQUIRE(perdure_alloc(B, 100));
          for (unsigned I = 0; I < 20; ++I) {
            set(&A[I], A[I] + 5);
            set(&B[I], B[I] - 5);
          }
          raise(SIGSTOP);
          REQUIRE(!perdure_tx_commit());
          return 0;
        },
        Round % 3 ? 0 : Random() % 3000);
    for (unsigned Again = 0; Again < 4; ++Again)
      killAfter(
          [&] {
            perdure_store *T = openStore(Dir.c_str(), 0);
            raise(SIGSTOP);
            perdure_open(T, Again % 2 ? "b" : "a", 0);
            perdure_open(T, Again % 2 ? "a" : "b", 0);
            return 0;
          },
          Random() % 20000);
    ASSERT_TRUE(isWhole()) << Round;
  }
}
#endif

#if defined(__x86_64__)
// What the others may do while b is prepared and a decides, which is so at some
// moments of a commit. Each is tried on a copy of the store.
// A log that says that a block was allocated which lies past the end that the header
// says: nothing is looked for there.
TEST_F(DeathTest, BlockPastTheEnd) {
  if (isDurable())
    GTEST_SKIP() << "what is not committed is not in the file";
  uint64_t *R = create("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, uint64_t(1));
  ASSERT_EQ(perdure_tx_commit(), 0);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  uint64_t Last = 0;
  for (int I = 0; I < 3000; ++I) {
    auto *Block = (char *)perdure_alloc(R, 1000);
    ASSERT_NE(Block, nullptr);
    Last = std::max(Last, (uint64_t)Block - baseOf(R));
  }
  std::string Copy = Temporary + "/copy", File = fileOf("a");
  copyTree(Dir, Copy);
  perdure_tx_abort();
  File = Copy + File.substr(Dir.size());
  std::string Bytes = readFile(File);
  auto *H = (perdure::Header *)&Bytes[0];
  for (perdure::State &S : H->Copy) {
    for (unsigned K = 0; K < perdure::MaxExtents; ++K)
      ASSERT_LT(S.MapExtent[K], Last - 65536);
    S.FileBytes = (Last - 65536) / 4096 * 4096;
    S.Checksum = (uint32_t)crc32(0, (const Bytef *)&S, sizeof(S) - 4);
  }
  writeFile(File, Bytes);
  ChildResult Result = runChild("openToWrite", {Copy});
  EXPECT_EQ(Result.Signal, 0) << Result.Output;
  std::filesystem::remove_all(Copy);
}

TEST_F(DeathTest, WhilePrepared) {
  if (isDurable())
    GTEST_SKIP() << "a commit to files is too many instructions long";
  fill();
  unsigned Gone = 0, NotCopied = 0, NotRemoved = 0;
  constexpr uint64_t Longer = PERDURE_SANITIZED ? 3 : 1;
  for (uint64_t Steps = 100 * Longer; Steps < 6000 * Longer;
       Steps += 31 * Longer) {
    bool Killed = killAfter(
        [&] {
          perdure_store *T = openStore(Dir.c_str(), 0);
          auto *A = (uint64_t *)perdure_open(T, "a", 0);
          auto *B = (uint64_t *)perdure_open(T, "b", 0);
          REQUIRE(A && B);
          REQUIRE(!perdure_tx_begin(A));
          set(&A[0], A[0] - 1);
          set(&B[0], B[0] + 1);
          raise(SIGSTOP);
          REQUIRE(!perdure_tx_commit());
          return 0;
        },
        Steps);
    if (!Killed)
      break;
    std::string Copy = Temporary + "/tried", Other = Temporary + "/other";
    std::string Id = readFile(Dir + "/names/a").substr(0, 32);
    copyTree(Dir, Copy);
    unlink((Copy + "/objects/" + Id).c_str());
    perdure_store *T = openStore(Copy.c_str(), 0);
    errno = 0;
    if (!perdure_open(T, "b", 0)) {
      ++Gone;
      EXPECT_EQ(errno, EPROTO);
      EXPECT_NE(strstr(perdure_errormsg(), Id.c_str()), nullptr)
          << perdure_errormsg();
      EXPECT_EQ(perdure_open(T, "b", PERDURE_RDONLY), nullptr);
    }
    perdure_store_close(T);
    std::filesystem::remove_all(Copy);

    copyTree(Dir, Copy);
    T = openStore(Copy.c_str(), 0);
    perdure_store *To = openStore(Other.c_str(), PERDURE_CREATE);
    errno = 0;
    if (perdure_copy(T, "b", To, nullptr, 0) < 0) {
      ++NotCopied;
      EXPECT_EQ(errno, EBUSY) << perdure_errormsg();
    } else {
      auto *B = (uint64_t *)perdure_open(To, "b", 0);
      EXPECT_NE(B, nullptr) << perdure_errormsg();
    }
    perdure_store_close(To);
    // a may go when b does not need it, and then b opens.
    errno = 0;
    if (perdure_remove(T, "a") < 0) {
      ++NotRemoved;
      EXPECT_EQ(errno, EBUSY) << perdure_errormsg();
      EXPECT_NE(perdure_open(T, "b", 0), nullptr) << perdure_errormsg();
      EXPECT_EQ(perdure_remove(T, "a"), 0) << perdure_errormsg();
    }
    perdure_store_close(T);
    std::filesystem::remove_all(Other);
    std::filesystem::remove_all(Copy);
    ASSERT_TRUE(isWhole()) << Steps;
  }
  EXPECT_GT(Gone, 0u);
  EXPECT_GT(NotCopied, 0u);
  EXPECT_GT(NotRemoved, 0u);
}
#endif

} // namespace
