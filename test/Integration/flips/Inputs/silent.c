/* Stores that often change nothing, and what a store left out too many would break.
   Prints what it has made. */
#include <perdure/perdure.h>

#include <setjmp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct PERDURE node {
  struct node *left, *right;
  uint64_t key, least;
  uint32_t marks, seen;
  unsigned few : 5, more : 11;
  volatile uint32_t noted;
  _Atomic uint32_t shared;
};

static struct node *Tree; /* only to be near it */

static struct node *insert(struct node *N, uint64_t Key) {
  if (!N) {
    N = perdure_alloc(Tree, sizeof(struct node));
    if (!N)
      abort();
    N->key = N->least = Key;
    return N;
  }
  if (Key < N->key)
    N->left = insert(N->left, Key);
  else if (Key > N->key)
    N->right = insert(N->right, Key);
  N->least = Key < N->least ? Key : N->least;
  return N;
}

/* The other pointer may be the same field: what memory holds is not what was read. */
__attribute__((noinline)) static void both(uint64_t *P, uint64_t *Q, uint64_t V) {
  uint64_t Old = *P;
  uint64_t New = V < Old ? V : Old;
  *Q = V + 5;
  *P = New;
}

__attribute__((noinline)) static void mark(struct node *N, unsigned Which) {
  N->marks |= 1u << (Which & 3);
  N->few |= Which & 5;
  N->noted |= 1u << (Which & 3);
  atomic_fetch_or(&N->shared, 1u << (Which & 3));
  ++N->seen;
}

/* The store in front of the jump counts. */
static jmp_buf Back;
__attribute__((noinline)) static void jumps(struct node *N) {
  N->marks |= 1u << 20;
  longjmp(Back, 1);
}

static uint64_t walk(const struct node *N, uint64_t Depth) {
  if (!N)
    return 7;
  return N->key * 3 + N->least * 5 + N->marks * 11 + N->seen * 13 + N->few * 17 +
         N->more * 19 + N->noted * 23 + N->shared * 29 + Depth +
         walk(N->left, Depth + 1) * 31 + walk(N->right, Depth + 1) * 37;
}

PERDURE_TRANSACTION static void raise(struct node *N, uint64_t To) { N->least = To; }

int main(int Count, char **Words) {
  (void)Count;
  perdure_store *S = perdure_store_open(Words[1], PERDURE_CREATE);
  Tree = perdure_create(S, "tree", sizeof(struct node), 0);
  if (!Tree) {
    fprintf(stderr, "%s\n", perdure_errormsg());
    return 1;
  }
  uint64_t Seed = 1;
  Tree->key = Tree->least = 1u << 20;
  for (int I = 0; I != 2000; ++I) {
    Seed = Seed * 6364136223846793005u + 1442695040888963407u;
    insert(Tree, Seed >> 40);
  }
  struct node *N = Tree;
  for (unsigned I = 0; N; ++I, N = I & 1 ? N->left : N->right)
    for (unsigned J = 0; J != 20; ++J)
      mark(N, J % 3);
  both(&Tree->least, &Tree->least, 3);
  printf("%llu\n", (unsigned long long)Tree->least);
  both(&Tree->least, &Tree->key, 4);
  if (!setjmp(Back))
    jumps(Tree);
  printf("%x\n", Tree->marks);
  for (int I = 0; I != 500; ++I)
    raise(Tree, 1000 + I / 50);
  printf("%llu %llu\n", (unsigned long long)Tree->least,
         (unsigned long long)walk(Tree, 1));
  perdure_close(Tree);
  perdure_store_close(S);
  return 0;
}
