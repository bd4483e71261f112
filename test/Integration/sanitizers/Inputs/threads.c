/* threads STORE CASE: four threads that share an object as they should, in the cases
 * "right" and "durable", or write to one word without a lock, in "race". */
#include <perdure/perdure.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { Threads = 4, Rounds = 200 };

struct PERDURE item { struct item *next; long value; };
struct PERDURE root {
  struct item *guarded;  /* by a section of the object */
  struct item *handed;   /* from thread to thread, atomically */
  long count, race;
};
static struct root *root;
static const char *mode;

static struct item *make(long value) {
  struct item *i = perdure_alloc(root, sizeof *i);
  if (!i)
    abort();
  i->value = value;
  return i;
}

static void guarded(long n) {
  if (perdure_lock(root, 0) < 0)
    abort();
  struct item *i = make(n);
  i->next = root->guarded;
  root->guarded = i;
  root->count++;
  if (n % 3 == 0) {
    i = root->guarded->next;
    if (i) {
      root->guarded->next = i->next;
      perdure_free(i);
      root->count--;
    }
  }
  perdure_unlock(root);
  if (perdure_lock(root, PERDURE_RDONLY) < 0)
    abort();
  long all = 0;
  for (i = root->guarded; i; i = i->next)
    all += i->value;
  perdure_unlock(root);
  if (all < 0)
    abort();
}

static void transact(long n) {
  perdure_tx_begin(root);
  struct item *i = make(n);
  i->next = i;
  perdure_tx_commit();
  perdure_tx_begin(root);
  make(n);
  perdure_tx_abort();
  perdure_free(i);
}

static void *work(void *number) {
  long id = (long)number;
  for (long n = 0; n < Rounds; n++) {
    if (!strcmp(mode, "race"))
      root->race++;
    /* What another thread has allocated and written to. */
    struct item *other = perdure_atomic_exchange(&root->handed, make(n));
    if (other) {
      other->value += id;
      perdure_free(other);
    }
    char *large = perdure_alloc(root, 20000);
    memset(large, (int)n, 20000);
    perdure_free(large);
    transact(n);
    if (n % 4 == 0)
      guarded(n);
  }
  return NULL;
}

int main(int argc, char **argv) {
  mode = argc > 2 ? argv[2] : "right";
  perdure_store *store = perdure_store_open(argv[1], PERDURE_CREATE);
  root = perdure_create(store, "root", sizeof *root,
                        strcmp(mode, "durable") ? 0 : PERDURE_DURABLE);
  if (!root) {
    fprintf(stderr, "%s\n", perdure_errormsg());
    return 1;
  }
  pthread_t threads[Threads];
  for (long i = 0; i < Threads; i++)
    pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < Threads; i++)
    pthread_join(threads[i], NULL);
  perdure_store_close(store);
  puts("right");
  return 0;
}
