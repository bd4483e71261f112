/*===- flips.h - What code that was compiled with -fperdure-flips calls ---===*\
|*
|* libperdure-flips.so alone. Calls that come before the write find the old
|* content in memory. None may be made while another is running in the same
|* thread; a signal handler's writes are counted at the store, and not by the
|* model, while its thread is in one.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_RUNTIME_FLIPS_FLIPS_H
#define PERDURE_RUNTIME_FLIPS_FLIPS_H

#include <stdint.h>

enum {
#define PERDURE_FLIPS_NUMBER(Name, Value, Doc) PerdureFlips##Name = Value,
#include "perdure/flips.def"
};

/* A place in the source that writes. The compiler makes an array of these for
   each module, all zero but for the first five. */
struct perdure_flips_site {
  const char *file, *function, *field; /* "" where not known */
  uint64_t line;
  uint64_t size;   /* bytes of each write that compiled code counts, or 0 */
  uint64_t number; /* in the process, from 1 on: the runtime's */
#define PERDURE_FLIPS_COUNTER(Name, Text, Doc) uint64_t Name;
#include "perdure/flips.def"
};

/* An instruction that the machine pass put a call in front of (scope `all`).
   The compiler makes one for each, the last two words of which are the
   runtime's. */
struct perdure_flips_place {
  struct perdure_flips_place *self; /* before the instruction */
  uint64_t after;                   /* self + 1: behind it */
  uint64_t event, callee;           /* flips.def */
  void *plan;
  uint64_t state;
  struct perdure_flips_site site;
};

#define PERDURE_FLIPS_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the model, or who advises, wants to know: compiled code asks before it calls
   __perdure_flips_touch. */
extern PERDURE_FLIPS_API uint8_t __perdure_flips_model;

/* By a constructor of each module, before any other. */
PERDURE_FLIPS_API void
__perdure_flips_register(uint64_t version, struct perdure_flips_site *sites,
                         uint64_t count);
/* By a destructor of each module, behind all others: what it has counted stays,
   where dlclose takes the module away. */
PERDURE_FLIPS_API void
__perdure_flips_unregister(struct perdure_flips_site *sites);

/* By a constructor likewise, of modules with debug info: names of fields that hold
   pointers of the encoding `object`, of slots with so many bits; or, with 0, that hold
   numbers. */
PERDURE_FLIPS_API void __perdure_flips_fields(uint64_t slot_bits,
                                              const char *const *fields,
                                              uint64_t count);

/* Before a write that compiled code has counted: of at most eight bytes, those of
   `now`. */
PERDURE_FLIPS_API void __perdure_flips_touch(struct perdure_flips_site *site,
                                             const void *p, uint64_t bytes,
                                             uint64_t now);
/* Before a write of what is at `what`, which may overlap p. */
PERDURE_FLIPS_API void __perdure_flips_store(struct perdure_flips_site *site,
                                             const void *p, const void *what,
                                             uint64_t bytes);
/* Before a memset. */
PERDURE_FLIPS_API void __perdure_flips_fill(struct perdure_flips_site *site,
                                            const void *p, int value,
                                            uint64_t bytes);
/* After an atomic write of at most eight bytes. */
PERDURE_FLIPS_API void __perdure_flips_exchange(struct perdure_flips_site *site,
                                                const void *p, uint64_t before,
                                                uint64_t now, uint64_t bytes);
/* Around a call that writes at most so many bytes. */
PERDURE_FLIPS_API void __perdure_flips_before(const void *p, uint64_t bytes);
PERDURE_FLIPS_API void __perdure_flips_after(struct perdure_flips_site *site,
                                             const void *p, uint64_t bytes);
/* The same, of a call that has written just as many. */
PERDURE_FLIPS_API void __perdure_flips_wrote(struct perdure_flips_site *site,
                                             const void *p, uint64_t bytes);
/* A read. */
PERDURE_FLIPS_API void __perdure_flips_load(const void *p, uint64_t bytes);
/* The lines of these bytes are asked to the medium. */
PERDURE_FLIPS_API void __perdure_flips_flush(const void *p, uint64_t bytes);
/* Before the object that holds p is closed, whose lines go to the medium; or, where
   none does, before a store is: those of all objects. */
PERDURE_FLIPS_API void __perdure_flips_close(const void *p);
/* Before the runtime gives these addresses of an object up. */
PERDURE_FLIPS_API void __perdure_flips_unmap(const void *p, uint64_t bytes);

/* By a constructor of each module that the machine pass counts: where this
   thread keeps the address of the profiler's stack. */
PERDURE_FLIPS_API void __perdure_flips_start(uint64_t version, void **stack);
/* Where threads keep the end of before they have a stack of their own. */
extern PERDURE_FLIPS_API char __perdure_flips_bootstrap[1 << 16];
/* Nothing but the machine pass's sequence may call this: machine_entry.cpp. */
PERDURE_FLIPS_API void __perdure_flips_event_v1(void);

#ifdef __cplusplus
}
#endif

#endif /* PERDURE_RUNTIME_FLIPS_FLIPS_H */
