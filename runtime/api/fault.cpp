//===- fault.cpp - Says what a fault in the window means ------------------===//
//
// Async-signal-safe: no locks, no allocation, no stdio. Runs on the alternate
// stack where the thread has one, and needs less than 6 KiB of it, the frame
// that the kernel pushes not counted.
//
//===----------------------------------------------------------------------===//

#include "api/fault.h"
#include "api/context.h"
#include "api/line.h"
#include "api/sites.h"
#include "fot/translate.h"
#include "object/object.h"
#include "object/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace perdure;

//===----------------------------------------------------------------------===//
// The report
//===----------------------------------------------------------------------===//

/// Reads words of this process that may not be mapped.
static bool peek(uint64_t Address, uint64_t *Words, size_t Count) {
  iovec Local = {Words, Count * sizeof(*Words)};
  iovec Remote = {(void *)Address, Count * sizeof(*Words)};
  return process_vm_readv(getpid(), &Local, 1, &Remote, 1, 0) ==
         (ssize_t)Local.iov_len;
}

/// The call that led to PC: of a function that has not pushed anything its
/// return address is where the call put it. A copy helper may have pushed
/// registers and little else. Only what a table knows as a call of code without
/// lines counts, so a word that is something else is no answer.
static bool findCaller(const Stopped &At, bool IsHelper, Site &S) {
  if (At.Link && findCall(At.Link, S))
    return true;
  uint64_t Words[16];
  if (!IsHelper)
    return peek(At.Stack, Words, 1) && findCall(Words[0], S);
  if (peek(At.Frame + 8, Words, 1) && findCall(Words[0], S))
    return true;
  if (peek(At.Stack, Words, 16))
    for (uint64_t Word : Words)
      if (findCall(Word, S))
        return true;
  return false;
}

/// "list.c:17: write of struct node.next at 0x7000".
static void sayWhere(Line &L, uint64_t Address, const Stopped &At) {
  Site S = {}, Caller;
  LoadedFile F;
  bool Found = At.PC && findAccess(At.PC, S);
  if (Found && S.Line) {
    L << S.File << ":" << Line::Decimal{S.Line} << ": ";
  } else if (At.PC && findFile(At.PC, F)) {
    L << F.Name << "+" << F.Place;
    if (findCaller(At, Found, Caller))
      L << ", called from " << Caller.File << ":" << Line::Decimal{Caller.Line};
    else if (!hasSites(F.Base))
      L << " (compile with -g for the source line)";
    L << ": ";
  }
  static const char *const Doing[] = {"access", "read", "write"};
  L << Doing[At.Doing];
  if (S.What[0])
    L << " of " << S.What;
  L << " at " << Address << ": ";
}

static void sayTruncated(Line &L, const Object &O) {
  struct stat Now;
  bool Known = !fstatat(O.Owner->ObjectsDir, O.Hex, &Now, AT_SYMLINK_NOFOLLOW);
  uint64_t Should = __atomic_load_n(&O.FileBytes, __ATOMIC_ACQUIRE);
  if (Known && (uint64_t)Now.st_size < Should)
    L << "somebody cut the file off: it has " << (uint64_t)Now.st_size
      << " bytes now, the object has " << Should << "; restore it from a copy";
  else
    L << "the medium failed, or is full";
}

static void explain(Line &L, int Signal, uint64_t Address, const Stopped &At) {
  L << "perdure: fault at ";
  sayWhere(L, Address, At);
  const Object *O = objectAt(Address);
  Damage D;
  if (O && O->StandsFor) {
    L << "no object was called '" << O->Name
      << "' when the pointer was followed: " << O->WhyMissing;
    return;
  }
  if (O) {
    L << "object ";
    if (O->Name[0])
      L << "'" << O->Name << "' (" << O->Hex << ")";
    else
      L << O->Hex;
    L << ", offset " << Address - O->Base << ": ";
  }
  if (damageAt(Address, D))
    L << "a damaged pointer was followed: " << describe(D);
  else if (!O)
    L << "no open object has this address; its store may have been closed";
  else if (!isPresent(*O))
    L << "the object is missing: " << O->WhyMissing;
  else if (Address - O->Base >= TheWindow.limit())
    L << "past the most that an object holds";
  else if (Address - O->Base >=
           __atomic_load_n(&O->FileBytes, __ATOMIC_ACQUIRE))
    L << "past the object's end";
  else if (Signal == SIGBUS)
    sayTruncated(L, *O);
  else if (!isWritable(*O))
    L << "the object was opened without the right to write"
      << (O->WhyReadOnly[0] ? ": " : "") << O->WhyReadOnly;
  else
    L << "the processor refused the access";
}

/// In a report: a fault in there is none of the program's. initial-exec, for
/// other models may allocate at the first use in a thread.
static __thread volatile bool Reporting
    __attribute__((tls_model("initial-exec")));

/// Whether a report was written. Writing may take its time, on a terminal that
/// was stopped, say: other signals come through then, under Mask if given, and
/// may leave.
static bool report(int Signal, const siginfo_t *Info, const void *Context,
                   const sigset_t *Mask) {
  // Positive codes come from the kernel: the address is one.
  if (Info->si_code <= 0 || !TheWindow.contains(Info->si_addr) ||
      (Signal != SIGSEGV && Signal != SIGBUS))
    return false;
  int Saved = errno;
  if (Reporting) {
    // The object went away meanwhile, or its header did.
    Line L;
    L << "perdure: fault at " << (uint64_t)Info->si_addr
      << ", and another while that was being reported";
    L.print();
    errno = Saved;
    return true;
  }
  Line L;
  Reporting = true;
  explain(L, Signal, (uint64_t)Info->si_addr, stoppedAt(Context));
  Reporting = false;
  sigset_t Before;
  if (Mask)
    pthread_sigmask(SIG_SETMASK, Mask, &Before);
  L.print();
  if (Mask)
    pthread_sigmask(SIG_SETMASK, &Before, nullptr);
  errno = Saved;
  return true;
}

int perdure_explain_fault(const void *siginfo, const void *ucontext) {
  auto *Info = (const siginfo_t *)siginfo;
  return report(Info->si_signo, Info, ucontext, nullptr);
}

//===----------------------------------------------------------------------===//
// The handler
//===----------------------------------------------------------------------===//

namespace {
/// The action that was there before ours.
struct Previous {
  struct sigaction Action;
  bool Spent; // SA_RESETHAND, and it has run; atomic
};
} // namespace

static Previous OldSegv, OldBus;

/// As if the program had no handler.
static void actByDefault(int Signal, const siginfo_t *Info) {
  // The instruction faults again and the default action takes its course; a
  // signal that was sent is sent again.
  signal(Signal, SIG_DFL);
  if (Info->si_code <= 0)
    raise(Signal);
}

static void handle(int Signal, siginfo_t *Info, void *Context) {
  int Saved = errno;
  bool Nested = Reporting;
  sigset_t Interrupted = blockedAt(Context);
  report(Signal, Info, Context, &Interrupted);
  errno = Saved;
  if (Nested) {
    actByDefault(Signal, Info);
    return;
  }
  Previous &Old = Signal == SIGSEGV ? OldSegv : OldBus;
  const struct sigaction &Action = Old.Action;
  bool HasInfo = Action.sa_flags & SA_SIGINFO;
  if (!HasInfo && Action.sa_handler == SIG_IGN) {
    // The kernel does not let a process ignore a fault of its own.
    if (Info->si_code > 0)
      actByDefault(Signal, Info);
    return;
  }
  if ((!HasInfo && Action.sa_handler == SIG_DFL) ||
      ((Action.sa_flags & SA_RESETHAND) &&
       __atomic_exchange_n(&Old.Spent, true, __ATOMIC_ACQ_REL))) {
    actByDefault(Signal, Info);
    return;
  }
  // The mask that the kernel would have given it; returning restores the old.
  sigset_t Mask = Interrupted;
  sigorset(&Mask, &Mask, &Action.sa_mask);
  if (!(Action.sa_flags & SA_NODEFER))
    sigaddset(&Mask, Signal);
  pthread_sigmask(SIG_SETMASK, &Mask, nullptr);
  if (HasInfo)
    Action.sa_sigaction(Signal, Info, Context);
  else
    Action.sa_handler(Signal);
}

//===----------------------------------------------------------------------===//
// Alternate stacks
//===----------------------------------------------------------------------===//

static pthread_key_t StackKey;
static bool HasStackKey;

static size_t stackBytes() {
  // What the kernel pushes, with all vector registers, and room for a chained
  // handler that prints something.
  size_t Page = (size_t)sysconf(_SC_PAGESIZE);
  return (getauxval(AT_MINSIGSTKSZ) + 65536 + Page - 1) & ~(Page - 1);
}

static void freeStack(void *Lowest) {
  size_t Page = (size_t)sysconf(_SC_PAGESIZE);
  stack_t Now;
  if (!sigaltstack(nullptr, &Now) && Now.ss_sp == (char *)Lowest + Page) {
    stack_t Off = {};
    Off.ss_flags = SS_DISABLE;
    sigaltstack(&Off, nullptr);
  }
  munmap(Lowest, stackBytes() + Page);
}

static void provideStack() {
  stack_t Now;
  if (!HasStackKey || sigaltstack(nullptr, &Now) ||
      !(Now.ss_flags & SS_DISABLE) || pthread_getspecific(StackKey))
    return;
  size_t Page = (size_t)sysconf(_SC_PAGESIZE), Bytes = stackBytes();
  // Inaccessible below: stacks grow down.
  void *Lowest = mmap(nullptr, Bytes + Page, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (Lowest == MAP_FAILED)
    return; // reports then run on the thread's own stack
  stack_t New = {};
  New.ss_sp = (char *)Lowest + Page;
  New.ss_size = Bytes;
  if (mprotect(New.ss_sp, Bytes, PROT_READ | PROT_WRITE) ||
      pthread_setspecific(StackKey, Lowest)) {
    munmap(Lowest, Bytes + Page);
    return;
  }
  if (sigaltstack(&New, nullptr)) {
    pthread_setspecific(StackKey, nullptr);
    munmap(Lowest, Bytes + Page);
  }
}

static void install() {
  HasStackKey = !pthread_key_create(&StackKey, freeStack);
  struct sigaction New = {};
  New.sa_sigaction = handle;
  New.sa_flags = SA_SIGINFO | SA_ONSTACK;
  // A handler that came in between and left by siglongjmp would leave the
  // report unfinished; the two faults themselves have to be noticed. Only until
  // the text is there: see report().
  sigfillset(&New.sa_mask);
  sigdelset(&New.sa_mask, SIGSEGV);
  sigdelset(&New.sa_mask, SIGBUS);
  // The old one is in its place before ours can run.
  sigaction(SIGSEGV, nullptr, &OldSegv.Action);
  sigaction(SIGBUS, nullptr, &OldBus.Action);
  sigaction(SIGSEGV, &New, nullptr);
  sigaction(SIGBUS, &New, nullptr);
}

void perdure::installFaultHandler() {
  static pthread_once_t Once = PTHREAD_ONCE_INIT;
  pthread_once(&Once, install);
  int Saved = errno;
  provideStack();
  errno = Saved;
}
