/* Transactions over one object and over two, logged by hand: after each, two words
   in each of two lines and objects hold the same number, none but those that were
   committed or are being. FAULT 1: a word is not logged. 2: promised before the
   commit. With "check" it checks an image. */
#include <perdure/crash.h>
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FAULT
#define FAULT 0
#endif

void __perdure_tx_log(const void *p, uint64_t bytes);

struct PERDURE block { struct block *next; long value; char room[1008]; };
struct PERDURE root {
  long low;
  char room[1016];
  long high;
  struct block *blocks; /* as many as low says */
};

static int bad(const char *what) { return fprintf(stderr, "%s\n", what), 1; }

static int checkRoot(struct root *r, long promised) {
  if (r->low != r->high)
    return bad("half of a transaction");
  if (r->low < promised)
    return bad("a committed transaction is missing");
  long count = 0;
  for (struct block *b = r->blocks; b; b = b->next, ++count)
    if (b->value != r->low - count)
      return bad("a block without its value");
  return count != r->low ? bad("blocks are missing") : 0;
}

static int check(void) {
  char line[64];
  long promised = -1;
  while (fgets(line, sizeof line, stdin))
    promised = atol(line);
  perdure_store *store = perdure_store_open("store", PERDURE_DURABLE);
  struct root *a = store ? perdure_open(store, "a", 0) : NULL;
  struct root *b = a ? perdure_open(store, "b", 0) : NULL;
  if (!b)
    return promised >= 0 ? bad(perdure_errormsg()) : 0;
  if (a->low != b->low)
    return bad("one object without the other");
  return checkRoot(a, promised) || checkRoot(b, promised);
}

static void step(struct root *r, long value) {
  struct block *n = perdure_alloc(r, sizeof *n);
  n->value = value;
  n->next = r->blocks;
  __perdure_tx_log(&r->low, sizeof r->low);
  r->low = value;
  if (FAULT != 1)
    __perdure_tx_log(&r->high, sizeof r->high + sizeof r->blocks);
  r->high = value;
  r->blocks = n;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "check"))
    return perdure_crash_check(check);
  perdure_store *store =
      perdure_store_open("store", PERDURE_CREATE | PERDURE_DURABLE);
  struct root *a = store ? perdure_create(store, "a", sizeof *a, 0) : NULL;
  struct root *b = a ? perdure_create(store, "b", sizeof *b, 0) : NULL;
  if (!b)
    return bad(perdure_errormsg());
  perdure_crash_note("0");
  for (long i = 1; i <= 3; ++i) {
    char note[16];
    snprintf(note, sizeof note, "%ld", i);
    if (perdure_tx_begin(a))
      return bad(perdure_errormsg());
    step(a, i);
    step(b, i);
    if (FAULT == 2)
      perdure_crash_note(note);
    if (perdure_tx_commit())
      return bad(perdure_errormsg());
    if (FAULT != 2)
      perdure_crash_note(note);
  }
  if (perdure_tx_begin(a))
    return bad(perdure_errormsg());
  step(a, 9);
  perdure_tx_abort();
  perdure_store_close(store);
  return 0;
}
