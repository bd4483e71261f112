/*===- malloc.c - The words that malloc keeps in front of blocks ----------===*\
|*
|* malloc COUNT BYTES: as many calls, on fresh memory. The C library is not
|* instrumented; so what it wrote to the two words that a call changes, the
|* block's size and that of the rest behind it, is stored once more, by which
|* the model of the medium sees it. Everything is taken in before: what that
|* changes are no flips.
|*
\*===----------------------------------------------------------------------===*/

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void again(volatile uint64_t *Word) { *Word = *Word; }

int main(int Count, char **Words) {
  if (Count != 3) {
    fprintf(stderr, "malloc: COUNT and BYTES are missing\n");
    return 2;
  }
  size_t Calls = strtoull(Words[1], NULL, 10),
         Bytes = strtoull(Words[2], NULL, 10);
  /* All of it in one piece, which malloc keeps. */
  size_t All = Calls * (Bytes + 32) + (1 << 20);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  uint64_t *First = malloc(All), *End = First + All / 8;
  if (!First) {
    fprintf(stderr, "malloc: no memory\n");
    return 1;
  }
  free(First);
  for (uint64_t *Line = First; Line < End; Line += 8)
    again(Line);
  for (size_t I = 0; I != Calls; ++I) {
    uint64_t *P = malloc(Bytes);
    if (P < First || P >= End) {
      fprintf(stderr, "malloc: a block lies elsewhere\n");
      return 1;
    }
    again(P - 1);
    again(P - 1 + malloc_usable_size(P) / 8 + 1);
  }
  return 0;
}
