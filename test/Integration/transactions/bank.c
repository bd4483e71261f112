// Transactions that the compiler writes, with the runtime: money moves between the
// accounts of two objects, and the sum never changes: after aborts, after a longjmp
// out of a transaction, and after processes killed at any moment. Records of what
// was done are allocated in the transactions.
// RUN: %perdure_cc -O0 %s -o %t.O0 && rm -rf %store && %run %t.O0 %store | FileCheck %s
// RUN: %perdure_cc -O2 %s -o %t.O2 && rm -rf %store && %run %t.O2 %store | FileCheck %s
// RUN: %perdure_cc -O3 -flto %s -o %t.lto && rm -rf %store && %run %t.lto %store | FileCheck %s
// RUN: rm -rf %store && env PMEM2_FORCE_GRANULARITY=CACHE_LINE %run %t.O2 %store | FileCheck %s
// CHECK: aborted: sum 6400, records 0
// CHECK-NEXT: jumped: sum 6400, records 0
// CHECK-NEXT: called: -1, sum 6400, records 0
// CHECK-NEXT: committed: sum 6400, records 1000
// CHECK-NEXT: 40 killed: right
// CHECK-NEXT: mixed: whole
#include <perdure/perdure.h>
#include <perdure/transaction.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { Accounts = 32 };
struct PERDURE record { struct record *next; int from, to; long amount; };
struct PERDURE bank {
  long account[Accounts];
  struct bank *other;
  struct record *records;
  long count;
};

static perdure_store *store;
static struct bank *a, *b;
static jmp_buf away;

static void note(struct bank *in, int from, int to, long amount) {
  struct record *r = perdure_alloc(in, sizeof(*r));
  if (!r)
    abort();
  r->from = from;
  r->to = to;
  r->amount = amount;
  r->next = in->records;
  in->records = r;
  ++in->count;
}

enum how { Commit, Abort, Jump };

static void move(struct bank *in, int from, int to, long amount, enum how how) PERDURE_TRANSACTION;
static void move(struct bank *in, int from, int to, long amount, enum how how) {
  in->account[from] -= amount;
  note(in, from, to, amount);
  if (how == Abort)
    perdure_tx_abort();
  if (how == Jump)
    longjmp(away, 1);
  in->other->account[to] += amount;
}

struct call { struct bank *in; long amount; };
static int refuse(void *arg) {
  struct call *c = arg;
  memset(c->in->account, 0, sizeof(c->in->account));
  note(c->in, 1, 2, c->amount);
  return 1;
}

static long sum(void) {
  long all = 0;
  for (int i = 0; i < Accounts; ++i)
    all += a->account[i] + b->account[i];
  return all;
}

static long records(void) {
  long count = 0;
  for (struct record *r = a->records; r; r = r->next)
    ++count;
  for (struct record *r = b->records; r; r = r->next)
    ++count;
  return count == a->count + b->count ? count : -1;
}

static void tell(const char *what) { printf("%s: sum %ld, records %ld\n", what, sum(), records()); }

static void open_both(const char *dir) {
  store = perdure_store_open(dir, PERDURE_CREATE);
  a = perdure_open(store, "a", 0);
  b = perdure_open(store, "b", 0);
  if (!a)
    a = perdure_create(store, "a", sizeof(*a), 0), b = perdure_create(store, "b", sizeof(*b), 0);
  if (!a || !b)
    exit((fprintf(stderr, "%s\n", perdure_errormsg()), 1));
}

static void jump_out(void) {
  if (!setjmp(away))
    move(a, 1, 2, 10, Jump);
}

int main(int argc, char **argv) {
  (void)argc;
  open_both(argv[1]);
  a->other = b;
  b->other = a;
  for (int i = 0; i < Accounts; ++i)
    a->account[i] = b->account[i] = 100;
  move(a, 3, 4, 10, Abort);
  tell("aborted");
  jump_out();
  tell("jumped");
  struct call c = {a, 7};
  int result = perdure_transact(a, refuse, &c);
  printf("called: %d, sum %ld, records %ld\n", result, sum(), records());
  for (int i = 0; i < 1000; ++i)
    move(i % 3 ? a : b, i % Accounts, (i * 7) % Accounts, i % 50, Commit);
  tell("committed");
  perdure_store_close(store);
  fflush(stdout);

  int right = 1;
  for (int i = 0; i < 40; ++i) {
    pid_t pid = fork();
    if (!pid) {
      open_both(argv[1]);
      for (int j = 0;; ++j)
        move(j % 3 ? a : b, j % Accounts, (j * 5) % Accounts, j % 70, j % 11 ? Commit : Abort);
    }
    usleep(2000 + (unsigned)(i * 7919 % 5000));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    open_both(argv[1]);
    if (sum() != 6400 || records() < 1000)
      right = 0, tell("after a kill");
    perdure_store_close(store);
  }
  printf("40 killed: %s\n", right ? "right" : "wrong");

  // Through the explicit API, with a savepoint, and the attribute inside it.
  open_both(argv[1]);
  long before = a->count + b->count;
  perdure_tx_begin(a);
  move(a, 1, 2, 5, Commit);
  int point = perdure_tx_savepoint();
  move(b, 1, 2, 5, Commit);
  perdure_tx_rollback_to(point);
  int ok = perdure_tx_commit() == 0 && sum() == 6400 && records() == before + 1;
  printf("mixed: %s\n", ok ? "whole" : "not whole");
}
