/* Fields for which different policies pay: neighbours in a list, a pointer that is
   taken away and put back, a counter, and one whose bits nobody can spare. The same
   layout under every encoding, so that what was predicted can be measured. */
#include <perdure/perdure.h>

#include <stdint.h>
#include <stdio.h>

#ifndef NEXT
#define NEXT
#endif
#ifndef MAYBE
#define MAYBE
#endif
#ifndef COUNT
#define COUNT
#endif

struct node;
typedef struct node *next_ref NEXT;
typedef struct node *maybe_ref MAYBE;
struct PERDURE node {
  next_ref next;
  maybe_ref maybe;
  uint64_t count COUNT;
  uint64_t random;
  double real;
};
struct PERDURE root {
  struct node *first;
};

int main(int Count, char **Words) {
  (void)Count;
  perdure_store *S = perdure_store_open(Words[1], PERDURE_CREATE);
  struct root *R = perdure_create(S, "root", sizeof *R, 0);
  if (!R) {
    fprintf(stderr, "%s\n", perdure_errormsg());
    return 1;
  }
  uint64_t Random = 1;
  struct node *First = NULL;
  for (unsigned I = 0; I != 2000; ++I) {
    struct node *N = perdure_alloc(R, sizeof *N);
    if (!N)
      return 1;
    N->next = First;                       /* NEXT */
    First = N;
  }
  R->first = First;
  for (unsigned Round = 0; Round != 8; ++Round)
    for (struct node *N = First; N; N = N->next) {
      Random = Random * UINT64_C(6364136223846793005) + 1442695040888963407;
      N->maybe = Round % 2 ? NULL : Round % 4 ? N->next : First; /* MAYBE */
      ++N->count;                          /* COUNT */
      N->random = Random;
      N->real += 0.1;
    }
  /* Given back, and taken again: zeroed over what was there. */
  for (unsigned I = 0; I != 500; ++I) {
    struct node *N = First;
    First = N->next;
    perdure_free(N);
  }
  R->first = First;
  for (unsigned I = 0; I != 500; ++I) {
    struct node *N = perdure_alloc(R, sizeof *N);
    if (!N)
      return 1;
    N->next = First;
    N->count = 8;
    First = N;
  }
  R->first = First;
  perdure_close(R);
  perdure_store_close(S);
  return 0;
}
