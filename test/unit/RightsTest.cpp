//===- RightsTest.cpp - Rights that bind late, and names that do ----------===//

#include "Support.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

namespace {

class RightsTest : public StoreTest {
protected:
  // Lets another user walk to the store and read it, but for objects.
  void letOthersIn() {
    chmod(Temporary.c_str(), 0755);
    for (const char *Part : {"", "/objects", "/names"})
      chmod((Dir + Part).c_str(), 0755);
    chmod((Dir + "/perdure.store").c_str(), 0644);
    for (const std::string &Name : Names)
      chmod((Dir + "/names/" + Name).c_str(), 0644);
  }
  uint64_t *createNamed(const char *Name) {
    Names.push_back(Name);
    return create(Name);
  }
  std::vector<std::string> Names;
};

constexpr uid_t Nobody = 65534;

// Runs the body as another user, in a process of its own.
template <typename BodyType> int asNobody(BodyType Body) {
  pid_t Pid = fork();
  if (!Pid) {
    if (setgroups(0, nullptr) || setgid(Nobody) || setuid(Nobody))
      _exit(99);
    if (PERDURE_SANITIZED) // they exit in a way of their own
      signal(SIGSEGV, SIG_DFL);
    _exit(Body());
  }
  int Status;
  waitpid(Pid, &Status, 0);
  return WIFEXITED(Status) ? WEXITSTATUS(Status) : 128 + WTERMSIG(Status);
}

#define AS_ROOT_ONLY()                                                         \
  if (geteuid())                                                               \
  GTEST_SKIP() << "only root can become another user"

TEST_F(RightsTest, TwoUsers) {
  AS_ROOT_ONLY();
  uint64_t *Public = createNamed("public");
  uint64_t *Private = createNamed("private");
  Public[0] = 41;
  Public[1] = perdure_encode(Private, &Public[1]);
  Private[0] = 42;
  letOthersIn();
  chmod(fileOf("public").c_str(), 0644);
  // While the owner writes, the other reads what it may.
  EXPECT_EQ(asNobody([&] {
              perdure_store_close(S);
              perdure_store *T = perdure_store_open(Dir.c_str(), 0);
              REQUIRE(T);
              errno = 0;
              REQUIRE(!perdure_open(T, "private", PERDURE_RDONLY));
              REQUIRE(errno == EACCES);
              REQUIRE(strstr(perdure_errormsg(), "private"));
              // More than the file allows is asked for: that succeeds.
              auto *A = (uint64_t *)perdure_open(T, "public", 0);
              REQUIRE(A && A[0] == 41);
              errno = 0;
              REQUIRE(!perdure_alloc(A, 8) && errno == EROFS);
              REQUIRE(strstr(perdure_errormsg(), "Permission denied"));
              REQUIRE(perdure_decode(A[1], &A[1]) != nullptr);
              REQUIRE(perdure_lock(A, PERDURE_RDONLY) == 0);
              REQUIRE(perdure_unlock(A) == 0);
              REQUIRE(perdure_lock(A, 0) == -1 && errno == EROFS);
              REQUIRE(!perdure_create(T, "mine", 8, 0) && errno == EACCES);
              REQUIRE(perdure_remove(T, "public") == -1 && errno == EACCES);
              *(volatile uint64_t *)A = 43; // faults
              return 0;
            }),
            128 + SIGSEGV);
  EXPECT_EQ(Public[0], 41u);
  // The pointer to what may not be opened faults, and only its use does.
  EXPECT_EQ(asNobody([&] {
              perdure_store_close(S);
              perdure_store *T = perdure_store_open(Dir.c_str(), 0);
              auto *A = (uint64_t *)perdure_open(T, "public", 0);
              REQUIRE(A);
              auto *P = (uint64_t *)perdure_decode(A[1], &A[1]);
              REQUIRE(P && perdure_encode(P, &A[1]) == A[1]);
              return (int)*(volatile uint64_t *)P;
            }),
            128 + SIGSEGV);
  // Rights bind late: what is allowed now was not when it was made.
  chmod(fileOf("private").c_str(), 0644);
  EXPECT_EQ(asNobody([&] {
              perdure_store_close(S);
              perdure_store *T = perdure_store_open(Dir.c_str(), 0);
              auto *A = (uint64_t *)perdure_open(T, "public", 0);
              REQUIRE(A);
              return (int)*(uint64_t *)perdure_decode(A[1], &A[1]);
            }),
            42);
}

TEST_F(RightsTest, StoreThatMayOnlyBeRead) {
  AS_ROOT_ONLY();
  createNamed("a")[0] = 7;
  letOthersIn();
  chmod(fileOf("a").c_str(), 0444);
  closeStore();
  EXPECT_EQ(asNobody([&] {
              perdure_store *T = perdure_store_open(Dir.c_str(), 0);
              REQUIRE(T);
              auto *A = (uint64_t *)perdure_open(T, "a", PERDURE_SHARED);
              REQUIRE(A);
              struct perdure_holder Holder;
              REQUIRE(perdure_holder(T, "a", &Holder) == 0);
              return (int)A[0];
            }),
            7);
}

TEST_F(RightsTest, AskedForByThePointer) {
  uint64_t *A = create("a"), *B = create("b"), *C = create("c");
  A[0] = perdure_encode(B, &A[0]);
  A[1] = perdure_encode(C, &A[1]);
  EXPECT_EQ(perdure_set_rights(A, B, PERDURE_RDONLY), 0);
  EXPECT_EQ(perdure_set_rights(A, A, 0), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(perdure_set_rights(B, C, PERDURE_RDONLY), -1);
  EXPECT_EQ(errno, ENOENT);
  reopenStore();
  A = open("a");
  B = (uint64_t *)perdure_decode(A[0], &A[0]);
  C = (uint64_t *)perdure_decode(A[1], &A[1]);
  EXPECT_EQ(perdure_alloc(B, 8), nullptr);
  EXPECT_EQ(errno, EROFS);
  EXPECT_NE(perdure_alloc(C, 8), nullptr);
  // Opened for writing it is writable, and the pointer is the same.
  EXPECT_EQ(open("b"), B);
  EXPECT_NE(perdure_alloc(B, 8), nullptr);
  EXPECT_EQ(perdure_encode(B, &A[0]), A[0]);
  EXPECT_EQ(perdure_set_rights(A, B, 0), 0);
  reopenStore();
  A = open("a");
  EXPECT_NE(perdure_alloc(perdure_decode(A[0], &A[0]), 8), nullptr);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

TEST_F(RightsTest, NamesBindWhenThePointerIsFollowed) {
  uint64_t *A = create("a");
  ASSERT_EQ(perdure_bind(&A[0], "later"), 0) << perdure_errormsg();
  ASSERT_EQ(perdure_bind(&A[1], "later"), 0);
  EXPECT_EQ(A[0], A[1]);
  // Nobody has the name: an address of its own that faults.
  void *Nowhere = perdure_decode(A[0], &A[0]);
  ASSERT_NE(Nowhere, nullptr);
  EXPECT_NE(baseOf(Nowhere), baseOf(A));
  EXPECT_EQ(perdure_root(Nowhere), nullptr);
  // It comes, and the pointer leads there.
  uint64_t *Later = create("later", 100);
  Later[0] = 9;
  EXPECT_EQ(perdure_decode(A[0], &A[0]), Later);
  EXPECT_EQ(perdure_decode(A[1], &A[1]), Later);
  // A copy is bound to the object.
  A[2] = perdure_encode(Later, &A[2]);
  EXPECT_NE(A[2], A[0]);
  // The next process finds what has the name then, wherever its root lies.
  ASSERT_EQ(perdure_remove(S, "later"), 0);
  EXPECT_EQ(perdure_decode(A[0], &A[0]), Later)
      << "bound until the store closes";
  create("later", 100000)[0] = 10;
  reopenStore();
  A = open("a");
  EXPECT_EQ(perdure_decode(A[0], &A[0]), open("later"));
  EXPECT_EQ(*(uint64_t *)perdure_decode(A[0], &A[0]), 10u);
  EXPECT_NE(perdure_decode(A[2], &A[2]), open("later"));
}

uint64_t entriesOf(const void *P) {
  struct perdure_stat Stat;
  EXPECT_EQ(perdure_stat(P, &Stat), 0) << perdure_errormsg();
  return Stat.fot_entries;
}

TEST_F(RightsTest, APointerToNothingYetCanBeStoredAgain) {
  uint64_t *A = create("a"), *B = create("b");
  // As bytes, not as reports would show it.
  constexpr char Name[] = "l\xe4ter";
  ASSERT_EQ(perdure_bind(&A[0], Name), 0) << perdure_errormsg();
  ASSERT_EQ(perdure_bind(&B[0], "another"), 0);
  ASSERT_EQ(perdure_bind(&B[0], Name), 0);
  auto *Nowhere = (char *)perdure_decode(A[0], &A[0]);
  for (int I = 0; I < 3; ++I)
    A[1] = perdure_encode(Nowhere, &A[1]);
  EXPECT_EQ(A[1], A[0]);
  A[2] = perdure_encode(Nowhere + 24, &A[2]);
  EXPECT_EQ(A[2], A[0] + 24);
  uint64_t Local = 0;
  Local = perdure_encode(perdure_decode(A[2], &A[2]), &Local);
  A[3] = perdure_encode(perdure_decode(Local, &Local), &A[3]);
  EXPECT_EQ(A[3], A[2]);
  // In another object it is that one's pointer by the name.
  ASSERT_NE(perdure_memmove(&B[1], &A[0], 3 * sizeof(*B)), nullptr);
  EXPECT_EQ(B[1], B[0]);
  EXPECT_EQ(B[3], B[0] + 24);
  EXPECT_NE(B[0], A[0]);
  EXPECT_EQ(entriesOf(A), 1u);
  EXPECT_EQ(entriesOf(B), 2u);
  char *Root = (char *)create(Name, 100000);
  for (uint64_t *P : {&A[0], &A[1], &B[0], &B[1], &B[2]})
    EXPECT_EQ(perdure_decode(*P, P), Root);
  for (uint64_t *P : {&A[2], &A[3], &B[3]})
    EXPECT_EQ(perdure_decode(*P, P), Root + 24);
}

// Args: store. An address of nothing yet goes where no pointer has its name.
CHILD(storeNothingYet) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(T);
  auto *A = (uint64_t *)perdure_open(T, "a", 0);
  auto *B = (uint64_t *)perdure_open(T, "b", 0);
  REQUIRE(A && B);
  B[0] = perdure_encode(perdure_decode(A[0], &A[0]), &B[0]);
  return 0;
}

TEST_F(RightsTest, APointerToNothingYetIsNeverLostUnsaid) {
  uint64_t *A = create("a");
  create("b");
  ASSERT_EQ(perdure_bind(&A[0], "later"), 0);
  closeStore();
  ChildResult R = runChild("storeNothingYet", {Dir}, "escape=report");
  EXPECT_EQ(R.Signal, SIGABRT) << R.Output;
  for (const char *Part : {"later", "object 'b'", "perdure_bind"})
    EXPECT_NE(R.Output.find(Part), std::string::npos) << R.Output;
  reopenStore();
  EXPECT_EQ(open("b")[0], 0u);
  EXPECT_EQ(entriesOf(open("b")), 0u);
}

CHILD(makeLater) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(T && perdure_create(T, "later", 8, 0));
  return 0;
}

// Args: store. Writes through an address from before the object was there.
CHILD(writeToNothingYet) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(T);
  auto *A = (uint64_t *)perdure_open(T, "a", 0);
  REQUIRE(A);
  auto *Before = (volatile uint64_t *)perdure_decode(A[0], &A[0]);
  ChildResult R = runChild("makeLater", {Args[0]});
  REQUIRE(R.Exit == 0);
  REQUIRE(perdure_decode(A[0], &A[0]) == perdure_open(T, "later", 0));
  *Before = 42;
  return 0;
}

TEST_F(RightsTest, AnAddressFromBeforeStaysInaccessible) {
  uint64_t *A = create("a");
  ASSERT_EQ(perdure_bind(&A[0], "later"), 0);
  closeStore();
  ChildResult R = runChild("writeToNothingYet", {Dir});
  if (!PERDURE_SANITIZED) // they exit in a way of their own
    EXPECT_EQ(R.Signal, SIGSEGV) << R.Output;
  EXPECT_NE(R.Output.find("no object was called 'later' when"),
            std::string::npos)
      << R.Output;
  reopenStore();
  open("later");
}

TEST_F(RightsTest, ANameOfWhatCannotBeOpenedIsAsGoodAsNone) {
  uint64_t *A = create("a");
  create("later");
  ASSERT_EQ(perdure_bind(&A[0], "later"), 0);
  std::string File = fileOf("later");
  ASSERT_EQ(rename(File.c_str(), (File + "x").c_str()), 0);
  reopenStore();
  A = open("a");
  auto *Before = (char *)perdure_decode(A[0], &A[0]);
  EXPECT_EQ(perdure_encode(Before + 8, &A[1]), A[0] + 8);
  ASSERT_EQ(rename((File + "x").c_str(), File.c_str()), 0);
  void *Root = perdure_decode(A[0], &A[0]);
  EXPECT_EQ(Root, open("later"));
  EXPECT_NE(baseOf(Root), baseOf(Before));
  EXPECT_EQ(perdure_root(Before), nullptr);
  EXPECT_EQ(perdure_encode(Before, &A[1]), A[0]);
  EXPECT_EQ(entriesOf(A), 1u);
}

TEST_F(RightsTest, OffsetsFromARootStayInItsSlot) {
  uint64_t *A = create("a");
  create("b", 100000);
  ASSERT_EQ(perdure_bind(&A[0], "b"), 0);
  char *Root = (char *)perdure_decode(A[0], &A[0]);
  uint64_t Offset = (uint64_t)Root - baseOf(Root);
  EXPECT_EQ(perdure_decode(A[0] | (Limit - Offset - 1), &A[0]),
            (char *)baseOf(Root) + Limit - 1);
  uint64_t Past = (uint64_t)perdure_decode(A[0] | (Limit - Offset), &A[0]);
  EXPECT_EQ(Past & ~(Slot - 1), baseOf(A));
  EXPECT_GE(Past & (Slot - 1), Limit);
  // Nor does the inline way lead out: the name is not in the FOT cache.
  EXPECT_EQ((uint64_t)__perdure_decode_object(A[0] | (Limit - 1), &A[0]) &
                ~(Slot - 1),
            baseOf(A));
}

TEST_F(RightsTest, BindRefusesWhatIsNone) {
  uint64_t *A = create("a");
  EXPECT_EQ(perdure_bind(&A[0], "x/y"), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(perdure_bind((char *)A + 4, "b"), -1);
  EXPECT_EQ(errno, EINVAL);
  uint64_t Local;
  EXPECT_EQ(perdure_bind(&Local, "b"), -1);
  EXPECT_EQ(errno, EINVAL);
  reopenStore();
  A = open("a", PERDURE_RDONLY);
  EXPECT_EQ(perdure_bind(&A[0], "b"), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(RightsTest, ListNamesAll) {
  uint64_t *A = create("a");
  create("b");
  writeFile(Dir + "/names/broken", "nonsense");
  std::vector<std::pair<std::string, perdure_id>> Seen;
  auto Visit = [](void *Arg, const char *Name, perdure_id Id) {
    ((decltype(Seen) *)Arg)->push_back({Name, Id});
    return 0;
  };
  EXPECT_EQ(perdure_list(S, Visit, &Seen), 0);
  ASSERT_EQ(Seen.size(), 3u);
  for (auto &[Name, Id] : Seen)
    if (Name == "a")
      EXPECT_EQ(Id.lo, perdure_object_id(A).lo);
    else if (Name == "broken")
      EXPECT_EQ(Id.lo | Id.hi, 0u);
  EXPECT_EQ(perdure_list(
                S, [](void *, const char *, perdure_id) { return 5; }, nullptr),
            5);
}

TEST_F(RightsTest, NamesAreLookedUpAgainWhenOthersChangeThem) {
  uint64_t *A = create("a");
  A[0] = 1;
  closeStore();
  usleep(50000);
  reopenStore();
  uint64_t *First = open("a", PERDURE_RDONLY);
  perdure_close(First);
  EXPECT_EQ(open("a", PERDURE_RDONLY), First);
  auto Replace = [&] {
    ChildResult R = runChild("replaceA", {Dir});
    ASSERT_EQ(R.Exit, 0) << R.Output;
  };
  Replace();
  EXPECT_EQ(open("a", PERDURE_RDONLY), First) << "it is open";
  perdure_close(First);
  perdure_close(First);
  uint64_t *Second = open("a", PERDURE_RDONLY);
  EXPECT_NE(Second, First);
  perdure_close(Second);
  // At once, many times: within one tick of the clock, too.
  for (uint64_t I = 0; I < 20; ++I) {
    Replace();
    Second = open("a", PERDURE_RDONLY);
    EXPECT_EQ(Second[0], perdure_object_id(Second).lo) << I;
    perdure_close(Second);
  }
}

CHILD(replaceA) {
  perdure_store *T = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(T && perdure_remove(T, "a") == 0);
  auto *A = (uint64_t *)perdure_create(T, "a", 64, 0);
  REQUIRE(A);
  A[0] = perdure_object_id(A).lo;
  perdure_store_close(T);
  return 0;
}

//===----------------------------------------------------------------------===//
// Many
//===----------------------------------------------------------------------===//

// Thousands of files are made and synced: in memory.
class ManyTest : public StoreTest {
protected:
  void SetUp() override {
    const char *Was = getenv("TMPDIR");
    std::string Before = Was ? Was : "";
    if (!access("/dev/shm", W_OK))
      setenv("TMPDIR", "/dev/shm", 1);
    StoreTest::SetUp();
    if (Was)
      setenv("TMPDIR", Before.c_str(), 1);
    else
      unsetenv("TMPDIR");
  }
};

// Args: store. A chain through all objects, under the usual limit of
// descriptors.
CHILD(walkThousand) {
  struct rlimit Files;
  getrlimit(RLIMIT_NOFILE, &Files);
  Files.rlim_cur = 256;
  REQUIRE(!setrlimit(RLIMIT_NOFILE, &Files));
  for (int Round = 0; Round < 3; ++Round) {
    perdure_store *T = perdure_store_open(Args[0].c_str(), 0);
    REQUIRE(T);
    auto *Node = (uint64_t *)perdure_open(T, "0", 0);
    uint64_t Count = 0, Sum = 0;
    for (; Node; Node = (uint64_t *)perdure_decode(Node[0], &Node[0])) {
      ++Count;
      Sum += Node[1];
      ++Node[2];
      REQUIRE(perdure_alloc(Node, 40));
      perdure_close(Node);
    }
    REQUIRE(Count == 1100 && Sum == 1100 * 1099 / 2);
    perdure_store_close(T);
  }
  return 0;
}

TEST_F(ManyTest, ElevenHundredObjectsAtOnce) {
  constexpr int Count = 1100;
  uint64_t *Last = nullptr;
  for (int I = Count; I-- > 0;) {
    uint64_t *Node = create(std::to_string(I).c_str(), 24);
    ASSERT_NE(Node, nullptr);
    Node[0] = perdure_encode(Last, &Node[0]);
    Node[1] = (uint64_t)I;
    Last = Node;
  }
  closeStore();
  ChildResult R = runChild("walkThousand", {Dir});
  EXPECT_EQ(R.Exit, 0) << R.Output;
}

// An ID keeps its slot until its store closes; then slots come back. More
// objects than a window has slots go through one process, a store at a time,
// and pointers stay right.
TEST_F(ManyTest, SlotsComeBackWhenStoresClose) {
  constexpr int Count = 900;
  create("hub", 8 * Count);
  for (int I = 0; I < Count; ++I)
    create(std::to_string(I).c_str(), 16)[0] = (uint64_t)I;
  for (int Round = 0; Round < 4; ++Round) {
    reopenStore();
    uint64_t *Hub = open("hub");
    for (int I = 0; I < Count; ++I) {
      auto *P = (uint64_t *)perdure_decode(Hub[I], &Hub[I]);
      if (!P) {
        P = open(std::to_string(I).c_str());
        Hub[I] = perdure_encode(P, &Hub[I]);
      }
      ASSERT_EQ(*P, (uint64_t)I);
      perdure_close(P);
      // Closed, not gone: pointers are good until the store closes.
      ASSERT_EQ(*P, (uint64_t)I);
    }
  }
}

// A hundred thousand objects, copies of one under IDs and names of their own.
class HundredThousandTest : public ManyTest {
protected:
  static constexpr unsigned Count = 100000;

  void makeAll() {
    create("template", 16)[1] = 0;
    std::string Path = fileOf("template");
    closeStore();
    std::string Bytes = readFile(Path);
    perdure::Identity Id;
    memcpy(&Id, Bytes.data(), sizeof(Id));
    int Objects = ::open((Dir + "/objects").c_str(), O_RDONLY | O_DIRECTORY);
    int Names = ::open((Dir + "/names").c_str(), O_RDONLY | O_DIRECTORY);
    for (unsigned I = 0; I < Count; ++I) {
      Id.IdHi = 77;
      Id.IdLo = I + 1;
      Id.Checksum = (uint32_t)crc32(0, (const Bytef *)&Id, sizeof(Id) - 4);
      memcpy(Bytes.data(), &Id, sizeof(Id));
      uint64_t Value = I;
      memcpy(&Bytes[Id.RootOffset], &Value, sizeof(Value));
      char Hex[34];
      snprintf(Hex, sizeof(Hex), "%016llx%016llx", (unsigned long long)Id.IdHi,
               (unsigned long long)Id.IdLo);
      write(Objects, Hex, Bytes.data(), Bytes.size());
      strcat(Hex, "\n");
      write(Names, std::to_string(I).c_str(), Hex, 33);
    }
    close(Objects);
    close(Names);
  }

private:
  static void write(int At, const char *Name, const char *Bytes, size_t Size) {
    int File = openat(At, Name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ASSERT_EQ(::write(File, Bytes, Size), (ssize_t)Size);
    close(File);
  }
};

TEST_F(HundredThousandTest, OneObjectLeadsToAll) {
  if (PERDURE_SANITIZED || getenv("PMEM2_FORCE_GRANULARITY"))
    GTEST_SKIP() << "once is enough";
  create("hub", 8 * Count);
  makeAll();
  // As many at a time as there are slots; each pass leaves its pointers.
  constexpr unsigned Step = 2000;
  for (unsigned First = 0; First < Count; First += Step) {
    reopenStore();
    uint64_t *Hub = open("hub");
    for (unsigned I = First; I < First + Step; ++I) {
      auto *P = (uint64_t *)perdure_open(S, std::to_string(I).c_str(),
                                         PERDURE_RDONLY);
      ASSERT_NE(P, nullptr) << perdure_errormsg();
      Hub[I] = perdure_encode(P, &Hub[I]);
    }
  }
  reopenStore();
  uint64_t *Hub = open("hub");
  struct perdure_stat Stat;
  ASSERT_EQ(perdure_stat(Hub, &Stat), 0);
  EXPECT_EQ(Stat.fot_entries, Count);
  for (unsigned I = 0; I < Count; I += 97) {
    auto *P = (uint64_t *)perdure_decode(Hub[I], &Hub[I]);
    ASSERT_EQ(*P, I);
    ASSERT_EQ(perdure_encode(P, &Hub[I]), Hub[I]);
  }
  // More than there are slots: the pointer that is one too many leads to a
  // guard, and its object is there when slots are.
  unsigned Full = 0;
  for (; Full < Count; ++Full)
    if (baseOf(perdure_decode(Hub[Full], &Hub[Full])) == baseOf(Hub))
      break;
  ASSERT_LT(Full, 2048u);
  errno = 0;
  EXPECT_EQ(perdure_open(S, "99999", PERDURE_RDONLY), nullptr);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_NE(strstr(perdure_errormsg(), "close a store"), nullptr)
      << perdure_errormsg();
  reopenStore();
  Hub = open("hub");
  EXPECT_EQ(*(uint64_t *)perdure_decode(Hub[Full], &Hub[Full]), Full);
}

} // namespace
