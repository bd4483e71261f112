//===- context.h - What the processor was doing -----------------*- C++ -*-===//
//
// Reads the ucontext that a handler is given.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_RUNTIME_API_CONTEXT_H
#define PERDURE_RUNTIME_API_CONTEXT_H

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

namespace perdure {

struct Stopped {
  uint64_t PC = 0;
  uint64_t Stack = 0; // stack pointer
  uint64_t Frame = 0; // frame pointer, if it is used as one
  uint64_t Link = 0;  // return address of a leaf, where a register holds it
  enum { Unknown, Reading, Writing } Doing = Unknown;
};

inline Stopped stoppedAt(const void *Context) {
  Stopped S;
  auto *U = (const ucontext_t *)Context;
  if (!U)
    return S;
#if defined(__x86_64__)
  const greg_t *R = U->uc_mcontext.gregs;
  S.PC = (uint64_t)R[REG_RIP];
  S.Stack = (uint64_t)R[REG_RSP];
  S.Frame = (uint64_t)R[REG_RBP];
  // The page fault's error code; bit 1: a write.
  if (R[REG_TRAPNO] == 14)
    S.Doing = R[REG_ERR] & 2 ? Stopped::Writing : Stopped::Reading;
#elif defined(__aarch64__)
  S.PC = U->uc_mcontext.pc;
  S.Stack = U->uc_mcontext.sp;
  S.Frame = U->uc_mcontext.regs[29];
  S.Link = U->uc_mcontext.regs[30];
  // Records of (magic, size) follow; one holds the syndrome register.
  const unsigned char *P = U->uc_mcontext.__reserved;
  const unsigned char *End = P + sizeof(U->uc_mcontext.__reserved);
  while (End - P >= 16) {
    uint32_t Head[2];
    memcpy(Head, P, sizeof(Head));
    if (Head[0] == 0x45535201) {
      uint64_t Syndrome;
      memcpy(&Syndrome, P + 8, sizeof(Syndrome));
      // A data abort, from this exception level or a lower one; bit 6: a write.
      if (uint64_t Class = Syndrome >> 26 & 63; Class == 0x24 || Class == 0x25)
        S.Doing = Syndrome >> 6 & 1 ? Stopped::Writing : Stopped::Reading;
      break;
    }
    if (Head[1] < 8 || Head[1] > (size_t)(End - P))
      break;
    P += Head[1];
  }
#endif
  return S;
}

/// The signals that were blocked. The kernel writes eight bytes of the set.
inline sigset_t blockedAt(const void *Context) {
  sigset_t Set;
  sigemptyset(&Set);
  if (Context)
    memcpy(&Set, &((const ucontext_t *)Context)->uc_sigmask, 8);
  return Set;
}

} // namespace perdure

#endif // PERDURE_RUNTIME_API_CONTEXT_H
