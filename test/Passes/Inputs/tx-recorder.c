// Compiled without the plugin. See tx-recorder.h.
#include "tx-recorder.h"
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// As abi.def has it; the first word is the runtime's own.
struct frame {
  struct frame *outer;
  uint64_t nested;
  uint64_t jump[64];
};

static _Alignas(64) unsigned char bytes[ARENA_BYTES];
unsigned char *const arena = bytes;
static unsigned char before[ARENA_BYTES], logged[ARENA_BYTES];
static struct frame *innermost;
static uint32_t outermost_flags;
static int doomed, ended, aborted;
static size_t new_bytes;
static void (*thrower)(void);

void fail_at(int line, const char *what) {
  fprintf(stderr, "%d: not so: %s\n", line, what);
  exit(1);
}
int transactions_ended(void) { return ended; }
int transactions_aborted(void) { return aborted; }
size_t logged_bytes(void) { return new_bytes; }
int perdure_in_object(const void *p) {
  return (uintptr_t)p - (uintptr_t)bytes < ARENA_BYTES;
}

struct range { const void *p; uint64_t bytes; };
void __perdure_tx_log(const void *p, uint64_t n) {
  if (!innermost || !perdure_in_object(p))
    return;
  size_t at = (const unsigned char *)p - bytes;
  for (size_t i = at; i < at + n; ++i) {
    if (i >= ARENA_BYTES)
      fail_at(__LINE__, "the range ends in the object");
    if (!logged[i] && bytes[i] != before[i]) {
      fprintf(stderr, "byte %zu was overwritten before it was logged\n", i);
      exit(1);
    }
    new_bytes += !logged[i];
    logged[i] = 1;
  }
}

void __perdure_tx_log_ranges(const struct range *ranges, uint64_t count) {
  for (; count--; ++ranges)
    __perdure_tx_log(ranges->p, ranges->bytes);
}

static void check(void) {
  for (size_t i = 0; i < ARENA_BYTES; ++i)
    if (!logged[i] && bytes[i] != before[i]) {
      fprintf(stderr, "byte %zu was overwritten and never logged\n", i);
      exit(1);
    }
  ++ended;
}

static void roll_back(void) {
  check();
  ++aborted;
  memcpy(bytes, before, ARENA_BYTES);
  innermost = NULL;
  doomed = 0;
}

void __perdure_tx_set_thrower(void (*throws)(void)) { thrower = throws; }
void __perdure_tx_enter(struct frame *f, uint32_t flags) {
  f->outer = innermost;
  f->nested = innermost != NULL;
  if (!innermost) {
    outermost_flags = flags;
    memcpy(before, bytes, ARENA_BYTES);
    memset(logged, 0, ARENA_BYTES);
    new_bytes = 0;
    doomed = 0;
  }
  innermost = f;
}
int __perdure_tx_leave(struct frame *f) {
  if (innermost != f)
    fail_at(__LINE__, "the innermost frame leaves first");
  innermost = f->outer;
  if (innermost)
    return 0;
  if (doomed) {
    roll_back();
    return -1;
  }
  check();
  return 0;
}
void __perdure_tx_unwind(struct frame *f) {
  innermost = f->outer;
  doomed = 1;
  if (!innermost)
    roll_back();
}
void perdure_tx_abort(void) {
  struct frame *f = innermost;
  if (!f)
    return;
  while (f->outer)
    f = f->outer;
  if (outermost_flags & 2) {
    doomed = 1;
    thrower();
  }
  roll_back();
  longjmp(*(jmp_buf *)f->jump, 1);
}
// The table of functions that are called by address.
struct pair {
  void *original, *clone;
};
extern __attribute__((weak)) const struct pair __start_perdure_tx_clones[],
    __stop_perdure_tx_clones[];
void *__perdure_tx_body(void *fn) {
  const struct pair *p = __start_perdure_tx_clones;
  for (; p != __stop_perdure_tx_clones; ++p)
    if (p->original == fn)
      return p->clone;
  fail_at(__LINE__, "a function that is called by address has a clone");
  return NULL;
}
void *__perdure_tx_clone(void *fn) {
  return innermost ? __perdure_tx_body(fn) : fn;
}
void __perdure_tx_refuse(const void *written, const char *what,
                         const char *where) {
  if (!innermost || (written && !perdure_in_object(written)))
    return;
  fprintf(stderr, "refused: %s at %s\n", what, where ? where : "?");
  exit(1);
}
// Of the entry archive: the arena is the window.
const char
    __perdure_abi_v1_slot35__compile_and_link_every_file_with_one_Perdure_and_one_slot_size = 1;
const struct {
  const void *base;
  uintptr_t bytes, fot_rows, index_rows;
} __perdure_window = {bytes, ARENA_BYTES, 0, 0};
void __perdure_tx_landed(void *stack) {
  struct frame *f = innermost;
  if (!f)
    return;
  while (f->outer)
    f = f->outer;
  if ((char *)f < (char *)stack)
    roll_back();
}
