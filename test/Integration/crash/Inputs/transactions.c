/* Transactions, logged by hand. Over "a" and "b" together: after each, two words in
   each hold the same number, none but those that were committed or are being. Over
   "c" alone, by two threads in turn, which use the same lane of its log. Blocks are
   allocated and freed, savepoints rolled back to, and all of it is aborted too.
   FAULT 1: a word is not logged. 2: promised before the commit. With "check" it
   checks an image; with "open" it recovers the objects, and goes on. */
#include <perdure/crash.h>
#include <perdure/perdure.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef FAULT
#define FAULT 0
#endif

void __perdure_tx_log(const void *p, uint64_t bytes);
struct range { const void *p; uint64_t bytes; };
void __perdure_tx_log_ranges(const struct range *, uint64_t count);

struct PERDURE block { struct block *next; long value; char room[1008]; };
struct PERDURE root {
  long low;
  char room[1016];
  long high;
  struct block *blocks; /* as many as low says */
  struct block *spare;
  char more[1000];
  long plain; /* stored outside transactions, but for one that is aborted */
  char rest[1000];
  long twice, again; /* the same, changed in transactions that allocate nothing */
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

/* perdure_free ends the process when a block is not allocated. */
static void freeAll(struct root *r) {
  for (struct block *b = r->blocks, *next; b; b = next) {
    next = b->next;
    perdure_free(b);
  }
  perdure_free(r->spare);
}

static struct root *openObject(perdure_store *store, const char *name) {
  return store ? perdure_open(store, name, 0) : NULL;
}

static int check(void) {
  char line[64];
  long both = -1, alone = -1, plain = 0;
  while (fgets(line, sizeof line, stdin))
    if (!strncmp(line, "alone ", 6))
      alone = atol(line + 6);
    else if (!strncmp(line, "plain ", 6))
      plain = atol(line + 6);
    else
      both = atol(line);
  perdure_store *store = perdure_store_open("store", PERDURE_DURABLE);
  struct root *a = openObject(store, "a"), *b = openObject(store, "b");
  struct root *c = openObject(store, "c");
  if (!a || !b || !c)
    return both >= 0 ? bad(perdure_errormsg()) : 0;
  if (a->low != b->low)
    return bad("one object without the other");
  if (checkRoot(a, both) || checkRoot(b, both) || checkRoot(c, alone))
    return 1;
  if (a->plain || b->plain || (c->plain != 0 && c->plain != 5))
    return bad("what an aborted transaction stored");
  if (c->twice != c->again)
    return bad("half of a transaction that allocates nothing");
  if (c->plain < plain)
    return bad("an abort was done again, over what was stored since");
  freeAll(a);
  freeAll(b);
  freeAll(c);
  return 0;
}

/* The record of the block comes first, or after another. The words are logged by a
   call each, or by one. */
static void step(struct root *r, long value) {
  struct block *n = NULL;
  if (value % 2)
    n = perdure_alloc(r, sizeof *n);
  struct range words[] = {{&r->low, sizeof r->low},
                          {&r->high, sizeof r->high + sizeof r->blocks}};
  int atOnce = value % 2;
  if (atOnce)
    __perdure_tx_log_ranges(words, FAULT == 1 ? 1 : 2);
  else
    __perdure_tx_log(words[0].p, words[0].bytes);
  if (!n)
    n = perdure_alloc(r, sizeof *n);
  r->low = value;
  n->value = value;
  n->next = r->blocks;
  if (FAULT != 1 && !atOnce)
    __perdure_tx_log(words[1].p, words[1].bytes);
  r->high = value;
  r->blocks = n;
}

static void note(const char *what, long value) {
  char text[32];
  snprintf(text, sizeof text, "%s%ld", what, value);
  perdure_crash_note(text);
}

static void begin(struct root *r) {
  if (perdure_tx_begin(r))
    exit(bad(perdure_errormsg()));
}

static void commit(const char *what, long value) {
  if (FAULT == 2)
    note(what, value);
  if (perdure_tx_commit())
    exit(bad(perdure_errormsg()));
  if (FAULT != 2)
    note(what, value);
}

static void together(struct root *a, struct root *b, long value) {
  begin(a);
  step(a, value);
  step(b, value);
  if (value == 2) {
    int here = perdure_tx_savepoint();
    step(a, 7);
    step(b, 8);
    __perdure_tx_log(&b->plain, sizeof b->plain);
    b->plain = 9;
    perdure_tx_rollback_to(here);
  }
  commit("", value);
}

static void stopHalfway(struct root *a, struct root *b) {
  begin(a);
  step(a, 9);
  if (b)
    step(b, 9);
  __perdure_tx_log(&a->plain, sizeof a->plain);
  a->plain = 9;
  perdure_tx_abort();
}

static void alone(struct root *c, long value) {
  begin(c);
  step(c, value);
  __perdure_tx_log((void *)&c->spare, sizeof c->spare);
  if (c->spare) {
    perdure_free(c->spare);
    c->spare = NULL;
  } else {
    c->spare = perdure_alloc(c, sizeof *c->spare);
  }
  commit("alone ", value);
}

/* Recovery has nothing to free between what it brings back and the cut. */
static void pair(struct root *c, bool abort) {
  begin(c);
  __perdure_tx_log(&c->twice, sizeof c->twice);
  c->twice += 1;
  __perdure_tx_log(&c->again, sizeof c->again);
  c->again += 1;
  if (abort)
    perdure_tx_abort();
  else if (perdure_tx_commit())
    exit(bad(perdure_errormsg()));
}

static void *second(void *c) {
  alone(c, ((struct root *)c)->low + 1);
  return NULL;
}

static void *store(void *c) {
  struct root *r = c;
  r->plain = 5;
  perdure_persist(&r->plain, sizeof r->plain);
  note("plain ", 5);
  return NULL;
}

static void inThread(void *(*what)(void *), struct root *c) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, what, c))
    exit(bad("no thread"));
  pthread_join(thread, NULL);
}

/* After a power failure: the objects are recovered, and used. */
static int goOn(void) {
  perdure_store *objects = perdure_store_open("store", PERDURE_DURABLE);
  struct root *a = openObject(objects, "a"), *b = openObject(objects, "b");
  struct root *c = openObject(objects, "c");
  /* Without one of them nothing has been promised yet. */
  if (a && b && c) {
    /* In a thread of its own, whose fences do nothing for recovery's flushes. */
    inThread(store, c);
    alone(c, c->low + 1);
    together(a, b, a->low + 1);
  }
  if (objects)
    perdure_store_close(objects);
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "check"))
    return perdure_crash_check(check);
  if (argc > 1)
    return goOn();
  perdure_store *objects =
      perdure_store_open("store", PERDURE_CREATE | PERDURE_DURABLE);
  struct root *in[3];
  for (int i = 0; i < 3; ++i) {
    char name[] = {(char)('a' + i), 0};
    in[i] = objects ? perdure_create(objects, name, sizeof *in[i], 0) : NULL;
    if (!in[i])
      return bad(perdure_errormsg());
  }
  note("", 0);
  together(in[0], in[1], 1);
  together(in[0], in[1], 2);
  stopHalfway(in[0], in[1]);
  together(in[0], in[1], 3);
  alone(in[2], 1);
  pair(in[2], false);
  pair(in[2], true);
  inThread(second, in[2]);
  stopHalfway(in[2], NULL);
  inThread(store, in[2]);
  alone(in[2], 3);
  stopHalfway(in[2], NULL);
  inThread(second, in[2]);
  perdure_store_close(objects);
  return 0;
}
