//===- SharingTest.cpp - Several processes and one object -----------------===//

#include "Support.h"

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

/// A child by fork() alone, as programs make them, that says when it is ready.
class Forked {
public:
  /// Body gets a function that says so and waits for finish().
  template <typename BodyType> explicit Forked(BodyType Body) {
    EXPECT_EQ(pipe(Ready), 0);
    EXPECT_EQ(pipe(Go), 0);
    Pid = fork();
    if (Pid == 0) {
      close(Go[1]);
      _exit(Body([&] {
        char C = 0;
        (void)!write(Ready[1], &C, 1);
        (void)!read(Go[0], &C, 1);
      }));
    }
    close(Ready[1]);
    close(Go[0]);
    char C;
    Reached = read(Ready[0], &C, 1) == 1;
  }
  ~Forked() {
    finish();
    close(Ready[0]);
  }
  void go() {
    if (Go[1] >= 0)
      close(Go[1]);
    Go[1] = -1;
  }
  int finish() {
    go();
    return end();
  }
  int kill() {
    ::kill(Pid, SIGKILL);
    return end();
  }
  pid_t Pid;
  bool Reached; // it said that it is ready

private:
  int end() {
    if (!Ended)
      waitpid(Pid, &Status, 0);
    Ended = true;
    return WIFEXITED(Status) ? WEXITSTATUS(Status) : -1;
  }
  int Ready[2], Go[2], Status = 0;
  bool Ended = false;
};

class SharingTest : public StoreTest {};

struct Counter {
  uint64_t Value, Copy;
};

//===----------------------------------------------------------------------===//
// One writer
//===----------------------------------------------------------------------===//

TEST_F(SharingTest, OneWriterAndItsNameInTheMessage) {
  create("a");
  closeStore();
  Forked Other([&](auto Wait) {
    perdure_store *T = perdure_store_open(Dir.c_str(), 0);
    REQUIRE(T && perdure_open(T, "a", 0));
    Wait();
    return 0;
  });
  ASSERT_TRUE(Other.Reached);
  reopenStore();
  errno = 0;
  EXPECT_EQ(perdure_open(S, "a", 0), nullptr);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_NE(strstr(perdure_errormsg(),
                   ("process " + std::to_string(Other.Pid)).c_str()),
            nullptr)
      << perdure_errormsg();
  EXPECT_EQ(perdure_open(S, "a", PERDURE_SHARED), nullptr);
  EXPECT_EQ(errno, EBUSY);
  struct perdure_holder Holder;
  ASSERT_EQ(perdure_holder(S, "a", &Holder), 0);
  EXPECT_EQ(Holder.writers, (unsigned)PERDURE_EXCL);
  EXPECT_EQ(Holder.pid, Other.Pid);
  open("a", PERDURE_RDONLY);
  // It dies, and the next one goes on.
  Other.kill();
  open("a");
  ASSERT_EQ(perdure_holder(S, "a", &Holder), 0);
  EXPECT_EQ(Holder.writers, 0u);
}

TEST_F(SharingTest, ReadersSeeWhatTheWriterAddsAndItsGrowth) {
  uint64_t *Root = create("a");
  create("b");
  closeStore();
  Forked Reader([&](auto Wait) {
    perdure_store *T = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
    REQUIRE(T);
    auto *R = (uint64_t *)perdure_open(T, "a", 0);
    REQUIRE(R && !R[0]);
    Wait();
    auto *Block = (unsigned char *)perdure_decode(R[0], &R[0]);
    for (size_t I = 0; I < 64 << 20; I += 4096)
      REQUIRE(Block[I] == (unsigned char)(I >> 12 | 1));
    REQUIRE(perdure_decode(R[1], &R[1]) == perdure_open(T, "b", 0));
    struct perdure_stat Stat;
    REQUIRE(!perdure_stat(R, &Stat));
    REQUIRE(Stat.file_bytes > 64 << 20 && Stat.fot_entries == 1);
    return 0;
  });
  ASSERT_TRUE(Reader.Reached);
  reopenStore();
  Root = open("a");
  auto *Block = (unsigned char *)perdure_alloc(Root, 64 << 20);
  ASSERT_NE(Block, nullptr);
  for (size_t I = 0; I < 64 << 20; I += 4096)
    Block[I] = (unsigned char)(I >> 12 | 1);
  Root[0] = perdure_encode(Block, &Root[0]);
  Root[1] = perdure_encode(open("b"), &Root[1]);
  EXPECT_EQ(Reader.finish(), 0);
}

TEST_F(SharingTest, AGrowingObjectIsNotDamaged) {
  create("a");
  closeStore();
  Forked Writer([&](auto Wait) {
    Wait();
    for (int Round = 0; Round < 12; ++Round) {
      std::string Name = std::to_string(Round);
      perdure_store *T = perdure_store_open(Dir.c_str(), 0);
      REQUIRE(T && perdure_create(T, Name.c_str(), 8, 0));
      void *Root = perdure_open(T, Name.c_str(), 0);
      for (int I = 0; I < 400; ++I)
        REQUIRE(perdure_alloc(Root, 4096 * (1 + (size_t)I % 40)));
      perdure_store_close(T);
    }
    return 0;
  });
  ASSERT_TRUE(Writer.Reached);
  reopenStore(PERDURE_RDONLY);
  std::atomic<bool> Ended{false};
  std::thread Waits([&] {
    EXPECT_EQ(Writer.finish(), 0);
    Ended = true;
  });
  for (int Round = 0; !Ended;) {
    void *Root = perdure_open(S, std::to_string(Round).c_str(), 0);
    if (!Root) {
      usleep(100);
      continue;
    }
    struct perdure_stat Stat;
    do
      EXPECT_EQ(perdure_stat(Root, &Stat), 0) << perdure_errormsg();
    while (!Ended && Stat.large_blocks < 400);
    ++Round;
  }
  Waits.join();
}

//===----------------------------------------------------------------------===//
// Sections
//===----------------------------------------------------------------------===//

TEST_F(SharingTest, SectionsBetweenThreads) {
  auto *C = (Counter *)create("a");
  std::atomic<bool> Torn{false};
  std::vector<std::thread> Threads;
  for (int T = 0; T < 4; ++T)
    Threads.emplace_back([&, T] {
      for (int I = 0; I < 2000; ++I) {
        bool Reader = T & 1;
        ASSERT_EQ(perdure_lock(C, Reader ? PERDURE_RDONLY : 0), 0)
            << perdure_errormsg();
        if (C->Value != C->Copy)
          Torn = true;
        if (!Reader) {
          ++C->Value;
          ++C->Copy;
        }
        ASSERT_EQ(perdure_unlock(C), 0);
      }
    });
  for (std::thread &T : Threads)
    T.join();
  EXPECT_FALSE(Torn);
  EXPECT_EQ(C->Value, 4000u);
}

TEST_F(SharingTest, SectionsMisused) {
  auto *C = (Counter *)create("a");
  errno = 0;
  EXPECT_EQ(perdure_unlock(C), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(perdure_lock(C, 0), 0);
  EXPECT_EQ(perdure_lock(C, 0), -1);
  EXPECT_EQ(errno, EDEADLK);
  std::thread([&] {
    EXPECT_EQ(perdure_lock(C, PERDURE_NOWAIT), -1);
    EXPECT_EQ(errno, EBUSY);
    EXPECT_EQ(perdure_lock(C, PERDURE_NOWAIT | PERDURE_RDONLY), -1);
    EXPECT_EQ(errno, EBUSY);
    EXPECT_EQ(perdure_unlock(C), -1);
  }).join();
  EXPECT_EQ(perdure_unlock(C), 0);
  EXPECT_EQ(perdure_lock(C, PERDURE_DURABLE), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(perdure_lock(&errno, 0), -1);
  EXPECT_EQ(errno, EINVAL);
}

// Args: store, rounds. Adds to both halves of the counter in sections, through
// blocks that are allocated and freed there.
CHILD(addInTurns) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), PERDURE_SHARED);
  REQUIRE(T);
  auto *Root = (uint64_t *)perdure_open(T, "a", 0);
  REQUIRE(Root);
  for (int I = 0; I < std::stoi(Args[1]); ++I) {
    REQUIRE(perdure_lock(Root, 0) == 0);
    auto *Old = (Counter *)perdure_decode(Root[0], &Root[0]);
    auto *New = (Counter *)perdure_alloc(Root, sizeof(Counter) + I % 3000);
    REQUIRE(New && New != Old && !New->Value);
    REQUIRE(!Old || Old->Value == Old->Copy);
    New->Value = New->Copy = Old ? Old->Value + 1 : 1;
    Root[0] = perdure_encode(New, &Root[0]);
    perdure_free(Old);
    REQUIRE(perdure_unlock(Root) == 0);
  }
  perdure_store_close(T);
  return 0;
}

TEST_F(SharingTest, ProcessesTakeTurns) {
  create("a");
  closeStore();
  std::vector<std::thread> Threads;
  std::atomic<int> Failures{0};
  for (int T = 0; T < 3; ++T)
    Threads.emplace_back([&] {
      ChildResult R = runChild("addInTurns", {Dir, "400"});
      if (R.Exit) {
        ++Failures;
        fprintf(stderr, "%s\n", R.Output.c_str());
      }
    });
  // A reader meanwhile.
  reopenStore();
  uint64_t *Root = open("a", PERDURE_RDONLY);
  for (uint64_t Last = 0, Now = 0; Now < 1200 && !Failures; Last = Now) {
    ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0) << perdure_errormsg();
    if (auto *C = (Counter *)perdure_decode(Root[0], &Root[0])) {
      Now = C->Value;
      EXPECT_EQ(C->Value, C->Copy);
      EXPECT_GE(Now, Last);
    }
    ASSERT_EQ(perdure_unlock(Root), 0);
  }
  for (std::thread &T : Threads)
    T.join();
  EXPECT_EQ(Failures, 0);
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(Root, &Stat), 0);
  EXPECT_EQ(Stat.blocks, 2u);
}

TEST_F(SharingTest, AllocationNeedsASectionWhenShared) {
  create("a");
  closeStore();
  reopenStore();
  uint64_t *Root = open("a", PERDURE_SHARED);
  errno = 0;
  EXPECT_EQ(perdure_alloc(Root, 8), nullptr);
  EXPECT_EQ(errno, EPERM);
  ASSERT_EQ(perdure_lock(Root, 0), 0);
  EXPECT_NE(perdure_alloc(Root, 8), nullptr);
  ASSERT_EQ(perdure_unlock(Root), 0);
  // Alone it may go on without.
  EXPECT_EQ(open("a"), Root);
  EXPECT_NE(perdure_alloc(Root, 8), nullptr);
}

// A process that is alone allocates without sections: what others allocated
// before it was is not its to give.
TEST_F(SharingTest, WhoBecomesAloneKnowsWhatOthersAllocated) {
  create("a");
  create("other");
  closeStore();
  reopenStore();
  auto *Root = (uint64_t *)perdure_open(S, "a", PERDURE_SHARED);
  ASSERT_NE(Root, nullptr);
  ASSERT_EQ(perdure_lock(Root, 0), 0);
  void *Mine = perdure_alloc(Root, 64);
  ASSERT_EQ(perdure_unlock(Root), 0);
  ChildResult R = runChild("addInTurns", {Dir, "5"});
  ASSERT_EQ(R.Exit, 0) << R.Output;
  auto *Theirs = (Counter *)perdure_decode(Root[0], &Root[0]);
  EXPECT_EQ(open("a"), Root);
  for (int I = 0; I < 200; ++I) {
    void *New = perdure_alloc(Root, 16 + I % 64);
    EXPECT_NE(New, Mine);
    memset(New, 0xff, 16);
  }
  EXPECT_EQ(Theirs->Value, 5u);
  EXPECT_EQ(Theirs->Copy, 5u);
}

// The store is locked while an object is opened: nothing is waited for then.
TEST_F(SharingTest, WhoWantsToBeAloneDoesNotWaitForSections) {
  create("a");
  create("b");
  reopenStore();
  auto *Root = (uint64_t *)perdure_open(S, "a", PERDURE_SHARED);
  ASSERT_TRUE(Root && perdure_lock(Root, 0) == 0);
  std::thread([&] {
    errno = 0;
    EXPECT_EQ(perdure_open(S, "a", 0), nullptr);
    EXPECT_EQ(errno, EBUSY);
  }).join();
  open("b");
  // The one in the section may.
  EXPECT_EQ(open("a"), Root);
  EXPECT_EQ(perdure_unlock(Root), 0);
  EXPECT_NE(perdure_alloc(Root, 8), nullptr);
}

// Nor for this thread's own, which would not end.
TEST_F(SharingTest, WhoReadsDoesNotBecomeTheOnlyWriter) {
  create("a");
  closeStore();
  reopenStore();
  uint64_t *Root = open("a", PERDURE_SHARED);
  ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0);
  errno = 0;
  EXPECT_EQ(perdure_open(S, "a", 0), nullptr);
  EXPECT_EQ(errno, EDEADLK);
  EXPECT_EQ(perdure_unlock(Root), 0);
  EXPECT_EQ(open("a"), Root);
  reopenStore();
  Root = open("a", PERDURE_RDONLY);
  ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0);
  EXPECT_EQ(perdure_open(S, "a", 0), nullptr);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_EQ(perdure_unlock(Root), 0);
  EXPECT_EQ(open("a"), Root);
}

// A reader that meets a writer's turn goes on when that one has gone.
TEST_F(SharingTest, ReadersGoOnWhenNobodyWaitsAnyMore) {
  create("a");
  closeStore();
  reopenStore(PERDURE_SHARED);
  uint64_t *Root = open("a");
  ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0);
  Forked Other([&](auto Wait) {
    perdure_store_close(S);
    perdure_store *T = perdure_store_open(Dir.c_str(), PERDURE_SHARED);
    auto *R = T ? (uint64_t *)perdure_open(T, "a", 0) : nullptr;
    REQUIRE(R);
    std::thread([&] { perdure_lock(R, 0); }).detach();
    usleep(100000); // it waits for the reader
    Wait();
    return 0;
  });
  ASSERT_TRUE(Other.Reached);
  std::thread Second([&] {
    EXPECT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0);
    EXPECT_EQ(perdure_unlock(Root), 0);
  });
  usleep(50000);
  Other.kill();
  Second.join(); // while this thread still reads
  EXPECT_EQ(perdure_unlock(Root), 0);
}

TEST_F(SharingTest, CreatedInASharedStoreIsShared) {
  closeStore();
  reopenStore(PERDURE_SHARED);
  create("a");
  ChildResult R = runChild("addInTurns", {Dir, "3"});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  uint64_t *Root = open("a");
  ASSERT_EQ(perdure_lock(Root, 0), 0) << perdure_errormsg();
  EXPECT_NE(perdure_alloc(Root, 8), nullptr);
  EXPECT_EQ(((Counter *)perdure_decode(Root[0], &Root[0]))->Value, 3u);
  EXPECT_EQ(perdure_unlock(Root), 0);
}

TEST_F(SharingTest, SectionsBelongToThreads) {
  create("a");
  closeStore();
  reopenStore(PERDURE_SHARED);
  uint64_t *Root = open("a");
  ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0);
  EXPECT_EQ(perdure_lock(Root, PERDURE_RDONLY), -1);
  EXPECT_EQ(errno, EDEADLK);
  EXPECT_EQ(perdure_lock(Root, 0), -1);
  EXPECT_EQ(errno, EDEADLK);
  std::thread([&] {
    EXPECT_EQ(perdure_unlock(Root), -1);
    EXPECT_EQ(errno, EPERM);
  }).join();
  EXPECT_EQ(perdure_unlock(Root), 0);
  ASSERT_EQ(perdure_lock(Root, 0), 0);
  std::thread([&] {
    EXPECT_EQ(perdure_alloc(Root, 8), nullptr);
    EXPECT_EQ(errno, EPERM);
  }).join();
  EXPECT_EQ(perdure_unlock(Root), 0);
  // Those of stores that are closed end with them.
  for (int I = 0; I < 100; ++I) {
    ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0) << perdure_errormsg();
    reopenStore(PERDURE_SHARED);
    Root = open("a");
  }
  ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0);
  reopenStore(PERDURE_SHARED);
  Root = open("a");
  EXPECT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0) << perdure_errormsg();
  EXPECT_EQ(perdure_unlock(Root), 0);
}

// A thread's keys may hold what leaves a section, and end after the runtime's.
TEST_F(SharingTest, DestructorsOfThreadsLeaveSections) {
  create("a");
  static uint64_t *Root;
  static std::atomic<int> Left;
  static pthread_key_t Key;
  Root = open("a");
  Left = -1;
  std::thread([] { // the runtime's key is made before the program's
    ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0);
    ASSERT_EQ(pthread_key_create(&Key,
                                 [](void *) { Left = perdure_unlock(Root); }),
              0);
    pthread_setspecific(Key, Root);
  }).join();
  EXPECT_EQ(pthread_key_delete(Key), 0);
  EXPECT_EQ(Left, 0);
  EXPECT_EQ(perdure_lock(Root, PERDURE_NOWAIT), 0) << perdure_errormsg();
  EXPECT_EQ(perdure_unlock(Root), 0);
}

// Readers that overlap without end, in this process and in another.
TEST_F(SharingTest, ReadersDoNotKeepAWriterOut) {
  create("a");
  closeStore();
  reopenStore(PERDURE_SHARED);
  uint64_t *Root = open("a");
  auto ReadUntil = [](uint64_t *In, std::atomic<bool> &Stop) {
    while (!Stop) {
      if (perdure_lock(In, PERDURE_RDONLY))
        return false;
      usleep(2000);
      if (perdure_unlock(In))
        return false;
    }
    return true;
  };
  Forked Other([&](auto Wait) {
    perdure_store_close(S);
    perdure_store *T = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
    auto *R = T ? (uint64_t *)perdure_open(T, "a", 0) : nullptr;
    REQUIRE(R);
    std::atomic<bool> Stop{false}, Ok{true};
    std::vector<std::thread> Threads;
    for (int I = 0; I < 3; ++I)
      Threads.emplace_back([&] {
        if (!ReadUntil(R, Stop))
          Ok = false;
      });
    Wait();
    Stop = true;
    for (std::thread &T : Threads)
      T.join();
    return Ok ? 0 : 1;
  });
  ASSERT_TRUE(Other.Reached);
  std::atomic<bool> Stop{false};
  std::vector<std::thread> Threads;
  for (int I = 0; I < 3; ++I)
    Threads.emplace_back([&] { EXPECT_TRUE(ReadUntil(Root, Stop)); });
  for (int I = 0; I < 20; ++I) { // hangs when they do
    ASSERT_EQ(perdure_lock(Root, 0), 0);
    ASSERT_EQ(perdure_unlock(Root), 0);
  }
  Stop = true;
  for (std::thread &T : Threads)
    T.join();
  EXPECT_EQ(Other.finish(), 0);
}

// Nor do those that look at the log of an object which a dead process left keep
// out who would recover it for all (platform/file_lock.h, StructureTurn).
TEST_F(SharingTest, WhoWaitsForTheStructureComesBeforeReaders) {
  create("a");
  closeStore();
  enum { Structure = 3, StructureTurn = 4 };
  auto request = [](int Byte, short Type) {
    struct flock Request = {};
    Request.l_type = Type;
    Request.l_start = ((off_t)1 << 62) + Byte;
    Request.l_len = 1;
    return Request;
  };
  Forked Opener([&](auto Wait) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Wait();
    perdure_store *T = perdure_store_open(Dir.c_str(), 0);
    REQUIRE(T && perdure_open(T, "a", 0));
    return 0;
  });
  ASSERT_TRUE(Opener.Reached);
  reopenStore(PERDURE_RDONLY);
  uint64_t *Root = open("a", PERDURE_RDONLY);
  // A reader that looks, and goes on looking.
  int File = ::open(fileOf("a").c_str(), O_RDONLY | O_CLOEXEC);
  struct flock Look = request(Structure, F_RDLCK);
  ASSERT_EQ(fcntl(File, F_OFD_SETLK, &Look), 0);
  ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY | PERDURE_NOWAIT), 0);
  ASSERT_EQ(perdure_unlock(Root), 0);
  Opener.go();
  for (int Past = 0;; ++Past) {
    ASSERT_LT(Past, 60000) << "it does not take its turn";
    struct flock Turn = request(StructureTurn, F_RDLCK);
    ASSERT_EQ(fcntl(File, F_OFD_GETLK, &Turn), 0);
    if (Turn.l_type == F_WRLCK)
      break;
    usleep(1000);
  }
  EXPECT_EQ(perdure_lock(Root, PERDURE_RDONLY | PERDURE_NOWAIT), -1);
  EXPECT_EQ(errno, EBUSY) << perdure_errormsg();
  close(File);
  EXPECT_EQ(Opener.finish(), 0);
  EXPECT_EQ(perdure_lock(Root, PERDURE_RDONLY | PERDURE_NOWAIT), 0)
      << perdure_errormsg();
  EXPECT_EQ(perdure_unlock(Root), 0);
}

// Others that come and go in between do not lose what has to be told.
TEST_F(SharingTest, ADeathIsToldLater) {
  create("a");
  create("b");
  closeStore();
  {
    Forked Other([&](auto Wait) {
      perdure_store *T = perdure_store_open(Dir.c_str(), 0);
      auto *R = T ? (uint64_t *)perdure_open(T, "a", 0) : nullptr;
      REQUIRE(R && perdure_lock(R, 0) == 0);
      Wait();
      return 0;
    });
    ASSERT_TRUE(Other.Reached);
    Other.kill();
  }
  for (int I = 0; I < 2; ++I) {
    reopenStore();
    open("b");
    open("a");
    closeStore();
  }
  reopenStore();
  uint64_t *Root = open("a");
  EXPECT_EQ(perdure_lock(Root, 0), 1);
  EXPECT_EQ(perdure_unlock(Root), 0);
}

TEST_F(SharingTest, ForkWhileAStoreCloses) {
  create("a");
  closeStore();
  std::atomic<bool> Stop{false};
  std::thread Closer([&] {
    while (!Stop) {
      perdure_store *T = perdure_store_open(Dir.c_str(), 0);
      if (T && perdure_open(T, "a", 0))
        perdure_store_close(T);
    }
  });
  for (int I = 0; I < 40; ++I) {
    pid_t Pid = fork();
    if (!Pid) {
      alarm(20);
      perdure_store *T = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
      if (!T) // its parent's, open to be written
        T = perdure_store_open(Dir.c_str(), 0);
      _exit(T && perdure_open(T, "a", PERDURE_RDONLY) ? 0 : 1);
    }
    int Status;
    waitpid(Pid, &Status, 0);
    ASSERT_TRUE(WIFEXITED(Status) && !WEXITSTATUS(Status)) << I;
  }
  Stop = true;
  Closer.join();
}

TEST_F(SharingTest, DeathInsideASectionIsTold) {
  create("a");
  closeStore();
  reopenStore();
  uint64_t *Root = open("a", PERDURE_SHARED);
  {
    Forked Other([&](auto Wait) {
      perdure_store_close(S);
      perdure_store *T = perdure_store_open(Dir.c_str(), PERDURE_SHARED);
      auto *R = T ? (uint64_t *)perdure_open(T, "a", 0) : nullptr;
      REQUIRE(R && perdure_lock(R, 0) == 0);
      R[0] = 1;
      Wait();
      return 0;
    });
    ASSERT_TRUE(Other.Reached);
    errno = 0;
    EXPECT_EQ(perdure_lock(Root, PERDURE_NOWAIT), -1);
    EXPECT_EQ(errno, EBUSY);
    EXPECT_NE(strstr(perdure_errormsg(), std::to_string(Other.Pid).c_str()),
              nullptr)
        << perdure_errormsg();
    Other.kill();
  }
  EXPECT_EQ(perdure_lock(Root, 0), 1);
  EXPECT_EQ(Root[0], 1u);
  EXPECT_EQ(perdure_unlock(Root), 0);
  EXPECT_EQ(perdure_lock(Root, 0), 0);
  EXPECT_EQ(perdure_unlock(Root), 0);
}

// Who reads first, and so ends what the dead one's transaction left, is not the one to be
// told.
TEST_F(SharingTest, DeathIsToldAfterOthersHaveRead) {
  create("a");
  closeStore();
  reopenStore();
  uint64_t *Root = open("a", PERDURE_SHARED);
  {
    Forked Other([&](auto Wait) {
      perdure_store_close(S);
      perdure_store *T = perdure_store_open(Dir.c_str(), PERDURE_SHARED);
      auto *R = T ? (uint64_t *)perdure_open(T, "a", 0) : nullptr;
      REQUIRE(R && perdure_lock(R, 0) == 0);
      R[0] = 1;
      REQUIRE(perdure_tx_begin(R) == 0);
      set(&R[1], 1);
      Wait();
      return 0;
    });
    ASSERT_TRUE(Other.Reached);
    Other.kill();
  }
  EXPECT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0) << perdure_errormsg();
  EXPECT_EQ(Root[0], 1u);
  EXPECT_EQ(Root[1], 0u);
  EXPECT_EQ(perdure_unlock(Root), 0);
  EXPECT_EQ(perdure_lock(Root, 0), 1);
  EXPECT_EQ(perdure_unlock(Root), 0);
  EXPECT_EQ(perdure_lock(Root, 0), 0);
  EXPECT_EQ(perdure_unlock(Root), 0);
}

// Args: store, first, last, seed. Leads object 0 to others, in some order.
CHILD(insertShared) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), PERDURE_SHARED);
  REQUIRE(T);
  auto *Root = (uint64_t *)perdure_open(T, "0", 0);
  REQUIRE(Root);
  int Count = std::stoi(Args[1]);
  std::atomic<bool> Ok{true};
  std::vector<std::thread> Threads;
  for (int Thread = 0; Thread < 2; ++Thread)
    Threads.emplace_back([&, Thread] {
      for (int I = 1; I < Count; ++I) {
        int Target = Thread ? Count - I : I;
        void *P = perdure_open(T, std::to_string(Target).c_str(), 0);
        uint64_t Bits = P ? perdure_encode(P, &Root[Target]) : 0;
        uint64_t Before =
            __atomic_exchange_n(&Root[Target], Bits, __ATOMIC_SEQ_CST);
        // One target, one value, whoever was first.
        if (!Bits || (Before && Before != Bits))
          Ok = false;
      }
    });
  for (std::thread &Thread : Threads)
    Thread.join();
  REQUIRE(Ok);
  perdure_store_close(T);
  return 0;
}

TEST_F(SharingTest, ProcessesAndThreadsInsertIntoOneFot) {
  constexpr int Count = 300;
  for (int I = 0; I < Count; ++I)
    create(std::to_string(I).c_str(), 8 * Count);
  closeStore();
  std::vector<std::thread> Threads;
  for (int I = 0; I < 3; ++I)
    Threads.emplace_back([&] {
      ChildResult R = runChild("insertShared", {Dir, std::to_string(Count)});
      EXPECT_EQ(R.Exit, 0) << R.Output;
    });
  for (std::thread &T : Threads)
    T.join();
  reopenStore();
  uint64_t *Root = open("0");
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(Root, &Stat), 0);
  EXPECT_EQ(Stat.fot_entries, (uint64_t)Count - 1);
  std::vector<uint64_t> Indexes;
  for (int I = 1; I < Count; ++I) {
    EXPECT_EQ(perdure_decode(Root[I], &Root[I]),
              open(std::to_string(I).c_str()));
    Indexes.push_back(Root[I] >> 40);
  }
  std::sort(Indexes.begin(), Indexes.end());
  EXPECT_EQ(std::unique(Indexes.begin(), Indexes.end()), Indexes.end());
}

//===----------------------------------------------------------------------===//
// fork
//===----------------------------------------------------------------------===//

TEST_F(SharingTest, ChildReadsAndDoesNotWrite) {
  uint64_t *Root = create("a");
  create("b");
  Root[0] = 1;
  Root[1] = perdure_encode(open("b"), &Root[1]);
  Forked Child([&](auto Wait) {
    REQUIRE(Root[0] == 1);
    REQUIRE(perdure_decode(Root[1], &Root[1]) ==
            perdure_open(S, "b", PERDURE_RDONLY));
    errno = 0;
    REQUIRE(!perdure_alloc(Root, 8) && errno == EROFS);
    REQUIRE(perdure_lock(Root, 0) == -1 && errno == EROFS);
    REQUIRE(!perdure_open(S, "a", 0) && errno == EBUSY);
    REQUIRE(perdure_lock(Root, PERDURE_RDONLY) == 0);
    REQUIRE(perdure_unlock(Root) == 0);
    Wait();
    // What the parent stores is seen here: one file.
    REQUIRE(Root[0] == 2);
    return 0;
  });
  EXPECT_TRUE(Child.Reached);
  // The parent goes on as before.
  Root[0] = 2;
  EXPECT_NE(perdure_alloc(Root, 100), nullptr);
  EXPECT_EQ(Child.finish(), 0);
  pid_t Pid = fork();
  if (!Pid) {
    signal(SIGSEGV, SIG_DFL);
    *(volatile uint64_t *)Root = 3;
    _exit(0);
  }
  int Status;
  waitpid(Pid, &Status, 0);
  EXPECT_TRUE(WIFSIGNALED(Status));
  EXPECT_EQ(Root[0], 2u);
}

// The parent of a child that lives on is killed: its locks go with it.
TEST_F(SharingTest, ParentDiesAndItsChildLives) {
  create("a");
  closeStore();
  int Alive[2];
  ASSERT_EQ(pipe(Alive), 0);
  pid_t GrandChild = 0;
  {
    Forked Parent([&](auto Wait) {
      perdure_store *T = perdure_store_open(Dir.c_str(), 0);
      auto *Root = T ? (uint64_t *)perdure_open(T, "a", 0) : nullptr;
      REQUIRE(Root && perdure_lock(Root, 0) == 0);
      pid_t Pid = fork();
      if (!Pid) {
        // It says so itself: it has closed what its parent locks with by then.
        Pid = getpid();
        REQUIRE(write(Alive[1], &Pid, sizeof(Pid)) == sizeof(Pid));
        for (;;)
          pause();
      }
      Wait();
      return 0;
    });
    ASSERT_TRUE(Parent.Reached);
    ASSERT_EQ(read(Alive[0], &GrandChild, sizeof(GrandChild)),
              (ssize_t)sizeof(GrandChild));
    reopenStore();
    EXPECT_EQ(perdure_open(S, "a", 0), nullptr);
    EXPECT_EQ(errno, EBUSY);
    Parent.kill();
  }
  EXPECT_EQ(kill(GrandChild, 0), 0) << "the child should live on";
  uint64_t *Root = open("a");
  EXPECT_TRUE(Root && perdure_lock(Root, 0) == 1);
  EXPECT_TRUE(Root && perdure_unlock(Root) == 0);
  kill(GrandChild, SIGKILL);
  close(Alive[0]);
  close(Alive[1]);
}

TEST_F(SharingTest, ChildWritesOnceItsParentHasClosed) {
  uint64_t *Root = create("a");
  void *Block = perdure_alloc(Root, 64);
  Forked Child([&](auto Wait) {
    Wait();
    REQUIRE(perdure_open(S, "a", 0) == Root);
    Root[0] = 7;
    void *Mine = perdure_alloc(Root, 64);
    REQUIRE(Mine && Mine != Block);
    perdure_store_close(S);
    return 0;
  });
  ASSERT_TRUE(Child.Reached);
  closeStore();
  EXPECT_EQ(Child.finish(), 0);
  reopenStore();
  EXPECT_EQ(open("a")[0], 7u);
}

// Threads are in the middle of everything while another forks.
TEST_F(SharingTest, ForkAmongBusyThreads) {
  uint64_t *Root = create("a", 65536);
  for (int I = 0; I < 8; ++I)
    create(std::to_string(I).c_str());
  std::atomic<bool> Stop{false};
  std::vector<std::thread> Threads;
  for (int T = 0; T < 3; ++T)
    Threads.emplace_back([&, T] {
      for (unsigned I = 0; !Stop; ++I) {
        perdure_free(perdure_alloc(Root, 16 + I % 5000));
        void *P = perdure_open(S, std::to_string(I % 8).c_str(), 0);
        Root[T * 8] = perdure_encode(P, &Root[T * 8]);
        perdure_close(P);
      }
    });
  for (int I = 0; I < 30; ++I) {
    pid_t Pid = fork();
    if (!Pid) {
      alarm(20); // a lock that stayed taken
      bool Ok = perdure_open(S, "3", PERDURE_RDONLY) &&
                !perdure_alloc(Root, 8) && errno == EROFS;
      perdure_store_close(S);
      _exit(Ok ? 0 : 1);
    }
    int Status;
    waitpid(Pid, &Status, 0);
    ASSERT_TRUE(WIFEXITED(Status) && !WEXITSTATUS(Status)) << I;
  }
  Stop = true;
  for (std::thread &T : Threads)
    T.join();
}

// The last process that writes takes the sidecar with it.
TEST_F(SharingTest, NothingStaysInSharedMemory) {
  create("a");
  if (access("/dev/shm", W_OK))
    GTEST_SKIP() << "there is no /dev/shm";
  struct stat Side;
  ASSERT_EQ(stat(sidecarOf(Dir).c_str(), &Side), 0);
  EXPECT_EQ(Side.st_mode & 0777, 0600u);
  closeStore();
  EXPECT_NE(access(sidecarOf(Dir).c_str(), F_OK), 0);
}

// Also when it closes nothing before it ends.
TEST_F(SharingTest, NothingStaysInSharedMemoryAfterExit) {
  if (access("/dev/shm", W_OK))
    GTEST_SKIP() << "there is no /dev/shm";
  create("a");
  closeStore();
  for (bool Kill : {true, false}) {
    pid_t Pid = fork();
    if (!Pid) {
      perdure_store *Store = perdure_store_open(Dir.c_str(), 0);
      bool Ok = Store && perdure_open(Store, "a", 0) &&
                !access(sidecarOf(Dir).c_str(), F_OK);
      if (Kill)
        raise(SIGKILL);
      exit(Ok ? 0 : 1);
    }
    int Status;
    waitpid(Pid, &Status, 0);
    EXPECT_EQ(Status, Kill ? SIGKILL : 0);
    // A process that was killed could not take it along; the next one does.
    EXPECT_EQ(!access(sidecarOf(Dir).c_str(), F_OK), Kill);
  }
}

} // namespace
