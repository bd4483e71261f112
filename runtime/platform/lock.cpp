//===- lock.cpp - Waiting for a latch -------------------------------------===//

#include "platform/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace perdure;

static void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Callers of the fast paths rely on errno as it was.
static void futex(uint32_t *Word, int Operation, uint32_t Value) {
  int Saved = errno;
  syscall(SYS_futex, Word, Operation | FUTEX_PRIVATE_FLAG, Value, nullptr);
  errno = Saved;
}

void Latch::wait() {
  // Most are held for less than a hundred instructions: about as long as it
  // takes to enter the kernel.
  for (int Tries = 0; Tries < 64; ++Tries) {
    relax();
    uint32_t Expected = Free;
    if (__atomic_load_n(&State, __ATOMIC_RELAXED) == Free &&
        __atomic_compare_exchange_n(&State, &Expected, Held, false,
                                    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
      return;
  }
  // Whoever has slept takes it as waited for: others may sleep still.
  while (__atomic_exchange_n(&State, WaitedFor, __ATOMIC_ACQUIRE) != Free)
    futex(&State, FUTEX_WAIT, WaitedFor);
}

void Latch::wake() { futex(&State, FUTEX_WAKE, 1); }
