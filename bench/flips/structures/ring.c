/* A queue of bounded size: items come in at the head and leave at the tail.
   Both count up for ever, so that their difference says how many are in; each
   has a line of its own, as where one side writes and another reads. Nothing in
   it is a pointer. */
#include "structure.h"

struct NODE ring {
  uint64_t head COUNTER;
  char apart1[56];
  uint64_t tail COUNTER;
  char apart2[56];
  uint64_t most, mask;
  uint64_t values[];
};

/* Places are a power of two, so that a counter's low bits choose one. */
static void *make(uint64_t Keys) {
  uint64_t Places = 1;
  while (Places < Keys)
    Places *= 2;
  struct ring *R = take(sizeof *R + Places * sizeof *R->values);
  R->most = Keys;
  R->mask = Places - 1;
  persist(&R->most, 2 * sizeof R->most);
  return R;
}

static bool insert(void *Root, struct item New) {
  struct ring *R = Root;
  uint64_t Head = R->head;
  if (Head - R->tail == R->most)
    return false;
  uint64_t *Place = &R->values[Head & R->mask];
  *Place = New.value;
  persist(Place, sizeof *Place);
  R->head++;
  persist((void *)&R->head, sizeof R->head);
  return true;
}

static bool pop(void *Root, struct item *Oldest) {
  struct ring *R = Root;
  uint64_t Tail = R->tail;
  if (Tail == R->head)
    return false;
  *Oldest = (struct item){0, R->values[Tail & R->mask]};
  R->tail++;
  persist((void *)&R->tail, sizeof R->tail);
  return true;
}

static size_t walk(void *Root, bool Backwards, struct item *To, size_t Most) {
  struct ring *R = Root;
  uint64_t Head = R->head, Tail = R->tail;
  size_t Count = 0;
  for (; Head != Tail && Count < Most; ++Count) {
    uint64_t At = Backwards ? Tail++ : --Head;
    To[Count] = (struct item){0, R->values[At & R->mask]};
  }
  return Count;
}

static const char *broken(void *Root) {
  struct ring *R = Root;
  return R->head - R->tail > R->most ? "more is in than there is room for"
                                     : NULL;
}

const struct structure Structure = {
    .Make = make, .Insert = insert, .Pop = pop, .Walk = walk, .Broken = broken};
