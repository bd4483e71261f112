/* A doubly linked list: items come in front and go behind. */
#include "structure.h"

struct NODE node {
  uint64_t value;
  struct node *next, *prev;
};
struct NODE list {
  struct node *head, *tail;
};

static void *make(uint64_t Keys) {
  (void)Keys;
  return take(sizeof(struct list));
}

static bool insert(void *Root, struct item New) {
  struct list *L = Root;
  struct node *N = take(sizeof *N), *Old = L->head;
  N->value = New.value;
  N->prev = NULL;
  N->next = Old;
  persist(N, sizeof *N);
  if (Old) {
    Old->prev = N;
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
  struct node *Before = N->prev;
  if (Before) {
    Before->next = NULL;
    persist(Before, sizeof *Before);
  } else {
    L->head = NULL;
  }
  L->tail = Before;
  persist(L, sizeof *L);
  *Oldest = (struct item){0, N->value};
  give(N, sizeof *N);
  return true;
}

static size_t walk(void *Root, bool Backwards, struct item *To, size_t Most) {
  struct list *L = Root;
  size_t Count = 0;
  for (struct node *N = Backwards ? L->tail : L->head; N && Count < Most;
       N = Backwards ? N->prev : N->next)
    To[Count++] = (struct item){0, N->value};
  return Count;
}

static const char *broken(void *Root) {
  struct list *L = Root;
  if (!L->head != !L->tail)
    return "only one end leads to nothing";
  struct node *Before = NULL;
  for (struct node *N = L->head; N; Before = N, N = N->next)
    if (N->prev != Before)
      return "a node does not lead back to the one before";
  return L->tail == Before ? NULL : "the tail is not the last node";
}

const struct structure Structure = {
    .Make = make, .Insert = insert, .Pop = pop, .Walk = walk, .Broken = broken};
