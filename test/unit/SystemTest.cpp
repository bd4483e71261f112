//===- SystemTest.cpp - Calls of the system that fail or take their time --===//
//
// This program's definitions of a few functions of libc are those that the
// runtime calls; a test puts something into their way.
//
//===----------------------------------------------------------------------===//

#include "Support.h"

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <future>
#include <random>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

namespace {
std::atomic<int> DataSyncs, RangeSyncs;
std::function<void()> OnDataSync;                // before it
std::function<bool(int)> FailSync;               // of a descriptor
std::function<void(const struct stat &)> OnStat; // after it
std::function<bool(int)> FailTimes;              // setting those of a file
std::function<void()> OnSleep;                   // instead of it
// What the call gives, of a write to stderr; or nothing, and errno.
std::function<ssize_t(const char *, size_t)> OnReport;
} // namespace

#define HOOK extern "C" __attribute__((visibility("default"))) int
#define HOOK_SIZE extern "C" __attribute__((visibility("default"))) ssize_t

HOOK fdatasync(int File) {
  ++DataSyncs;
  if (OnDataSync)
    OnDataSync();
  if (FailSync && FailSync(File)) {
    errno = EIO;
    return -1;
  }
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

HOOK futimens(int File, const struct timespec Times[2]) noexcept {
  if (FailTimes && FailTimes(File)) {
    errno = EIO;
    return -1;
  }
  return (int)syscall(SYS_utimensat, File, nullptr, Times, 0);
}

HOOK usleep(useconds_t Microseconds) {
  if (OnSleep) {
    OnSleep();
    return 0;
  }
  struct timespec Time = {(time_t)(Microseconds / 1000000),
                          (long)(Microseconds % 1000000) * 1000};
  return nanosleep(&Time, nullptr);
}

HOOK_SIZE write(int File, const void *Bytes, size_t Count) {
  if (OnReport && File == STDERR_FILENO)
    return OnReport((const char *)Bytes, Count);
  return syscall(SYS_write, File, Bytes, Count);
}

namespace {

class SystemTest : public StoreTest {
protected:
  void TearDown() override {
    OnDataSync = nullptr;
    FailSync = nullptr;
    OnStat = nullptr;
    FailTimes = nullptr;
    OnSleep = nullptr;
    OnReport = nullptr;
    StoreTest::TearDown();
  }
};

/// How others have the file open for writing: F_UNLCK, F_RDLCK (they share it),
/// F_WRLCK.
int ownershipOf(const std::string &Path) {
  int File = open(Path.c_str(), O_RDONLY | O_CLOEXEC);
  struct flock Request = {};
  Request.l_type = F_WRLCK;
  Request.l_start = (off_t)1 << 62;
  Request.l_len = 1;
  EXPECT_EQ(fcntl(File, F_OFD_GETLK, &Request), 0) << Path;
  close(File);
  return Request.l_type;
}

bool isNames(int File) {
  char Path[4096];
  std::string Link = "/proc/self/fd/" + std::to_string(File);
  ssize_t Length = readlink(Link.c_str(), Path, sizeof(Path));
  std::string Target(Path, Length > 0 ? (size_t)Length : 0);
  return Target.size() > 6 && Target.substr(Target.size() - 6) == "/names";
}

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

extern "C" void __perdure_tx_log(const void *P, uint64_t Bytes);

// Power fails at random moments of transactions: each sector of 512 bytes then
// holds what it held at the last sync, or what it holds now. Whatever it is, who
// opens the object finds a transaction whole or not at all.
TEST_F(SystemTest, PowerFailsInTransactions) {
  ON_PAGE_MEDIA_ONLY();
  constexpr size_t Words = 256, Sector = 512;
  uint64_t *R = create("a", Words * 8, PERDURE_DURABLE);
  std::string File = fileOf("a"), Copy = Temporary + "/copy", Synced;
  std::string InCopy = Copy + File.substr(Dir.size());
  std::mt19937 Random(3);
  std::vector<uint64_t> Before(Words), After(Words);
  bool Committing = false, Inside = false;
  unsigned Failures = 0, Mixed = 0;
  // One moment: an image of the medium, opened.
  auto Fail = [&] {
    Inside = true;
    std::string Now = readFile(File), Image = Now;
    ASSERT_EQ(Now.size(), Synced.size());
    for (size_t At = 0; At < Now.size(); At += Sector)
      if (Random() % 2 && Now.compare(At, Sector, Synced, At, Sector)) {
        Image.replace(At, Sector, Synced, At, Sector);
        ++Mixed;
      }
    writeFile(InCopy, Image);
    // Somebody who is in no transaction.
    std::thread([&] {
      perdure_store *T = perdure_store_open(Copy.c_str(), 0);
      auto *Found = (uint64_t *)perdure_open(T, "a", 0);
      ASSERT_NE(Found, nullptr) << perdure_errormsg();
      bool Old = !memcmp(Found, Before.data(), Words * 8);
      bool New = Committing && !memcmp(Found, After.data(), Words * 8);
      EXPECT_TRUE(Old || New) << "after " << Failures << " failures";
      EXPECT_NE(perdure_alloc(Found, 64), nullptr) << perdure_errormsg();
      perdure_store_close(T);
    }).join();
    ++Failures;
    Inside = false;
  };
  // What the first one needs of the file is there afterwards.
  ASSERT_EQ(perdure_tx_begin(R), 0);
  __perdure_tx_log(R, Words * 8);
  perdure_tx_abort();
  perdure_free(perdure_alloc(R, 64));
  perdure_persist(R, 8);
  Synced = readFile(File);
  copyTree(Dir, Copy);
  OnDataSync = [&] {
    if (Inside)
      return;
    Fail();
    Synced = readFile(File);
  };
  for (int Round = 0; Round < 24 && !HasFailure(); ++Round) {
    After = Before;
    ASSERT_EQ(perdure_tx_begin(R), 0);
    void *Block = perdure_alloc(R, 64);
    ASSERT_NE(Block, nullptr);
    perdure_free(Block);
    for (unsigned I = 0, N = 1 + Random() % 8; I < N; ++I) {
      size_t At = Random() % Words, Count = 1 + Random() % 20;
      Count = std::min(Count, Words - At);
      __perdure_tx_log(&R[At], Count * 8);
      for (size_t W = At; W < At + Count; ++W)
        R[W] = After[W] = Random();
      Fail();
    }
    if (Round % 3) {
      Committing = true;
      ASSERT_EQ(perdure_tx_commit(), 0);
      Before = After;
      Committing = false;
      Fail();
    } else {
      perdure_tx_abort();
      Fail();
    }
  }
  OnDataSync = nullptr;
  EXPECT_GT(Failures, 200u);
  EXPECT_GT(Mixed, 200u);
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
  for (unsigned Flags : {0u, (unsigned)PERDURE_SHARED}) {
    reopenStore(Flags);
    std::string Name = Flags ? "shared" : "alone";
    FailSync = isNames;
    errno = 0;
    EXPECT_EQ(perdure_create(S, Name.c_str(), 8, 0), nullptr);
    EXPECT_EQ(errno, EIO) << perdure_errormsg();
    FailSync = nullptr;
    EXPECT_EQ(perdure_open(S, Name.c_str(), 0), nullptr);
    EXPECT_EQ(errno, ENOENT) << perdure_errormsg();
    auto Files = std::filesystem::directory_iterator(Dir + "/objects");
    EXPECT_EQ(std::distance(begin(Files), end(Files)), Flags ? 1 : 0);
    EXPECT_NE(perdure_create(S, Name.c_str(), 8, 0), nullptr)
        << perdure_errormsg();
  }
}

// Whoever finds the name of an object in a shared store can open it.
TEST_F(SystemTest, NameOfASharedObjectLeadsToOneThatIsShared) {
  reopenStore(PERDURE_SHARED);
  int Found = -1;
  FailSync = [&](int File) {
    if (isNames(File)) // the name has just been given
      Found = ownershipOf(fileOf("a"));
    return false;
  };
  create("a");
  EXPECT_EQ(Found, F_RDLCK);
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

// Who is in a section and needs the store's lock leaves it all the same while
// another thread waits to be the only writer.
TEST_F(SystemTest, WhoWantsToBeAloneLetsSectionsEnd) {
  uint64_t *A = create("a"), *B = create("b");
  A[0] = perdure_encode(B, A);
  reopenStore();
  A = open("a", PERDURE_SHARED);
  std::promise<void> Entered, Opening, Left;
  std::thread Other([&] {
    EXPECT_EQ(perdure_lock(A, 0), 0);
    Entered.set_value();
    Opening.get_future().wait();
    // It was not met yet: it is given its slot.
    EXPECT_EQ(perdure_decode(A[0], A), open("b"));
    EXPECT_EQ(perdure_unlock(A), 0);
    Left.set_value();
  });
  Entered.get_future().wait();
  auto Gone = Left.get_future();
  bool First = true;
  OnSleep = [&] {
    if (!First)
      return;
    First = false;
    Opening.set_value();
    EXPECT_EQ(Gone.wait_for(std::chrono::seconds(20)),
              std::future_status::ready);
  };
  EXPECT_EQ(open("a"), A);
  OnSleep = nullptr;
  EXPECT_FALSE(First) << "nobody was in the way";
  Other.join();
  EXPECT_NE(perdure_alloc(A, 8), nullptr) << perdure_errormsg();
}

// What cannot be made this process's alone stays shared.
TEST_F(SystemTest, WhoCannotBeAloneShares) {
  create("a");
  closeStore();
  reopenStore();
  uint64_t *A = open("a", PERDURE_SHARED);
  FailTimes = [](int) { return true; };
  errno = 0;
  EXPECT_EQ(perdure_open(S, "a", 0), nullptr);
  EXPECT_EQ(errno, EIO) << perdure_errormsg();
  FailTimes = nullptr;
  EXPECT_EQ(ownershipOf(fileOf("a")), F_RDLCK);
  EXPECT_EQ(perdure_alloc(A, 8), nullptr);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(open("a"), A);
  EXPECT_EQ(ownershipOf(fileOf("a")), F_WRLCK);
}

// A thread of the parent's that is syncing at the fork syncs nothing here.
TEST_F(SystemTest, ChildSyncsForItself) {
  ON_PAGE_MEDIA_ONLY();
  uint64_t *A = create("a");
  ASSERT_NE(perdure_alloc(A, 100), nullptr);
  std::atomic<bool> Inside{false}, GoOn{false};
  OnDataSync = [&] {
    Inside = true;
    while (!GoOn)
      usleep(100);
  };
  std::thread Syncs([&] { perdure_persist(A, 8); });
  while (!Inside)
    usleep(100);
  int Closed[2];
  ASSERT_EQ(pipe(Closed), 0);
  pid_t Pid = fork();
  if (!Pid) {
    OnDataSync = nullptr;
    close(Closed[1]);
    char C;
    (void)!read(Closed[0], &C, 1);
    if (perdure_open(S, "a", 0) != A)
      _exit(1);
    DataSyncs = RangeSyncs = 0;
    perdure_persist(A, 8); // what its parent did not get to, too
    if (DataSyncs != 1)
      _exit(2);
    DataSyncs = 0;
    perdure_persist(A, 8);
    _exit(DataSyncs == 0 && RangeSyncs == 1 ? 0 : 3);
  }
  GoOn = true;
  Syncs.join();
  OnDataSync = nullptr;
  closeStore();
  close(Closed[0]);
  close(Closed[1]);
  int Status;
  ASSERT_EQ(waitpid(Pid, &Status, 0), Pid);
  EXPECT_TRUE(WIFEXITED(Status));
  EXPECT_EQ(WEXITSTATUS(Status), 0);
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

/// Reports a fault at the address, as a handler does.
int explain(const void *Address) {
  siginfo_t Info = {};
  Info.si_signo = SIGSEGV;
  Info.si_code = SEGV_ACCERR;
  Info.si_addr = const_cast<void *>(Address);
  ucontext_t Context = {};
  return perdure_explain_fault(&Info, &Context);
}

// A report of each of the two kinds: of a fault, and of what went wrong.
class SystemReportTest : public SystemTest {
protected:
  void reportBoth() {
    uint64_t *A = create("a", 8, PERDURE_DURABLE);
    errno = 77;
    EXPECT_EQ(explain(A), 1);
    EXPECT_EQ(errno, 77);
    Between = Text.size();
    FailSync = [](int) { return true; };
    closeStore();
    FailSync = nullptr;
  }
  void expectBoth() {
    std::string First = Text.substr(0, Between), Second = Text.substr(Between);
    EXPECT_EQ(First.find("perdure: fault at "), 0u) << First;
    EXPECT_EQ(Second.find("perdure: object 'a'"), 0u) << Second;
    for (const std::string &Line : {First, Second})
      EXPECT_EQ(Line.find('\n'), Line.size() - 1) << Line;
  }
  std::string Text; // what came through
  size_t Between = 0;
};

TEST_F(SystemReportTest, WrittenAtOnce) {
  int Writes = 0;
  OnReport = [&](const char *Bytes, size_t Count) {
    ++Writes;
    Text.append(Bytes, Count);
    return (ssize_t)Count;
  };
  reportBoth();
  expectBoth();
  EXPECT_EQ(Writes, 2);
}

// Handlers of the program's interrupt a write before the first byte, and after
// some.
TEST_F(SystemReportTest, WrittenWholeWhenInterrupted) {
  int Writes = 0;
  OnReport = [&](const char *Bytes, size_t Count) -> ssize_t {
    if (++Writes % 3) {
      errno = EINTR;
      return -1;
    }
    Count = std::min(Count, (size_t)7);
    Text.append(Bytes, Count);
    return (ssize_t)Count;
  };
  reportBoth();
  expectBoth();
}

// A background process that handles SIGTTOU is interrupted each time.
TEST_F(SystemReportTest, NotForEver) {
  int Writes = 0;
  OnReport = [&](const char *, size_t) -> ssize_t {
    ++Writes;
    errno = EINTR;
    return -1;
  };
  alarm(60);
  reportBoth();
  alarm(0);
  EXPECT_GT(Writes, 100) << "a few interruptions are no reason";
  // A terminal that is gone is not tried again.
  Writes = 0;
  OnReport = [&](const char *, size_t) -> ssize_t {
    ++Writes;
    errno = EIO;
    return -1;
  };
  reopenStore();
  EXPECT_EQ(explain(open("a")), 1);
  EXPECT_EQ(Writes, 1);
}

} // namespace
