//===- CommitTest.cpp - What is durable on page media, and when -----------===//
//
// Objects on page media that are open with PERDURE_DURABLE, whose files are written
// by commits alone.
//
//===----------------------------------------------------------------------===//

#include "Hooks.h"
#include "Support.h"
#include "tx/format.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <poll.h>
#include <random>
#include <set>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace hooks;

namespace {

class CommitTest : public StoreTest {
protected:
  void SetUp() override {
    if (getenv("PMEM2_FORCE_GRANULARITY"))
      GTEST_SKIP() << "the medium is taken for persistent memory";
    StoreTest::SetUp();
    CommitsSyncParts = true;
  }
  void TearDown() override {
    forgetAll();
    CommitsSyncParts = false;
    if (!Dir.empty())
      StoreTest::TearDown();
  }
  uint64_t *createDurable(const char *Name, size_t Bytes = 4096) {
    return create(Name, Bytes, PERDURE_DURABLE);
  }
  /// Of the lanes that an object's log has.
  static std::vector<perdure::LaneHead *> headsIn(std::string &File) {
    std::vector<perdure::LaneHead *> Heads;
    auto *H = (perdure::Header *)&File[0];
    auto *First = (perdure::LaneHead *)&File[H->Copy[0].LogExtent[0]];
    for (unsigned I = 0; I < perdure::LanesPerExtent; ++I)
      Heads.push_back(First + I);
    return Heads;
  }
  /// What keeps another thread from a read section beside this one's; 0: nothing.
  static int joins(uint64_t *Root) {
    int Result = 0;
    std::thread([&] {
      Result = perdure_lock(Root, PERDURE_RDONLY | PERDURE_NOWAIT) < 0 ? errno : 0;
      if (!Result)
        perdure_unlock(Root);
    }).join();
    return Result;
  }
  void logGrows(bool Joins);
  /// A turn of this process, which shares the object.
  static void changeInTurn(uint64_t *Root, uint64_t Value) {
    ASSERT_GE(perdure_lock(Root, 0), 0) << perdure_errormsg();
    ASSERT_EQ(perdure_tx_begin(Root), 0);
    set(Root, Value);
    ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
    ASSERT_EQ(perdure_unlock(Root), 0) << perdure_errormsg();
  }
};

//===----------------------------------------------------------------------===//
// What is in the file
//===----------------------------------------------------------------------===//

TEST_F(CommitTest, OneSyncEach) {
  uint64_t *R = createDurable("a");
  auto Change = [&](uint64_t I) {
    ASSERT_EQ(perdure_tx_begin(R), 0);
    set(&R[I % 500], I);
    set(&R[(I + 250) % 500], I);
    if (R[500])
      perdure_free(perdure_decode(R[500], &R[500]));
    void *Block = perdure_alloc(R, 100);
    set(&R[500], perdure_encode(Block, &R[500]));
    ASSERT_EQ(perdure_tx_commit(), 0);
  };
  for (uint64_t I = 0; I < 10; ++I) // what the first ones need of the file
    Change(I);
  DataSyncs = RangeSyncs = 0;
  for (uint64_t I = 0; I < 100; ++I)
    Change(I);
  EXPECT_EQ(DataSyncs, 100);
  EXPECT_EQ(RangeSyncs, 0);
  // Nothing is durable before it has to be.
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 1);
  perdure_tx_abort();
  perdure_free(perdure_alloc(R, 10));
  EXPECT_EQ(DataSyncs, 100);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  ASSERT_EQ(perdure_tx_commit(), 0);
  EXPECT_EQ(DataSyncs, 100);
}

TEST_F(CommitTest, WhatIsStoredOutsideTransactions) {
  uint64_t *R = createDurable("a", 1 << 16);
  R[0] = 1;
  R[5000] = 1;
  EXPECT_EQ(afterDeath("a", 1)[0], 0u);
  perdure_persist(&R[0], 8);
  auto Found = afterDeath("a", 5001);
  EXPECT_EQ(Found[0], 1u);
  EXPECT_EQ(Found[5000], 0u);
  perdure_lock(R, 0);
  EXPECT_EQ(perdure_unlock(R), 0) << perdure_errormsg();
  EXPECT_EQ(afterDeath("a", 5001)[5000], 1u);
  // What a transaction has changed is its own until it commits.
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 2);
  set(&R[2], 2);
  R[1] = 2;
  R[3] = 2;
  perdure_persist(&R[0], 32);
  Found = afterDeath("a", 5001);
  EXPECT_EQ(Found[0], 1u);
  EXPECT_EQ(Found[1], 2u);
  EXPECT_EQ(Found[2], 0u);
  EXPECT_EQ(Found[3], 2u);
  perdure_tx_abort();
  EXPECT_EQ(R[0], 1u);
  R[6000] = 7;
  perdure_close(R);
  EXPECT_EQ(afterDeath("a", 6001)[6000], 7u);
  R[6001] = 8;
  closeStore();
  reopenStore();
  R = open("a");
  EXPECT_EQ(R[6001], 8u);
  EXPECT_EQ(R[1], 2u);
}

TEST_F(CommitTest, PersistsTheBytesThatItIsGiven) {
  auto *R = (char *)createDurable("a", 4096);
  for (unsigned Begin = 0; Begin != 16; ++Begin)
    for (unsigned Bytes = 1; Bytes != 20; ++Bytes) {
      char Value = (char)(1 + (Begin * 20 + Bytes) % 100);
      memset(R, 0, 64);
      perdure_persist(R, 64);
      memset(R, Value, 64);
      perdure_persist(R + Begin, Bytes);
      auto Found = afterDeath("a", 8);
      for (unsigned I = 0; I != 64; ++I)
        ASSERT_EQ(((const char *)Found.data())[I],
                  I - Begin < Bytes ? Value : 0)
            << Begin << " " << Bytes << " " << I;
    }
}

// What a block was zeroed by goes with the next commit: what was stored in it since is
// compared with that, and not with what the file had there.
TEST_F(CommitTest, PersistsWhatWasThereBefore) {
  uint64_t *R = createDurable("a");
  auto *Old = (uint64_t *)perdure_alloc(R, 200);
  Old[3] = 5;
  perdure_persist(Old, 200);
  perdure_free(Old);
  auto *New = (uint64_t *)perdure_alloc(R, 200);
  ASSERT_EQ(New, Old);
  New[3] = 5;
  perdure_persist(New, 200);
  size_t At = (size_t)(New - R) + 3;
  EXPECT_EQ(afterDeath("a", At + 1)[At], 5u);
  // The same with a commit of another thread that takes the zeroes, and is not home.
  perdure_free(New);
  ASSERT_EQ(perdure_alloc(R, 200), Old);
  std::atomic<int> Step{0};
  OnDataSync = [&] {
    if (Step)
      return;
    Step = 1;
    while (Step != 2)
      usleep(100);
  };
  std::thread Other([&] {
    ASSERT_EQ(perdure_tx_begin(R), 0);
    set(&R[0], 1);
    ASSERT_EQ(perdure_tx_commit(), 0);
  });
  while (Step != 1)
    usleep(100);
  New[3] = 5;
  std::thread Release([&] {
    usleep(20000);
    Step = 2;
  });
  perdure_persist(New, 200);
  Other.join();
  Release.join();
  OnDataSync = nullptr;
  EXPECT_EQ(afterDeath("a", At + 1)[At], 5u);
}

// The allocator's words are its own to write: what is allocated while pages are
// compared stays allocated in the file.
TEST_F(CommitTest, AllocatedWhilePagesAreCompared) {
  uint64_t *R = createDurable("a");
  auto *First = (uint64_t *)perdure_alloc(R, 100);
  perdure_persist(First, 100);
  // Pages behind it that differ, in pieces that are read one after the other.
  auto *Large = (uint64_t *)perdure_alloc(R, 1 << 18);
  ASSERT_GT((uint64_t)Large, (uint64_t)First);
  perdure_persist(Large, 8);
  for (size_t I = 0; I < (1 << 15); I += 512)
    Large[I] = 1;
  EXPECT_NE(perdure_alloc(R, 100), nullptr); // in the same slab
  struct stat Status;
  ASSERT_EQ(stat(fileOf("a").c_str(), &Status), 0);
  std::set<off_t> Places;
  AfterRead = [&](int File, off_t At) {
    struct stat Mine;
    fstatat(File, "", &Mine, AT_EMPTY_PATH);
    if (Mine.st_ino == Status.st_ino && Places.insert(At).second)
      EXPECT_NE(perdure_alloc(R, 100), nullptr);
  };
  ASSERT_GE(perdure_lock(R, 0), 0);
  ASSERT_EQ(perdure_unlock(R), 0) << perdure_errormsg();
  AfterRead = nullptr;
  ASSERT_GT(Places.size(), 1u);
  set(&R[0], 2);
  perdure_persist(R, 8); // and whatever the allocator has changed
  EXPECT_EQ(blocksAfterDeath("a"), blocksOf(R));
}

// Nor is what another thread's transaction stores while pages are compared.
TEST_F(CommitTest, TransactionWhileALogIsEmptied) {
  constexpr size_t Words = 1 << 18;
  uint64_t *R = createDurable("a", Words * 8);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[Words - 1], 1); // there is a log
  ASSERT_EQ(perdure_tx_commit(), 0);
  for (size_t I = 0; I < Words - 8; ++I) // too much for it
    R[I] = I + 1;
  EXPECT_NE(perdure_alloc(R, 64), nullptr); // which goes through it
  std::atomic<int> Step{0};
  std::thread Other;
  OnDataSync = [&] {
    if (Step)
      return;
    Step = 1;
    Other = std::thread([&] {
      ASSERT_EQ(perdure_tx_begin(R), 0);
      set(&R[Words - 2], 2); // waits for whoever empties the log, or does not
      Step = 2;
      while (Step != 3)
        usleep(100);
      perdure_tx_abort();
    });
    for (int I = 0; I < 300 && Step != 2; ++I)
      usleep(1000);
  };
  ASSERT_GE(perdure_lock(R, 0), 0);
  EXPECT_EQ(perdure_unlock(R), 0) << perdure_errormsg();
  OnDataSync = nullptr;
  EXPECT_EQ(afterDeath("a", Words)[Words - 2], 0u);
  Step = 3;
  if (Other.joinable())
    Other.join();
}

// Much at once does not go through the log.
TEST_F(CommitTest, MuchOutsideTransactions) {
  constexpr size_t Words = 1 << 20;
  uint64_t *R = createDurable("a", Words * 8);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 5); // the log says so
  ASSERT_EQ(perdure_tx_commit(), 0);
  for (size_t I = 0; I < Words; ++I)
    R[I] = I + 1;
  perdure_persist(R, Words * 8);
  auto Found = afterDeath("a", Words);
  EXPECT_EQ(memcmp(Found.data(), R, Words * 8), 0);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  __perdure_tx_log(R, Words * 8);
  for (size_t I = 0; I < Words; ++I)
    R[I] = I + 2;
  ASSERT_EQ(perdure_tx_commit(), 0);
  Found = afterDeath("a", Words);
  EXPECT_EQ(memcmp(Found.data(), R, Words * 8), 0);
}

TEST_F(CommitTest, LogBeginsAnew) {
  uint64_t *R = createDurable("a", 1 << 16);
  struct perdure_stat Stat = {};
  std::mt19937 Random(1);
  uint64_t Before = 0;
  for (unsigned I = 0; I < 6000; ++I) {
    ASSERT_EQ(perdure_tx_begin(R), 0);
    for (int K = 0; K < 8; ++K)
      set(&R[Random() % 8192], Random());
    ASSERT_EQ(perdure_tx_commit(), 0);
    if (I == 4000) {
      ASSERT_EQ(perdure_stat(R, &Stat), 0);
      Before = Stat.file_bytes;
    }
  }
  ASSERT_EQ(perdure_stat(R, &Stat), 0);
  EXPECT_EQ(Stat.file_bytes, Before);
  auto Found = afterDeath("a", 8192);
  EXPECT_EQ(memcmp(Found.data(), R, 8192 * 8), 0);
}

// A file that a process left alone has no log that anybody follows.
TEST_F(CommitTest, ClosedFileHasNoLog) {
  uint64_t *R = createDurable("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, 5);
  ASSERT_EQ(perdure_tx_commit(), 0);
  perdure_id Id = perdure_object_id(R);
  closeStore();
  reopenStore();
  int Found = 0;
  auto Count = [](void *N, const struct perdure_finding *) { ++*(int *)N; };
  EXPECT_EQ(perdure_check(S, Id, 0, Count, &Found), 0);
  EXPECT_EQ(Found, 0);
}

// Another copy of the store has what is committed and nothing else; a copy that
// this process makes, also what it has stored.
TEST_F(CommitTest, Copies) {
  uint64_t *R = createDurable("a");
  R[0] = 1;
  ASSERT_EQ(perdure_copy(S, "a", S, "b", 0), 0) << perdure_errormsg();
  EXPECT_EQ(open("b")[0], 1u);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, 2);
  R[1] = 2;
  ASSERT_EQ(perdure_copy(S, "a", S, "c", 0), 0) << perdure_errormsg();
  perdure_tx_abort();
  EXPECT_EQ(open("c")[0], 1u);
}

// One that is written by commits and one that is not.
TEST_F(CommitTest, MixedCommit) {
  if (isDurable())
    GTEST_SKIP() << "there is none that is not";
  uint64_t *A = create("a"), *B = createDurable("b");
  for (uint64_t I = 1; I <= 4; ++I) {
    ASSERT_EQ(perdure_tx_begin(A), 0);
    set(I % 2 ? A : B, I);
    set(I % 2 ? B : A, I);
    void *Block = perdure_alloc(I % 2 ? A : B, 100);
    EXPECT_EQ(afterDeath("a", 1)[0], (I - 1) / 2 * 2);
    EXPECT_EQ(afterDeath("b", 1)[0], (I - 1) / 2 * 2);
    if (I % 2) {
      perdure_tx_abort();
    } else {
      perdure_free(Block);
      ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
    }
    EXPECT_EQ(A[0], I / 2 * 2);
    EXPECT_EQ(B[0], I / 2 * 2);
    EXPECT_EQ(afterDeath("a", 1)[0], I / 2 * 2);
    EXPECT_EQ(afterDeath("b", 1)[0], I / 2 * 2);
  }
  EXPECT_EQ(blocksOf(A), 1u);
  EXPECT_EQ(blocksOf(B), 1u);
  // The durable one decides, and fails.
  OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
  FailSync = [](int) { return true; };
  ASSERT_EQ(perdure_tx_begin(A), 0);
  set(A, 9);
  set(B, 9);
  EXPECT_EQ(perdure_tx_commit(), -1);
  EXPECT_EQ(errno, EIO) << perdure_errormsg();
  FailSync = nullptr;
  EXPECT_EQ(A[0], 4u);
  reopenStore();
  EXPECT_EQ(open("a")[0], 4u);
  EXPECT_EQ(open("b")[0], 4u);
}

// Another process may be in a section, whose log it is then.
TEST_F(CommitTest, WhoSharesWritesInSections) {
  reopenStore(PERDURE_DURABLE | PERDURE_SHARED);
  uint64_t *R = create("a");
  ASSERT_GE(perdure_lock(R, 0), 0);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, 1);
  ASSERT_EQ(perdure_tx_commit(), 0);
  R[1] = 1;
  ASSERT_EQ(perdure_unlock(R), 0);
  std::string File = fileOf("a"), Before = readFile(File);
  EXPECT_EQ(afterDeath("a", 2), (std::vector<uint64_t>{1, 1}));
  R[2] = 1; // which it must not
  DataSyncs = 0;
  perdure_persist(R, 4096);
  perdure_close(R);
  EXPECT_EQ(DataSyncs, 1);
  EXPECT_EQ(readFile(File), Before);
}

// A log says how a place was before it came to be what it is. Who reads meanwhile, in
// no section, sees none of that again when it is another one's turn.
TEST_F(CommitTest, TurnShowsNothingOld) {
  constexpr size_t Words = 1 << 17, Much = 1 << 14; // which takes a while
  reopenStore(PERDURE_DURABLE | PERDURE_SHARED);
  uint64_t *R = create("a", Words * 8), N = 0;
  auto *Stop = (std::atomic<uint64_t> *)mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE((void *)Stop, MAP_FAILED);
  pid_t Pid = fork();
  if (!Pid) {
    perdure_store_close(S);
    S = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
    R = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
    if (!R)
      _exit(2);
    Stop[1] = 1;
    for (uint64_t Last = 0, Now; !Stop[0]; Last = Now)
      if ((Now = __atomic_load_n(R, __ATOMIC_ACQUIRE)) < Last)
        _exit(1);
    _exit(0);
  }
  while (!Stop[1] && !waitpid(Pid, nullptr, WNOHANG))
    usleep(1000);
  for (int Turn = 0; Turn < 20; ++Turn) {
    ASSERT_GE(perdure_lock(R, 0), 0) << perdure_errormsg();
    for (int I = 0; I < 2; ++I) {
      ASSERT_EQ(perdure_tx_begin(R), 0);
      set(R, ++N);
      ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
      ASSERT_EQ(perdure_tx_begin(R), 0);
      __perdure_tx_log(R + 1, Much * 8);
      std::fill(R + 1, R + 1 + Much, N);
      ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
    }
    ASSERT_EQ(perdure_unlock(R), 0) << perdure_errormsg();
    ((perdure::Header *)baseOf(R))->Turn.LastWriter ^= 1; // another process's
  }
  Stop[0] = 1;
  int Status;
  ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
  EXPECT_EQ(Status, 0);
  munmap(Stop, 4096);
  auto Found = afterDeath("a", Much + 1);
  EXPECT_EQ(Found[0], N);
  EXPECT_EQ(Found[Much], N);
}

// Who dies at the beginning of its turn has cut the log that the last writer knows,
// and has written nothing.
TEST_F(CommitTest, TurnThatEndedAtOnce) {
  reopenStore(PERDURE_DURABLE | PERDURE_SHARED);
  uint64_t *R = create("a");
  changeInTurn(R, 1);
  for (int Syncs = 0; Syncs < 4; ++Syncs) {
    pid_t Pid = fork();
    if (!Pid) {
      perdure_store_close(S);
      S = perdure_store_open(Dir.c_str(), PERDURE_DURABLE | PERDURE_SHARED);
      R = (uint64_t *)perdure_open(S, "a", 0);
      int Left = Syncs;
      OnDataSync = [&] {
        if (!Left--)
          raise(SIGKILL);
      };
      if (!R || perdure_lock(R, 0) < 0)
        _exit(1);
      raise(SIGKILL);
    }
    int Status;
    ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
    ASSERT_TRUE(WIFSIGNALED(Status) && WTERMSIG(Status) == SIGKILL) << Status;
    changeInTurn(R, 10 + (uint64_t)Syncs);
    EXPECT_EQ(afterDeath("a", 1)[0], 10 + (uint64_t)Syncs);
    // What is home already tells nothing of the log.
    std::string File = fileOf("a");
    int Descriptor = ::open(File.c_str(), O_RDWR | O_CLOEXEC);
    uint64_t Wrong = 77;
    off_t At = (off_t)((uint64_t)R - baseOf(R));
    ASSERT_EQ(pwrite(Descriptor, &Wrong, 8, At), 8);
    EXPECT_EQ(afterDeath("a", 1)[0], 10 + (uint64_t)Syncs);
    Wrong = 10 + (uint64_t)Syncs;
    ASSERT_EQ(pwrite(Descriptor, &Wrong, 8, At), 8);
    close(Descriptor);
  }
}

// After a turn whose log could be read only in place, without memory for private pages
// again: the next turn has them, and nothing is in the file before it is committed.
TEST_F(CommitTest, TurnWithoutMemory) {
  if (PERDURE_SANITIZED)
    GTEST_SKIP() << "the sanitizer needs memory itself";
  reopenStore(PERDURE_DURABLE | PERDURE_SHARED);
  uint64_t *R = create("a");
  changeInTurn(R, 1);
  ((perdure::Header *)baseOf(R))->Turn.LastWriter ^= 1; // another process's
  struct rlimit Limit, None;
  ASSERT_EQ(getrlimit(RLIMIT_DATA, &Limit), 0);
  None = Limit;
  None.rlim_cur = 1 << 20;
  ASSERT_EQ(setrlimit(RLIMIT_DATA, &None), 0);
  int Locked = perdure_lock(R, 0), Error = errno;
  ASSERT_EQ(setrlimit(RLIMIT_DATA, &Limit), 0);
  ASSERT_EQ(Locked, -1);
  EXPECT_EQ(Error, ENOMEM) << perdure_errormsg();
  changeInTurn(R, 2);
  ASSERT_GE(perdure_lock(R, 0), 0) << perdure_errormsg();
  R[0] = 3;
  EXPECT_EQ(afterDeath("a", 1)[0], 2u);
  ASSERT_EQ(perdure_unlock(R), 0) << perdure_errormsg();
}

// Recovery looks at all of a log before it does anything, and syncs. What somebody puts
// there meanwhile, with a checksum that fits, is looked at as well.
TEST_F(CommitTest, LogThatChangesInRecovery) {
  uint64_t *R = createDurable("a");
  std::string Copy = Temporary + "/copy", File = fileOf("a");
  File = Copy + File.substr(Dir.size());
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 1);
  set(&R[1], 2);
  OnDataSync = [&] {
    std::filesystem::remove_all(Copy);
    copyTree(Dir, Copy);
  };
  ASSERT_EQ(perdure_tx_commit(), 0);
  OnDataSync = nullptr;
  closeStore();

  std::string Before;
  OnDataSync = [&] {
    if (!Before.empty())
      return;
    Before = readFile(File);
    std::string Bytes = Before;
    auto *H = (perdure::Header *)&Bytes[0];
    auto *Lane = (perdure::LaneHead *)&Bytes[H->Copy[0].LogExtent[0]];
    uint64_t Seed[] = {0, Lane->Generation, Lane->First}, Changed = 0;
    uint64_t Chain = XXH3_64bits(Seed, sizeof(Seed));
    auto *Record = (perdure::LogRecord *)&Bytes[perdure::chunkOffset(Lane->First)];
    for (; Record->Checksum;
         Record = (perdure::LogRecord *)((char *)Record + Record->room())) {
      if (Record->kind() == perdure::RecordKind::Redo) {
        Record->Word = perdure::LogRecord::makeWord(
            perdure::RecordKind::Redo, Changed++ * 8, Record->bytes());
      }
      Chain = XXH3_64bits_withSeed(&Record->Word, 16 + Record->bytes(), Chain);
      Record->Checksum = Chain;
    }
    EXPECT_EQ(Changed, 1u); // both words lie side by side
    writeFile(File, Bytes);
  };
  perdure_store *T = perdure_store_open(Copy.c_str(), 0);
  EXPECT_EQ(perdure_open(T, "a", 0), nullptr);
  EXPECT_EQ(errno, EPROTO);
  EXPECT_NE(std::string(perdure_errormsg()).find("while it was read"),
            std::string::npos)
      << perdure_errormsg();
  OnDataSync = nullptr;
  ASSERT_FALSE(Before.empty());
  EXPECT_TRUE(!readFile(File).compare(0, sizeof(perdure::Header), Before, 0,
                                      sizeof(perdure::Header)));
  perdure_store_close(T);
}

// A process dies when its log has just begun anew, which is on the medium only with the
// next sync. The log before, which power may bring back until then, is not written
// over by whoever comes next.
TEST_F(CommitTest, DeathWhileALogBeginsAnew) {
  struct Told {
    uint64_t Done, Head, Generation, First;
  };
  void *Memory = mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(Memory, MAP_FAILED);
  auto &Child = *(Told *)Memory;
  createDurable("a");
  closeStore();
  pid_t Pid = fork();
  if (!Pid) {
    S = perdure_store_open(Dir.c_str(), PERDURE_DURABLE);
    auto *R = S ? (uint64_t *)perdure_open(S, "a", 0) : nullptr;
    for (uint64_t I = 1; R && I < 100000; ++I) {
      if (perdure_tx_begin(R))
        break;
      set(&R[I % 64], I);
      if (perdure_tx_commit())
        break;
      Child.Done = I;
      if (I > 1)
        continue;
      auto *H = (perdure::Header *)baseOf(R);
      Child.Head = H->Copy[0].LogExtent[0];
      auto *Lane = (perdure::LaneHead *)(baseOf(R) + Child.Head);
      Child.Generation = Lane->Generation;
      Child.First = Lane->First;
      BeforeWrite = [=](int) {
        if (Lane->Generation != Child.Generation)
          raise(SIGKILL);
      };
    }
    _exit(1);
  }
  int Status;
  ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
  ASSERT_TRUE(WIFSIGNALED(Status) && WTERMSIG(Status) == SIGKILL) << Status;
  ASSERT_GT(Child.Done, 1000u);

  std::string File = fileOf("a"), Medium = readFile(File), Written;
  auto *Head = (perdure::LaneHead *)&Medium[Child.Head];
  ASSERT_EQ(Head->Generation, Child.Generation + 1);
  Head->Generation = Child.Generation;
  Head->First = Child.First;
  S = perdure_store_open(Dir.c_str(), PERDURE_DURABLE);
  uint64_t *R = open("a");
  OnDataSync = [&] {
    if (Written.empty())
      Written = readFile(File);
  };
  ASSERT_EQ(perdure_tx_begin(R), 0);
  __perdure_tx_log(&R[64], 200 * 8);
  for (size_t I = 64; I < 264; ++I)
    R[I] = I;
  ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
  OnDataSync = nullptr;
  closeStore();

  // All that was written has reached the medium, but for two sectors of 512 bytes.
  ASSERT_GE(Written.size(), Medium.size());
  for (uint64_t At : {Child.Head, perdure::chunkOffset(Child.First)})
    Written.replace(At, 512, Medium, At, 512);
  writeFile(File, Written);
  reopenStore();
  R = open("a");
  for (uint64_t I = Child.Done; I + 64 > Child.Done; --I)
    EXPECT_EQ(R[I % 64], I);
  munmap(Memory, sizeof(Told));
}

// Of two commits that one sync was to write, the power lost the beginning of the first
// and nothing else. Whoever makes the same first commit again does not make the second
// hold: it was gone when the object was opened.
TEST_F(CommitTest, CommitsBehindALostOneStayLost) {
  auto First = [](uint64_t *R) {
    ASSERT_EQ(perdure_tx_begin(R), 0);
    __perdure_tx_log(R, 1600);
    for (uint64_t I = 0; I < 200; ++I)
      R[I] = I + 1;
    ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
  };
  uint64_t *R = createDurable("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[400], 1); // so that there is a log
  ASSERT_EQ(perdure_tx_commit(), 0);
  closeStore();
  std::string Path = fileOf("a"), Medium = readFile(Path), Written;
  S = perdure_store_open(Dir.c_str(), PERDURE_DURABLE);
  R = open("a");
  First(R);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[300], 7);
  ASSERT_EQ(perdure_tx_commit(), 0);
  Written = readFile(Path);
  auto *H = (perdure::Header *)baseOf(R);
  uint64_t HeadAt = H->Copy[0].LogExtent[0];
  uint64_t At = perdure::chunkOffset(
      ((perdure::LaneHead *)(baseOf(R) + HeadAt))->First);
  closeStore();
  ASSERT_GE(Medium.size(), At + 4096);
  Medium.replace(HeadAt, 512, Written, HeadAt, 512);
  Medium.replace(At + 512, 4096 - 512, Written, At + 512, 4096 - 512);
  writeFile(Path, Medium);

  S = perdure_store_open(Dir.c_str(), PERDURE_DURABLE);
  R = open("a");
  ASSERT_EQ(R[0], 0u);
  ASSERT_EQ(R[300], 0u);
  First(R);
  auto Found = afterDeath("a", 401);
  EXPECT_EQ(Found[199], 200u);
  EXPECT_EQ(Found[300], 0u) << "the commit that was lost has come back";
  EXPECT_EQ(Found[400], 1u);
}

// Who has read what a dead process left has it recovered for himself alone. When he then
// asks to write, it is recovered in the file, with the syncs that this takes.
TEST_F(CommitTest, RecoveredAgainByWhoWillWrite) {
  std::string Copy = Temporary + "/left";
  uint64_t *R = createDurable("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 7);
  ASSERT_EQ(perdure_tx_commit(), 0);
  copyTree(Dir, Copy); // as it is when the process is killed
  std::string Again = Copy + "2";
  copyTree(Copy, Again);
  int Syncs[2];
  for (bool Reads : {false, true}) {
    perdure_store *T =
        perdure_store_open((Reads ? Copy : Again).c_str(), PERDURE_DURABLE);
    if (Reads) {
      auto *Seen = (uint64_t *)perdure_open(T, "a", PERDURE_RDONLY);
      ASSERT_NE(Seen, nullptr) << perdure_errormsg();
      EXPECT_EQ(Seen[0], 7u);
    }
    DataSyncs = 0;
    auto *Root = (uint64_t *)perdure_open(T, "a", PERDURE_DURABLE);
    ASSERT_NE(Root, nullptr) << perdure_errormsg();
    Syncs[Reads] = DataSyncs;
    EXPECT_EQ(Root[0], 7u);
    perdure_store_close(T);
  }
  EXPECT_GE(Syncs[0], 3);
  EXPECT_EQ(Syncs[1], Syncs[0]);
}

// When asking to write fails, who reads goes on with what was recovered for him.
TEST_F(CommitTest, ReadsOnWhatWasRecovered) {
  uint64_t *R = createDurable("a");
  std::string Copy = Temporary + "/left";
  std::string File = Copy + fileOf("a").substr(Dir.size());
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 7);
  ASSERT_EQ(perdure_tx_commit(), 0);
  copyTree(Dir, Copy);
  // Where it is not home.
  int Descriptor = ::open(File.c_str(), O_RDWR | O_CLOEXEC);
  uint64_t None = 0;
  off_t At = (off_t)((uint64_t)R - baseOf(R));
  ASSERT_EQ(pwrite(Descriptor, &None, 8, At), 8);
  OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
  for (int Fails = 0; Fails <= 3; ++Fails) {
    perdure_store *T = perdure_store_open(Copy.c_str(), PERDURE_DURABLE);
    auto *Seen = (uint64_t *)perdure_open(T, "a", PERDURE_RDONLY);
    ASSERT_NE(Seen, nullptr) << perdure_errormsg();
    ASSERT_EQ(Seen[0], 7u);
    int Left = Fails;
    FailSync = [&](int) { return Fails < 3 && !Left--; };
    errno = 0;
    void *Opened = perdure_open(T, "a", PERDURE_DURABLE);
    EXPECT_EQ(Opened, Fails < 3 ? nullptr : Seen) << perdure_errormsg();
    EXPECT_EQ(Seen[0], 7u);
    if (Fails < 3) {
      EXPECT_EQ(errno, EIO) << perdure_errormsg();
      // What is in the file is not what he sees, until the last sync: then the log is
      // cut.
      ASSERT_TRUE(Fails == 2 || pwrite(Descriptor, &None, 8, At) == 8);
      EXPECT_EQ(Seen[0], 7u);
      // A second sync would not be told of what the first one was.
      FailSync = nullptr;
      EXPECT_EQ(perdure_open(T, "a", PERDURE_DURABLE), nullptr);
      EXPECT_EQ(errno, EIO) << perdure_errormsg();
      EXPECT_EQ(Seen[0], 7u);
    }
    FailSync = nullptr;
    perdure_store_close(T);
  }
  close(Descriptor);
}

// The log is done again in parts that end where a multiple of 64 MiB is in the file, and
// are no larger than 64 MiB of what is changed: here they end at 128 MiB, where a record
// lies on both sides, and at 192 MiB, where zeroes do.
TEST_F(CommitTest, RedoneInParts) {
  constexpr uint64_t Edge = 128 << 20, Bytes = 70 << 20;
  uint64_t *R = createDurable("a", 130 << 20);
  void *Used = perdure_alloc(R, Bytes);
  ASSERT_NE(Used, nullptr) << perdure_errormsg();
  memset(Used, 'x', Bytes);
  perdure_persist(Used, Bytes);
  perdure_free(Used);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  auto *Zeroes = (uint64_t *)perdure_alloc(R, Bytes);
  ASSERT_EQ(Zeroes, Used);
  set(&R[1], perdure_encode(Zeroes, &R[1]));
  uint64_t At = perdure_offset(R), ZeroesAt = perdure_offset(Zeroes);
  ASSERT_TRUE(ZeroesAt > Edge && ZeroesAt < Edge + (3 << 20)) << ZeroesAt;
  for (size_t Page = 1; Page <= 1024; ++Page) // 4 MiB before the edge
    set(&R[Page * 512], Page);
  const size_t First = (Edge - At) / 8 - 4095, End = First + 8190;
  __perdure_tx_log(&R[First], (End - First) * 8);
  for (size_t I = First; I < End; ++I)
    R[I] = I * 3 + 1;
  ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();

  // As it is when the process is killed, and nothing of it is home.
  std::string Copy = Temporary + "/left", File = fileOf("a");
  copyTree(Dir, Copy);
  closeStore();
  int Left = ::open((Copy + File.substr(Dir.size())).c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(Left, 0);
  std::string Bad(1 << 20, 'y');
  for (uint64_t I = 0; I < Bytes; I += Bad.size())
    ASSERT_EQ(pwrite(Left, Bad.data(), Bad.size(), (off_t)(ZeroesAt + I)),
              (ssize_t)Bad.size());
  ASSERT_EQ(pwrite(Left, Bad.data(), (End - First) * 8, (off_t)(At + First * 8)),
            (ssize_t)((End - First) * 8));
  for (size_t Page = 1; Page <= 1024; ++Page)
    ASSERT_EQ(pwrite(Left, Bad.data(), 8, (off_t)(At + Page * 4096)), 8);
  close(Left);
  perdure_store *T = perdure_store_open(Copy.c_str(), PERDURE_DURABLE);
  R = (uint64_t *)perdure_open(T, "a", 0);
  ASSERT_NE(R, nullptr) << perdure_errormsg();
  size_t Wrong = 0;
  for (size_t Page = 1; Page <= 1024; ++Page)
    Wrong += R[Page * 512] != Page;
  for (size_t I = First; I < End; ++I)
    Wrong += R[I] != I * 3 + 1;
  auto *Found = (uint64_t *)perdure_decode(R[1], &R[1]);
  for (size_t I = 0; I < Bytes / 8; ++I)
    Wrong += Found[I] != 0;
  EXPECT_EQ(Wrong, 0u);
  perdure_store_close(T);
}

// Home, the log says, is what the kernel had when a commit was written to its place.
// After a power failure the medium may have that word, and not what it speaks of; and so
// may a copy of the medium.
TEST_F(CommitTest, NotHomeAfterAllHaveGone) {
  reopenStore(PERDURE_DURABLE | PERDURE_SHARED);
  uint64_t *R = create("a");
  changeInTurn(R, 1);
  changeInTurn(R, 2);
  off_t At = (off_t)((uint64_t)R - baseOf(R));
  std::string Copy = Temporary + "/left", File = fileOf("a");
  copyTree(Dir, Copy);
  File = Copy + File.substr(Dir.size());
  std::string Medium = readFile(File);
  memset(&Medium[(size_t)At], 0, 8);
  std::vector<perdure::LaneHead *> Home;
  for (auto *Head : headsIn(Medium))
    if (Head->Homed)
      Home.push_back(Head);
  ASSERT_EQ(Home.size(), 1u);
  closeStore();
  // Who has it open to share, and has had no turn, beside another who has not; and who
  // reads beside both.
  auto Reads = [&](uint64_t Value, bool Holds, bool Beside) {
    writeFile(File, Medium);
    pid_t Pid = fork();
    if (!Pid) {
      int Pipe[2], Go[2], Status;
      bool Ok = !pipe(Pipe) && !pipe(Go);
      char Byte;
      pid_t Reader = Beside ? fork() : -1; // before this one has it open
      if (!Reader) {
        Ok = read(Go[0], &Byte, 1) == 1;
        perdure_store *T = perdure_store_open(Copy.c_str(), PERDURE_RDONLY);
        auto *Root = (uint64_t *)perdure_open(T, "a", PERDURE_RDONLY);
        _exit(!(Ok && Root && perdure_lock(Root, PERDURE_RDONLY) >= 0 &&
                *Root == Value));
      }
      pid_t Holder = Holds ? fork() : -1;
      perdure_store *T =
          perdure_store_open(Copy.c_str(), PERDURE_DURABLE | PERDURE_SHARED);
      auto *Root = (uint64_t *)perdure_open(T, "a", 0);
      if (!Holder) {
        Ok = write(Pipe[1], "", Root != nullptr) == 1;
        pause();
      }
      Ok = Ok && Root && (!Holds || read(Pipe[0], &Byte, 1) == 1);
      if (Beside)
        Ok = Ok && write(Go[1], "", 1) == 1 &&
             waitpid(Reader, &Status, 0) == Reader && !Status;
      Ok = Ok && perdure_lock(Root, PERDURE_RDONLY) >= 0 && *Root == Value;
      if (Holds) {
        kill(Holder, SIGKILL);
        waitpid(Holder, &Status, 0);
      }
      _exit(!Ok);
    }
    int Status;
    return waitpid(Pid, &Status, 0) == Pid && !Status;
  };
  EXPECT_TRUE(Reads(2, true, false));
  EXPECT_TRUE(Reads(2, true, true));
  EXPECT_TRUE(Reads(2, false, false));
}

// Nor whether the kernel still has what was written to its place, once a sync has failed.
TEST_F(CommitTest, NotHomeAfterFailedSync) {
  uint64_t *R = createDurable("a");
  for (uint64_t I = 1; I < 3; ++I) {
    ASSERT_EQ(perdure_tx_begin(R), 0);
    set(&R[0], I);
    FailSync = [&](int) { return I == 2; };
    ASSERT_EQ(perdure_tx_commit(), I == 2 ? -1 : 0);
    bool Homed = false;
    std::string File = readFile(fileOf("a"));
    for (auto *Head : headsIn(File))
      Homed = Homed || Head->Homed;
    EXPECT_EQ(Homed, I == 1);
  }
}

// Threads that read join those that do. What they see stays as it was when the first one
// came, though the process has recovered it for itself: to do that again would show the
// file meanwhile.
TEST_F(CommitTest, JoinsThoseThatRead) {
  uint64_t *R = createDurable("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 7);
  ASSERT_EQ(perdure_tx_commit(), 0);
  std::string Copy = Temporary + "/left", File = fileOf("a");
  copyTree(Dir, Copy);
  File = Copy + File.substr(Dir.size());
  uint64_t At = (uint64_t)R - baseOf(R);
  int Descriptor = ::open(File.c_str(), O_RDWR | O_CLOEXEC);
  uint64_t Raw = 0;
  ASSERT_EQ(pwrite(Descriptor, &Raw, 8, (off_t)At), 8); // it is not home
  perdure_store *T = perdure_store_open(Copy.c_str(), PERDURE_RDONLY);
  auto *Seen = (uint64_t *)perdure_open(T, "a", PERDURE_RDONLY);
  ASSERT_NE(Seen, nullptr) << perdure_errormsg();
  ASSERT_GE(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
  ASSERT_EQ(Seen[0], 7u);
  // Whoever looks at the file again does not find the commit in its log.
  std::string Bytes = readFile(File);
  for (auto *Head : headsIn(Bytes))
    if (Head->First)
      ASSERT_EQ(pwrite(Descriptor, &Raw, 8, (off_t)perdure::chunkOffset(Head->First)), 8);
  close(Descriptor);
  std::thread([&] {
    EXPECT_GE(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
    EXPECT_EQ(Seen[0], 7u);
    EXPECT_EQ(perdure_unlock(Seen), 0);
  }).join();
  EXPECT_EQ(Seen[0], 7u);
  EXPECT_EQ(perdure_unlock(Seen), 0);
  ASSERT_GE(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
  EXPECT_EQ(Seen[0], 0u) << "the first one looks";
  EXPECT_EQ(perdure_unlock(Seen), 0);
  perdure_store_close(T);
}

// But not once an only writer, who uses no sections, has died while they read.
TEST_F(CommitTest, JoinsNobodyAfterAnOnlyWriter) {
  uint64_t *R = create("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 1);
  ASSERT_EQ(perdure_tx_commit(), 0);
  closeStore();
  int Pipe[2];
  ASSERT_EQ(pipe(Pipe), 0);
  pid_t Pid = fork();
  if (!Pid) {
    perdure_store *T = perdure_store_open(Dir.c_str(), 0);
    auto *Root = (uint64_t *)perdure_open(T, "a", 0);
    if (!Root || perdure_tx_begin(Root))
      _exit(1);
    set(&Root[0], 2);
    if (write(Pipe[1], "", 1) == 1)
      pause();
    _exit(1);
  }
  char Byte;
  ASSERT_EQ(read(Pipe[0], &Byte, 1), 1);
  close(Pipe[0]);
  close(Pipe[1]);
  S = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
  auto *Seen = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  ASSERT_NE(Seen, nullptr) << perdure_errormsg();
  ASSERT_GE(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
  EXPECT_EQ(joins(Seen), 0) << "while he is there";
  kill(Pid, SIGKILL);
  int Status;
  ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
  ASSERT_EQ(WTERMSIG(Status), SIGKILL);
  EXPECT_EQ(joins(Seen), EBUSY);
  std::thread Waits([&] {
    EXPECT_GE(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
    EXPECT_EQ(Seen[0], 1u);
    EXPECT_EQ(perdure_unlock(Seen), 0);
  });
  usleep(3000);
  EXPECT_EQ(perdure_unlock(Seen), 0);
  Waits.join();
}

// Nor those that have recovered for themselves, once an only writer has done so in the
// file, has changed it, and has gone: what is their own is of before, and the rest is not.
TEST_F(CommitTest, JoinsNobodyWhoHasRecoveredAnother) {
  constexpr size_t Other = 3 << 9; // three pages on
  uint64_t *R = create("a", 1 << 15);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 1);
  set(&R[Other], 1);
  ASSERT_EQ(perdure_tx_commit(), 0);
  closeStore();
  int Go[2], Status;
  ASSERT_EQ(pipe(Go), 0);
  auto Change = [&](bool Dies) {
    pid_t Pid = fork();
    if (!Pid) {
      char Byte;
      if (!Dies && read(Go[0], &Byte, 1) != 1)
        _exit(1);
      perdure_store *T = perdure_store_open(Dir.c_str(), 0);
      auto *Root = (uint64_t *)perdure_open(T, "a", 0);
      if (!Root || perdure_tx_begin(Root))
        _exit(1);
      set(&Root[0], 2);
      if (Dies)
        kill(getpid(), SIGKILL);
      set(&Root[Other], 2);
      int Result = perdure_tx_commit();
      perdure_store_close(T);
      _exit(Result);
    }
    return Pid;
  };
  pid_t Lives = Change(false), Dies = Change(true);
  ASSERT_EQ(waitpid(Dies, &Status, 0), Dies);
  ASSERT_EQ(WTERMSIG(Status), SIGKILL);
  S = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
  auto *Seen = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  ASSERT_NE(Seen, nullptr) << perdure_errormsg();
  ASSERT_GE(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
  EXPECT_EQ(joins(Seen), 0);
  ASSERT_EQ(write(Go[1], "", 1), 1);
  ASSERT_EQ(waitpid(Lives, &Status, 0), Lives);
  EXPECT_EQ(Status, 0);
  close(Go[0]);
  close(Go[1]);
  EXPECT_EQ(joins(Seen), EBUSY);
  // Threads that wait meanwhile go on together when the reader has left.
  std::vector<std::thread> Wait;
  for (int I = 0; I < 8; ++I)
    Wait.emplace_back([&] {
      EXPECT_GE(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
      EXPECT_EQ(Seen[0], 2u);
      EXPECT_EQ(Seen[Other], 2u);
      EXPECT_EQ(perdure_unlock(Seen), 0);
    });
  usleep(3000);
  EXPECT_EQ(perdure_unlock(Seen), 0);
  for (std::thread &Each : Wait)
    Each.join();
}

// Who reads waits for an only writer who recovers what another one left: to look, and to
// open it.
TEST_F(CommitTest, WaitsWhileItIsRecovered) {
  uint64_t *R = create("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 1);
  ASSERT_EQ(perdure_tx_commit(), 0);
  closeStore();
  // Each does its work when it is told to, and says when it is there.
  int Tell[3][2], Said[3][2];
  pid_t Pids[3];
  char Byte;
  auto say = [](int Pipe[2]) { EXPECT_EQ(write(Pipe[1], "", 1), 1); };
  auto wait = [&](int Pipe[2]) { EXPECT_EQ(read(Pipe[0], &Byte, 1), 1); };
  auto start = [&](int K, auto Body) {
    ASSERT_EQ(pipe(Tell[K]) | pipe(Said[K]), 0);
    Pids[K] = fork();
    if (Pids[K])
      return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    wait(Tell[K]);
    Body();
    _exit(HasFailure());
  };
  enum { Dies, Recovers, Opens };
  start(Dies, [&] {
    S = perdure_store_open(Dir.c_str(), 0);
    R = open("a");
    ASSERT_EQ(perdure_tx_begin(R), 0);
    set(&R[0], 2);
    say(Said[Dies]);
    pause();
  });
  start(Recovers, [&] {
    struct stat File, Synced;
    ASSERT_EQ(stat(fileOf("a").c_str(), &File), 0);
    bool Once = false;
    SyncInstead = [&](int Descriptor) {
      EXPECT_EQ(fstat(Descriptor, &Synced), 0);
      if (Synced.st_ino == File.st_ino && !Once) {
        Once = true;
        say(Said[Recovers]);
        wait(Tell[Recovers]);
      }
      return false;
    };
    S = perdure_store_open(Dir.c_str(), 0);
    R = open("a");
    ASSERT_EQ(perdure_tx_begin(R), 0);
    set(&R[0], 3);
    ASSERT_EQ(perdure_tx_commit(), 0);
    say(Said[Recovers]);
    wait(Tell[Recovers]);
    SyncInstead = nullptr;
  });
  start(Opens, [&] {
    S = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
    R = open("a", PERDURE_RDONLY);
    EXPECT_NE(R[0], 2u);
    say(Said[Opens]);
  });
  std::string File = fileOf("a");
  say(Tell[Dies]);
  wait(Said[Dies]);
  S = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
  auto *Seen = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  ASSERT_NE(Seen, nullptr) << perdure_errormsg();
  int Status;
  kill(Pids[Dies], SIGKILL);
  ASSERT_EQ(waitpid(Pids[Dies], &Status, 0), Pids[Dies]);
  say(Tell[Recovers]);
  wait(Said[Recovers]);
  EXPECT_EQ(perdure_lock(Seen, PERDURE_RDONLY | PERDURE_NOWAIT), -1);
  EXPECT_EQ(errno, EBUSY) << perdure_errormsg();
  EXPECT_NE(strstr(perdure_errormsg(), "recovers it"), nullptr) << perdure_errormsg();
  say(Tell[Opens]);
  struct pollfd Poll = {Said[Opens][0], POLLIN, 0};
  EXPECT_EQ(poll(&Poll, 1, 200), 0) << "opened while it was recovered";
  std::thread Waits([&] {
    EXPECT_EQ(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
    EXPECT_NE(Seen[0], 2u);
    EXPECT_EQ(perdure_unlock(Seen), 0);
  });
  say(Tell[Recovers]);
  Waits.join();
  wait(Said[Opens]);
  wait(Said[Recovers]);
  EXPECT_EQ(Seen[0], 3u);
  say(Tell[Recovers]);
  for (int K : {Recovers, Opens}) {
    ASSERT_EQ(waitpid(Pids[K], &Status, 0), Pids[K]);
    EXPECT_EQ(Status, 0);
  }
  for (auto &Pipes : {Tell, Said})
    for (int K = 0; K < 3; ++K) {
      close(Pipes[K][0]);
      close(Pipes[K][1]);
    }
}

// A copy has the turn of its source, and its log, and is another object: a process that
// had that turn looks at the log of the copy all the same.
TEST_F(CommitTest, CopyIsNoOwnTurn) {
  reopenStore(PERDURE_DURABLE | PERDURE_SHARED);
  changeInTurn(create("a"), 1);
  ASSERT_EQ(perdure_copy(S, "a", S, "b", 0), 0) << perdure_errormsg();
  changeInTurn(open("b"), 2);
  closeStore();
  reopenStore(PERDURE_RDONLY);
  EXPECT_EQ(open("b", PERDURE_RDONLY)[0], 2u);
}

// Who has closed an object and opens it again: others may have been there meanwhile who
// take no turns, and have died.
TEST_F(CommitTest, OpenedAgainIsNoOwnTurn) {
  for (unsigned Flags : {0u, unsigned(PERDURE_DURABLE)}) {
    closeStore();
    reopenStore(Flags | PERDURE_SHARED);
    std::string Name = Flags ? "durable" : "a";
    changeInTurn(create(Name.c_str()), 1);
    closeStore();
    pid_t Pid = fork();
    if (!Pid) {
      perdure_store *T = perdure_store_open(Dir.c_str(), 0);
      auto *Root = (uint64_t *)perdure_open(T, Name.c_str(), 0);
      if (!Root || perdure_tx_begin(Root))
        _exit(1);
      set(&Root[0], 2);
      kill(getpid(), SIGKILL);
    }
    int Status;
    ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
    ASSERT_EQ(WTERMSIG(Status), SIGKILL);
    reopenStore(Flags | PERDURE_SHARED);
    uint64_t *R = open(Name.c_str());
    ASSERT_GE(perdure_lock(R, PERDURE_RDONLY), 0) << perdure_errormsg();
    EXPECT_EQ(R[0], 1u);
    ASSERT_EQ(perdure_unlock(R), 0);
    changeInTurn(R, 3);
    closeStore();
    reopenStore(PERDURE_RDONLY);
    EXPECT_EQ(open(Name.c_str(), PERDURE_RDONLY)[0], 3u);
  }
}

// An only writer makes the log longer and dies, while somebody who reads looks: what was
// known of the file before he was asked for is not enough.
void CommitTest::logGrows(bool Joins) {
  constexpr size_t Words = 1 << 17;
  uint64_t *R = create("a", Words * 8);
  closeStore();
  int Begun[2], Go[2];
  ASSERT_EQ(pipe(Begun) | pipe(Go), 0);
  pid_t Pid = fork();
  char Byte;
  if (!Pid) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    S = perdure_store_open(Dir.c_str(), 0);
    R = open("a");
    bool Ok = write(Begun[1], "", 1) == 1 && read(Go[0], &Byte, 1) == 1 &&
              !perdure_tx_begin(R);
    __perdure_tx_log(R, Words * 8);
    for (size_t I = 0; Ok && I < Words; ++I)
      R[I] = 1;
    Ok = Ok && write(Begun[1], "", 1) == 1;
    pause();
    _exit(Ok);
  }
  ASSERT_EQ(read(Begun[0], &Byte, 1), 1);
  S = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
  auto *Seen = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  ASSERT_NE(Seen, nullptr) << perdure_errormsg();
  struct stat File;
  ASSERT_EQ(stat(fileOf("a").c_str(), &File), 0);
  bool Died = false;
  if (Joins)
    ASSERT_EQ(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
  OnStat = [&](const struct stat &Status) {
    if (Died || Status.st_ino != File.st_ino)
      return;
    Died = true;
    int Ended;
    EXPECT_EQ(write(Go[1], "", 1), 1);
    EXPECT_EQ(read(Begun[0], &Byte, 1), 1);
    kill(Pid, SIGKILL);
    EXPECT_EQ(waitpid(Pid, &Ended, 0), Pid);
  };
  if (Joins) { // others would not see what this one sees
    EXPECT_EQ(joins(Seen), EBUSY);
    ASSERT_EQ(perdure_unlock(Seen), 0);
  }
  ASSERT_GE(perdure_lock(Seen, PERDURE_RDONLY), 0) << perdure_errormsg();
  EXPECT_TRUE(Died);
  size_t Wrong = 0;
  for (size_t I = 0; I < Words; ++I)
    Wrong += Seen[I] != 0;
  EXPECT_EQ(Wrong, 0u);
  EXPECT_EQ(perdure_unlock(Seen), 0);
  for (int *Pipe : {Begun, Go}) {
    close(Pipe[0]);
    close(Pipe[1]);
  }
}

TEST_F(CommitTest, LogThatHasGrownSince) { logGrows(/*Joins=*/false); }
TEST_F(CommitTest, LogThatHasGrownSinceWhileOthersRead) { logGrows(/*Joins=*/true); }

// Whoever asks for it later: what was stored before is there, and what comes then is
// written by commits.
TEST_F(CommitTest, DurableLater) {
  uint64_t *R = create("a");
  if (getenv("PERDURE_TEST_DURABLE"))
    GTEST_SKIP() << "it is from the beginning";
  R[0] = 1;
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[1], 1);
  errno = 0;
  EXPECT_EQ(perdure_open(S, "a", PERDURE_DURABLE), nullptr);
  EXPECT_EQ(errno, EBUSY) << perdure_errormsg();
  ASSERT_EQ(perdure_tx_commit(), 0);
  EXPECT_EQ(open("a", PERDURE_DURABLE), R);
  R[2] = 1;
  EXPECT_EQ(afterDeath("a", 3), (std::vector<uint64_t>{1, 1, 0}));
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[1], 2);
  EXPECT_NE(perdure_alloc(R, 100), nullptr);
  EXPECT_EQ(afterDeath("a", 3), (std::vector<uint64_t>{1, 1, 0}));
  ASSERT_EQ(perdure_tx_commit(), 0);
  EXPECT_EQ(afterDeath("a", 3), (std::vector<uint64_t>{1, 2, 0}));
}

TEST_F(CommitTest, ForkedChildSeesWhatWasThere) {
  uint64_t *R = createDurable("a");
  R[0] = 1;
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[1], 1);
  ASSERT_EQ(perdure_tx_commit(), 0);
  pid_t Pid = fork();
  if (!Pid) {
    // Until it looks at the file.
    bool Ok = R[0] == 1 && R[1] == 1;
    Ok = Ok && perdure_lock(R, PERDURE_RDONLY) >= 0 && R[0] == 0 && R[1] == 1;
    _exit(!Ok);
  }
  int Status;
  ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
  EXPECT_EQ(Status, 0);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[1], 2);
  EXPECT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
}

//===----------------------------------------------------------------------===//
// Several threads
//===----------------------------------------------------------------------===//

// Threads that commit while another one syncs share the next sync.
TEST_F(CommitTest, GroupCommit) {
  constexpr unsigned Threads = 6;
  uint64_t *R = createDurable("a", Threads * 4096);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, 1);
  ASSERT_EQ(perdure_tx_commit(), 0);
  std::atomic<pid_t> Ids[Threads] = {};
  std::atomic<bool> First{true};
  OnDataSync = [&] {
    if (!First.exchange(false))
      return;
    // The others come while this one is at it. They wait for its sync, which is not
    // theirs: when all of them sleep, nothing else can be what they wait for.
    auto AllWait = [&] {
      return std::all_of(std::begin(Ids), std::end(Ids), [](pid_t Id) {
        return Id && (Id == gettid() || sleeps(Id));
      });
    };
    for (int Times = 0; Times < 3; Times = AllWait() ? Times + 1 : 0)
      usleep(100);
  };
  DataSyncs = 0;
  std::vector<std::thread> Running;
  for (unsigned N = 0; N < Threads; ++N)
    Running.emplace_back([&, N] {
      perdure_tx_begin(R);
      set(&R[N * 512], N + 7);
      Ids[N] = gettid();
      if (perdure_tx_commit())
        abort();
    });
  for (std::thread &T : Running)
    T.join();
  EXPECT_EQ(DataSyncs, 2);
  auto Found = afterDeath("a", Threads * 512);
  for (unsigned N = 0; N < Threads; ++N)
    EXPECT_EQ(Found[N * 512], N + 7);
}

TEST_F(CommitTest, ThreadsAtOnce) {
  constexpr unsigned Threads = 6, Rounds = 300;
  uint64_t *R[2] = {createDurable("a", Threads * 4096),
                    createDurable("b", Threads * 4096)};
  std::vector<std::thread> Running;
  for (unsigned N = 0; N < Threads; ++N)
    Running.emplace_back([&, N] {
      for (unsigned I = 0; I < Rounds; ++I) {
        perdure_tx_begin(nullptr);
        uint64_t *Mine = &R[N % 2][N * 512], *Other = &R[1 - N % 2][N * 512];
        set(Mine, *Mine + 1);
        void *Block = perdure_alloc(Mine, 64 + I % 900);
        if (Mine[1])
          perdure_free(perdure_decode(Mine[1], &Mine[1]));
        set(&Mine[1], perdure_encode(Block, &Mine[1]));
        if (I % 3 == 0)
          set(Other, *Other + 1);
        if (I % 5 == 4) {
          perdure_tx_abort();
        } else if (perdure_tx_commit()) {
          abort();
        }
        if (I % 7 == 0) { // outside
          void *Plain = perdure_alloc(Mine, 200);
          perdure_persist(Plain, 200);
          perdure_free(Plain);
        }
      }
    });
  for (std::thread &T : Running)
    T.join();
  for (unsigned N = 0; N < Threads; ++N)
    EXPECT_EQ(R[N % 2][N * 512], Rounds - Rounds / 5);
  EXPECT_EQ(blocksOf(R[0]), 1 + Threads / 2);
  for (int K = 0; K < 2; ++K) {
    auto Found = afterDeath(K ? "b" : "a", Threads * 512);
    EXPECT_EQ(memcmp(Found.data(), R[K], Threads * 4096), 0);
  }
  reopenStore();
  EXPECT_EQ(blocksOf(open("a")), 1 + Threads / 2);
  EXPECT_EQ(blocksOf(open("b")), 1 + Threads / 2);
}

//===----------------------------------------------------------------------===//
// Media that fail
//===----------------------------------------------------------------------===//

TEST_F(CommitTest, FailedSyncPoisons) {
  uint64_t *A = createDurable("a"), *B = createDurable("b");
  ASSERT_EQ(perdure_tx_begin(A), 0);
  set(A, 1);
  ASSERT_EQ(perdure_tx_commit(), 0);
  std::string Reports;
  OnReport = [&](const char *Bytes, size_t Count) {
    Reports.append(Bytes, Count);
    return (ssize_t)Count;
  };
  FailSync = [](int) { return true; };
  ASSERT_EQ(perdure_tx_begin(A), 0);
  set(A, 2);
  errno = 0;
  EXPECT_EQ(perdure_tx_commit(), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_NE(strstr(perdure_errormsg(), "'a'"), nullptr) << perdure_errormsg();
  EXPECT_EQ(A[0], 1u) << "rolled back";
  FailSync = nullptr;
  EXPECT_NE(Reports.find("object 'a'"), std::string::npos) << Reports;
  size_t Once = Reports.size();
  // The disk may answer again: the kernel has forgotten what it could not write.
  for (int I = 0; I < 3; ++I) {
    ASSERT_EQ(perdure_tx_begin(A), 0);
    set(A, 3);
    EXPECT_EQ(perdure_alloc(A, 50), nullptr) << "it grows no more";
    EXPECT_EQ(errno, EIO);
    EXPECT_EQ(perdure_tx_commit(), -1);
    EXPECT_EQ(errno, EIO);
    errno = 0;
    perdure_persist(A, 8);
    EXPECT_EQ(errno, EIO);
  }
  EXPECT_EQ(Reports.size(), Once) << Reports;
  // Another object is none of that.
  ASSERT_EQ(perdure_tx_begin(B), 0);
  set(B, 4);
  ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
  A[1] = 9;
  closeStore();
  reopenStore();
  A = open("a");
  EXPECT_EQ(A[0], 1u);
  EXPECT_EQ(A[1], 0u);
  EXPECT_EQ(blocksOf(A), 1u);
  EXPECT_EQ(open("b")[0], 4u);
}

// Both objects have it, or none, wherever the sync fails.
TEST_F(CommitTest, FailedSyncAmongSeveral) {
  bool All = false;
  for (int Failing = 0; !All; ++Failing) {
    ASSERT_LT(Failing, 40);
    std::string Names[] = {"a" + std::to_string(Failing),
                           "b" + std::to_string(Failing)};
    uint64_t *A = createDurable(Names[0].c_str()),
             *B = createDurable(Names[1].c_str());
    OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
    int Left = Failing;
    FailSync = [&](int) { return Left-- == 0; };
    ASSERT_EQ(perdure_tx_begin(A), 0);
    set(A, 1);
    set(B, 1);
    int Result = perdure_tx_commit();
    FailSync = nullptr;
    All = Left >= 0;
    EXPECT_TRUE(Result == 0 || errno == EIO || errno == ENOSPC)
        << perdure_errormsg();
    if (All)
      EXPECT_EQ(Result, 0) << perdure_errormsg();
    EXPECT_EQ(A[0], Result ? 0u : 1u);
    EXPECT_EQ(B[0], Result ? 0u : 1u);
    reopenStore();
    A = open(Names[0].c_str());
    B = open(Names[1].c_str());
    ASSERT_TRUE(A && B);
    EXPECT_EQ(A[0], Result ? 0u : 1u) << Failing;
    EXPECT_EQ(B[0], A[0]) << Failing;
  }
}

// The same with writes: of the log, or of what is written to its place.
TEST_F(CommitTest, FailedWriteAmongSeveral) {
  bool All = false;
  for (int Failing = 0; !All; ++Failing) {
    ASSERT_LT(Failing, 60);
    std::string Names[] = {"a" + std::to_string(Failing),
                           "b" + std::to_string(Failing)};
    uint64_t *A = createDurable(Names[0].c_str()),
             *B = createDurable(Names[1].c_str());
    OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
    int Left = Failing;
    FailWrite = [&](int) { return Left-- == 0; };
    ASSERT_EQ(perdure_tx_begin(A), 0);
    set(A, 1);
    set(B, 1);
    int Result = perdure_tx_commit();
    FailWrite = nullptr;
    All = Left >= 0;
    EXPECT_TRUE(Result == 0 || errno == EIO) << perdure_errormsg();
    reopenStore();
    A = open(Names[0].c_str());
    B = open(Names[1].c_str());
    ASSERT_TRUE(A && B);
    EXPECT_EQ(A[0], B[0]) << Failing;
    if (!Result)
      EXPECT_EQ(A[0], 1u) << Failing;
  }
}

// What others persist is not told to be durable before it is: it does not differ any more
// from what the file will hold, but is on its way there (tx/redo.cpp, writeSpan).
TEST_F(CommitTest, PersistWaitsForWhatOthersPersist) {
  uint64_t *R = createDurable("a");
  set(&R[0], 1);
  perdure_persist(R, 8);
  R[1] = 1;
  R[2] = 1;
  std::atomic<bool> Ended = false, Early = false;
  std::thread Other;
  std::atomic<bool> First = true;
  SyncInstead = [&](int) {
    if (!First.exchange(false))
      return false;
    Other = std::thread([&] {
      perdure_persist(&R[1], 8);
      Ended = true;
    });
    usleep(100000);
    Early = Ended.load();
    return false;
  };
  perdure_persist(R, 24);
  Other.join();
  EXPECT_FALSE(Early);
}

// The medium fails under another thread while this one's sync is on its way, which ends
// well: what this one was told holds when the object is opened again.
TEST_F(CommitTest, MediumFailsDuringASync) {
  uint64_t *R = createDurable("a");
  auto Commit = [&](uint64_t Value) {
    EXPECT_EQ(perdure_tx_begin(R), 0);
    set(&R[0], Value);
    return perdure_tx_commit();
  };
  ASSERT_EQ(Commit(1), 0);
  OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
  std::atomic<bool> First = true;
  SyncInstead = [&](int) {
    if (!First.exchange(false))
      return false;
    std::thread([&] {
      // It grows, and its size cannot be synced.
      FailSync = [](int) { return true; };
      EXPECT_EQ(perdure_alloc(R, 1 << 20), nullptr);
      EXPECT_EQ(errno, EIO) << perdure_errormsg();
      FailSync = nullptr;
    }).join();
    return false;
  };
  EXPECT_EQ(Commit(2), -1);
  EXPECT_EQ(errno, EIO) << perdure_errormsg();
  EXPECT_EQ(R[0], 1u);
  reopenStore();
  EXPECT_EQ(open("a")[0], 1u);
}

// A sync that failed would not fail again: so the object is not written any more.
TEST_F(CommitTest, FailedSyncOfTheSize) {
  uint64_t *R = createDurable("a");
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 1);
  ASSERT_EQ(perdure_tx_commit(), 0);
  OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
  int Left = 1;
  FailSync = [&](int) { return Left-- > 0; };
  std::string Header = readFile(fileOf("a")).substr(0, 4096);
  for (int Again = 0; Again < 2; ++Again) {
    EXPECT_EQ(perdure_alloc(R, 1 << 20), nullptr);
    EXPECT_EQ(errno, EIO) << perdure_errormsg();
  }
  EXPECT_EQ(readFile(fileOf("a")).substr(0, 4096), Header);
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(&R[0], 2);
  EXPECT_EQ(perdure_tx_commit(), -1);
  EXPECT_EQ(errno, EIO) << perdure_errormsg();
  reopenStore();
  EXPECT_EQ(open("a")[0], 1u);
}

// A commit that was appended behind another whose way home fails: it was told EIO.
TEST_F(CommitTest, WhatFailedIsNotThereLater) {
  uint64_t *R = createDurable("a");
  auto Commit = [&](uint64_t I) {
    EXPECT_EQ(perdure_tx_begin(R), 0);
    set(&R[I], 2);
    return perdure_tx_commit();
  };
  ASSERT_EQ(Commit(0), 0);
  OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
  std::atomic<bool> Appended = false, Fails = false;
  BeforeWrite = [&](int) { Appended = true; };
  FailWrite = [&](int) { return Fails.exchange(false); };
  std::thread Second;
  std::atomic<bool> First = true;
  SyncInstead = [&](int) {
    if (!First.exchange(false))
      return false;
    Appended = false;
    Second = std::thread([&] {
      EXPECT_EQ(Commit(2), -1);
      EXPECT_EQ(errno, EIO) << perdure_errormsg();
    });
    for (int Past = 0; !Appended && Past < 60000; ++Past)
      usleep(1000);
    usleep(50000); // until it waits; sooner is another order, in which all is well, too
    Fails = true;
    return false;
  };
  EXPECT_EQ(Commit(1), 0) << perdure_errormsg(); // the log has it durably
  Second.join();
  reopenStore();
  R = open("a");
  EXPECT_EQ(R[0], 2u);
  EXPECT_EQ(R[1], 2u);
  EXPECT_EQ(R[2], 0u);
}

// A commit of several objects that failed leaves nothing that needs the other ones.
TEST_F(CommitTest, CancelledPartsNeedNoCoordinator) {
  uint64_t *A = createDurable("a"), *B = createDurable("b"), *C = createDurable("c");
  auto Commit = [&](std::initializer_list<uint64_t *> Roots) {
    EXPECT_EQ(perdure_tx_begin(nullptr), 0);
    for (uint64_t *Root : Roots)
      set(Root, Root[0] + 1);
    return perdure_tx_commit();
  };
  ASSERT_EQ(Commit({A}) | Commit({B}) | Commit({C}), 0);
  struct stat Last;
  ASSERT_EQ(stat(fileOf("c").c_str(), &Last), 0);
  FailWrite = [&](int File) {
    struct stat Status;
    return !fstat(File, &Status) && Status.st_ino == Last.st_ino;
  };
  OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
  ASSERT_EQ(Commit({A, B, C}), -1);
  FailWrite = nullptr;
  ASSERT_EQ(Commit({B}), 0) << perdure_errormsg();
  perdure_close(A);
  EXPECT_EQ(perdure_remove(S, "a"), 0) << perdure_errormsg();
  EXPECT_EQ(afterDeath("b", 1)[0], 2u);
}

// Nor does a turn recover what it cannot write any more.
TEST_F(CommitTest, NoTurnsWhereTheMediumHasFailed) {
  createDurable("a");
  closeStore();
  reopenStore(PERDURE_SHARED | PERDURE_DURABLE);
  uint64_t *R = open("a");
  changeInTurn(R, 1);
  OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
  ASSERT_GE(perdure_lock(R, 0), 0) << perdure_errormsg();
  ASSERT_EQ(perdure_tx_begin(R), 0);
  set(R, 2);
  FailSync = [](int) { return true; };
  EXPECT_EQ(perdure_tx_commit(), -1);
  FailSync = nullptr;
  perdure_unlock(R);
  int Writes = 0;
  BeforeWrite = [&](int) { ++Writes; };
  DataSyncs = 0;
  if (!perdure_lock(R, 0)) // its turn may be the last one still
    EXPECT_EQ(perdure_unlock(R), -1);
  EXPECT_EQ(perdure_lock(R, 0), -1);
  EXPECT_EQ(errno, EIO) << perdure_errormsg();
  EXPECT_EQ(Writes + DataSyncs, 0);
  BeforeWrite = nullptr;
  reopenStore();
  EXPECT_EQ(open("a")[0], 1u);
}

// What another object says counts once it is durable: where that could not be synced, no
// later turn believes it.
TEST_F(CommitTest, FailedSyncOfWhoIsAsked) {
  OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
  int Asked = 0;
  for (int Last = 0, Died = 1; Died; ++Last) {
    ASSERT_LT(Last, 40);
    std::string Names[] = {"a" + std::to_string(Last), "b" + std::to_string(Last)};
    for (std::string &Name : Names)
      create(Name.c_str(), 4096);
    closeStore();
    reopenStore(PERDURE_SHARED | PERDURE_DURABLE);
    uint64_t *R[] = {open(Names[0].c_str()), open(Names[1].c_str())};
    struct stat Coordinator;
    ASSERT_EQ(stat(fileOf(Names[0].c_str()).c_str(), &Coordinator), 0);
    pid_t Pid = fork();
    if (!Pid) {
      perdure_store_close(S);
      S = perdure_store_open(Dir.c_str(), PERDURE_SHARED | PERDURE_DURABLE);
      for (int K : {0, 1}) {
        R[K] = open(Names[K].c_str());
        perdure_lock(R[K], 0);
      }
      perdure_tx_begin(nullptr);
      set(R[0], 2);
      set(R[1], 2);
      int Left = Last;
      FailSync = [&](int) { return Left-- == 0 && kill(getpid(), SIGKILL); };
      _exit(perdure_tx_commit() != 0);
    }
    int Status;
    ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
    Died = WIFSIGNALED(Status);
    FailSync = [&](int File) {
      struct stat Of;
      return !fstat(File, &Of) && Of.st_ino == Coordinator.st_ino;
    };
    bool Refused = perdure_lock(R[1], 0) < 0;
    FailSync = nullptr;
    Asked += Refused;
    if (Refused)
      EXPECT_LT(perdure_lock(R[1], 0), 0) << Last;
    closeStore();
    reopenStore();
    uint64_t *Now[] = {open(Names[0].c_str()), open(Names[1].c_str())};
    EXPECT_EQ(Now[0][0], Now[1][0]) << Last;
    if (!Died)
      EXPECT_EQ(Now[0][0], 2u);
  }
  EXPECT_GT(Asked, 0);
}

// A sync that fails while a turn recovers: no later one takes it for done.
TEST_F(CommitTest, FailedSyncInATurn) {
  createDurable("a");
  closeStore();
  reopenStore(PERDURE_SHARED | PERDURE_DURABLE);
  uint64_t *R = open("a");
  changeInTurn(R, 1);
  pid_t Pid = fork();
  if (!Pid) {
    perdure_store_close(S);
    S = perdure_store_open(Dir.c_str(), PERDURE_SHARED);
    R = open("a");
    if (perdure_lock(R, 0) < 0 || perdure_tx_begin(R))
      _exit(1);
    set(R, 2);
    kill(getpid(), SIGKILL);
  }
  int Status;
  ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
  ASSERT_TRUE(WIFSIGNALED(Status));
  OnReport = [](const char *, size_t Count) { return (ssize_t)Count; };
  FailSync = [](int) { return true; };
  EXPECT_EQ(perdure_lock(R, 0), -1);
  FailSync = nullptr;
  EXPECT_EQ(perdure_lock(R, 0), -1);
  EXPECT_EQ(errno, EIO) << perdure_errormsg();
  reopenStore();
  EXPECT_EQ(open("a")[0], 1u);
}

//===----------------------------------------------------------------------===//
// Power failures
//===----------------------------------------------------------------------===//

// The place of a sync: the return addresses within the runtime.
std::string callChain() {
  void *Frames[16];
  int Count = backtrace(Frames, 16);
  std::string Text;
  Dl_info Runtime, In;
  dladdr((void *)&perdure_errormsg, &Runtime);
  dladdr(dlsym(RTLD_DEFAULT, "perdure_tx_commit"), &Runtime);
  int Depth = 0;
  for (int I = 0; I < Count && Depth < 4; ++I)
    if (dladdr(Frames[I], &In) && In.dli_fbase == Runtime.dli_fbase) {
      char Place[32];
      snprintf(Place, sizeof(Place), "+%zx",
               (size_t)((char *)Frames[I] - (char *)In.dli_fbase));
      Text += Place;
      ++Depth;
    }
  return Text;
}

/// Two files of a store, as the kernel has them and as the medium has them for certain.
class KilledTest : public CommitTest {
protected:
  struct Image {
    std::string Now[2], Medium[2];
  };
  std::string InStore[2]; // the files
  std::set<uint64_t> Seen; // what was checked

  Image imageIn(const std::string &Store, const std::string Medium[2]) const {
    Image I;
    for (int K = 0; K < 2; ++K) {
      I.Now[K] = readFile(Store + InStore[K]);
      I.Medium[K] = Medium[K];
    }
    return I;
  }

  /// Takes what is there whenever a file is synced, before that. Medium: of both.
  void record(const std::string &Store, std::string Medium[2],
              std::vector<Image> &Images) {
    SyncInstead = [this, Store, Medium, &Images](int Descriptor) {
      Images.push_back(imageIn(Store, Medium));
      struct stat Synced, Status;
      EXPECT_EQ(fstat(Descriptor, &Synced), 0);
      for (int K = 0; K < 2; ++K) {
        EXPECT_EQ(stat((Store + InStore[K]).c_str(), &Status), 0);
        if (Status.st_ino == Synced.st_ino)
          Medium[K] = readFile(Store + InStore[K]);
      }
      return true;
    };
  }

  /// Somebody opens both, from any mixture of the two.
  void checkAfterPowerFailure(const Image &I, const std::string &Store,
                              const std::string &Where) {
    for (int Mixture = 0; Mixture < 4; ++Mixture) {
      const std::string *File[2];
      for (int K = 0; K < 2; ++K)
        File[K] = Mixture >> K & 1 ? &I.Now[K] : &I.Medium[K];
      if (!Seen.insert(XXH3_64bits(File[0]->data(), File[0]->size()) ^
                       ~XXH3_64bits(File[1]->data(), File[1]->size()))
               .second)
        continue;
      for (int K = 0; K < 2; ++K)
        writeFile(Store + InStore[K], *File[K]);
      perdure_store *T = perdure_store_open(Store.c_str(), PERDURE_DURABLE);
      auto *A = (uint64_t *)perdure_open(T, "a", 0);
      auto *B = (uint64_t *)perdure_open(T, "b", 0);
      if (!A || !B)
        ADD_FAILURE() << Where << ": " << perdure_errormsg();
      else if (*A != *B || *A < 2 || *A > 3)
        ADD_FAILURE() << Where << ", mixture " << Mixture << ": " << *A << " and " << *B;
      perdure_store_close(T);
    }
  }

  /// A process that has died leaves I; another one opens one of them.
  void openOne(const Image &I, const std::string &Store, int K, std::string Medium[2],
               std::vector<Image> &Images) {
    for (int J = 0; J < 2; ++J) {
      writeFile(Store + InStore[J], I.Now[J]);
      Medium[J] = I.Medium[J];
    }
    record(Store, Medium, Images);
    perdure_store *T = perdure_store_open(Store.c_str(), PERDURE_DURABLE);
    EXPECT_NE(perdure_open(T, K ? "b" : "a", 0), nullptr) << perdure_errormsg();
    Images.push_back(imageIn(Store, Medium));
    SyncInstead = nullptr;
    perdure_store_close(T);
  }
};

// A process is killed anywhere in a commit of two objects. The next one opens one of them
// alone, and dies there, too; one more opens the other one; then power fails. What the
// one was told of the other was in memory only, perhaps.
TEST_F(KilledTest, ThenPowerFails) {
  uint64_t *R[2] = {createDurable("a"), createDurable("b")};
  for (uint64_t I = 1; I < 3; ++I) {
    ASSERT_EQ(perdure_tx_begin(nullptr), 0);
    set(R[0], I);
    set(R[1], I);
    ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
  }
  std::string Medium[2], Copy = Temporary + "/left";
  for (int K = 0; K < 2; ++K) {
    std::string Path = fileOf(K ? "b" : "a");
    Medium[K] = readFile(Path); // the kernel has written it
    InStore[K] = Path.substr(Dir.size());
  }
  copyTree(Dir, Copy);
  std::vector<Image> Killed;
  record(Dir, Medium, Killed);
  ASSERT_EQ(perdure_tx_begin(nullptr), 0);
  set(R[0], 3);
  set(R[1], 3);
  ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
  Killed.push_back(imageIn(Dir, Medium));
  SyncInstead = nullptr;
  closeStore();
  ASSERT_GE(Killed.size(), 5u);
  for (size_t I = 0; I < Killed.size(); ++I)
    for (int K = 0; K < 2; ++K) {
      std::vector<Image> Again;
      openOne(Killed[I], Copy, K, Medium, Again);
      std::string Where =
          "killed at sync " + std::to_string(I) + ", " + (K ? "b" : "a") + " opened";
      for (size_t J = 0; J < Again.size(); ++J) {
        checkAfterPowerFailure(Again[J], Copy, Where);
        std::vector<Image> Last;
        openOne(Again[J], Copy, !K, Medium, Last);
        for (const Image &L : Last)
          checkAfterPowerFailure(L, Copy,
                                 Where + ", killed at sync " + std::to_string(J));
      }
    }
  EXPECT_GE(Seen.size(), 30u);
}

// Who follows a pointer to an object whose coordinator is not there cannot have it. Once
// that is back, the object is recovered in the file, as if nobody had tried.
TEST_F(KilledTest, CoordinatorComesBack) {
  uint64_t *R[2] = {createDurable("a"), createDurable("b")}, *C = createDurable("c");
  C[0] = perdure_encode(R[1], C);
  perdure_persist(C, 8);
  for (int K = 0; K < 2; ++K)
    InStore[K] = fileOf(K ? "b" : "a").substr(Dir.size());
  std::string Medium[2];
  std::vector<Image> Killed;
  record(Dir, Medium, Killed);
  ASSERT_EQ(perdure_tx_begin(nullptr), 0);
  set(R[0], 7);
  set(R[1], 7);
  ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
  SyncInstead = nullptr;
  int Syncs[2], Tried = 0, Waited = 0;
  for (const Image &I : Killed)
    for (bool Followed : {false, true}) {
      std::string Now = Temporary + "/left" + std::to_string(Tried++);
      copyTree(Dir, Now);
      for (int K = 0; K < 2; ++K)
        writeFile(Now + InStore[K], I.Now[K]);
      perdure_store *T = perdure_store_open(Now.c_str(), PERDURE_DURABLE);
      auto *Root = (uint64_t *)perdure_open(T, "c", PERDURE_RDONLY);
      ASSERT_NE(Root, nullptr) << perdure_errormsg();
      bool Waits = true;
      if (Followed) {
        ASSERT_EQ(rename((Now + InStore[0]).c_str(), (Now + "/a").c_str()), 0);
        (void)perdure_decode(Root[0], Root);
        Waits = !perdure_open(T, "b", PERDURE_RDONLY);
        ASSERT_EQ(rename((Now + "/a").c_str(), (Now + InStore[0]).c_str()), 0);
      }
      DataSyncs = 0;
      auto *B = (uint64_t *)perdure_open(T, "b", PERDURE_DURABLE);
      ASSERT_NE(B, nullptr) << perdure_errormsg();
      Syncs[Followed] = DataSyncs;
      if (Followed && Waits) {
        ++Waited;
        EXPECT_GE(Syncs[0], 4);
        EXPECT_EQ(Syncs[1], Syncs[0]);
      }
      perdure_store_close(T);
    }
  EXPECT_GE(Waited, 1);
}

// Who reads an object that was rolled back for him, and cannot get the right to write it
// because its coordinator has gone meanwhile, reads on.
TEST_F(KilledTest, CoordinatorGoes) {
  uint64_t *R[2] = {createDurable("a"), createDurable("b")};
  for (int K = 0; K < 2; ++K)
    InStore[K] = fileOf(K ? "b" : "a").substr(Dir.size());
  std::string Medium[2];
  std::vector<Image> Killed;
  for (uint64_t I = 1; I < 3; ++I) {
    ASSERT_EQ(perdure_tx_begin(nullptr), 0);
    set(R[0], I);
    set(R[1], I);
    if (I == 2)
      record(Dir, Medium, Killed);
    ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
  }
  SyncInstead = nullptr;
  unsigned Refused = 0, Number = 0;
  for (const Image &I : Killed) {
    std::string Now = Temporary + "/left" + std::to_string(Number++);
    copyTree(Dir, Now);
    for (int K = 0; K < 2; ++K)
      writeFile(Now + InStore[K], I.Now[K]);
    perdure_store *T = perdure_store_open(Now.c_str(), PERDURE_DURABLE);
    auto *B = (uint64_t *)perdure_open(T, "b", PERDURE_RDONLY);
    ASSERT_NE(B, nullptr) << perdure_errormsg();
    uint64_t Value = *B;
    ASSERT_EQ(rename((Now + InStore[0]).c_str(), (Now + "/a").c_str()), 0);
    if (!perdure_open(T, "b", PERDURE_DURABLE)) {
      EXPECT_EQ(errno, EPROTO) << perdure_errormsg();
      ++Refused;
    }
    EXPECT_EQ(*B, Value);
    ASSERT_EQ(rename((Now + "/a").c_str(), (Now + InStore[0]).c_str()), 0);
    EXPECT_EQ(perdure_open(T, "b", PERDURE_DURABLE), B) << perdure_errormsg();
    EXPECT_EQ(*B, Value);
    perdure_store_close(T);
  }
  EXPECT_GE(Refused, 1u);
}

// Who shares an object may put an entry into its FOT at any time, and die before that is
// synced. Who becomes alone then, and uses it, syncs all of the file once.
TEST_F(CommitTest, FirstCommitAloneSyncsTheFile) {
  createDurable("a");
  closeStore();
  reopenStore(PERDURE_DURABLE);
  auto *R = (uint64_t *)perdure_open(S, "a", PERDURE_SHARED);
  ASSERT_NE(R, nullptr) << perdure_errormsg();
  changeInTurn(R, 1);
  changeInTurn(R, 2);
  ASSERT_EQ(open("a"), R);
  unsigned Files = 0, Parts = 0;
  SyncInstead = [&](int) { return ++Files, false; };
  AfterRangeSync = [&](const void *, size_t) { ++Parts; };
  for (unsigned I = 0; I < 3; ++I) {
    ASSERT_EQ(perdure_tx_begin(R), 0);
    set(R, 3);
    ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
    EXPECT_EQ(Files, 1u);
    EXPECT_EQ(Parts, I);
  }
}

// A commit holds by what was synced for it, and before: nothing else has to have reached
// the medium. Commits of all sizes, of one object and of two, over several logs that begin
// anew.
TEST_F(CommitTest, HoldsByWhatWasSynced) {
  constexpr size_t Words = 1 << 16;
  struct Image {
    std::string Path, InCopy, Medium;
    ino_t Inode;
    uint64_t *Root;
    std::vector<uint64_t> Before, Committed;
  } Images[2];
  std::string Copy = Temporary + "/image";
  std::mt19937 Random(1);
  for (int K : {0, 1}) {
    Image &I = Images[K];
    I.Root = createDurable(K ? "b" : "a", Words * 8);
    I.Committed.assign(Words, 0);
    I.Path = fileOf(K ? "b" : "a");
    I.InCopy = Copy + I.Path.substr(Dir.size());
    I.Medium = readFile(I.Path);
    struct stat Status;
    ASSERT_EQ(stat(I.Path.c_str(), &Status), 0);
    I.Inode = Status.st_ino;
  }
  copyTree(Dir, Copy);
  bool Looks = false, Inside = false;
  auto look = [&](bool Ended) {
    Inside = true;
    for (Image &I : Images)
      writeFile(I.InCopy, I.Medium);
    std::thread([&] { // this one is in a transaction
      perdure_store *T = perdure_store_open(Copy.c_str(), 0);
      bool Holds[2] = {true, !Ended};
      int First = Random() % 2; // who is opened first asks the other one's file
      for (int K : {First, 1 - First}) {
        Image &I = Images[K];
        auto *Found = (uint64_t *)perdure_open(T, K ? "b" : "a", 0);
        ASSERT_NE(Found, nullptr) << perdure_errormsg();
        Holds[0] &= !memcmp(Found, I.Committed.data(), Words * 8);
        Holds[1] &= !memcmp(Found, I.Before.data(), Words * 8);
      }
      EXPECT_TRUE(Holds[0] || Holds[1]);
      perdure_store_close(T);
    }).join();
    Inside = false;
  };
  SyncInstead = [&](int File) {
    if (Inside)
      return false;
    struct stat Status;
    for (Image &I : Images)
      if (!fstat(File, &Status) && Status.st_ino == I.Inode)
        I.Medium = readFile(I.Path);
    if (Looks)
      look(false);
    return false;
  };
  unsigned Parts = 0;
  AfterRangeSync = [&](const void *P, size_t Bytes) {
    if (Inside)
      return;
    for (Image &I : Images) {
      uint64_t Begin = (uint64_t)P - baseOf(I.Root);
      if (Begin >> SLOT_BITS) // another object's
        continue;
      std::string Now = readFile(I.Path);
      size_t From = Begin & ~(size_t)4095, To = (Begin + Bytes + 4095) & ~(size_t)4095;
      I.Medium.resize(std::max(I.Medium.size(), To));
      I.Medium.replace(From, To - From, Now, From, To - From);
      Parts += From > 0;
    }
    if (Looks)
      look(false);
  };
  for (unsigned Commit = 0; Commit < 150; ++Commit) {
    ASSERT_EQ(perdure_tx_begin(nullptr), 0);
    bool Both = Random() % 8 == 0;
    for (Image &I : Images) {
      I.Before = I.Committed;
      if (Both || &I == &Images[0])
        for (unsigned Piece = 0; Piece < 1 + Commit % 3; ++Piece) {
          size_t Most = Commit % 25 == 9 ? Words : Commit % 5 ? 60 : 3000;
          size_t Count = 1 + Random() % (Most - 1);
          size_t At = Random() % (Words - Count);
          __perdure_tx_log(&I.Root[At], Count * 8);
          for (size_t W = At; W < At + Count; ++W)
            I.Root[W] = I.Committed[W] = Random();
        }
    }
    Looks = Both;
    ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
    Looks = false;
    look(true);
    ASSERT_FALSE(HasFailure()) << "commit " << Commit;
  }
  EXPECT_GT(Parts, 80u);
}

/// The medium of a few files: each sector of 512 bytes holds what it held at the
/// last sync or at some moment since, at random; so does each file's size.
class PowerTest : public CommitTest {
protected:
  static constexpr size_t Sector = 512, Words = 256;

  struct File {
    std::string Path, InCopy;
    ino_t Inode;
    uint64_t Base;
    std::vector<std::string> Since; // the medium for certain, then moments
  };
  std::vector<File> Files;
  std::string Copy;
  std::mt19937 Random;
  bool Inside = false;
  unsigned Moments = 0, Wrong = 0;
  std::string What;             // of the first that was wrong
  std::string Skipped;          // the sync that is not made
  std::set<std::string> Places; // of syncs
  unsigned Every = 1, Event = 0;
  bool Closing = false, Rare = false;
  std::vector<std::vector<std::string>> Later; // images

  // What may be found.
  struct Contents {
    std::array<std::vector<uint64_t>, 2> Root;
    uint64_t Blocks[2];
  };
  Contents Before, After;
  std::set<size_t> Loose[2]; // words that may be either
  bool Committing = false;

  static std::string now(const File &F) { return readFile(F.Path); }

  void note(File &F) {
    std::string Now = now(F);
    if (Now != F.Since.back()) {
      if (F.Since.size() == 6)
        F.Since.erase(F.Since.begin() + 1 + Random() % 4);
      F.Since.push_back(std::move(Now));
    }
  }

  std::string image(const File &F) {
    std::string Image = F.Since[Random() % F.Since.size()];
    // Mostly all of one moment, or a mixture.
    unsigned Style = Random() % 4;
    for (size_t At = 0; At < Image.size(); At += Sector) {
      if (Style == 0)
        break;
      const std::string &From = F.Since[Random() % F.Since.size()];
      if (Style == 3 && Random() % 16)
        continue;
      if (At < From.size())
        Image.replace(At, Sector, From, At, Sector);
      else
        std::fill_n(Image.begin() + (ptrdiff_t)At, Sector, '\0');
    }
    return Image;
  }

  void wrong(const std::string &Why) {
    if (!Wrong++)
      What = Why + " (moment " + std::to_string(Moments) + ")";
  }

  void checkImage() {
    perdure_store *T = perdure_store_open(Copy.c_str(), 0);
    uint64_t *Found[2] = {};
    for (int K = 0; K < 2; ++K) {
      Found[K] = (uint64_t *)perdure_open(T, K ? "b" : "a", 0);
      if (!Found[K]) {
        wrong(perdure_errormsg());
        perdure_store_close(T);
        return;
      }
    }
    auto Same = [&](const Contents &C) {
      for (int K = 0; K < 2; ++K)
        for (size_t W = 0; W < Words; ++W)
          if (Found[K][W] != C.Root[K][W] &&
              !(Loose[K].count(W) && (Found[K][W] == Before.Root[K][W] ||
                                      Found[K][W] == After.Root[K][W])))
            return false;
      return true;
    };
    bool Old = Same(Before), New = Committing && Same(After);
    if (!Old && !New)
      wrong("neither before nor after");
    for (int K = 0; K < 2; ++K) {
      struct perdure_stat Stat = {};
      if (perdure_stat(Found[K], &Stat)) {
        wrong(perdure_errormsg());
        continue;
      }
      bool Right = (Old && Stat.blocks == Before.Blocks[K]) ||
                   (New && (Stat.blocks == After.Blocks[K] ||
                            Stat.blocks == Before.Blocks[K]));
      if (!Right)
        wrong("there are " + std::to_string(Stat.blocks) + " blocks");
      // The block that the last word leads to says the same as the one before.
      if (uint64_t Bits = Found[K][Words - 1]) {
        auto *Block = (uint64_t *)perdure_decode(Bits, &Found[K][Words - 1]);
        for (int I = 0; I < 12; ++I)
          if (Block[I] != Found[K][Words - 2]) {
            wrong("the block is another");
            break;
          }
      }
      if (!perdure_alloc(Found[K], 64) || !perdure_alloc(Found[K], 20000))
        wrong(perdure_errormsg());
    }
    perdure_store_close(T);
  }

  void fail() {
    Inside = true;
    for (File &F : Files)
      note(F);
    // Of what happens once in a run, and beside it, more images.
    unsigned Times = Closing ? 16 : Skipped.empty() ? 1 : Rare ? 8 : 3;
    Times = ++Event % Every ? 0 : Times;
    for (; Times && (Skipped.empty() || !Wrong); --Times) {
      std::vector<std::string> Images;
      for (File &F : Files)
        Images.push_back(image(F));
      // Who closes a store keeps others from being opened.
      if (Closing)
        Later.push_back(std::move(Images));
      else
        check(Images);
    }
    Inside = false;
  }

  void check(const std::vector<std::string> &Images) {
    for (size_t I = 0; I < Files.size(); ++I)
      writeFile(Files[I].InCopy, Images[I]);
    ++Moments;
    // Somebody who is in no transaction.
    std::thread([&] { checkImage(); }).join();
  }

  File *fileOfDescriptor(int Descriptor) {
    struct stat Status;
    fstatat(Descriptor, "", &Status, AT_EMPTY_PATH);
    for (File &F : Files)
      if (F.Inode == Status.st_ino)
        return &F;
    return nullptr;
  }

  void watch(uint64_t *Roots[2]) {
    Copy = Temporary + "/image";
    std::filesystem::remove_all(Copy);
    copyTree(Dir, Copy);
    Files.clear();
    for (int K = 0; K < 2; ++K) {
      std::string Path = fileOf(K ? "b" : "a");
      struct stat Status;
      ASSERT_EQ(stat(Path.c_str(), &Status), 0);
      Files.push_back({Path, Copy + Path.substr(Dir.size()), Status.st_ino,
                       baseOf(Roots[K]), {readFile(Path)}});
    }
    BeforeWrite = [&](int Descriptor) {
      if (!Inside && fileOfDescriptor(Descriptor))
        fail();
    };
    SyncInstead = [&](int Descriptor) {
      File *F = Inside ? nullptr : fileOfDescriptor(Descriptor);
      if (!F)
        return true;
      std::string Place = callChain();
      Places.insert(Place);
      fail();
      if (Place != Skipped)
        F->Since = {now(*F)};
      return true;
    };
    AfterRangeSync = [&](const void *P, size_t Bytes) {
      for (File &F : Files)
        if (!Inside && (uint64_t)P - F.Base < Limit) {
          std::string Now = now(F), Place = callChain();
          size_t Begin = (uint64_t)P - F.Base, From = Begin & ~(size_t)4095;
          size_t To = std::min(Now.size(), (Begin + Bytes + 4095) & ~(size_t)4095);
          if (Begin >= 4096) { // a commit's
            Places.insert(Place);
            fail();
            if (Place == Skipped)
              return;
          }
          for (std::string &Each : F.Since) {
            if (Each.size() < To)
              continue;
            Each.replace(From, To - From, Now, From, To - From);
          }
          fail();
        }
    };
  }

  bool Dead = false; // a process, and the next turn is after it
  unsigned Redone = 0; // such commits that were found whole

  // Another process takes a turn and dies in a commit, when all is in the log and
  // nothing of that is on the medium for certain.
  void die() {
    Dead = true;
    size_t K = Random() % 2;
    for (size_t W = 1; W < Words - 2; W += 1 + Random() % 9)
      After.Root[K][W] = Random();
    pid_t Pid = fork();
    if (!Pid) {
      Every = 1u << 31; // syncs alone are of interest
      perdure_store_close(S);
      S = perdure_store_open(Dir.c_str(), PERDURE_DURABLE | PERDURE_SHARED);
      auto *Root = (uint64_t *)perdure_open(S, K ? "b" : "a", 0);
      for (File &F : Files)
        F.Base = &F == &Files[K] && Root ? baseOf(Root) : 0;
      if (!Root || perdure_lock(Root, 0) < 0 || perdure_tx_begin(Root))
        _exit(1);
      __perdure_tx_log(Root, Words * 8);
      memcpy(Root, After.Root[K].data(), Words * 8);
      bool LogIsThere = false;
      BeforeWrite = [&](int Descriptor) {
        LogIsThere = LogIsThere || fileOfDescriptor(Descriptor);
      };
      auto Sync = SyncInstead;
      SyncInstead = [&](int Descriptor) {
        if (LogIsThere) {
          writeFile(Temporary + "/medium", Files[K].Since[0]);
          raise(SIGKILL);
        }
        return Sync(Descriptor);
      };
      perdure_tx_commit();
      _exit(1);
    }
    int Status;
    ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
    ASSERT_TRUE(WIFSIGNALED(Status) && WTERMSIG(Status) == SIGKILL) << Status;
    Files[K].Since = {readFile(Temporary + "/medium")};
    note(Files[K]);
  }

  static void turnOf(uint64_t *Root) {
    // As if another process had been in a write section.
    auto *H = (perdure::Header *)baseOf(Root);
    H->Turn.LastWriter ^= 1;
  }

  // Closes the store, where power may fail, and opens it again, or ends.
  void close(bool Again, uint64_t *Roots[2] = nullptr, unsigned Flags = 0) {
    Closing = true;
    closeStore();
    if (Again)
      reopenStore(Flags);
    for (int K = 0; Again && K < 2; ++K) {
      Roots[K] = open(K ? "b" : "a");
      Files[(size_t)K].Base = baseOf(Roots[K]);
    }
    Closing = false;
    for (const auto &Images : Later)
      check(Images);
    Later.clear();
  }

  // What is there now is there for good.
  void settle() {
    Before = After;
    for (auto &L : Loose)
      L.clear();
    Committing = false;
    fail();
  }

  void storeOutside(uint64_t *Roots[2]) {
    Committing = true;
    for (int K = 0; K < 2; ++K)
      for (int I = 0; I < 3; ++I) {
        size_t W = Random() % (Words - 2);
        Loose[K].insert(W);
        Roots[K][W] = After.Root[K][W] = Random();
      }
  }

  void run(unsigned Seed, unsigned Rounds, bool Shared) {
    Random.seed(Seed);
    Wrong = Moments = Event = 0;
    unsigned Flags = PERDURE_DURABLE | (Shared ? PERDURE_SHARED : 0);
    reopenStore(Flags);
    uint64_t *R[2];
    for (int K = 0; K < 2; ++K) {
      // Anew: files that are long already do not grow.
      perdure_remove(S, K ? "b" : "a");
      R[K] = create(K ? "b" : "a", Words * 8);
    }
    auto Enter = [&] {
      for (int K = 0; K < 2; ++K)
        ASSERT_GE(perdure_lock(R[K], 0), 0) << perdure_errormsg();
    };
    auto Leave = [&] {
      for (int K = 0; K < 2; ++K)
        ASSERT_EQ(perdure_unlock(R[K]), 0) << perdure_errormsg();
    };
    // What the first one needs of the files, and of the heaps, is there afterwards.
    Enter();
    ASSERT_EQ(perdure_tx_begin(nullptr), 0);
    for (int K = 0; K < 2; ++K)
      for (size_t W = 40; W < Words; W += 60) // so that other rounds are over them
        set(&R[K][W], R[K][W] + 1);
    ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
    for (int K = 0; K < 2; ++K) {
      perdure_free(perdure_alloc(R[K], 64));
      perdure_persist(R[K], 8);
      Before.Root[K].assign(R[K], R[K] + Words);
      Before.Blocks[K] = blocksOf(R[K]);
      Loose[K].clear();
    }
    After = Before;
    Leave();
    watch(R);
    for (unsigned Round = 0; Round < Rounds && !Wrong; ++Round) {
      bool Other = Shared && Random() % 3 == 0;
      bool Again = Round == Rounds / 2;
      Rare = Again || Other;
      if (Again)
        close(/*Again=*/true, R, Flags);
      else if (Other && Random() % 2)
        die();
      for (int K = 0; Other && K < 2; ++K)
        turnOf(R[K]);
      Committing = Committing || Dead;
      bool Stored = Random() % 4 == 0, ByUnlock = Stored && Random() % 2;
      if (Shared || ByUnlock)
        Enter();
      for (int K = 0; Dead && K < 2; ++K) // it was committed, or it was not
        if (memcmp(R[K], After.Root[K].data(), Words * 8))
          After = Before;
      Redone += Dead && After.Root != Before.Root;
      Before = Dead ? After : Before;
      Committing = Dead = false;
      for (int K = 0; K < 2; ++K)
        EXPECT_EQ(memcmp(R[K], Before.Root[K].data(), Words * 8), 0);
      if (Stored) {
        storeOutside(R);
        for (int K = 0; K < 2 && !ByUnlock; ++K)
          perdure_persist(R[K], Words * 8);
      } else {
        Committing = true;
        unsigned Objects = Random() % 3 + 1;
        ASSERT_EQ(perdure_tx_begin(nullptr), 0);
        for (int K = 0; K < 2; ++K) {
          if (!(Objects >> K & 1))
            continue;
          for (unsigned I = 0, N = 1 + Random() % 8; I < N; ++I) {
            size_t At = Random() % (Words - 2), Count = 1 + Random() % 20;
            Count = std::min(Count, Words - 2 - At);
            __perdure_tx_log(&R[K][At], Count * 8);
            for (size_t W = At; W < At + Count; ++W)
              R[K][W] = After.Root[K][W] = Random();
          }
          if (Random() % 2)
            continue;
          uint64_t *Link = &R[K][Words - 1];
          if (*Link)
            perdure_free(perdure_decode(*Link, Link));
          else
            ++After.Blocks[K];
          size_t Bytes = Random() % 4 ? 96 + Random() % 400 : 9000;
          auto *Block = (uint64_t *)perdure_alloc(R[K], Bytes);
          for (int I = 0; I < 12; ++I)
            Block[I] = Round + 1000;
          set(Link, perdure_encode(Block, Link));
          set(Link - 1, Round + 1000);
          After.Root[K][Words - 1] = *Link;
          After.Root[K][Words - 2] = Round + 1000;
        }
        fail();
        if (Random() % 4) {
          ASSERT_EQ(perdure_tx_commit(), 0) << perdure_errormsg();
        } else {
          perdure_tx_abort();
          After = Before;
        }
      }
      if (!ByUnlock)
        settle();
      if (Shared || ByUnlock)
        Leave();
      settle();
    }
    // Who shares has to be in a section.
    if (!Shared)
      storeOutside(R);
    close(/*Again=*/false);
    settle();
    forgetAll();
  }
};

TEST_F(PowerTest, FailsAnywhere) {
  run(3, 30, false);
  EXPECT_EQ(Wrong, 0u) << What;
  EXPECT_GT(Moments, 150u);
}

TEST_F(PowerTest, FailsInSharedTurns) {
  run(4, 30, true);
  EXPECT_EQ(Wrong, 0u) << What;
  EXPECT_GT(Moments, 150u);
  EXPECT_GT(Redone, 0u);
}

// Each sync is needed: without it something is wrong after some power failure. Takes
// minutes: to be run by hand when a sync comes or goes. Kept, though it may miss them,
// are those that matter only after a second failure, or seldom:
//
//   emptyLog, the second, and recover, the last: the log that is over is not on the
//   medium still when the next one is written over its pages. Only a short old log of
//   which some sectors are new by then says something else.
//   recover, before it redoes: the commits of a process that died before it synced
//   them. What it wrote home would be there without the log (die() makes some).
//   openLog: DeathWhileALogBeginsAnew.
//   closeRedo, what was stored last: torn, as that may be, but for the allocator's words.
TEST_F(PowerTest, DISABLED_EverySyncIsNeeded) {
  Every = 7; // enough to find the places
  std::set<std::string> All;
  for (bool Shared : {false, true}) {
    Places.clear();
    run(5, 40, Shared);
    ASSERT_EQ(Wrong, 0u) << What;
    Every = 1;
    for (const std::string &Place : std::set<std::string>(Places)) {
      Skipped = Place;
      unsigned Found = 0;
      for (unsigned Seed = 10; Seed < 16 && !Found; ++Seed) {
        run(Seed, 60, Shared);
        Found = Wrong;
      }
      EXPECT_TRUE(Found) << (Shared ? "shared" : "alone") << ": " << Place;
      printf("without the sync at %s: %s\n", Place.c_str(), What.c_str());
      Wrong = 0;
      What.clear();
    }
    Skipped.clear();
    Every = 7;
  }
}

} // namespace
