/* blocks STORE CASE: uses memory of objects as it should, in the case "right", or in
 * the one way that the case names. */
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
/* AddressSanitizer's, where it is there. */
__attribute__((weak)) void *__asan_region_is_poisoned(void *, size_t);

struct PERDURE item { struct item *next; long value; };
struct PERDURE root { struct item *first; char *text; long count; };

static volatile long sink;

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, perdure_errormsg());
  exit(1);
}
PERDURE_TX_SAFE static void want(int ok, const char *what) {
  if (!ok)
    fail(what);
}

PERDURE_IN_TRANSACTION static struct item *put(struct root *r, long value) {
  struct item *i = perdure_alloc(r, sizeof *i);
  want(i != NULL, "perdure_alloc");
  i->value = value;
  i->next = r->first;
  r->first = i;
  return i;
}
/* The newest. */
PERDURE_IN_TRANSACTION static void drop(struct root *r) {
  struct item *i = r->first;
  r->first = i->next;
  perdure_free(i);
}
static long sum(struct root *r) {
  long all = 0;
  for (struct item *i = r->first; i; i = i->next)
    all += i->value;
  return all;
}
static void fill(char *p, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    p[i] = (char)i;
}

/* Blocks that come and go, of every class and of whole pages. */
static void churn(struct root *r) {
  enum { Count = 300 };
  static char *blocks[Count];
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < Count; i++) {
      size_t bytes = (size_t)1 << (i % 15) | (size_t)i;
      blocks[i] = perdure_alloc(r, bytes);
      want(blocks[i] != NULL, "perdure_alloc");
      fill(blocks[i], bytes);
    }
    for (int i = 0; i < Count; i += 2)
      perdure_free(blocks[i]);
    for (int i = 0; i < Count; i += 2) {
      blocks[i] = perdure_alloc_for(r, 40, (void *)&r->first);
      fill(blocks[i], 40);
    }
    for (int i = Count; i--;)
      perdure_free(blocks[i]);
  }
}

static void transactions(struct root *r) {
  long before = sum(r);
  struct item *i = r->first;
  /* What is freed stays until the commit, and after an abort. */
  perdure_tx_begin(r);
  drop(r);
  sink = i->value;
  put(r, 1000);
  perdure_tx_abort();
  want(r->first == i && sum(r) == before, "abort");
  /* So it is where a part is rolled back. */
  perdure_tx_begin(r);
  int point = perdure_tx_savepoint();
  drop(r);
  for (int n = 0; n < 50; n++)
    put(r, 1);
  perdure_tx_rollback_to(point);
  want(r->first == i && sum(r) == before, "rollback");
  put(r, 7);
  want(!perdure_tx_commit() && sum(r) == before + 7, "commit");
  drop(r);
  want(sum(r) == before, "drop");
}

static struct root *openRoot(perdure_store **store, const char *dir, unsigned flags) {
  *store = perdure_store_open(dir, 0);
  want(*store != NULL, "perdure_store_open");
  struct root *r = perdure_open(*store, "root", flags);
  want(r != NULL, "perdure_open");
  return r;
}

static void run(const char *self, const char *dir, const char *how) {
  char *words[] = {(char *)self, (char *)dir, (char *)how, NULL};
  pid_t pid;
  int status = 0;
  want(!posix_spawn(&pid, self, NULL, NULL, words, environ), "posix_spawn");
  want(waitpid(pid, &status, 0) == pid, "waitpid");
  want(!strcmp(how, "die") || (WIFEXITED(status) && !WEXITSTATUS(status)), how);
}

/* What another process frees and allocates is its own affair. */
static void shared(const char *self, const char *dir) {
  perdure_store *store;
  struct root *r = openRoot(&store, dir, PERDURE_SHARED);
  for (int n = 0; n < 3; n++) {
    want(!perdure_lock(r, 0), "perdure_lock");
    for (int i = 0; i < 100; i++)
      put(r, 1);
    for (int i = 0; i < 100; i++)
      drop(r);
    perdure_unlock(r);
    run(self, dir, "put");
    want(!perdure_lock(r, 0), "perdure_lock");
    sink = sum(r);
    perdure_unlock(r);
  }
  /* Alone again: what is freed from here on is known. */
  want(perdure_open(store, "root", 0) == r, "alone");
  churn(r);
  perdure_store_close(store);
}

static void right(const char *self, const char *dir, unsigned flags) {
  perdure_store *store = perdure_store_open(dir, PERDURE_CREATE);
  struct root *r = perdure_create(store, "root", sizeof *r, flags);
  want(r != NULL, "perdure_create");
  for (int i = 0; i < 10; i++)
    put(r, i);
  churn(r);
  transactions(r);
  struct item *freed = put(r, 5);
  drop(r);
  if (__asan_region_is_poisoned)
    want(__asan_region_is_poisoned(freed, sizeof *freed) != NULL, "a free block is poisoned");
  perdure_store_close(store);
  /* The next object at these addresses has nothing of this one. */
  if (__asan_region_is_poisoned)
    want(!__asan_region_is_poisoned(r, 1 << 20), "what was unmapped is not");
  r = openRoot(&store, dir, PERDURE_RDONLY);
  sink = sum(r);
  perdure_store_close(store);
  r = openRoot(&store, dir, flags);
  churn(r);
  transactions(r);
  perdure_store_close(store);
  /* Recovered: what a process left that died in a transaction. */
  run(self, dir, "die");
  r = openRoot(&store, dir, flags);
  want(sum(r) == 45, "recovery");
  churn(r);
  transactions(r);
  perdure_store_close(store);
  if (!flags)
    shared(self, dir);
}

static void wrong(const char *dir, const char *how) {
  perdure_store *store = perdure_store_open(dir, PERDURE_CREATE);
  struct root *r = perdure_create(store, "root", sizeof *r, 0);
  want(r != NULL, "perdure_create");
  if (!strcmp(how, "freed")) {
    struct item *i = put(r, 1);
    drop(r);
    sink = i->value;
  } else if (!strcmp(how, "freed-pages")) {
    char *p = perdure_alloc(r, 100000);
    perdure_free(p);
    p[50000] = 1;
  } else if (!strcmp(how, "behind")) {
    r->text = perdure_alloc(r, 20);
    r->text[20] = 1;
  } else if (!strcmp(how, "behind-pages")) {
    r->text = perdure_alloc(r, 100000);
    r->text[100000] = 1;
  } else if (!strcmp(how, "committed")) {
    struct item *i = put(r, 1);
    perdure_tx_begin(r);
    drop(r);
    perdure_tx_commit();
    sink = i->value;
  } else if (!strcmp(how, "aborted")) {
    perdure_tx_begin(r);
    struct item *i = put(r, 1);
    perdure_tx_abort();
    sink = i->value;
  } else if (!strcmp(how, "reopened")) {
    struct item *i = put(r, 1);
    uint64_t offset = perdure_offset(i);
    drop(r);
    perdure_store_close(store);
    r = openRoot(&store, dir, 0);
    char *base = (char *)r - perdure_offset(r);
    put(r, 2);
    put(r, 3);
    drop(r);
    drop(r);
    sink = ((struct item *)(base + offset))->value;
  } else {
    fail("no such case");
  }
  puts("not seen");
}

int main(int argc, char **argv) {
  const char *dir = argv[1], *how = argc > 2 ? argv[2] : "right";
  perdure_store *store;
  if (!strcmp(how, "right")) {
    right(argv[0], dir, 0);
  } else if (!strcmp(how, "durable")) {
    right(argv[0], dir, PERDURE_DURABLE);
  } else if (!strcmp(how, "put")) {
    struct root *r = openRoot(&store, dir, PERDURE_SHARED);
    want(perdure_lock(r, 0) >= 0, "perdure_lock");
    for (int i = 0; i < 50; i++)
      put(r, i);
    for (int i = 0; i < 20; i++)
      drop(r);
    perdure_unlock(r);
    perdure_store_close(store);
  } else if (!strcmp(how, "die")) {
    struct root *r = openRoot(&store, dir, 0);
    perdure_tx_begin(r);
    drop(r);
    put(r, 100);
    perdure_persist(r, sizeof *r);
    _exit(0);
  } else {
    wrong(dir, how);
    return 0;
  }
  puts("right");
  return 0;
}
