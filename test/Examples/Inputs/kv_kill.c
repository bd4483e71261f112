/* kv_kill.c - Processes that change a store of kv.h are killed, again and
 * again.
 *
 * kv_kill STORE KILLS PROCESSES THREADS [SEED]
 *
 * Every thread of every process is a writer with keys of its own. What a
 * writer's change number i is follows from the seed, so that the number of its
 * changes that were acknowledged tells what of it has to be in the store: that,
 * or one change more, and nothing else. A change is a put or del, or two puts
 * in a transaction around them, or a put whose transaction is aborted;
 * KV_KILL_NO_ABORTS leaves these out. Each is acknowledged in memory that the
 * parent shares, after it was committed.
 *
 * Some rounds go on for longer: after some hundred changes of one process the log
 * of an object is begun anew.
 * With several processes one is killed first, and the others have to go on.
 * Then all are. What is there is checked by a process that reads (on every
 * third round, since the first who writes repairs), in a copy (on every fifth:
 * by cp -r, or by perdure_copy, which may refuse what a transaction over
 * several objects has left), and by one that writes; the processes that repair
 * are killed, too.
 */
#include "kv.h"

#include <errno.h>
#include <perdure/runtime.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WRITERS = 16, KEYS = 48, LONGEST = 4000 };

/* The number of the change, plus one, that gave a key its value; 0: none. */
struct model {
  uint32_t change[KEYS];
};

struct shared {
  _Atomic uint32_t acknowledged[WRITERS]; /* how many changes */
  /* What the process that checks has found, good when it ends with 0. */
  uint32_t found[WRITERS];
  long lost_blocks;
};

static struct shared *shared;
static struct model models[WRITERS];
static uint32_t modelled[WRITERS]; /* changes that models has */
static const char *path;
static int processes, threads, writers;
static uint64_t seed;
static bool aborts;
static int copied, refused; /* by perdure_copy */

static uint64_t mix(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t x = seed + a * 0x9e3779b97f4a7c15u + b * 0xbf58476d1ce4e5b9u +
               c * 0x94d049bb133111ebu;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static uint64_t state;
static unsigned random_below(unsigned n) {
  return (unsigned)(mix(99, state++, 0) % n);
}

static void fail(const char *what) {
  fprintf(stderr, "kv_kill: %s\n", what);
  _exit(1);
}

/*===- Changes ------------------------------------------------------------===*/

enum kind { PUT, DEL, TWO, ABORTED };
struct change {
  enum kind kind;
  int key, other;
};

static struct change change_of(int writer, uint32_t number) {
  uint64_t r = mix(1, (uint64_t)writer, number);
  struct change c = {PUT, (int)(r % KEYS), (int)(r / KEYS % KEYS)};
  unsigned roll = (unsigned)(r >> 40) % 8;
  if (roll < 3)
    c.kind = DEL;
  else if (roll == 3 && c.key != c.other)
    c.kind = TWO;
  else if (roll == 4 && aborts)
    c.kind = ABORTED;
  return c;
}

static void apply(struct model *m, struct change c, uint32_t number) {
  if (c.kind != ABORTED)
    m->change[c.key] = c.kind == DEL ? 0 : number + 1;
  if (c.kind == TWO)
    m->change[c.other] = number + 1;
}

/* Every eighth key is private, and so lies in an object of its own. */
static struct kv_text key_text(char *text, int writer, int key) {
  int length = sprintf(text, "%sw%d.%d", key % 8 ? "" : ".", writer, key);
  return (struct kv_text){text, (size_t)length};
}

static struct kv_text value_text(char *text, int writer, int key,
                                 uint32_t number) {
  uint64_t r = mix(2, (uint64_t)(writer * KEYS + key), number);
  size_t length = 40 + (r % 16 ? r % 200 : r % (LONGEST - 40));
  memset(text, 'a' + (int)(r >> 50) % 26, length);
  text[sprintf(text, "%u", number)] = ' ';
  return (struct kv_text){text, length};
}

static int put(struct kv *kv, int writer, int key, uint32_t number) {
  char key_bytes[32], value_bytes[LONGEST];
  return kv_put(kv, key_text(key_bytes, writer, key),
                value_text(value_bytes, writer, key, number));
}

static int do_change(struct kv *kv, int writer, struct change c,
                     uint32_t number) {
  char key_bytes[32];
  if (c.kind == DEL)
    return kv_del(kv, key_text(key_bytes, writer, c.key));
  if (c.kind == PUT)
    return put(kv, writer, c.key, number);
  if (perdure_tx_begin(NULL) || put(kv, writer, c.key, number) < 0)
    return -1;
  if (c.kind == ABORTED)
    return perdure_tx_abort(), 0;
  return put(kv, writer, c.other, number) < 0 ? -1 : perdure_tx_commit();
}

struct writer {
  struct kv *kv;
  int number;
};

static void *write_on(void *arg) {
  struct writer *w = arg;
  for (uint32_t i = shared->acknowledged[w->number];; i++) {
    struct change c = change_of(w->number, i);
    if (kv_begin(w->kv, KV_WRITE) != 0)
      fail(kv_error());
    if (do_change(w->kv, w->number, c, i) < 0)
      fail(kv_error());
    atomic_store(&shared->acknowledged[w->number], i + 1);
    kv_end(w->kv);
  }
}

static void write_process(int first) {
  struct kv *kv = kv_open(path, KV_WRITE);
  if (!kv)
    fail(kv_error());
  struct writer w[WRITERS];
  for (int i = 0; i < threads; i++) {
    w[i] = (struct writer){kv, first + i};
    pthread_t thread;
    if (i + 1 == threads)
      write_on(&w[i]);
    else if (pthread_create(&thread, NULL, write_on, &w[i]))
      fail("no thread");
  }
}

/*===- What is there ------------------------------------------------------===*/

/* The number of the change that gave the value, which has to be right. */
static uint32_t read_pair(struct kv_text key, struct kv_text value, int *writer,
                          int *number) {
  char text[LONGEST];
  if (key.length < sizeof text)
    memcpy(text, key.bytes, key.length), text[key.length] = 0;
  if (sscanf(text + (text[0] == '.'), "w%d.%d", writer, number) != 2 ||
      *writer < 0 || *writer >= writers || *number < 0 || *number >= KEYS)
    fail("a key that nobody has put");
  uint32_t change = (uint32_t)strtoul(value.bytes, NULL, 10);
  struct kv_text right = value_text(text, *writer, *number, change);
  if (value.length != right.length ||
      memcmp(value.bytes, right.bytes, right.length) != 0)
    fail("a value that nobody has put");
  return change;
}

static void complain_about(int writer, const struct model *there,
                           const struct model *right) {
  for (int i = 0; i < KEYS; i++)
    if (there->change[i] != right->change[i])
      fprintf(stderr,
              "kv_kill: key %d of writer %d is of change %d, not %d; %u were "
              "acknowledged\n",
              i, writer, (int)there->change[i] - 1, (int)right->change[i] - 1,
              shared->acknowledged[writer]);
  _exit(1);
}

/* What each writer has in the store: all that was acknowledged, or one more. */
static void compare(const struct model *there) {
  for (int w = 0; w < writers; w++) {
    struct model m = models[w];
    uint32_t number = modelled[w];
    for (; number < shared->acknowledged[w]; number++)
      apply(&m, change_of(w, number), number);
    if (memcmp(&m, &there[w], sizeof m) != 0) {
      struct model more = m;
      apply(&more, change_of(w, number), number);
      number++;
      if (memcmp(&more, &there[w], sizeof m) != 0)
        complain_about(w, &there[w], &m);
    }
    shared->found[w] = number;
  }
}

static long blocks_of(perdure_store *store, const char *name) {
  struct perdure_stat stat;
  void *root = perdure_open(store, name, 0);
  if (!root || perdure_stat(root, &stat))
    fail(perdure_errormsg());
  return (long)stat.blocks - 1; /* but for the root */
}

/* Blocks that are allocated and that nothing leads to: a process that dies may
 * leave some. Fewer than those that something leads to may never be. */
static void count_lost_blocks(const char *from, struct kv_stats s,
                              long indexed) {
  static const char *const values[] = {"values-0", "values-1", "values-2",
                                       "values-3", "private"};
  perdure_store *store =
      perdure_store_open(from, PERDURE_SHARED | PERDURE_DURABLE);
  if (!store)
    fail(perdure_errormsg());
  long lost[3] = {blocks_of(store, "pairs") - (long)(s.pairs + s.nodes),
                  blocks_of(store, "by-value") - indexed, -(long)s.pairs};
  for (int i = 0; i < 5; i++)
    lost[2] += blocks_of(store, values[i]);
  if (lost[0] < 0 || lost[1] < 0 || lost[2] < 0)
    fail("blocks are in use that are not allocated");
  shared->lost_blocks = lost[0] + lost[1] + lost[2];
}

static void check(const char *from, enum kv_access access) {
  static struct model there[WRITERS];
  struct kv *kv = kv_open(from, access);
  if (!kv)
    fail(kv_error());
  if (kv_begin(kv, KV_READ) != 0)
    fail(kv_error());
  const char *what = kv_check(kv);
  if (what)
    fail(what);
  struct kv_cursor cursor;
  struct kv_text key, value;
  struct kv_stats stats;
  size_t pairs = 0;
  long indexed = 0;
  kv_measure(kv, &stats);
  kv_seek(kv, (struct kv_text){"", 0}, &cursor);
  for (; kv_next(&cursor, &key, &value); pairs++) {
    int writer, number;
    uint32_t change = read_pair(key, value, &writer, &number);
    there[writer].change[number] = change + 1;
    indexed += key.bytes[0] != '.';
  }
  if (pairs != stats.pairs)
    fail("the count of pairs is not theirs");
  compare(there);
  kv_end(kv);
  if (access == KV_WRITE)
    count_lost_blocks(from, stats, indexed);
  kv_close(kv);
  _exit(0);
}

/*===- Kills --------------------------------------------------------------===*/

static void pause_us(unsigned us) {
  struct timespec t = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&t, NULL);
}

static uint64_t all_acknowledged(void) {
  uint64_t all = 0;
  for (int w = 0; w < writers; w++)
    all += shared->acknowledged[w];
  return all;
}

static void end(pid_t pid) {
  int status;
  kill(pid, SIGKILL);
  if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) ||
      WTERMSIG(status) != SIGKILL)
    fail("a process has ended before it was killed");
}

/* Waits for some changes, two seconds at most where the disk is slow; false when
 * there are none for a minute. */
static bool wait_for(uint64_t changes) {
  uint64_t before = all_acknowledged();
  for (int i = 0; i < 60000; i++) {
    uint64_t made = all_acknowledged() - before;
    if (made >= changes || (made && i >= 2000))
      return true;
    pause_us(1000);
  }
  return false;
}

static pid_t fork_check(const char *from, enum kv_access access) {
  pid_t pid = fork();
  if (!pid)
    check(from, access);
  return pid;
}

static void check_in_child(const char *from, enum kv_access access) {
  int status;
  waitpid(fork_check(from, access), &status, 0);
  if (status != 0) {
    fprintf(stderr, "kv_kill: found by the process that %s %s\n",
            access == KV_READ ? "reads" : "writes", from);
    exit(1);
  }
}

/* The index leads to all the rest. */
static void copy_objects(const char *to) {
  perdure_store *source = perdure_store_open(path, PERDURE_RDONLY);
  perdure_store *copy = perdure_store_open(to, PERDURE_CREATE);
  if (!source || !copy)
    fail(perdure_errormsg());
  if (perdure_copy(source, "by-value", copy, NULL, PERDURE_RECURSIVE) >= 0)
    _exit(0);
  if (errno != EBUSY || !strstr(perdure_errormsg(), "prepared"))
    fail(perdure_errormsg());
  _exit(2);
}

static void check_copy(bool by_runtime) {
  char command[1100], copy[512];
  int status = 0;
  snprintf(copy, sizeof copy, "%s.copy", path);
  snprintf(command, sizeof command, "rm -rf '%s'; %s cp -r '%s' '%s'", copy,
           by_runtime ? ":" : "", path, copy);
  if (system(command))
    fail("no copy");
  if (by_runtime) {
    pid_t pid = fork();
    if (!pid)
      copy_objects(copy);
    waitpid(pid, &status, 0);
    if (WEXITSTATUS(status) == 2) {
      refused++;
      return;
    }
    copied++;
  }
  if (status)
    exit(1);
  check_in_child(copy, KV_WRITE);
}

/* Kills whoever writes, and whoever repairs; how many. */
static int round_of_kills(int number) {
  pid_t pid[WRITERS];
  int kills = 0;
  for (int p = 0; p < processes; p++)
    if (!(pid[p] = fork()))
      write_process(p * threads);
  if (number % 8 == 7) /* while they open the store */
    pause_us(random_below(20000));
  else if (!wait_for(random_below(number % 8 == 3 ? 1500 : 40)))
    fail("nobody gets on");
  pause_us(random_below(2000));
  if (processes > 1) {
    end(pid[0]);
    kills++;
    pid[0] = pid[processes - 1];
    if (!wait_for(1 + random_below(20)))
      fail("after a process was killed, the others do not get on");
    pause_us(random_below(1000));
  }
  for (int p = 0; p < processes - (processes > 1); p++, kills++)
    end(pid[p]);

  if (number % 3 == 0)
    check_in_child(path, KV_READ);
  if (number % 5 == 4)
    check_copy(number % 2);
  if (number % 4 == 1) { /* it may have come to its end */
    pid_t repairs = fork_check(path, KV_WRITE);
    pause_us(random_below(8000));
    kill(repairs, SIGKILL);
    waitpid(repairs, NULL, 0);
    kills++;
  }
  check_in_child(path, KV_WRITE);
  for (int w = 0; w < writers; w++) {
    for (; modelled[w] < shared->found[w]; modelled[w]++)
      apply(&models[w], change_of(w, modelled[w]), modelled[w]);
    shared->acknowledged[w] = shared->found[w];
  }
  return kills;
}

int main(int argc, char **argv) {
  if (argc < 5)
    return fputs("Usage: kv_kill STORE KILLS PROCESSES THREADS [SEED]\n",
                 stderr),
           2;
  path = argv[1];
  int wanted = atoi(argv[2]), kills = 0;
  processes = atoi(argv[3]);
  threads = atoi(argv[4]);
  writers = processes * threads;
  seed = argc > 5 ? strtoull(argv[5], NULL, 10) : 1;
  aborts = !getenv("KV_KILL_NO_ABORTS");
  if (processes < 1 || threads < 1 || writers > WRITERS)
    fail("too many writers, or none");
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    fail("no memory");
  pid_t maker = fork(); /* the store itself */
  if (!maker) {
    struct kv *kv = kv_open(path, KV_WRITE);
    _exit(kv ? kv_close(kv), 0 : 1);
  }
  int status;
  waitpid(maker, &status, 0);
  if (status)
    fail("no store");
  for (int i = 0; kills < wanted; i++)
    kills += round_of_kills(i);
  printf("%d killed, %llu changes, all there; %ld blocks lost; %d copies, %d "
         "refused\n",
         kills, (unsigned long long)all_acknowledged(), shared->lost_blocks,
         copied, refused);
}
