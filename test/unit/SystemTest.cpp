//===- SystemTest.cpp - Calls of the system that fail or take their time --===//

#include "Hooks.h"
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

using namespace hooks;

namespace {

class SystemTest : public StoreTest {
protected:
  void TearDown() override {
    forgetAll();
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

/// What perdure_encode is for pointers of the encoding region-id.
extern "C" uint64_t __perdure_encode_region_id(const void *, const void *, const char *);

#define ON_PAGE_MEDIA_ONLY()                                                   \
  if (getenv("PMEM2_FORCE_GRANULARITY"))                                       \
  GTEST_SKIP() << "the medium is taken for persistent memory"

// A region's line may be another process's, which has not come to the sync of it, or has
// died before: who uses the number syncs it, and writes it once more, since a sync that
// has failed may have dropped it.
TEST_F(SystemTest, RegionsOfOthersAreSynced) {
  uint64_t *A = create("a"), *B = create("b"), *C = create("c");
  __perdure_encode_region_id(A, A, nullptr);
  std::string Path = Dir + "/perdure.regions", Lines = readFile(Path);
  ASSERT_EQ(Lines.size(), 22u + 33);
  perdure_id Id = perdure_object_id(B);
  char Line[34];
  snprintf(Line, sizeof(Line), "%016llx%016llx\n", (unsigned long long)Id.hi,
           (unsigned long long)Id.lo);
  writeFile(Path, Lines + Line + "half"); // nor has the one that died then finished
  int Syncs = 0, Writes = 0;
  auto isOfRegions = [&](int File) {
    struct stat Given, Known;
    return !fstat(File, &Given) && !stat(Path.c_str(), &Known) &&
           Given.st_ino == Known.st_ino;
  };
  SyncInstead = [&](int File) {
    Syncs += isOfRegions(File);
    return false;
  };
  BeforeWrite = [&](int File) { Writes += isOfRegions(File); };
  uint64_t Region = __perdure_encode_region_id(B, A, nullptr) >> 40;
  EXPECT_EQ(Syncs, 1);
  EXPECT_EQ(Writes, 1);
  EXPECT_EQ(readFile(Path), Lines + Line);
  EXPECT_NE(__perdure_encode_region_id(C, A, nullptr) >> 40, Region);
  EXPECT_EQ(Syncs, 2);
  EXPECT_EQ(Writes, 2);
  EXPECT_EQ(__perdure_encode_region_id(B, A, nullptr) >> 40, Region);
  EXPECT_EQ(Syncs, 2);
  // Another process knows none of them to be durable.
  closeStore();
  reopenStore();
  __perdure_encode_region_id(open("b"), open("a"), nullptr);
  EXPECT_EQ(Syncs, 3);
  SyncInstead = nullptr;
  BeforeWrite = nullptr;
}

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
  ON_PAGE_MEDIA_ONLY(); // elsewhere closing syncs nothing
  *create("a", 8, PERDURE_DURABLE) = 1;
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
    A[0] = 1;
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
  ON_PAGE_MEDIA_ONLY(); // elsewhere closing syncs nothing
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
  ON_PAGE_MEDIA_ONLY(); // elsewhere closing syncs nothing
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
