/* An independent count: runs a program instruction by instruction, and compares the
   stack and the data of the program before and after each that lies in one of the
   ranges that the first file names (hexadecimal addresses from where the program is
   linked to, a pair a line). No decoder, no compiler: what changed was stored.

     step RANGES COUNTS OWN PROGRAM ARGUMENTS

   COUNTS gets, for each instruction, how often it ran (a repeated one: once), how
   often something changed, and the bits that it set and cleared. Thread-locals count, too, but for the profiler's own, at OWN from the
   thread's pointer. What the profiler
   does in between must leave the program's stack alone, also what is dead of it.
   Code that is in no range, as the unwinder, is not stepped through: nineteen
   instructions of twenty are its own. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { StackBytes = 96 << 10, MostRanges = 4096, MostText = 1 << 22 };
static uint64_t From[MostRanges], To[MostRanges];
static unsigned Ranges;
static struct { unsigned times, changed; uint64_t set, cleared; } *Ran;
static int64_t Own;

struct area { uint64_t at, bytes; char *was, *now; };
static struct area Stack, Data, Locals;
static uint64_t Base, ProfilerFrom, ProfilerTo;
static pid_t Child;

static void fail(const char *what) {
  fprintf(stderr, "step: %s\n", what);
  exit(1);
}

static void make(struct area *A, uint64_t at, uint64_t bytes) {
  *A = (struct area){at, bytes, malloc(bytes), malloc(bytes)};
}

static void readArea(struct area *A, char *to) {
  struct iovec here = {to, A->bytes}, there = {(void *)A->at, A->bytes};
  if (process_vm_readv(Child, &here, 1, &there, 1, 0) != (ssize_t)A->bytes)
    fail("the program's memory cannot be read");
}

/* The program's addresses, from /proc. Writable memory of the program but for what
   its own profile is counted in, which no instruction of its own writes. */
static void findAreas(const char *program) {
  char path[64], line[4096], name[4096];
  snprintf(path, sizeof path, "/proc/%d/maps", (int)Child);
  FILE *f = fopen(path, "r");
  uint64_t first = 0, last = 0;
  while (fgets(line, sizeof line, f)) {
    unsigned long a, b;
    char rights[8];
    name[0] = 0;
    if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %4095s", &a, &b, rights, name) < 3)
      continue;
    if (!strcmp(name, program)) {
      if (!Base)
        Base = a;
      if (rights[1] == 'w' && !first)
        first = a;
      if (rights[1] == 'w')
        last = b;
    }
    /* What the file does not hold of the data. */
    else if (!name[0] && last && a == last && rights[1] == 'w')
      last = b;
    if (strstr(name, "libperdure-flips") && rights[2] == 'x') {
      ProfilerFrom = a;
      ProfilerTo = b;
    }
    if (!strcmp(name, "[stack]"))
      make(&Stack, b - StackBytes, StackBytes);
  }
  fclose(f);
  if (!first || !ProfilerFrom)
    fail("the program is not mapped");
  make(&Data, first, last - first);
}

static int compare(struct area *A, uint64_t at) {
  readArea(A, A->now);
  if (A == &Locals)
    memcpy(A->now + A->bytes + Own, A->was + A->bytes + Own, 8);
  if (!memcmp(A->was, A->now, A->bytes))
    return 0;
  for (uint64_t i = 0; i != A->bytes; i += 8) {
    uint64_t was, now;
    memcpy(&was, A->was + i, 8);
    memcpy(&now, A->now + i, 8);
    Ran[at].set += (unsigned)__builtin_popcountll(now & ~was);
    Ran[at].cleared += (unsigned)__builtin_popcountll(was & ~now);
  }
  memcpy(A->was, A->now, A->bytes);
  return 1;
}

static uint64_t word(uint64_t at) {
  return (uint64_t)ptrace(PTRACE_PEEKTEXT, Child, (void *)at, NULL);
}

/* Returns the status of the program, which is there now, or has ended. By a
   breakpoint in the code, since not every machine has debug registers; the profiler
   reads what stands before the places that it returns to. */
static int runTo(uint64_t at) {
  int status;
  uint64_t there = word(at);
  ptrace(PTRACE_POKETEXT, Child, (void *)at, (void *)((there & ~0xFFul) | 0xCC));
  ptrace(PTRACE_CONT, Child, NULL, NULL);
  waitpid(Child, &status, 0);
  if (!WIFSTOPPED(status))
    return status;
  struct user_regs_struct R;
  ptrace(PTRACE_GETREGS, Child, NULL, &R);
  if (WSTOPSIG(status) != SIGTRAP || R.rip != at + 1)
    fail("a signal came in between");
  R.rip = at;
  ptrace(PTRACE_SETREGS, Child, NULL, &R);
  ptrace(PTRACE_POKETEXT, Child, (void *)at, (void *)there);
  return status;
}

/* Code of the ranges or of the profiler, with breakpoints for all that is in them. */
struct code { uint64_t at, bytes; char *whole, *stops; };
static struct code Ranged, Profiler;
static int Memory;

static void makeCode(struct code *C, uint64_t at, uint64_t bytes) {
  *C = (struct code){at, bytes, malloc(bytes), malloc(bytes)};
  if (pread(Memory, C->whole, bytes, (off_t)at) != (ssize_t)bytes)
    fail("the program's code cannot be read");
}

static void writeCode(const struct code *C, const char *bytes) {
  if (pwrite(Memory, bytes, C->bytes, (off_t)C->at) != (ssize_t)C->bytes)
    fail("the program's code cannot be written");
}

static void findCode(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", (int)Child);
  Memory = open(path, O_RDWR | O_CLOEXEC);
  uint64_t from = UINT64_MAX, to = 0;
  for (unsigned i = 0; i != Ranges; ++i) {
    from = From[i] < from ? From[i] : from;
    to = To[i] > to ? To[i] : to;
  }
  makeCode(&Ranged, Base + from, to - from);
  memcpy(Ranged.stops, Ranged.whole, Ranged.bytes);
  for (unsigned i = 0; i != Ranges; ++i)
    memset(Ranged.stops + (From[i] - from), 0xCC, To[i] - From[i]);
  makeCode(&Profiler, ProfilerFrom, ProfilerTo - ProfilerFrom);
  memset(Profiler.stops, 0xCC, Profiler.bytes);
}

/* Runs on until something of the ranges or of the profiler is next, a signal comes, or
   the program ends. Neither of them sees a breakpoint: they are gone before. */
static int runOn(int signal) {
  int status;
  writeCode(&Ranged, Ranged.stops);
  writeCode(&Profiler, Profiler.stops);
  ptrace(PTRACE_CONT, Child, NULL, (void *)(intptr_t)signal);
  waitpid(Child, &status, 0);
  if (!WIFSTOPPED(status))
    return status;
  writeCode(&Ranged, Ranged.whole);
  writeCode(&Profiler, Profiler.whole);
  if (WSTOPSIG(status) == SIGTRAP) {
    struct user_regs_struct R;
    ptrace(PTRACE_GETREGS, Child, NULL, &R);
    --R.rip;
    ptrace(PTRACE_SETREGS, Child, NULL, &R);
  }
  return status;
}

/* The end of an event that begins at this address, popq %rsp and retq $8; or 0. */
static uint64_t endOfEvent(uint64_t at) {
  static uint64_t known, ends;
  if (at == known)
    return ends;
  for (uint64_t end = at; end != at + 512; ++end)
    if ((uint32_t)word(end) == 0x0008C25C) {
      known = at;
      return ends = end + 1;
    }
  return 0;
}

/* Where the program itself begins: the loader is done then. */
static uint64_t entry(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/auxv", (int)Child);
  FILE *f = fopen(path, "r");
  uint64_t pair[2] = {0, 0};
  while (fread(pair, sizeof pair, 1, f) == 1 && pair[0] != AT_ENTRY) {
  }
  fclose(f);
  return pair[1];
}

static int isOwn(uint64_t at) {
  for (unsigned i = 0; i != Ranges; ++i)
    if (at >= From[i] && at < To[i])
      return 1;
  return 0;
}

int main(int count, char **words) {
  if (count < 5)
    fail("RANGES COUNTS OWN PROGRAM");
  Own = strtoll(words[3], NULL, 10);
  FILE *f = fopen(words[1], "r");
  while (Ranges != MostRanges &&
         fscanf(f, "%lx %lx", &From[Ranges], &To[Ranges]) == 2)
    ++Ranges;
  fclose(f);
  Ran = calloc(MostText, sizeof *Ran);
  Child = fork();
  if (!Child) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    execv(words[4], words + 4);
    _exit(127);
  }
  int status, wasOwn = 0, inProfiler = 0, signal = 0;
  uint64_t before = 0;
  waitpid(Child, &status, 0);
  status = runTo(entry());
  char path[64], name[4096];
  snprintf(path, sizeof path, "/proc/%d/exe", (int)Child);
  ssize_t length = readlink(path, name, sizeof name - 1);
  name[length > 0 ? length : 0] = 0;
  findAreas(name);
  findCode();
  while (WIFSTOPPED(status)) {
    struct user_regs_struct R;
    ptrace(PTRACE_GETREGS, Child, NULL, &R);
    uint64_t at = R.rip - Base;
    int own = at < MostText && isOwn(at), profiler = R.rip >= ProfilerFrom && R.rip < ProfilerTo;
    if (wasOwn) {
      /* After an element of a repeated one it is there still. */
      Ran[before].times += at != before;
      Ran[before].changed += compare(&Stack, before) | compare(&Data, before) |
                             compare(&Locals, before);
    }
    if (profiler) {
      /* Whoever called it: nothing of the program's runs within. */
      inProfiler |= wasOwn;
      wasOwn = 0;
      uint64_t end = endOfEvent(R.rip);
      status = runTo(end ? end : word(R.rsp));
      if (end && WIFSTOPPED(status)) {
        ptrace(PTRACE_SINGLESTEP, Child, NULL, NULL);
        waitpid(Child, &status, 0);
      }
      continue;
    }
    if (own && !wasOwn) {
      readArea(&Stack, Stack.now);
      if (inProfiler && memcmp(Stack.was, Stack.now, Stack.bytes))
        fail("the profiler changed the program's stack");
      readArea(&Stack, Stack.was);
      readArea(&Data, Data.was);
      if (!Locals.bytes)
        make(&Locals, R.fs_base - 256, 256);
      readArea(&Locals, Locals.was);
      inProfiler = 0;
    }
    wasOwn = own;
    before = at;
    if (own) {
      ptrace(PTRACE_SINGLESTEP, Child, NULL, (void *)(intptr_t)signal);
      waitpid(Child, &status, 0);
    } else {
      status = runOn(signal);
    }
    signal = WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP ? WSTOPSIG(status) : 0;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status))
    fail("the program failed");
  f = fopen(words[2], "w");
  for (unsigned i = 0; i != MostText; ++i)
    if (Ran[i].times)
      fprintf(f, "%x %u %u %lu %lu\n", i, Ran[i].times, Ran[i].changed, Ran[i].set, Ran[i].cleared);
  fclose(f);
  return 0;
}
