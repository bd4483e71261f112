/* The same by hand, with one word for both neighbours: the exclusive or of their
   addresses. An end has itself in place of the neighbour that it lacks. */
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

static void *make(uint64_t Keys) {
  (void)Keys;
  return take(sizeof(struct list));
}

static void insert(void *Root, struct item New) {
  struct list *L = Root;
  struct node *N = take(sizeof *N), *Old = L->head;
  N->value = New.value;
  N->siblings = (uintptr_t)N ^ (uintptr_t)(Old ? Old : N);
  persist(N, sizeof *N);
  if (Old) {
    /* In front of it is no longer itself. */
    Old->siblings ^= (uintptr_t)Old ^ (uintptr_t)N;
    persist(Old, sizeof *Old);
  } else {
    L->tail = N;
  }
  L->head = N;
  persist(L, sizeof *L);
}

static bool pop(void *Root, struct item *Oldest) {
  struct list *L = Root;
  struct node *N = L->tail;
  if (!N)
    return false;
  struct node *Before = other(N, N);
  if (Before == N) {
    L->head = L->tail = NULL;
  } else {
    Before->siblings ^= (uintptr_t)N ^ (uintptr_t)Before;
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
  struct node *N = Backwards ? L->tail : L->head, *From = N;
  while (N && Count < Most) {
    To[Count++] = (struct item){0, N->value};
    struct node *Next = other(N, From);
    if (Next == N)
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
  struct node *N = L->head, *From = N;
  if (!N)
    return NULL;
  while (other(N, From) != N) {
    struct node *Next = other(N, From);
    From = N;
    N = Next;
  }
  return L->tail == N ? NULL : "the tail is not the last node";
}

const struct structure Structure = {
    .Make = make, .Insert = insert, .Pop = pop, .Walk = walk, .Broken = broken};
