// derived STORE: a list of records by what they start with; each leads to more behind that.
#include <perdure/perdure.h>
#include <stdio.h>
struct PERDURE base { struct base *next; long kind; };
struct PERDURE thing { long value; struct thing *more; };
struct PERDURE derived { struct base base; struct thing *thing; };
struct PERDURE root { struct base *first; };
int main(int argc, char **argv) {
  (void)argc;
  perdure_store *s = perdure_store_open(argv[1], PERDURE_CREATE);
  struct root *r = perdure_open(s, "r", 0);
  if (!r) {
    r = perdure_create(s, "r", sizeof *r, 0);
    for (int i = 0; i < 5; i++) {
      struct derived *d = perdure_alloc(r, sizeof *d);
      d->base.kind = i;
      d->thing = perdure_alloc(r, sizeof *d->thing);
      d->thing->value = i * i;
      d->thing->more = perdure_alloc(r, sizeof *d->thing);
      d->thing->more->value = -i;
      d->base.next = r->first;
      r->first = &d->base;
    }
    perdure_alloc(r, 40);
  }
  for (struct base *b = r->first; b; b = b->next) {
    struct derived *d = (struct derived *)b;
    printf("%ld %ld %ld\n", b->kind, d->thing->value, d->thing->more->value);
  }
  perdure_store_close(s);
}
