// Each rule by which calls of the log are fewer, and beside it what has to stay.
// RUN: %clang -O2 -g -fno-unroll-loops -fno-vectorize -fno-slp-vectorize -S -emit-llvm %s -o %t.ll -Rpass=perdure-tx -Rpass-missed=perdure-tx 2> %t.remarks
// RUN: FileCheck %s --implicit-check-not='call void @__perdure_tx_log' < %t.ll
// RUN: FileCheck --check-prefix=SAY %s < %t.remarks
// RUN: %opt -passes='verify,perdure-tx-logs,verify' -S %t.ll -o - | FileCheck %s --implicit-check-not='call void @__perdure_tx_log'
// At -O0 every store is logged, and told of.
// RUN: %clang -O0 -g -c %s -o %t.o -Rpass=perdure-tx 2>&1 | FileCheck --check-prefix=PLAIN %s
// PLAIN: 8: remark: logged (struct node.a)
// PLAIN: 8: remark: logged (struct node.b)
#include <perdure/perdure.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#define IN PERDURE_IN_TRANSACTION
struct PERDURE node { struct node *next; long a, b, c; long array[64]; };
PERDURE_TX_SAFE void unknown(void);

// CHECK-LABEL: @neighbours(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 24)
IN void neighbours(struct node *n, long v) {
  n->a = v; // SAY-DAG: [[#@LINE]]:8: remark: logged (struct node.a)
  n->b = v; // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: logged with what lies beside it (struct node.b)
  n->c = v; // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: logged with what lies beside it (struct node.c)
  n->a += n->b; // SAY-DAG: [[#@LINE]]:8: remark: not logged again: it has been (struct node.a)
}
// Through a gap nothing is logged that is not written.
// CHECK-LABEL: @gap(
// CHECK-COUNT-2: store i64 8,
// CHECK: call void @__perdure_tx_log_ranges(ptr{{.*}}, i64 2)
IN void gap(struct node *n, long v) {
  n->a = v;
  n->c = v;
}
// CHECK-LABEL: @filled_gap(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 24)
IN void filled_gap(struct node *n, long v) {
  n->a = v;
  n->c = v;
  n->b = v;
}
// The call for both is not said to leave alone what one of the two was told of.
// CHECK-LABEL: @restricted(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 16)
// CHECK-NOT: !noalias
// CHECK: store i64
static __attribute__((always_inline)) void both(long *restrict p, long *restrict q, long v) {
  *p = v;
  *q = v;
}
IN void restricted(struct node *n, long v) { both(&n->a, &n->b, v); }
// Not across what another thread may wait for, or what may not come back.
// CHECK-LABEL: @waits(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: load atomic
// CHECK: call void @__perdure_tx_log_ranges(ptr{{.*}}, i64 2)
// CHECK: call void @unknown()
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void waits(struct node *n, long v, long *flag, long *more) {
  n->a = v;
  while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
    ;
  n->b = v;
  more[0] = v;
  unknown();
  more[1] = v;
}
// CHECK-LABEL: @dominated(
// CHECK: call void @__perdure_tx_log_ranges(ptr{{.*}}, i64 2)
static __attribute__((always_inline)) void bump(struct node *n) { ++n->a; } // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: not logged again: it has been (struct node.a)
IN void dominated(struct node *n, long v) {
  n->a = v;
  if (v > 3)
    n->b = v;
  else
    bump(n);
  bump(n);
}
// CHECK-LABEL: @one_side(
// CHECK: call void @__perdure_tx_log_ranges(ptr{{.*}}, i64 2)
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void one_side(struct node *n, long v, struct node *m) {
  if (v > 3) {
    n->a = v;
    m->b = 0;
  }
  n->a ^= m->b * v;
}
// CHECK-LABEL: @whole(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 {{[0-9]+}})
IN void whole(struct node *n, long v) {
  memset(n, 0, sizeof *n);
  n->c = v;
}
// A savepoint, an unknown call, or one that comes to either: again.
// CHECK-LABEL: @events(
// CHECK-COUNT-4: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
static __attribute__((noinline)) void save(void) { perdure_tx_savepoint(); }
IN void events(struct node *n, long v) {
  n->a = v;
  perdure_tx_savepoint();
  n->a = v + 1;
  unknown();
  n->a = v + 2;
  save();
  n->a = v + 3;
}
// CHECK-LABEL: @no_event(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
static __attribute__((noinline)) int quiet(const char *s) { return strlen(s) > 3; }
IN int no_event(struct node *n, long v, const char *s) {
  n->a = v;
  int longer = quiet(s);
  n->a = v + longer;
  return longer;
}
// On a way around a loop, too.
// CHECK-LABEL: @around(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void around(struct node *n, long v, volatile int *more) {
  n->a = v;
  while (*more) {
    n->a ^= 3;
    perdure_tx_savepoint();
  }
}
// CHECK-LABEL: @comes_back(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void comes_back(struct node *n, jmp_buf b) {
  n->a = 1;
  if (setjmp(b))
    n->a = 2;
}
// CHECK-LABEL: @fresh(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void fresh(struct node *n, long v) {
  struct node *m = perdure_alloc(n, sizeof *m);
  m->a = v;          // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: not logged: its block was allocated in this transaction (struct node.a)
  m->next = n->next; // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: not logged: its block was allocated in this transaction (struct node.next)
  n->next = m;       // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: logged (struct node.next)
}
// CHECK-LABEL: @fresh_for(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void fresh_for(struct node *n, long v) {
  struct node *m = perdure_alloc_for(n, sizeof *m, (void *)&n->next);
  m->a = v;    // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: not logged: its block was allocated in this transaction (struct node.a)
  n->next = m; // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: logged (struct node.next)
}
// CHECK-LABEL: @saved_fresh(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void saved_fresh(struct node *n, long v) {
  struct node *m = perdure_alloc(n, sizeof *m);
  perdure_tx_savepoint();
  m->a = v;
}
// The block of the round before is not new since the savepoint in between.
// CHECK-LABEL: @last_round(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void last_round(struct node *n, int k) {
  struct node *last = n;
  for (int i = 0; i < k; ++i) {
    perdure_tx_savepoint();
    struct node *m = perdure_alloc(n, sizeof *m);
    last->a = i;
    m->b = i;
    perdure_tx_savepoint();
    last->c = i;
    last = m;
  }
}
// Nor where it is the only other one that there may be.
// CHECK-LABEL: @list_with_savepoints(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void list_with_savepoints(struct node *n, int k) {
  struct node *last = NULL;
  for (int i = 0; i < k; ++i) {
    struct node *m = perdure_alloc(n, sizeof *m);
    m->b = i;
    if (last)
      last->a = i;
    perdure_tx_savepoint();
    last = m;
  }
}
// Around loops inside of that one, too.
// CHECK-LABEL: @list_in_two_loops(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void list_in_two_loops(struct node *n, int k, volatile int *more) {
  struct node *last = NULL;
  for (int i = 0; i < k; ++i) {
    struct node *m = perdure_alloc(n, sizeof *m);
    for (struct node *p = last; *more; p = p ? p + 1 : m)
      if (p)
        p->a = i;
    perdure_tx_savepoint();
    last = m;
  }
}
// Nor where the rounds are not those of a loop that has one entry.
// CHECK-LABEL: @list_entered_in_the_middle(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void list_entered_in_the_middle(struct node *n, int k, volatile int *more) {
  struct node *last = NULL, *m = NULL;
  if (*more)
    goto middle;
again:
  m = perdure_alloc(n, sizeof *m);
  m->b = k;
  if (last)
    last->a = k;
middle:
  perdure_tx_savepoint();
  last = m;
  if (*more)
    goto again;
}
// All rounds are in one transaction, with one savepoint at most before them.
// CHECK-LABEL: @list(
IN void list(struct node *n, int k) {
  struct node *last = NULL;
  for (int i = 0; i < k; ++i) {
    struct node *m = perdure_alloc(n, sizeof *m);
    if (last)
      last->a = i;
    last = m;
  }
}
// The block is from before the loop whose rounds go through it.
// CHECK-LABEL: @filled(
IN void filled(struct node *n, long v, volatile int *more) {
  perdure_tx_savepoint();
  long *p = perdure_alloc(n, 4096);
  while (*more)
    *p++ = v;
}
// CHECK-LABEL: @from_malloc(
IN void *from_malloc(long v) {
  long *p = malloc(16);
  *p = v; // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: not logged: it is in no object
  return p;
}
// CHECK-LABEL: @loop(
// CHECK: icmp ult i64 %{{.*}}, %{{.*}}
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 512)
IN void loop(struct node *n, long v) {
  for (int i = 0; i < 64; ++i)
    n->array[i] += v; // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: logged once for all rounds of the loop (struct node.array[])
}
// Also where nothing lies between the test whether there is a round and the first one.
// CHECK-LABEL: @counted(
// CHECK: shl {{.*}}i64 %{{.*}}, 3
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 %
IN void counted(struct node *n, long v, size_t k) {
  for (size_t i = 0; i < k; ++i)
    n->array[i] += v;
}
// CHECK-LABEL: @loop_down(
// CHECK: shl {{.*}}i64 %{{.*}}, 3
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 %
IN void loop_down(struct node *n, long v, unsigned k) {
  for (unsigned i = k; i-- > 0;)
    n->array[i] += v;
}
// CHECK-LABEL: @matrix(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 %
IN void matrix(long (*m)[8], unsigned k) {
  for (unsigned i = 0; i < k; ++i)
    for (int j = 0; j < 8; ++j)
      m[i][j] *= 3;
}
// CHECK-LABEL: @same_place(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void same_place(struct node *n, volatile int *k) {
  long *p = &n->a;
  for (int i = 0; i < 10; ++i)
    *p ^= n->array[*p & 7];
  (void)k;
}
// Every other one, some of them, or nobody knows how many: in each round.
// CHECK-LABEL: @strided(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void strided(struct node *n, long v) {
  for (int i = 0; i < 64; i += 2)
    n->array[i] += v; // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: logged in each round of the loop: the loop leaves out bytes in between
}
// CHECK-LABEL: @some(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void some(struct node *n, long v) {
  for (int i = 0; i < 64; ++i)
    if (n->array[i] > v)
      n->array[i] += v;
}
// CHECK-LABEL: @ends_early(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void ends_early(struct node *n, long v) {
  for (int i = 0; i < 64; ++i) {
    if (n->array[i] == v)
      break;
    n->array[i] += v;
  }
}
// CHECK-LABEL: @calls(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void calls(struct node *n, long v) {
  for (int i = 0; i < 64; ++i) {
    n->array[i] += v;
    unknown();
  }
}
// An index narrower than an address may wrap: in front of the loop if it does not,
// else in each round. Each call has no bytes where it is not the other's turn.
// CHECK-LABEL: @wraps(
// CHECK: %[[STAYS:.*]] = icmp uge i32
// CHECK: %[[ANY:.*]] = and i1 %{{.*}}, %[[STAYS]]
// CHECK: br i1 %[[ANY]]
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 %
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void wraps(struct node *n, unsigned from, unsigned to) {
  for (unsigned i = from; i != to; ++i)
    n->array[i] = n->array[i + 1]; // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: logged once for all rounds of the loop, unless its index wraps (struct node.array[])
}
// Round a loop that comes to its end, and into a branch: with no bytes if it is
// not taken.
// CHECK-LABEL: @round(
// CHECK: select i1 %{{.*}}, i64 {{0, i64 8|8, i64 0}}
// CHECK: call void @__perdure_tx_log_ranges(ptr{{.*}}, i64 3)
IN void round(struct node *n, struct node *m, long v, int more) {
  n->a = v;
  for (int i = 0; i < 64; ++i)
    v += n->array[i] * v;
  m->b = v; // SAY-DAG: c:[[#@LINE]]:{{[0-9]+}}: remark: logged in one call with what is written before it (struct node.b)
  if (more)
    m->array[7] = v;
}
// What an address is computed from is read before, unless it may have been written.
// CHECK-LABEL: @reads(
// CHECK: call void @__perdure_tx_log_ranges(ptr{{.*}}, i64 2)
// CHECK-LABEL: @may_have_changed(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
static struct node *current;
void set_current(struct node *n) { current = n; }
IN void reads(struct node *n, long v) {
  n->a = v;
  current->b = v;
}
IN void may_have_changed(struct node **place, struct node *n, long v) {
  place[0] = n;
  place[v]->b = v;
}
// A branch that is not always taken reads nothing before it is.
// CHECK-LABEL: @taken(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void taken(struct node *n, struct node **may_be_null, double v) {
  n->a = 3;
  if (v > 3)
    may_be_null[0]->b = 4;
}
// Not into a loop, nor out of one, nor over one that may never end: C has such.
// CHECK-LABEL: @into(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void into(struct node *n, struct node *m, long v) {
  n->a = v;
  for (int i = 0; i < 64; i += 2)
    m->array[i] += v;
}
// CHECK-LABEL: @out_of(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void out_of(struct node *n, struct node *m, long v) {
  long i = 0;
  do {
    n->array[i] += v;
    i += 2;
  } while (i < 64);
  m->b = v;
}
// CHECK-LABEL: @for_ever(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void for_ever(struct node *n, struct node *m, long v) {
  n->a = v;
  while (1) {
    v = v * v + 1;
    if (v == 7)
      break;
  }
  m->b = v;
}
// Nor over what another thread may wait for, or what may not come back.
// CHECK-LABEL: @parted(
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
// CHECK: call void @unknown()
// CHECK: call void @__perdure_tx_log(ptr{{.*}}, i64 8)
IN void parted(struct node *n, struct node *m, long v) {
  n->a = v;
  if (v > 3)
    unknown();
  m->b = v;
}
