//===- CopyTest.cpp - perdure_copy ----------------------------------------===//

#include "Support.h"

#include <atomic>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

//===----------------------------------------------------------------------===//
// An object whose halves tell whether it is whole
//===----------------------------------------------------------------------===//

// A ring of blocks, of which each change frees the oldest and allocates one.
// Sum is that of their values; Left and Right are equal.
constexpr unsigned RingBlocks = 24;
struct Ring {
  uint64_t Left, Sum, Block[RingBlocks], Right;
};
struct Value {
  uint64_t Number, Inverse;
};

void change(Ring *R) {
  uint64_t &Place = R->Block[R->Left % RingBlocks];
  ++R->Left;
  if (auto *Old = (Value *)perdure_decode(Place, &Place)) {
    R->Sum -= Old->Number;
    perdure_free(Old);
  }
  // Blocks of all kinds; the larger ones make the file grow.
  auto *New = (Value *)perdure_alloc(R, sizeof(Value) + R->Left * 7919 % 30000);
  New->Number = R->Left * 0x9e3779b97f4a7c15;
  New->Inverse = ~New->Number;
  Place = perdure_encode(New, &Place);
  R->Sum += New->Number;
  ++R->Right;
}

// What is wrong with it, or "".
std::string checkRing(Ring *R) {
  if (R->Left != R->Right)
    return "halves differ";
  uint64_t Sum = 0, Count = 1;
  for (uint64_t &Place : R->Block)
    if (auto *V = (Value *)perdure_decode(Place, &Place)) {
      if (V->Inverse != ~V->Number)
        return "a block is not that of the ring";
      Sum += V->Number;
      ++Count;
    }
  if (Sum != R->Sum)
    return "sums differ";
  struct perdure_stat Stat;
  if (perdure_stat(R, &Stat))
    return perdure_errormsg();
  return Stat.blocks == Count ? "" : "the allocator has other blocks";
}

/// A process that changes the ring "a" in sections, until it is told to stop.
// Args: store, flags of perdure_open.
CHILD(turnRing) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(T);
  auto *R = (Ring *)perdure_open(T, "a", (unsigned)std::stoi(Args[1]));
  REQUIRE(R);
  for (uint64_t I = 0;; ++I) {
    REQUIRE(perdure_lock(R, 0) >= 0);
    if (!I)
      REQUIRE(write(STDOUT_FILENO, "x", 1) == 1);
    change(R);
    REQUIRE(perdure_unlock(R) == 0);
  }
}

class Process {
public:
  Process(const char *Name, std::vector<std::string> Args) {
    int Pipe[2];
    EXPECT_EQ(pipe(Pipe), 0);
    Pid = fork();
    if (Pid == 0) {
      dup2(Pipe[1], STDOUT_FILENO);
      close(Pipe[0]);
      close(Pipe[1]);
      std::vector<char *> Argv{(char *)"perdure_unit", (char *)"--child",
                               (char *)Name};
      for (std::string &A : Args)
        Argv.push_back(A.data());
      Argv.push_back(nullptr);
      execSelf(Argv);
      _exit(127);
    }
    close(Pipe[1]);
    char C;
    Ready = read(Pipe[0], &C, 1) == 1;
    close(Pipe[0]);
  }
  ~Process() { kill(); }
  void kill() {
    if (Pid > 0) {
      ::kill(Pid, SIGKILL);
      waitpid(Pid, nullptr, 0);
    }
    Pid = -1;
  }
  pid_t Pid;
  bool Ready;
};

std::vector<std::string> filesIn(const std::string &Path) {
  std::vector<std::string> Names;
  DIR *D = opendir(Path.c_str());
  while (dirent *E = D ? readdir(D) : nullptr)
    if (strcmp(E->d_name, ".") && strcmp(E->d_name, ".."))
      Names.push_back(E->d_name);
  closedir(D);
  return Names;
}

class Copies : public StoreTest {
protected:
  void SetUp() override {
    StoreTest::SetUp();
    OtherDir = Temporary + "/other";
    Other = perdure_store_open(OtherDir.c_str(), PERDURE_CREATE);
    ASSERT_NE(Other, nullptr) << perdure_errormsg();
  }
  void TearDown() override {
    perdure_store_close(Other);
    StoreTest::TearDown();
  }
  void reopenOther() {
    perdure_store_close(Other);
    Other = perdure_store_open(OtherDir.c_str(), 0);
    ASSERT_NE(Other, nullptr) << perdure_errormsg();
  }
  /// Fails with this errno, and these words in the message.
  void refuses(int Errno, const char *Words, const char *Name,
               perdure_store *To, const char *As, unsigned Flags = 0) {
    errno = 0;
    EXPECT_EQ(perdure_copy(S, Name, To, As, Flags), -1);
    EXPECT_EQ(errno, Errno) << perdure_errormsg();
    EXPECT_NE(strstr(perdure_errormsg(), Words), nullptr) << perdure_errormsg();
  }

  std::string OtherDir;
  perdure_store *Other = nullptr;
};

//===----------------------------------------------------------------------===//
// What a copy is
//===----------------------------------------------------------------------===//

TEST_F(Copies, KeepsIdAndContent) {
  uint64_t *Root = create("a");
  Root[0] = perdure_encode(create("b"), &Root[0]);
  Root[1] = perdure_encode(perdure_alloc(Root, 100000), &Root[1]);
  ASSERT_EQ(perdure_copy(S, "a", Other, nullptr, 0), 0) << perdure_errormsg();
  ASSERT_EQ(perdure_copy(S, "a", S, "c", 0), 0) << perdure_errormsg();
  auto *Copy = (uint64_t *)perdure_open(Other, "a", 0);
  ASSERT_NE(Copy, nullptr) << perdure_errormsg();
  perdure_id Id = perdure_object_id(Root), CopyId = perdure_object_id(Copy);
  EXPECT_TRUE(Id.hi == CopyId.hi && Id.lo == CopyId.lo);
  EXPECT_EQ(memcmp(Root, Copy, 4096), 0);
  // Its target is missing, until it is copied as well.
  struct perdure_foreign F;
  ASSERT_EQ(perdure_foreign(Copy, 1, &F), 0) << perdure_errormsg();
  EXPECT_FALSE(F.present);
  ASSERT_EQ(perdure_copy(S, "b", Other, "named otherwise", 0), 0);
  ASSERT_EQ(perdure_foreign(Copy, 1, &F), 0);
  EXPECT_TRUE(F.present);
  EXPECT_EQ(perdure_decode(Copy[0], &Copy[0]),
            perdure_open(Other, "named otherwise", 0));
  // The one in the same store is another object, and leads to the same ones.
  uint64_t *Same = open("c");
  perdure_id SameId = perdure_object_id(Same);
  EXPECT_FALSE(Id.hi == SameId.hi && Id.lo == SameId.lo);
  EXPECT_EQ(perdure_decode(Same[0], &Same[0]), open("b"));
  EXPECT_EQ(perdure_decode(Same[1], &Same[1]),
            (char *)Same +
                ((char *)perdure_decode(Root[1], &Root[1]) - (char *)Root));
  // It is written without changing the first.
  Same[5] = 17;
  EXPECT_EQ(Root[5], 0u);
  // A file of its owner, without holes.
  struct stat Status;
  ASSERT_EQ(stat(fileOf("c").c_str(), &Status), 0);
  EXPECT_EQ(Status.st_mode & 0777, 0600u);
  EXPECT_GE(Status.st_blocks * 512, Status.st_size);
  EXPECT_EQ(filesIn(Dir + "/objects").size(), 3u);
}

TEST_F(Copies, ReadOnlySourceIsLeftAlone) {
  create("a");
  closeStore();
  std::string File = fileOf("a"), Before = readFile(File);
  struct stat Old, New;
  ASSERT_EQ(stat(File.c_str(), &Old), 0);
  S = perdure_store_open(Dir.c_str(), PERDURE_RDONLY);
  ASSERT_EQ(perdure_copy(S, "a", Other, "a", 0), 0) << perdure_errormsg();
  ASSERT_EQ(stat(File.c_str(), &New), 0);
  EXPECT_EQ(readFile(File), Before);
  EXPECT_EQ(Old.st_mtim.tv_nsec, New.st_mtim.tv_nsec);
  EXPECT_EQ(Old.st_ctim.tv_nsec, New.st_ctim.tv_nsec);
  refuses(EROFS, "PERDURE_RDONLY", "a", S, "b");
}

TEST_F(Copies, Refusals) {
  create("a");
  create("b");
  refuses(EINVAL, "flags 0x2", "a", Other, nullptr, PERDURE_RDONLY);
  refuses(EINVAL, "no name", "a", Other, "x/y");
  refuses(ENOENT, "no object called 'c'", "c", Other, nullptr);
  refuses(EEXIST, "called 'b'", "a", S, "b");
  refuses(EEXIST, "called 'a'", "a", S, nullptr);
  ASSERT_EQ(perdure_copy(S, "a", Other, nullptr, 0), 0);
  refuses(EEXIST, "called 'a'", "b", Other, "a");
  refuses(EEXIST, "whose ID is", "a", Other, "again");
  // Removed, but this process has it still.
  ASSERT_NE(perdure_open(Other, "a", PERDURE_RDONLY), nullptr);
  ASSERT_EQ(perdure_remove(Other, "a"), 0);
  refuses(EBUSY, "close that store", "a", Other, "a");
  reopenOther();
  EXPECT_EQ(perdure_copy(S, "a", Other, nullptr, 0), 0) << perdure_errormsg();
}

TEST_F(Copies, OwnSections) {
  uint64_t *Root = create("a");
  ASSERT_EQ(perdure_lock(Root, 0), 0);
  refuses(EDEADLK, "leave that first", "a", Other, nullptr);
  std::thread([&] {
    refuses(EBUSY, "write section", "a", Other, nullptr, PERDURE_NOWAIT);
  }).join();
  ASSERT_EQ(perdure_unlock(Root), 0);
  // A writer may wait for this thread, and the copy for that writer.
  ASSERT_EQ(perdure_lock(Root, PERDURE_RDONLY), 0);
  refuses(EDEADLK, "leave that first", "a", Other, nullptr);
  ASSERT_EQ(perdure_unlock(Root), 0);
  EXPECT_EQ(perdure_copy(S, "a", Other, nullptr, 0), 0) << perdure_errormsg();
}

TEST_F(Copies, DamagedSources) {
  create("magic");
  create("state");
  create("id");
  create("short");
  create("gone");
  closeStore();
  auto Damage = [&](const char *Name, size_t At, size_t Bytes) {
    std::string Text = readFile(fileOf(Name));
    memset(Text.data() + At, 0x5a, Bytes);
    writeFile(fileOf(Name), Text);
  };
  Damage("magic", 0, 8);
  Damage("state", 0x200, 0x400);
  Damage("id", 16, 1);
  ASSERT_EQ(truncate(fileOf("short").c_str(), 5000), 0);
  ASSERT_EQ(unlink(fileOf("gone").c_str()), 0);
  reopenStore();
  refuses(EPROTO, "'magic'", "magic", Other, nullptr);
  refuses(EPROTO, "'state'", "state", Other, nullptr);
  refuses(EPROTO, "'checksum'", "id", Other, nullptr);
  refuses(EPROTO, "cut off", "short", Other, nullptr);
  refuses(ENOENT, "No such file", "gone", Other, nullptr);
  refuses(EPROTO, "'magic'", "magic", Other, nullptr, PERDURE_FORCE);
  EXPECT_TRUE(filesIn(OtherDir + "/objects").empty());
  EXPECT_TRUE(filesIn(OtherDir + "/names").empty());
  // Of this process's own, without a sidecar that says so.
  create("good");
  ASSERT_EQ(unlink(Sidecar.c_str()), 0);
  Damage("good", 0x200, 0x400);
  refuses(EPROTO, "'state'", "good", Other, nullptr);
  refuses(EPROTO, "'state'", "good", Other, nullptr, PERDURE_FORCE);
}

//===----------------------------------------------------------------------===//
// Of what others are writing
//===----------------------------------------------------------------------===//

void copyWhileTurning(perdure_store *&S, const std::string &Dir,
                      perdure_store *Other, unsigned Flags) {
  Process Writer("turnRing", {Dir, std::to_string(Flags)});
  ASSERT_TRUE(Writer.Ready);
  uint64_t Last = 0, Changes = 0;
  constexpr int Rounds = 150;
  for (int I = 0; I < Rounds; ++I) {
    std::string Name = "copy" + std::to_string(I);
    // In one's own store: other IDs.
    ASSERT_EQ(perdure_copy(S, "a", S, Name.c_str(), 0), 0)
        << perdure_errormsg();
    auto *R = (Ring *)perdure_open(S, Name.c_str(), PERDURE_RDONLY);
    ASSERT_NE(R, nullptr) << perdure_errormsg();
    ASSERT_EQ(checkRing(R), "") << I;
    Changes += R->Left != Last;
    ASSERT_GE(R->Left, Last);
    Last = R->Left;
    perdure_close(R);
    ASSERT_EQ(perdure_remove(S, Name.c_str()), 0);
  }
  // The writer was not kept waiting all the time.
  EXPECT_GT(Changes, 3u);
  ASSERT_EQ(perdure_copy(S, "a", Other, "copy", 0), 0) << perdure_errormsg();
  Writer.kill();
  // A copy is written as any other object.
  auto *R = (Ring *)perdure_open(Other, "copy", 0);
  ASSERT_NE(R, nullptr) << perdure_errormsg();
  for (int I = 0; I < 100; ++I)
    change(R);
  EXPECT_EQ(checkRing(R), "");
}

TEST_F(Copies, WhileOneProcessWritesInSections) {
  create("a", sizeof(Ring));
  closeStore();
  reopenStore();
  copyWhileTurning(S, Dir, Other, 0);
}

TEST_F(Copies, WhileProcessesTakeTurns) {
  create("a", sizeof(Ring));
  closeStore();
  reopenStore();
  Process Second("turnRing", {Dir, std::to_string(PERDURE_SHARED)});
  ASSERT_TRUE(Second.Ready);
  copyWhileTurning(S, Dir, Other, PERDURE_SHARED);
}

TEST_F(Copies, WhileThreadsOfThisProcessTakeTurns) {
  auto *R = (Ring *)create("a", sizeof(Ring));
  std::atomic<bool> Stop{false};
  std::thread Writer([&] {
    while (!Stop) {
      EXPECT_EQ(perdure_lock(R, 0), 0);
      change(R);
      EXPECT_EQ(perdure_unlock(R), 0);
    }
  });
  for (int I = 0; I < 50; ++I) {
    std::string Name = "copy" + std::to_string(I);
    EXPECT_EQ(perdure_copy(S, "a", S, Name.c_str(), 0), 0)
        << perdure_errormsg();
    auto *C = (Ring *)perdure_open(S, Name.c_str(), PERDURE_RDONLY);
    EXPECT_EQ(C ? checkRing(C) : perdure_errormsg(), "");
  }
  Stop = true;
  Writer.join();
}

// Args: store. Has "a" open and writes to it without sections, once a section.
CHILD(holdOpen) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(T);
  auto *Root = (uint64_t *)perdure_open(T, "a", 0);
  REQUIRE(Root);
  Root[0] = 1;
  if (Args[1] == "section")
    REQUIRE(perdure_lock(Root, 0) == 0);
  if (Args[1] == "sections")
    REQUIRE(perdure_lock(Root, 0) == 0 && perdure_unlock(Root) == 0);
  REQUIRE(write(STDOUT_FILENO, "x", 1) == 1);
  for (;;)
    Args[1] == "writing" ? (void)++Root[1] : (void)pause();
}

TEST_F(Copies, WhoWritesWithoutSectionsIsInTheWay) {
  create("a");
  closeStore();
  reopenStore();
  {
    Process Holder("holdOpen", {Dir, "writing"});
    ASSERT_TRUE(Holder.Ready);
    std::string Who = "process " + std::to_string(Holder.Pid) +
                      " has it open for writing and has not entered";
    refuses(EBUSY, Who.c_str(), "a", Other, nullptr);
    refuses(EBUSY, "PERDURE_FORCE", "a", Other, nullptr);
    EXPECT_TRUE(filesIn(OtherDir + "/objects").empty());
    EXPECT_EQ(perdure_copy(S, "a", Other, "forced", PERDURE_FORCE), 0)
        << perdure_errormsg();
    EXPECT_NE(perdure_open(Other, "forced", 0), nullptr) << perdure_errormsg();
  }
  {
    Process Holder("holdOpen", {Dir, "sections"});
    ASSERT_TRUE(Holder.Ready);
    EXPECT_EQ(perdure_copy(S, "a", S, "b", 0), 0) << perdure_errormsg();
  }
  // The next holder's sections count anew.
  {
    Process Holder("holdOpen", {Dir, ""});
    ASSERT_TRUE(Holder.Ready);
    refuses(EBUSY, "has not entered", "a", S, "c");
  }
  EXPECT_EQ(perdure_copy(S, "a", S, "c", 0), 0) << perdure_errormsg();
  // Who died in a section may have left half a change.
  Process Holder("holdOpen", {Dir, "section"});
  ASSERT_TRUE(Holder.Ready);
  refuses(EBUSY, "is in a write section", "a", S, "d", PERDURE_NOWAIT);
  // This process has the sidecar open, so it outlives that one.
  open("b");
  Holder.kill();
  EXPECT_EQ(perdure_copy(S, "a", S, "d", 0), 1) << perdure_errormsg();
}

// Args: store. Opens, changes and closes "a" all the time, without sections.
CHILD(comeAndGo) {
  for (uint64_t I = 0;; ++I) {
    perdure_store *T = perdure_store_open(Args[0].c_str(), 0);
    REQUIRE(T);
    auto *Root = (uint64_t *)perdure_open(T, "a", 0);
    REQUIRE(Root);
    for (int J = 0; J < 512; ++J)
      ((volatile uint64_t *)Root)[J] = I;
    perdure_store_close(T);
    if (!I)
      REQUIRE(write(STDOUT_FILENO, "x", 1) == 1);
    usleep(I % 97 * 100);
  }
}

TEST_F(Copies, WhoOpensItMeanwhileIsNoticed) {
  create("a");
  closeStore();
  reopenStore();
  Process Writer("comeAndGo", {Dir});
  ASSERT_TRUE(Writer.Ready);
  for (int I = 0; I < 60; ++I) {
    std::string Name = "copy" + std::to_string(I);
    if (perdure_copy(S, "a", S, Name.c_str(), 0)) {
      ASSERT_EQ(errno, EBUSY) << perdure_errormsg();
      continue;
    }
    auto *Root = (uint64_t *)perdure_open(S, Name.c_str(), PERDURE_RDONLY);
    ASSERT_NE(Root, nullptr) << perdure_errormsg();
    for (int J = 1; J < 512; ++J)
      ASSERT_EQ(Root[J], Root[0]);
  }
  Writer.kill();
  EXPECT_EQ(perdure_copy(S, "a", S, "last", 0), 0) << perdure_errormsg();
}

TEST_F(Copies, ForkMeanwhileKeepsNoSection) {
  // Copying goes on in one thread while another forks.
  uint64_t *Root = create("a", 4 << 20);
  std::atomic<bool> Stop{false};
  std::thread Copier([&] {
    for (int I = 0; !Stop; ++I) {
      std::string Name = "copy" + std::to_string(I);
      EXPECT_EQ(perdure_copy(S, "a", S, Name.c_str(), 0), 0)
          << perdure_errormsg();
      EXPECT_EQ(perdure_remove(S, Name.c_str()), 0);
    }
  });
  std::vector<pid_t> Children;
  for (int I = 0; I < 20; ++I) {
    pid_t Pid = fork();
    if (Pid == 0) {
      pause();
      _exit(0);
    }
    Children.push_back(Pid);
    usleep(2000);
  }
  Stop = true;
  Copier.join();
  // The last child may not have got as far yet.
  int Locked = -1;
  for (int I = 0; I < 10000 && Locked; ++I) {
    Locked = perdure_lock(Root, PERDURE_NOWAIT);
    usleep(Locked ? 1000 : 0);
  }
  EXPECT_EQ(Locked, 0) << perdure_errormsg();
  EXPECT_EQ(perdure_unlock(Root), 0);
  for (pid_t Pid : Children) {
    kill(Pid, SIGKILL);
    waitpid(Pid, nullptr, 0);
  }
}

//===----------------------------------------------------------------------===//
// With what it leads to
//===----------------------------------------------------------------------===//

TEST_F(Copies, Recursive) {
  uint64_t *A = create("a"), *B = create("b"), *C = create("c");
  uint64_t *Unnamed = create("unnamed"), *D = create("d");
  A[0] = perdure_encode(B, &A[0]);
  A[1] = perdure_encode(Unnamed, &A[1]);
  ASSERT_EQ(perdure_bind(&A[2], "d"), 0);
  ASSERT_EQ(perdure_bind(&A[3], "nobody"), 0);
  B[0] = perdure_encode(A, &B[0]); // a circle
  Unnamed[0] = perdure_encode(C, &Unnamed[0]);
  uint64_t *Gone = create("gone");
  C[0] = perdure_encode(Gone, &C[0]);
  C[9] = 9;
  D[9] = 10;
  create("not led to");
  ASSERT_EQ(unlink((Dir + "/names/unnamed").c_str()), 0);
  ASSERT_EQ(perdure_remove(S, "gone"), 0);
  ASSERT_EQ(perdure_copy(S, "a", Other, "top", PERDURE_RECURSIVE), 0)
      << perdure_errormsg();
  EXPECT_EQ(filesIn(OtherDir + "/objects").size(), 5u);
  EXPECT_EQ(filesIn(OtherDir + "/names").size(), 4u);
  auto *Top = (uint64_t *)perdure_open(Other, "top", 0);
  ASSERT_NE(Top, nullptr) << perdure_errormsg();
  EXPECT_EQ(perdure_decode(Top[0], &Top[0]), perdure_open(Other, "b", 0));
  auto *U = (uint64_t *)perdure_decode(Top[1], &Top[1]);
  auto *OtherC = (uint64_t *)perdure_decode(U[0], &U[0]);
  EXPECT_EQ(OtherC, perdure_open(Other, "c", 0));
  EXPECT_EQ(OtherC[9], 9u);
  EXPECT_EQ(((uint64_t *)perdure_decode(Top[2], &Top[2]))[9], 10u);
  // What is there stays; the rest is completed.
  OtherC[9] = 90;
  ASSERT_EQ(perdure_remove(Other, "b"), 0);
  ASSERT_EQ(perdure_remove(Other, "top"), 0);
  reopenOther();
  ASSERT_EQ(unlink((OtherDir + "/names/c").c_str()), 0);
  ASSERT_EQ(perdure_copy(S, "a", Other, "top", PERDURE_RECURSIVE), 0)
      << perdure_errormsg();
  EXPECT_EQ(((uint64_t *)perdure_open(Other, "c", 0))[9], 90u);
  EXPECT_NE(perdure_open(Other, "b", 0), nullptr);
  // In its own store there is nothing to add.
  ASSERT_EQ(perdure_copy(S, "a", S, "same", PERDURE_RECURSIVE), 0)
      << perdure_errormsg();
  EXPECT_EQ(filesIn(Dir + "/objects").size(), 7u);
}

// Each leads to two others; more than the first table of them holds.
TEST_F(Copies, RecursiveMany) {
  constexpr int Count = 300;
  std::vector<uint64_t *> Roots;
  for (int I = 0; I < Count; ++I)
    Roots.push_back(create(("n" + std::to_string(I)).c_str(), 64));
  for (int I = 0; I < Count; ++I)
    for (int J = 0; J < 2; ++J)
      Roots[I][J] =
          perdure_encode(Roots[(I * 2 + J + 1) % Count], &Roots[I][J]);
  ASSERT_EQ(perdure_copy(S, "n0", Other, nullptr, PERDURE_RECURSIVE), 0)
      << perdure_errormsg();
  EXPECT_EQ(filesIn(OtherDir + "/names").size(), (size_t)Count);
  auto *Root = (uint64_t *)perdure_open(Other, "n0", 0);
  ASSERT_NE(Root, nullptr) << perdure_errormsg();
  Root = (uint64_t *)perdure_decode(Root[1], &Root[1]);
  EXPECT_EQ(Root, perdure_open(Other, "n2", 0));
}

TEST_F(Copies, RecursiveAllOrNothing) {
  uint64_t *A = create("a");
  A[0] = perdure_encode(create("b"), &A[0]);
  A[1] = perdure_encode(create("c"), &A[1]);
  ASSERT_NE(perdure_create(Other, "c", 1, 0), nullptr);
  refuses(EEXIST, "called 'c'", "a", Other, nullptr, PERDURE_RECURSIVE);
  ASSERT_EQ(perdure_remove(Other, "c"), 0);
  refuses(EEXIST, "called 'b'", "a", Other, "b", PERDURE_RECURSIVE);
  EXPECT_TRUE(filesIn(OtherDir + "/objects").empty());
  std::string Text = readFile(fileOf("c"));
  Text[0] = 'x';
  writeFile(fileOf("c"), Text);
  refuses(EPROTO, "called c, to which it leads: header field 'magic'", "a",
          Other, nullptr, PERDURE_RECURSIVE);
  EXPECT_TRUE(filesIn(OtherDir + "/objects").empty());
  EXPECT_TRUE(filesIn(OtherDir + "/names").empty());
}

// Args: store, names of two objects in the order in which they are locked. Adds
// one to the first, then to the second.
CHILD(addToBoth) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), PERDURE_SHARED);
  REQUIRE(T);
  auto *A = (uint64_t *)perdure_open(T, "a", 0);
  auto *B = (uint64_t *)perdure_open(T, "b", 0);
  REQUIRE(A && B);
  uint64_t *First = Args[1] == "a" ? A : B, *Second = First == A ? B : A;
  for (uint64_t I = 0;; ++I) {
    REQUIRE(perdure_lock(First, 0) >= 0);
    REQUIRE(perdure_lock(Second, 0) >= 0);
    ++A[1];
    ++B[1];
    REQUIRE(perdure_unlock(Second) == 0);
    REQUIRE(perdure_unlock(First) == 0);
    if (!I)
      REQUIRE(write(STDOUT_FILENO, "x", 1) == 1);
    usleep(50);
  }
}

TEST_F(Copies, RecursiveIsOneMoment) {
  for (const char *Order : {"a", "b"}) {
    std::string Sub = Temporary + "/one" + Order;
    perdure_store *T = perdure_store_open(Sub.c_str(), PERDURE_CREATE);
    auto *A = (uint64_t *)perdure_create(T, "a", 64, 0);
    A[0] = perdure_encode(perdure_create(T, "b", 64, 0), &A[0]);
    perdure_store_close(T);
    T = perdure_store_open(Sub.c_str(), PERDURE_RDONLY);
    ASSERT_NE(T, nullptr);
    Process Writer("addToBoth", {Sub, Order});
    ASSERT_TRUE(Writer.Ready);
    for (int I = 0; I < 30; ++I) {
      std::string To = Temporary + "/to" + Order + std::to_string(I);
      perdure_store *U = perdure_store_open(To.c_str(), PERDURE_CREATE);
      ASSERT_EQ(perdure_copy(T, "a", U, nullptr, PERDURE_RECURSIVE), 0)
          << perdure_errormsg();
      auto *X = (uint64_t *)perdure_open(U, "a", PERDURE_RDONLY);
      ASSERT_NE(X, nullptr);
      EXPECT_EQ(X[1], ((uint64_t *)perdure_decode(X[0], &X[0]))[1]);
      perdure_store_close(U);
    }
    perdure_store_close(T);
  }
}

//===----------------------------------------------------------------------===//
// Death and full disks
//===----------------------------------------------------------------------===//

// Args: from, to. Copies all objects to the other store that are not there.
CHILD(copyTheRest) {
  perdure_store *From = perdure_store_open(Args[0].c_str(), PERDURE_RDONLY);
  perdure_store *To = perdure_store_open(Args[1].c_str(), 0);
  REQUIRE(From && To);
  for (int I = 0; I < 200; ++I) {
    std::string Name = "n" + std::to_string(I);
    if (access((Args[1] + "/names/" + Name).c_str(), F_OK))
      REQUIRE(perdure_copy(From, Name.c_str(), To, nullptr, 0) == 0);
  }
  return 0;
}

TEST_F(Copies, DeathLeavesNothingInTheWay) {
  for (int I = 0; I < 200; ++I)
    create(("n" + std::to_string(I)).c_str(), 50000)[0] = I;
  closeStore();
  int Killed = 0;
  ChildResult R = {};
  for (unsigned I = 0; I < 60 && !(R.Exit == 0 && I); ++I) {
    R = runChild("copyTheRest", {Dir, OtherDir}, "", 4000 + I * 331);
    ASSERT_TRUE(R.Signal == SIGKILL || R.Exit == 0) << R.Output;
    Killed += R.Signal == SIGKILL;
  }
  EXPECT_GT(Killed, 3);
  R = runChild("copyTheRest", {Dir, OtherDir});
  ASSERT_EQ(R.Exit, 0) << R.Output;
  int Names = 0;
  perdure_list(
      Other, [](void *N, const char *, perdure_id) { return ++*(int *)N, 0; },
      &Names);
  EXPECT_EQ(Names, 200);
  EXPECT_EQ(filesIn(OtherDir + "/objects").size(), 200u);
  for (int I = 0; I < 200; ++I) {
    auto *Copy = (uint64_t *)perdure_open(
        Other, ("n" + std::to_string(I)).c_str(), PERDURE_RDONLY);
    ASSERT_NE(Copy, nullptr) << perdure_errormsg();
    EXPECT_EQ(Copy[0], (uint64_t)I);
  }
}

// The moment that death seldom meets: the object is in place, its name is not.
TEST_F(Copies, DeathBeforeTheName) {
  uint64_t *Root = create("a");
  Root[0] = 1;
  ASSERT_EQ(perdure_copy(S, "a", Other, "copy", 0), 0);
  std::string Left = OtherDir + "/names/.new.00000000000000000000000000000001";
  ASSERT_EQ(rename((OtherDir + "/names/copy").c_str(), Left.c_str()), 0);
  // Others died before that, without an object, wherever they come in the list.
  for (const char *Digit : {"0", "2", "8", "f"}) {
    std::string Older = Left;
    Older.back() = *Digit;
    writeFile(Older, readFile(Left));
    struct timespec Times[2] = {{1, 0}, {1, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, Older.c_str(), Times, 0), 0);
  }
  Root[0] = 2;
  ASSERT_EQ(perdure_copy(S, "a", Other, "copy", 0), 0) << perdure_errormsg();
  EXPECT_NE(access(Left.c_str(), F_OK), 0);
  auto *Copy = (uint64_t *)perdure_open(Other, "copy", 0);
  ASSERT_NE(Copy, nullptr) << perdure_errormsg();
  EXPECT_EQ(Copy[0], 2u);
  // One that somebody has changed since is his.
  reopenOther();
  usleep(20000);
  ASSERT_NE(perdure_open(Other, "copy", 0), nullptr);
  ASSERT_EQ(rename((OtherDir + "/names/copy").c_str(), Left.c_str()), 0);
  reopenOther();
  refuses(EEXIST, "whose ID is", "a", Other, "copy");
}

// Args: folder. On a file system of 4 MiB of its own.
CHILD(copyUntilFull) {
  if (unshare(CLONE_NEWNS) ||
      mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) ||
      mount("none", Args[0].c_str(), "tmpfs", 0, "size=4m"))
    return 77;
  perdure_store *T =
      perdure_store_open((Args[0] + "/full").c_str(), PERDURE_CREATE);
  REQUIRE(T);
  auto *Root = (uint64_t *)perdure_create(T, "a", 600000, 0);
  REQUIRE(Root);
  Root[0] = 5;
  int Count = 0;
  for (;; ++Count) {
    std::string Name = "copy" + std::to_string(Count);
    if (perdure_copy(T, "a", T, Name.c_str(), 0))
      break;
  }
  REQUIRE(errno == ENOSPC && strstr(perdure_errormsg(), "free disk space"));
  REQUIRE(Count >= 3);
  REQUIRE(filesIn(Args[0] + "/full/objects").size() == (size_t)Count + 1);
  REQUIRE(filesIn(Args[0] + "/full/names").size() == (size_t)Count + 1);
  // Each is whole, and after one is removed there is room for one.
  for (int I = 0; I < Count; ++I) {
    std::string Name = "copy" + std::to_string(I);
    auto *Copy = (uint64_t *)perdure_open(T, Name.c_str(), PERDURE_RDONLY);
    REQUIRE(Copy && Copy[0] == 5);
  }
  perdure_store_close(T);
  REQUIRE(T = perdure_store_open((Args[0] + "/full").c_str(), 0));
  REQUIRE(perdure_remove(T, "copy0") == 0);
  REQUIRE(perdure_copy(T, "a", T, "copy0", 0) == 0);
  return 0;
}

TEST_F(Copies, FullDisk) {
  ChildResult R = runChild("copyUntilFull", {Temporary});
  if (R.Exit == 77)
    GTEST_SKIP() << "no right to mount";
  EXPECT_EQ(R.Exit, 0) << R.Output;
}

//===----------------------------------------------------------------------===//
// perdure_foreign
//===----------------------------------------------------------------------===//

TEST_F(Copies, Foreign) {
  uint64_t *A = create("a"), *B = create("b");
  struct perdure_foreign F;
  EXPECT_EQ(perdure_foreign(A, 1, &F), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(perdure_foreign(A, 0, &F), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(perdure_foreign(&F, 1, &F), -1);
  EXPECT_EQ(errno, EINVAL);
  A[0] = perdure_encode(B, &A[0]);
  ASSERT_EQ(perdure_set_rights(A, B, PERDURE_RDONLY), 0);
  ASSERT_EQ(perdure_bind(&A[1], "late"), 0);
  ASSERT_EQ(perdure_foreign(A, 1, &F), 0);
  perdure_id Id = perdure_object_id(B);
  EXPECT_TRUE(F.id.hi == Id.hi && F.id.lo == Id.lo);
  EXPECT_STREQ(F.name, "");
  EXPECT_EQ(F.rights, (unsigned)PERDURE_RDONLY);
  EXPECT_TRUE(F.present);
  ASSERT_EQ(perdure_foreign(A, 2, &F), 0);
  EXPECT_STREQ(F.name, "late");
  EXPECT_EQ(F.rights, 0u);
  EXPECT_FALSE(F.present || F.id.hi || F.id.lo);
  Id = perdure_object_id(create("late"));
  ASSERT_EQ(perdure_foreign(A, 2, &F), 0);
  EXPECT_TRUE(F.present && F.id.hi == Id.hi && F.id.lo == Id.lo);
  EXPECT_EQ(perdure_foreign(A, 3, &F), -1);
  EXPECT_EQ(errno, ENOENT);
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(A, &Stat), 0);
  EXPECT_EQ(Stat.format, 1u);
  EXPECT_EQ(Stat.root_bytes, 4096u);
  EXPECT_GT(Stat.created, 1600000000ull * 1000000000);
}

} // namespace
