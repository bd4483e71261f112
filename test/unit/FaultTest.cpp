//===- FaultTest.cpp - What a fault in the window says --------------------===//

#include "Support.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

sigjmp_buf Back;
void jumpBack(int) { siglongjmp(Back, 1); }

// Args: store, what, handler. Touches an address that faults.
CHILD(fault) {
  if (Args[2] == "own") {
    signal(SIGSEGV, jumpBack);
    signal(SIGBUS, jumpBack);
  }
  if (Args[2] == "altstack") {
    stack_t Stack = {};
    Stack.ss_size = 65536;
    Stack.ss_sp = mmap(nullptr, 65536, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&Stack, nullptr);
  }
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *A = (uint64_t *)perdure_open(
      S, "a", Args[1] == "readonly" ? PERDURE_RDONLY : 0);
  REQUIRE(A);
  volatile uint64_t *P = A;
  uint64_t Local = 0;
  if (Args[1] == "native")
    P = (uint64_t *)perdure_decode((uint64_t)&Local, A + 2);
  else if (Args[1] == "noentry")
    P = (uint64_t *)perdure_decode(uint64_t(1) << 63 | uint64_t(9) << 40, A);
  else if (Args[1] == "pastlimit")
    P = (uint64_t *)perdure_decode(
        uint64_t(1) << 63 | uint64_t(1) << 40 | Limit, A);
  else if (Args[1] == "copied")
    P = (uint64_t *)perdure_decode(A[0], &Local); // foreign bits, copied raw
  else if (Args[1] == "missing")
    P = (uint64_t *)perdure_decode(A[1], A + 1);
  else if (Args[1] == "pastend")
    P = A + (64 << 20);
  else if (Args[1] == "closed")
    perdure_store_close(S);
  else if (Args[1] == "elsewhere")
    P = (uint64_t *)0x1000;
  if (sigsetjmp(Back, 1)) {
    printf("handled\n");
    return 0;
  }
  P[1] = 1;
  printf("no fault\n");
  return 0;
}

class FaultTest : public StoreTest {
protected:
  void SetUp() override {
    StoreTest::SetUp();
    uint64_t *A = create("a");
    A[0] = perdure_encode(create("b"), A);
    A[1] = perdure_encode(create("gone"), A + 1);
    ASSERT_EQ(perdure_remove(S, "gone"), 0);
    closeStore();
  }
  void expect(const char *What, const char *Says, bool NamesA) {
    ChildResult R = runChild("fault", {Dir, What, "none"});
    // A sanitizer's handler, which ours goes on to, exits instead.
    EXPECT_TRUE(R.Signal == SIGSEGV || R.Signal == SIGBUS ||
                (PERDURE_SANITIZED && R.Exit > 0))
        << What << R.Output;
    EXPECT_NE(R.Output.find(Says), std::string::npos) << What << R.Output;
    EXPECT_EQ(R.Output.find("object 'a' (") != std::string::npos, NamesA)
        << What << R.Output;
    EXPECT_EQ(R.Output.find("no fault"), std::string::npos) << What;
  }
};

TEST_F(FaultTest, ReportsSayWhy) {
  expect("native", "holds a native address", true);
  expect("noentry", "has no valid entry", true);
  expect("pastlimit", "past every object's end", true);
  expect("copied", "copied raw", false);
  expect("missing", "the object is missing: cannot open", false);
  expect("pastend", "past the object's end", true);
  expect("readonly", "without the right to write", true);
  expect("closed", "may have been closed", false);
}

TEST_F(FaultTest, OtherFaultsAreNotOurs) {
  ChildResult R = runChild("fault", {Dir, "elsewhere", "none"});
  EXPECT_EQ(R.Output.find("perdure: fault"), std::string::npos) << R.Output;
}

TEST_F(FaultTest, ChainsToTheProgramsHandler) {
  for (const char *What : {"native", "pastend", "readonly", "elsewhere"}) {
    ChildResult R = runChild("fault", {Dir, What, "own"});
    EXPECT_EQ(R.Exit, 0) << What << R.Output;
    EXPECT_NE(R.Output.find("handled"), std::string::npos) << R.Output;
  }
}

TEST_F(FaultTest, RunsOnTheAlternateStack) {
  ChildResult R = runChild("fault", {Dir, "native", "altstack"});
  EXPECT_NE(R.Output.find("holds a native address"), std::string::npos);
}

} // namespace
