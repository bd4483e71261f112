//===- machine.cpp - The events of machine code ---------------------------===//
//
// An instruction is decoded when it is first met. Where registers tell what it
// will store, it counts in front; else what was there is kept, and the event
// behind it compares. No event between: what memory holds then is what the
// instruction left there, but for other threads.
//
//===----------------------------------------------------------------------===//

#include "flips/machine.h"
#include "flips/count.h"
#include "flips/memory.h"

#include <errno.h>
#include <new>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace perdure::flips;

namespace {

enum EventKind {
#define PERDURE_FLIPS_EVENT(Name, Value, Doc) Event##Name = Value,
#include "perdure/flips.def"
};
enum CalleeKind {
#define PERDURE_FLIPS_CALLEE(Name, Value, Doc) Callee##Name = Value,
#include "perdure/flips.def"
};
enum AmountKind {
#define PERDURE_FLIPS_AMOUNT(Name, Value, Doc) Amount##Name = Value,
#include "perdure/flips.def"
};

using Place = perdure_flips_place;

/// The end of the sequence, by which the instruction is found: leaq
/// 136(%rsp), %rsp and xchgq %rsp, %fs:...
constexpr uint64_t EventBytes = 51, TailBytes = 17;
constexpr uint8_t Tail[] = {0x48, 0x8D, 0xA4, 0x24, 0x88, 0,   0,
                            0,    0x64, 0x48, 0x87, 0x24, 0x25};

/// What memory held before an instruction or a function that may write.
constexpr uint64_t MostKept = 1 << 16;
struct Kept {
  Place *At; // null: it is being made
  uint64_t StackPointer;
  char *P;
  uint64_t Bytes;
  uint64_t Each; // of what a function counts that it returns
  Instruction::WriteKind How;
  bool Returns; // of a function that was jumped to: over when it has returned
  bool Locked, NonTemporal, IsLarge;
  const char *Next; // behind the instruction
  char Little[64];
  char *Large; // mapped when it is needed
};
constexpr unsigned MostNested = 16;
struct Thread {
  Kept Stack[MostNested];
  unsigned Depth; // counts on beyond: the oldest are forgotten
  bool HasLock, Prepares;
};
thread_local Thread Current __attribute__((tls_model("initial-exec")));

// Held from before to behind each instruction that is atomic, so that what
// changes in between is its own change.
pthread_mutex_t AtomicLock = PTHREAD_MUTEX_INITIALIZER;

pthread_mutex_t PrepareLock = PTHREAD_MUTEX_INITIALIZER;

enum State : uint64_t { Fresh, Preparing, Ready };

} // namespace

[[noreturn]] static void fail(const Place &At, const char *Code,
                              const char *What) {
  fprintf(stderr, "perdure: flips: %s:%llu: in %s: %s:", At.site.file,
          (unsigned long long)At.site.line, At.site.function, What);
  for (unsigned I = 0; I != 15; ++I)
    fprintf(stderr, " %02x", (unsigned char)Code[I]);
  fprintf(stderr, "; compile that file with -fperdure-flips=heap\n");
  abort();
}

static const Instruction &planOf(const Place &At) {
  return *static_cast<const Instruction *>(At.plan);
}

//===----------------------------------------------------------------------===//
// The first time
//===----------------------------------------------------------------------===//

// What the linker left of a call for a thread-local's address: there need be no
// call any more.
static Instruction decodeCallIn(const char *Code) {
  for (uint64_t At = 0; At < 16;) {
    Instruction I = decode(Code + At);
    if (I.Writes == Instruction::Call || !I.Length)
      return I;
    At += I.Length;
  }
  return {};
}

static void prepare(Place &At, const char *Code) {
  // A debugger that steps over the call has its breakpoint there.
  bool Stopped = (uint8_t)Code[-(int)TailBytes] == 0xCC;
  if (memcmp(Code - TailBytes + Stopped, Tail + Stopped,
             sizeof(Tail) - Stopped))
    fail(At, Code - TailBytes, "this is not how an event ends");
  auto Kind = EventKind(At.event & 255);
  Instruction I = Kind == EventThreadLocal ? decodeCallIn(Code) : decode(Code);
  if (!I.Length && Kind != EventThreadLocal)
    fail(At, Code, "nobody knows this instruction");
  if (I.Writes == Instruction::Unknown)
    fail(At, Code, "nobody can tell what this instruction writes");
  if (Kind == EventWhole && I.Writes != Instruction::Register &&
      I.Writes != Instruction::Immediate &&
      I.Writes != Instruction::RepeatMove &&
      I.Writes != Instruction::RepeatFill)
    fail(At, Code, "this is no store of what registers hold");
  if (Kind == EventCall && I.Writes != Instruction::Call)
    fail(At, Code, "this is no call");
  At.plan = new (takeShared(sizeof(Instruction))) Instruction(I);
  __perdure_flips_register(PerdureFlipsVersion, &At.site, 1);
}

// False: not now.
static bool isReady(Place &At, const char *Code) {
  if (__atomic_load_n(&At.state, __ATOMIC_ACQUIRE) == Ready)
    return true;
  // A signal handler that interrupted one of these, whose locks are taken.
  if (Current.Prepares || isInModel())
    return false;
  Current.Prepares = true;
  pthread_mutex_lock(&PrepareLock);
  if (At.state != Ready) {
    prepare(At, Code);
    __atomic_store_n(&At.state, (uint64_t)Ready, __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&PrepareLock);
  Current.Prepares = false;
  return true;
}

//===----------------------------------------------------------------------===//
// What is kept
//===----------------------------------------------------------------------===//

static void flushLines(const void *P, uint64_t Bytes) {
  __perdure_flips_flush(P, Bytes);
}

static void forget(Kept &K) {
  if (K.Locked) {
    Current.HasLock = false;
    pthread_mutex_unlock(&AtomicLock);
  }
  K.At = nullptr;
  K.Locked = false;
}

static Kept &keepNew() {
  Kept &K = Current.Stack[Current.Depth++ % MostNested];
  if (K.At)
    forget(K);
  return K;
}

static bool lockAtomics() {
  if (Current.HasLock)
    return false;
  pthread_mutex_lock(&AtomicLock);
  Current.HasLock = true;
  return true;
}

// As much as there is: the bound may be more than the memory. By pages, of
// which the kernel reads all that it can.
static void keepRange(Place &At, const Registers &R, char *P, uint64_t Bytes,
                      bool Returns, uint64_t Each = 1,
                      const char *Next = nullptr, bool NonTemporal = false) {
  Kept &K = keepNew();
  if (!K.Large)
    K.Large = static_cast<char *>(mapMemory(MostKept));
  if (Bytes > MostKept)
    Bytes = MostKept;
  iovec There[MostKept / 4096 + 1];
  unsigned long Parts = 0;
  auto From = (uint64_t)P, End = From + Bytes;
  while (From < End) {
    uint64_t Next = (From | 4095) + 1;
    Next = Next < End ? Next : End;
    There[Parts++] = {(void *)From, Next - From};
    From = Next;
  }
  iovec Here = {K.Large, Bytes};
  ssize_t Read = process_vm_readv(getpid(), &Here, 1, There, Parts, 0);
  K.P = P;
  K.Bytes = Read < 0 ? 0 : (uint64_t)Read;
  K.Each = Each;
  K.StackPointer = R.General[Rsp];
  K.How = Instruction::Some;
  K.Returns = Returns;
  K.Locked = false;
  K.IsLarge = true;
  K.NonTemporal = NonTemporal;
  K.Next = Next;
  K.At = &At;
}

static void keep(Place &At, const Registers &R, const Instruction &I,
                 const char *Code) {
  char *P = I.Write.address(R);
  uint64_t Bytes = I.Write.Bytes < MostKept ? I.Write.Bytes : MostKept;
  // What it does not write need not be mapped.
  if (I.Writes == Instruction::Some)
    return keepRange(At, R, P, Bytes, /*Returns=*/false, /*Each=*/1,
                     Code + I.Length, I.NonTemporal);
  Kept &K = keepNew();
  // Of memory that faults, before anything is held.
  (void)*(volatile char *)P;
  (void)*(volatile char *)(P + Bytes - 1);
  K.Locked = I.Locked && lockAtomics();
  char *Content = K.Little;
  K.IsLarge = Bytes > sizeof(K.Little);
  if (K.IsLarge) {
    if (!K.Large)
      K.Large = static_cast<char *>(mapMemory(MostKept));
    Content = K.Large;
  }
  memcpy(Content, P, Bytes);
  K.P = P;
  K.Bytes = Bytes;
  K.StackPointer = R.General[Rsp];
  K.How = I.Writes;
  K.Returns = false;
  K.NonTemporal = I.NonTemporal;
  K.Next = Code + I.Length;
  K.At = &At;
}

static void compare(Kept &K, uint64_t Flags) {
  const char *Before = K.IsLarge ? K.Large : K.Little;
  uint64_t Bytes = K.Bytes;
  if (K.How == Instruction::IfZero && !(Flags >> 6 & 1))
    Bytes = 0;
  // What did not change may not have been written.
  if (K.How == Instruction::Some)
    while (Bytes && Before[Bytes - 1] == K.P[Bytes - 1])
      --Bytes;
  if (Bytes)
    countWritten(K.At->site, K.P, Before, Bytes);
  if (Bytes && K.NonTemporal)
    flushLines(K.P, Bytes);
  forget(K);
}

static uint64_t unitOf(const Place &At) { return At.callee >> 40 & 255; }

// In bytes, without the end; Most of them at most.
static uint64_t lengthOf(const char *Text, uint64_t Unit, uint64_t Most) {
  uint64_t Length = 0;
  for (uint64_t Zero = 0;
       Length + Unit <= Most && memcmp(Text + Length, &Zero, Unit);)
    Length += Unit;
  return Length;
}

// To what a function has written, where that is known when it has returned. By
// a jump, nobody sees what it returned: compareReturned does not come here.
static void limit(const Place &At, Kept &K, const Registers &R) {
  auto Kind = CalleeKind(At.callee & 255);
  auto Amount = AmountKind(At.callee >> 48 & 255);
  if (Kind < CalleeBytes || Kind > CalleeFixed || Amount == AmountMost)
    return;
  uint64_t Result = R.General[Rax], Written = K.Bytes, Unit = unitOf(At);
  switch (Amount) {
  case AmountMost:
  case AmountAll:
    break;
  case AmountResult:
    Written = (int64_t)Result > 0 ? Result * K.Each : 0;
    break;
  case AmountLine:
    if (!Result) {
      Written = 0;
      break;
    }
    [[fallthrough]];
  case AmountText:
    Written = lengthOf(K.P, Unit, K.Bytes) + Unit;
    break;
  case AmountEnd:
    Written = Result ? Result - (uint64_t)K.P : K.Bytes;
    break;
  case AmountDone:
    Written = (int32_t)Result < 0 ? 0 : K.Bytes;
    break;
  }
  K.Bytes = K.Bytes < Written ? K.Bytes : Written;
  K.How = Instruction::Any;
}

static Kept *top() {
  return Current.Depth ? &Current.Stack[(Current.Depth - 1) % MostNested]
                       : nullptr;
}

// Of functions that were jumped to, and have returned since.
static void compareReturned(const Registers &R) {
  while (Kept *K = top()) {
    if (!K->At || !K->Returns || R.General[Rsp] <= K->StackPointer)
      return;
    compare(*K, 0);
    --Current.Depth;
  }
}

/// Whether an event behind the instruction has to compare.
static bool isKept(const Instruction &I) {
  return I.Writes == Instruction::Register ||
         I.Writes == Instruction::Immediate || I.Writes == Instruction::Any ||
         I.Writes == Instruction::IfZero || I.Writes == Instruction::Some;
}

static void after(Place &At, const Registers &R, const char *Code) {
  if ((At.event & 255) == EventAround && !isKept(planOf(At)))
    return;
  // Others above it were left by a jump out of a signal handler.
  for (Kept *K = top(); K; K = top()) {
    --Current.Depth;
    uint64_t Pushed = K->StackPointer - R.General[Rsp];
    if (K->At != &At || (Pushed != 0 && Pushed != 8)) {
      if (K->At)
        forget(*K);
      continue;
    }
    if (K->Next && K->Next + EventBytes != Code)
      fail(At, K->Next, "this is more than one instruction");
    limit(At, *K, R);
    compare(*K, R.Flags);
    return;
  }
}

// A fork in a signal handler may have interrupted either.
void perdure::flips::lockEvents() {
  if (!Current.HasLock)
    pthread_mutex_lock(&AtomicLock);
  if (!Current.Prepares)
    pthread_mutex_lock(&PrepareLock);
}

void perdure::flips::unlockEvents() {
  if (!Current.Prepares)
    pthread_mutex_unlock(&PrepareLock);
  if (!Current.HasLock)
    pthread_mutex_unlock(&AtomicLock);
}

//===----------------------------------------------------------------------===//
// Functions elsewhere
//===----------------------------------------------------------------------===//

static uint64_t argument(const Registers &R, unsigned N) {
  static const uint8_t Passed[] = {Rdi, Rsi, Rdx, Rcx, 8, 9};
  return R.General[Passed[N]];
}

static void callee(Place &At, const Registers &R, bool Returns, bool Loads) {
  auto Kind = CalleeKind(At.callee & 255);
  if (Kind == CalleeNothing || Kind == CalleeLongJump)
    return;
  auto *P = (char *)argument(R, At.callee >> 8 & 255);
  auto Count = (uint32_t)(At.callee >> 16 & 0xFFFFFF);
  uint64_t Unit = unitOf(At);
  auto Number = [&](unsigned N) {
    uint64_t Value = argument(R, N);
    return At.callee >> 56 ? (uint32_t)Value : Value;
  };
  auto Keep = [&](char *To, uint64_t Bytes, uint64_t Each = 1) {
    keepRange(At, R, To, Bytes, Returns, Each);
  };
  auto Length = [&](const void *Text, uint64_t Most = UINT64_MAX) {
    return lengthOf((const char *)Text, Unit, Most);
  };
  switch (Kind) {
  case CalleeNothing:
  case CalleeLongJump:
    break;
  case CalleeBytes:
    return Keep(P, Number(Count) * Unit, Unit);
  case CalleeItems:
    return Keep(P, Number(Count - 1) * Number(Count), Number(Count - 1));
  case CalleeString:
    return Keep(P, Length((const void *)argument(R, Count)) + Unit);
  case CalleeAppended:
    return Keep(P + Length(P), Length((const void *)argument(R, 1)) + Unit);
  case CalleeAppendedMost:
    return Keep(P + Length(P),
                Length((const void *)argument(R, 1), Number(Count) * Unit) +
                    Unit);
  case CalleeFixed:
    return Keep(P, Count);
  case CalleeCopy:
    if (Loads)
      __perdure_flips_load((void *)argument(R, 1), argument(R, 2));
    return __perdure_flips_store(&At.site, P, (void *)argument(R, 1),
                                 argument(R, 2));
  case CalleeFill:
    return __perdure_flips_fill(&At.site, P, (int)argument(R, 1),
                                argument(R, 2));
  case CalleeFlush:
    return flushLines(P, argument(R, 1));
  case CalleeClose:
    return __perdure_flips_close(P);
  }
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

static void repeat(Place &At, const Registers &R, const Instruction &I,
                   bool Loads) {
  uint64_t Bytes = R.General[Rcx] * I.Write.Bytes;
  bool Down = R.Flags >> 10 & 1;
  uint64_t Back = Down && Bytes ? Bytes - I.Write.Bytes : 0;
  auto *To = (char *)R.General[Rdi] - Back;
  auto *From = (char *)R.General[Rsi] - Back;
  if (I.Writes == Instruction::RepeatMove) {
    if (Loads)
      __perdure_flips_load(From, Bytes);
    return __perdure_flips_store(&At.site, To, From, Bytes);
  }
  uint64_t Pattern = R.General[Rax];
  for (uint64_t Wide = I.Write.Bytes; Wide < 8; Wide *= 2) {
    uint64_t One = Pattern & ((uint64_t(1) << (8 * Wide)) - 1);
    Pattern = One | One << (8 * Wide);
  }
  if (Bytes)
    countPattern(At.site, To, Pattern, Bytes);
}

static void before(Place &At, const Registers &R, const char *Code) {
  const Instruction &I = planOf(At);
  bool Loads = At.event >> 8 & 1;
  auto Kind = EventKind(At.event & 255);
  bool Repeats = I.Writes == Instruction::RepeatMove ||
                 I.Writes == Instruction::RepeatFill;
  if (Loads && !Repeats)
    for (unsigned N = 0; N != I.ReadCount; ++N)
      __perdure_flips_load(I.Reads[N].address(R), I.Reads[N].Bytes);
  switch (Kind) {
  case EventLoad:
    break;
  case EventAround:
    if (I.Flushes)
      flushLines(I.Write.address(R), 1);
    else if (Repeats)
      repeat(At, R, I, Loads);
    else if (isKept(I))
      keep(At, R, I, Code);
    break;
  case EventWhole:
    if (Repeats) {
      repeat(At, R, I, Loads);
    } else {
      uint64_t Value = (uint64_t)I.Value;
      if (I.Writes == Instruction::Register)
        Value = R.General[I.Value] >> I.Shift;
      __perdure_flips_store(&At.site, I.Write.address(R), &Value,
                            I.Write.Bytes);
    }
    break;
  case EventCall:
  case EventThreadLocal:
    if (I.Writes == Instruction::Call)
      __perdure_flips_store(&At.site, I.Write.address(R), &I.Value, 8);
    callee(At, R, /*Returns=*/false, Loads);
    break;
  case EventJump:
    if (I.Condition < 0 || holds(I.Condition, R.Flags))
      callee(At, R, /*Returns=*/true, Loads);
    break;
  }
}

// The sequence ends on another stack than it began on, with the same content.
static void moveSequence(Registers &R, char *End) {
  auto *To = (uint64_t *)(End - SequenceBytes);
  memcpy(To, R.Sequence, 24);
  R.Sequence = To;
}

// Where a jump leads, as glibc keeps it: behind rbx, rbp and r12 to r15, turned
// and mixed with what the thread has for that.
static char *targetOf(const void *Buffer) {
  uint64_t Target, Guard;
  memcpy(&Target, (const char *)Buffer + 48, 8);
  __asm__("movq %%fs:0x30, %0" : "=r"(Guard));
  return (char *)((Target >> 17 | Target << 47) ^ Guard);
}

// It may leave a signal handler, and so interrupt for good what that did: an
// event, which the handler's events ran on the program's stack for, or an
// instruction that is atomic.
static void jump(Registers &R) {
  auto *From = (char *)R.General[Rsp];
  char *Target = targetOf((void *)argument(R, 0));
  if (areInOneHandler(From, Target))
    return;
  if (!isInOwnStack(R.Sequence))
    moveSequence(R, ownStack());
  for (Kept &K : Current.Stack)
    if (K.At && K.Locked && Target >= (char *)K.StackPointer)
      forget(K);
}

extern "C" __attribute__((visibility("hidden"))) void
perdure_flips_event(Registers *R) {
  int Saved = errno;
  auto *Sequence = (char *)R->Sequence;
  auto *Code = (const char *)R->Sequence[0] + TailBytes;
  uint64_t Which = R->Sequence[1];
  auto *At = (Place *)(Which & ~uint64_t(1));
  if (Sequence >= __perdure_flips_bootstrap &&
      Sequence < __perdure_flips_bootstrap + sizeof(__perdure_flips_bootstrap))
    moveSequence(*R, ownStack());
  else if ((At->callee & 255) == CalleeLongJump)
    jump(*R);
  compareReturned(*R);
  if (isReady(*At, Code)) {
    if (Which & 1)
      after(*At, *R, Code);
    else
      before(*At, *R, Code);
  }
  errno = Saved;
}
