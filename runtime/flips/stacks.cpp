//===- stacks.cpp - The stacks that the profiler runs on ------------------===//
//
// Each thread's code finds the end of its profiler's stack in a thread-local
// variable, to which it changes without a register and without flags: there is
// no instruction to spare in which it could ask whether there is one. So
// threads get theirs before they run; pthread_create is wrapped for that. What
// runs before (and threads that libc starts for itself) begins on one that is
// shared.
//
//===----------------------------------------------------------------------===//

#include "flips/count.h"
#include "flips/machine.h"
#include "flips/memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <new>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

using namespace perdure::flips;

__attribute__((aligned(64))) char __perdure_flips_bootstrap[1 << 16];

namespace {

constexpr uint64_t StackBytes = 1 << 18;

/// At the end of its memory, above what is used as a stack.
struct alignas(64) Stack {
  /// Where the code has the program's stack pointer while it runs on this
  /// stack: the CFI of what passes/FlipsMachine.cpp inserts reads it, by the
  /// stack's end, so it comes first. Null before the profiler has begun.
  void *Variable;
  Stack *Next;
  pid_t Owner; // a thread; reused when that is no more
};

Stack *AllStacks;
pthread_mutex_t StacksLock = PTHREAD_MUTEX_INITIALIZER;
thread_local Stack *Own __attribute__((tls_model("initial-exec")));

/// From a thread's pointer to the variable of its that the code has.
intptr_t Offset;

/// How a thread starts, on its way there.
struct Beginning {
  void *(*Routine)(void *);
  int (*Routine11)(void *);
  void *Argument;
  Beginning *Next;
  sigset_t Signals; // what it blocks, once it has its stack
};
Beginning *FreeBeginnings;

} // namespace

static pid_t currentThread() { return (pid_t)syscall(SYS_gettid); }

static bool isGone(pid_t Thread) {
  return syscall(SYS_tgkill, getpid(), Thread, 0) && errno == ESRCH;
}

char *perdure::flips::takeStack() {
  int Saved = errno;
  pthread_mutex_lock(&StacksLock);
  Stack *S = AllStacks;
  while (S && !isGone(S->Owner))
    S = S->Next;
  if (!S) {
    auto *Memory = static_cast<char *>(mapMemory(StackBytes));
    // What runs over it faults, and does not write elsewhere.
    mprotect(Memory, 4096, PROT_NONE);
    S = new (Memory + StackBytes - sizeof(Stack)) Stack{nullptr, AllStacks, 0};
    AllStacks = S;
  }
  S->Owner = currentThread();
  S->Variable = Offset ? (char *)__builtin_thread_pointer() + Offset : nullptr;
  pthread_mutex_unlock(&StacksLock);
  errno = Saved;
  Own = S;
  return (char *)S;
}

bool perdure::flips::isInOwnStack(const void *P) {
  auto At = (const char *)P, End = (const char *)Own;
  return Own && At < End && At >= End - StackBytes;
}

// A handler runs on the profiler's stack if it interrupted an event, and on the
// alternate one if it asked for that.
bool perdure::flips::areInOneHandler(const void *P, const void *Q) {
  if (isInOwnStack(P))
    return isInOwnStack(Q);
  stack_t S;
  if (sigaltstack(nullptr, &S) || S.ss_flags & SS_DISABLE)
    return false;
  auto IsIn = [&](const void *At) {
    return (uint64_t)At - (uint64_t)S.ss_sp < S.ss_size;
  };
  return IsIn(P) && IsIn(Q);
}

char *perdure::flips::ownStack() { return Own ? (char *)Own : takeStack(); }

static void giveStack() {
  if (Offset)
    *(char **)((char *)__builtin_thread_pointer() + Offset) = takeStack();
}

void __perdure_flips_start(uint64_t Version, void **Variable) {
  requireVersion(Version);
  if (Offset)
    return;
  if (!canEnter()) {
    fprintf(stderr, "perdure: flips: scope 'all' needs a processor with xsave; "
                    "compile with -fperdure-flips=heap\n");
    exit(2);
  }
  // The one thread that a child of fork has is another.
  pthread_atfork(
      [] {
        lockEvents();
        pthread_mutex_lock(&StacksLock);
      },
      [] {
        pthread_mutex_unlock(&StacksLock);
        unlockEvents();
      },
      [] {
        if (Own)
          Own->Owner = currentThread();
        pthread_mutex_unlock(&StacksLock);
        unlockEvents();
      });
  Offset = (char *)Variable - (char *)__builtin_thread_pointer();
  giveStack();
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

static Beginning takeBeginning(void *P) {
  auto *B = static_cast<Beginning *>(P);
  Beginning Taken = *B;
  pthread_mutex_lock(&StacksLock);
  B->Next = FreeBeginnings;
  FreeBeginnings = B;
  pthread_mutex_unlock(&StacksLock);
  giveStack();
  pthread_sigmask(SIG_SETMASK, &Taken.Signals, nullptr);
  return Taken;
}

static Beginning *makeBeginning(const Beginning &What) {
  pthread_mutex_lock(&StacksLock);
  if (!FreeBeginnings) {
    constexpr size_t Many = 4096 / sizeof(Beginning);
    auto *New = static_cast<Beginning *>(mapMemory(4096));
    for (size_t I = 0; I != Many; ++I)
      New[I].Next = I + 1 != Many ? &New[I + 1] : nullptr;
    FreeBeginnings = New;
  }
  Beginning *B = FreeBeginnings;
  FreeBeginnings = B->Next;
  *B = What;
  pthread_mutex_unlock(&StacksLock);
  return B;
}

/// No handler may run in a thread that has no stack yet.
template <typename F> static int create(const Beginning &What, F Create) {
  Beginning B = What;
  sigset_t All;
  sigfillset(&All);
  pthread_sigmask(SIG_BLOCK, &All, &B.Signals);
  int Result = Create(makeBeginning(B));
  pthread_sigmask(SIG_SETMASK, &B.Signals, nullptr);
  return Result;
}

static void *begin(void *P) {
  Beginning B = takeBeginning(P);
  return B.Routine(B.Argument);
}

static int begin11(void *P) {
  Beginning B = takeBeginning(P);
  return B.Routine11(B.Argument);
}

template <typename F> static F *next(const char *Name, F *) {
  auto *Found = reinterpret_cast<F *>(dlsym(RTLD_NEXT, Name));
  if (!Found) {
    fprintf(stderr, "perdure: flips: the C library has no %s\n", Name);
    abort();
  }
  return Found;
}

extern "C" PERDURE_FLIPS_API int
pthread_create(pthread_t *Thread, const pthread_attr_t *Attributes,
               void *(*Routine)(void *), void *Argument) noexcept {
  static auto *Create = next("pthread_create", pthread_create);
  if (!Offset)
    return Create(Thread, Attributes, Routine, Argument);
  return create({Routine, nullptr, Argument, nullptr, {}}, [&](Beginning *B) {
    return Create(Thread, Attributes, begin, B);
  });
}

extern "C" PERDURE_FLIPS_API int
thrd_create(thrd_t *Thread, thrd_start_t Routine, void *Argument) {
  static auto *Create = next("thrd_create", thrd_create);
  if (!Offset)
    return Create(Thread, Routine, Argument);
  return create({nullptr, Routine, Argument, nullptr, {}},
                [&](Beginning *B) { return Create(Thread, begin11, B); });
}
