/* Processes that share an object and take turns: each turn is a transaction over
   two words, logged by hand, in a write section; in every third the object is also
   given a block. With "check" it checks an image. */
#include <perdure/crash.h>
#include <perdure/perdure.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void __perdure_tx_log(const void *p, uint64_t bytes);

struct PERDURE block { struct block *next; long value; char room[240]; };
struct PERDURE root {
  long low;
  char room[1016];
  long high;
  struct block *blocks;
};

enum { Turns = 6, Flags = PERDURE_SHARED };

static int bad(const char *what) { return fprintf(stderr, "%s\n", what), 1; }

static int check(void) {
  char line[64];
  long promised = -1;
  while (fgets(line, sizeof line, stdin))
    promised = atol(line);
  perdure_store *store = perdure_store_open("store", PERDURE_DURABLE);
  struct root *r = store ? perdure_open(store, "o", 0) : NULL;
  if (!r)
    return promised >= 0 ? bad(perdure_errormsg()) : 0;
  if (r->low != r->high)
    return bad("half of a turn");
  if (r->low < promised)
    return bad("a turn that was promised is missing");
  long count = 0;
  for (struct block *b = r->blocks, *next; b; b = next, ++count) {
    next = b->next;
    if (b->value < 1 || b->value > r->low)
      return bad("a block of no turn");
    perdure_free(b);
  }
  return count == r->low / 3 ? 0 : bad("blocks are missing");
}

static void turn(struct root *r, long value) {
  char note[16];
  if (perdure_lock(r, 0) < 0 || perdure_tx_begin(r))
    exit(bad(perdure_errormsg()));
  __perdure_tx_log(&r->low, sizeof r->low);
  r->low = value;
  __perdure_tx_log(&r->high, sizeof r->high + sizeof r->blocks);
  r->high = value;
  if (value % 3 == 0) {
    struct block *b = perdure_alloc(r, sizeof *b);
    b->value = value;
    b->next = r->blocks;
    r->blocks = b;
  }
  if (perdure_tx_commit() || perdure_unlock(r))
    exit(bad(perdure_errormsg()));
  snprintf(note, sizeof note, "%ld", value);
  perdure_crash_note(note);
}

/* The process takes every second turn: a byte tells it that the other is done. */
static void play(long first, int in, int out) {
  char byte = 0;
  perdure_store *store = perdure_store_open("store", PERDURE_DURABLE);
  struct root *r = store ? perdure_open(store, "o", Flags) : NULL;
  if (!r)
    exit(bad(perdure_errormsg()));
  for (long value = first; value <= Turns; value += 2) {
    if (value > 1 && read(in, &byte, 1) != 1)
      exit(bad("the other process is gone"));
    turn(r, value);
    if (value < Turns && write(out, &byte, 1) != 1)
      exit(bad("the other process is gone"));
  }
  perdure_store_close(store);
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "check"))
    return perdure_crash_check(check);
  perdure_store *store =
      perdure_store_open("store", PERDURE_CREATE | PERDURE_DURABLE);
  struct root *r = store ? perdure_create(store, "o", sizeof *r, 0) : NULL;
  if (!r)
    return bad(perdure_errormsg());
  perdure_crash_note("0");
  perdure_store_close(store);
  int to[2], back[2], status;
  if (pipe(to) || pipe(back))
    return bad("no pipe");
  pid_t child = fork();
  if (child < 0)
    return bad("no process");
  if (!child) {
    play(2, to[0], back[1]);
    return 0;
  }
  play(1, back[0], to[1]);
  return waitpid(child, &status, 0) != child || status;
}
