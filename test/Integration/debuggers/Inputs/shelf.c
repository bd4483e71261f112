/* shelf STORE: fills a store, then dies or waits as its second argument says. */
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct PERDURE book {
  struct book *next;
  const char *title;
  struct book *like[2];
  long pages;
};
struct PERDURE_ENCODED("xor") mark { long *place; };
struct PERDURE shelf {
  struct book *first;
  struct shelf *far;    /* in an object that this process has followed it to */
  struct shelf *farther; /* in one that it has not */
  struct mark mark;
  long count;
};

static struct book *put(struct shelf *s, const char *title, long pages) {
  struct book *b = perdure_alloc(s, sizeof *b);
  char *text = perdure_alloc(s, strlen(title) + 1);
  strcpy(text, title);
  b->title = text;
  b->pages = pages;
  b->next = s->first;
  b->like[1] = s->first;
  s->first = b;
  s->count++;
  return b;
}

__attribute__((noinline)) static void look(struct shelf *s, struct book *local, const char *how) {
  __asm__ volatile("" ::"r"(s), "r"(local) : "memory");
  if (!strcmp(how, "die"))
    abort();
  if (strcmp(how, "wait"))
    return;
  char end;
  puts("ready");
  fflush(stdout);
  if (read(0, &end, 1) < 0)
    perror("read");
}

int main(int argc, char **argv) {
  const char *how = argc > 2 ? argv[2] : "";
  unsigned durable = argc > 3 ? PERDURE_DURABLE : 0;
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  struct shelf *s = perdure_create(store, "shelf", sizeof *s, durable);
  struct shelf *far = perdure_create(store, "far", sizeof *far, 0);
  struct shelf *farther = perdure_create(store, "farther", sizeof *farther, 0);
  put(s, "Emma", 474);
  put(s, "Ulysses", 730);
  put(far, "Faust", 320);
  put(farther, "Solaris", 204);
  s->far = far;
  s->farther = farther;
  s->mark.place = &s->count;
  perdure_store_close(store);
  store = perdure_store_open(argv[1], 0);
  s = perdure_open(store, "shelf", durable);
  if (!s) {
    fprintf(stderr, "%s\n", perdure_errormsg());
    return 1;
  }
  long count = s->far->count;
  struct book local = {s->first, "on the table", {0, s->first}, count};
  perdure_tx_begin(s);
  put(s, "Hamlet", 289);
  perdure_tx_commit();
  look(s, &local, how);
  return 0;
}
