/* Pointers that new blocks are stored to: at the head of a stack and of a queue, in a
   table of blocks that are replaced, and in a tree. Prints what it has made, and how
   many bits its stores to the heads have flipped, by comparing what memory holds before
   and after. Blocks are used again, and may hold anything but what is read. */
#include <perdure/perdure.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct PERDURE node {
  struct node *next;
  uint64_t key, value;
};
struct PERDURE leaf {
  struct leaf *left, *right;
  uint64_t key;
  uint32_t marks[3]; /* 4 bytes of padding behind them */
};
struct PERDURE root {
  struct node *stack, *queue, *table[64];
  struct leaf *tree;
};

static uint64_t Flips, State = 1;

static uint64_t bitsOf(void *Field) { return *(volatile uint64_t *)Field; }

static uint64_t any(void) {
  uint64_t Z = State += 0x9E3779B97F4A7C15;
  Z = (Z ^ Z >> 30) * 0xBF58476D1CE4E5B9;
  Z = (Z ^ Z >> 27) * 0x94D049BB133111EB;
  return Z ^ Z >> 31;
}

static void push(struct root *R, uint64_t Key) {
  struct node *N = perdure_alloc(R, sizeof *N);
  if (!N)
    abort();
  N->next = R->stack;
  N->key = Key;
  N->value = ~Key;
  uint64_t Before = bitsOf((void *)&R->stack);
  R->stack = N;
  Flips += (uint64_t)__builtin_popcountll(Before ^ bitsOf((void *)&R->stack));
}

/* The one that was put there before is freed: a queue with one place. */
static void pass(struct root *R, uint64_t Key) {
  struct node *Old = R->queue;
  struct node *N = perdure_alloc(R, sizeof *N);
  if (!N)
    abort();
  *N = (struct node){NULL, Key, Key};
  uint64_t Before = bitsOf((void *)&R->queue);
  R->queue = N;
  Flips += (uint64_t)__builtin_popcountll(Before ^ bitsOf((void *)&R->queue));
  perdure_free(Old);
}

static void put(struct root *R, unsigned At, uint64_t Key) {
  struct node *Old = R->table[At];
  struct node *N = perdure_alloc(R, sizeof *N);
  if (!N)
    abort();
  N->key = Key;
  N->value = At;
  N->next = NULL;
  R->table[At] = N;
  perdure_free(Old);
}

static void grow(struct root *R, uint64_t Key) {
  struct leaf *N = R->tree, *Above = NULL;
  while (N) {
    Above = N;
    N = Key < N->key ? N->left : N->right;
  }
  N = perdure_alloc(R, sizeof *N);
  if (!N)
    abort();
  N->key = Key;
  N->marks[1] = (uint32_t)Key;
  if (!Above)
    R->tree = N;
  else if (Key < Above->key)
    Above->left = N;
  else
    Above->right = N;
}

static uint64_t sum(const struct leaf *N) {
  if (!N)
    return 0;
  if (N->marks[0] || N->marks[2])
    abort(); /* never stored: zero */
  return sum(N->left) * 3 + N->key + N->marks[1] + sum(N->right) * 5;
}

static void fell(struct leaf *N) {
  if (N) {
    fell(N->left);
    fell(N->right);
    perdure_free(N);
  }
}

int main(int Count, char **Words) {
  perdure_store *S = Count == 2 ? perdure_store_open(Words[1], PERDURE_CREATE) : NULL;
  struct root *R = S ? perdure_create(S, "a", sizeof *R, 0) : NULL;
  if (!R)
    return 1;
  uint64_t Sum = 0;
  for (int Round = 0; Round != 4; ++Round) {
    for (int I = 0; I != 1000; ++I)
      push(R, any());
    for (int I = 0; I != 1000; ++I)
      pass(R, any());
    for (int I = 0; I != 1000; ++I)
      put(R, any() % 64, any());
    for (int I = 0; I != 500; ++I)
      grow(R, any());
    Sum = Sum * 7 + sum(R->tree);
    fell(R->tree);
    R->tree = NULL;
    for (struct node *N; (N = R->stack);) {
      Sum = Sum * 7 + N->key - N->value;
      R->stack = N->next;
      perdure_free(N);
    }
  }
  for (int I = 0; I != 64; ++I)
    Sum = Sum * 7 + R->table[I]->key + R->table[I]->value + !R->table[I]->next;
  printf("%llx\n%llu\n", (unsigned long long)(Sum * 7 + R->queue->key),
         (unsigned long long)Flips);
  perdure_store_close(S);
  return 0;
}
