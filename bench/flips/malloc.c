/*===- malloc.c - The words that malloc keeps in front of blocks -----------===*\
|*
|* malloc COUNT BYTES: as many calls, on fresh memory. The C library is not
|* instrumented; so what it wrote to the two words that a call changes, the block's
|* size and that of the rest behind it, is stored once more, by which the model of the
|* medium sees it. Everything is taken in before: what that changes are no flips.
|*
\*===----------------------------------------------------------------------===*/

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void again(volatile uint64_t *Word) { *Word = *Word; }

int main(int Count, char **Words) {
  if (Count != 3) {
    fprintf(stderr, "malloc: COUNT and BYTES are missing\n");
    return 2;
  }
  size_t Calls = strtoull(Words[1], NULL, 10), Bytes = strtoull(Words[2], NULL, 10);
  /* In one piece. */
  mallopt(M_TOP_PAD, (int)(Calls * (Bytes + 32) + (1 << 20)));
  uint64_t *First = malloc(Bytes);
  uint64_t *End = sbrk(0);
  if (!First || First > End || (uintptr_t)End - (uintptr_t)First < Calls * (Bytes + 32)) {
    fprintf(stderr, "malloc: no memory behind the program's data\n");
    return 1;
  }
  for (uint64_t *Line = First; Line < End; Line += 8)
    again(Line);
  for (size_t I = 0; I != Calls; ++I) {
    uint64_t *P = malloc(Bytes);
    if (!P || P >= End)
      return 1;
    again(P - 1);
    again(P - 1 + malloc_usable_size(P) / 8 + 1);
  }
  return 0;
}
