//===- memory.cpp - Memory that is not the program's heap -----------------===//

#include "flips/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

using namespace perdure;

void *flips::mapMemory(size_t Bytes) {
  void *P = mmap(nullptr, Bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (P == MAP_FAILED) {
    fprintf(stderr, "perdure: flips: no memory is left for the profile; "
                    "PERDURE_FLIPS=model=0 takes less\n");
    abort();
  }
  return P;
}

void flips::unmapMemory(void *P, size_t Bytes) { munmap(P, Bytes); }

void *flips::takeMemory(size_t Bytes) {
  static char *Next;
  static size_t Left;
  Bytes = (Bytes + 15) & ~size_t(15);
  if (Bytes > Left) {
    Left = Bytes > (4 << 20) ? Bytes : 4 << 20;
    Next = static_cast<char *>(mapMemory(Left));
  }
  void *Taken = Next;
  Next += Bytes;
  Left -= Bytes;
  return Taken;
}
