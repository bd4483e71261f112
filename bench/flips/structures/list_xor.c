/* The same by hand, with one word for both neighbours: the exclusive or of
   their addresses. An end has itself in place of the neighbour that it lacks;
   with FLIPS_ENDS_NULL null, as in the oldest lists of this kind. */
#include "structure.h"

struct node {
  uint64_t value;
  uintptr_t siblings;
};
struct list {
  struct node *head, *tail;
};

static struct node *other(const struct node *N, const struct node *Known) {
  return (struct node *)(N->siblings ^ (uintptr_t)Known);
}

/* What an end has for a neighbour. */
static uintptr_t beyond(const struct node *End) {
#ifdef FLIPS_ENDS_NULL
  (void)End;
  return 0;
#else
  return (uintptr_t)End;
#endif
}

static bool isBeyond(const struct node *N, const struct node *Next) {
  return (uintptr_t)Next == beyond(N);
}

static void *make(uint64_t Keys) {
  (void)Keys;
  return take(sizeof(struct list));
}

static bool insert(void *Root, struct item New) {
  struct list *L = Root;
  struct node *N = take(sizeof *N), *Old = L->head;
  N->value = New.value;
  N->siblings = beyond(N) ^ (Old ? (uintptr_t)Old : beyond(N));
  persist(N, sizeof *N);
  if (Old) {
    Old->siblings ^= beyond(Old) ^ (uintptr_t)N;
    persist(Old, sizeof *Old);
  } else {
    L->tail = N;
  }
  L->head = N;
  persist(L, sizeof *L);
  return true;
}

static bool pop(void *Root, struct item *Oldest) {
  struct list *L = Root;
  struct node *N = L->tail;
  if (!N)
    return false;
  struct node *Before = other(N, (struct node *)beyond(N));
  if (isBeyond(N, Before)) {
    L->head = L->tail = NULL;
  } else {
    Before->siblings ^= (uintptr_t)N ^ beyond(Before);
    persist(Before, sizeof *Before);
    L->tail = Before;
  }
  persist(L, sizeof *L);
  *Oldest = (struct item){0, N->value};
  give(N, sizeof *N);
  return true;
}

static size_t walk(void *Root, bool Backwards, struct item *To, size_t Most) {
  struct list *L = Root;
  size_t Count = 0;
  struct node *N = Backwards ? L->tail : L->head,
              *From = (struct node *)beyond(N);
  while (N && Count < Most) {
    To[Count++] = (struct item){0, N->value};
    struct node *Next = other(N, From);
    if (isBeyond(N, Next))
      break;
    From = N;
    N = Next;
  }
  return Count;
}

static const char *broken(void *Root) {
  struct list *L = Root;
  if (!L->head != !L->tail)
    return "only one end leads to nothing";
  struct node *N = L->head;
  if (!N)
    return NULL;
  struct node *From = (struct node *)beyond(N), *Next;
  while (!isBeyond(N, Next = other(N, From))) {
    From = N;
    N = Next;
  }
  return L->tail == N ? NULL : "the tail is not the last node";
}

const struct structure Structure = {
    .Make = make, .Insert = insert, .Pop = pop, .Walk = walk, .Broken = broken};
