// change STORE NAME: some of what shop.c has made is other afterwards.
#define main make
#include "shop.c"
#undef main

int main(int argc, char **argv) {
  perdure_store *store = perdure_store_open(argv[1], 0);
  struct shop *s = argc > 2 ? perdure_open(store, argv[2], 0) : NULL;
  if (!s)
    return fprintf(stderr, "%s\n", perdure_errormsg()), 1;
  s->count = 4;
  s->first->items->name[5] = 'X';
  s->first->items->state = SHIPPED;
  s->first->pos[1].x = 70;
  s->first->next->next = s->first;
  ((char *)s->blob)[3] = 'X';
  perdure_store_close(store);
}
