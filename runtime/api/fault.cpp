//===- fault.cpp - Says what a fault in the window means ------------------===//
//
// Async-signal-safe: no locks, no allocation, no stdio. Runs on the alternate
// stack where the thread has one.
//
//===----------------------------------------------------------------------===//

#include "api/fault.h"
#include "fot/translate.h"
#include "object/object.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

using namespace perdure;

static struct sigaction OldSegv, OldBus;

namespace {
/// One line, put together without stdio.
class Line {
public:
  Line &operator<<(const char *S) {
    while (*S && Length < sizeof(Text) - 1)
      Text[Length++] = *S++;
    return *this;
  }
  Line &operator<<(uint64_t Value) {
    *this << "0x";
    for (int Shift = 60; Shift >= 0; Shift -= 4)
      if (Value >> Shift || Shift == 0) {
        char Digit[2] = {"0123456789abcdef"[Value >> Shift & 15], 0};
        *this << Digit;
      }
    return *this;
  }
  void print() {
    Text[Length++] = '\n';
    ssize_t Ignored = write(STDERR_FILENO, Text, Length);
    (void)Ignored;
  }

private:
  char Text[1024];
  size_t Length = 0;
};
} // namespace

static void explain(uint64_t Address) {
  Line L;
  L << "perdure: fault at " << Address << ": ";
  const Object *O = objectAt(Address);
  Damage D;
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
  else if (!isWritable(*O))
    L << "the object was opened without the right to write";
  else
    L << "the medium failed, or the file was cut off by somebody else";
  L.print();
}

static void handle(int Signal, siginfo_t *Info, void *Context) {
  int Saved = errno;
  // Positive codes come from the kernel: the address is one.
  if (Info->si_code > 0 && TheWindow.contains(Info->si_addr))
    explain((uint64_t)Info->si_addr);
  errno = Saved;
  const struct sigaction &Old = Signal == SIGSEGV ? OldSegv : OldBus;
  if (Old.sa_flags & SA_SIGINFO) {
    Old.sa_sigaction(Signal, Info, Context);
  } else if (Old.sa_handler != SIG_DFL && Old.sa_handler != SIG_IGN) {
    Old.sa_handler(Signal);
  } else {
    // The instruction faults again and the default action takes its course;
    // a signal that was sent is sent again.
    signal(Signal, SIG_DFL);
    if (Info->si_code <= 0)
      raise(Signal);
  }
}

static void install() {
  struct sigaction New = {};
  New.sa_sigaction = handle;
  New.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&New.sa_mask);
  sigaction(SIGSEGV, &New, &OldSegv);
  sigaction(SIGBUS, &New, &OldBus);
}

void perdure::installFaultHandler() {
  static pthread_once_t Once = PTHREAD_ONCE_INIT;
  pthread_once(&Once, install);
}
