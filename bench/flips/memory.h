/*===- memory.h - Where a structure lies ----------------------------------===*\
|*
|* One stretch of memory that is all zero, in an object or behind the program's
|* data (brk), handed out from its start on, as malloc does with fresh memory. A
|* block that was given back is the next of its size to be taken. Which blocks
|* are free is remembered elsewhere: blocks keep what was stored in them.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_BENCH_FLIPS_MEMORY_H
#define PERDURE_BENCH_FLIPS_MEMORY_H

#include <stdint.h>

/* The store in a directory of its own, which is removed at once; unused where
   memory is ordinary. Ends the program when there is no such memory. */
void memoryOpen(const char *Directory, uint64_t Bytes);

/* Multiples of 16, which lie 8 bytes off: what follows a block's first word
   lies at a multiple of 16. */
void *memoryTake(uint64_t Bytes);
void memoryGive(void *P, uint64_t Bytes);

/* For who allocates in the object: an address in it, and what ends the program when
   there is no room. */
void *memoryNear(void);
_Noreturn void memoryMissing(void);

#endif
