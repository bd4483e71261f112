/*===- twins.h - What the members of the entry archive share --------------===*\
|*
|* Compiled by clang, once per slot size: SLOT_BITS.
|*
\*===----------------------------------------------------------------------===*/
#ifndef PERDURE_RUNTIME_ENTRY_TWINS_H
#define PERDURE_RUNTIME_ENTRY_TWINS_H

#include "entry/entry.h"
#include "platform/pointer_format.h"

#include <stddef.h>

#define HIDDEN __attribute__((visibility("hidden")))
#define COLD HIDDEN __attribute__((preserve_most, noinline, cold))

extern HIDDEN struct perdure_window __perdure_window;

static inline int inWindow(const void *P) {
  return (uintptr_t)P - __perdure_window.base < __perdure_window.bytes;
}

static inline uint64_t baseOf(const void *P) {
  return perdureBaseOf((uint64_t)P, SLOT_BITS);
}

static inline int inOneSlot(const void *A, const void *B) {
  return ((uint64_t)A ^ (uint64_t)B) < perdureSlotBytes(SLOT_BITS);
}

COLD void *__perdure_decode_cold(uint64_t Bits, const void *Container);
COLD uint64_t __perdure_encode_cold(const void *P, const void *Container,
                                    const char *Where);
COLD uint64_t __perdure_reencode_cold(uint64_t Bits, const void *From,
                                      const void *To, const char *Where);

/* The twins of an encoding, and cold entries that do the same. */
#define DECLARE_TWINS(Name)                                                    \
  HIDDEN void *__perdure_decode_##Name(uint64_t Bits, const void *Container);  \
  HIDDEN uint64_t __perdure_encode_##Name(                                     \
      const void *P, const void *Container, const char *Where);                \
  HIDDEN uint64_t __perdure_reencode_##Name(uint64_t Bits, const void *From,   \
                                            const void *To, const char *Where)
#define DEFINE_COLD(Name)                                                      \
  COLD void *__perdure_decode_##Name##_cold(uint64_t, const void *);           \
  void *__perdure_decode_##Name##_cold(uint64_t Bits, const void *Container) { \
    return __perdure_decode_##Name(Bits, Container);                           \
  }                                                                            \
  COLD uint64_t __perdure_encode_##Name##_cold(const void *, const void *,     \
                                               const char *);                  \
  uint64_t __perdure_encode_##Name##_cold(                                     \
      const void *P, const void *Container, const char *Where) {               \
    return __perdure_encode_##Name(P, Container, Where);                       \
  }                                                                            \
  COLD uint64_t __perdure_reencode_##Name##_cold(uint64_t, const void *,       \
                                                 const void *, const char *);  \
  uint64_t __perdure_reencode_##Name##_cold(                                   \
      uint64_t Bits, const void *From, const void *To, const char *Where) {    \
    return __perdure_reencode_##Name(Bits, From, To, Where);                   \
  }

DECLARE_TWINS(object);

#endif /* PERDURE_RUNTIME_ENTRY_TWINS_H */
