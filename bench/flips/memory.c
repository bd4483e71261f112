/*===- memory.c - Where a structure lies ----------------------------------===*/

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef FLIPS_OBJECT
#include <perdure/perdure.h>
#endif

enum { LargestClass = 64 };

static char *Next, *End;
/* By size / 16: stacks. */
static struct stack {
  void **Free;
  size_t Count, Room;
} Stacks[LargestClass + 1];

static _Noreturn void fail(const char *Why) {
  fprintf(stderr, "flips: memory for the structure: %s\n", Why);
  exit(1);
}

void memoryOpen(const char *Directory, uint64_t Bytes) {
#ifdef FLIPS_OBJECT
  char Path[4096], Clear[4200];
  snprintf(Path, sizeof Path, "%s/flips.XXXXXX", Directory);
  if (!mkdtemp(Path))
    fail("a directory for the store cannot be made; is PERDURE_BENCH_DIR "
         "right?");
  perdure_store *Store = perdure_store_open(Path, PERDURE_CREATE);
  Next = Store ? perdure_create(Store, "structure", Bytes, 0) : NULL;
  if (!Next)
    fail(perdure_errormsg());
  /* The object stays mapped. */
  snprintf(Clear, sizeof Clear, "rm -r '%s'", Path);
  if (system(Clear))
    fail("the store cannot be removed");
#else
  (void)Directory;
  Next = sbrk((intptr_t)Bytes);
  if (Next == (void *)-1)
    fail("brk does not give as much");
#endif
  End = Next + Bytes;
  Next = (char *)(((uintptr_t)Next + 15) & ~(uintptr_t)15) + 8;
}

void *memoryNear(void) { return Next; }

void memoryMissing(void) {
#ifdef FLIPS_OBJECT
  fail(perdure_errormsg());
#else
  fail("there is no object");
#endif
}

void *memoryTake(uint64_t Bytes) {
  struct stack *S = Bytes / 16 <= LargestClass ? &Stacks[Bytes / 16] : NULL;
  if (S && S->Count)
    return S->Free[--S->Count];
  if (Bytes > (uint64_t)(End - Next))
    fail("it is used up; --memory says how much there is");
  void *P = Next;
  Next += Bytes;
  return P;
}

void memoryGive(void *P, uint64_t Bytes) {
  if (Bytes / 16 > LargestClass)
    return; /* only tables are that large, and they stay */
  struct stack *S = &Stacks[Bytes / 16];
  if (S->Count == S->Room) {
    S->Room = S->Room ? 2 * S->Room : 1024;
    S->Free = realloc(S->Free, S->Room * sizeof *S->Free);
    if (!S->Free)
      fail("no room to remember what is free");
  }
  S->Free[S->Count++] = P;
}
