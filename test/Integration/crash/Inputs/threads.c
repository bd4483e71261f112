/* Threads that use what another one has just done: the slab that it has made, the block
   that a rollback has given back, the entry of the FOT that it has inserted. Each has a
   list in "o", whose nodes it makes in turn with perdure_persist and in transactions, and
   which lead to objects that all threads point to. To be run with --hold: threads get
   ahead of each other's fences. With "check" it checks an image. */
#define _GNU_SOURCE
#include <perdure/crash.h>
#include <perdure/perdure.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void __perdure_tx_log(const void *p, uint64_t bytes);

enum { Threads = 6, Nodes = 8, Targets = 4 };

struct PERDURE target { long value; };
struct PERDURE node { struct node *next; struct target *far; long owner, value; };
struct PERDURE list { struct node *first; char room[56]; };
struct PERDURE root { struct list lists[Threads]; };

static int bad(const char *what) { return fprintf(stderr, "%s\n", what), 1; }

static int checkList(const struct node *n, int owner, long promised) {
  long count = 0;
  for (const struct node *i = n; i; i = i->next)
    ++count;
  if (count < promised)
    return bad("a promised node is missing");
  for (; n; n = n->next, --count) {
    if (n->owner != owner || n->value != count)
      return bad("a node without its value, or another list's");
    if (!n->far || n->far->value != 40 + count % Targets)
      return bad("a pointer to another object leads elsewhere");
  }
  return 0;
}

static int check(void) {
  int owner, ready = 0;
  long value, promised[Threads] = {0};
  char line[64];
  while (fgets(line, sizeof line, stdin))
    if (sscanf(line, "%d %ld", &owner, &value) == 2)
      promised[owner] = value;
    else
      ready = 1;
  perdure_store *store = perdure_store_open("store", PERDURE_DURABLE);
  struct root *root = store ? perdure_open(store, "o", 0) : NULL;
  if (!root)
    return ready ? bad(perdure_errormsg()) : 0;
  for (int i = 0; i < Threads; ++i)
    if (checkList(root->lists[i].first, i, promised[i]))
      return 1;
  /* A block that is in use is not given again, and each one can be freed. */
  for (int k = 0; k < 300; ++k) {
    void *block = perdure_alloc(root, k % 2 ? 24 : sizeof(struct node));
    if (!block)
      return bad(perdure_errormsg());
    for (int i = 0; i < Threads; ++i)
      for (struct node *n = root->lists[i].first; n; n = n->next)
        if (n == block)
          return bad("a block that is in use was given again");
  }
  for (int i = 0; i < Threads; ++i)
    for (struct node *n = root->lists[i].first, *next; n; n = next) {
      next = n->next;
      perdure_free(n);
    }
  return 0;
}

static struct target *targets[Targets];
static struct root *object;
static pthread_barrier_t all;

static struct node *makeNode(int owner, long value) {
  /* Classes of several sizes: a slab of each is made while others wait for it. */
  struct node *n = perdure_alloc(object, sizeof *n << value % 4 * 2);
  if (!n)
    exit(bad(perdure_errormsg()));
  n->owner = owner;
  n->value = value;
  n->far = targets[value % Targets];
  return n;
}

static void persistently(struct list *list, int owner, long value) {
  usleep(300 * (useconds_t)(value % 3));
  struct node *n = makeNode(owner, value);
  n->next = list->first;
  perdure_persist(n, sizeof *n);
  list->first = n;
  perdure_persist(list, sizeof *list);
}

/* What was allocated after the savepoint is another thread's in a moment. */
static void inTransaction(struct list *list, int owner, long value) {
  if (perdure_tx_begin(object))
    exit(bad(perdure_errormsg()));
  int here = perdure_tx_savepoint();
  __perdure_tx_log(list, sizeof list->first);
  list->first = makeNode(owner, value);
  makeNode(owner, value);
  if (perdure_tx_rollback_to(here))
    exit(bad(perdure_errormsg()));
  usleep(1500);
  struct node *n = makeNode(owner, value);
  n->next = list->first;
  __perdure_tx_log(list, sizeof list->first);
  list->first = n;
  if (perdure_tx_commit())
    exit(bad(perdure_errormsg()));
}

static void *work(void *list) {
  int owner = (int)((struct list *)list - object->lists);
  for (long value = 1; value <= Nodes; ++value) {
    char note[32];
    pthread_barrier_wait(&all);
    if ((value + owner / 2) % 2)
      persistently(list, owner, value);
    else
      inTransaction(list, owner, value);
    snprintf(note, sizeof note, "%d %ld", owner, value);
    perdure_crash_note(note);
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "check"))
    return perdure_crash_check(check);
  /* The allocator makes two arenas then: half of the threads share one. */
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  if (sched_setaffinity(0, sizeof one, &one))
    return bad("no processor");
  perdure_store *store =
      perdure_store_open("store", PERDURE_CREATE | PERDURE_DURABLE);
  for (int i = 0; store && i < Targets; ++i) {
    char name[] = {'t', (char)('0' + i), 0};
    targets[i] = perdure_create(store, name, sizeof(struct target), 0);
    if (!targets[i])
      return bad(perdure_errormsg());
    targets[i]->value = 40 + i;
    perdure_persist(targets[i], sizeof *targets[i]);
  }
  object = store ? perdure_create(store, "o", sizeof *object, 0) : NULL;
  if (!object)
    return bad(perdure_errormsg());
  perdure_crash_note("ready");
  pthread_t threads[Threads];
  pthread_barrier_init(&all, NULL, Threads);
  for (int i = 0; i < Threads; ++i)
    if (pthread_create(&threads[i], NULL, work, &object->lists[i]))
      return bad("no thread");
  for (int i = 0; i < Threads; ++i)
    pthread_join(threads[i], NULL);
  perdure_store_close(store);
  return 0;
}
