//===- EscapeTest.cpp - Native addresses that stay in an object -----------===//

#include "Support.h"

#include <atomic>
#include <string.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace {

uint64_t Global[8];

void escapeTo(uint64_t *Container, const char *Where,
              const void *P = &Global[0]) {
  *Container = __perdure_encode_object(P, Container, Where);
}

std::string hex(uint64_t Value) {
  char Text[32];
  snprintf(Text, sizeof(Text), "0x%llx", (unsigned long long)Value);
  return Text;
}

int count(const std::string &Text, const char *What) {
  int Count = 0;
  for (size_t At = 0; (At = Text.find(What, At)) != Text.npos; ++At)
    ++Count;
  return Count;
}

// Args: store, what. Escapes into object a, whose root has 4,096 bytes, and
// prints "closing" before the close.
CHILD(stay) {
  const std::string &What = Args[1];
  setvbuf(stdout, nullptr, _IONBF, 0);
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *A = (uint64_t *)perdure_open(S, "a", 0);
  auto *B = (uint64_t *)perdure_open(S, "b", 0);
  REQUIRE(A && B);
  bool CloseObject = true;

  if (What == "overwritten") {
    uint64_t Values[] = {0, (uint64_t)(A + 1), (uint64_t)B, 1};
    for (int I = 0; I < 4; ++I) {
      escapeTo(&A[I], "here.c:1");
      escapeTo(&A[I], "here.c:2", (const void *)Values[I]);
    }
  } else if (What == "stays") {
    escapeTo(&A[3], "here.c:40");
    escapeTo(&A[5], "here.c:41");
    escapeTo(&A[3], "here.c:42", &Global[1]);
    A[5] = 0;
  } else if (What == "low") {
    escapeTo(&A[3], "here.c:42", (const void *)0x401000);
  } else if (What == "number") {
    double Values[] = {1.0, 2.0, 3.0, -1.5, 1e300};
    for (int I = 0; I < 5; ++I) {
      escapeTo(&A[I], "here.c:42");
      memcpy(&A[I], &Values[I], 8);
    }
  } else if (What == "boxed") {
    // No address that this process can have, but what was stored.
    escapeTo(&A[3], "here.c:42", (const void *)(uint64_t(5) << 48));
  } else if (What == "nowhere") {
    A[3] = perdure_encode(&Global[0], &A[3]);
  } else if (What == "unaligned") {
    uint64_t Bits = perdure_encode(&Global[0], (char *)A + 5);
    memcpy((char *)A + 5, &Bits, 8);
  } else if (What == "many") {
    for (int I = 0; I < 300; ++I)
      escapeTo(&A[299 - I], "here.c:42");
  } else if (What == "repeated") {
    for (int I = 0; I < 10000; ++I)
      escapeTo(&A[3], "here.c:42", &Global[I % 8]);
  } else if (What == "freed" || What == "freedlarge") {
    size_t Bytes = What == "freed" ? 64 : 50000;
    // Neighbours stay, so that the slab and the pages do.
    auto *Before = (uint64_t *)perdure_alloc(A, Bytes);
    auto *Block = (uint64_t *)perdure_alloc(A, Bytes);
    auto *After = (uint64_t *)perdure_alloc(A, Bytes);
    REQUIRE(Before && Block && After);
    escapeTo(&Block[1], "here.c:42");
    escapeTo(&Block[Bytes / 8 - 1], "here.c:42");
    perdure_free(Block);
    REQUIRE(Block[1]); // the bits are there still
    // With another argument what lies on either side has stayed as well.
    if (Args.size() > 2) {
      escapeTo(&Before[Bytes / 8 - 1], "before.c:1");
      escapeTo(&After[0], "after.c:1");
    }
  } else if (What == "slab") {
    void *Blocks[200];
    for (void *&Block : Blocks) {
      REQUIRE(Block = perdure_alloc(A, 256));
      escapeTo((uint64_t *)Block, "here.c:42");
    }
    for (void *Block : Blocks)
      perdure_free(Block);
  } else if (What == "header") {
    perdure_encode(&Global[0], (void *)baseOf(A));
    perdure_encode(&Global[0], (void *)(baseOf(A) + 64));
  } else if (What == "pastend") {
    perdure_encode(&Global[0], (void *)(baseOf(A) + Limit - 8));
  } else if (What == "threads") {
    // Enough to grow while the other one is at it; all stay.
    constexpr int Containers = 1 << 17;
    auto *Block = (uint64_t *)perdure_alloc(A, Containers * 8);
    REQUIRE(Block);
    std::atomic<int> Ready{0};
    auto Run = [&](int Thread) {
      char Where[32];
      snprintf(Where, sizeof(Where), "thread%d.c:1", Thread);
      for (++Ready; Ready < 2;)
        ;
      for (int I = Thread; I < Containers; I += 2)
        escapeTo(&Block[I], Where);
    };
    std::thread One(Run, 0), Two(Run, 1);
    One.join();
    Two.join();
  } else if (What == "unloaded") {
    char *Where = strdup("gone.c:42");
    escapeTo(&A[3], Where);
    memset(Where, 'x', strlen(Where));
    free(Where);
  } else if (What == "storeclose") {
    escapeTo(&A[3], "here.c:42");
    CloseObject = false;
  } else if (What == "twice") {
    REQUIRE(perdure_open(S, "a", 0) == A);
    escapeTo(&A[3], "here.c:42");
    printf("first\n");
    perdure_close(A);
  } else if (What == "again") {
    escapeTo(&A[3], "here.c:42");
    perdure_close(A);
    REQUIRE(perdure_open(S, "a", 0) == A);
    escapeTo(&A[4], "here.c:43");
  } else if (What == "removed") {
    escapeTo(&A[3], "here.c:42");
    REQUIRE(!perdure_remove(S, "a"));
  } else if (What == "damaged") {
    auto *Block = (uint64_t *)perdure_alloc(A, 50000);
    REQUIRE(Block);
    escapeTo(&A[3], "here.c:42");
    escapeTo(&Block[0], "here.c:43");
    // A kind that does not exist, for every page.
    uint64_t Map = ((perdure::Header *)baseOf(A))->Copy[0].MapExtent[0];
    for (int I = 1; I < 512; ++I)
      ((uint64_t *)(baseOf(A) + Map))[I] = uint64_t(9) << 56;
  } else if (What == "memory") {
    auto *Big = (uint64_t *)perdure_alloc(A, 32 << 20);
    REQUIRE(Big);
    escapeTo(&A[3], "here.c:42");
    unsigned long Pages = 0;
    FILE *Status = fopen("/proc/self/statm", "r");
    REQUIRE(Status && fscanf(Status, "%lu", &Pages) == 1);
    struct rlimit Now = {Pages * 4096, RLIM_INFINITY};
    REQUIRE(!setrlimit(RLIMIT_AS, &Now));
    for (int I = 0; I < 4 << 20; ++I)
      Big[I] = perdure_encode(&Global[0], &Big[I]);
    Now.rlim_cur = RLIM_INFINITY;
    REQUIRE(!setrlimit(RLIMIT_AS, &Now));
    memset(Big, 0, 32 << 20);
  } else {
    REQUIRE(!"known");
  }

  struct perdure_stat Stat;
  if (!perdure_stat(A, &Stat))
    printf("escapes %d\n", (int)Stat.escapes);
  printf("closing\n");
  errno = 4711;
  if (CloseObject)
    perdure_close(A);
  REQUIRE(errno == 4711);
  printf("closed\n");
  perdure_store_close(S);
  return 0;
}

class EscapeTest : public StoreTest {
protected:
  void SetUp() override {
    StoreTest::SetUp();
    A = create("a");
    Root = (uint64_t)A - baseOf(A);
    create("b");
    closeStore();
  }

  // What is said from the close on, which goes well.
  std::string closing(const char *What, const char *More = nullptr,
                      const char *Policy = "escape=allow") {
    std::vector<std::string> Args = {Dir, What};
    if (More)
      Args.push_back(More);
    ChildResult R = runChild("stay", Args, Policy);
    EXPECT_EQ(R.Exit, 0) << What << ": " << R.Output;
    Before = R.Output.substr(0, R.Output.find("closing\n"));
    size_t At = R.Output.find("closing\n");
    return At == R.Output.npos ? R.Output : R.Output.substr(At + 8);
  }

  uint64_t *A, Root;
  std::string Before;
};

TEST_F(EscapeTest, WhatIsOverwrittenIsSilent) {
  EXPECT_EQ(closing("overwritten"), "closed\n");
  EXPECT_EQ(Before, "escapes 4\n");
  EXPECT_EQ(closing("overwritten", nullptr, "escape=report"), "closed\n");
  EXPECT_EQ(closing("number"), "closed\n");
}

TEST_F(EscapeTest, WhatStaysIsReportedWithOffsetAndLine) {
  for (const char *Policy : {"escape=allow", "escape=report"}) {
    std::string Said = closing("stays", nullptr, Policy);
    EXPECT_EQ(count(Said, "perdure: object 'a' ("), 2) << Said;
    EXPECT_NE(Said.find("): 1 native address stayed"), Said.npos) << Said;
    EXPECT_NE(Said.find("offset " + hex(Root + 24) + " holds 0x"), Said.npos)
        << Said;
    EXPECT_NE(Said.find(", stored at here.c:42\n"), Said.npos) << Said;
    EXPECT_NE(Said.find("[[perdure::transient]]"), Said.npos) << Said;
    EXPECT_EQ(Said.find("here.c:4", Said.find("here.c:42") + 1), Said.npos)
        << Said;
    // Once: not again when the store closes.
    EXPECT_EQ(Said.substr(Said.size() - 7), "closed\n");
  }
}

TEST_F(EscapeTest, EveryKindOfNativeAddressIsFound) {
  EXPECT_NE(closing("low").find("holds 0x401000, stored at here.c:42\n"),
            std::string::npos);
  EXPECT_NE(closing("boxed").find("holds 0x5000000000000, stored at here"),
            std::string::npos);
  std::string Said = closing("nowhere");
  EXPECT_EQ(count(Said, "1 native address stayed"), 1) << Said;
  EXPECT_EQ(count(Said, "stored at"), 0) << Said;
  Said = closing("unaligned");
  EXPECT_EQ(count(Said, ("offset " + hex(Root + 5)).c_str()), 1) << Said;
}

TEST_F(EscapeTest, OfManyTheFirstAreShown) {
  std::string Said = closing("many");
  EXPECT_EQ(count(Said, "300 native addresses stayed"), 1) << Said;
  EXPECT_EQ(count(Said, " holds 0x"), 5) << Said;
  for (int I = 0; I < 5; ++I)
    EXPECT_EQ(count(Said, (hex(Root + (uint64_t)I * 8) + " holds").c_str()), 1)
        << Said;
  EXPECT_EQ(count(Said, "and 295 more\n"), 1) << Said;
}

TEST_F(EscapeTest, OneContainerCountsOnce) {
  std::string Said = closing("repeated");
  EXPECT_EQ(Before, "escapes 10000\n");
  EXPECT_EQ(count(Said, "1 native address stayed"), 1) << Said;
  EXPECT_EQ(count(Said, " holds 0x"), 1) << Said;
}

TEST_F(EscapeTest, FreedBlocksAreSilent) {
  EXPECT_EQ(closing("freed"), "closed\n");
  EXPECT_EQ(closing("freedlarge"), "closed\n");
  EXPECT_EQ(closing("slab"), "closed\n");
  for (const char *What : {"freed", "freedlarge"}) {
    std::string Said = closing(What, "neighbours");
    EXPECT_EQ(count(Said, "2 native addresses stayed"), 1) << What << Said;
    EXPECT_EQ(count(Said, "before.c:1\n"), 1) << What << Said;
    EXPECT_EQ(count(Said, "after.c:1\n"), 1) << What << Said;
  }
}

TEST_F(EscapeTest, OutsideEveryBlockIsSilent) {
  EXPECT_EQ(closing("header"), "closed\n");
  EXPECT_EQ(closing("pastend"), "closed\n");
}

TEST_F(EscapeTest, ThreadsRememberTogether) {
  std::string Said = closing("threads");
  EXPECT_EQ(Before, "escapes 131072\n");
  EXPECT_EQ(count(Said, "131072 native addresses stayed"), 1) << Said;
  EXPECT_EQ(count(Said, "thread0.c:1\n"), 3) << Said;
  EXPECT_EQ(count(Said, "thread1.c:1\n"), 2) << Said;
}

TEST_F(EscapeTest, LinesOutliveTheirLibrary) {
  std::string Said = closing("unloaded");
  EXPECT_EQ(count(Said, "gone.c:42\n"), 1) << Said;
}

TEST_F(EscapeTest, ClosingTheStoreChecksToo) {
  std::string Said = closing("storeclose");
  EXPECT_EQ(Said.find("closed\nperdure: object 'a' ("), 0u) << Said;
  EXPECT_EQ(count(Said, "here.c:42\n"), 1) << Said;
}

TEST_F(EscapeTest, OnlyTheLastCloseChecks) {
  std::string Said = closing("twice");
  EXPECT_EQ(Before, "first\nescapes 1\n");
  EXPECT_EQ(count(Said, "1 native address stayed"), 1) << Said;
}

TEST_F(EscapeTest, EachCloseTellsWhatIsNew) {
  std::string Said = closing("again");
  EXPECT_EQ(count(Before, "here.c:42\n"), 1) << Before;
  EXPECT_EQ(count(Said, "1 native address stayed"), 1) << Said;
  EXPECT_EQ(count(Said, "here.c:43\n"), 1) << Said;
}

TEST_F(EscapeTest, RemovedObjectsAreSilent) {
  EXPECT_EQ(closing("removed"), "closed\n");
}

TEST_F(EscapeTest, DamagedPageMapHidesNothing) {
  std::string Said = closing("damaged");
  EXPECT_EQ(count(Said, "2 native addresses stayed"), 1) << Said;
}

TEST_F(EscapeTest, WithoutMemoryTheRestIsFound) {
  if (PERDURE_SANITIZED)
    GTEST_SKIP() << "the sanitizers end the process";
  std::string Said = closing("memory");
  EXPECT_EQ(count(Before, "no memory is left to remember"), 1) << Before;
  EXPECT_EQ(count(Said, "1 native address stayed"), 1) << Said;
  EXPECT_EQ(count(Said, "here.c:42\n"), 1) << Said;
}

} // namespace
