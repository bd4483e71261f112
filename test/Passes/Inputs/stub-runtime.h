/* A runtime of a few lines, for the execution tests of the passes: two slots
   in a window, an eager FOT. It counts its calls so that tests can tell inline
   code from calls. */
#ifndef STUB_RUNTIME_H
#define STUB_RUNTIME_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOT_BITS 35
#define SLOT (UINT64_C(1) << SLOT_BITS)
#define LIMIT (SLOT - 0x8000000)
#define CACHE 0x4000000
#define SLOTS 8
#define TAGGED (UINT64_C(1) << 62)

struct window {
  uintptr_t base, bytes, fot_rows, index_rows;
};
extern __attribute__((visibility("hidden"))) struct window __perdure_window;
extern int decode_calls, encode_calls, reencode_calls;
char *stub_slot(unsigned n); /* base of slot n, its first MiB mapped */

#endif
