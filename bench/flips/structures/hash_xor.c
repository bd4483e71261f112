/* The same by hand: a pointer to the next entry is stored as the exclusive or
   with the entry's own address, 0 at the end. Low bit of it: the bucket is
   empty, and what it held stays in it. A bucket that was never used has no
   value. */
#include "structure.h"

struct value {
  uint64_t number;
};
struct entry {
  uint64_t key;
  struct value *value;
  uintptr_t next;
};
struct hash {
  uint64_t count;
  struct value *values;
  struct entry *buckets;
};

static struct entry *nextOf(const struct entry *E) {
  return E->next ? (struct entry *)((uintptr_t)E ^ E->next) : NULL;
}

static void setNext(struct entry *E, struct entry *Next) {
  E->next = Next ? (uintptr_t)E ^ (uintptr_t)Next : 0;
}

static bool isEmpty(const struct entry *Bucket) {
  return !Bucket->value || (Bucket->next & 1);
}

/* splitmix64's finish: keys in a row lie in buckets as at random. */
static struct entry *bucketOf(struct hash *H, uint64_t Key) {
  Key = (Key ^ Key >> 30) * 0xBF58476D1CE4E5B9;
  Key = (Key ^ Key >> 27) * 0x94D049BB133111EB;
  return &H->buckets[(Key ^ Key >> 31) & (H->count - 1)];
}

static void *make(uint64_t Keys) {
  struct hash *H = take(sizeof *H);
  for (H->count = 1; H->count < Keys;)
    H->count *= 2;
  H->values = take(Keys * sizeof(struct value));
  H->buckets = take(H->count * sizeof(struct entry));
  return H;
}

static void fill(struct hash *H, struct entry *E, struct item New) {
  E->key = New.key;
  E->value = &H->values[New.value];
}

static bool toggle(void *Root, struct item New) {
  struct hash *H = Root;
  struct entry *First = bucketOf(H, New.key);
  if (isEmpty(First)) {
    fill(H, First, New);
    First->next = 0;
    return true;
  }
  struct entry *Before = NULL, *E = First;
  while (E && E->key != New.key) {
    Before = E;
    E = nextOf(E);
  }
  if (!E) {
    struct entry *Added = take(sizeof *Added);
    fill(H, Added, New);
    Added->next = 0;
    setNext(Before, Added);
    return true;
  }
  if (Before) {
    setNext(Before, nextOf(E));
    give(E, sizeof *E);
  } else if (First->next) {
    struct entry *Second = nextOf(First);
    First->key = Second->key;
    First->value = Second->value;
    setNext(First, nextOf(Second));
    give(Second, sizeof *Second);
  } else {
    First->next |= 1;
  }
  return false;
}

static size_t walk(void *Root, bool Backwards, struct item *To, size_t Most) {
  (void)Backwards;
  struct hash *H = Root;
  size_t Count = 0;
  for (uint64_t I = 0; I != H->count; ++I)
    if (!isEmpty(&H->buckets[I]))
      for (struct entry *E = &H->buckets[I]; E && Count < Most; E = nextOf(E))
        To[Count++] = (struct item){E->key, (uint64_t)(E->value - H->values)};
  return Count;
}

static const char *broken(void *Root) {
  struct hash *H = Root;
  for (uint64_t I = 0; I != H->count; ++I)
    if (!isEmpty(&H->buckets[I]))
      for (struct entry *E = &H->buckets[I]; E; E = nextOf(E))
        if (bucketOf(H, E->key) != &H->buckets[I] || !E->value || E->next & 1)
          return "an entry is in another's chain, or empty";
  return NULL;
}

const struct structure Structure = {
    .Make = make, .Toggle = toggle, .Walk = walk, .Broken = broken};
