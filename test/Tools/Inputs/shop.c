// A shop of customers and what they ordered, with garbage and a pointer to another
// object, for the tests of what looks into objects.
#include <errno.h>
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef VERSION_2
#define PRICE float cost
#define PRICE_OF(Item) (Item)->cost
#else
#define PRICE double price
#define PRICE_OF(Item) (Item)->price
#endif

enum state { OPEN, PAID = 5, SHIPPED };
typedef PERDURE struct item *item_ptr;
struct PERDURE item {
  struct item *next;
  char *name;
  PRICE;
  enum state state;
  unsigned urgent : 1, left : 7;
  char code[8];
};
struct PERDURE customer {
  struct customer *next;
  struct item *items;
  long id;
#ifdef VERSION_2
  char tag[4];
#endif
  union {
    long number;
    double real;
  };
  struct {
    int x, y;
  } pos[2];
};
struct PERDURE shop {
  struct customer *first;
  item_ptr *index;
  PERDURE_GRAY unsigned count;
  void *blob;
  struct shop *self, *other;
};

static char *copyOf(void *near, const char *text) {
  char *copy = perdure_alloc(near, strlen(text) + 1);
  strcpy(copy, text);
  return copy;
}

static void fill(struct shop *s) {
  s->self = s;
  s->index = (item_ptr *)perdure_alloc(s, 6 * sizeof(item_ptr));
  for (int i = 0; i < 3; ++i) {
    struct customer *c = perdure_alloc(s, sizeof *c);
    c->id = i * 1000;
    c->pos[1].x = -i;
    c->next = s->first;
    s->first = c;
    for (int k = 0; k < 2; ++k) {
      struct item *it = perdure_alloc(s, sizeof *it);
      char name[32];
      sprintf(name, "item %d of \"%d\"", k, i);
      it->name = copyOf(s, name);
      PRICE_OF(it) = k + 0.1;
      it->state = k ? PAID : OPEN;
      it->urgent = k;
      it->left = 99;
      strcpy(it->code, "AB");
      it->next = c->items;
      c->items = it;
      s->index[i * 2 + k] = it;
    }
  }
  s->count = 3;
  s->blob = perdure_alloc(s, 100);
  for (int i = 0; i < 5; ++i)
    perdure_alloc(s, 3000); // that nothing leads to
}

// shop STORE NAME [OTHER]
int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  struct shop *s = perdure_open(store, argv[2], 0);
  if (!s && errno == ENOENT) {
    s = perdure_create(store, argv[2], sizeof *s, 0);
    if (s)
      fill(s);
  }
  if (!s)
    return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  if (argc > 3)
    s->other = perdure_open(store, argv[3], 0);
  int items = 0;
  for (struct customer *c = s->first; c; c = c->next)
    for (struct item *it = c->items; it; it = it->next)
      items += it->left == 99 && !strncmp(it->name, "item", 4) && PRICE_OF(it) < 2;
  printf("%u customers, %d items\n", s->count, items);
  perdure_store_close(store);
}
