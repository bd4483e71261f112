//===- SystemTest.cpp - Calls of the system that fail or take their time --===//
//
// This program's definitions of a few functions of libc are those that the
// runtime calls; a test puts something into their way.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <atomic>
#include <fcntl.h>
#include <functional>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace {
std::atomic<int> DataSyncs, RangeSyncs;
std::function<void()> OnDataSync;                // before it
std::function<bool(int)> FailSync;               // of a descriptor
std::function<void(const struct stat &)> OnStat; // after it
} // namespace

#define HOOK extern "C" __attribute__((visibility("default"))) int

HOOK fdatasync(int File) {
  ++DataSyncs;
  if (OnDataSync)
    OnDataSync();
  return (int)syscall(SYS_fdatasync, File);
}

HOOK fsync(int File) {
  if (FailSync && FailSync(File)) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(SYS_fsync, File);
}

HOOK msync(void *P, size_t Bytes, int Flags) {
  ++RangeSyncs;
  return (int)syscall(SYS_msync, P, Bytes, Flags);
}

HOOK fstat(int File, struct stat *Status) noexcept {
  int Result = fstatat(File, "", Status, AT_EMPTY_PATH);
  if (OnStat)
    OnStat(*Status);
  return Result;
}

namespace {

class SystemTest : public StoreTest {
protected:
  void TearDown() override {
    OnDataSync = nullptr;
    FailSync = nullptr;
    OnStat = nullptr;
    StoreTest::TearDown();
  }
};

#define ON_PAGE_MEDIA_ONLY()                                                   \
  if (getenv("PMEM2_FORCE_GRANULARITY"))                                       \
  GTEST_SKIP() << "the medium is taken for persistent memory"

// What this process persists may lead to what others changed before.
TEST_F(SystemTest, PersistCoversWhatOtherProcessesChanged) {
  ON_PAGE_MEDIA_ONLY();
  create("a");
  reopenStore();
  uint64_t *A = open("a");
  DataSyncs = 0;
  perdure_persist(A, 8);
  EXPECT_EQ(DataSyncs, 1);
  perdure_persist(A, 8);
  EXPECT_EQ(DataSyncs, 1) << "nobody else can have changed it since";
  reopenStore(PERDURE_SHARED);
  A = open("a");
  perdure_persist(A, 8);
  perdure_persist(A, 8);
  EXPECT_EQ(DataSyncs, 3) << "others can";
  reopenStore();
  A = (uint64_t *)perdure_open(S, "a", PERDURE_SHARED);
  ASSERT_NE(A, nullptr);
  perdure_persist(A, 8);
  DataSyncs = 0;
  open("a"); // alone from here on: once more for what others did
  perdure_persist(A, 8);
  perdure_persist(A, 8);
  EXPECT_EQ(DataSyncs, 1);
}

// The file's size is on the medium before a header that says it can be.
TEST_F(SystemTest, SizesAreSyncedBeforeHeadersThatSayThem) {
  uint64_t *A = create("a", 4096, PERDURE_DURABLE);
  int Before = DataSyncs;
  struct perdure_stat Was, Is;
  ASSERT_EQ(perdure_stat(A, &Was), 0);
  ASSERT_NE(perdure_alloc(A, 1 << 20), nullptr);
  ASSERT_EQ(perdure_stat(A, &Is), 0);
  EXPECT_GT(Is.file_bytes, Was.file_bytes);
  EXPECT_GT(DataSyncs, Before);
}

// What another thread is about to sync is not there yet.
TEST_F(SystemTest, PersistWaitsForChangesThatOthersSync) {
  ON_PAGE_MEDIA_ONLY();
  uint64_t *A = create("a");
  std::atomic<bool> Inside{false}, GoOn{false};
  std::atomic<int> Calls{0};
  OnDataSync = [&] {
    if (Calls++)
      return;
    Inside = true;
    while (!GoOn)
      usleep(100);
  };
  ASSERT_NE(perdure_alloc(A, 100), nullptr);
  std::thread First([&] { perdure_persist(A, 8); });
  while (!Inside)
    usleep(100);
  perdure_persist(A + 1, 8);
  EXPECT_EQ(Calls, 2);
  GoOn = true;
  First.join();
  // At rest the range is enough.
  RangeSyncs = 0;
  perdure_persist(A + 2, 8);
  EXPECT_EQ(Calls, 2);
  EXPECT_EQ(RangeSyncs, 1);
}

TEST_F(SystemTest, DurableHoldsWhoeverOpensTheStoreFirst) {
  ON_PAGE_MEDIA_ONLY();
  uint64_t *A = create("a"), *B = create("b");
  perdure_store *Again = perdure_store_open(Dir.c_str(), PERDURE_DURABLE);
  ASSERT_EQ(Again, S) << perdure_errormsg();
  uint64_t *C = create("c");
  RangeSyncs = 0;
  perdure_encode(B, A);
  EXPECT_GT(RangeSyncs, 0);
  RangeSyncs = 0;
  perdure_encode(B, C);
  EXPECT_GT(RangeSyncs, 0);
  perdure_store_close(Again);
}

TEST_F(SystemTest, NameThatCannotBeSyncedIsNone) {
  FailSync = [](int File) {
    char Path[4096];
    std::string Link = "/proc/self/fd/" + std::to_string(File);
    ssize_t Length = readlink(Link.c_str(), Path, sizeof(Path));
    std::string Target(Path, Length > 0 ? (size_t)Length : 0);
    return Target.size() > 6 && Target.substr(Target.size() - 6) == "/names";
  };
  errno = 0;
  EXPECT_EQ(perdure_create(S, "a", 8, 0), nullptr);
  EXPECT_EQ(errno, EIO) << perdure_errormsg();
  FailSync = nullptr;
  EXPECT_EQ(perdure_open(S, "a", 0), nullptr);
  EXPECT_EQ(errno, ENOENT) << perdure_errormsg();
  EXPECT_NE(perdure_create(S, "a", 8, 0), nullptr) << perdure_errormsg();
}

// A file that becomes longer while a reader opens it has not been cut off.
TEST_F(SystemTest, ReaderOpensWhatGrows) {
  uint64_t *A = create("a");
  std::string File = fileOf("a");
  perdure_persist(A, 8);
  std::string Before = readFile(File);
  ASSERT_NE(perdure_alloc(A, 1 << 20), nullptr);
  perdure_persist(A, 8);
  std::string After = readFile(File);
  ASSERT_GT(After.size(), Before.size());
  closeStore();
  writeFile(File, Before);
  S = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
  ASSERT_NE(S, nullptr);
  int Times = 0;
  OnStat = [&](const struct stat &Status) {
    if (S_ISREG(Status.st_mode) && !Times++)
      writeFile(File, After);
  };
  EXPECT_NE(perdure_open(S, "a", PERDURE_RDONLY), nullptr)
      << perdure_errormsg();
  EXPECT_GT(Times, 0);
}

// One thread closes the store, another opens it: its objects' locks are the
// process's own.
TEST_F(SystemTest, ClosingStoreIsWaitedFor) {
  create("a", 8, PERDURE_DURABLE);
  std::atomic<bool> Inside{false};
  OnDataSync = [&] {
    Inside = true;
    usleep(20000);
  };
  std::thread Other([&] { closeStore(); });
  while (!Inside)
    usleep(100);
  perdure_store *Again = perdure_store_open(Dir.c_str(), 0);
  EXPECT_NE(Again, nullptr) << perdure_errormsg();
  EXPECT_NE(perdure_open(Again, "a", 0), nullptr) << perdure_errormsg();
  Other.join();
  perdure_store_close(Again);
}

// Another thread encodes while an object becomes writable.
TEST_F(SystemTest, EncodeWhileRightsAreRaised) {
  uint64_t *A = create("a"), *B = create("b");
  uint64_t Bits = perdure_encode(B, A);
  for (int I = 0; I < 50; ++I) {
    reopenStore();
    A = open("a", PERDURE_RDONLY);
    B = open("b");
    std::atomic<bool> Stop{false}, Started{false};
    std::atomic<int> Wrong{0};
    std::thread Other([&] {
      while (!Stop) {
        Wrong += perdure_encode(B, A) != Bits;
        Started = true;
      }
    });
    while (!Started)
      ;
    open("a");
    Stop = true;
    Other.join();
    ASSERT_EQ(Wrong, 0);
  }
}

} // namespace
