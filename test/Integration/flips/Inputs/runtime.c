/* All that the runtime writes to objects: headers, page maps, slabs, large blocks,
   FOT entries by ID and by name, logs of transactions that commit and that abort,
   objects that are opened again. Deterministic but for IDs. */
#include <perdure/perdure.h>
#include <perdure/transaction.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct PERDURE node {
  struct node *next, *other;
  uint64_t value[3];
};
struct PERDURE root {
  struct node *list;
  char *large;
};

static void check(int Ok) {
  if (Ok)
    return;
  fprintf(stderr, "%s\n", perdure_errormsg());
  exit(1);
}

static struct root *Far;

static struct node *push(struct root *R, uint64_t Value) {
  struct node *N = perdure_alloc(R, sizeof *N);
  check(N != NULL);
  N->next = R->list;
  N->other = Far ? Far->list : NULL;
  N->value[0] = Value;
  R->list = N; /* PROGRAM */
  return N;
}

static void pop(struct root *R) {
  struct node *N = R->list;
  R->list = N->next;
  perdure_free(N);
}

static int fill(void *In) {
  struct root *R = In;
  for (unsigned I = 0; I != 200; ++I)
    push(R, I * UINT64_C(0x9E3779B97F4A7C15));
  for (unsigned I = 0; I != 50; ++I)
    pop(R);
  return 0;
}
static int fail(void *In) {
  fill(In);
  return 1;
}

int main(int Count, char **Words) {
  unsigned Flags = Count > 2 && !strcmp(Words[2], "durable") ? PERDURE_DURABLE : 0;
  perdure_store *S = perdure_store_open(Words[1], PERDURE_CREATE | Flags);
  check(S != NULL);
  struct root *R = perdure_create(S, "near", sizeof *R, Flags);
  Far = perdure_create(S, "far", sizeof *R, Flags);
  check(R && Far);
  push(Far, 1);
  for (unsigned Round = 0; Round != 3; ++Round) {
    for (unsigned I = 0; I != 3000; ++I)
      push(R, I);
    for (unsigned I = 0; I != 2500; ++I)
      pop(R);
    check(!perdure_transact(R, fill, R));
    check(perdure_transact(R, fail, R));
    if (R->large)
      perdure_free(R->large);
    R->large = perdure_alloc(R, 100000 + 5000 * Round);
    check(R->large != NULL);
    memset(R->large, (int)Round + 7, 90000);
    perdure_persist(R->list, sizeof *R->list);
    perdure_close(R);
    R = perdure_open(S, "near", Flags);
    check(R != NULL);
  }
  perdure_close(Far);
  perdure_close(R);
  perdure_store_close(S);
  return 0;
}
