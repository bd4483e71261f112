//===- FaultTest.cpp - What a fault in the window says --------------------===//

#include "Support.h"

#include "api/context.h"
#include "entry/entry.h"

#include <alloca.h>
#include <elf.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
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
  if (Args[3] == "read")
    (void)P[1];
  else
    P[1] = 1;
  printf("no fault\n");
  return 0;
}

/// Where everything faults: a persistent pointer that leads nowhere, followed.
volatile uint64_t *nowhere(uint64_t *A) {
  return (uint64_t *)perdure_decode(uint64_t(1) << 63 | uint64_t(9) << 40, A);
}

void say(const char *Text) {
  ssize_t Ignored = write(1, Text, strlen(Text));
  (void)Ignored;
}

unsigned Runs;
bool isBlocked(int Signal) {
  sigset_t Now;
  pthread_sigmask(SIG_BLOCK, nullptr, &Now);
  return sigismember(&Now, Signal);
}
void sayMask() {
  say(isBlocked(SIGUSR1) ? "USR1 blocked, " : "USR1 open, ");
  say(isBlocked(SIGSEGV) ? "SEGV blocked\n" : "SEGV open\n");
}
void plain(int Signal) {
  say(Signal == SIGSEGV || Signal == SIGBUS ? "plain " : "wrong ");
  sayMask();
  siglongjmp(Back, 1);
}
void withInfo(int, siginfo_t *Info, void *Context) {
  say(Info->si_addr && Context ? "info " : "wrong ");
  sayMask();
  siglongjmp(Back, 1);
}
volatile uint64_t *Second;
void faultsToo(int) {
  if (++Runs == 1)
    (void)Second[2];
  say("the second one handled\n");
  siglongjmp(Back, 1);
}
void repair(int, siginfo_t *Info, void *) {
  uint64_t Page = (uint64_t)Info->si_addr & ~(uint64_t)4095;
  mmap((void *)Page, 4096, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  say("repaired\n");
}
void explains(int, siginfo_t *Info, void *Context) {
  errno = 77;
  int Explained = perdure_explain_fault(Info, Context);
  say(errno == 77 ? "" : "errno changed\n");
  say(Explained ? "explained\n" : "not explained\n");
  if (Info->si_code > 0)
    siglongjmp(Back, 1);
}
void explainsAndLeaves(int, siginfo_t *Info, void *Context) {
  _exit(perdure_explain_fault(Info, Context) ? 33 : 34);
}

void install(struct sigaction New, int Flags, bool MaskUsr1 = false) {
  New.sa_flags = Flags;
  if (MaskUsr1)
    sigaddset(&New.sa_mask, SIGUSR1);
  sigaction(SIGSEGV, &New, nullptr);
  sigaction(SIGBUS, &New, nullptr);
}
void install(void (*Handler)(int), int Flags) {
  struct sigaction New = {};
  New.sa_handler = Handler;
  install(New, Flags);
}
void install(void (*Handler)(int, siginfo_t *, void *), int Flags,
             bool MaskUsr1 = false) {
  struct sigaction New = {};
  New.sa_sigaction = Handler;
  install(New, Flags | SA_SIGINFO, MaskUsr1);
}

// Args: store, handler. Faults up to three times.
CHILD(chain) {
  const std::string &How = Args[1];
  if (How == "plain")
    install(plain, 0);
  else if (How == "info")
    install(withInfo, 0, true);
  else if (How == "nodefer")
    install(withInfo, SA_NODEFER);
  else if (How == "resethand")
    install(plain, SA_RESETHAND);
  else if (How == "ignore")
    install(SIG_IGN, 0);
  else if (How == "second")
    install(faultsToo, SA_NODEFER);
  else if (How == "repair")
    install(repair, 0);
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *A = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  REQUIRE(A);
  volatile uint64_t *P = nowhere(A);
  Second = P;
  if (How == "after" || How == "nested")
    install(How == "after" ? explains : explainsAndLeaves, SA_NODEFER);
  perdure_binary Bad = {(const void *)P, "", "", nullptr};
  if (How == "nested")
    __perdure_register_sites(PerdureAbiVersion, &Bad);
  if (How == "ignore" || How == "after") {
    raise(SIGSEGV); // which no report is about
    say("went on\n");
  }
  if (How == "repair") {
    A[1] = 1;
    say(A[1] == 1 ? "stored\n" : "lost\n");
    return 0;
  }
  for (volatile unsigned I = 0; I != 3; I = I + 1)
    if (!sigsetjmp(Back, 1))
      P[I] = 1;
  if (How == "after") {
    if (!sigsetjmp(Back, 1))
      *(volatile char *)0x1000 = 1;
  }
  say("end\n");
  return 0;
}

/// Whether the thread has an alternate stack, and where.
void *alternateStack() {
  stack_t Now;
  return sigaltstack(nullptr, &Now) || (Now.ss_flags & SS_DISABLE) ? nullptr
                                                                   : Now.ss_sp;
}

const char *StorePath;
__thread sigjmp_buf BackHere;
void jumpBackHere(int) { siglongjmp(BackHere, 1); }
pthread_barrier_t Together;

/// Faults with less stack left than the kernel's frame takes.
__attribute__((noinline)) void *exhausted(void *) {
  perdure_store *S = perdure_store_open(StorePath, 0);
  auto *A = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  volatile uint64_t *P = nowhere(A);
  pthread_attr_t Attributes;
  void *Low;
  size_t Bytes;
  pthread_getattr_np(pthread_self(), &Attributes);
  pthread_attr_getstack(&Attributes, &Low, &Bytes);
  auto *Here = (char *)__builtin_frame_address(0);
  volatile char *Rest = (char *)alloca((size_t)(Here - (char *)Low) - 1024);
  *Rest = 0;
  *P = 1;
  return nullptr;
}

void *opener(void *) {
  if (alternateStack())
    return (void *)1;
  perdure_store *S = perdure_store_open(StorePath, 0);
  void *Stack = alternateStack();
  perdure_store_close(S);
  return Stack;
}

void *keeper(void *) {
  // A sanitizer's runtime unmaps what a thread leaves.
  const size_t Bytes = 65536;
  void *Own = mmap(nullptr, Bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t Mine = {};
  Mine.ss_sp = Own;
  Mine.ss_size = Bytes;
  sigaltstack(&Mine, nullptr);
  perdure_store *S = perdure_store_open(StorePath, 0);
  void *Stack = alternateStack();
  perdure_store_close(S);
  return (void *)(Stack == Own);
}

void *faultOften(void *Address) {
  auto *P = (volatile uint64_t *)Address;
  pthread_barrier_wait(&Together);
  for (volatile unsigned I = 0; I != 50; I = I + 1)
    if (!sigsetjmp(BackHere, 1))
      (void)P[I];
  return nullptr;
}

// Args: store, what.
CHILD(threads) {
  StorePath = Args[0].c_str();
  if (Args[1] == "many")
    install(jumpBackHere, 0);
  perdure_store *S = perdure_store_open(StorePath, 0);
  REQUIRE(S);
  auto *A = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  REQUIRE(A);
  pthread_t Threads[4];
  void *Result;
  if (Args[1] == "exhausted") {
    REQUIRE(!pthread_create(Threads, nullptr, exhausted, nullptr));
    pthread_join(*Threads, nullptr);
  } else if (Args[1] == "stacks") {
    REQUIRE(PERDURE_SANITIZED || alternateStack());
    REQUIRE(!pthread_create(Threads, nullptr, opener, nullptr));
    pthread_join(*Threads, &Result);
    REQUIRE(Result);
    // A sanitizer's runtime gives threads stacks of its own.
    REQUIRE(Result == (void *)1
                ? PERDURE_SANITIZED
                : msync(Result, 4096, MS_ASYNC) == -1 && errno == ENOMEM);
    REQUIRE(!pthread_create(Threads, nullptr, keeper, nullptr));
    pthread_join(*Threads, &Result);
    REQUIRE(Result);
    say("stacks are right\n");
  } else {
    pthread_barrier_init(&Together, nullptr, 4);
    for (pthread_t &T : Threads)
      REQUIRE(!pthread_create(&T, nullptr, faultOften, (void *)nowhere(A)));
    for (pthread_t &T : Threads)
      pthread_join(T, nullptr);
  }
  return 0;
}

// Args: store. Forks while a report looks through a large table.
CHILD(forked) {
  install(jumpBackHere, 0);
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *A = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  REQUIRE(A);
  const size_t Bytes = 64 << 20;
  void *Large = mmap(nullptr, Bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(Large != MAP_FAILED);
  auto *Header = (Elf64_Ehdr *)Large;
  Header->e_phoff = sizeof(*Header);
  Header->e_phnum = 1;
  auto *Segment = (Elf64_Phdr *)(Header + 1);
  Segment->p_type = PT_LOAD;
  Segment->p_flags = PF_R | PF_W;
  Segment->p_filesz = Bytes;
  perdure_binary Binary = {Large, "", "", nullptr};
  __perdure_register_sites(PerdureAbiVersion, &Binary);
  pthread_barrier_init(&Together, nullptr, 2);
  pthread_t Thread;
  REQUIRE(!pthread_create(&Thread, nullptr, faultOften, (void *)nowhere(A)));
  pthread_barrier_wait(&Together);
  for (unsigned I = 0; I != 3; ++I) {
    usleep(5000);
    pid_t Pid = fork();
    if (!Pid) {
      alarm(20);
      __perdure_unregister_sites(&Binary);
      _exit(0);
    }
    int Status;
    REQUIRE(waitpid(Pid, &Status, 0) == Pid && Status == 0);
  }
  // Waits for the report that is being made.
  __perdure_unregister_sites(&Binary);
  REQUIRE(munmap(Large, Bytes) == 0);
  pthread_join(Thread, nullptr);
  return 0;
}

// Args: store. Another process cuts the file off.
CHILD(truncated) {
  perdure_store *S = perdure_store_open(Args[0].c_str(), 0);
  REQUIRE(S);
  auto *A = (uint64_t *)perdure_open(S, "a", PERDURE_RDONLY);
  REQUIRE(A);
  REQUIRE(truncate(Args[1].c_str(), 4096) == 0);
  printf("%d\n", (int)*(volatile uint64_t *)A);
  return 0;
}

unsigned count(const std::string &Text, const std::string &What) {
  unsigned Found = 0;
  for (size_t At = 0; (At = Text.find(What, At)) != std::string::npos; ++At)
    ++Found;
  return Found;
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
  /// Says what it is supposed to say, and dies of the fault.
  void expectDeath(const ChildResult &R) {
    // A sanitizer's handler, which ours goes on to, exits instead.
    EXPECT_TRUE(R.Signal == SIGSEGV || R.Signal == SIGBUS ||
                (PERDURE_SANITIZED && R.Exit > 0))
        << R.Output;
  }
  void expect(const char *What, const char *Says, bool NamesA) {
    ChildResult R = runChild("fault", {Dir, What, "none", "write"});
    expectDeath(R);
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
  ChildResult R = runChild("fault", {Dir, "elsewhere", "none", "write"});
  EXPECT_EQ(R.Output.find("perdure: fault"), std::string::npos) << R.Output;
}

TEST_F(FaultTest, ChainsToTheProgramsHandler) {
  for (const char *What : {"native", "pastend", "readonly", "elsewhere"}) {
    ChildResult R = runChild("fault", {Dir, What, "own", "write"});
    EXPECT_EQ(R.Exit, 0) << What << R.Output;
    EXPECT_NE(R.Output.find("handled"), std::string::npos) << R.Output;
  }
}

TEST_F(FaultTest, RunsOnTheAlternateStack) {
  ChildResult R = runChild("fault", {Dir, "native", "altstack", "write"});
  EXPECT_NE(R.Output.find("holds a native address"), std::string::npos);
}

#if defined(__aarch64__)
// As the kernel writes it; qemu-user writes no such record.
TEST(Stopped, ReadsTheSyndrome) {
  for (bool Writes : {false, true}) {
    ucontext_t U = {};
    U.uc_mcontext.pc = 5;
    struct {
      uint32_t Magic, Bytes;
      uint64_t More[2];
      uint32_t SyndromeMagic, SyndromeBytes;
      uint64_t Syndrome;
    } Records = {0x46508001, 24, {}, 0x45535201, 16,
                 uint64_t(0x24) << 26 | uint64_t(Writes) << 6 | 7};
    memcpy(U.uc_mcontext.__reserved, &Records, sizeof(Records));
    auto Doing = Writes ? perdure::Stopped::Writing : perdure::Stopped::Reading;
    EXPECT_EQ(perdure::stoppedAt(&U).Doing, Doing);
    EXPECT_EQ(perdure::stoppedAt(&U).PC, 5u);
    U.uc_mcontext.__reserved[35] = 0x80; // the class: no data abort
    EXPECT_EQ(perdure::stoppedAt(&U).Doing, perdure::Stopped::Unknown);
  }
}
#endif

TEST_F(FaultTest, SaysWhereAndHow) {
  // This program has no sites: the binary, where addr2line finds the place.
  for (const char *Verb : {"read", "write"}) {
    ChildResult R = runChild("fault", {Dir, "missing", "none", Verb});
    EXPECT_NE(R.Output.find("perdure: fault at perdure_unit+0x"),
              std::string::npos)
        << R.Output;
    EXPECT_NE(R.Output.find(std::string(" (compile with -g for the source "
                                        "line): ") +
                            Verb + " at 0x"),
              std::string::npos)
        << R.Output;
  }
}

TEST_F(FaultTest, SaysWhyThereIsNoRightToWrite) {
  ChildResult R = runChild("fault", {Dir, "readonly", "none", "write"});
  EXPECT_NE(R.Output.find("without the right to write: "), std::string::npos)
      << R.Output;
}

TEST_F(FaultTest, SaysThatTheFileWasCutOff) {
  ChildResult R = runChild("truncated", {Dir, fileOf("a")});
  expectDeath(R);
  EXPECT_NE(R.Output.find("somebody cut the file off: it has 0x1000 bytes now"),
            std::string::npos)
      << R.Output;
  EXPECT_NE(R.Output.find("read at 0x"), std::string::npos) << R.Output;
}

TEST_F(FaultTest, HandlersGetTheirFlags) {
  struct {
    const char *How, *Says;
  } Cases[] = {{"plain", "plain USR1 open, SEGV blocked\n"},
               {"info", "info USR1 blocked, SEGV blocked\n"},
               {"nodefer", "info USR1 open, SEGV open\n"}};
  for (auto &C : Cases) {
    ChildResult R = runChild("chain", {Dir, C.How});
    EXPECT_EQ(R.Exit, 0) << R.Output;
    EXPECT_EQ(count(R.Output, C.Says), 3u) << R.Output;
    EXPECT_EQ(count(R.Output, "perdure: fault at"), 3u) << R.Output;
  }
}

TEST_F(FaultTest, HandlersThatAreResetRunOnce) {
  ChildResult R = runChild("chain", {Dir, "resethand"});
  EXPECT_EQ(R.Signal, SIGSEGV) << R.Output;
  EXPECT_EQ(count(R.Output, "plain"), 1u) << R.Output;
  EXPECT_EQ(count(R.Output, "perdure: fault at"), 2u) << R.Output;
}

TEST_F(FaultTest, FaultsCannotBeIgnored) {
  ChildResult R = runChild("chain", {Dir, "ignore"});
  EXPECT_EQ(R.Signal, SIGSEGV) << R.Output;
  EXPECT_EQ(count(R.Output, "went on\n"), 1u) << R.Output;
  EXPECT_EQ(count(R.Output, "perdure: fault at"), 1u) << R.Output;
}

TEST_F(FaultTest, HandlersMayFault) {
  ChildResult R = runChild("chain", {Dir, "second"});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  EXPECT_EQ(count(R.Output, "perdure: fault at"), 4u) << R.Output;
  EXPECT_EQ(count(R.Output, "the second one handled"), 3u) << R.Output;
}

TEST_F(FaultTest, HandlersMayRepair) {
  ChildResult R = runChild("chain", {Dir, "repair"});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  EXPECT_NE(R.Output.find("repaired\nstored\n"), std::string::npos) << R.Output;
}

TEST_F(FaultTest, LaterHandlersMayAsk) {
  ChildResult R = runChild("chain", {Dir, "after"});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  // A signal that was sent, three faults of ours, and one that is not.
  EXPECT_EQ(count(R.Output, "perdure: fault at"), 3u) << R.Output;
  EXPECT_EQ(count(R.Output, "not explained\n"), 2u) << R.Output;
  EXPECT_EQ(count(R.Output, "explained\n"), 5u) << R.Output;
  EXPECT_EQ(R.Output.find("errno changed"), std::string::npos);
}

TEST_F(FaultTest, AFaultInAReportEndsIt) {
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "TSan blocks every signal in a handler";
#endif
#endif
  ChildResult R = runChild("chain", {Dir, "nested"});
  EXPECT_EQ(R.Exit, 33) << R.Output;
  EXPECT_EQ(count(R.Output, "and another while that was being reported"), 1u)
      << R.Output;
}

TEST_F(FaultTest, ThreadsThatOpenAStoreGetAnAlternateStack) {
  ChildResult R = runChild("threads", {Dir, "stacks"});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  EXPECT_NE(R.Output.find("stacks are right"), std::string::npos) << R.Output;
  R = runChild("threads", {Dir, "exhausted"});
  expectDeath(R);
  EXPECT_NE(R.Output.find("has no valid entry"), std::string::npos) << R.Output;
}

TEST_F(FaultTest, TablesGoAwayWhileReportsAreMade) {
  ChildResult R = runChild("forked", {Dir});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  EXPECT_EQ(count(R.Output, "perdure: fault at"), 50u) << R.Output;
}

TEST_F(FaultTest, LinesOfThreadsDoNotMix) {
  ChildResult R = runChild("threads", {Dir, "many"});
  EXPECT_EQ(R.Exit, 0) << R.Output;
  EXPECT_EQ(count(R.Output, "\n"), 200u) << R.Output;
  EXPECT_EQ(count("\n" + R.Output, "\nperdure: fault at perdure_unit+0x"), 200u)
      << R.Output;
}

} // namespace
