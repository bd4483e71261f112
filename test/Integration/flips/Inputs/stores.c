/* What `zeroing` and `merge` are about: fields that are zeroed and then stored, and
   places that are stored to twice. Prints what it has made. */
#include <perdure/perdure.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct PERDURE node {
  struct node *next;
  uint64_t first, key, other, last;
};
struct PERDURE state {
  uint64_t flags, count;
  struct node *newest;
};

/* The field in the middle has set bits before and after. */
__attribute__((noinline)) static void reset(struct node *N, uint64_t Key) {
#ifdef MERGE
  N->key = ~Key;
#else
  memset(&N->first, 0, 4 * sizeof N->first);
#endif
  N->key = Key;
}
/* Both arms store, and so does what comes behind them; a read keeps both. */
__attribute__((noinline)) static void change(struct state *S, uint64_t Key) {
  S->flags = 0;
  S->count = Key;
  if (Key & 1)
    S->flags = Key;
  else
    S->flags = Key | 0xF0;
}
/* What is read in between was stored. */
__attribute__((noinline)) static uint64_t reads(struct node *N, uint64_t Key) {
  memset(&N->first, 0, 4 * sizeof N->first);
  uint64_t Zero = *(volatile uint64_t *)&N->other;
  N->other = Key;
  return Zero;
}

int main(int Count, char **Words) {
  (void)Count;
  perdure_store *S = perdure_store_open(Words[1], PERDURE_CREATE);
  struct state *Root = perdure_create(S, "state", sizeof *Root, 0);
  struct node *N = Root ? perdure_alloc(Root, sizeof *N) : NULL;
  if (!N) {
    fprintf(stderr, "%s\n", perdure_errormsg());
    return 1;
  }
  Root->newest = N;
  uint64_t Sum = 0;
  for (uint64_t I = 0; I != 1000; ++I) {
    uint64_t Key = UINT64_MAX - I;
    reset(N, Key);
    Sum += N->first + N->key * 3 + N->last;
    change(Root, Key);
    Sum += Root->flags + Root->count;
    if (I % 100 == 0)
      Sum += reads(N, Key) + N->other * 5;
  }
  printf("%llu\n", (unsigned long long)Sum);
  perdure_close(N);
  perdure_store_close(S);
  return 0;
}
