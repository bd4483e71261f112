//===- EntryTest.cpp - Registration and the cold entries' convention ------===//

#include "Support.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

extern "C" {
extern const char __perdure_decode_cold, __perdure_encode_cold,
    __perdure_reencode_cold;
void __perdure_register(unsigned, unsigned, WindowPlace *);
}

namespace {

// Before main, in the order of ordinary constructors: the window is there.
struct EarlyBird {
  uintptr_t Base = __perdure_window.base;
} Early;

TEST(Entry, WindowIsThereBeforeConstructors) {
  EXPECT_NE(Early.Base, 0u);
  EXPECT_EQ(Early.Base, __perdure_window.base);
  EXPECT_EQ(__perdure_window.base % Slot, 0u);
  EXPECT_EQ(__perdure_window.bytes % Slot, 0u);
  if (!getenv("PERDURE_EMULATOR")) // which has few addresses
    EXPECT_GE(__perdure_window.bytes / Slot, 1025u);
}

#if defined(__x86_64__) || defined(__aarch64__)
struct Registers {
  uint64_t Result, Changed;
};
#endif

#if defined(__x86_64__)

// Calls Entry with known values in all registers that preserve_most keeps, the
// arguments' included, and says which changed.
Registers callCold(const void *Entry, uint64_t A, uint64_t B, uint64_t C,
                   uint64_t D) {
  uint64_t Arguments[4] = {A, B, C, D};
  Registers R = {};
  const void *Args[2] = {Entry, Arguments};
  void **In = (void **)Args;
  uint64_t Out = 0, Changed = 0;
  asm volatile(
      "subq $128, %%rsp\n" // the red zone
      "pushq %%rbx\n pushq %%rbp\n pushq %%r12\n pushq %%r13\n"
      "pushq %%r14\n pushq %%r15\n"
      "movq %%rsp, %%r15\n"
      "andq $-16, %%rsp\n"
      "subq $16, %%rsp\n"
      "movq %%r15, (%%rsp)\n"
      "movq %%rax, %%r11\n"
      "movq 8(%%r11), %%rax\n"
      "movq 0(%%rax), %%rdi\n movq 8(%%rax), %%rsi\n"
      "movq 16(%%rax), %%rdx\n movq 24(%%rax), %%rcx\n"
      "movq %%rax, %%r9\n"
      "movq $0x1108, %%r8\n movq $0x1110, %%r10\n"
      "movq $0x1101, %%rbx\n movq $0x1105, %%rbp\n movq $0x1112, %%r12\n"
      "movq $0x1113, %%r13\n movq $0x1114, %%r14\n movq $0x1115, %%r15\n"
      "call *(%%r11)\n"
      "xorl %%r11d, %%r11d\n"
      "cmpq $0x1108, %%r8\n je 1f\n orq $1, %%r11\n1:\n"
      "cmpq $0x1110, %%r10\n je 1f\n orq $2, %%r11\n1:\n"
      "cmpq $0x1101, %%rbx\n je 1f\n orq $4, %%r11\n1:\n"
      "cmpq $0x1105, %%rbp\n je 1f\n orq $8, %%r11\n1:\n"
      "cmpq $0x1112, %%r12\n je 1f\n orq $16, %%r11\n1:\n"
      "cmpq $0x1113, %%r13\n je 1f\n orq $32, %%r11\n1:\n"
      "cmpq $0x1114, %%r14\n je 1f\n orq $64, %%r11\n1:\n"
      "cmpq $0x1115, %%r15\n je 1f\n orq $128, %%r11\n1:\n"
      "cmpq 0(%%r9), %%rdi\n je 1f\n orq $256, %%r11\n1:\n"
      "cmpq 8(%%r9), %%rsi\n je 1f\n orq $512, %%r11\n1:\n"
      "cmpq 16(%%r9), %%rdx\n je 1f\n orq $1024, %%r11\n1:\n"
      "cmpq 24(%%r9), %%rcx\n je 1f\n orq $2048, %%r11\n1:\n"
      "movq (%%rsp), %%rsp\n"
      "popq %%r15\n popq %%r14\n popq %%r13\n popq %%r12\n"
      "popq %%rbp\n popq %%rbx\n"
      "addq $128, %%rsp\n"
      "movq %%r11, %%rcx\n"
      : "=a"(Out), "=c"(Changed)
      : "a"(In)
      : "rdi", "rsi", "rdx", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  R.Result = Out;
  R.Changed = Changed;
  return R;
}

#elif defined(__aarch64__)
// The same: x9 to x15, beside x19 to x28 that every function keeps.
Registers callCold(const void *Entry, uint64_t A, uint64_t B, uint64_t C,
                   uint64_t D) {
  register uint64_t X0 asm("x0") = A;
  register uint64_t X1 asm("x1") = B;
  register uint64_t X2 asm("x2") = C;
  register uint64_t X3 asm("x3") = D;
  register const void *X4 asm("x4") = Entry;
  asm volatile(
      "mov x9, #0x1109\n mov x10, #0x1110\n mov x11, #0x1111\n"
      "mov x12, #0x1112\n mov x13, #0x1113\n mov x14, #0x1114\n"
      "mov x15, #0x1115\n"
      "mov x19, #0x1119\n mov x20, #0x1120\n mov x21, #0x1121\n"
      "mov x22, #0x1122\n mov x23, #0x1123\n mov x24, #0x1124\n"
      "mov x25, #0x1125\n mov x26, #0x1126\n mov x27, #0x1127\n"
      "mov x28, #0x1128\n"
      "blr x4\n"
      "mov x1, #0\n"
#define SAME(Name, Bit)                                                        \
  "mov x2, #0x11" #Name "\n cmp x" #Name ", x2\n b.eq 1f\n"                    \
  "orr x1, x1, #(1 << " #Bit ")\n1:\n"
      "mov x2, #0x1109\n cmp x9, x2\n b.eq 1f\n orr x1, x1, #1\n1:\n"
      SAME(10, 1) SAME(11, 2) SAME(12, 3) SAME(13, 4) SAME(14, 5) SAME(15, 6)
      SAME(19, 7) SAME(20, 8) SAME(21, 9) SAME(22, 10) SAME(23, 11)
      SAME(24, 12) SAME(25, 13) SAME(26, 14) SAME(27, 15) SAME(28, 16)
#undef SAME
      : "+r"(X0), "+r"(X1), "+r"(X2), "+r"(X3), "+r"(X4)
      :
      : "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
        "x16", "x17", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
        "x27", "x28", "x30", "memory", "cc", "v0", "v1", "v2", "v3", "v4",
        "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
        "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
        "v26", "v27", "v28", "v29", "v30", "v31");
  return {X0, X1};
}
#endif

#if defined(__x86_64__) || defined(__aarch64__)
// Fresh: the first call of each entry goes through the PLT's resolver.
CHILD(cold) {
  uint64_t Place = 0;
  Registers R;
  auto P = (uint64_t)&Place;
  // Tagged in volatile memory.
  R = callCold(&__perdure_decode_cold, (uint64_t(1) << 62) | 5, P, 3, 4);
  printf("%llx %llx\n", (long long)R.Result, (long long)R.Changed);
  R = callCold(&__perdure_encode_cold, 5, P, 0, 4);
  printf("%llx %llx\n", (long long)R.Result, (long long)R.Changed);
  R = callCold(&__perdure_reencode_cold, (uint64_t(1) << 62) | 7, P, P + 8, 0);
  printf("%llx %llx\n", (long long)R.Result, (long long)R.Changed);
  return 0;
}

TEST(Entry, ColdEntriesKeepRegistersUnderLazyBinding) {
  unsetenv("LD_BIND_NOW");
  ChildResult R = runChild("cold", {});
  EXPECT_EQ(R.Exit, 0);
  EXPECT_EQ(R.Output, "5 0\n4000000000000005 0\n4000000000000007 0\n");
}

// The inline assembly above sees a change when there is one.
extern "C" uint64_t ordinaryFunction(uint64_t A, uint64_t, uint64_t, uint64_t) {
#if defined(__x86_64__)
  asm volatile("" ::: "r8", "r10", "rdi");
  asm volatile("movq $0, %%r8\n movq $0, %%r10" ::: "r8", "r10");
#else
  asm volatile("mov x9, #0\n mov x10, #0" ::: "x9", "x10");
#endif
  return A;
}

TEST(Entry, TheRegisterTestCanFail) {
  EXPECT_EQ(callCold((const void *)ordinaryFunction, 9, 0, 0, 0).Changed & 3,
            3u);
}
#endif

CHILD(register) {
  WindowPlace W;
  __perdure_register((unsigned)atoi(Args[0].c_str()),
                     (unsigned)atoi(Args[1].c_str()), &W);
  printf("%d\n",
         W.base == __perdure_window.base && W.bytes == __perdure_window.bytes);
  return 0;
}

TEST(Entry, AnotherBinaryGetsTheSameWindow) {
  ChildResult R = runChild("register", {"1", std::to_string(SLOT_BITS)});
  EXPECT_EQ(R.Output, "1\n");
}

TEST(Entry, OtherSlotSizeOrVersionStops) {
  ChildResult R = runChild("register", {"1", "31"});
  EXPECT_EQ(R.Signal, SIGABRT);
  EXPECT_NE(R.Output.find("1 << 31"), std::string::npos) << R.Output;
  R = runChild("register", {"2", std::to_string(SLOT_BITS)});
  EXPECT_EQ(R.Signal, SIGABRT);
  EXPECT_NE(R.Output.find("version 2"), std::string::npos) << R.Output;
}

CHILD(nothing) { return 0; }

TEST(Entry, OptionsAreReadAndExplained) {
  EXPECT_EQ(runChild("nothing", {}).Output, "");
  ChildResult R = runChild("nothing", {}, "sesame=open");
  EXPECT_NE(R.Output.find("no option 'sesame'"), std::string::npos) << R.Output;
  R = runChild("nothing", {}, "escape=maybe");
  EXPECT_NE(R.Output.find("'maybe' is no value"), std::string::npos)
      << R.Output;
  R = runChild("nothing", {}, "help=1:escape=report");
  for (const char *Name : {"help ", "window ", "escape "})
    EXPECT_NE(R.Output.find(Name), std::string::npos) << R.Output;
  R = runChild("nothing", {}, "window=0x1000");
  EXPECT_NE(R.Output.find("no multiple of the slot size"), std::string::npos);
}

} // namespace
