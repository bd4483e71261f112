/* A hash table of chains. The first entry of a chain lies in the table itself;
   an entry without a value is empty. Values lie elsewhere, each once. */
#include "structure.h"

struct value {
  uint64_t number;
};
struct NODE entry {
  uint64_t key;
  struct value *value;
  struct entry *next;
};
struct NODE hash {
  uint64_t count;
  struct value *values;
  struct entry *buckets;
};

/* splitmix64's finish: keys in a row lie in buckets as at random. */
static struct entry *bucketOf(struct hash *H, uint64_t Key) {
  Key = (Key ^ Key >> 30) * 0xBF58476D1CE4E5B9;
  Key = (Key ^ Key >> 27) * 0x94D049BB133111EB;
  return &H->buckets[(Key ^ Key >> 31) & (H->count - 1)];
}

/* A bucket for each key, and a power of two. */
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
  if (!First->value) {
    fill(H, First, New);
    return true;
  }
  struct entry *Before = NULL, *E = First;
  while (E && E->key != New.key) {
    Before = E;
    E = E->next;
  }
  if (!E) {
    struct entry *Added = take(sizeof *Added);
    fill(H, Added, New);
    Added->next = NULL;
    Before->next = Added;
    return true;
  }
  if (Before) {
    Before->next = E->next;
    give(E, sizeof *E);
  } else if (First->next) {
    struct entry *Second = First->next;
    First->key = Second->key;
    First->value = Second->value;
    First->next = Second->next;
    give(Second, sizeof *Second);
  } else {
    First->value = NULL;
  }
  return false;
}

static size_t walk(void *Root, bool Backwards, struct item *To, size_t Most) {
  (void)Backwards;
  struct hash *H = Root;
  size_t Count = 0;
  for (uint64_t I = 0; I != H->count; ++I)
    if (H->buckets[I].value)
      for (struct entry *E = &H->buckets[I]; E && Count < Most; E = E->next)
        To[Count++] = (struct item){E->key, (uint64_t)(E->value - H->values)};
  return Count;
}

static const char *broken(void *Root) {
  struct hash *H = Root;
  for (uint64_t I = 0; I != H->count; ++I) {
    if (!H->buckets[I].value && H->buckets[I].next)
      return "an empty bucket has a chain";
    if (H->buckets[I].value)
      for (struct entry *E = &H->buckets[I]; E; E = E->next)
        if (bucketOf(H, E->key) != &H->buckets[I] || !E->value)
          return "an entry is in another's chain, or empty";
  }
  return NULL;
}

const struct structure Structure = {
    .Make = make, .Toggle = toggle, .Walk = walk, .Broken = broken};
