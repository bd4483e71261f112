// From every instruction of functions laid out by -fperdure-reduce-flips=frames
// the unwinder finds the caller, its frame and the six registers that it set;
// exceptions with cleanups pass through such frames.
// RUN: %perdure_cxx -O0 \
// RUN:   -fperdure-reduce-flips=frames %s -o %t0
// RUN: %run %t0
// RUN: %perdure_cxx -O1 \
// RUN:   -fperdure-reduce-flips=frames %s -o %t1
// RUN: %run %t1
// RUN: %perdure_cxx -O2 \
// RUN:   -fperdure-reduce-flips=frames %s -o %t2
// RUN: %run %t2
// RUN: %perdure_cxx -O3 -fno-omit-frame-pointer \
// RUN:   -fperdure-reduce-flips=frames %s -o %t3
// RUN: %run %t3
// RUN: %perdure_cxx -O2 -fstack-protector-all -fstack-clash-protection \
// RUN:   -fperdure-reduce-flips=frames %s -o %t4
// RUN: %run %t4
// RUN: %perdure_cxx -O2 -flto -fuse-ld=lld \
// RUN:   -fperdure-reduce-flips=frames %s -o %t5
// RUN: %run %t5
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <ucontext.h>
#include <unwind.h>

#define TEST extern "C" __attribute__((noinline)) long

extern "C" long drive(long (*F)(long, long *), long X, long *P);
extern "C" const char driveAfter[];
// Sets the registers, then steps through F.
asm(R"(
.text
.type drive,@function
drive:
  .cfi_startproc
  push %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbx, 0
  push %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  push %r12
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r12, 0
  push %r13
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r13, 0
  push %r14
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r14, 0
  push %r15
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r15, 0
  sub $8, %rsp
  .cfi_adjust_cfa_offset 8
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov $103, %ebx
  mov $106, %ebp
  mov $112, %r12d
  mov $113, %r13d
  mov $114, %r14d
  mov $115, %r15d
  pushfq
  .cfi_adjust_cfa_offset 8
  orq $0x100, (%rsp)
  popfq
  .cfi_adjust_cfa_offset -8
  call *%rax
driveAfter:
  add $8, %rsp
  .cfi_adjust_cfa_offset -8
  pop %r15
  .cfi_adjust_cfa_offset -8
  pop %r14
  .cfi_adjust_cfa_offset -8
  pop %r13
  .cfi_adjust_cfa_offset -8
  pop %r12
  .cfi_adjust_cfa_offset -8
  pop %rbp
  .cfi_adjust_cfa_offset -8
  pop %rbx
  .cfi_adjust_cfa_offset -8
  ret
  .cfi_endproc
.size drive, .-drive
)");

static unsigned long Steps, Wrong, Top;
static bool Reached;

static _Unwind_Reason_Code look(_Unwind_Context *C, void *) {
  if (_Unwind_GetIP(C) != (unsigned long)driveAfter)
    return _URC_NO_REASON;
  Reached = true;
  static const int Registers[] = {3, 6, 12, 13, 14, 15};
  for (int R : Registers)
    Wrong += _Unwind_GetGR(C, R) != 100ul + R;
  if (!Top)
    Top = _Unwind_GetCFA(C);
  Wrong += Top != _Unwind_GetCFA(C);
  return _URC_NORMAL_STOP;
}

static void step(int, siginfo_t *, void *Context) {
  greg_t *R = static_cast<ucontext_t *>(Context)->uc_mcontext.gregs;
  unsigned long At = R[REG_RIP];
  if (At == (unsigned long)driveAfter) {
    R[REG_EFL] &= ~0x100l;
    return;
  }
  if (At >= (unsigned long)drive && At < (unsigned long)driveAfter)
    return;
  ++Steps;
  Reached = false;
  _Unwind_Backtrace(look, nullptr);
  Wrong += !Reached;
}

TEST leaf(long X, long *P) { // changes every register
  asm volatile("mov %0, %%rbx; mov %0, %%r12; mov %0, %%r13; mov %0, %%r14; "
               "mov %0, %%r15"
               :
               : "r"(X)
               : "rbx", "r12", "r13", "r14", "r15");
  return *P + X;
}
TEST three(long X, long *P) {
  long Y = X + *P, Z = P[1];
  Y += leaf(X, P);
  P[2] = Z;
  return leaf(Y, P) + Y + Z;
}
TEST gap(long X, long *P) {
  asm volatile("xor %%r14d, %%r14d" : : : "r14");
  return X + *P;
}
TEST gapCalls(long X, long *P) {
  asm volatile("xor %%r13d, %%r13d" : : : "r13");
  return leaf(X, P) + X;
}
TEST dynamic(long X, long *P) {
  long *V = (long *)__builtin_alloca(8 * (X + 3));
  V[0] = V[1] = X;
  leaf(X, V);
  return V[1] + *P;
}
TEST aligned(long X, long *P) {
  alignas(64) long V[8] = {X, X};
  return leaf(X, V) + *P + ((long)V & 63);
}
TEST alignedDynamic(long X, long *P) {
  alignas(64) long V[8] = {X, X};
  long *W = (long *)__builtin_alloca(8 * (X + 3));
  W[0] = X;
  return leaf(X, V) + leaf(X, W) + *P + X;
}
TEST large(long X, long *P) {
  long V[1500];
  V[0] = X;
  return leaf(X, V) + *P;
}
TEST early(long X, long *P) { // shrink-wrapped
  if (!X)
    return 0;
  long Y = leaf(X, P);
  return leaf(Y, P) + Y + X;
}
TEST tail(long X, long *P) {
  long Y = leaf(X, P) + X;
  return three(Y, P);
}
TEST recursive(long X, long *P) {
  return X ? recursive(X - 1, P) + leaf(X, P) * X : 1;
}

#if __cpp_exceptions
struct Cleanup {
  long *P;
  ~Cleanup() { ++P[3]; }
};
TEST thrower(long X, long *P) {
  if (X == 0)
    throw P[0];
  Cleanup C{P};
  long Y = leaf(X, P);
  return thrower(X - 1, P) + Y;
}
#endif
static jmp_buf Jump;
TEST jumps(long X, long *P) {
  if (leaf(X, P))
    longjmp(Jump, 1);
  return X;
}

#define CHECK(Condition)                                                       \
  if (!(Condition)) {                                                          \
    printf("%d: %s\n", __LINE__, #Condition);                                  \
    return 1;                                                                  \
  }

static int check() {
  static char Alternate[1 << 17];
  stack_t Stack = {};
  Stack.ss_sp = Alternate;
  Stack.ss_size = sizeof Alternate;
  sigaltstack(&Stack, nullptr);
  struct sigaction Action = {};
  Action.sa_sigaction = step;
  Action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGTRAP, &Action, nullptr);

  long (*const All[])(long, long *) = {
      three,          gap,   gapCalls, dynamic, aligned,
      alignedDynamic, large, early,    tail,    recursive};
  for (auto F : All)
    for (long X = 0; X <= 3; X += 3) {
      long P[4] = {5, 6, 7, 0}, Q[4] = {5, 6, 7, 0};
      long Is = F(X, P);
      Top = 0;
      CHECK(drive(F, X, Q) == Is);
      CHECK(Wrong == 0);
    }
  CHECK(Steps > 200);

  long P[4] = {5, 6, 7, 0};
#if __cpp_exceptions
  long Caught = 0, Before = leaf(1, P);
  try {
    thrower(4, P);
  } catch (long L) {
    Caught = L;
  }
  CHECK(Caught == 5 && P[3] == 4 && Before == 6);
#endif
  volatile long Jumps = 0;
  if (!setjmp(Jump)) {
    jumps(2, P);
  } else {
    ++Jumps;
  }
  CHECK(Jumps == 1);
  return 0;
}

int main() {
#ifdef IN_THREAD
  static int Result = -1;
  std::thread([] {}).join();
  std::thread([] { Result = check(); }).join();
  return Result;
#else
  return check();
#endif
}
