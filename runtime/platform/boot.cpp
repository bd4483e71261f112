//===- boot.cpp - Which boot of the machine this is -----------------------===//

#include "platform/boot.h"

#include <fcntl.h>
#include <unistd.h>

using namespace perdure;

// A random UUID (proc(5)): of its 128 bits the first 64, of which four say that it is
// random, so it is not 0.
static uint64_t readBoot() {
  char Text[37] = {};
  int File = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (File < 0)
    return 0;
  ssize_t Count = read(File, Text, sizeof(Text) - 1);
  close(File);
  uint64_t Number = 0;
  unsigned Digits = 0;
  for (ssize_t I = 0; I < Count && Digits < 16; ++I) {
    char C = Text[I];
    int Digit = C >= '0' && C <= '9'   ? C - '0'
                : C >= 'a' && C <= 'f' ? C - 'a' + 10
                                       : -1;
    if (Digit < 0)
      continue;
    Number = Number << 4 | (unsigned)Digit;
    ++Digits;
  }
  return Digits == 16 ? Number : 0;
}

uint64_t perdure::bootNumber() {
  static uint64_t Known; // the same whoever reads it
  uint64_t Number = __atomic_load_n(&Known, __ATOMIC_RELAXED);
  if (!Number) {
    Number = readBoot();
    __atomic_store_n(&Known, Number, __ATOMIC_RELAXED);
  }
  return Number;
}
