/* The instruction that loads or stores a pointer field has the source's line, at every
 * level: each access faults on its record's page, in ordinary memory and in an object, and
 * the line table is asked for the address. What Clang generates without a line (a function
 * that copies a record) has the line of its caller.
 *
 * UNSUPPORTED: sanitized
 * RUN: rm -rf %store && %perdure_cc -g -O0 %s -o %t0 && %run %t0 %store > %t0.pcs
 * RUN: %python %S/Inputs/lines.py %t0 %s %t0.pcs | FileCheck %s
 * RUN: rm -rf %store && %perdure_cc -g -O1 %s -o %t1 && %run %t1 %store > %t1.pcs
 * RUN: %python %S/Inputs/lines.py %t1 %s %t1.pcs | FileCheck %s
 * RUN: rm -rf %store && %perdure_cc -g -O2 %s -o %t2 && %run %t2 %store > %t2.pcs
 * RUN: %python %S/Inputs/lines.py %t2 %s %t2.pcs | FileCheck %s
 * RUN: rm -rf %store && %perdure_cc -g -O2 -flto -fuse-ld=lld %s -o %t3 && %run %t3 %store > %t3.pcs
 * RUN: %python %S/Inputs/lines.py %t3 %s %t3.pcs | FileCheck %s
 * RUN: rm -rf %store && %perdure_cc -g -O2 -fperdure-encoding=xor %s -o %t4 && %run %t4 %store > %t4.pcs
 * RUN: %python %S/Inputs/lines.py %t4 %s %t4.pcs | FileCheck %s
 *
 * CHECK: 30 accesses, 0 wrong
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <perdure/perdure.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

struct PERDURE record {
  struct record *next;
  struct record *kids[4];
  long value;
};

static volatile int expected;
static struct record *other;
static sigjmp_buf out;

#define ACCESS __attribute__((noinline)) static struct record *

ACCESS load(struct record *r) {
  expected = __LINE__ + 1;
  return r->next;
}
ACCESS loadOfArray(struct record *r) {
  int i = (int)(other->value & 3);
  expected = __LINE__ + 1;
  return r->kids[i];
}
ACCESS loadSecond(struct record *r) {
  other->next = r;
  struct record *second = other->next;
  expected = __LINE__ + 1;
  return second->kids[1];
}
ACCESS loadInLoop(struct record *r) {
  struct record *last = r;
  other->next = r;
  expected = __LINE__ + 1;
  for (struct record *n = other; n; n = n->next)
    last = n;
  return last;
}
ACCESS loadToCompare(struct record *r) {
  expected = __LINE__ + 1;
  if (r->next == other)
    return other;
  return r;
}
ACCESS loadOfNull(struct record *r) {
  expected = __LINE__ + 1;
  return r->kids[3] ? r : other;
}
ACCESS store(struct record *r) {
  struct record *o = other;
  expected = __LINE__ + 1;
  r->next = o;
  return o;
}
ACCESS storeNull(struct record *r) {
  expected = __LINE__ + 1;
  r->next = NULL;
  return r;
}
ACCESS storeOfArray(struct record *r) {
  for (int i = 0; i < 4; i++) {
    expected = __LINE__ + 1;
    r->kids[i] = other;
  }
  return r;
}
ACCESS storeBehindLoad(struct record *r) {
  other->kids[0] = r;
  expected = __LINE__ + 1;
  other->kids[0]->next = other;
  return r;
}
ACCESS storeSelf(struct record *r) {
  expected = __LINE__ + 1;
  r->kids[1] = r;
  return r;
}
ACCESS copyFrom(struct record *r) {
  struct record *o = other;
  expected = __LINE__ + 1;
  o->kids[1] = r->kids[2];
  return o;
}
ACCESS copyTo(struct record *r) {
  struct record *o = other;
  o->next = o;
  expected = __LINE__ + 1;
  r->kids[2] = o->next;
  return o;
}
ACCESS copyAll(struct record *r) {
  expected = __LINE__ + 1;
  *r = *other;
  return r;
}
ACCESS exchange(struct record *r) {
  expected = __LINE__ + 1;
  return perdure_atomic_exchange(&r->next, other);
}

static void onFault(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  void *pc = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP], *frames[16];
  int count = backtrace(frames, 16), i = 0;
  while (i < count && frames[i] != pc)
    i++;
  printf("%d", expected);
  for (int first = i; i < count && i < first + 2; i++) {
    Dl_info here;
    if (!dladdr(frames[i], &here))
      break;
    printf(" %#lx", (unsigned long)frames[i] - (unsigned long)here.dli_fbase - (i != first));
  }
  puts("");
  siglongjmp(out, 1);
}

static void try(struct record *page, struct record *neighbour) {
  struct record *(*const all[])(struct record *) = {
      load, loadOfArray, loadSecond, loadInLoop, loadToCompare, loadOfNull, store, storeNull,
      storeOfArray, storeBehindLoad, storeSelf, copyFrom, copyTo, copyAll, exchange};
  other = neighbour;
  if (mprotect(page, 4096, PROT_NONE))
    abort();
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    neighbour->next = neighbour->kids[0] = neighbour->kids[2] = NULL;
    if (!sigsetjmp(out, 1)) {
      all[i](page);
      printf("%d 0x0\n", expected);
    }
  }
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

int main(int argc, char **argv) {
  (void)argc;
  perdure_store *s = perdure_store_open(argv[1], PERDURE_CREATE);
  struct record *root = perdure_create(s, "o", sizeof *root, 0);
  struct record *block = perdure_alloc(root, 3 * 4096);
  char *heap = aligned_alloc(4096, 2 * 4096);
  if (!block || !heap)
    return 1;
  struct sigaction action = {.sa_sigaction = onFault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  try((struct record *)heap, (struct record *)(heap + 4096));
  try((struct record *)(((unsigned long)block + 4095) & ~4095ul), root);
  fflush(stdout);
  return 0;
}
