//===- machine_entry.cpp - From the program's registers and back ----------===//
//
// The machine pass's sequence, passes/FlipsMachine.cpp, changes to the
// profiler's stack, pushes the program's stack pointer and the place, and calls
// this. Nothing of the program's may be another afterwards: registers, flags,
// vectors, and the memory below its stack pointer, whose content is what the
// next push overwrites.
//
//===----------------------------------------------------------------------===//

#include "flips/machine.h"

#include <cpuid.h>
#include <stddef.h>

using namespace perdure::flips;

extern "C" {
// Of what xsave writes, for all that the system has switched on.
__attribute__((visibility("hidden"))) uint64_t perdure_flips_states_bytes;
__attribute__((visibility("hidden"))) void perdure_flips_event(Registers *R);
}

// By a constructor, or by the first event, if that comes before all
// constructors: from .preinit_array, or as the program's own malloc, which the
// loader calls. Of general registers alone, since then no others are saved yet.
extern "C" __attribute__((constructor(101), visibility("hidden"),
                          target("general-regs-only"))) void
perdure_flips_measure() {
  unsigned A, B, C, D;
  __cpuid(0, A, B, C, D);
  if (A < 13)
    return;
  // Bit 27 of leaf 1: the system uses xsave.
  __cpuid(1, A, B, C, D);
  if (!(C >> 27 & 1))
    return;
  __cpuid_count(13, 0, A, B, C, D);
  perdure_flips_states_bytes = (B + 63) & ~63u;
}

bool perdure::flips::canEnter() { return perdure_flips_states_bytes; }

static_assert(offsetof(Registers, Flags) == 128 &&
                  offsetof(Registers, Sequence) == 136,
              "as it is pushed");

// Without xsave nothing is counted: __perdure_flips_start ends the program.
// 0(%rsp): back to the sequence; 8: the place; 16: the program's stack pointer.
__asm__(R"(
  .text
  .globl __perdure_flips_event_v1
  .type __perdure_flips_event_v1, @function
  .p2align 4
__perdure_flips_event_v1:
  .cfi_startproc
  pushq %rsp
  .cfi_adjust_cfa_offset 8
  pushfq
  .cfi_adjust_cfa_offset 8
  cld
  pushq %r15
  .cfi_adjust_cfa_offset 8
  pushq %r14
  .cfi_adjust_cfa_offset 8
  pushq %r13
  .cfi_adjust_cfa_offset 8
  pushq %r12
  .cfi_adjust_cfa_offset 8
  pushq %r11
  .cfi_adjust_cfa_offset 8
  pushq %r10
  .cfi_adjust_cfa_offset 8
  pushq %r9
  .cfi_adjust_cfa_offset 8
  pushq %r8
  .cfi_adjust_cfa_offset 8
  pushq %rdi
  .cfi_adjust_cfa_offset 8
  pushq %rsi
  .cfi_adjust_cfa_offset 8
  pushq %rbp
  .cfi_adjust_cfa_offset 8
  pushq 120(%rsp)
  .cfi_adjust_cfa_offset 8
  pushq %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset rbx, 0
  pushq %rdx
  .cfi_adjust_cfa_offset 8
  pushq %rcx
  .cfi_adjust_cfa_offset 8
  pushq %rax
  .cfi_adjust_cfa_offset 8
  movq %rsp, %rbx
  .cfi_def_cfa_register rbx
  andq $-64, %rsp
  cmpq $0, perdure_flips_states_bytes(%rip)
  jne 1f
  callq perdure_flips_measure
  cmpq $0, perdure_flips_states_bytes(%rip)
  je 2f
1:
  subq perdure_flips_states_bytes(%rip), %rsp
  xorl %eax, %eax
  movq %rax, 512(%rsp)
  movq %rax, 520(%rsp)
  movq %rax, 528(%rsp)
  movq %rax, 536(%rsp)
  movq %rax, 544(%rsp)
  movq %rax, 552(%rsp)
  movq %rax, 560(%rsp)
  movq %rax, 568(%rsp)
  movl $-1, %eax
  movl $-1, %edx
  xsave64 (%rsp)
  movq %rbx, %rdi
  callq perdure_flips_event
  movl $-1, %eax
  movl $-1, %edx
  xrstor64 (%rsp)
2:
  movq %rbx, %rsp
  .cfi_def_cfa_register rsp
  popq %rax
  .cfi_adjust_cfa_offset -8
  popq %rcx
  .cfi_adjust_cfa_offset -8
  popq %rdx
  .cfi_adjust_cfa_offset -8
  popq %rbx
  .cfi_adjust_cfa_offset -8
  .cfi_restore rbx
  leaq 8(%rsp), %rsp
  .cfi_adjust_cfa_offset -8
  popq %rbp
  .cfi_adjust_cfa_offset -8
  popq %rsi
  .cfi_adjust_cfa_offset -8
  popq %rdi
  .cfi_adjust_cfa_offset -8
  popq %r8
  .cfi_adjust_cfa_offset -8
  popq %r9
  .cfi_adjust_cfa_offset -8
  popq %r10
  .cfi_adjust_cfa_offset -8
  popq %r11
  .cfi_adjust_cfa_offset -8
  popq %r12
  .cfi_adjust_cfa_offset -8
  popq %r13
  .cfi_adjust_cfa_offset -8
  popq %r14
  .cfi_adjust_cfa_offset -8
  popq %r15
  .cfi_adjust_cfa_offset -8
  popfq
  .cfi_adjust_cfa_offset -8
  popq %rsp
  .cfi_adjust_cfa_offset -8
  retq $8
  .cfi_endproc
  .size __perdure_flips_event_v1, . - __perdure_flips_event_v1
)");
